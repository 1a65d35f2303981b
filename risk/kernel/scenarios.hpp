#pragma once

#include "risk/kernel/universe.hpp"

#include <vector>

/// The futures a portfolio is valued in, where a file does not list them.

namespace crossclear::risk::kernel {

/// Core, tail, peg and premium scenarios, in this order and with these names.
///
/// - Core, 27 + 18 per coin: all coins in lockstep in nine steps of ± their ranges, each with
///   volatility down, flat and up; then for each coin and side: it alone, the others at half of
///   theirs along with it, and half of it against half of theirs.
/// - One for each tail, volatility up: a fall is alike for every coin; a rise is scaled by range
///   over the largest range. It counts `tail_cover`·(largest range)/|tail|, at most in full.
/// - Pegs and premiums, at lockstep 0, -1/2 and +1/2: synthetics down, perpetuals' premium down,
///   both up, all stablecoins down, and each stablecoin that can also rise, alone, down and up.
///
/// For two coins and the tails and pegs of the demo these are 63, 6 and 21.
/// **Source:** the margin specification, "Scenario".
[[nodiscard]] std::vector<Scenario> core_scenarios(const Universe& universe);

/// Draws of a multivariate Student-t with one correlation between all coins, scaled so that a
/// coin's logarithmic move has the deviation volatility_day·sqrt(days). Every draw is followed by
/// its opposite. The same seed gives the same scenarios on every machine, as far as the machine's
/// logarithm and exponential agree.
/// **Requires:** a universe without fault.
[[nodiscard]] std::vector<Scenario> simulated_scenarios(const Universe& universe);

/// What the volatility scenarios look at.
struct OptionTerm {
    double volatility{};  ///< A year's.
    double days{};        ///< To expiry.
};

/// The volatility of an option in one state: the flat one, up = max(.45, σ(1 + .5k)), or down =
/// σ·max(0, 1 - .275k), with k = (30/max(days, 1))^p, p = .30 up to 30 days and .13 beyond.
/// **Source:** the margin specification.
[[nodiscard]] double volatility_in(const ModelParameters& model, const OptionTerm& term,
                                   VolatilityState state);

}  // namespace crossclear::risk::kernel
