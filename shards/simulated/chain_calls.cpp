#include "base/check.hpp"
#include "shards/simulated/chain.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

/// What others ask of a chain and what it tells them; how blocks come about is in chain.cpp.

namespace crossclear::shards::simulated {
namespace {

using ledger::Finality;
using ledger::ShardRefusal;

std::uint64_t block_of(const ledger::ShardNotice& notice) {
    return std::visit([](const auto& told) { return told.block; }, notice);
}

}  // namespace

bool Chain::is_taken(const base::OrderRef& ref) const {
    return receipts_.contains(ref) || waiting_orders_.contains(ref) || expired_.contains(ref);
}

void Chain::add_pending(Waiting what, base::Timestamp not_before) {
    if (const auto* order = std::get_if<ledger::ShardOrder>(&what)) {
        waiting_orders_.insert(order->ref);
    }
    mempool_.emplace(queued_++, Pending{.what = std::move(what), .not_before = not_before});
}

SubmitAnswer Chain::submit(const ledger::ShardOrder& order, base::Timestamp now) {
    // Every draw is made on every call, so that switching one fault leaves the others' luck alone.
    const bool is_request_lost = submission_rng_.chance_ppm(faults_.lost_request_ppm);
    const bool is_answer_lost = submission_rng_.chance_ppm(faults_.lost_answer_ppm);
    const bool is_dropped = submission_rng_.chance_ppm(faults_.drop_ppm);
    const bool is_refused = submission_rng_.chance_ppm(faults_.refuse_ppm);
    const std::int64_t latency_us = static_cast<std::int64_t>(
        submission_rng_.below(static_cast<std::uint64_t>(faults_.submission_latency_max.us) + 1));
    if (faults_.is_unreachable || is_request_lost) return NoAnswer{};
    const auto answer = [&](SubmitAnswer given) {
        return is_answer_lost ? SubmitAnswer{NoAnswer{}} : given;
    };

    if (const auto found = tombstones_.find(order.ref); found != tombstones_.end()) {
        return answer(Refused{found->second});
    }
    if (is_taken(order.ref)) return answer(Accepted{});
    if (!is_supported(listing_, parameters_.shard, order)) {
        return answer(Refused{ShardRefusal::unsupported});
    }
    if (order.deadline <= time_of(final_height())) {
        remember_head();
        return answer(Refused{ShardRefusal::expired});
    }
    if (is_refused) {
        tombstones_[order.ref] = ShardRefusal::reverted;
        records_.emplace_back(Tombstone{.ref = order.ref, .why = ShardRefusal::reverted});
        return answer(Refused{ShardRefusal::reverted});
    }
    if (mempool_.size() >= mempool_max) return NoAnswer{};
    if (!is_dropped) {
        const auto latency = parameters_.inclusion_latency + base::Duration{latency_us};
        add_pending(order, now + latency);
    }
    return answer(Accepted{});
}

std::variant<ledger::OrderNotice, NoAnswer> Chain::ask(const base::OrderRef& ref) {
    const bool is_lost = submission_rng_.chance_ppm(faults_.lost_answer_ppm);
    if (faults_.is_unreachable || is_lost) return NoAnswer{};
    ledger::OrderNotice notice{.ref = ref};
    if (const auto found = receipts_.find(ref); found != receipts_.end()) {
        notice = found->second;
        notice.finality = finality_of(notice.block);
    } else if (waiting_orders_.contains(ref)) {
        notice.finality = Finality::seen;
    } else if (const auto expired = expired_.find(ref); expired != expired_.end()) {
        notice.finality = Finality::final;
        notice.block = expired->second;
        notice.refusal = ShardRefusal::expired;
    } else if (const auto tombstone = tombstones_.find(ref); tombstone != tombstones_.end()) {
        notice.finality = Finality::final;
        notice.refusal = tombstone->second;
    }
    return notice;
}

std::variant<Balances, NoAnswer> Chain::balances(base::BrokerId broker) const {
    if (faults_.is_unreachable) return NoAnswer{};
    return final_balances(broker);
}

Balances Chain::final_balances(base::BrokerId broker) const {
    return balances_in(final_book_, broker, final_height());
}

Balances Chain::head_balances(base::BrokerId broker, std::uint64_t block) const {
    return balances_in(head_book_, broker, block);
}

Balances Chain::balances_in(const Book& book, base::BrokerId broker, std::uint64_t block) const {
    Balances balances{
        .block = block, .at = time_of(block), .gas_max = parameters_.gas_per_order, .lines = {}};
    for (const auto asset : listing_.shard(parameters_.shard).assets) {
        Balances::Line line{.asset = asset,
                            .held = book.balance(vault_of(broker), asset),
                            .posted = book.balance(margin_of(broker), asset),
                            .position = {}};
        if (const auto instrument = listing_.instrument_of(asset)) {
            line.position = book.position(broker, *instrument).quantity;
        }
        balances.lines.push_back(line);
    }
    return balances;
}

Health Chain::health() const {
    return Health{.is_reachable = !faults_.is_unreachable,
                  .is_paused = faults_.is_paused || slot_ < paused_until_,
                  .head_block = head_,
                  .final_block = final_height(),
                  .head_at = time_of(head_)};
}

void Chain::rescan(std::optional<base::BrokerId> broker, std::uint64_t from_block) {
    const auto tell_again = [&](const Told& told) {
        if (broker && told.to != *broker) return;
        if (block_of(told.notice) >= from_block) tell(told.to, told.notice);
    };
    for (const Told& told : inflows_) tell_again(told);
    for (const auto& [id, told] : undone_deposits_) tell_again(told);
    for (const Recent& recent : recent_) {
        const auto height = recent.block.height;
        for (const Entry& entry : recent.block.entries) {
            if (std::holds_alternative<OrderExecuted>(entry.content)) continue;
            if (const auto told = told_of(entry, height, finality_of(height))) tell_again(*told);
        }
    }
}

base::Result<void, ShardRefusal> Chain::deposit(base::AccountId account, base::AssetId asset,
                                                base::Amount amount, base::Timestamp now) {
    if (amount.v <= 0 || !has_asset(listing_, parameters_.shard, asset) ||
        base::is_contract(listing_.asset(asset).kind)) {
        return base::Failure{ShardRefusal::unsupported};
    }
    if (mempool_.size() >= mempool_max) return base::Failure{ShardRefusal::capacity_exceeded};
    add_pending(DepositMade{.id = 0, .account = account, .asset = asset, .amount = amount},
                now + parameters_.inclusion_latency);
    return {};
}

void Chain::arrive(const base::OrderRef& ref, base::AssetId asset, base::Amount amount,
                   base::Timestamp now) {
    if (!arrivals_.emplace(ref, 0).second) return;
    add_pending(TokensArrived{.ref = ref, .asset = asset, .amount = amount}, now);
}

bool Chain::has_final_arrival(const base::OrderRef& ref) const {
    const auto found = arrivals_.find(ref);
    if (found == arrivals_.end() || found->second == 0) return false;
    return finality_of(found->second) == Finality::final;
}

void Chain::fail_protocol(base::AssetId asset, base::Ppm share, base::Timestamp now) {
    CHECK(share.v >= 0 && share.v <= base::ppm_one, "a share of a holding is at most all of it");
    add_pending(LossTaken{.asset = asset, .share = share}, now);
}

void Chain::set_price(base::InstrumentId instrument, base::Price price) {
    CHECK(is_price(listing_, instrument, price), "the world's prices are positive");
    prices_[instrument] = price;
}

void Chain::set_funding(base::InstrumentId instrument, base::Price index) {
    funding_[instrument] = index;
}

void Chain::set_faults(Faults faults) {
    faults_ = std::move(faults);
    if (faults_.is_unreachable && !silent_since_) silent_since_ = head_;
    if (faults_.is_unreachable || !silent_since_) return;
    // What became final while nobody listened was included at most a finality depth earlier, and
    // what was held back a little before that. Orders are asked for by their owners.
    const std::uint64_t overlap = std::uint64_t{2} * parameters_.finality_depth;
    const std::uint64_t from = *silent_since_ > overlap ? *silent_since_ - overlap : 0;
    silent_since_.reset();
    rescan(std::nullopt, from);
}

void Chain::forget_departure(const base::OrderRef& ref) { departures_.erase(ref); }

void Chain::tell(base::BrokerId to, ledger::ShardNotice notice) {
    if (faults_.is_unreachable) return;
    notices_.push_back({.to = to, .notice = notice});
}

void Chain::tell_block(const Block& block, Finality finality) {
    for (const Entry& entry : block.entries) {
        if (auto told = told_of(entry, block.height, finality)) {
            tell(told->to, told->notice);
        }
    }
}

std::optional<Told> Chain::told_of(const Entry& entry, std::uint64_t height,
                                   Finality finality) const {
    if (const auto* executed = std::get_if<OrderExecuted>(&entry.content)) {
        const auto broker = base::broker_of(executed->order.ref.origin);
        if (finality == Finality::unseen) {
            return Told{broker, ledger::OrderNotice{.ref = executed->order.ref}};
        }
        ledger::OrderNotice notice = executed->outcome;
        notice.finality = finality;
        return Told{broker, notice};
    }
    if (const auto* made = std::get_if<DepositMade>(&entry.content)) {
        return Told{base::broker_of(made->account),
                    ledger::DepositNotice{.id = made->id,
                                          .shard = parameters_.shard,
                                          .account = made->account,
                                          .asset = made->asset,
                                          .amount = made->amount,
                                          .finality = finality,
                                          .block = height}};
    }
    if (const auto* arrived = std::get_if<TokensArrived>(&entry.content)) {
        return Told{base::broker_of(arrived->ref.origin),
                    ledger::ArrivalNotice{.ref = arrived->ref,
                                          .shard = parameters_.shard,
                                          .asset = arrived->asset,
                                          .amount = arrived->amount,
                                          .finality = finality,
                                          .block = height}};
    }
    const auto* settled = std::get_if<VariationSettled>(&entry.content);
    if (!settled || finality != Finality::final) return std::nullopt;
    return Told{settled->broker, ledger::VariationNotice{.shard = parameters_.shard,
                                                         .number = settled->number,
                                                         .instrument = settled->instrument,
                                                         .change = settled->change,
                                                         .closed = settled->closed,
                                                         .block = height}};
}

std::vector<Record> Chain::take_records() { return std::exchange(records_, {}); }

std::vector<Told> Chain::take_notices() {
    std::vector<Told> late = std::exchange(held_back_, {});
    std::vector<Told> told;
    for (const Told& one : std::exchange(notices_, {})) {
        const bool is_variation = std::holds_alternative<ledger::VariationNotice>(one.notice);
        const bool is_late = notice_rng_.chance_ppm(faults_.reorder_notice_ppm);
        const bool is_doubled = notice_rng_.chance_ppm(faults_.duplicate_notice_ppm);
        if (is_doubled) told.push_back(one);
        auto& kept = is_late && !is_variation ? held_back_ : told;
        kept.push_back(one);
    }
    if (faults_.is_unreachable) return {};
    std::move(late.begin(), late.end(), std::back_inserter(told));
    return told;
}

}  // namespace crossclear::shards::simulated
