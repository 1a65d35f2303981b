#pragma once

#include <cstddef>
#include <span>

/// Expected shortfall: the mean of the worst losses.

namespace crossclear::risk::kernel {

/// How many losses are the tail of `count` at a confidence: n = count·(1 - alpha), in full losses
/// and the part of one more.
struct Tail {
    std::size_t full{};  ///< k = floor(n).
    double part{};       ///< n - k.
    double size{};       ///< n.

    /// **Requires:** confidence within (0, 1).
    [[nodiscard]] static Tail of(std::size_t count, double confidence);
};

/// The end of a distribution of losses.
struct TailMean {
    double mean{};      ///< ES.
    double quantile{};  ///< L_(k+1): as a threshold, the bound of `shortfall_bound` is exact.
};

/// ES where only the largest losses are at hand. **Requires:** `largest` holds at least the
/// `tail.full + 1` largest of all, or all; finite. It is left in another order.
[[nodiscard]] TailMean mean_of_tail(std::span<double> largest, const Tail& tail);

/// ES = [Σ_{j<=k} L_(j) + (n - k)·L_(k+1)] / n over the losses from the largest down.
///
/// **Units:** those of the losses; gains are negative losses. **Requires:** at least one loss, all
/// finite. **Errors:** NaN anywhere gives NaN. `losses` is used as scratch and left in another
/// order. **Cost:** linear.
/// **Source:** Acerbi and Tasche, "On the coherence of expected shortfall" (2002), definition 2.6.
[[nodiscard]] double expected_shortfall(std::span<double> losses, double confidence);

/// t + mean((L - t)⁺)/(1 - alpha): never below the ES, for any t, and equal to it at the quantile.
/// **Source:** Rockafellar and Uryasev, "Optimization of conditional value-at-risk" (2000).
[[nodiscard]] double shortfall_bound(std::span<const double> losses, double confidence,
                                     double threshold);

/// A normal distribution of losses.
struct Normal {
    double mean{};
    double deviation{1};
};

/// ES of a normal: mean + sd·φ(Φ⁻¹(alpha))/(1 - alpha). **Requires:** confidence in (0, 1).
[[nodiscard]] double expected_shortfall(const Normal& losses, double confidence);

}  // namespace crossclear::risk::kernel
