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

/// The reconcile machine: notices where book and shard disagree, and stops a lane that leaks.
///
/// The subtle thing is forgetting. Late receipts and stray inflows come right by themselves, and
/// their breaks close when both sides agree. An outflow that was unexplained once stays one,
/// however the figures look later, and keeps its lane frozen until an operator has said why.

namespace crossclear::ledger::reconcile {

/// What became true, or why nothing did. No events: a repeat.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Compares both sides at one block. An asset that is not listed is not compared. Of an asset's
/// three figures the first that went missing is reported, else the first that differs, so that a
/// stray inflow cannot hide an outflow. **Errors:** all up to `too_many_breaks`.
[[nodiscard]] Decision decide(const State& state, const Compare& command);
/// Closes a break by an operator's word, and thaws the lane with the last outflow.
/// **Errors:** `reason_is_missing`, `no_such_break`.
[[nodiscard]] Decision decide(const State& state, const ResolveBreak& command);
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. **Requires:** that it was decided on this state.
void apply(State& state, const Event& event);

/// What an event asks of the world, once. `after` is the state that contains the event.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What the world still owes; asked again after a restart. A lane that was ever frozen is told how
/// it stands, because the last word may not have reached it.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// What is wrong with the state, in one sentence, or nothing.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

}  // namespace crossclear::ledger::reconcile
