#pragma once

#include "base/ids.hpp"
#include "ledger/account/reservation.hpp"
#include "ledger/account/state.hpp"
#include "ledger/words.hpp"

#include <optional>
#include <string>

/// Room below 64 bits for what an account has agreed to book.
///
/// The problem: what is concluded elsewhere (a matched trade that its buyer has committed, a
/// transfer that was declined) has to be booked here, whatever was booked in between; an account
/// that is too full for it would be told for ever. The idea: what is agreed keeps its room from
/// that moment on, and everything that may still be refused is refused where it would take that.
/// The subtle thing is what to keep: all that a trade brings, although it may first pay a debt, for
/// the debt may be gone by then.

namespace crossclear::ledger::account {

/// Whether the balances may change so, and what is agreed still fits them afterwards. What lowers
/// their sum always does. **Cost:** linear in open reservations and remembered transfers.
[[nodiscard]] bool has_room(const State& state, const BalanceChange& change);

/// Whether a position may become this one, and what is reserved still fits it afterwards.
[[nodiscard]] bool has_room(const State& state, base::AssetId asset, const Contract& after);

/// Whether all that this reservation brings fits, beside everything that is agreed.
[[nodiscard]] bool has_room(const State& state, const Reservation& reservation);

/// Which asset has less room than is agreed on; nothing where there is none.
[[nodiscard]] std::optional<std::string> room_breach(const State& state);

}  // namespace crossclear::ledger::account
