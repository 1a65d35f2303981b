#include "bench/load.hpp"

#include "actors/gateway.hpp"
#include "base/decimal.hpp"
#include "base/thread_name.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <chrono>

namespace crossclear::bench {
namespace {

// What a trade is worth, in USD cents, and how far its limit stands from the mark.
constexpr std::int64_t trade_cents_min = 50'00;
constexpr std::int64_t trade_cents_max = 2'000'00;
constexpr std::int64_t limit_ppm = 50'000;
// Marks move slowly; looking them up for every trade would be work that no client does.
constexpr std::uint32_t trades_per_look = 256;
// Beyond it a paced connection waits as an unpaced one does: the server is not keeping up at all.
constexpr std::uint32_t paced_depth_max = 1'000;

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::string key_id(std::size_t key) { return fmt::format("desk-{}", key); }
std::string secret(std::size_t key) { return fmt::format("bench-desk-{}-not-a-secret", key); }

// Whose accounts a connection trades for.
bool is_of(const LoadOptions& options, std::uint64_t index, std::size_t connection) {
    if (!options.is_by_partition) return index % options.connections == connection;
    const auto partitions = static_cast<std::uint16_t>(options.connections);
    return base::partition_of(account_at(index), partitions).v == connection;
}

std::vector<base::AccountId> accounts_of(const LoadOptions& options, std::size_t connection) {
    std::vector<base::AccountId> mine;
    for (std::uint64_t i = 0; i < options.accounts; ++i) {
        if (is_of(options, i, connection)) mine.push_back(account_at(i));
    }
    return mine;
}

std::string reason_of(const api::ClientReply& reply) {
    if (reply.code == 1) return "connection_lost";
    const auto* error = reply.value.if_object();
    const auto* data = error == nullptr ? nullptr : error->if_contains("data");
    const auto* reason =
        data == nullptr || !data->is_object() ? nullptr : data->as_object().if_contains("reason");
    if (reason != nullptr && reason->is_string()) return std::string(reason->as_string());
    return fmt::format("error_{}", reply.code);
}

}  // namespace

base::AccountId account_at(std::uint64_t index) {
    const base::BrokerId broker{static_cast<std::uint16_t>(index % 3 == 2 ? 1 : 0)};
    return base::account_id(broker, index + 1);
}

void add_keys(const LoadOptions& options, app::Config& config) {
    const std::size_t keys = options.has_one_key ? 1 : options.connections;
    for (std::size_t i = 0; i < keys; ++i) {
        app::KeyConfig key{.id = key_id(i), .secret = secret(i), .accounts = {}, .service = 0};
        for (std::uint64_t account = 0; account < options.accounts; ++account) {
            if (!options.has_one_key && !is_of(options, account, i)) continue;
            key.accounts[account_at(account)] = static_cast<std::uint16_t>(actors::Scope::trader);
        }
        config.keys.push_back(std::move(key));
    }
}

/// One connection that trades for its share of the accounts. **Thread:** the load's.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(Load& load, std::size_t index)
        : load_(load),
          index_(index),
          client_(api::Client::make(load.io_)),
          accounts_(accounts_of(load.options_, index)),
          rng_(base::hash_combine(load.options_.seed, index)),
          ids_(rng_.next()),
          pace_(load.io_) {}

    void open(std::function<void(std::string)> done) {
        api::ClientOptions where;
        const auto& ports = load_.options_.ports;
        where.port = ports[index_ % ports.size()];
        client_->connect(where, [self = shared_from_this(), done](const std::string& why) {
            if (!why.empty() || !self->load_.options_.has_login) return done(why);
            const std::size_t key = self->load_.options_.has_one_key ? 0 : self->index_;
            self->client_->authenticate(key_id(key), secret(key),
                                        [done](const api::ClientReply& reply) {
                                            done(reply.is_result() ? "" : reason_of(reply));
                                        });
        });
    }

    void start() {
        is_idle_ = false;
        turns_ = 0;
        // Connections take turns instead of speaking all at once.
        const auto& plan = load_.plan_;
        next_at_us_ = now_us();
        if (plan.per_second != 0)
            next_at_us_ +=
                interval_us() * static_cast<std::int64_t>(index_) / load_.options_.connections;
        fill();
    }

    /// Sending has ended: with nothing on its way there is nothing to wait for.
    void notice_end() {
        if (in_flight_ == 0) tell_idle();
    }
    void close() { client_->close(); }

private:
    struct Order {
        std::string params;
        base::AccountId account;
        base::InstrumentId instrument;
        std::int64_t held_change{};  // In kind only: what the account holds more or less after it.
    };

