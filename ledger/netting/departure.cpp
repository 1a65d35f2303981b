#include "base/wide.hpp"
#include "ledger/netting/machine.hpp"
#include "ledger/netting/reserved.hpp"

#include <algorithm>

/// The rate gate: how much of an asset may leave a broker in an hour and in a day, and what of it
/// is still on its way. It is part of the house's state, so that no restart opens it.

namespace crossclear::ledger::netting {
namespace {

using base::Amount;
using base::Failure;

constexpr base::Duration hour = base::seconds(3'600);

// What left of an asset within `window` before `now`. A clock that was set back sees more, never
// less.
base::Wide left_within(const State& state, base::AssetId asset, base::Duration window,
                       base::Timestamp now) {
    base::Wide sum = 0;
    for (auto outflow = state.outflows.lower_bound({asset, base::Timestamp{INT64_MIN}});
         outflow != state.outflows.end() && outflow->first.asset == asset; ++outflow) {
        if (outflow->first.from + gate_step > now - window) sum += outflow->second.v;
    }
    return sum;
}

bool is_within(const State& state, const ReviewDeparture& command, base::Duration window,
               base::Ppm share, Amount more) {
    const auto allowed = base::portion(command.holdings, share, base::Rounding::down);
    return allowed && left_within(state, command.departure.asset, window, command.at) + more.v <=
                          base::Wide{allowed->v};
}

bool is_gate_open(const State& state, const ReviewDeparture& command) {
    if (command.suspended > Amount{0}) return false;
    // A repeat has been counted.
    const bool is_counted = state.departures.contains(command.withdrawal);
    const Amount more = is_counted ? Amount{} : command.departure.amount;
    return is_within(state, command, hour, command.hour_max, more) &&
           is_within(state, command, gate_day, command.day_max, more);
}

bool is_covered(const State& state, const ReviewDeparture& command) {
    if (!command.is_current) return false;
    // Tasks and moves take what they have not sent yet. What is on its way may be a withdrawal's,
    // which is promised in full until it is over, so it is none of theirs twice.
    const Departure& departure = command.departure;
    const Amount engaged = engaged_at(state, departure.shard, departure.asset, command.hedged);
    const base::Wide unsent = base::Wide{engaged.v} - command.in_flight.v;
    base::Wide promised = base::Wide{departure.amount.v} + std::max(unsent, base::Wide{0});
    for (const auto& [withdrawal, other] : state.departures) {
        if (withdrawal == command.withdrawal) continue;
        if (other.asset != departure.asset) continue;
        if (other.shard == departure.shard) promised += other.amount.v;
    }
    return promised <= base::Wide{command.on_shard.v};
}

}  // namespace

Decision decide(const State& state, const ReviewDeparture& command) {
    if (command.departure.amount <= Amount{0}) return Failure{Reject::amount_must_be_positive};
    if (!is_gate_open(state, command)) return Failure{Reject::gate_is_closed};
    if (!is_covered(state, command)) return Failure{Reject::departure_not_covered};
    if (state.departures.contains(command.withdrawal)) return std::vector<Event>{};
    return std::vector<Event>{DepartureApproved{.account = command.withdrawal.account,
                                                .number = command.withdrawal.number,
                                                .asset = command.departure.asset,
                                                .amount = command.departure.amount,
                                                .shard = command.departure.shard,
                                                .at = command.at}};
}

Decision decide(const State& state, const CloseDeparture& command) {
    if (!state.departures.contains(command.withdrawal)) return std::vector<Event>{};
    return std::vector<Event>{DepartureClosed{.account = command.withdrawal.account,
                                              .number = command.withdrawal.number,
                                              .at = command.at}};
}

Decision decide(const State& state, const KeepDepartures& command) {
    std::vector<Event> events;
    for (const auto& [withdrawal, departure] : state.departures) {
        if (command.open.contains(withdrawal)) continue;
        events.emplace_back(DepartureClosed{
            .account = withdrawal.account, .number = withdrawal.number, .at = command.at});
    }
    return events;
}

Amount leaving(const State& state, base::ShardId shard, base::AssetId asset) {
    Amount sum;
    for (const auto& [withdrawal, departure] : state.departures) {
        if (departure.asset != asset || departure.shard != shard) continue;
        sum = base::must_add(sum, departure.amount);
    }
    return sum;
}

}  // namespace crossclear::ledger::netting
