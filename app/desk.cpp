#include "app/desk.hpp"

#include "app/chains.hpp"
#include "base/decimal.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace crossclear::app {
namespace {

// What a sample trade is worth, in USD cents, and how far its limit stands from the mark.
constexpr std::int64_t trade_cents_min = 50'00;
constexpr std::int64_t trade_cents_max = 2'000'00;
constexpr std::int64_t limit_ppm = 30'000;
// How long a request is sent again and again, and what is waited between two times.
constexpr auto patience = base::seconds(60);
constexpr auto repeat_pause = base::milliseconds(50);
constexpr auto join_pause = base::milliseconds(100);
// A node that says nothing for so long is left for another: it may have been stopped. Longer than
// a node itself looks for a partition's new owner.
constexpr auto silence_max = base::seconds(12);
constexpr auto watch_every = base::seconds(1);
// One request in so many is something else than a trade.
constexpr std::uint64_t withdrawal_every = 400;
constexpr std::uint64_t preview_every = 100;

std::int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

const boost::json::value* member(const boost::json::value& value, std::string_view name) {
    return value.is_object() ? value.as_object().if_contains(name) : nullptr;
}

std::string reason_of(const api::ClientReply& reply) {
    const auto* data = member(reply.value, "data");
    const auto* reason = data == nullptr ? nullptr : member(*data, "reason");
    if (reason != nullptr && reason->is_string()) return std::string(reason->as_string());
    return reply.code == 1 ? "connection_lost" : fmt::format("error_{}", reply.code);
}

// Whether nothing is decided: the connection went, the outcome is unknown, the owner is changing,
// the node is being stopped, or the journal does not take it just now.
bool is_open(const api::ClientReply& reply) {
    return reply.code == 1 || reply.code == 11032 || reply.code == 11050 || reply.code == 11060 ||
           reply.code == 11070;
}

}  // namespace

Desk::Desk(boost::asio::io_context& io, Options options, const Config& config, Budget& budget,
           Tally& tally)
    : io_(io),
      options_(std::move(options)),
      config_(config),
      budget_(budget),
      tally_(tally),
      client_(api::Client::make(io)),
      payee_(payee_of(config)),
      rng_(options_.seed),
      ids_(rng_.next()),
      pace_(io) {}

void Desk::open(std::function<void(std::string, std::vector<base::AccountId>)> ready) {
    auto self = shared_from_this();
    join([self, ready](std::string why) {
        if (!why.empty()) return ready(std::move(why), {});
        self->look_at(0, ready, {});
    });
    watch();
}

void Desk::join(std::function<void(std::string)> done) {
    const auto ports = options_.ports();
    if (ports.empty()) return done("no node is up");
    auto self = shared_from_this();
    client_ = api::Client::make(io_);
    auto* const own = client_.get();
    client_->on_close = [self, own](std::uint16_t code, const std::string&) {
        if (self->client_.get() != own || !self->is_connected_) return;
        self->is_connected_ = false;
        if (self->is_closing_) return;
        if (code != 1000) ++self->tally_.broken;
        // The old client ends first: it may be held by nobody else.
        boost::asio::post(self->io_, [self] { self->join_again(); });
    };
    client_->on_notification = [self](const boost::json::object& message) {
        ++self->tally_.notices;
        self->on_mark(message);
    };
    api::ClientOptions where;
    where.address = config_.api.address;
    where.port = ports[(options_.number + connections_count_++) % ports.size()];
    client_->connect(where, [self, own, done](std::string why) {
        if (self->client_.get() != own) return;
        if (!why.empty()) return done(std::move(why));
        const auto on_login = [self, done](api::ClientReply reply) {
            if (!reply.is_result()) return done("auth: " + reason_of(reply));
            std::string channels = R"({"channels":[)";
            for (const auto& symbol : self->marked()) {
                channels += fmt::format(R"("marks.{}",)", symbol);
            }
            // One account's settlements are followed as well, as a client would.
            channels += fmt::format(R"("account.{}.settlements"]}})",
                                    base::to_string(self->options_.accounts.front()));
            self->client_->call(
                "private/subscribe", channels, [self, done](api::ClientReply joined) {
                    self->is_connected_ = joined.is_result();
                    done(joined.is_result() ? std::string{} : "subscribe: " + reason_of(joined));
                });
        };
        self->client_->authenticate(self->options_.key_id, self->options_.secret, on_login);
    });
}

