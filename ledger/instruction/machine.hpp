#pragma once

#include "base/result.hpp"
#include "ledger/instruction/commands.hpp"
#include "ledger/instruction/effects.hpp"
#include "ledger/instruction/events.hpp"
#include "ledger/instruction/reject.hpp"
#include "ledger/instruction/state.hpp"

#include <optional>
#include <string>
#include <vector>

/// The instruction machine: carries out a duty of several legs, one after the other.
///
/// The subtle thing is the retry. A new attempt is a new effect, so it is made only after the shard
/// has said for good that the one before it never takes effect; an order whose fate is unknown is
/// waited for, however long. Until the pivot is final the duty may be given up; after it there is
/// only forward, and who is stuck there is an operator's case. The pivot is the first leg: what a
/// leg before it had done, another order would have to undo, and that may fail as well.

namespace crossclear::ledger::instruction {

/// What became true, or why nothing did. No events: a repeat, or nothing is due.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Opens the duty. A repeat of the same one adds nothing, even if the broker's lifetimes or
/// attempts have changed since. **Errors:** all up to `attempts_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const CreateInstruction& command);
/// Sends the next attempt if none is in flight. **Errors:** `instruction_is_not_created`.
[[nodiscard]] Decision decide(const State& state, const Advance& command);
/// Records what the shard says about one attempt, and the end if that was its last.
/// **Errors:** `instruction_is_not_created`, `notice_contradicts_order`, `figures_incredible`.
[[nodiscard]] Decision decide(const State& state, const NoteOrder& command);
/// Records that the tokens of the leg before have arrived. **Errors:**
/// `instruction_is_not_created`, `arrival_contradicts_leg`, `arrival_before_departure`.
[[nodiscard]] Decision decide(const State& state, const NoteArrival& command);
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. **Requires:** that it was decided on this state.
void apply(State& state, const Event& event);

/// What an event asks of the world, once. `after` is the state that contains the event.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What the world still owes; asked again after a restart.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// What is wrong with the state, in one sentence, or nothing.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

}  // namespace crossclear::ledger::instruction
