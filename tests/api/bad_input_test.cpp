#include "tests/api/harness.hpp"

#include <gmock/gmock.h>

#include <map>

/// What a client may do wrong, what it is told, and that nobody else notices.

namespace crossclear::api::test {
namespace {

namespace json = boost::json;

struct BadFrame {
    const char* name;
    std::string text;
    int code;
    std::string reason;
};

class BadFrames : public ::testing::TestWithParam<BadFrame> {};

TEST_P(BadFrames, AreAnsweredAndCostNothingElse) {
    Harness harness;
    const auto other = harness.connect();
    const auto peer = harness.connect();
    const auto reply = harness.exchange(*peer, GetParam().text);
    EXPECT_EQ(reply.at("error").at("code").as_int64(), GetParam().code) << json::serialize(reply);
    EXPECT_EQ(reason_in(reply.at("error")), GetParam().reason);
    harness.expect_alive(*peer);
    harness.expect_alive(*other);
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }
std::string wide() {
    std::string text = R"({"jsonrpc":"2.0","id":1,"method":"public/ping","params":{)";
    for (int i = 0; i < 100; ++i) text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
    return text + "}}";
}
std::string long_batch() {
    std::string text = "[";
    for (int i = 0; i < 65; ++i)
        text += (i ? "," : "") + std::string{R"({"jsonrpc":"2.0","id":1,"method":"public/ping"})"};
    return text + "]";
}

INSTANTIATE_TEST_SUITE_P(
    Wire, BadFrames,
    ::testing::Values(
        BadFrame{"NotJson", "hello", -32700, "not_json"},
        BadFrame{"Empty", " ", -32700, "not_json"},
        BadFrame{"CutOff", R"({"jsonrpc":"2.0","id":1)", -32700, "not_json"},
        BadFrame{"TwoTexts", "{} {}", -32700, "not_json"},
        BadFrame{"TooDeep", nested(40), -32600, "too_deep"},
        BadFrame{"TooWide", wide(), -32600, "too_many_keys"},
        BadFrame{"EmptyBatch", "[]", -32600, "batch_empty"},
        BadFrame{"LongBatch", long_batch(), -32600, "batch_too_large"},
        BadFrame{"NoObject", "7", -32600, "not_an_object"},
        BadFrame{"NoVersion", R"({"id":1,"method":"public/ping"})", -32600, "wrong_version"},
        BadFrame{"NoMethod", R"({"jsonrpc":"2.0","id":1})", -32600, "no_method"},
        BadFrame{"UnknownMember", R"({"jsonrpc":"2.0","id":1,"method":"public/ping","x":1})",
                 -32600, "unknown_member"},
        BadFrame{"LongId", R"({"jsonrpc":"2.0","id":99999999999999999999,"method":"public/ping"})",
                 -32600, "bad_id"},
        BadFrame{"FractionId", R"({"jsonrpc":"2.0","id":1.5,"method":"public/ping"})", -32600,
                 "bad_id"},
        BadFrame{"PositionalParams",
                 R"({"jsonrpc":"2.0","id":1,"method":"public/ping","params":[]})", -32602,
                 "params_not_named"},
        BadFrame{"UnknownMethod", R"({"jsonrpc":"2.0","id":1,"method":"public/pong"})", -32601,
                 "unknown_method"},
        BadFrame{"UnknownField",
                 R"({"jsonrpc":"2.0","id":1,"method":"public/ping","params":{"a":1}})", -32602,
                 "unknown_field"},
        BadFrame{"WithoutLogin", R"({"jsonrpc":"2.0","id":1,"method":"private/get_account"})",
                 10000, "not_authenticated"},
        BadFrame{"DuplicateKey",
                 R"({"jsonrpc":"2.0","id":1,"method":"public/ping","params":{"a":1,"a":2}})",
                 -32600, "duplicate_key"},
        BadFrame{"DuplicateKeyByEscape",
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"i\\u0064\":2,\"method\":\"public/ping\"}", -32600,
                 "duplicate_key"}),
    [](const auto& each) { return each.param.name; });

TEST(BadInput, ADuplicateKeyIsAnsweredUnderTheIdWhereThatIsCertain) {
    Harness harness;
    const auto peer = harness.connect();
    const auto certain = harness.exchange(
        *peer, R"({"jsonrpc":"2.0","id":5,"method":"public/ping","params":{"a":1,"a":2}})");
    EXPECT_EQ(certain.at("id").as_int64(), 5);
    EXPECT_EQ(certain.at("error").at("data").at("field").as_string(), "a");
    const auto uncertain =
        harness.exchange(*peer, R"({"jsonrpc":"2.0","id":5,"id":6,"method":"public/ping"})");
    EXPECT_TRUE(uncertain.at("id").is_null());
}

// Goal: what is shown of a long name is cut between two characters. A half one would be no UTF-8,
// and the peer would close.
TEST(BadInput, ALongNameIsShownInWholeCharacters) {
    Harness harness;
    const auto peer = harness.connect();
    std::string name = "a";
    for (int i = 0; i < 40; ++i) name += "\u00e9";
    const auto start = name.substr(0, 63);
    const auto field_of = [&](const std::string& frame) {
        return harness.exchange(*peer, frame).at("error").at("data").at("field").as_string();
    };
    const std::string request = R"({"jsonrpc":"2.0","id":1,"method":"public/ping",)";
    EXPECT_EQ(field_of(request + '"' + name + R"(":1})"), start);
    EXPECT_EQ(field_of(request + R"("params":{")" + name + R"(":1}})"), start);
    EXPECT_EQ(field_of(request + R"("params":{")" + name + R"(":1,")" + name + R"(":2}})"), start);
}

struct BadParam {
    const char* name;
    const char* field;
    std::string json;
    int code;
    std::string reason;
};

class BadTrades : public ::testing::TestWithParam<BadParam> {};

TEST_P(BadTrades, AreRefusedByFieldAndNeverReachAnAccount) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    const auto& bad = GetParam();
    const auto reply =
        harness.call(*peer, "private/submit_trade", trade_params(bad.field, bad.json));
    EXPECT_EQ(reply.code, bad.code) << json::serialize(reply.value);
    EXPECT_EQ(reason_in(reply.value), bad.reason);
    EXPECT_EQ(reply.value.at("data").at("field").as_string(), bad.field);
    EXPECT_TRUE(harness.gateway.asked().empty());
    EXPECT_TRUE(harness.call(*peer, "private/submit_trade", trade_params()).is_result());
}

INSTANTIATE_TEST_SUITE_P(
    Wire, BadTrades,
    ::testing::Values(
        BadParam{"ZeroQuantity", "quantity", R"("0")", 11012, "amount_zero"},
        BadParam{"ZeroWithDecimals", "quantity", R"("0.000")", 11012, "amount_zero"},
        BadParam{"NegativeQuantity", "quantity", R"("-1")", 11012, "amount_negative"},
        BadParam{"HugeQuantity", "quantity", R"("999999999999999999999")", 11012,
                 "amount_too_large"},
        BadParam{"OverPrecise", "quantity", R"("1.123456789")", 11012, "amount_over_precise"},
        BadParam{"Exponent", "quantity", R"("1e3")", 11012, "amount_malformed"},
        BadParam{"Plus", "quantity", R"("+1")", 11012, "amount_malformed"},
        BadParam{"LeadingZero", "quantity", R"("01")", 11012, "amount_malformed"},
        BadParam{"EmptyQuantity", "quantity", R"("")", 11012, "amount_malformed"},
        BadParam{"NumberQuantity", "quantity", "1.5", -32602, "wrong_type"},
        BadParam{"LongQuantity", "quantity", "99999999999999999999", -32602, "wrong_type"},
        BadParam{"NoQuantity", "quantity", "absent", -32602, "missing_field"},
        BadParam{"ZeroPrice", "limit_price", R"("0")", 11012, "amount_zero"},
        BadParam{"NullPrice", "limit_price", "null", -32602, "wrong_type"},
        BadParam{"UnknownInstrument", "instrument", R"("DOGE")", -32602, "unknown_instrument"},
        BadParam{"MalformedAccount", "account", R"("17")", -32602, "malformed_account"},
        BadParam{"LeadingZeroAccount", "account", R"("0-017")", -32602, "malformed_account"},
        BadParam{"WrongSide", "side", R"("long")", -32602, "unknown_side"},
        BadParam{"WrongTime", "time_in_force", R"("gtc")", -32602, "unknown_time_in_force"},
        BadParam{"MalformedId", "client_id", R"("abc")", -32602, "malformed_client_id"},
        BadParam{"Version4Id", "client_id", R"("01980000-0000-4000-8000-000000000001")", -32602,
                 "malformed_client_id"},
        BadParam{"ObjectId", "client_id", "{}", -32602, "wrong_type"},
        BadParam{"UnknownField", "leverage", "5", -32602, "unknown_field"}),
    [](const auto& each) { return each.param.name; });

const Fields& fields_of(std::string_view method) {
    static const std::map<std::string_view, Fields> fields{
        {"private/withdraw",
         {{"account", R"("0-17")"},
          {"asset", R"("USDC")"},
          {"amount", R"("1.5")"},
          {"shard", R"("synthetix")"},
          {"destination", R"("0xabc")"},
          {"client_id", R"("01980000-0000-7000-8000-000000000001")"}}},
        {"private/transfer",
         {{"account", R"("0-17")"},
          {"to_account", R"("0-18")"},
          {"asset", R"("USDC")"},
          {"amount", R"("1.5")"},
          {"client_id", R"("01980000-0000-7000-8000-000000000001")"}}},
        {"venue/submit_matched_trade",
         {{"buyer", R"("0-17")"},
          {"seller", R"("0-18")"},
          {"instrument", R"("sBTC")"},
          {"quantity", R"("1.5")"},
          {"price", R"("60000")"},
          {"client_id", R"("01980000-0000-7000-8000-000000000001")"}}},
        {"operator/resume_lane",
         {{"broker", "0"},
          {"shard", R"("synthetix")"},
          {"reason", R"("the signer is mended")"},
          {"client_id", R"("01980000-0000-7000-8000-000000000001")"}}}};
    return fields.at(method);
}

struct AmountField {
    const char* name;
    const char* method;
    const char* field;
    const char* over_precise;  ///< One decimal more than the scale has.
    const char* largest;       ///< The most that 64 bits hold at this scale.
    const char* too_large;     ///< One minor unit more.
};

class BadAmounts : public ::testing::TestWithParam<AmountField> {};

TEST_P(BadAmounts, AreRefusedByFieldAndNeverReachAnAccount) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    const auto& [name, method, field, over_precise, largest, too_large] = GetParam();
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"("0")", "amount_zero"},
        {R"("0.0000")", "amount_zero"},
        {R"("-1")", "amount_negative"},
        {R"("-0.000001")", "amount_negative"},
        {std::string{'"'} + too_large + '"', "amount_too_large"},
        {R"("999999999999999999999")", "amount_too_large"},
        {std::string{'"'} + over_precise + '"', "amount_over_precise"},
        {R"("1e3")", "amount_malformed"},
        {R"("")", "amount_malformed"}};
    for (const auto& [json, reason] : cases) {
        const auto reply = harness.call(*peer, method, params_of(fields_of(method), field, json));
        ASSERT_EQ(reply.code, 11012) << json << json::serialize(reply.value);
        const auto& data = reply.value.at("data");
        EXPECT_EQ(data.at("reason").as_string(), reason) << json;
        EXPECT_EQ(data.at("field").as_string(), field) << json;
        EXPECT_EQ(data.at("client_id").as_string(), "01980000-0000-7000-8000-000000000001");
    }
    for (const char* json : {"1.5", "-1", "99999999999999999999", "null", "[\"1\"]"}) {
        const auto reply = harness.call(*peer, method, params_of(fields_of(method), field, json));
        ASSERT_EQ(reply.code, -32602) << json;
        EXPECT_EQ(reason_in(reply.value), "wrong_type") << json;
    }
    EXPECT_TRUE(harness.gateway.asked().empty());
    // The largest that fits is for the account to judge.
    const auto most = std::string{'"'} + largest + '"';
    EXPECT_TRUE(harness.call(*peer, method, params_of(fields_of(method), field, most)).is_result());
    EXPECT_EQ(harness.gateway.asked().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Wire, BadAmounts,
    ::testing::Values(AmountField{"Withdrawal", "private/withdraw", "amount", "1.1234567",
                                  "9223372036854.775807", "9223372036854.775808"},
                      AmountField{"Transfer", "private/transfer", "amount", "1.1234567",
                                  "9223372036854.775807", "9223372036854.775808"},
                      AmountField{"MatchedQuantity", "venue/submit_matched_trade", "quantity",
                                  "1.123456789", "92233720368.54775807", "92233720368.54775808"},
                      AmountField{"MatchedPrice", "venue/submit_matched_trade", "price",
                                  "1.1234567891", "9223372036.854775807", "9223372036.854775808"}),
    [](const auto& each) { return each.param.name; });

