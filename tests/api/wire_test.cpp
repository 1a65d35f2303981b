#include "tests/api/harness.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include <fstream>

/// The ordinary life of a client: every method once, batches, notifications, subscriptions.

namespace crossclear::api::test {
namespace {

using ::testing::HasSubstr;
namespace json = boost::json;

// Where asked for, every frame is kept, to be checked against docs/asyncapi.yaml.
void keep_frames(const Peer& peer) {
    const char* file = std::getenv("CROSSCLEAR_KEEP_FRAMES");
    if (file == nullptr) return;
    std::ofstream out{file, std::ios::app};
    for (const auto& frame : peer.frames) out << frame << '\n';
}

TEST(Wire, AnswersEveryMethod) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    const std::vector<std::pair<std::string, std::string>> calls{
        {"public/hello", R"({"client":"test"})"},
        {"public/ping", "{}"},
        {"public/get_time", "{}"},
        {"public/set_heartbeat", R"({"interval_ms":30000})"},
        {"public/get_instruments", "{}"},
        {"public/get_shards", "{}"},
        {"public/get_brokers", "{}"},
        {"public/subscribe", R"({"channels":["marks.sBTC","shards.health"]})"},
        {"public/unsubscribe", R"({"channels":["marks.sBTC"]})"},
        {"private/submit_trade", trade_params()},
        {"private/preview_trade",
         R"({"account":"0-17","instrument":"sBTC","side":"sell","quantity":"0.1"})"},
        {"private/get_account", R"({"account":"0-17"})"},
        {"private/get_positions", R"({"account":"0-17"})"},
        {"private/get_margin", R"({"account":"0-17"})"},
        {"private/get_trade", R"({"trade_id":"0-17-t7"})"},
        {"private/get_trades", R"({"account":"0-17","before":9,"count":2})"},
        {"private/get_settlement", R"({"trade_id":"0-17-t7"})"},
        {"private/get_settlements", R"({"account":"0-17"})"},
        {"private/withdraw",
         R"({"account":"0-17","asset":"sBTC","amount":"0.5","shard":"synthetix",)"
         R"("destination":"0xabc","client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZZ"})"},
        {"private/cancel_withdrawal", R"({"account":"0-17","withdrawal_id":"0-17-w3",)"
                                      R"("client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZZ"})"},
        {"private/get_withdrawals", R"({"account":"0-17"})"},
        {"private/transfer", R"({"account":"0-17","to_account":"0-18","asset":"sBTC",)"
                             R"("amount":"0.5","client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZZ"})"},
        {"private/get_transfers", R"({"account":"0-17"})"},
        {"private/subscribe",
         R"({"channels":["account.0-17.trades"],"from_seq":{"account.0-17.trades":5}})"},
        {"private/unsubscribe", R"({"channels":["account.0-17.trades"]})"},
        {"venue/submit_matched_trade",
         R"({"buyer":"0-17","seller":"0-18","instrument":"sBTC","quantity":"0.5",)"
         R"("price":"60000.5","client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZZ"})"},
        {"oracle/publish_marks", R"({"marks":[{"asset":"sBTC","price":"60000.5"}],"time":5})"},
        {"operator/get_breaks", "{}"},
        {"operator/reconcile", R"({"shard":"synthetix"})"},
        {"operator/resolve_break",
         R"({"break":"0/synthetix/sBTC/9","resolution":"borne","reason":"paid back",)"
         R"("client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZZ"})"},
        {"operator/pause_shard",
         R"({"shard":"synthetix","client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZZ"})"},
        {"operator/resume_shard",
         R"({"shard":"synthetix","client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZY"})"},
        {"operator/resume_lane",
         R"({"broker":0,"shard":"synthetix","reason":"the key is ours alone again",)"
         R"("client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZX"})"},
        {"operator/get_partitions", "{}"},
        {"operator/get_nodes", "{}"},
        {"operator/get_houses", "{}"},
        {"operator/get_expiries", "{}"},
        {"operator/propose_price",
         R"({"instrument":"sBTC","price":"0","client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZZ"})"},
        {"operator/dispute_price", R"({"instrument":"sBTC","reason":"it ended otherwise",)"
                                   R"("client_id":"01J9ZZZZZZZZZZZZZZZZZZZZZY"})"},
        {"private/logout", "{}"},
    };
    EXPECT_EQ(calls.size() + 1, method_table().size());  // and public/auth
    EXPECT_TRUE(
        harness.call(*peer, "oracle/publish_marks", R"({"marks":[{"asset":"sBTC","price":"0"}]})")
            .is_result())
        << "zero is a price";
    EXPECT_TRUE(
        harness
            .call(*peer, "oracle/publish_marks", R"({"indices":[{"asset":"sBTC","index":"1.04"}]})")
            .is_result());
    EXPECT_TRUE(
        harness
            .call(*peer, "oracle/publish_marks", R"({"funding":[{"asset":"sBTC","index":"-1.5"}]})")
            .is_result())
        << "funding has a sign";
    EXPECT_FALSE(
        harness.call(*peer, "oracle/publish_marks", R"({"indices":[{"asset":"sBTC","index":"0"}]})")
            .is_result())
        << "zero is no index";
    EXPECT_FALSE(harness.call(*peer, "oracle/publish_marks", "{}").is_result());
    for (const auto& [method, params] : calls) {
        const auto reply = harness.call(*peer, method, params);
        EXPECT_TRUE(reply.is_result()) << method << json::serialize(reply.value);
    }
    keep_frames(*peer);
}

TEST(Wire, SubmitsATradeAndNamesIt) {
    Harness harness{{}, FakeGateway::Mode::from_a_thread};
    const auto peer = harness.connect_and_log_in();
    const auto reply =
        harness.call(*peer, "private/submit_trade", trade_params("side", "\"sell\""));
    EXPECT_EQ(json::serialize(reply.value),
              R"({"trade_id":"0-17-t7","state":"novated","price":"60000.5","fee":"1.25",)"
              R"("sequence":42})");
    const auto asked = harness.gateway.asked();
    ASSERT_EQ(asked.size(), 1U);
    const auto& trade = std::get<actors::SubmitTrade>(asked.front());
    EXPECT_EQ(trade.quantity, base::Amount{-150'000'000});
    EXPECT_EQ(trade.limit, base::Price{61'000'000'000'000});
    EXPECT_EQ(base::to_string(trade.id), "01980000-0000-7000-8000-000000000001");
}

TEST(Wire, StampsRepliesAndTellsTheCreditLeft) {
    Harness harness;
    const auto peer = harness.connect();
    const auto reply =
        harness.exchange(*peer, R"({"jsonrpc":"2.0","id":"a\"b","method":"public/ping"})");
    EXPECT_EQ(reply.at("id").as_string(), "a\"b");
    EXPECT_EQ(reply.at("usDiff").as_int64(),
              reply.at("usOut").as_int64() - reply.at("usIn").as_int64());
    EXPECT_GT(reply.at("credits").as_int64(), 0);
}

