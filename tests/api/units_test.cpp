#include "api/channels.hpp"
#include "api/credits.hpp"
#include "api/errors.hpp"
#include "api/json.hpp"
#include "api/methods.hpp"
#include "api/outbox.hpp"
#include "tests/api/fake_gateway.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace crossclear::api {
namespace {

using ::testing::HasSubstr;

std::string read_file(const std::string& path) {
    std::ifstream file{std::string{CROSSCLEAR_SOURCE_DIR} + "/" + path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(Errors, TheirPageIsCurrent) {
    // Repair with: CROSSCLEAR_UPDATE_DOCS=1 crossclear_api_test --gtest_filter=Errors.*
    if (std::getenv("CROSSCLEAR_UPDATE_DOCS") != nullptr) {
        std::ofstream{std::string{CROSSCLEAR_SOURCE_DIR} + "/docs/errors.md"} << errors_markdown();
    }
    EXPECT_EQ(read_file("docs/errors.md"), errors_markdown());
}

TEST(Contract, NamesEveryMethodAndNoOther) {
    const auto contract = read_file("docs/asyncapi.yaml");
    std::size_t named = 0;
    for (std::size_t at = 0; (at = contract.find("\n          const: ", at)) != std::string::npos;
         ++at) {
        ++named;
    }
    for (const auto& method : method_table()) {
        EXPECT_THAT(contract, HasSubstr("const: " + std::string{method.name} + "\n"));
    }
    EXPECT_EQ(named, method_table().size());
}

TEST(Json, EscapesWhatMustBeAndNothingElse) {
    std::string out;
    append_json_string(out, std::string{"a\"\\\n\x01é/", 8});
    EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001é/\"");
    EXPECT_EQ(boost::json::parse(out).as_string(), (std::string{"a\"\\\n\x01é/", 8}));
}

// Goal: a client that sends a long name is told so in UTF-8. Half a character in the reply would
// make its reader close the socket.
TEST(Json, ShowsTheStartOfATextWithoutHalfACharacter) {
    EXPECT_EQ(start_of("abc", 3), "abc");
    EXPECT_EQ(start_of("abcd", 3), "abc");
    const std::string euros = "a\u20ac\u20ac";  // Of one byte, of three, and of three.
    EXPECT_EQ(start_of(euros, 7), euros);
    EXPECT_EQ(start_of(euros, 6), "a\u20ac");
    EXPECT_EQ(start_of(euros, 4), "a\u20ac");
    EXPECT_EQ(start_of(euros, 3), "a");
    EXPECT_EQ(start_of(euros, 0), "");
}

TEST(Json, FindsEqualKeysAtAnyDepthButNotInSiblings) {
    EXPECT_TRUE(parse_json(R"({"a":{"b":1},"c":{"b":2},"d":[{"b":1},{"b":1}]})").has_value());
    const auto doubled = parse_json(R"({"a":{"b":1,"c":[{"x":1,"x":2}]}})");
    ASSERT_FALSE(doubled.has_value());
    EXPECT_EQ(doubled.error().kind, JsonFaultKind::duplicate_key);
    EXPECT_EQ(doubled.error().key, "x");
}

TEST(Channels, HaveOneNameEach) {
    const auto listing = test::small_listing();
    for (const char* name :
         {"account.0-17.trades", "account.1-2.settlements", "account.0-0.balances",
          "account.0-1.margin", "marks.BTC-PERP", "marks.USDC", "shards.health"}) {
        const auto channel = parse_channel(name, listing);
        ASSERT_TRUE(channel.has_value()) << name;
        EXPECT_EQ(name_of(*channel, listing), name);
    }
    for (const char* name : {"", "account.", "account.0-17", "account.0-17.", "account.x.trades",
                             "account.0-17.trades.x", "marks.", "marks.X", "shards"}) {
        EXPECT_FALSE(parse_channel(name, listing).has_value()) << name;
    }
}

TEST(Credits, RefillWithTimeAndDoNotPunishAsking) {
    CreditRates rates{};
    rates.fill({.per_second = 10, .burst = 2});
    Credits credits{rates};
    const auto spend = [&](std::int64_t at_ms) {
        return credits.spend(MethodClass::trade, 1'000'000'000 + at_ms * 1'000);
    };
    EXPECT_EQ(spend(0).remaining, 1);
    EXPECT_EQ(spend(0).remaining, 0);
    EXPECT_EQ(spend(0).retry_after_ms, 100);
    EXPECT_FALSE(spend(50).is_granted);
    EXPECT_EQ(spend(50).retry_after_ms, 50);
    EXPECT_TRUE(spend(100).is_granted);
    EXPECT_FALSE(spend(100).is_granted);
    EXPECT_EQ(spend(10'000).remaining, 1);
    EXPECT_TRUE(credits.spend(MethodClass::query, 1'000'000'000).is_granted);
}

actors::Publication mark(std::uint64_t sequence, std::uint16_t asset, bool is_snapshot = false) {
    return {.channel = {.kind = actors::Channel::Kind::marks, .account = {}, .asset = {asset}},
            .sequence = sequence,
            .previous = sequence - 1,
            .is_snapshot = is_snapshot,
            .body = std::vector<actors::MarkView>{
                {.asset = {asset}, .price = {static_cast<std::int64_t>(sequence)}, .at = {1}}}};
}

TEST(Outbox, MergesMarksThatWaitAndKeepsTheSequenceWithoutAGap) {
    const auto listing = test::small_listing();
    Outbox outbox{{}, listing};
    outbox.publish(mark(5, 1));
    outbox.push("reply");
    outbox.publish(mark(6, 1));
    outbox.publish(mark(3, 2));
    outbox.publish(mark(7, 1));
    ASSERT_EQ(outbox.size(), 3U);
    const auto merged = boost::json::parse(outbox.pop()).at("params");
    EXPECT_EQ(merged.at("seq").as_int64(), 7);
    EXPECT_EQ(merged.at("prev_seq").as_int64(), 4);
    EXPECT_EQ(outbox.pop(), "reply");
    outbox.publish(mark(8, 1));
    EXPECT_EQ(outbox.size(), 2U);
    EXPECT_EQ(boost::json::parse(outbox.pop()).at("params").at("seq").as_int64(), 3);
    EXPECT_EQ(boost::json::parse(outbox.pop()).at("params").at("prev_seq").as_int64(), 7);
    EXPECT_EQ(outbox.bytes(), 0U);
}

TEST(Outbox, ASnapshotThatWaitsStaysASnapshot) {
    const auto listing = test::small_listing();
    Outbox outbox{{}, listing};
    outbox.publish(mark(5, 1, true));
    outbox.publish(mark(6, 1));
    EXPECT_TRUE(boost::json::parse(outbox.pop()).at("params").at("is_snapshot").as_bool());
}

TEST(Outbox, NeverDropsTradesAndIsOverItsBounds) {
    const auto listing = test::small_listing();
    Outbox outbox{{.bytes_max = 1'000'000, .messages_max = 10}, listing};
    for (std::uint64_t i = 0; i < 10; ++i) {
        outbox.publish(
            {.channel = {.kind = actors::Channel::Kind::trades, .account = {1}, .asset = {}},
             .sequence = i + 1,
             .previous = i,
             .is_snapshot = false,
             .body = actors::TradesView{}});
    }
    EXPECT_EQ(outbox.size(), 10U);
    EXPECT_FALSE(outbox.is_over(0));
    EXPECT_TRUE(outbox.is_over(1'000'000));
    outbox.push("one more");
    EXPECT_TRUE(outbox.is_over(0));
}

TEST(Authenticator, RemembersNoncesOnlyAsLongAsTheyCouldBeReplayed) {
    KeyStore keys;
    keys.add({.id = "k", .secret = "s", .identity = {}});
    Authenticator authenticator{keys, {.nonces_max = 1}};
    const base::Timestamp now{1'000'000'000};
    const auto sign_in = [&](std::string_view nonce, base::Timestamp at, base::Timestamp clock) {
        const auto signature = sign_login("s", at, nonce, "");
        const auto login = authenticator.sign_in(
            {.key_id = "k", .at = at, .nonce = nonce, .data = "", .signature = signature}, clock);
        return login ? std::string{"ok"} : login.error().reason;
    };
    EXPECT_EQ(sign_in("nonce-01", now, now), "ok");
    EXPECT_EQ(sign_in("nonce-01", now, now), "nonce_replayed");
    EXPECT_EQ(sign_in("nonce-02", now, now), "too_many_logins");
    const auto later = now + base::seconds(31);
    EXPECT_EQ(sign_in("nonce-01", now, later), "timestamp_outside_window");
    EXPECT_EQ(sign_in("nonce-02", later, later), "ok");
}

// Goal: whoever logs in without end is stopped, and nobody else is.
TEST(Authenticator, OneKeysLoginsLeaveRoomForOthers) {
    KeyStore keys;
    keys.add({.id = "k", .secret = "s", .identity = {}});
    keys.add({.id = "other", .secret = "s", .identity = {}});
    Authenticator authenticator{keys, {.nonces_max = 3, .nonces_per_key_max = 2}};
    const base::Timestamp now{1'000'000'000};
    const auto sign_in = [&](std::string_view key, std::string_view nonce, base::Timestamp at) {
        const auto signature = sign_login("s", at, nonce, "");
        const auto login = authenticator.sign_in(
            {.key_id = key, .at = at, .nonce = nonce, .data = "", .signature = signature}, at);
        return login ? std::string{"ok"} : login.error().reason;
    };
    EXPECT_EQ(sign_in("k", "nonce-01", now), "ok");
    EXPECT_EQ(sign_in("k", "nonce-02", now), "ok");
    EXPECT_EQ(sign_in("k", "nonce-03", now), "too_many_logins");
    EXPECT_EQ(sign_in("other", "nonce-01", now), "ok");
    EXPECT_EQ(sign_in("other", "nonce-02", now), "too_many_logins") << "of all keys together";
    const auto later = now + base::seconds(31);
    EXPECT_EQ(sign_in("k", "nonce-04", later), "ok");
    EXPECT_EQ(sign_in("k", "nonce-05", later), "ok");
    EXPECT_EQ(sign_in("k", "nonce-06", later), "too_many_logins");
}

TEST(Authenticator, TokensExpire) {
    KeyStore keys;
    keys.add({.id = "k", .secret = "s", .identity = {}});
    Authenticator authenticator{keys, {.token_lifetime = base::seconds(10)}};
    const base::Timestamp now{1'000'000'000};
    const auto signature = sign_login("s", now, "nonce-01", "");
    const auto login = authenticator.sign_in(
        {.key_id = "k", .at = now, .nonce = "nonce-01", .data = "", .signature = signature}, now);
    ASSERT_TRUE(login.has_value());
    EXPECT_EQ(login->refresh_token.size(), 64U);
    EXPECT_FALSE(authenticator.refresh(login->refresh_token, now + base::seconds(11)).has_value());
}

}  // namespace
}  // namespace crossclear::api