// To another node, or to the same one if it is the only one; what has no answer goes again.
void Desk::join_again() {
    if (is_closing_) return;
    if (budget_.is_stopped && options_.ports().empty()) return give_up_all();
    auto self = shared_from_this();
    join([self](const std::string& why) {
        if (!why.empty()) return self->later(join_pause, [self] { self->join_again(); });
        std::vector<std::uint64_t> waiting;
        for (const auto& [id, asked] : self->asked_) {
            if (asked.sent_at_us == 0) waiting.push_back(id);
        }
        for (const auto id : waiting) self->send(id);
    });
}

void Desk::later(base::Duration pause, std::function<void()> what) {
    auto timer = std::make_shared<boost::asio::steady_timer>(io_);
    timer->expires_after(std::chrono::microseconds(pause.us));
    auto self = shared_from_this();
    timer->async_wait([self, timer, what = std::move(what)](boost::system::error_code failure) {
        if (!failure && !self->is_closing_) what();
    });
}

// A node that was stopped keeps its connections and answers nothing.
void Desk::watch() {
    const auto now = steady_us();
    const bool is_silent = std::any_of(asked_.begin(), asked_.end(), [now](const auto& entry) {
        return entry.second.sent_at_us != 0 && now - entry.second.sent_at_us > silence_max.us;
    });
    if (is_silent && is_connected_) drop_connection();
    auto self = shared_from_this();
    later(watch_every, [self] { self->watch(); });
}

void Desk::drop_connection() {
    is_connected_ = false;
    client_->close();
    for (auto& [id, asked] : asked_) asked.sent_at_us = 0;
    ++tally_.broken;
    join_again();
}

void Desk::give_up_all() {
    const auto asked = std::exchange(asked_, {});
    for (const auto& [id, one] : asked) one.done({.code = 1, .value = {}});
}

void Desk::ask(std::string method, std::string params,
               std::function<void(const api::ClientReply&)> done) {
    ++in_flight_;
    const auto id = ++asked_count_;
    asked_.emplace(id, Asked{.method = std::move(method),
                             .params = std::move(params),
                             .done = std::move(done),
                             .asked_at_us = steady_us()});
    send(id);
}

void Desk::send(std::uint64_t id) {
    const auto found = asked_.find(id);
    if (found == asked_.end() || !is_connected_) return;
    auto& asked = found->second;
    if (asked.sent_at_us != 0) return;
    asked.sent_at_us = steady_us();
    if (++asked.attempt > 1) ++tally_.repeated;
    auto self = shared_from_this();
    client_->call(asked.method, asked.params,
                  [self, id, attempt = asked.attempt](const api::ClientReply& reply) {
                      self->on_reply(id, attempt, reply);
                  });
}

void Desk::on_reply(std::uint64_t id, std::uint32_t attempt, const api::ClientReply& reply) {
    const auto found = asked_.find(id);
    if (found == asked_.end() || found->second.attempt != attempt) return;
    auto& asked = found->second;
    if (is_open(reply) && !is_closing_ && steady_us() - asked.asked_at_us < patience.us) {
        asked.sent_at_us = 0;
        auto self = shared_from_this();
        // Where the connection went, whoever connects again sends it.
        if (reply.code != 1) later(repeat_pause, [self, id] { self->send(id); });
        return;
    }
    const auto done = std::move(asked.done);
    asked_.erase(found);
    done(reply);
}

