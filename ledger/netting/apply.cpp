#include "ledger/netting/applying.hpp"
#include "ledger/netting/machine.hpp"

#include <algorithm>
#include <variant>

/// How the house's events become true, and what they ask of the world.

namespace crossclear::ledger::netting {
namespace {

using base::Amount;

void apply_one(State& state, const CapitalPaidIn&) { state.is_founded = true; }

void lose_block(State& state, const DepositKey& key, std::uint64_t block) {
    auto& gone = state.deposits_gone[key];
    gone = std::max(gone, block);
}

void apply_one(State& state, const DepositRecorded& event) {
    const DepositKey key{event.shard, event.deposit};
    if (event.finality == Finality::unseen) {
        auto& deposit = state.deposits[key];
        deposit.recorded = Finality::unseen;
        deposit.is_acknowledged = false;
        lose_block(state, key, event.block);
        return;
    }
    state.deposits[key] = Deposit{.account = event.account,
                                  .asset = event.asset,
                                  .amount = event.amount,
                                  .recorded = event.finality,
                                  .acknowledged = state.deposits[key].acknowledged,
                                  .is_acknowledged = false,
                                  .block = event.block};
    if (event.finality == Finality::final) {
        state.deposits_gone.erase(key);
        const PartitionAsset of{base::partition_of(event.account, state.partitions), event.asset};
        auto& total = state.deposited[of];
        total = base::must_add(total, event.amount);
    }
}

void apply_one(State& state, const DepositAcknowledged& event) {
    const DepositKey key{event.shard, event.deposit};
    const auto found = state.deposits.find(key);
    if (found == state.deposits.end() || found->second.recorded != event.finality) return;
    if (event.finality == Finality::final) {
        state.deposits_done.insert(key);
        state.deposits.erase(found);
    } else if (event.finality == Finality::unseen) {
        state.deposits.erase(found);
    } else {
        found->second.acknowledged = event.finality;
        found->second.is_acknowledged = true;
    }
}

void apply_one(State& state, const DepositReplaced& event) {
    lose_block(state, {event.shard, event.deposit}, event.block);
}

void apply_one(State& state, const QuotaGranted& event) {
    state.granted[{event.partition, event.asset}] = event.granted_total;
}

void apply_one(State& state, const HedgeOpened& event) {
    state.numbers = std::max(state.numbers, event.number);
    state.hedges.emplace(event.number, event);
}

void apply_one(State& state, const HedgeClosed& event) {
    state.hedges.erase(event.number);
    state.called_off.erase(event.number);
}

void apply_one(State& state, const HedgeCalledOff& event) { state.called_off.insert(event.number); }

void add_posted(State& state, VenueAsset of, Amount change) {
    auto& posted = state.posted[of];
    posted = base::must_add(posted, change);
    if (posted == Amount{0}) state.posted.erase(of);
}

void apply_one(State& state, const MoveOpened& event) {
    state.numbers = std::max(state.numbers, event.number);
    state.moves.emplace(event.number, event);
    if (event.purpose == instruction::Purpose::take_margin) {
        add_posted(state, {event.from, event.asset}, base::must_subtract({}, event.amount));
    }
}

void apply_one(State& state, const MoveClosed& event) {
    const auto open = state.moves.extract(event.number);
    if (open.empty()) return;
    const MoveOpened& move = open.mapped();
    if (move.purpose != instruction::Purpose::move) {
        const VenueAsset of{move.from, move.asset};
        if (event.is_settled) {
            state.refusals.erase(of);
        } else {
            auto& refusals = state.refusals[of];
            refusals = {.count = refusals.count + 1, .last = event.at};
        }
    }
    const bool has_arrived = move.purpose == instruction::Purpose::post_margin && event.is_settled;
    const bool has_stayed = move.purpose == instruction::Purpose::take_margin && !event.is_settled;
    if (has_arrived || has_stayed) add_posted(state, {move.from, move.asset}, move.amount);
}

void apply_one(State& state, const VenueVariation& event) {
    state.variations[event.shard] = event.number;
    add_posted(state, {event.shard, event.settlement}, event.change);
}

void apply_one(State&, const ResultBooked&) {}
void apply_one(State&, const LossBorne&) {}

void apply_one(State& state, const DepartureApproved& event) {
    const DepartureKey withdrawal{event.account, event.number};
    const Departure departure{.asset = event.asset, .amount = event.amount, .shard = event.shard};
    if (!state.departures.emplace(withdrawal, departure).second) return;
    const base::Timestamp from{event.at.us - event.at.us % gate_step.us};
    // Whatever asset it was.
    std::erase_if(state.outflows, [&](const auto& outflow) {
        return outflow.first.from + gate_step <= event.at - gate_day;
    });
    auto& outflow = state.outflows[{event.asset, from}];
    outflow = base::must_add(outflow, event.amount);
}

void apply_one(State& state, const DepartureClosed& event) {
    state.departures.erase({event.account, event.number});
}

TellDeposit tell(const DepositKey& key, const Deposit& deposit) {
    return TellDeposit{.deposit = key.id,
                       .shard = key.shard,
                       .account = deposit.account,
                       .asset = deposit.asset,
                       .amount = deposit.amount,
                       .finality = deposit.recorded};
}

}  // namespace

void apply(State& state, const Event& event) {
    std::visit([&](const auto& one) { apply_one(state, one); }, event);
}

std::vector<Effect> effects_of(const State& after, const Event& event) {
    if (const auto* deposit = std::get_if<DepositRecorded>(&event)) {
        const auto found = after.deposits.find({deposit->shard, deposit->deposit});
        if (found == after.deposits.end()) return {};
        return {tell(found->first, found->second)};
    }
    if (const auto* quota = std::get_if<QuotaGranted>(&event)) {
        return {TellQuota{quota->partition, quota->asset, quota->granted_total}};
    }
    if (const auto* task = std::get_if<HedgeOpened>(&event)) return {OpenHedge{*task}};
    if (const auto* off = std::get_if<HedgeCalledOff>(&event)) return {CallOffHedge{off->number}};
    if (const auto* move = std::get_if<MoveOpened>(&event)) return {OpenMove{*move}};
    if (const auto* fixed = std::get_if<PriceFixed>(&event)) {
        return {TellPrice{fixed->contract, fixed->price}};
    }
    return {};
}

std::vector<Effect> outstanding(const State& state) {
    std::vector<Effect> owed;
    owed.reserve(state.deposits.size() + state.granted.size());
    for (const auto& [key, deposit] : state.deposits) owed.emplace_back(tell(key, deposit));
    for (const auto& [of, total] : state.granted) {
        owed.emplace_back(TellQuota{of.partition, of.asset, total});
    }
    for (const auto& [number, task] : state.hedges) owed.emplace_back(OpenHedge{task});
    for (const auto number : state.called_off) owed.emplace_back(CallOffHedge{number});
    for (const auto& [number, move] : state.moves) owed.emplace_back(OpenMove{move});
    for (const auto& [contract, expiry] : state.expiries) {
        if (expiry.phase != PricePhase::fixed) continue;
        owed.emplace_back(TellPrice{contract, expiry.price});
    }
    return owed;
}

}  // namespace crossclear::ledger::netting
