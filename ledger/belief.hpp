#pragma once

#include "base/amount.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <optional>

/// What of a shard's figures can be true.
///
/// The problem: a shard tells what it did, and nobody else can say. One that is broken or lies must
/// neither stop the process nor be booked. The idea: whatever contradicts the order, itself, or
/// what the books can hold is not believed, and books nothing. The subtle thing: that is no proof
/// of anything else. What became of the order stays unknown until a shard tells what can be.

namespace crossclear::ledger {

/// The largest figure of one asset that books take from a shard: with all that was paid in it fits
/// 64 bits (docs/decisions/0021).
inline constexpr base::Amount figure_max{INT64_MAX / 2};

/// Whether the figure is one that books take, of either sign.
[[nodiscard]] constexpr bool is_credible(base::Amount figure) {
    return figure.v <= figure_max.v && figure.v >= -figure_max.v;
}

/// What the books and the listing say about an order's final word.
struct Belief {
    base::Amount gas_max{figure_max};       ///< Held on the shard of its gas asset.
    base::Amount received_max{figure_max};  ///< What its books still take of what is received.
    /// Decimals of what is traded and of what it is paid in.
    struct Scales {
        int base{};
        int settlement{};
    };
    std::optional<Scales> scales{};  ///< Of a trade: without them no price is looked at.
};

/// What the books hold on a shard when it tells of an order. Minor units.
struct HeldThere {
    base::Amount gas_held;       ///< Of the asset that gas is paid in.
    base::Amount gas_reserve;    ///< Kept back there for gas, by the broker's profile.
    base::Amount received_held;  ///< Of what the order receives.
};

/// What can be true of gas and receipts where so much is held. Gas: what is there, and the reserve
/// besides, since what came in may be told later than what was paid out of it. Receipts: what is
/// missing to `figure_max`. Each from 0 to `figure_max`, whatever is held. Without scales.
[[nodiscard]] Belief belief_from(const HeldThere& held);

/// A trade as a shard tells it.
struct TradeFigures {
    base::Amount quantity;  ///< Without its sign.
    base::Amount cash;      ///< Nothing changes hands for a contract.
    base::Price price;
    base::Price bound;
    bool is_buy{};
    bool is_contract{};
};

/// Whether quantity, price and cash of a trade can be true together: the price is positive, no
/// worse than the bound and, of a sale, at most ten times as good, and cash is what it makes.
/// **Rounding:** the price may have lost its last digit, and the cash one minor unit.
[[nodiscard]] bool is_price_credible(const TradeFigures& trade, const Belief::Scales& scales);

}  // namespace crossclear::ledger
