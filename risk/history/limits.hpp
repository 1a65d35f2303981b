#pragma once

#include "risk/kernel/limits.hpp"

#include <cstddef>

/// Every maximum of what is read from past prices.

namespace crossclear::risk::history::limits {

/// Columns that may be estimated at once: each may become a coin, or a wrapper, of one universe.
inline constexpr std::size_t columns_max = 64;
/// Rows of one file: a century of hours.
inline constexpr std::size_t rows_max = 1'000'000;
/// Windows of one backtest.
inline constexpr std::size_t windows_max = 100'000;

static_assert(columns_max <= kernel::limits::underlyings_max &&
                  columns_max <= kernel::limits::wrappers_max,
              "what can be estimated fits into a universe");

}  // namespace crossclear::risk::history::limits
