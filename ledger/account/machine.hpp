#pragma once

#include "base/command_id.hpp"
#include "base/result.hpp"
#include "ledger/account/commands.hpp"
#include "ledger/account/effects.hpp"
#include "ledger/account/events.hpp"
#include "ledger/account/reject.hpp"
#include "ledger/account/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The account machine: everything one client's account may do. Pure.
///
/// `decide` looks for a refusal in the order of `Reject`; one that depends on the moment comes back
/// as a `CommandRefused` event, the others as the reject alone. See balances.hpp for how balances
/// and claims move.

namespace crossclear::ledger::account {

/// What becomes true, in order, or why nothing does. No events: a repeat (its answer is
/// `answer_to`), or nothing to do.
using Decision = base::Result<std::vector<Event>, Reject>;

/// Clears a trade. **Errors:** every `Reject` that is about ids, trades or margin.
[[nodiscard]] Decision decide(const State& state, const SubmitTrade& command);

/// Sets tokens aside. **Errors:** those about ids, `quantity_must_be_positive`; journaled:
/// `destination_not_allowed`, `too_much_open`, `holding_insufficient`, `margin_insufficient`.
[[nodiscard]] Decision decide(const State& state, const RequestWithdrawal& command);

/// Asks the withdrawal machine for a withdrawal back; the answer is not known while
/// `is_undecided`. **Errors:** those about ids; journaled: `withdrawal_not_found`,
/// `withdrawal_has_ended`, `too_much_open`.
[[nodiscard]] Decision decide(const State& state, const CancelWithdrawal& command);

/// Answers those who asked for a withdrawal back: too late. **Errors:** `withdrawal_unknown`.
[[nodiscard]] Decision decide(const State& state, const RefuseCancel& command);

/// Gives held tokens back, once. **Errors:** `withdrawal_unknown`.
[[nodiscard]] Decision decide(const State& state, const ReturnWithdrawal& command);

/// Lets held tokens go, once. **Errors:** `withdrawal_unknown`.
[[nodiscard]] Decision decide(const State& state, const PayWithdrawal& command);

/// Sends settled tokens to another account of the broker. **Errors:** those about ids,
/// `quantity_must_be_positive`, `receiver_not_allowed`; journaled: `too_much_open`,
/// `holding_insufficient`, `margin_insufficient`.
[[nodiscard]] Decision decide(const State& state, const RequestTransfer& command);

/// Takes or declines what another account sent, once. **Errors:** `transfer_unknown` for number 0;
/// `too_much_open` where no more senders can be remembered: for good, so a late copy fails too.
[[nodiscard]] Decision decide(const State& state, const ReceiveTransfer& command);

/// Ends a transfer of this account's, once. **Errors:** `transfer_unknown`; `notional_out_of_range`
/// where what comes back does not fit: it stays on its way.
[[nodiscard]] Decision decide(const State& state, const EndTransfer& command);

/// Reserves the buyer's side of a matched trade and asks the seller. **Errors:** those about ids
/// and trades, `counterparty_not_allowed`, `quantity_must_be_positive`; journaled: those of trades,
/// where tokens are given only from what is free and prices must be fresh and near the mark.
[[nodiscard]] Decision decide(const State& state, const SubmitMatchedTrade& command);

/// Reserves the seller's side or declines, once. **Errors:** `match_unknown` for number 0, or while
/// another one with the same buyer is open; `too_much_open` where no more buyers can be remembered:
/// for good, so a late copy fails too.
[[nodiscard]] Decision decide(const State& state, const ReserveMatch& command);

/// Clears the buyer's side, which decides it for both, or aborts where the seller has declined or
/// it is too late, once. **Errors:** `match_unknown`.
[[nodiscard]] Decision decide(const State& state, const HearMatch& command);

/// Says how the account stands: below MM it is liquidated until it has IM again; a default is for
/// good. Never refuses; nothing where the figures are not known.
[[nodiscard]] Decision decide(const State& state, const ReviewMargin& command);

/// Closes a part of a position while the account is being liquidated; nothing else then.
/// **Errors:** `price_is_stale`, `instrument_not_offered`, `contract_has_expired`,
/// `holding_insufficient` where it would
/// grow or turn the position, `too_much_open` where no claim fits, `notional_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const Liquidate& command);

/// Takes collateral for a debt while the account is being liquidated; nothing otherwise, and
/// nothing where less of it pays the debt. **Rounding:** the cash down, against the client.
/// **Errors:** `price_is_stale`, `holding_insufficient`, `notional_out_of_range` where it brings
/// nothing or does not fit, `too_much_open` where no claim fits.
[[nodiscard]] Decision decide(const State& state, const TakeCollateral& command);

/// Lets the broker bear every debt of an account under liquidation that holds nothing else: no
/// contract, and nothing of any asset that it does not owe. Nothing where that is not so.
[[nodiscard]] Decision decide(const State& state, const AllocateLoss& command);

/// Aborts what was not answered by its deadline. Never refuses.
[[nodiscard]] Decision decide(const State& state, const ExpireMatches& command);

/// Clears the seller's side or gives back what it reserved, once. **Errors:** `match_unknown` where
/// that contradicts what is known; `too_much_open` as above; `notional_out_of_range` where what the
/// trade brings does not fit: it stays reserved.
[[nodiscard]] Decision decide(const State& state, const ConcludeMatch& command);

/// Forgets a matched trade that is over on both sides, once. **Errors:** `match_unknown` where that
/// contradicts what was decided.
[[nodiscard]] Decision decide(const State& state, const EndMatch& command);

/// Books what is new about a deposit; its certainty only rises, or it vanishes before it is final.
/// **Errors:** `quantity_must_be_positive`, `notional_out_of_range` where the balance would
/// overflow or less was seen than is now final.
[[nodiscard]] Decision decide(const State& state, const NoteDeposit& command);

/// Settles the oldest claims up to the amount granted. Never refuses.
/// **Cost:** linear in the claims covered; several events where they are many.
[[nodiscard]] Decision decide(const State& state, const CoverClaims& command);

/// Pays every claim in kind that is due in the settlement token.
/// **Rounding:** once, against the client; a claim below a minor unit of it is worth nothing.
/// **Errors:** `price_is_stale` without a mark, `notional_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const CashSettleClaims& command);

/// Books a contract's profit or loss since it was last settled. A loss is booked whatever the
/// client holds. **Rounding:** the value rounds down, against the client, and what that takes comes
/// back with a later settlement. **Errors:** `price_is_stale` without a mark,
/// `notional_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const SettleVariation& command);

/// Books what a position in a perpetual owes or is owed since the index it stands at:
/// `quantity × (index − its own)`, from who is long to who is short. Nothing is paid by a position
/// that stands at none yet. **Rounding:** each of the two products up, so that the parts of a way
/// sum to the whole, which is off by less than a minor unit. **Errors:** `notional_out_of_range`.
[[nodiscard]] Decision decide(const State& state, const SettleFunding& command);

/// Ends a position at its last price. **Rounding, errors:** as of variation.
[[nodiscard]] Decision decide(const State& state, const ExpireContract& command);

/// Whichever command it is.
[[nodiscard]] Decision decide(const State& state, const Command& command);

/// Makes an event true. Never refuses; stops the process on one that no `decide` could have made.
void apply(State& state, const Event& event);

/// What to ask of the world because of `event`; `after` is the state with it applied.
[[nodiscard]] std::vector<Effect> effects_of(const State& after, const Event& event);

/// What is still owed to this account by others: asked again after a restart.
[[nodiscard]] std::vector<Effect> outstanding(const State& state);

/// Says what is wrong with a state in one sentence, or nothing. **Cost:** linear in the state.
[[nodiscard]] std::optional<std::string> check_invariants(const State& state);

/// The first answer given to a command, null where none is remembered.
[[nodiscard]] const Answer* answer_to(const State& state, base::CommandId id);

/// Whether what came of a command is not known yet, though it is remembered: its answer comes with
/// a later event.
[[nodiscard]] bool is_undecided(const State& state, base::CommandId id);

/// What came of a transfer to this account: `none` where it was taken. Nothing where that is not
/// known, or not any more: its sender has heard of it then.
[[nodiscard]] std::optional<Reject> outcome_of(const State& state, const ReceiveTransfer& transfer);

/// The seller's answer about its side of a matched trade: `none` where it was reserved. Nothing
/// where that is not known, or not any more.
[[nodiscard]] std::optional<Reject> outcome_of(const State& state, const ReserveMatch& command);

/// The seller's number of its trade once a matched trade is over here; 0: it was not cleared.
/// Nothing as above.
[[nodiscard]] std::optional<std::uint64_t> outcome_of(const State& state,
                                                      const ConcludeMatch& command);

/// Whether a match was not answered by its deadline.
[[nodiscard]] bool has_expired_match(const State& state, base::Timestamp now);

/// Tells one command's body from another's under the same id. Stored; the value never changes.
/// The time of arrival and what the host found out are no part of the body.
[[nodiscard]] std::uint64_t body_hash(const SubmitTrade& command);
/// As above; two kinds of command never share a body.
[[nodiscard]] std::uint64_t body_hash(const RequestWithdrawal& command);
[[nodiscard]] std::uint64_t body_hash(const CancelWithdrawal& command);
[[nodiscard]] std::uint64_t body_hash(const RequestTransfer& command);
[[nodiscard]] std::uint64_t body_hash(const SubmitMatchedTrade& command);

}  // namespace crossclear::ledger::account