    [[nodiscard]] bool has_ended() const {
        return !load_.is_sending_ || (load_.plan_.is_in_turn && turns_ >= accounts_.size());
    }

    [[nodiscard]] std::int64_t interval_us() const {
        const auto frames_per_second =
            std::max<std::uint64_t>(1, load_.plan_.per_second / load_.plan_.batch);
        return static_cast<std::int64_t>(1'000'000 * load_.options_.connections /
                                         frames_per_second);
    }

    void fill() {
        const auto& plan = load_.plan_;
        const auto depth = plan.per_second == 0 ? plan.depth : paced_depth_max;
        while (!has_ended() && in_flight_ < depth) {
            const auto now = now_us();
            if (plan.per_second != 0 && now < next_at_us_) return wait_for_turn(now);
            // A paced request counts from when it was due, or a stall would hide its own queue.
            send(plan.per_second == 0 ? now : next_at_us_);
            next_at_us_ += interval_us();
        }
        if (has_ended() && in_flight_ == 0) tell_idle();
    }

    void wait_for_turn(std::int64_t now) {
        pace_.expires_after(std::chrono::microseconds(next_at_us_ - now));
        pace_.async_wait([self = shared_from_this()](boost::system::error_code failure) {
            if (!failure) self->fill();
        });
    }

    void tell_idle() {
        if (std::exchange(is_idle_, true)) return;
        pace_.cancel();
        const std::scoped_lock lock(load_.mutex_);
        ++load_.idle_;
        load_.changed_.notify_all();
    }

    void send(std::int64_t since_us) {
        ++in_flight_;
        auto self = shared_from_this();
        if (load_.plan_.batch == 1) {
            auto order = next_order();
            const auto params = std::move(order.params);
            client_->call("private/submit_trade", params,
                          [self, order, since_us](const api::ClientReply& reply) {
                              self->on_reply(reply, order, since_us);
                              self->finish_frame();
                          });
            return;
        }
        std::vector<Order> orders;
        std::vector<api::Client::Request> requests;
        for (std::uint32_t i = 0; i < load_.plan_.batch; ++i) {
            orders.push_back(next_order());
            requests.emplace_back("private/submit_trade", std::move(orders.back().params));
        }
        client_->batch(requests, [self, orders = std::move(orders),
                                  since_us](const std::vector<api::ClientReply>& replies) {
            for (std::size_t i = 0; i < replies.size(); ++i) {
                self->on_reply(replies[i], orders[i], since_us);
            }
            self->finish_frame();
        });
    }

    void finish_frame() {
        --in_flight_;
        fill();
    }

    void on_reply(const api::ClientReply& reply, const Order& order, std::int64_t since_us) {
        const bool is_measured = load_.is_measuring_;
        auto& result = load_.result_;
        if (load_.on_answer) {
            load_.on_answer({.connection = index_,
                             .sent_us = since_us,
                             .at_us = now_us(),
                             .is_result = reply.is_result()});
        }
        if (is_measured) {
            ++result.answered;
            result.latencies.add(now_us() - since_us);
        }
        auto& held = held_[{order.account, order.instrument}];
        if (reply.is_result()) {
            ++load_.cleared_;
            if (is_measured) ++result.cleared;
            if (order.held_change > 0) held += order.held_change;
        } else {
            if (is_measured) ++result.refused[reason_of(reply)];
            if (order.held_change < 0) held -= order.held_change;
        }
    }

    base::Price mark_of(const std::string& symbol) {
        if (looks_left_ == 0) {
            marks_ = load_.marks_();
            looks_left_ = trades_per_look;
        }
        --looks_left_;
        const auto found = marks_.find(symbol);
        return found == marks_.end() ? base::Price{base::power_of_ten(base::price_scale)}
                                     : found->second;
    }

    Order next_order() {
        const auto& config = load_.config_;
        Order order;
        order.account = accounts_[load_.plan_.is_in_turn ? turns_ : rng_.below(accounts_.size())];
        ++turns_;
        const auto& broker = config.brokers[base::broker_of(order.account).v];
        order.instrument = broker.instruments[rng_.below(broker.instruments.size())];
        const auto& listed = config.listing.instrument(order.instrument);
        const auto& asset = config.listing.asset(listed.base);
        const auto mark = mark_of(asset.symbol);
        const auto cents = trade_cents_min +
                           static_cast<std::int64_t>(rng_.below(trade_cents_max - trade_cents_min));
        const auto units = base::multiply_divide(
            cents * 10'000'000, base::power_of_ten(asset.scale), mark.v, base::Rounding::down);
        auto quantity = units ? std::max<std::int64_t>(1, *units) : 1;
        bool is_buy = rng_.below(2) == 0;
        if (listed.kind == base::InstrumentKind::in_kind) {
            // Tokens are sold only from what was bought.
            auto& held = held_[{order.account, order.instrument}];
            is_buy = is_buy || held <= 0;
            if (!is_buy) {
                quantity = std::min(quantity, held);
                held -= quantity;
            }
            order.held_change = is_buy ? quantity : -quantity;
        }
        const auto limit =
            base::multiply_divide(mark.v, is_buy ? 1'000'000 + limit_ppm : 1'000'000 - limit_ppm,
                                  1'000'000, base::Rounding::down);
        order.params = fmt::format(
            R"({{"account":"{}","instrument":"{}","side":"{}","quantity":"{}","limit_price":"{}",)"
            R"("time_in_force":"ioc","client_id":"{}"}})",
            base::to_string(order.account), listed.symbol, is_buy ? "buy" : "sell",
            base::format_decimal(quantity, asset.scale),
            base::format_decimal(limit ? *limit : mark.v, base::price_scale), ids_.next_text());
        return order;
    }

