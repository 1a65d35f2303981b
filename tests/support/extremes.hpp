#pragma once

#include <cstdint>
#include <limits>

/// The ends of what an amount can hold, for tests of what lies beyond them.

namespace crossclear::tests {

inline constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t int64_min = std::numeric_limits<std::int64_t>::min();

}  // namespace crossclear::tests
