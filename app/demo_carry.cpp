#include "app/demo_carry.hpp"

#include "api/client.hpp"
#include "base/decimal.hpp"
#include "base/result.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace crossclear::app {
namespace {

constexpr std::chrono::seconds carry_patience{10};
constexpr std::chrono::milliseconds carry_look_every{5};
constexpr std::chrono::milliseconds carry_again_after{50};
constexpr int usd_scale = 2;
constexpr std::int32_t carry_unanswered = 1;
// Nothing is decided, or nobody knows: the same id goes again.
constexpr std::array<std::int32_t, 4> carry_undecided{11032, 11050, 11060, 11070};

struct Order {
    const char* instrument;
    const char* side;
    const char* limit;  // Any price.
};
constexpr Order purchase{.instrument = "sBTC", .side = "buy", .limit = "1000000"};
constexpr Order sale{.instrument = "BTC-PERP", .side = "sell", .limit = "1"};

// Of `{"initial_usd": "7326.51", ...}`.
std::optional<std::int64_t> initial_cents(const boost::json::value* margin) {
    if (margin == nullptr || !margin->is_object()) return std::nullopt;
    const auto* text = margin->as_object().if_contains("initial_usd");
    if (text == nullptr || !text->is_string()) return std::nullopt;
    const auto cents = base::parse_decimal(std::string_view(text->as_string()), usd_scale);
    return cents ? std::optional(*cents) : std::nullopt;
}

// One account's client, whose callbacks come on another thread, asked one thing after the other.
class CarryTrader {
public:
    CarryTrader(boost::asio::io_context& io, const CarryOptions& options)
        : io_(io),
          options_(options),
          account_(base::to_string(options.account)),
          client_(api::Client::make(io)),
          ids_(options.seed) {}
    CarryTrader(const CarryTrader&) = delete;
    CarryTrader& operator=(const CarryTrader&) = delete;
    ~CarryTrader() = default;

    void close() {
        boost::asio::post(io_, [client = client_] { client->close(); });
    }

    bool open() {
        api::ClientOptions where;
        where.address = options_.address;
        where.port = options_.port;
        const auto reply = wait([client = client_, where, key = options_.key_id,
                                 secret = options_.secret](const Done& done) {
            client->connect(where, [=](const std::string& why) {
                if (!why.empty()) {
                    return done({.code = carry_unanswered, .value = boost::json::value(why)});
                }
                client->authenticate(key, secret, done);
            });
        });
        if (!reply.is_result()) why_not_ = boost::json::serialize(reply.value);
        return reply.is_result();
    }

    // What the account would need after the order, alone.
    std::optional<std::int64_t> preview(const Order& order) {
        const auto found =
            call("private/preview_trade",
                 fmt::format(R"({{"account":"{}","instrument":"{}","side":"{}","quantity":"1"}})",
                             account_, order.instrument, order.side));
        return found ? told(initial_cents(found->if_contains("after"))) : std::nullopt;
    }

    bool trade(const Order& order) {
        return call("private/submit_trade",
                    fmt::format(R"({{"account":"{}","instrument":"{}","side":"{}","quantity":"1",)"
                                R"("limit_price":"{}","client_id":"{}"}})",
                                account_, order.instrument, order.side, order.limit,
                                ids_.next_text()))
            .has_value();
    }

    std::optional<std::int64_t> margin() {
        const auto found =
            call("private/get_margin", fmt::format(R"({{"account":"{}"}})", account_));
        if (!found) return std::nullopt;
        const boost::json::value whole(*found);
        return told(initial_cents(&whole));
    }

    // Why the last thing was not done.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }

private:
    using Done = std::function<void(api::ClientReply)>;

    std::optional<boost::json::object> call(const char* method, const std::string& params) {
        const auto until = std::chrono::steady_clock::now() + carry_patience;
        while (true) {
            const auto reply = wait([client = client_, method, params](const Done& done) {
                client->call(method, params, done);
            });
            if (reply.is_result() && reply.value.is_object()) return reply.value.as_object();
            const bool is_open = std::find(carry_undecided.begin(), carry_undecided.end(),
                                           reply.code) != carry_undecided.end();
            if (!is_open || !options_.is_wanted() || std::chrono::steady_clock::now() > until) {
                why_not_ = fmt::format("{}: {}", method, boost::json::serialize(reply.value));
                return std::nullopt;
            }
            std::this_thread::sleep_for(carry_again_after);
        }
    }

    std::optional<std::int64_t> told(std::optional<std::int64_t> cents) {
        if (!cents) why_not_ = "no margin was told";
        return cents;
    }

    // Begins something on the other thread and waits for what it calls back with. `begin` owns what
    // it needs: it may run after the wait has ended.
    api::ClientReply wait(std::function<void(const Done&)> begin) {
        const auto promise = std::make_shared<std::promise<api::ClientReply>>();
        auto found = promise->get_future();
        boost::asio::post(io_, [begin = std::move(begin), promise] {
            begin([promise](api::ClientReply reply) { promise->set_value(std::move(reply)); });
        });
        const auto until = std::chrono::steady_clock::now() + carry_patience;
        while (found.wait_for(carry_look_every) != std::future_status::ready) {
            const bool is_late = std::chrono::steady_clock::now() > until;
            if (!is_late && options_.is_wanted()) continue;
            return {.code = carry_unanswered, .value = boost::json::value("no answer")};
        }
        return found.get();
    }

    boost::asio::io_context& io_;
    const CarryOptions& options_;
    std::string account_;
    std::shared_ptr<api::Client> client_;
    api::CommandIds ids_;
    std::string why_not_;
};

bool clear(CarryTrader& trader, CarryReport& report) {
    if (!trader.open()) return false;
    const auto long_cents = trader.preview(purchase);
    const auto short_cents = trader.preview(sale);
    if (!long_cents || !short_cents) return false;
    report.long_cents = *long_cents;
    report.short_cents = *short_cents;
    for (const auto& order : {purchase, sale}) {
        const bool is_cleared = trader.trade(order);
        ++(is_cleared ? report.cleared : report.refused);
        if (!is_cleared) return false;
    }
    const auto together = trader.margin();
    if (together) report.together_cents = *together;
    return together.has_value();
}

}  // namespace

std::string CarryReport::sentence() const {
    if (!why_not.empty()) return "The carry trade was not made: " + why_not;
    const auto apart = long_cents + short_cents;
    return fmt::format(
        "A carry trade on 25,000 USDC: long 1 sBTC and short 1 BTC-PERP need {} USD of margin. "
        "Apart "
        "they would need {} and {}; together it is {} % of that.",
        together_cents / 100, long_cents / 100, short_cents / 100,
        apart > 0 ? together_cents * 100 / apart : 0);
}

CarryReport make_carry(boost::asio::io_context& io, const CarryOptions& options) {
    CarryReport report;
    CarryTrader trader(io, options);
    if (!clear(trader, report)) report.why_not = trader.why_not();
    trader.close();
    return report;
}

}  // namespace crossclear::app
