#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "risk/surface.hpp"

#include <cstdint>
#include <optional>

/// Amounts in dollars and back, at the marks of a surface.

namespace crossclear::actors {

inline constexpr int usd_cents_scale = 2;

/// What a quantity is worth in USD cents, rounded up, and of an option what it stands for; nothing
/// without a mark, or where it does not fit.
[[nodiscard]] inline std::optional<std::int64_t> worth_cents(const risk::Surface& surface,
                                                             base::AssetId asset,
                                                             base::Amount quantity) {
    const auto& mark = surface.notional_mark(asset);
    if (!mark.is_known) return std::nullopt;
    const auto cents = base::notional(quantity, surface.listing().asset(asset).scale, mark.price,
                                      usd_cents_scale, base::Rounding::up);
    if (!cents) return std::nullopt;
    return cents->v;
}

/// How many minor units of an asset are worth, or of an option stand for, `cents`; nothing without
/// a mark, at one of zero, or where it does not fit.
[[nodiscard]] inline std::optional<base::Amount> units_worth(const risk::Surface& surface,
                                                             base::AssetId asset,
                                                             std::int64_t cents,
                                                             base::Rounding rounding) {
    constexpr std::int64_t price_units_a_cent = 10'000'000;
    const auto& mark = surface.notional_mark(asset);
    std::int64_t dollars = 0;
    if (!mark.is_known || mark.price <= base::Price{0} ||
        __builtin_mul_overflow(cents, price_units_a_cent, &dollars)) {
        return std::nullopt;
    }
    const auto units = base::multiply_divide(
        dollars, base::power_of_ten(surface.listing().asset(asset).scale), mark.price.v, rounding);
    if (!units) return std::nullopt;
    return base::Amount{*units};
}

}  // namespace crossclear::actors
