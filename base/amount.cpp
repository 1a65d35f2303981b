#include "base/amount.hpp"

#include "base/wide.hpp"

#include <array>
#include <limits>

namespace crossclear::base {
namespace {

// Products of two 64-bit numbers fit; nothing wider is ever kept.

Math<std::int64_t> narrow(Wide value) noexcept {
    if (value > std::numeric_limits<std::int64_t>::max() ||
        value < std::numeric_limits<std::int64_t>::min()) {
        return Failure{MathError::overflow};
    }
    return static_cast<std::int64_t>(value);
}

Math<Wide> wide_quotient(Wide numerator, Wide divisor, Rounding rounding) noexcept {
    if (divisor == 0) return Failure{MathError::division_by_zero};
    Wide quotient = numerator / divisor;
    const Wide remainder = numerator % divisor;
    if (remainder != 0) {
        if (rounding == Rounding::exact) return Failure{MathError::precision_loss};
        const bool is_negative = (remainder < 0) != (divisor < 0);
        if (rounding == Rounding::down && is_negative) quotient -= 1;
        if (rounding == Rounding::up && !is_negative) quotient += 1;
    }
    return quotient;
}

Math<std::int64_t> divide(Wide numerator, Wide divisor, Rounding rounding) noexcept {
    const auto quotient = wide_quotient(numerator, divisor, rounding);
    if (!quotient) return Failure{quotient.error()};
    return narrow(*quotient);
}

Math<Amount> as_amount(const Math<std::int64_t>& value) {
    if (!value) return Failure{value.error()};
    return Amount{*value};
}

}  // namespace

Math<std::int64_t> multiply_divide(std::int64_t a, std::int64_t b, std::int64_t divisor,
                                   Rounding rounding) noexcept {
    return divide(Wide{a} * b, divisor, rounding);
}

Math<Price> moved(Price price, Ppm by, bool is_up) noexcept {
    const auto value = multiply_divide(price.v, is_up ? ppm_one + by.v : ppm_one - by.v, ppm_one,
                                       is_up ? Rounding::up : Rounding::down);
    if (!value) return Failure{value.error()};
    return Price{*value};
}

std::int64_t power_of_ten(int n) {
    static constexpr auto powers = [] {
        std::array<std::int64_t, 19> table{};
        std::int64_t power = 1;
        for (std::size_t i = 0; i < table.size(); ++i) {
            table[i] = power;
            if (i + 1 < table.size()) power *= 10;
        }
        return table;
    }();
    CHECK(n >= 0 && n <= 18, "a power of ten that fits 64 bits");
    return powers[static_cast<std::size_t>(n)];
}

Math<Amount> notional(Amount quantity, int quantity_scale, Price price, int settlement_scale,
                      Rounding rounding) {
    // quantity / 10^q * price / 10^9 * 10^s: one division, so one rounding.
    const int shift = quantity_scale + price_scale - settlement_scale;
    if (shift >= 0)
        return as_amount(multiply_divide(quantity.v, price.v, power_of_ten(shift), rounding));
    const auto product = multiply_divide(quantity.v, price.v, 1, rounding);
    if (!product) return Failure{product.error()};
    return as_amount(multiply_divide(*product, power_of_ten(-shift), 1, rounding));
}

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): from and to, as one reads
Math<Amount> notional_move(Quantity of, Price from, Price to, int settlement_scale,
                           Rounding rounding) {
    const int shift = of.scale + price_scale - settlement_scale;
    const auto cost = [&](Price price) -> Math<Wide> {
        const Wide product = Wide{of.amount.v} * price.v;
        if (shift >= 0) return wide_quotient(product, power_of_ten(shift), rounding);
        Wide scaled = 0;
        if (__builtin_mul_overflow(product, Wide{power_of_ten(-shift)}, &scaled)) {
            return Failure{MathError::overflow};
        }
        return scaled;
    };
    const auto before = cost(from);
    const auto after = cost(to);
    Wide moved = 0;
    if (!before || !after || __builtin_sub_overflow(*after, *before, &moved)) {
        return Failure{MathError::overflow};
    }
    return as_amount(narrow(moved));
}

Math<Amount> portion(Amount amount, Ppm share, Rounding rounding) {
    return as_amount(multiply_divide(amount.v, share.v, ppm_one, rounding));
}

Math<Amount> rescale(Amount amount, int from_scale, int to_scale, Rounding rounding) {
    if (to_scale >= from_scale) {
        return as_amount(
            multiply_divide(amount.v, power_of_ten(to_scale - from_scale), 1, rounding));
    }
    return as_amount(multiply_divide(amount.v, 1, power_of_ten(from_scale - to_scale), rounding));
}

}  // namespace crossclear::base
