#pragma once

#include "base/amount.hpp"

#include <algorithm>
#include <cstdint>

namespace crossclear::base {

/// What an option gives a right to: to buy or to sell.
enum class OptionType : std::uint8_t { call, put };

/// A right to one unit of a coin at a strike, at its end and not before; paid out in cash.
struct OptionTerms {
    OptionType type{OptionType::call};
    Price strike{};  ///< In the settlement token, above zero.

    friend bool operator==(const OptionTerms&, const OptionTerms&) = default;
};

/// What an option pays where it ends with its coin at `coin`: `max(0, coin - strike)`, of a put
/// `max(0, strike - coin)`. **Requires:** no price below zero.
[[nodiscard]] constexpr Price intrinsic_value(const OptionTerms& option, Price coin) noexcept {
    const auto beyond =
        option.type == OptionType::call ? coin.v - option.strike.v : option.strike.v - coin.v;
    return Price{std::max<std::int64_t>(0, beyond)};
}

}  // namespace crossclear::base
