#include "base/amount.hpp"

#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace crossclear::base {
namespace {

__extension__ using Wide = __int128;

using tests::int64_max;
using tests::int64_min;

// Numbers of every magnitude, with the edges well represented.
std::int64_t any_number() {
    return *rc::gen::oneOf(
        rc::gen::elementOf(std::vector<std::int64_t>{0, 1, -1, 2, -2, 10, int64_max, int64_max - 1,
                                                     int64_min, int64_min + 1, 1'000'000'000,
                                                     -1'000'000'000}),
        rc::gen::map(rc::gen::pair(rc::gen::arbitrary<std::int64_t>(), rc::gen::inRange(0, 64)),
                     [](const auto& drawn) { return drawn.first >> drawn.second; }));
}

bool fits(Wide value) { return value <= int64_max && value >= int64_min; }

RC_GTEST_PROP(Amounts, AddAndSubtractOrRefuse, ()) {
    const auto a = any_number();
    const auto b = any_number();
    const auto sum = add(Amount{a}, Amount{b});
    RC_ASSERT(sum.has_value() == fits(Wide{a} + b));
    if (sum) RC_ASSERT(Wide{sum->v} == Wide{a} + b);
    const auto difference = subtract(Amount{a}, Amount{b});
    RC_ASSERT(difference.has_value() == fits(Wide{a} - b));
    if (difference) RC_ASSERT(Wide{difference->v} == Wide{a} - b);
    RC_ASSERT(negate(Amount{a}).has_value() == (a != int64_min));
}

bool is_remainder_of(Wide remainder, Wide divisor) {
    return divisor > 0 ? remainder >= 0 && remainder < divisor
                       : remainder <= 0 && remainder > divisor;
}

// Goal: an oracle by definition, not by another division: q is down(n/d) exactly if the remainder
// n - q·d lies between 0 and d, and up(n/d) is the negative of down(-n/d).
RC_GTEST_PROP(MultiplyDivide, IsTheNeighbourItsRoundingNames, ()) {
    const auto a = any_number();
    const auto b = any_number();
    const auto divisor = any_number();
    RC_PRE(divisor != 0);
    const Wide product = Wide{a} * b;
    const auto down = multiply_divide(a, b, divisor, Rounding::down);
    const auto up = multiply_divide(a, b, divisor, Rounding::up);
    if (down) {
        const Wide remainder = product - Wide{*down} * divisor;
        RC_ASSERT(is_remainder_of(remainder, divisor));
    }
    if (up) {
        const Wide excess = Wide{*up} * divisor - product;
        RC_ASSERT(is_remainder_of(excess, divisor));
    }
}

RC_GTEST_PROP(MultiplyDivide, RefusesOnlyWhatDoesNotFit, ()) {
    const auto a = any_number();
    const auto b = any_number();
    const auto divisor = any_number();
    RC_PRE(divisor != 0);
    const Wide product = Wide{a} * b;
    const bool is_exact = product % divisor == 0;
    const auto truncated = product / divisor;
    const auto exact = multiply_divide(a, b, divisor, Rounding::exact);
    if (!is_exact) {
        RC_ASSERT(exact.error() == MathError::precision_loss);
    } else {
        RC_ASSERT(exact.has_value() == fits(truncated));
        if (!exact) RC_ASSERT(exact.error() == MathError::overflow);
    }
    const bool is_negative = (product < 0) != (divisor < 0);
    const Wide lower = truncated - (!is_exact && is_negative ? 1 : 0);
    RC_ASSERT(multiply_divide(a, b, divisor, Rounding::down).has_value() == fits(lower));
    const Wide upper = truncated + (!is_exact && !is_negative ? 1 : 0);
    RC_ASSERT(multiply_divide(a, b, divisor, Rounding::up).has_value() == fits(upper));
}

TEST(MultiplyDivide, RefusesToDivideByZero) {
    for (const auto rounding : {Rounding::down, Rounding::up, Rounding::exact}) {
        EXPECT_EQ(multiply_divide(1, 1, 0, rounding).error(), MathError::division_by_zero);
        EXPECT_EQ(multiply_divide(0, 0, 0, rounding).error(), MathError::division_by_zero);
    }
}

TEST(MultiplyDivide, HoldsAtTheCorners) {
    EXPECT_EQ(multiply_divide(int64_min, int64_min, int64_min, Rounding::exact), int64_min);
    EXPECT_EQ(multiply_divide(int64_min, -1, 1, Rounding::down).error(), MathError::overflow);
    EXPECT_EQ(multiply_divide(int64_max, int64_max, 1, Rounding::down).error(),
              MathError::overflow);
    EXPECT_EQ(multiply_divide(-1, 1, 2, Rounding::down), -1);
    EXPECT_EQ(multiply_divide(-1, 1, 2, Rounding::up), 0);
    EXPECT_EQ(multiply_divide(1, 1, 2, Rounding::down), 0);
    EXPECT_EQ(multiply_divide(1, 1, 2, Rounding::up), 1);
}

TEST(Notional, RoundsOnceInTheSettlementToken) {
    // 0.00000001 BTC at 60,000.123456789 is 0.00060000123... USDC.
    const Price price{60'000'123'456'789};
    EXPECT_EQ(notional(Amount{1}, 8, price, 6, Rounding::down), Amount{600});
    EXPECT_EQ(notional(Amount{1}, 8, price, 6, Rounding::up), Amount{601});
    EXPECT_EQ(notional(Amount{-1}, 8, price, 6, Rounding::down), Amount{-601});
    EXPECT_EQ(notional(Amount{1}, 8, price, 6, Rounding::exact).error(), MathError::precision_loss);
    EXPECT_EQ(notional(Amount{100'000'000}, 8, Price{60'000'000'000'000}, 6, Rounding::exact),
              Amount{60'000'000'000});
    EXPECT_EQ(notional(Amount{0}, 8, price, 6, Rounding::exact), Amount{0});
    EXPECT_EQ(notional(Amount{7}, 0, Price{1'000'000'000}, 9, Rounding::exact),
              Amount{7'000'000'000});
}

TEST(Notional, RefusesWhatDoesNotFit) {
    EXPECT_EQ(notional(Amount{int64_max}, 0, Price{int64_max}, 9, Rounding::down).error(),
              MathError::overflow);
    EXPECT_EQ(notional(Amount{int64_max}, 9, Price{int64_max}, 9, Rounding::down).error(),
              MathError::overflow);
}

TEST(Portion, IsInMillionths) {
    EXPECT_EQ(portion(Amount{1'000'000}, Ppm{100}, Rounding::exact), Amount{100});
    EXPECT_EQ(portion(Amount{999'999}, Ppm{100}, Rounding::up), Amount{100});
    EXPECT_EQ(portion(Amount{999'999}, Ppm{100}, Rounding::down), Amount{99});
    EXPECT_EQ(portion(Amount{int64_max}, Ppm{2 * ppm_one}, Rounding::down).error(),
              MathError::overflow);
}

TEST(Rescale, IsExactUpwardsAndRoundsDownwards) {
    EXPECT_EQ(rescale(Amount{15}, 1, 9, Rounding::exact), Amount{1'500'000'000});
    EXPECT_EQ(rescale(Amount{1'500'000'001}, 9, 1, Rounding::down), Amount{15});
    EXPECT_EQ(rescale(Amount{1'500'000'001}, 9, 1, Rounding::up), Amount{16});
    EXPECT_EQ(rescale(Amount{1'500'000'001}, 9, 1, Rounding::exact).error(),
              MathError::precision_loss);
    EXPECT_EQ(rescale(Amount{int64_max}, 0, 9, Rounding::exact).error(), MathError::overflow);
}

TEST(MustAdd, StopsTheProcessWhereAnInvariantFailedEarlier) {
    EXPECT_EQ(must_add(Amount{1}, Amount{2}), Amount{3});
    EXPECT_EQ(must_subtract(Amount{1}, Amount{2}), Amount{-1});
    EXPECT_DEATH(static_cast<void>(must_add(Amount{int64_max}, Amount{1})),
                 "an accepted amount fits its balance");
    EXPECT_DEATH(static_cast<void>(must_subtract(Amount{int64_min}, Amount{1})),
                 "an accepted amount fits its balance");
    EXPECT_DEATH(static_cast<void>(power_of_ten(19)), "power of ten");
    EXPECT_DEATH(static_cast<void>(power_of_ten(-1)), "power of ten");
}

// Goal: the parts of a way sum to the whole, and only the difference has to fit.
TEST(Notional, AMoveIsTheDifferenceOfTwoRoundedCosts) {
    const auto moved = [](std::int64_t quantity, std::int64_t from, std::int64_t to) {
        return notional_move({Amount{quantity}, 0}, Price{from}, Price{to}, 0, Rounding::up);
    };
    EXPECT_EQ(moved(3, 0, 1'500'000'000), Amount{5});
    EXPECT_EQ(moved(3, 1'500'000'000, 2'000'000'000), Amount{1});
    EXPECT_EQ(moved(-3, 0, 1'500'000'000), Amount{-4});
    EXPECT_EQ(moved(3, -1'500'000'000, 0), Amount{4});
    const std::int64_t far = int64_max - 2'000'000'000;
    EXPECT_EQ(notional({Amount{int64_max}}, 0, Price{far}, 0, Rounding::up).error(),
              MathError::overflow);
    EXPECT_EQ(moved(int64_max, far, far + 1'000'000'000), Amount{int64_max});
    EXPECT_EQ(moved(int64_max, far, far + 1'000'000'001).error(), MathError::overflow);
    EXPECT_EQ(moved(1, 5, 5), Amount{0});
    EXPECT_EQ(
        notional_move({Amount{int64_max}, 0}, Price{int64_max}, Price{0}, 18, Rounding::up).error(),
        MathError::overflow);
}

}  // namespace
}  // namespace crossclear::base
