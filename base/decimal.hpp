#pragma once

#include "base/amount.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// Decimal text to scaled integers and back, exactly. No floating point on the way.

namespace crossclear::base {

/// Why a text is no amount.
enum class DecimalError : std::uint8_t {
    malformed,     ///< Not `^-?(0|[1-9]\d{0,20})(\.\d{1,18})?$`.
    over_precise,  ///< More decimals than the scale holds, and they are not all zero.
    out_of_range,  ///< Does not fit 64 bits at this scale.
};

/// Reads `text` as an integer count of 10^-scale. **Errors:** as listed; never rounds.
[[nodiscard]] Result<std::int64_t, DecimalError> parse_decimal(std::string_view text, int scale);

/// Writes the shortest exact text, `-` in front of negatives, no exponent, no trailing zeros.
[[nodiscard]] std::string format_decimal(std::int64_t value, int scale);

}  // namespace crossclear::base
