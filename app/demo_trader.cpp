#include "app/demo_trader.hpp"

#include "base/decimal.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <string_view>
#include <thread>
#include <utility>

namespace crossclear::app {
namespace {

constexpr std::chrono::seconds trader_patience{10};
constexpr std::chrono::milliseconds trader_look_every{5};
constexpr std::chrono::milliseconds trader_again_after{50};
constexpr int usd_scale = 2;
constexpr std::int32_t trader_unanswered = 1;
// Nothing is decided, or nobody knows: the same id goes again.
constexpr std::array<std::int32_t, 4> trader_undecided{11032, 11050, 11060, 11070};

// Of `{"initial_usd": "7326.51", ...}`.
std::optional<std::int64_t> initial_cents(const boost::json::value* margin) {
    if (margin == nullptr || !margin->is_object()) return std::nullopt;
    const auto* text = margin->as_object().if_contains("initial_usd");
    if (text == nullptr || !text->is_string()) return std::nullopt;
    const auto cents = base::parse_decimal(std::string_view(text->as_string()), usd_scale);
    return cents ? std::optional(*cents) : std::nullopt;
}

}  // namespace

DemoTrader::DemoTrader(boost::asio::io_context& io, const TraderOptions& options)
    : io_(io),
      options_(options),
      account_(base::to_string(options.account)),
      client_(api::Client::make(io)),
      ids_(options.seed) {}

void DemoTrader::close() {
    boost::asio::post(io_, [client = client_] { client->close(); });
}

bool DemoTrader::open() {
    api::ClientOptions where;
    where.address = options_.address;
    where.port = options_.port;
    const auto reply = wait([client = client_, where, key = options_.key_id,
                             secret = options_.secret](const Done& done) {
        client->connect(where, [=](const std::string& why) {
            if (!why.empty()) {
                return done({.code = trader_unanswered, .value = boost::json::value(why)});
            }
            client->authenticate(key, secret, done);
        });
    });
    if (!reply.is_result()) why_not_ = boost::json::serialize(reply.value);
    return reply.is_result();
}

std::optional<std::int64_t> DemoTrader::preview(const DemoOrder& order) {
    const auto found =
        call("private/preview_trade",
             fmt::format(R"({{"account":"{}","instrument":"{}","side":"{}","quantity":"{}"}})",
                         account_, order.instrument, order.side, order.quantity));
    return found ? told(initial_cents(found->if_contains("after"))) : std::nullopt;
}

bool DemoTrader::trade(const DemoOrder& order) {
    const char* any_price = std::string_view(order.side) == "buy" ? "1000000" : "1";
    return call("private/submit_trade",
                fmt::format(R"({{"account":"{}","instrument":"{}","side":"{}","quantity":"{}",)"
                            R"("limit_price":"{}","client_id":"{}"}})",
                            account_, order.instrument, order.side, order.quantity, any_price,
                            ids_.next_text()))
        .has_value();
}

std::optional<std::int64_t> DemoTrader::margin() {
    const auto found = call("private/get_margin", fmt::format(R"({{"account":"{}"}})", account_));
    if (!found) return std::nullopt;
    const boost::json::value whole(*found);
    return told(initial_cents(&whole));
}

std::optional<boost::json::object> DemoTrader::call(const char* method, const std::string& params) {
    const auto until = std::chrono::steady_clock::now() + trader_patience;
    while (true) {
        const auto reply = wait([client = client_, method, params](const Done& done) {
            client->call(method, params, done);
        });
        if (reply.is_result() && reply.value.is_object()) return reply.value.as_object();
        const bool is_open = std::find(trader_undecided.begin(), trader_undecided.end(),
                                       reply.code) != trader_undecided.end();
        if (!is_open || !options_.is_wanted() || std::chrono::steady_clock::now() > until) {
            why_not_ = fmt::format("{}: {}", method, boost::json::serialize(reply.value));
            return std::nullopt;
        }
        std::this_thread::sleep_for(trader_again_after);
    }
}

std::optional<std::int64_t> DemoTrader::told(std::optional<std::int64_t> cents) {
    if (!cents) why_not_ = "no margin was told";
    return cents;
}

// Begins something on the other thread and waits for what it calls back with. `begin` owns what it
// needs: it may run after the wait has ended.
api::ClientReply DemoTrader::wait(std::function<void(const Done&)> begin) {
    const auto promise = std::make_shared<std::promise<api::ClientReply>>();
    auto found = promise->get_future();
    boost::asio::post(io_, [begin = std::move(begin), promise] {
        begin([promise](api::ClientReply reply) { promise->set_value(std::move(reply)); });
    });
    const auto until = std::chrono::steady_clock::now() + trader_patience;
    while (found.wait_for(trader_look_every) != std::future_status::ready) {
        const bool is_late = std::chrono::steady_clock::now() > until;
        if (!is_late && options_.is_wanted()) continue;
        return {.code = trader_unanswered, .value = boost::json::value("no answer")};
    }
    return found.get();
}

}  // namespace crossclear::app
