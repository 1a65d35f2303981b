#pragma once

#include "base/result.hpp"
#include "ledger/netting/commands.hpp"
#include "ledger/netting/effects.hpp"
#include "ledger/netting/events.hpp"
#include "ledger/netting/reject.hpp"
#include "ledger/netting/state.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// A broker's house: what offsetting trades leave over, and what is done about it.
///
/// The problem: many partitions clear trades at once, none knows the others, and yet tokens must
/// never be promised twice. The idea: partitions report absolute figures, and this one machine
/// makes every promise: quotas of cover to partitions and reservations for hedges, both out of the
/// same backing. The subtle thing: an asset has at most one open task, because a task's fills reach
/// the books before the task is closed and would otherwise count twice.

namespace crossclear::ledger::netting {

/// New events (none: nothing to do, or a repeat), or why not.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Books what the broker starts with and opens the moves of its first margins. **Errors:**
/// `amount_must_be_positive`.
[[nodiscard]] Decision decide(const State& state, const Found& command);
/// Books what is new about a deposit: its certainty only rises within a block, and begins anew in a
/// later one. **Errors:** `figures_incredible`, `amount_must_be_positive`,
/// `deposit_of_other_broker`, `deposit_contradicts_record`, `figures_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const RecordDeposit& command);
/// Takes back what stands in those blocks and is not final: it would have been told. Of the lowest
/// ones, as many as a reorganisation replaces at most, nothing: it may have moved below. Never
/// refuses.
[[nodiscard]] Decision decide(const State& state, const EndRescan& command);
/// The block that each shard has to be looked through from, if it has deposits that `EndRescan`
/// may take back.
[[nodiscard]] std::map<base::ShardId, std::uint64_t> rescans_wanted(const State& state);
/// Lets go of a deposit whose end its account has booked. Never refuses.
[[nodiscard]] Decision decide(const State& state, const AcknowledgeDeposit& command);
/// Books variations in the order of their numbers, as far as the margin that is posted bears them.
/// **Errors:** where none can be booked, `figures_incredible`, `variation_ahead_of_margin` or
/// `variation_out_of_order`.
[[nodiscard]] Decision decide(const State& state, const RecordVariations& command);
/// Grants cover, opens tasks, and calls those off that have become too large by more than the band.
/// **Errors:** `figures_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const Balance& command);
/// Opens moves of margin where more or less is posted than the policy lets stray, one at a time for
/// each venue and asset. **Rounding:** what is wanted, and its slack, up. **Errors:**
/// `figures_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const KeepMargins& command);
/// Opens one move at most, from the richest shard to one that is below its low mark. Never refuses.
[[nodiscard]] Decision decide(const State& state, const LevelShards& command);
/// Closes what is open, once. Never refuses. **Rounding:** the notional of what a task has filled,
/// down.
[[nodiscard]] Decision decide(const State& state, const CloseHedge& command);
[[nodiscard]] Decision decide(const State& state, const CloseMove& command);
/// Books the figures it is given; nothing where both are zero. Never refuses.
[[nodiscard]] Decision decide(const State& state, const BookResult& command);
/// Capital first, then insurance; what is beyond both stays LOSS. Never refuses.
[[nodiscard]] Decision decide(const State& state, const BearLoss& command);
/// **Errors:** `amount_must_be_positive`, `gate_is_closed`, `departure_not_covered`. **Rounding:**
/// against the departure, also of time: what left counts up to `gate_step` longer.
[[nodiscard]] Decision decide(const State& state, const ReviewDeparture& command);
/// Frees what departures that are over had reserved. Never refuses.
[[nodiscard]] Decision decide(const State& state, const CloseDeparture& command);
[[nodiscard]] Decision decide(const State& state, const KeepDepartures& command);
/// Proposes a last price, in place of one that was proposed before; of the host's only where there
/// is none. **Errors:** `id_reused_with_other_body`, `contract_not_expired`, `price_out_of_range`,
/// `price_is_fixed`, `too_many_proposals`.
[[nodiscard]] Decision decide(const State& state, const ProposePrice& command);
/// **Errors:** `id_reused_with_other_body`, `reason_is_missing`, `price_not_proposed`,
/// `price_is_fixed`, `too_many_proposals`.
[[nodiscard]] Decision decide(const State& state, const DisputePrice& command);
/// Outcomes of one event wait for each other, and for prices that add up. Never refuses.
[[nodiscard]] Decision decide(const State& state, const FixPrices& command);
/// The contracts of events that `command` would fix by now, if their prices did add up: they stay
/// until other prices are proposed.
[[nodiscard]] std::set<base::AssetId> mismatched(const State& state, const FixPrices& command);
/// Whichever command it is.
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. Never refuses.
void apply(State& state, const Event& event);

/// What the world is asked for once the event is durable. `after` is the state it left.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What is still owed; asked again after a restart.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// The first breach, if any.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

/// Tells one command's body from another's under the same id.
[[nodiscard]] std::uint64_t body_hash(const ProposePrice& command);
[[nodiscard]] std::uint64_t body_hash(const DisputePrice& command);

/// What the margin at one venue stands behind. **Requires:** positive share, mark and figures that
/// are not negative.
struct Bearing {
    base::Amount posted;
    base::Ppm share;
    base::Amount value;  ///< Of all contracts behind which it stands.
    base::Amount own;    ///< The part of `value` in this contract.
    base::Amount unit;   ///< What `units` of the contract are worth, positive.
    base::Amount units;
};
/// The largest position in one contract that the margin at its venue bears, in contracts. Half of
/// the policy's share has to stand behind each; where that is not so, all shrink alike.
/// **Rounding:** down.
[[nodiscard]] base::Amount position_max_of(const Bearing& bearing);

/// What leaves in this much time is counted together, so that the gate's memory is bounded.
inline constexpr base::Duration gate_step = base::seconds(600);
/// The longer of the gate's two windows: what left before it is forgotten.
inline constexpr base::Duration gate_day = base::seconds(86'400);

/// What departures may still take from an asset on one shard.
[[nodiscard]] base::Amount leaving(const State& state, base::ShardId shard, base::AssetId asset);

/// What of `asset` is promised: quotas less what was given back, and reservations of open tasks.
/// `returned` is per partition, as reported.
[[nodiscard]] base::Result<base::Amount, Reject> promised(const State& state,
                                                          const CoverLine& line);

}  // namespace crossclear::ledger::netting
