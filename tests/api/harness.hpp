#pragma once

#include "api/client.hpp"
#include "api/server.hpp"
#include "tests/api/fake_gateway.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// A server on an ephemeral port, and clients that the test itself drives: it waits for events, and
/// never for time.

namespace crossclear::api::test {

inline constexpr auto patience = std::chrono::seconds{20};
inline const std::string master = "master secret of the tests";
inline const std::string key_id = "demo:0-17";

/// One client together with everything it has seen.
struct Peer {
    std::shared_ptr<Client> client;
    std::vector<boost::json::object> notifications;
    std::vector<boost::json::object> strays;
    std::vector<std::string> frames;
    std::uint16_t close_code{};
    std::string close_reason;
};

class Harness {
public:
    explicit Harness(ServerOptions options = {},
                     FakeGateway::Mode mode = FakeGateway::Mode::at_once)
        : gateway(mode) {
        keys.derive_with(demo_keys(
            master, [](base::AccountId account) { return base::number_of(account) < 1'000; }));
        options.startup_id = "test";
        options.deadlines.sweep = base::milliseconds(10);
        if (options.brokers.empty()) {
            options.brokers = {{.id = {0},
                                .name = "alpha",
                                .instruments = {{0}, {1}},
                                .fee = {500},
                                .settle_by = base::seconds(60)}};
        }
        server = std::make_unique<Server>(std::move(options), gateway, keys, instruments);
        const auto opened = server->start();
        EXPECT_TRUE(opened.has_value());
        port = opened ? *opened : std::uint16_t{0};
    }

    /// Runs the clients until `is_true`; fails the test if that takes too long.
    void await(const std::function<bool()>& is_true, const char* what = "an event") {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!is_true()) {
            io.restart();
            io.run_for(std::chrono::milliseconds{1});
            if (std::chrono::steady_clock::now() > deadline) {
                FAIL() << "waited in vain for " << what;
            }
        }
    }

    std::shared_ptr<Peer> connect(std::string origin = {}, std::string path = "/ws/v1") {
        auto peer = std::make_shared<Peer>();
        const auto fault = try_connect(*peer, std::move(origin), std::move(path));
        EXPECT_EQ(fault, "");
        return peer;
    }
    std::string try_connect(Peer& peer, std::string origin = {}, std::string path = "/ws/v1") {
        peer.client = Client::make(io);
        peer.client->on_notification = [&peer](const auto& message) {
            peer.notifications.push_back(message);
        };
        peer.client->on_stray_reply = [&peer](const auto& message) {
            peer.strays.push_back(message);
        };
        peer.client->on_frame = [&peer](std::string_view frame) {
            peer.frames.emplace_back(frame);
        };
        peer.client->on_close = [&peer](std::uint16_t code, std::string reason) {
            peer.close_code = code;
            peer.close_reason = std::move(reason);
        };
        std::optional<std::string> fault;
        peer.client->connect({.address = "127.0.0.1",
                              .port = port,
                              .path = std::move(path),
                              .origin = std::move(origin)},
                             [&](std::string text) { fault = std::move(text); });
        await([&] { return fault.has_value(); }, "a connection");
        return fault.value_or("nothing");
    }
    std::shared_ptr<Peer> connect_and_log_in() {
        auto peer = connect();
        EXPECT_TRUE(log_in(*peer).is_result());
        return peer;
    }
    ClientReply log_in(Peer& peer, const std::string& id = key_id) {
        std::optional<ClientReply> reply;
        peer.client->authenticate(id, demo_secret(master, id),
                                  [&](ClientReply got) { reply = std::move(got); });
        await([&] { return reply.has_value(); }, "a login");
        return reply ? *reply : ClientReply{};
    }
    ClientReply call(Peer& peer, std::string_view method, std::string_view params = "{}") {
        std::optional<ClientReply> reply;
        peer.client->call(method, params, [&](ClientReply got) { reply = std::move(got); });
        await([&] { return reply.has_value(); }, "a reply");
        return reply ? *reply : ClientReply{};
    }
    /// Sends text as it is and gives back the next frame.
    boost::json::value exchange(Peer& peer, std::string_view text) {
        const auto seen = peer.frames.size();
        peer.client->send_raw(text);
        await([&] { return peer.frames.size() > seen; }, "a frame");
        if (peer.frames.size() <= seen) return nullptr;
        return boost::json::parse(peer.frames[seen]);
    }
    void expect_alive(Peer& peer) { EXPECT_TRUE(call(peer, "public/ping").is_result()); }

    FakeGateway gateway;
    KeyStore keys;
    metrics::Registry registry;
    metrics::Instruments instruments{registry};
    boost::asio::io_context io;
    std::unique_ptr<Server> server;
    std::uint16_t port{};
};

/// `data.reason` of an error reply.
inline std::string reason_in(const boost::json::value& error) {
    const auto* data = error.as_object().if_contains("data");
    return data == nullptr ? "" : std::string{data->at("reason").as_string()};
}

/// Names and values of a method's parameters, the values as JSON.
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

/// Parameters, one of which may be replaced, added or, by `absent`, left out.
inline std::string params_of(const Fields& fields, std::string_view field = {},
                             std::string_view json = {}) {
    std::string text = "{";
    bool is_replaced = field.empty();
    for (const auto& [name, value] : fields) {
        const bool is_it = name == field;
        is_replaced = is_replaced || is_it;
        if (is_it && json == "absent") continue;
        if (text.size() > 1) text += ',';
        text += '"' + std::string{name} + "\":" + std::string{is_it ? json : value};
    }
    if (!is_replaced) text += ",\"" + std::string{field} + "\":" + std::string{json};
    return text + "}";
}

/// A well-formed submit_trade, one field of which may be replaced.
inline std::string trade_params(std::string_view field = {}, std::string_view json = {}) {
    static const Fields fields{{"account", R"("0-17")"},
                               {"instrument", R"("sBTC")"},
                               {"side", R"("buy")"},
                               {"quantity", R"("1.5")"},
                               {"limit_price", R"("61000")"},
                               {"time_in_force", R"("ioc")"},
                               {"client_id", R"("01980000-0000-7000-8000-000000000001")"}};
    return params_of(fields, field, json);
}

}  // namespace crossclear::api::test
