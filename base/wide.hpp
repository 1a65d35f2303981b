#pragma once

#include <cstdint>
#include <string>

namespace crossclear::base {

/// 128-bit signed sums: totals over many accounts, each of which fits 64 bits on its own.
__extension__ using Wide = __int128;

/// Decimal text of a wide number.
[[nodiscard]] inline std::string to_string(Wide value) {
    if (value == 0) return "0";
    const bool is_negative = value < 0;
    std::string digits;
    while (value != 0) {
        const int digit = static_cast<int>(value % 10);
        digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
        value /= 10;
    }
    return is_negative ? "-" + digits : digits;
}

}  // namespace crossclear::base
