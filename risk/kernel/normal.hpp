#pragma once

/// The normal distribution, as prices and failures need it.

namespace crossclear::risk::kernel {

/// Density of the standard normal.
[[nodiscard]] double normal_density(double x) noexcept;

/// P(X <= x) of the standard normal. **Errors:** NaN gives NaN. **Rounding:** within 1e-15 of the
/// true value below x = 0, and 1 minus that above. **Cost:** one exponential and one division.
/// **Source:** the rational approximation of Hart et al., Computer Approximations (1968), algorithm
/// 5666, as G. West gives it in "Better approximations to cumulative normal functions", Wilmott
/// Magazine (2005).
[[nodiscard]] double normal_cdf(double x) noexcept;

/// The same where `exp(-x²/2)` is known already: two of them often share one exponential.
[[nodiscard]] double normal_cdf(double x, double exponential) noexcept;

/// The x with `normal_cdf(x) == p`; minus or plus infinity for 0 and 1. **Requires:** p in [0, 1].
[[nodiscard]] double normal_quantile(double p);

/// A point of the plane, and how its two coordinates go together.
struct NormalPair {
    double x{};
    double y{};
    double correlation{};
};

/// P(X <= x, Y <= y) of two standard normals: with quantiles of two chances, the chance that both
/// come true. **Requires:** correlation in [-1, 1]. **Rounding:** within 1e-9.
/// **Source:** Plackett's integral over the correlation, dΦ₂/dρ = φ₂, by Gauss-Legendre quadrature
/// in the angle, as in Drezner and Wesolowsky, "On the computation of the bivariate normal
/// integral", J. Statist. Comput. Simul. 35 (1990).
[[nodiscard]] double bivariate_normal_cdf(const NormalPair& at);

}  // namespace crossclear::risk::kernel
