#include "api/auth.hpp"
#include "api/client.hpp"
#include "app/service.hpp"
#include "shards/simulated/world.hpp"
#include "tests/integration/example.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Goal: more people read a log than hold a key. Whatever clients send, no line of it, at whatever
// level, holds a secret, a signature, a token or what a request said.

namespace crossclear::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string marker = "0xMARKER-that-no-log-may-hold";
const std::string key_of_client = "demo:0-1";

// Every line of every level.
class Lines {
public:
    [[nodiscard]] actors::Log log() {
        return [this](actors::LogLevel level, std::string_view sentence,
                      const actors::LogFields& fields) {
            std::string line = fmt::format("{} {}", static_cast<int>(level), sentence);
            for (const auto& [name, value] : fields) line += fmt::format(" {}={}", name, value);
            const std::lock_guard lock{mutex_};
            text_ += line + "\n";
        };
    }
    [[nodiscard]] std::string text() {
        const std::lock_guard lock{mutex_};
        return text_;
    }

private:
    std::mutex mutex_;
    std::string text_;
};

// A client that says what it should not have to see again.
class Talker {
public:
    explicit Talker(const app::Service& service) : client_(api::Client::make(io_)) {
        client_->on_close = [this](std::uint16_t code, const std::string&) { close_code_ = code; };
        std::optional<std::string> fault;
        api::ClientOptions where;
        where.port = service.port();
        client_->connect(where, [&](std::string why) { fault = std::move(why); });
        run_until([&] { return fault.has_value(); });
        EXPECT_EQ(fault, "");
    }

    api::ClientReply call(const std::string& method, const std::string& params) {
        std::optional<api::ClientReply> answer;
        client_->call(method, params, [&](api::ClientReply reply) { answer = std::move(reply); });
        run_until([&] { return answer.has_value(); });
        return answer.value_or(api::ClientReply{.code = 1, .value = {}});
    }
    // Logs in; the signature is what must not be logged.
    api::ClientReply log_in(const std::string& nonce, const std::string& signature,
                            base::Timestamp at) {
        return call("public/auth",
                    fmt::format(R"({{"grant_type":"client_signature","key_id":"{}",)"
                                R"("timestamp":{},"nonce":"{}","data":"{}","signature":"{}"}})",
                                key_of_client, at.us, nonce, marker, signature));
    }
    void send_raw(const std::string& text) { client_->send_raw(text); }
    [[nodiscard]] std::uint16_t await_close() {
        run_until([this] { return close_code_ != 0; });
        return close_code_;
    }
    void run_until(const std::function<bool()>& holds) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!holds() && std::chrono::steady_clock::now() < until) {
            io_.restart();
            io_.run_for(std::chrono::milliseconds(20));
        }
        EXPECT_TRUE(holds());
    }

private:
    boost::asio::io_context io_;
    std::shared_ptr<api::Client> client_;
    std::uint16_t close_code_{};
};

std::string withdrawal(const std::string& id, const std::string& amount) {
    return fmt::format(R"({{"account":"0-1","asset":"USDC","amount":"{}",)"
                       R"("shard":"aave-uniswap","destination":"{}","client_id":"{}"}})",
                       amount, marker, id);
}

// Trades, withdraws and is refused in every way; each request holds the marker or is worth hiding.
void trade_and_err(Talker& client, api::CommandIds& ids) {
    const auto trade = client.call(
        "private/submit_trade",
        fmt::format(R"({{"account":"0-1","instrument":"ETH","side":"buy","quantity":"0.5",)"
                    R"("limit_price":"999999","client_id":"{}"}})",
                    ids.next_text()));
    EXPECT_TRUE(trade.is_result()) << boost::json::serialize(trade.value);
    const auto id = ids.next_text();
    const auto taken = client.call("private/withdraw", withdrawal(id, "1"));
    EXPECT_TRUE(taken.is_result()) << boost::json::serialize(taken.value);
    EXPECT_EQ(client.call("private/withdraw", withdrawal(id, "2")).code, 11010);
    EXPECT_EQ(client.call("private/withdraw", withdrawal(ids.next_text(), "999999")).code, 11021);
    EXPECT_EQ(client.call("private/withdraw", withdrawal(ids.next_text(), marker)).code, 11012);
    EXPECT_EQ(client.call("private/" + marker, "{}").code, -32601);
    EXPECT_EQ(client.call("public/ping", R"({")" + marker + R"(":1})").code, -32602);
    client.send_raw("{" + marker);
    // The destination goes the whole way to the shard and back.
    client.run_until([&] {
        const auto open = client.call("private/get_withdrawals", R"({"account":"0-1"})");
        return open.is_result() && open.value.at("withdrawals").as_array().empty();
    });
}

TEST(Log, HoldsNoSecretAndNoBodyAtAnyLevel) {
    const Directory directory("log");
    auto config = example_in(directory.path());
    config.actors.idle_after = base::milliseconds(500);
    config.api.limits.auth_timeout = base::seconds(300);
    for (auto& broker : config.brokers) broker.withdrawal_delay = base::milliseconds(50);
    Lines lines;
    auto started = app::Service::start(config, lines.log());
    ASSERT_TRUE(started.has_value()) << started.error();
    auto& service = **started;

    Talker client(service);
    client.run_until([&] { return service.node().readiness().is_ready; });
    const auto secret = api::demo_secret(config.demo_master_secret, key_of_client);
    const auto now = base::wall_clock_now();
    EXPECT_EQ(client.log_in("nonce-of-a-thief", marker, now).code, 13009);
    const auto signature = api::sign_login(secret, now, "nonce-of-a-client", marker);
    const auto login = client.log_in("nonce-of-a-client", signature, now);
    ASSERT_TRUE(login.is_result()) << boost::json::serialize(login.value);
    const std::string token{login.value.at("refresh_token").as_string()};
    EXPECT_EQ(client.log_in("nonce-of-a-client", signature, now).code, 13009) << "replayed";

    auto* world = dynamic_cast<shards::simulated::SimulatedWorld*>(&service.world());
    ASSERT_NE(world, nullptr) << "the world is inside";
    ASSERT_TRUE(world
                    ->deposit(*config.listing.find_shard("aave-uniswap"),
                              base::account_id(base::BrokerId{0}, 1),
                              *config.listing.find_asset("USDC"), base::Amount{20'000'000'000})
                    .has_value());
    client.run_until([&] {
        const auto reply = client.call("private/get_account", R"({"account":"0-1"})");
        return reply.is_result() &&
               boost::json::serialize(reply.value).find(R"("free":"20000")") != std::string::npos;
    });
    api::CommandIds ids{11};
    trade_and_err(client, ids);

    // A line of the lowest level, and the one that names a client's key.
    client.run_until([&] { return lines.text().find("An account sleeps.") != std::string::npos; });
    auto without = config;
    without.demo_master_secret.clear();
    service.replace_keys(without);
    EXPECT_EQ(client.await_close(), 4004);
    service.stop(base::seconds(5));

    const auto text = lines.text();
    EXPECT_THAT(text, HasSubstr("listening for clients"));
    EXPECT_THAT(text, HasSubstr("a client whose key was taken away is closed key=demo:0-1"));
    for (const auto& hidden : {config.demo_master_secret, secret, signature, token, marker}) {
        EXPECT_THAT(text, Not(HasSubstr(hidden)));
    }
    for (const auto& key : config.keys) EXPECT_THAT(text, Not(HasSubstr(key.secret)));
}

}  // namespace
}  // namespace crossclear::tests
