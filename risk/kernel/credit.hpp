#pragma once

#include <cstddef>
#include <span>
#include <vector>

/// Failures of protocols: how likely, how likely together, and what they cost.

namespace crossclear::risk::kernel {

/// The chance of a failure within `days`, from that within a year: 1 - (1 - PD)^(days/365).
/// **Requires:** `default_year` in [0, 1].
[[nodiscard]] double default_within(double default_year, double days);

/// A chance, and how much of it all share.
struct OneFactor {
    double chance{};       ///< Of a failure, within (0, 1).
    double correlation{};  ///< rho, within [0, 1).
};

/// WCPD(p) = Φ((Φ⁻¹(p) + sqrt(ρ)·Φ⁻¹(q)) / sqrt(1 - ρ)): the chance of a failure in the worst of
/// 1/(1-q) states of the world.
/// **Source:** O. Vasicek, "Loan portfolio value", Risk (2002); Basel II (2006), paragraph 272.
[[nodiscard]] double worst_case_default(const OneFactor& of, double confidence);

/// Φ((Φ⁻¹(p) - sqrt(ρ)·Z) / sqrt(1 - ρ)): the chance of a failure where the world's state is Z, low
/// ones being bad. **Source:** as above.
[[nodiscard]] double default_given(const OneFactor& of, double factor);

/// What fails, with what chance and at what loss.
struct Exposure {
    double chance{};  ///< Of a failure.
    double loss{};    ///< USD, not negative.
};

/// Chances of totals 0, cell, 2·cell and so on.
struct LossDistribution {
    double cell{};                ///< USD between two entries; 0 where nothing can be lost.
    std::vector<double> chances;  ///< At least one; they add up to 1.

    /// P(loss <= usd). **Rounding:** losses count up to the next cell, against the broker.
    [[nodiscard]] double at_most(double usd) const;
    [[nodiscard]] double mean() const;
};

/// The cells that losses fall into. **Requires:** `cells > 0`.
struct LossGrid {
    double cell{};
    std::size_t cells{};
};

/// A grid on which the total of all losses takes `cells` steps.
[[nodiscard]] LossGrid grid_of(std::span<const Exposure> exposures, std::size_t cells);

/// The total of independent losses: the chances are convolved one loss after the other, exactly,
/// once each loss is rounded up to the grid.
/// **Cost:** exposures × cells. **Source:** the recursion of Andersen, Sidenius and Basu, "All your
/// hedges in one basket", Risk (2003).
[[nodiscard]] LossDistribution independent_losses(std::span<const Exposure> exposures,
                                                  const LossGrid& grid);

/// The total where failures share one normal factor: the distribution above, averaged over it.
/// **Requires:** chances within (0, 1). **Rounding:** quadrature within 1e-9.
[[nodiscard]] LossDistribution one_factor_losses(std::span<const Exposure> exposures,
                                                 double correlation, const LossGrid& grid);

}  // namespace crossclear::risk::kernel
