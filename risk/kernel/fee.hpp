#pragma once

#include "base/result.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/margin.hpp"

#include <array>
#include <cstddef>

/// What clearing an order costs: the risk that it brings the broker, for as long as it is expected
/// to stay.

namespace crossclear::risk::kernel {

/// What the broker itself bears on one account. **Units:** USD.
struct RiskBorne {
    double expected_loss_day{};  ///< EL: Σ PD·SF/365, and what the market may take beyond equity.
    double unexpected_loss{};    ///< UL: Σ(WCPD(PD) - PD)·SF, a year's.

    /// 1.25·EL + .12·UL/365: losses with a quarter on top, and 12 % a year on the capital for the
    /// unexpected. **Source:** the margin specification, "Price of clearing".
    [[nodiscard]] double fee_day() const noexcept;
};

/// Of a margin and the market's part of EL, see `Account::market_loss_day`.
[[nodiscard]] RiskBorne risk_borne(const Surface& surface, const Margin& margin,
                                   double market_loss_day);

/// max(Δfee, ΔEL) × holding: see `trade_fee`. Negative where risk falls.
[[nodiscard]] double risk_fee(const RiskBorne& before, const RiskBorne& after,
                              double holding_days) noexcept;

/// What a broker's profile says of fees.
struct FeeProfile {
    double floor_share{.00005};  ///< Of the notional: half a basis point.
    /// Days that a position of each kind is expected to stay.
    std::array<double, kinds> holding_days{10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10};
};

/// The parts of a fee. **Units:** USD, unrounded.
struct TradeFee {
    double floor{};         ///< Share of the notional: of what is bought or what is sold, if more.
    double holding_days{};  ///< Of the longest leg.
    RiskBorne before;
    RiskBorne after;
    double total{};  ///< What is charged.
};

/// max(floor, Δfee × holding, ΔEL × holding).
///
/// The last is implied by the second unless the order moves risk from a protocol that seldom fails
/// to one that often does: UL may then fall by more than EL rises, and Δfee would not pay for the
/// loss that is expected of the order.
/// **Errors:** those of `Account::what_if`; `not_a_fee` for a profile with a number that is none,
/// or negative.
[[nodiscard]] base::Result<TradeFee, Fault> trade_fee(const Account& account, const Change& change,
                                                      const FeeProfile& profile);

}  // namespace crossclear::risk::kernel