TEST(Wire, GathersABatchAndLeavesOutNotifications) {
    Harness harness{{}, FakeGateway::Mode::when_released};
    const auto peer = harness.connect_and_log_in();
    const auto seen = peer->frames.size();
    peer->client->send_raw(R"([{"jsonrpc":"2.0","id":1,"method":"public/ping"},)"
                           R"({"jsonrpc":"2.0","method":"public/ping"},)"
                           R"({"jsonrpc":"2.0","id":2,"method":"private/get_margin",)"
                           R"("params":{"account":"0-17"}},)"
                           R"({"jsonrpc":"2.0","id":3,"method":"no/such"},7])");
    harness.await([&] { return harness.gateway.held() == 1; }, "the question");
    EXPECT_EQ(peer->frames.size(), seen);
    harness.gateway.release();
    harness.await([&] { return peer->frames.size() > seen; }, "the batch");
    const auto replies = json::parse(peer->frames.back()).as_array();
    ASSERT_EQ(replies.size(), 4U);
    EXPECT_EQ(replies[0].at("id").as_int64(), 1);
    EXPECT_EQ(replies[1].at("error").at("code").as_int64(), -32601);
    EXPECT_EQ(replies[2].at("error").at("code").as_int64(), -32600);
    EXPECT_EQ(replies[3].at("id").as_int64(), 2);
    keep_frames(*peer);
}

