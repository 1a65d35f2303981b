#pragma once

#include "base/amount.hpp"

#include <cstdint>

/// Totals since the beginning, which are told again and again instead of steps.
///
/// The problem: what goes in and out adds up without end, although what is there is small: at ten
/// thousand trades a second a total leaves 64 bits within weeks. The idea: it goes on from the
/// other end. What counts is the difference of two totals, and that is right as long as it fits
/// itself.

namespace crossclear::ledger {

/// The total once `more` was added; negative: taken.
[[nodiscard]] constexpr base::Amount total_with(base::Amount total, base::Amount more) {
    return base::Amount{static_cast<std::int64_t>(static_cast<std::uint64_t>(total.v) +
                                                  static_cast<std::uint64_t>(more.v))};
}

/// What was added between an earlier total and a later one; negative where they are the other way
/// round.
[[nodiscard]] constexpr base::Amount total_since(base::Amount later, base::Amount earlier) {
    return base::Amount{static_cast<std::int64_t>(static_cast<std::uint64_t>(later.v) -
                                                  static_cast<std::uint64_t>(earlier.v))};
}

}  // namespace crossclear::ledger
