#pragma once

#include "base/result.hpp"
#include "ledger/hedge/commands.hpp"
#include "ledger/hedge/effects.hpp"
#include "ledger/hedge/events.hpp"
#include "ledger/hedge/reject.hpp"
#include "ledger/hedge/state.hpp"

#include <optional>
#include <string>
#include <vector>

/// The hedge machine: lays one residual exposure off on one shard, in slices that nobody can
/// foresee and everybody can check afterwards.
///
/// The subtle thing is the unknown. An order that was sent may take effect until the shard says a
/// final word, so the task ends only when every order sent has one; what was never sent is dropped
/// by the deadline or a cancel. A final word never changes.

namespace crossclear::ledger::hedge {

/// What became true, or why nothing did. No events: a repeat, or nothing is due.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Fixes the schedule and its commitment. A repeat of the same duty keeps the first schedule, even
/// if another one was drawn for it. **Errors:** all up to `deadline_must_follow`.
[[nodiscard]] Decision decide(const State& state, const PlanHedge& command);
/// Sends what is due, in order, and ends the task when nothing is left to send or to wait for.
/// Slices are sent up to and including the deadline. **Errors:** `task_is_not_planned`.
[[nodiscard]] Decision decide(const State& state, const Advance& command);
/// Records what the shard says about one slice. **Errors:** `task_is_not_planned`,
/// `notice_contradicts_order`, `figures_incredible`.
[[nodiscard]] Decision decide(const State& state, const NoteOrder& command);
/// Calls the unsent rest off. **Errors:** `task_is_not_planned`.
[[nodiscard]] Decision decide(const State& state, const CancelHedge& command);
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. **Requires:** that it was decided on this state.
void apply(State& state, const Event& event);

/// What an event asks of the world, once. `after` is the state that contains the event.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What the world still owes; asked again after a restart.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// What is wrong with the state, in one sentence, or nothing.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

}  // namespace crossclear::ledger::hedge
