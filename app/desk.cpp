#include "app/desk.hpp"

#include "base/decimal.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <chrono>

namespace crossclear::app {
namespace {

// What a sample trade is worth, in USD cents, and how far its limit stands from the mark.
constexpr std::int64_t trade_cents_min = 50'00;
constexpr std::int64_t trade_cents_max = 2'000'00;
constexpr std::int64_t limit_ppm = 30'000;
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

}  // namespace

Desk::Desk(boost::asio::io_context& io, Options options, const Config& config, Budget& budget,
           Tally& tally)
    : io_(io),
      options_(std::move(options)),
      config_(config),
      budget_(budget),
      tally_(tally),
      client_(api::Client::make(io)),
      rng_(options_.seed),
      ids_(rng_.next()),
      pace_(io) {}

void Desk::open(std::function<void(std::string, std::vector<base::AccountId>)> ready) {
    auto self = shared_from_this();
    client_->on_close = [self](std::uint16_t code, const std::string&) {
        if (self->is_trading_ && code != 1000) ++self->tally_.broken;
        self->is_trading_ = false;
        if (self->done_) std::exchange(self->done_, {})();
    };
    client_->on_notification = [self](const boost::json::object& message) {
        ++self->tally_.notices;
        self->on_mark(message);
    };
    api::ClientOptions where;
    where.address = config_.api.address;
    where.port = options_.port;
    client_->connect(where, [self, ready](std::string why) {
        if (!why.empty()) return ready(why, {});
        self->client_->authenticate(
            self->options_.key_id, self->options_.secret, [self, ready](api::ClientReply reply) {
                if (!reply.is_result()) return ready("auth: " + reason_of(reply), {});
                std::string channels = R"({"channels":[)";
                for (const auto& instrument : self->config_.listing.instruments) {
                    channels += fmt::format(R"("marks.{}",)", instrument.symbol);
                }
                // One account's settlements are followed as well, as a client would.
                channels += fmt::format(R"("account.{}.settlements"]}})",
                                        base::to_string(self->options_.accounts.front()));
                self->client_->call("private/subscribe", channels,
                                    [self, ready](api::ClientReply joined) {
                                        if (!joined.is_result())
                                            return ready("subscribe: " + reason_of(joined), {});
                                        self->look_at(0, ready, {});
                                    });
            });
    });
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
    ++tally_.asked;
    if (mark == marks_.end() || mark->second.v <= 0) {
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
    const auto limit = base::multiply_divide(mark->second.v,
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
    ++in_flight_;
    auto self = shared_from_this();
    client_->call("private/submit_trade", params,
                  [self, account, instrument, signed_quantity, sent_at](api::ClientReply reply) {
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
    const auto params =
        fmt::format(R"({{"account":"{}","asset":"USDC","amount":"25","shard":"aave-uniswap",)"
                    R"("destination":"0x000000000000000000000000{:016x}0000","client_id":"{}"}})",
                    base::to_string(account), account.v, ids_.next_text());
    ++in_flight_;
    auto self = shared_from_this();
    client_->call("private/withdraw", params, [self](api::ClientReply reply) {
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
    ++in_flight_;
    auto self = shared_from_this();
    client_->call("private/preview_trade", params, [self](api::ClientReply reply) {
        if (reply.is_result()) ++self->tally_.previews;
        self->finish_one();
    });
}

void Desk::close() {
    is_trading_ = false;
    pace_.cancel();
    client_->close();
}

}  // namespace crossclear::app
