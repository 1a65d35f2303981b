#pragma once

#include "risk/kernel/limits.hpp"
#include "risk/kernel/surface.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

/// What an account must hold, named part by part, and whether an order may be accepted.

namespace crossclear::risk::kernel {

/// Equity, requirements and every component. **Units:** USD, unrounded: whoever charges or compares
/// in integers rounds requirements up to the cent and equity down. Components are never negative.
///
/// IM = MR + BC + FC + LC + SOM + H + EV + J + OC + CG, and
/// MM = .8·MR + BC + FC + .5·LC + .6·SOM + H_MM + EV + .5·J + OC.
/// **Source:** the margin specification; J's weights from Vasicek (see `worst_case_default`), CG
/// from dYdX v4's margin fraction that grows with open interest (x/perpetuals, liquidity tiers).
struct Margin {
    double equity{};               ///< Σ q·V.
    double market{};               ///< MR: the worst core loss or the ES of simulated ones.
    double basis{};                ///< BC: Σ B_w·|E_w|.
    double funding{};              ///< FC: .003·|E| of linear perpetuals, netted per wrapper.
    double liquidity{};            ///< LC: Σ|E_w|·(hs_w + .5·σ_w·sqrt(|E_w|/ADV_w)).
    double shorts{};               ///< SOM: .005·S for each net short option of a series.
    double haircut{};              ///< H: Σ h_w·|q·V|.
    double events{};               ///< EV: Σ over events of the worst outcome's cost - payout.
    double protocols{};            ///< J: sqrt(aᵀRa), a = WCPD·L.
    double oracle{};               ///< OC: 2.33·Σ σ_w·sqrt(overdue days)·|E_w|.
    double concentration{};        ///< CG: Σ|E_w|·(1 - r)·(share of the cap that is filled).
    double initial{};              ///< IM.
    double maintenance{};          ///< MM.
    double haircut_maintenance{};  ///< H of MM.
    bool is_cappable{};            ///< Nothing held can lose more than its value: at most equity,
    bool is_capped{};              ///< which is less than the sums.
    bool is_market_exact{true};    ///< False: MR is a bound from above, and with it IM and MM.
    std::array<double, limits::protocols_max> losses{};  ///< L by protocol.
    std::size_t protocol_count{};

    /// L of each protocol, in the universe's order.
    [[nodiscard]] std::span<const double> loss_by_protocol() const noexcept {
        return {losses.data(), protocol_count};
    }
    /// SF_π = max(0, L_π - equity): what the broker itself stands to lose on a protocol.
    [[nodiscard]] double shortfall(std::size_t protocol) const noexcept {
        const double over = losses[protocol] - equity;
        return over <= 0 ? 0 : over;  // A NaN stays one.
    }

    friend bool operator==(const Margin&, const Margin&) = default;
};

/// Sums over positions that all charges but MR are computed from. Each position adds to them by
/// itself, so that an order changes them without looking at the others.
struct Totals {
    double equity{};
    double haircut_initial{};
    double haircut_maintenance{};
    double shorts{};
    double events{};
    std::array<double, limits::wrappers_max> exposure{};  ///< E_w.
    std::array<double, limits::wrappers_max> funded{};    ///< E_w of linear perpetuals.
    std::array<double, limits::protocols_max> lost{};     ///< Σz⁻, with the venue's part.
    std::array<double, limits::protocols_max> gained{};   ///< Σz⁺.
    std::int64_t uncapped{};  ///< Positions that can lose more than they are worth.

    friend bool operator==(const Totals&, const Totals&) = default;
};

/// A position's change from one quantity to another; what belongs to its group is the caller's.
struct Step {
    InstrumentId instrument;
    double from{};
    double to{};
};
/// Moves the sums by one step.
void add_step(Totals& totals, const Surface& surface, const Step& step);

/// Turns sums and a market loss into a margin. `fee_usd` is what the equity is capped after.
/// **Cost:** wrappers + protocols².
[[nodiscard]] Margin margin_of(const Surface& surface, const Totals& totals, double market_loss,
                               double fee_usd);

/// Whether every figure is a number. One that is not refuses whatever it was computed for.
[[nodiscard]] bool is_finite(const Margin& margin) noexcept;

/// Whether it can be a fee: a number that is not negative.
[[nodiscard]] bool is_fee(double fee_usd) noexcept;

/// An order seen from margin: before it, after it, what it costs, and whether it only reduces, as
/// `Account::is_reduced_by` says.
struct Acceptance {
    const Margin& before;
    const Margin& after;
    double fee_usd{};
    bool is_reducing{};
};

/// Why an order passes, or that it does not.
enum class Verdict : std::uint8_t {
    covered,    ///< equity - fee >= IM after it.
    lowering,   ///< It lowers IM, and equity - fee >= MM after it.
    unwinding,  ///< It only reduces, neither IM nor MM rises, and it costs no more equity than it
                ///< frees of IM: accepted at any equity.
    refused,
};
/// The first of the rules that holds, in the order of the enumerators.
[[nodiscard]] Verdict verdict_of(const Acceptance& order) noexcept;

/// Whether an account is to be liquidated: its equity is below MM.
[[nodiscard]] inline bool is_below_maintenance(const Margin& margin) noexcept {
    // Written so that what is no number is never taken for enough.
    return !(margin.equity >= margin.maintenance);
}

}  // namespace crossclear::risk::kernel