void Desk::look_at(std::size_t index,
                   std::function<void(std::string, std::vector<base::AccountId>)> ready,
                   std::vector<base::AccountId> empty) {
    constexpr std::size_t batch = 32;
    if (index >= options_.accounts.size()) return ready("", std::move(empty));
    std::vector<api::Client::Request> requests;
    const auto end = std::min(index + batch, options_.accounts.size());
    for (auto i = index; i < end; ++i) {
        requests.emplace_back(
            "private/get_account",
            fmt::format(R"({{"account":"{}"}})", base::to_string(options_.accounts[i])));
    }
    auto self = shared_from_this();
    client_->batch(requests, [self, ready, index, end, empty = std::move(empty)](
                                 std::vector<api::ClientReply> replies) mutable {
        for (std::size_t i = 0; i < replies.size(); ++i) {
            if (!replies[i].is_result()) return ready("account: " + reason_of(replies[i]), {});
            const auto* balances = member(replies[i].value, "balances");
            const bool is_empty =
                balances == nullptr || !balances->is_array() || balances->as_array().empty();
            if (is_empty) empty.push_back(self->options_.accounts[index + i]);
        }
        self->look_at(end, ready, std::move(empty));
    });
}

// What the desk wants marks of: all that is traded, and what that is paid in.
std::set<std::string> Desk::marked() const {
    std::set<std::string> symbols;
    for (const auto& instrument : config_.listing.instruments) {
        symbols.insert(instrument.symbol);
        symbols.insert(config_.listing.asset(instrument.settlement).symbol);
    }
    return symbols;
}

void Desk::on_mark(const boost::json::object& message) {
    const auto* params = message.if_contains("params");
    const auto* data = params == nullptr ? nullptr : member(*params, "data");
    const auto* marks = data == nullptr ? nullptr : member(*data, "marks");
    if (marks == nullptr || !marks->is_array()) return;
    for (const auto& mark : marks->as_array()) {
        const auto* asset = member(mark, "asset");
        const auto* price = member(mark, "price");
        if (asset == nullptr || price == nullptr) continue;
        const auto value =
            base::parse_decimal(std::string_view(price->as_string()), base::price_scale);
        if (value) marks_[std::string(asset->as_string())] = base::Price{*value};
    }
}

void Desk::trade(std::function<void()> done) {
    done_ = std::move(done);
    is_trading_ = true;
    next_at_us_ = steady_us();
    fill();
}

void Desk::fill() {
    while (is_trading_ && in_flight_ < options_.depth) {
        if (options_.per_second > 0 && steady_us() < next_at_us_) {
            pace_.expires_after(std::chrono::microseconds(next_at_us_ - steady_us()));
            auto self = shared_from_this();
            pace_.async_wait([self](boost::system::error_code failure) {
                if (!failure) self->fill();
            });
            return;
        }
        if (budget_.is_stopped || budget_.left.fetch_sub(1) <= 0) {
            is_trading_ = false;
            break;
        }
        if (options_.per_second > 0) next_at_us_ += 1'000'000 / options_.per_second;
        send_one();
    }
    if (!is_trading_ && in_flight_ == 0 && done_) std::exchange(done_, {})();
}

void Desk::send_one() {
    const auto account = options_.accounts[rng_.below(options_.accounts.size())];
    if (rng_.below(withdrawal_every) == 0) send_withdrawal(account);
    if (rng_.below(preview_every) == 0) send_preview(account);
    send_trade(account);
}

void Desk::finish_one() {
    --in_flight_;
    fill();
}

