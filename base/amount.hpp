#pragma once

#include "base/result.hpp"

#include <compare>
#include <cstdint>

/// Money as integers. Nothing here rounds, wraps or saturates unless its name says so.

namespace crossclear::base {

/// A signed count of an asset's minor units; the asset's scale says how many make one unit.
/// Positive is a debit in a posting and a holding elsewhere.
struct Amount {
    std::int64_t v{};

    friend constexpr auto operator<=>(const Amount&, const Amount&) = default;

    template <class Inspector>
    friend bool inspect(Inspector& f, Amount& x) {
        return f.apply(x.v);
    }
};

/// What one whole unit of an instrument costs. **Units:** settlement units per unit, times 1e9.
struct Price {
    std::int64_t v{};

    friend constexpr auto operator<=>(const Price&, const Price&) = default;

    template <class Inspector>
    friend bool inspect(Inspector& f, Price& x) {
        return f.apply(x.v);
    }
};

/// A share of something. **Units:** millionths; a basis point is 100.
struct Ppm {
    std::int64_t v{};

    friend constexpr auto operator<=>(const Ppm&, const Ppm&) = default;
};

inline constexpr int price_scale = 9;      ///< Decimal digits of a Price.
inline constexpr int asset_scale_max = 9;  ///< Decimal digits an asset may have at most.
inline constexpr std::int64_t ppm_one = 1'000'000;

/// Why a calculation has no answer. A typed refusal, never a wrapped number.
enum class MathError : std::uint8_t { overflow, division_by_zero, precision_loss };

template <class T>
using Math = Result<T, MathError>;

/// Which neighbour a result that is not exact becomes. Named by the number line, not by a party:
/// the caller says whom it favours.
enum class Rounding : std::uint8_t {
    down,   ///< Toward minus infinity.
    up,     ///< Toward plus infinity.
    exact,  ///< Refused with `precision_loss` if anything would be lost.
};

/// The sum. **Errors:** `overflow`.
[[nodiscard]] inline Math<Amount> add(Amount a, Amount b) noexcept {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.v, b.v, &sum)) return Failure{MathError::overflow};
    return Amount{sum};
}

/// `a` less `b`. **Errors:** `overflow`.
[[nodiscard]] inline Math<Amount> subtract(Amount a, Amount b) noexcept {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a.v, b.v, &difference)) return Failure{MathError::overflow};
    return Amount{difference};
}

/// The amount with the other sign. **Errors:** `overflow`, for the one value without a counterpart.
[[nodiscard]] inline Math<Amount> negate(Amount a) noexcept { return subtract(Amount{0}, a); }

/// The amount without its sign. The one value that has no positive counterpart saturates.
[[nodiscard]] constexpr Amount magnitude(Amount a) noexcept {
    if (a.v >= 0) return a;
    return Amount{a.v == INT64_MIN ? INT64_MAX : -a.v};
}

/// `price` moved by a share, up or down, and rounded the same way.
/// **Errors:** `overflow`.
[[nodiscard]] Math<Price> moved(Price price, Ppm by, bool is_up) noexcept;

/// a * b / divisor with a 128-bit intermediate.
/// **Errors:** `division_by_zero`, `overflow` where the result leaves 64 bits, `precision_loss`.
[[nodiscard]] Math<std::int64_t> multiply_divide(std::int64_t a, std::int64_t b,
                                                 std::int64_t divisor, Rounding rounding) noexcept;

/// 10^n. **Requires:** 0 <= n <= 18.
[[nodiscard]] std::int64_t power_of_ten(int n);

/// What `quantity` costs at `price`. **Units:** minor units of the settlement asset.
[[nodiscard]] Math<Amount> notional(Amount quantity, int quantity_scale, Price price,
                                    int settlement_scale, Rounding rounding);

/// An amount with the decimal digits of its asset.
struct Quantity {
    Amount amount;
    int scale{};
};
/// What a quantity costs at `to` less what it costs at `from`, each of them rounded: so that the
/// parts of a way sum to the whole. Only the difference has to fit. **Units:** as of `notional`.
[[nodiscard]] Math<Amount> notional_move(Quantity of, Price from, Price to, int settlement_scale,
                                         Rounding rounding);

/// `share` of `amount`.
[[nodiscard]] Math<Amount> portion(Amount amount, Ppm share, Rounding rounding);

/// `amount` restated with another number of decimals.
[[nodiscard]] Math<Amount> rescale(Amount amount, int from_scale, int to_scale, Rounding rounding);

/// A sum whose terms were each checked before: a posting that was already accepted. Stops the
/// process on overflow, because then an invariant failed earlier.
[[nodiscard]] inline Amount must_add(Amount a, Amount b) {
    const auto sum = add(a, b);
    CHECK(sum.has_value(), "an accepted amount fits its balance");
    return *sum;
}

/// The same for a difference.
[[nodiscard]] inline Amount must_subtract(Amount a, Amount b) {
    const auto difference = subtract(a, b);
    CHECK(difference.has_value(), "an accepted amount fits its balance");
    return *difference;
}

}  // namespace crossclear::base
