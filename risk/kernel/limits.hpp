#pragma once

#include <cstddef>

/// Every maximum of the risk kernel. A universe or a portfolio beyond one is refused at the door,
/// so that the arrays of the hot path have a size that is known.

namespace crossclear::risk::kernel::limits {

inline constexpr std::size_t underlyings_max = 64;
inline constexpr std::size_t wrappers_max = 64;
inline constexpr std::size_t protocols_max = 32;
inline constexpr std::size_t instruments_max = 8'192;
inline constexpr std::size_t correlations_max = protocols_max * (protocols_max - 1) / 2;
inline constexpr std::size_t core_scenarios_max = 2'048;
inline constexpr std::size_t simulated_scenarios_max = 4'096;
inline constexpr std::size_t tails_max = 64;
/// Doubles in the matrix of one surface: 128 MiB.
inline constexpr std::size_t matrix_max = std::size_t{1} << 24;
inline constexpr std::size_t outcomes_max = 64;
inline constexpr std::size_t legs_max = 16;
inline constexpr std::size_t open_orders_max = 1'024;  ///< Of one account.
inline constexpr std::size_t name_length_max = 64;     ///< Characters of any name.

/// Above these a number is taken for a mistake. Products of the largest stay far inside a double.
inline constexpr double price_max = 1e12;     ///< USD per unit, and strikes.
inline constexpr double quantity_max = 1e15;  ///< Units of one instrument, either sign.
inline constexpr double usd_max = 1e18;       ///< Volumes, open interest, waterfalls.
inline constexpr double volatility_max = 20;  ///< A year's; 2,000 %.
inline constexpr double days_max = 36'500;

/// Scenarios are stored so many to a block: a cache line of doubles.
inline constexpr std::size_t lanes = 8;

static_assert(core_scenarios_max % lanes == 0 && simulated_scenarios_max % lanes == 0,
              "the largest arrays have no ragged end");
static_assert(27 + 18 * underlyings_max + tails_max + 3 * (5 + 2 * wrappers_max) <=
                  core_scenarios_max,
              "as many coins and stablecoins as are allowed have room for their scenarios");

}  // namespace crossclear::risk::kernel::limits