TEST(Wire, ABatchOfNotificationsGetsNoFrame) {
    Harness harness;
    const auto peer = harness.connect();
    peer->client->send_raw(R"([{"jsonrpc":"2.0","method":"public/ping"}])");
    peer->client->send_raw(R"({"jsonrpc":"2.0","method":"no/such"})");
    harness.expect_alive(*peer);
    EXPECT_EQ(peer->frames.size(), 1U);
}

TEST(Wire, AnswersInTheOrderTheNodeIsDone) {
    Harness harness{{}, FakeGateway::Mode::when_released};
    const auto peer = harness.connect_and_log_in();
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) {
        peer->client->call("private/get_margin", R"({"account":"0-17"})",
                           [&order, i](const ClientReply&) { order.push_back(i); });
    }
    harness.await([&] { return harness.gateway.held() == 100; });
    harness.gateway.release();
    harness.await([&] { return order.size() == 100; });
    EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
}

TEST(Wire, FollowsChannelsAndIsToldWhichAreRefused) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    const auto reply = harness.call(
        *peer, "private/subscribe",
        R"({"channels":["account.0-17.trades","account.0-18.trades","marks.BTC-PERP"]})");
    ASSERT_TRUE(reply.is_result());
    EXPECT_EQ(json::serialize(reply.value.at("channels")),
              R"(["account.0-17.trades","marks.BTC-PERP"])");
    EXPECT_EQ(reply.value.at("refused").at(0).at("code").as_int64(), 13011);

    const auto only =
        harness.call(*peer, "private/subscribe", R"({"channels":["account.0-19.margin"]})");
    EXPECT_EQ(only.code, 13011);

    const actors::Channel trades{
        .kind = actors::Channel::Kind::trades, .account = {17}, .asset = {}};
    harness.gateway.publish(
        {.channel = trades,
         .sequence = 8,
         .previous = 0,
         .is_snapshot = true,
         .body = std::get<actors::TradesView>(agreeable(actors::GetTrades{.account = {17}}))});
    harness.gateway.publish(
        {.channel = {.kind = actors::Channel::Kind::marks, .account = {}, .asset = {2}},
         .sequence = 3,
         .previous = 2,
         .is_snapshot = false,
         .body =
             std::vector<actors::MarkView>{{.asset = {2}, .price = {1'500'000'000}, .at = {77}}}});
    harness.await([&] { return peer->notifications.size() == 2; });
    const auto& first = peer->notifications[0].at("params");
    EXPECT_EQ(first.at("channel").as_string(), "account.0-17.trades");
    EXPECT_EQ(first.at("seq").as_int64(), 8);
    EXPECT_TRUE(first.at("is_snapshot").as_bool());
    EXPECT_EQ(first.at("data").at("trades").as_array().size(), 2U);
    EXPECT_EQ(json::serialize(peer->notifications[1].at("params").at("data")),
              R"({"marks":[{"asset":"BTC-PERP","price":"1.5","time":77}]})");
    keep_frames(*peer);
}

TEST(Wire, ALogoutEndsPrivateSubscriptionsAndTheToken) {
    Harness harness;
    const auto peer = harness.connect();
    const auto login = harness.log_in(*peer);
    const std::string token{login.value.at("refresh_token").as_string()};
    ASSERT_TRUE(harness
                    .call(*peer, "private/subscribe",
                          R"({"channels":["account.0-17.margin","marks.sBTC"]})")
                    .is_result());
    ASSERT_TRUE(harness.call(*peer, "private/logout").is_result());
    EXPECT_EQ(harness.gateway.left().size(), 1U);
    EXPECT_EQ(harness.call(*peer, "private/get_account", R"({"account":"0-17"})").code, 10000);
    EXPECT_EQ(harness
                  .call(*peer, "public/auth",
                        R"({"grant_type":"refresh_token","refresh_token":")" + token + "\"}")
                  .code,
              13009);
}

TEST(Wire, AnotherKeyOnTheSameSocketDoesNotSeeWhatTheFirstFollowed) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    ASSERT_TRUE(harness.call(*peer, "private/subscribe", R"({"channels":["account.0-17.margin"]})")
                    .is_result());
    ASSERT_TRUE(harness.log_in(*peer, "demo:0-18").is_result());
    EXPECT_EQ(harness.gateway.left().size(), 1U);
}

TEST(Wire, ARefreshTokenWorksOnce) {
    Harness harness;
    const auto first = harness.connect();
    const auto login = harness.log_in(*first);
    const std::string params = R"({"grant_type":"refresh_token","refresh_token":")" +
                               std::string{login.value.at("refresh_token").as_string()} + "\"}";
    const auto second = harness.connect();
    const auto renewed = harness.call(*second, "public/auth", params);
    ASSERT_TRUE(renewed.is_result());
    EXPECT_NE(renewed.value.at("refresh_token"), login.value.at("refresh_token"));
    EXPECT_TRUE(harness.call(*second, "private/get_account", R"({"account":"0-17"})").is_result());
    EXPECT_EQ(harness.call(*first, "public/auth", params).code, 13009);
}

TEST(Wire, SaysGoodbyeWith1012WhenItStops) {
    Harness harness;
    const auto peer = harness.connect();
    std::thread stopping{[&] { harness.server->stop(base::seconds(10)); }};
    harness.await([&] { return peer->close_code != 0; });
    stopping.join();
    EXPECT_EQ(peer->close_code, 1012);
}

TEST(Wire, TheNodeMayEndASession) {
    Harness harness;
    const auto peer = harness.connect();
    // A client is connected a moment before the node knows of its session; an answer proves both.
    harness.expect_alive(*peer);
    harness.gateway.close_all(4403);
    harness.await([&] { return peer->close_code != 0; });
    EXPECT_EQ(peer->close_code, 4403);
    EXPECT_EQ(peer->close_reason, "by the node");
}

TEST(Wire, RefusalsOfTheNodeKeepTheirNumberAndNameTheCommand) {
    Harness harness;
    harness.gateway.answer = [](const actors::Request&) -> actors::Answer {
        return actors::Refusal{
            .code = 11032, .reason = "append_unknown", .hint = "repeat it", .retryable = true};
    };
    const auto peer = harness.connect_and_log_in();
    const auto reply = harness.call(*peer, "private/submit_trade", trade_params());
    EXPECT_EQ(reply.code, 11032);
    EXPECT_EQ(json::serialize(reply.value.at("data")),
              R"({"reason":"append_unknown","retryable":true,"expected":"repeat it",)"
              R"("client_id":"01980000-0000-7000-8000-000000000001"})");
    keep_frames(*peer);
}

TEST(Wire, CountsWhatItDoes) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    harness.expect_alive(*peer);
    harness.call(*peer, "no/such");
    const auto text = harness.registry.scrape();
    EXPECT_THAT(text, HasSubstr("crossclear_ws_connections 1\n"));
    EXPECT_THAT(text,
                HasSubstr("crossclear_rpc_requests_total{code=\"ok\",method=\"public/ping\"} 1\n"));
    EXPECT_THAT(text,
                HasSubstr("crossclear_rpc_requests_total{code=\"-32601\",method=\"unknown\"} 1\n"));
    EXPECT_THAT(
        text,
        HasSubstr("crossclear_auth_attempts_total{grant=\"client_signature\",result=\"ok\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("crossclear_rpc_inflight 0\n"));
}

}  // namespace
}  // namespace crossclear::api::test