TEST(BadInput, WhatIsNotListedIsUnknownAndTextsHaveALength) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    const auto of_size = [](std::size_t size) { return '"' + std::string(size, 'x') + '"'; };
    struct Case {
        const char* method;
        const char* field;
        std::string json;
        const char* reason;
    };
    const std::vector<Case> cases{
        {"private/withdraw", "asset", R"("DOGE")", "unknown_asset"},
        {"private/withdraw", "asset", R"("usdc")", "unknown_asset"},
        {"private/withdraw", "asset", of_size(32), "unknown_asset"},
        {"private/withdraw", "asset", of_size(33), "wrong_length"},
        {"private/withdraw", "asset", R"("")", "wrong_length"},
        {"private/withdraw", "shard", R"("solana")", "unknown_shard"},
        {"private/withdraw", "shard", of_size(33), "wrong_length"},
        {"private/withdraw", "destination", R"("")", "wrong_length"},
        {"private/withdraw", "destination", of_size(129), "wrong_length"},
        {"private/withdraw", "client_id", of_size(65), "wrong_length"},
        {"private/withdraw", "account", of_size(33), "wrong_length"},
        {"private/transfer", "asset", R"("DOGE")", "unknown_asset"},
        {"private/transfer", "to_account", R"("18")", "malformed_account"},
        {"private/transfer", "to_account", of_size(33), "wrong_length"},
        {"venue/submit_matched_trade", "instrument", R"("DOGE")", "unknown_instrument"},
        {"venue/submit_matched_trade", "instrument", of_size(33), "wrong_length"},
        {"venue/submit_matched_trade", "seller", R"("0-018")", "malformed_account"},
        {"operator/resume_lane", "broker", "-1", "out_of_range"},
        {"operator/resume_lane", "broker", "65536", "out_of_range"},
        {"operator/resume_lane", "broker", R"("0")", "wrong_type"},
        {"operator/resume_lane", "shard", R"("solana")", "unknown_shard"},
        {"operator/resume_lane", "reason", R"("")", "wrong_length"},
        {"operator/resume_lane", "reason", of_size(257), "wrong_length"},
        {"operator/resume_lane", "client_id", R"("7")", "malformed_client_id"},
    };
    for (const auto& [method, field, json, reason] : cases) {
        const auto reply = harness.call(*peer, method, params_of(fields_of(method), field, json));
        ASSERT_EQ(reply.code, -32602) << method << field << json;
        EXPECT_EQ(reason_in(reply.value), reason) << method << field << json;
        EXPECT_EQ(reply.value.at("data").at("field").as_string(), field) << json;
    }
    for (const char* method : {"operator/pause_shard", "operator/resume_shard"}) {
        const auto reply = harness.call(
            *peer, method,
            R"({"shard":"solana","client_id":"01980000-0000-7000-8000-000000000001"})");
        EXPECT_EQ(reason_in(reply.value), "unknown_shard") << method;
    }
    EXPECT_TRUE(harness.gateway.asked().empty());
    const auto longest = params_of(fields_of("private/withdraw"), "destination", of_size(128));
    EXPECT_TRUE(harness.call(*peer, "private/withdraw", longest).is_result());
}