    Load& load_;
    const std::size_t index_;
    std::shared_ptr<api::Client> client_;
    std::vector<base::AccountId> accounts_;
    base::Rng rng_;
    api::CommandIds ids_;
    boost::asio::steady_timer pace_;
    std::map<std::pair<base::AccountId, base::InstrumentId>, std::int64_t> held_;  // Minor units.
    std::map<std::string, base::Price> marks_;
    std::uint32_t looks_left_{};
    std::size_t turns_{};
    std::uint32_t in_flight_{};
    std::int64_t next_at_us_{};
    bool is_idle_{true};
};

Load::Load(const app::Config& config, LoadOptions options, MarksNow marks)
    : config_(config),
      options_(options),
      marks_(std::move(marks)),
      work_(io_.get_executor()),
      thread_([this] {
          base::name_this_thread("clients");
          io_.run();
      }) {}

Load::~Load() {
    boost::asio::post(io_, [this] {
        for (const auto& connection : connections_) connection->close();
        // Time for the goodbye, and no more: nothing depends on it.
        const auto timer = std::make_shared<boost::asio::steady_timer>(io_);
        timer->expires_after(std::chrono::milliseconds(100));
        timer->async_wait([this, timer](boost::system::error_code) { io_.stop(); });
    });
    thread_.join();
}

std::optional<std::string> Load::open() {
    std::vector<std::string> failures;
    std::size_t answered = 0;
    for (std::size_t i = 0; i < options_.connections; ++i) {
        connections_.push_back(std::make_shared<Connection>(*this, i));
        boost::asio::post(io_, [&, connection = connections_.back()] {
            connection->open([&](const std::string& why) {
                const std::scoped_lock lock(mutex_);
                if (!why.empty()) failures.push_back(why);
                ++answered;
                changed_.notify_all();
            });
        });
    }
    std::unique_lock lock(mutex_);
    const bool is_done = changed_.wait_for(lock, std::chrono::seconds(30),
                                           [&] { return answered == options_.connections; });
    if (!is_done) return "a client got no answer to its login within 30 s";
    if (!failures.empty()) return "a client could not connect: " + failures.front();
    return std::nullopt;
}

void Load::start(const LoadPlan& plan) {
    idle_ = 0;
    boost::asio::post(io_, [this, plan] {
        plan_ = plan;
        result_ = {};
        is_sending_ = true;
        for (const auto& connection : connections_) connection->start();
    });
}

void Load::begin(const LoadPlan& plan) {
    is_measuring_ = true;
    begun_us_ = now_us();
    start(plan);
}

void Load::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return idle_ == connections_.size(); });
}

LoadResult Load::finish() {
    stop_and_drain();
    is_measuring_ = false;
    result_.seconds = static_cast<double>(now_us() - begun_us_) / 1e6;
    return std::move(result_);
}

LoadResult Load::run(const LoadPlan& plan, const std::function<void()>& on_begin,
                     const std::function<void()>& on_end) {
    start(plan);
    std::this_thread::sleep_for(std::chrono::microseconds(plan.warm.us));
    on_begin();
    const auto begun_us = now_us();
    is_measuring_ = true;
    std::this_thread::sleep_for(std::chrono::microseconds(plan.measured.us));
    is_measuring_ = false;
    const auto seconds = static_cast<double>(now_us() - begun_us) / 1e6;
    on_end();
    stop_and_drain();
    result_.seconds = seconds;
    return std::move(result_);
}

void Load::stop_and_drain() {
    is_sending_ = false;
    // A connection that waits for its turn has to notice as well.
    boost::asio::post(io_, [this] {
        for (const auto& connection : connections_) connection->notice_end();
    });
    wait();
}

}  // namespace crossclear::bench
