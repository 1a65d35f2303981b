#include "tests/api/harness.hpp"

#include <gtest/gtest.h>

// Goal: a socket is somebody's, or it goes; a key has no more sockets than it may; and a key that
// was taken away is good for nothing from that moment on.

namespace crossclear::api::test {
namespace {

constexpr auto is_closed = [](const std::shared_ptr<Peer>& peer) {
    return [peer] { return peer->close_code != 0; };
};

ApiKey key_of(std::string id, std::string secret) {
    const auto account = *base::parse_account_id("0-17");
    return {.id = id,
            .secret = std::move(secret),
            .identity = {.key = id,
                         .accounts = {{account, static_cast<std::uint16_t>(actors::Scope::viewer)}},
                         .service = 0}};
}

ClientReply log_in_with(Harness& harness, Peer& peer, const std::string& id,
                        const std::string& secret) {
    std::optional<ClientReply> reply;
    peer.client->authenticate(id, secret, [&](ClientReply got) { reply = std::move(got); });
    harness.await([&] { return reply.has_value(); }, "a login");
    return reply ? *reply : ClientReply{};
}

ClientReply refresh(Harness& harness, Peer& peer, const std::string& token) {
    return harness.call(peer, "public/auth",
                        R"({"grant_type":"refresh_token","refresh_token":")" + token + "\"}");
}

TEST(Logins, ASocketWithoutOneIsClosedWith4003) {
    ServerOptions options;
    options.deadlines.login = base::milliseconds(200);
    Harness harness{options};
    const auto stranger = harness.connect();
    const auto client = harness.connect_and_log_in();
    // What it asks for keeps it alive for nobody: only a login does.
    harness.expect_alive(*stranger);
    harness.await(is_closed(stranger), "the stranger to be closed");
    EXPECT_EQ(stranger->close_code, 4003);
    EXPECT_EQ(stranger->close_reason, "no login in time");
    EXPECT_EQ(client->close_code, 0);
    harness.expect_alive(*client);
}

TEST(Logins, TheDeadlineBeginsAgainWithALogout) {
    ServerOptions options;
    options.deadlines.login = base::milliseconds(200);
    Harness harness{options};
    const auto peer = harness.connect_and_log_in();
    // A stranger lives through its whole time first, and the client through more than that.
    const auto stranger = harness.connect();
    harness.await(is_closed(stranger), "the stranger to be closed");
    ASSERT_TRUE(harness.call(*peer, "private/logout").is_result());
    harness.expect_alive(*peer);
    harness.await(is_closed(peer), "the client to be closed");
    EXPECT_EQ(peer->close_code, 4003);
}

TEST(Logins, AKeyHasNoMoreSocketsThanItMay) {
    ServerOptions options;
    options.admission.per_key_max = 2;
    Harness harness{options};
    const auto first = harness.connect_and_log_in();
    const auto second = harness.connect_and_log_in();
    const auto third = harness.connect();
    const auto refused = harness.log_in(*third);
    EXPECT_EQ(refused.code, 11021);
    EXPECT_EQ(reason_in(refused.value), "connections_per_key_max");
    // Refused as that key, not as such: it is still without a login, and another key is welcome.
    EXPECT_EQ(harness.call(*third, "private/get_account", R"({"account":"0-17"})").code, 10000);
    EXPECT_TRUE(harness.log_in(*third, "demo:0-18").is_result());
    // The same key again on a socket it has is no further socket.
    EXPECT_TRUE(harness.log_in(*second).is_result());
    ASSERT_TRUE(harness.call(*first, "private/logout").is_result());
    const auto fourth = harness.connect();
    EXPECT_TRUE(harness.log_in(*fourth).is_result());
}

TEST(Logins, AClosedSocketGivesItsPlaceBack) {
    ServerOptions options;
    options.admission.per_key_max = 1;
    Harness harness{options};
    const auto first = harness.connect_and_log_in();
    first->client->close();
    harness.await([&] { return harness.instruments.api.ws_connections.value() == 0; }, "the end");
    const auto second = harness.connect();
    EXPECT_TRUE(harness.log_in(*second).is_result());
}

TEST(Logins, AKeyThatIsTakenAwayClosesItsSocketsWith4004) {
    Harness harness;
    harness.keys.replace({key_of("a", "one"), key_of("b", "two")}, {});
    const auto gone = harness.connect();
    const auto stays = harness.connect();
    const auto login = log_in_with(harness, *gone, "a", "one");
    ASSERT_TRUE(login.is_result());
    ASSERT_TRUE(log_in_with(harness, *stays, "b", "two").is_result());
    harness.keys.replace({key_of("b", "two")}, {});
    harness.await(is_closed(gone), "the key's socket to be closed");
    EXPECT_EQ(gone->close_code, 4004);
    const auto again = harness.connect();
    EXPECT_EQ(log_in_with(harness, *again, "a", "one").code, 13009);
    EXPECT_EQ(
        refresh(harness, *again, std::string{login.value.at("refresh_token").as_string()}).code,
        13009);
    EXPECT_EQ(stays->close_code, 0);
    harness.expect_alive(*stays);
}

TEST(Logins, AChangedSecretEndsSocketsAndRefreshTokens) {
    Harness harness;
    harness.keys.replace({key_of("a", "one")}, {});
    const auto peer = harness.connect();
    const auto login = log_in_with(harness, *peer, "a", "one");
    ASSERT_TRUE(login.is_result());
    harness.keys.replace({key_of("a", "another")}, {});
    harness.await(is_closed(peer), "the key's socket to be closed");
    EXPECT_EQ(peer->close_code, 4004);
    const auto again = harness.connect();
    EXPECT_EQ(
        refresh(harness, *again, std::string{login.value.at("refresh_token").as_string()}).code,
        13009);
    EXPECT_TRUE(log_in_with(harness, *again, "a", "another").is_result());
}

TEST(Logins, AChangedGrantEndsSocketsToo) {
    Harness harness;
    harness.keys.replace({key_of("a", "one")}, {});
    const auto peer = harness.connect();
    ASSERT_TRUE(log_in_with(harness, *peer, "a", "one").is_result());
    auto less = key_of("a", "one");
    less.identity.accounts.clear();
    harness.keys.replace({less}, {});
    harness.await(is_closed(peer), "the key's socket to be closed");
    EXPECT_EQ(peer->close_code, 4004);
}

}  // namespace
}  // namespace crossclear::api::test
