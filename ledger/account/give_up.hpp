#pragma once

#include "base/ids.hpp"
#include "ledger/account/effects.hpp"
#include "ledger/account/reservation.hpp"
#include "ledger/account/state.hpp"
#include "ledger/words.hpp"

#include <cstddef>
#include <optional>
#include <vector>

/// Give-ups: what their reservations set aside and keep room for.

namespace crossclear::ledger::account {

/// Every open reservation of the account, as buyer and as seller. **Cost:** linear in them; nothing
/// where there is none.
[[nodiscard]] std::vector<const Reservation*> open_reservations(const State& state);

/// What a reservation sets aside: FREE / HELD. A purchase its price and fee, a sale its tokens, a
/// contract its fee; what is left of a fee after the cash of a sale too.
[[nodiscard]] std::vector<BalanceChange> set_aside(const Reservation& reservation);
/// The same given back: HELD / FREE.
[[nodiscard]] std::vector<BalanceChange> given_back(const Reservation& reservation);
/// The same taken out of HELD, to be exchanged.
[[nodiscard]] std::vector<BalanceChange> taken_from_held(const Reservation& reservation);

/// What a reservation's account is given of the settlement token, fee included; negative: gives.
[[nodiscard]] base::Amount settled_in_cash(const Reservation& reservation);

/// What a reservation's account is given: the tokens it buys, or the settlement token.
[[nodiscard]] base::AssetId received_asset(const Reservation& reservation);

/// Places that open reservations keep free among the claims on an asset. Two each: between one and
/// the next, variation may add a claim of its own.
[[nodiscard]] std::size_t places_kept(const State& state, base::AssetId asset);

/// What is to be said to one seller: about the oldest match with it that is not over.
[[nodiscard]] std::optional<Effect> next_said_to(const State& state, base::AccountId seller);

}  // namespace crossclear::ledger::account
