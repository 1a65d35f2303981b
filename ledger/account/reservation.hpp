#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"

#include <cstdint>

namespace crossclear::ledger::account {

/// One side of a matched trade before it is cleared: what will be novated on this account, if the
/// other side takes it too. What the side gives is HELD meanwhile.
struct Reservation {
    base::InstrumentId instrument;
    base::AssetId base;
    base::AssetId settlement;
    bool is_contract{};
    base::Amount quantity;  ///< Signed: positive buys.
    base::Price price;      ///< The venue's.
    base::Amount cash;      ///< Signed: what the client receives of the settlement token.
    base::Amount fee;       ///< Positive.
    std::int64_t notional_cents{};

    friend bool operator==(const Reservation&, const Reservation&) = default;
};

}  // namespace crossclear::ledger::account