void Desk::send_trade(base::AccountId account) {
    const auto& broker = config_.brokers[base::broker_of(account).v];
    const auto instrument = broker.instruments[rng_.below(broker.instruments.size())];
    const auto& listed = config_.listing.instrument(instrument);
    const auto& asset = config_.listing.asset(listed.base);
    const auto mark = marks_.find(asset.symbol);
    const auto paid_in = marks_.find(config_.listing.asset(listed.settlement).symbol);
    ++tally_.asked;
    if (mark == marks_.end() || mark->second.v <= 0 || paid_in == marks_.end() ||
        paid_in->second.v <= 0) {
        tally_.refuse("no_mark_yet");
        ++tally_.answered;
        auto self = shared_from_this();
        ++in_flight_;
        boost::asio::post(io_, [self] { self->finish_one(); });
        return;
    }
    const std::int64_t cents =
        trade_cents_min + static_cast<std::int64_t>(rng_.below(trade_cents_max - trade_cents_min));
    const auto units = base::multiply_divide(cents * 10'000'000, base::power_of_ten(asset.scale),
                                             mark->second.v, base::Rounding::down);
    std::int64_t quantity = units ? std::max<std::int64_t>(1, *units) : 1;
    bool is_buy = rng_.below(2) == 0;
    if (listed.kind == base::InstrumentKind::in_kind && !is_buy) {
        // Tokens are sold only from what was bought.
        const auto held = tokens_[account].held[instrument];
        if (held <= 0) is_buy = true;
        if (!is_buy) quantity = std::min(quantity, held);
    }
    // A limit is in the settlement token, marks are in USD.
    const auto price = base::multiply_divide(mark->second.v, base::power_of_ten(9),
                                             paid_in->second.v, base::Rounding::down);
    const auto limit = base::multiply_divide(price ? *price : mark->second.v,
                                             is_buy ? 1'000'000 + limit_ppm : 1'000'000 - limit_ppm,
                                             1'000'000, base::Rounding::down);
    const auto params = fmt::format(
        R"({{"account":"{}","instrument":"{}","side":"{}","quantity":"{}","limit_price":"{}",)"
        R"("time_in_force":"ioc","client_id":"{}"}})",
        base::to_string(account), listed.symbol, is_buy ? "buy" : "sell",
        base::format_decimal(quantity, asset.scale),
        base::format_decimal(limit ? *limit : mark->second.v, base::price_scale), ids_.next_text());
    const auto sent_at = steady_us();
    const auto signed_quantity = is_buy ? quantity : -quantity;
    if (listed.kind == base::InstrumentKind::in_kind && !is_buy) {
        tokens_[account].held[instrument] -= quantity;
    }
    auto self = shared_from_this();
    ask("private/submit_trade", params,
        [self, account, instrument, signed_quantity, sent_at](const api::ClientReply& reply) {
            self->on_trade(reply, account, instrument, signed_quantity, sent_at);
        });
}

void Desk::on_trade(const api::ClientReply& reply, base::AccountId account,
                    base::InstrumentId instrument, std::int64_t quantity, std::int64_t sent_at_us) {
    const bool is_in_kind =
        config_.listing.instrument(instrument).kind == base::InstrumentKind::in_kind;
    ++tally_.answered;
    tally_.observe(steady_us() - sent_at_us);
    if (reply.is_result()) {
        ++tally_.cleared;
        if (is_in_kind && quantity > 0) tokens_[account].held[instrument] += quantity;
    } else {
        tally_.refuse(reason_of(reply));
        if (is_in_kind && quantity < 0) tokens_[account].held[instrument] -= quantity;
    }
    finish_one();
}

void Desk::send_withdrawal(base::AccountId account) {
    const auto to = payee_.empty() ? fmt::format("0x{:040x}", account.v) : payee_;
    const auto params =
        fmt::format(R"({{"account":"{}","asset":"USDC","amount":"25","shard":"aave-uniswap",)"
                    R"("destination":"{}","client_id":"{}"}})",
                    base::to_string(account), to, ids_.next_text());
    auto self = shared_from_this();
    ask("private/withdraw", params, [self](const api::ClientReply& reply) {
        if (reply.is_result()) ++self->tally_.withdrawals;
        self->finish_one();
    });
}

void Desk::send_preview(base::AccountId account) {
    const auto& broker = config_.brokers[base::broker_of(account).v];
    const auto& listed = config_.listing.instrument(broker.instruments.front());
    const auto params =
        fmt::format(R"({{"account":"{}","instrument":"{}","side":"buy","quantity":"0.01"}})",
                    base::to_string(account), listed.symbol);
    auto self = shared_from_this();
    ask("private/preview_trade", params, [self](const api::ClientReply& reply) {
        if (reply.is_result()) ++self->tally_.previews;
        self->finish_one();
    });
}

void Desk::close() {
    is_trading_ = false;
    is_closing_ = true;
    pace_.cancel();
    client_->close();
}

}  // namespace crossclear::app