TEST(BadInput, IntegersAreNeverRoundedIntoRange) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    for (const char* before : {"9223372036854775808", "1e3", "1.0", "-1", "\"9\""}) {
        const auto reply =
            harness.call(*peer, "private/get_trades",
                         R"({"account":"0-17","before":)" + std::string{before} + "}");
        EXPECT_EQ(reply.code, -32602) << before;
    }
}

TEST(BadInput, OtherMethodsNameTheirFieldsToo) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    const std::vector<std::array<std::string, 3>> cases{
        {"private/get_trade", R"({"trade_id":"0-17-t0"})", "malformed_trade_id"},
        {"private/get_trade", R"({"trade_id":"0-17-t99"})", "unknown_trade"},
        {"private/get_trades", R"({"account":"0-17","count":101})", "out_of_range"},
        {"public/set_heartbeat", R"({"interval_ms":1})", "out_of_range"},
        {"public/subscribe", R"({"channels":[]})", "wrong_count"},
        {"public/subscribe", R"({"channels":["marks.DOGE"]})", "unknown_channel"},
        {"public/subscribe", R"({"channels":["account.0-17.trades"]})", "private_channel"},
        {"public/subscribe", R"({"channels":["marks.sBTC","marks.sBTC"]})", "repeated_channel"},
        {"public/subscribe", R"({"channels":["shards.health"],"from_seq":{"marks.sBTC":1}})",
         "unknown_channel"},
        {"public/subscribe", R"({"channels":["marks.sBTC"],"from_seq":{"marks.sBTC":"1"}})",
         "wrong_type"},
        {"oracle/publish_marks", R"({"marks":[{"asset":"sBTC","price":"-1"}]})", "amount_negative"},
        {"oracle/publish_marks", R"({"marks":[{"asset":"DOGE","price":"1"}]})", "unknown_asset"},
        {"operator/reconcile", R"({"shard":"solana"})", "unknown_shard"},
        {"oracle/publish_marks", R"({"marks":[{"asset":"sBTC","price":"1","x":1}]})",
         "unknown_field"},
        {"public/auth", R"({"grant_type":"password"})", "unknown_grant"},
    };
    for (const auto& [method, params, reason] : cases) {
        const auto reply = harness.call(*peer, method, params);
        ASSERT_FALSE(reply.is_result()) << method << params;
        EXPECT_EQ(reason_in(reply.value), reason) << method << params;
    }
}

