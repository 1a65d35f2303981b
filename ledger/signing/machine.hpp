#pragma once

#include "base/result.hpp"
#include "ledger/signing/commands.hpp"
#include "ledger/signing/effects.hpp"
#include "ledger/signing/events.hpp"
#include "ledger/signing/reject.hpp"
#include "ledger/signing/state.hpp"

#include <optional>
#include <string>
#include <vector>

/// The signing machine: which nonce of a key belongs to which order, and what was signed under it.
///
/// The problem: a transaction that was sent cannot be called back, a node may lose it, keep it for
/// hours or have it twice, and after a crash nobody remembers what left. The idea: a nonce is given
/// to an order once, and everything that could ever be in a block under it is in the journal before
/// it is sent. Then it does not matter which of them is mined, or who sends it again: the chain
/// takes one transaction per nonce. The subtle thing: a nonce is free for another effect only when
/// a transaction that holds it is final and is none of ours. Nothing else, no time-out, no "not
/// found" and no cancel that was merely sent, ends an order's claim on it.

namespace crossclear::ledger::signing {

/// What became true, or why nothing did. No events: a repeat.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Opens the lane, or goes on with another key once nothing of the old one is unfinished.
/// **Errors:** `key_is_in_use`, `key_has_unfinished`, `chain_is_another`.
[[nodiscard]] Decision decide(const State& state, const OpenLane& command);
/// Gives an order the next nonce and plans its first transaction; one that has ended gets none.
/// **Errors:** `lane_is_not_open`,
/// `ref_reused_with_other_body`, and from `call_is_too_long` to `lane_is_full`.
[[nodiscard]] Decision decide(const State& state, const TakeIntent& command);
/// Keeps what was signed. **Errors:** `no_such_transaction`, `transaction_differs`.
[[nodiscard]] Decision decide(const State& state, const NoteSigned& command);
/// Plans a cancel where nothing was signed under the nonce yet; halts where that is refused too.
/// **Errors:** `no_such_transaction`, `transaction_differs` where it is signed.
[[nodiscard]] Decision decide(const State& state, const NoteSignerRefused& command);
/// **Errors:** `hash_is_not_ours`.
[[nodiscard]] Decision decide(const State& state, const NoteIncluded& command);
/// Never refused: what is not included where the host says needs no undoing.
[[nodiscard]] Decision decide(const State& state, const NoteUndone& command);
/// Finishes the nonces that the block has, in their order, and halts where one was used by a
/// transaction that is not ours. **Errors:** `lane_is_not_open`.
[[nodiscard]] Decision decide(const State& state, const NoteFinal& command);
/// Offers more for what waits and offers too little, and cancels what came too late. What may offer
/// no more stays as it is. **Errors:** `fees_are_inverted`, `lane_is_halted`.
[[nodiscard]] Decision decide(const State& state, const Review& command);
/// Never refused; the first reason stands.
[[nodiscard]] Decision decide(const State& state, const HaltLane& command);
/// Gives up the nonces that others have used, finishes ours behind them, and goes on. **Errors:**
/// `reason_is_missing`, `lane_is_not_halted`, `final_is_behind`.
[[nodiscard]] Decision decide(const State& state, const ResumeLane& command);
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. **Requires:** that it was decided on this state.
void apply(State& state, const Event& event);

/// What an event asks of the world, once. `after` is the state that contains the event.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What the world still owes; asked again after a restart. Nothing while the lane stands still.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// Tells one order from another under the same reference.
[[nodiscard]] std::uint64_t body_hash(const ShardOrder& order);

/// What is wrong with the state, in one sentence, or nothing.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

}  // namespace crossclear::ledger::signing
