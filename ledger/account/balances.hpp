#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "ledger/account/events.hpp"
#include "ledger/account/state.hpp"
#include "ledger/words.hpp"

#include <deque>
#include <vector>

/// A client's balance of one asset: how debits and credits spread over it, and how its claims are
/// used up.
///
/// The problem: `decide` says in a `BalanceChange` what becomes of the balances, and `apply` has to
/// find, from that alone, which claims it meant. The idea: a change moves UNSETTLED in one
/// direction only. Down takes from the oldest claims; up appends one claim. `decide` therefore nets
/// everything that one event does to one asset (a sale and its fee) before it spreads the sum.

namespace crossclear::ledger::account {

inline constexpr base::Amount zero{0};

/// The holding of `asset`, an empty one where there is none.
[[nodiscard]] const Holding& holding_of(const State& state, base::AssetId asset);

/// What may be given away in kind: FREE and UNSETTLED. SEEN is never sold, HELD has its purpose.
[[nodiscard]] base::Amount sellable(const Holding& holding);

/// What is owed beyond what is free of the same: margin nets the two.
[[nodiscard]] base::Amount net_debt(const Holding& holding);

/// What may be taken for another debt: FREE and UNSETTLED beyond what is owed of the same.
[[nodiscard]] base::Amount spare(const Holding& holding);

/// Whether `change` leaves every balance at zero or more, and their sum within 64 bits, so that
/// later moves between them always fit.
[[nodiscard]] bool is_bookable(const Holding& holding, const BalanceChange& change);

/// Spreads what is taken from a client: UNSETTLED, then FREE, then RECV grows.
/// **Requires:** `amount` >= 0. **Errors:** `overflow` where the outcome is not bookable.
[[nodiscard]] base::Math<BalanceChange> debit(const Holding& holding, base::AssetId asset,
                                              base::Amount amount);

/// Spreads what is given to a client: RECV goes down first, the rest is UNSETTLED.
/// **Requires:** `amount` >= 0. **Errors:** `overflow` where the outcome is not bookable.
[[nodiscard]] base::Math<BalanceChange> credit(const Holding& holding, base::AssetId asset,
                                               base::Amount amount);

/// A credit of what is positive, a debit of what is negative.
[[nodiscard]] base::Math<BalanceChange> move(const Holding& holding, base::AssetId asset,
                                             base::Amount signed_amount);

/// How the oldest claims add up to `amount`. **Requires:** that they do.
[[nodiscard]] std::vector<ClaimsCovered::Part> oldest_parts(const std::deque<Claim>& claims,
                                                            base::Amount amount);

/// Takes `amount` from the oldest claims and says what was taken. **Requires:** that they hold it.
std::vector<ClaimsCovered::Part> take_oldest(std::deque<Claim>& claims, base::Amount amount);

/// Adds a claim as the newest. One of variation joins the newest if that is variation too, under
/// the earlier deadline: so `limits::claims_max` is kept whatever number of settlements come.
void append_claim(std::deque<Claim>& claims, const Claim& claim);

/// Whether a trade may add a claim. Trades leave the last place to variation, which cannot be
/// refused: a queue that is full then always ends with variation, which more of it joins. Open
/// reservations keep their places too.
[[nodiscard]] bool has_room_for_claim(const State& state, base::AssetId asset);
/// The same for a reservation that would keep places of its own.
[[nodiscard]] bool has_room_for_reservation(const State& state, base::AssetId asset);

/// What a deposit on its way counts for as collateral: nothing while it is only seen, half once it
/// is included, nine tenths once it is safe. One that is final is FREE and counts there.
/// **Rounding:** down.
[[nodiscard]] base::Amount credit_of(const Deposit& deposit);

/// Adds the deltas to the balances, claims aside. Stops the process where one would go negative.
void add_balances(Holding& holding, const BalanceChange& change);

}  // namespace crossclear::ledger::account