TEST(BadInput, AWrongScopeIsTheNodesToRefuse) {
    Harness harness;
    harness.gateway.answer = [](const actors::Request&) -> actors::Answer {
        return actors::Refusal{
            .code = 13011, .reason = "wrong_scope", .hint = "", .retryable = false};
    };
    const auto peer = harness.connect_and_log_in();
    EXPECT_EQ(harness.call(*peer, "private/get_account", R"({"account":"0-18"})").code, 13011);
}

std::string login_params(base::Timestamp at, const std::string& nonce, const std::string& secret,
                         const std::string& id = key_id) {
    return R"({"grant_type":"client_signature","key_id":")" + id + R"(","timestamp":)" +
           std::to_string(at.us) + R"(,"nonce":")" + nonce + R"(","data":"d","signature":")" +
           sign_login(secret, at, nonce, "d") + "\"}";
}

TEST(BadLogins, ExpiredForgedReplayedAndUnknownAreRefused) {
    Harness harness;
    const auto peer = harness.connect();
    const auto secret = demo_secret(master, key_id);
    const auto now = base::wall_clock_now();
    const auto refusal = [&](const std::string& params) {
        const auto reply = harness.call(*peer, "public/auth", params);
        EXPECT_EQ(reply.code, 13009) << params;
        return reply.is_result() ? "accepted" : reason_in(reply.value);
    };
    EXPECT_EQ(refusal(login_params(now - base::seconds(31), "nonce-01", secret)),
              "timestamp_outside_window");
    EXPECT_EQ(refusal(login_params(now + base::seconds(60), "nonce-01", secret)),
              "timestamp_outside_window");
    EXPECT_EQ(refusal(login_params(now, "nonce-01", "another secret")), "unknown_key_or_signature");
    EXPECT_EQ(refusal(login_params(now, "nonce-01", secret, "demo:0-5000")),
              "unknown_key_or_signature");
    EXPECT_EQ(refusal(login_params(now, "nonce-01", secret, "nobody")), "unknown_key_or_signature");
    EXPECT_TRUE(
        harness.call(*peer, "public/auth", login_params(now, "nonce-01", secret)).is_result());
    EXPECT_EQ(refusal(login_params(now, "nonce-01", secret)), "nonce_replayed");
    EXPECT_EQ(harness.call(*peer, "public/auth", login_params(now, "short", secret)).code, -32602);
}

}  // namespace
}  // namespace crossclear::api::test
