#pragma once

#include "base/result.hpp"
#include "ledger/reconcile/commands.hpp"
#include "ledger/reconcile/effects.hpp"
#include "ledger/reconcile/events.hpp"
#include "ledger/reconcile/reject.hpp"
#include "ledger/reconcile/state.hpp"

#include <optional>
#include <string>
#include <vector>

/// The reconcile machine: notices where book and shard disagree, and stops a lane that leaks or
/// cannot be believed.
///
/// The subtle thing is forgetting. Late and missing receipts and stray inflows come right by
/// themselves, and their breaks close when both sides agree. An outflow that was unexplained once
/// stays one, however the figures look later, and keeps its lane frozen until an operator has said
/// why. What the operator's word books makes the book follow the shard, or the break would open
/// again.

namespace crossclear::ledger::reconcile {

/// What became true, or why nothing did. No events: a repeat.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Opens a break, or changes the one that is open, and freezes the lane until an operator has said
/// why. **Errors:** `too_many_breaks`.
[[nodiscard]] Decision decide(const State& state, const Distrust& command);
/// Compares both sides at one block. A figure that no books hold is distrusted, not compared. An
/// asset that is not listed is not compared. Of an asset's three figures the first that went
/// missing is reported, else the first that differs, so that a stray inflow cannot hide an outflow.
/// **Errors:** all up to `too_many_breaks`.
[[nodiscard]] Decision decide(const State& state, const Compare& command);
/// Closes a break by an operator's word, books what becomes of it, and thaws the lane with the last
/// outflow; or lets the broker bear what was suspended. A refusal is not remembered: a break is
/// named by its block, so a late copy can hit no other one. **Errors:** those about ids,
/// `reason_is_missing`, `no_such_break`, and those about what can be booked.
[[nodiscard]] Decision decide(const State& state, const ResolveBreak& command);
/// Stops the lane until it is let go on. **Errors:** those about ids.
[[nodiscard]] Decision decide(const State& state, const PauseLane& command);
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. **Requires:** that it was decided on this state.
void apply(State& state, const Event& event);

/// What an event asks of the world, once. `after` is the state that contains the event.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What the world still owes; asked again after a restart. A lane that was ever told anything is
/// told how it stands, because the last word may not have reached it.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// Tells one command's body from another's under the same id.
[[nodiscard]] std::uint64_t body_hash(const ResolveBreak& command);
[[nodiscard]] std::uint64_t body_hash(const PauseLane& command);

/// What is wrong with the state, in one sentence, or nothing.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

}  // namespace crossclear::ledger::reconcile
