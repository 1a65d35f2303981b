#pragma once

#include "base/result.hpp"
#include "ledger/withdrawal/commands.hpp"
#include "ledger/withdrawal/effects.hpp"
#include "ledger/withdrawal/events.hpp"
#include "ledger/withdrawal/reject.hpp"
#include "ledger/withdrawal/state.hpp"

#include <optional>
#include <string>
#include <vector>

/// The withdrawal machine: decides, on the broker's side, when a held withdrawal may be sent.
///
/// The subtle thing is the approval. Before it the client may take the withdrawal back; from then
/// on tokens may be on their way, so only the final word of its instruction can end it. The end is
/// told to the account until the account says that it has booked it.

namespace crossclear::ledger::withdrawal {

/// What became true, or why nothing did. No events: a repeat.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Takes a held withdrawal on. **Errors:** all up to `destination_is_missing`.
[[nodiscard]] Decision decide(const State& state, const StartWithdrawal& command);
/// Approves it once it is due, gated open and covered. **Errors:** `withdrawal_is_not_started`,
/// `not_yet_due`, `gate_is_closed`, `not_covered`; the last three are the reason to review again.
[[nodiscard]] Decision decide(const State& state, const Review& command);
/// Ends it as its instruction ended. **Errors:** `withdrawal_is_not_started`,
/// `instruction_was_not_asked_for`, `ended_differently`.
[[nodiscard]] Decision decide(const State& state, const NoteInstruction& command);
/// Takes it back while nothing was sent. **Errors:** `withdrawal_is_not_started`,
/// `already_approved`, `already_ended`.
[[nodiscard]] Decision decide(const State& state, const CancelWithdrawal& command);
/// Stops telling the end. **Errors:** `withdrawal_is_not_started`, `not_ended_yet`.
[[nodiscard]] Decision decide(const State& state, const AcknowledgeEnd& command);
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. **Requires:** that it was decided on this state.
void apply(State& state, const Event& event);

/// What an event asks of the world, once. `after` is the state that contains the event.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What the world still owes; asked again after a restart.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// What is wrong with the state, in one sentence, or nothing.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

}  // namespace crossclear::ledger::withdrawal
