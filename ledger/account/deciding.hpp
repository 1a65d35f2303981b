#pragma once

#include "ledger/account/machine.hpp"

#include <optional>
#include <vector>

/// What all decisions of an account share. Inside this machine only.

namespace crossclear::ledger::account {

/// Hands out what was decided. The checks that a decision makes on the way keep the invariants at
/// the cost of what it touches; in tests and simulation all of them are looked at here.
[[nodiscard]] Decision propose(const State& state, std::vector<Event> events);
[[nodiscard]] Decision propose(const State& state, Event event);

/// A refusal: journaled where it depends on the moment.
[[nodiscard]] Decision refuse(const State& state, base::CommandId cause, std::uint64_t body,
                              Reject reason, base::Timestamp at);

/// The decision that identity alone allows: a repeat, a reused id, or one out of the window in
/// which answers are remembered. Nothing where the command is new.
[[nodiscard]] std::optional<Decision> decide_by_identity(const State& state, base::CommandId id,
                                                         std::uint64_t body,
                                                         base::Timestamp received_at);

/// What a trade does to the balances, or why it cannot be booked.
using Booking = base::Result<std::vector<BalanceChange>, Reject>;
/// Cash and fee as one sum in the settlement token, the tokens themselves unless it is a contract.
/// **Errors:** `notional_out_of_range`, `holding_insufficient`.
[[nodiscard]] Booking booking_of(const State& state, const SubmitTrade& command);
/// The trade itself, once it is decided.
[[nodiscard]] TradeNovated novated(const State& state, const SubmitTrade& command,
                                   std::vector<BalanceChange> changes);

/// Whether an asset can have so many decimal digits.
[[nodiscard]] bool is_scale(int scale);

/// What a quantity is worth at a mark; of a mark of zero nothing. **Rounding:** down, against the
/// client whether it is long or short. **Errors:** `price_is_stale` below zero,
/// `notional_out_of_range`.
[[nodiscard]] base::Result<base::Amount, Reject> value_of(base::Amount quantity, int scale,
                                                          base::Price mark, int settlement_scale);

/// Whether the client owes the broker anything, in whatever asset: it repays before it takes
/// anything out.
[[nodiscard]] bool has_debt(const State& state);

}  // namespace crossclear::ledger::account
