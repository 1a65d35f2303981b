#include "risk/kernel/aligned.hpp"
#include "risk/kernel/black76.hpp"
#include "risk/kernel/credit.hpp"
#include "risk/kernel/lanes.hpp"
#include "risk/kernel/normal.hpp"
#include "risk/kernel/pools.hpp"
#include "risk/kernel/shortfall.hpp"
#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

TEST(Normal, IsThatOfTheErrorFunction) {
    for (double x = -38; x <= 9; x += .01) {
        const double exact = .5 * std::erfc(-x / std::sqrt(2.0));
        EXPECT_NEAR(normal_cdf(x), exact, 2e-15) << x;
        // The tail keeps its digits until there are none left.
        if (x < 0 && x > -30) {
            EXPECT_NEAR(normal_cdf(x) / exact, 1, 1e-5) << x;
        }
    }
    EXPECT_TRUE(std::isnan(normal_cdf(nan)));
    EXPECT_EQ(normal_cdf(infinity), 1);
    EXPECT_EQ(normal_cdf(-infinity), 0);
}

TEST(Normal, QuantileIsItsInverse) {
    for (const double p : {1e-12, 1e-6, .001, .025, .5, .975, .999}) {
        EXPECT_NEAR(normal_cdf(normal_quantile(p)) / p, 1, 1e-8) << p;
    }
    EXPECT_EQ(normal_quantile(0), -infinity);
    EXPECT_EQ(normal_quantile(1), infinity);
}

TEST(Normal, OfTwoIsBoundedByEither) {
    for (const double rho : {-1.0, -.999, -.5, 0.0, .5, .999, 1.0}) {
        for (const double x : {-3.0, -.5, 0.0, 2.0}) {
            for (const double y : {-2.0, 0.0, 1.0}) {
                const double joint = bivariate_normal_cdf({x, y, rho});
                EXPECT_LE(joint, std::min(normal_cdf(x), normal_cdf(y)) + 1e-9);
                EXPECT_GE(joint, std::max(0.0, normal_cdf(x) + normal_cdf(y) - 1) - 1e-9);
                EXPECT_NEAR(joint, bivariate_normal_cdf({y, x, rho}), 1e-12);
            }
        }
        // Sheppard's formula at the middle.
        EXPECT_NEAR(bivariate_normal_cdf({0, 0, rho}),
                    .25 + std::asin(rho) / (2 * std::numbers::pi), 1e-9);
    }
}

TEST(Black76, HasItsEdges) {
    for (const auto type : {OptionType::call, OptionType::put}) {
        const bool is_call = type == OptionType::call;
        const Black76 base{type, 120, 100, .5, .4, .9};
        for (auto member : {&Black76::years, &Black76::volatility}) {
            auto terms = base;
            terms.*member = 0;
            EXPECT_NEAR(value_of(terms), is_call ? 18 : 0, 1e-12);
        }
        auto worthless = base;
        worthless.forward = 0;
        EXPECT_NEAR(value_of(worthless), is_call ? 0 : 90, 1e-12);
        auto free = base;
        free.strike = 0;
        EXPECT_NEAR(value_of(free), is_call ? 108 : 0, 1e-12);
        auto wild = base;
        wild.volatility = 1e6;
        EXPECT_NEAR(value_of(wild), is_call ? 108 : 90, 1e-9);
    }
}

RC_GTEST_PROP(Black76, KeepsParity, (std::uint64_t seed)) {
    const auto part = [&seed](double min, double max) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return min + (max - min) * static_cast<double>(seed >> 11) * 0x1.0p-53;
    };
    const Black76 call{OptionType::call, part(1, 1e5), part(1, 1e5), part(0, 2), part(0, 3), .95};
    auto put = call;
    put.type = OptionType::put;
    const double forward = call.discount * (call.forward - call.strike);
    RC_ASSERT(std::abs(value_of(call) - value_of(put) - forward) <
              1e-11 * (call.forward + call.strike));
    // A row of a surface is the same formula with its logarithm taken elsewhere.
    const double factor = part(0, 4);
    auto moved = call;
    moved.forward *= factor;
    RC_ASSERT(std::abs(Black76Row(call).at(factor, std::log(factor)) - value_of(moved)) <
              1e-11 * (moved.forward + call.strike));
    // The slope is that of the value.
    auto up = call;
    up.forward *= 1.00001;
    auto down = call;
    down.forward *= .99999;
    const double slope = (value_of(up) - value_of(down)) / (up.forward - down.forward);
    if (call.volatility * std::sqrt(call.years) > .05) {
        RC_ASSERT(std::abs(slope - delta_of(call)) < 1e-5);
    }
}

TEST(Pools, AreWorthNothingWithEitherTokenGone) {
    EXPECT_EQ(constant_product_value(5, {100, 0}), 0);
    EXPECT_EQ(constant_product_value(5, {0, 100}), 0);
    EXPECT_NEAR(constant_product_value(5, {100, 1}), 100, 1e-12);
    const PriceRange range{.liquidity = 10, .low = 80, .high = 120};
    EXPECT_EQ(range_value(range, {100, 0}), 0);
    EXPECT_EQ(range_value(range, {0, 1}), 0);
}

// Within its range a position is that of a pool of all prices less what it never holds; outside it
// is one token alone.
TEST(Pools, OfARangeHoldOneTokenOutsideIt) {
    const PriceRange range{.liquidity = 10, .low = 81, .high = 121};
    EXPECT_NEAR(amounts_of(range, 50).a, 10 * (1 / 9.0 - 1 / 11.0), 1e-12);
    EXPECT_EQ(amounts_of(range, 50).b, 0);
    EXPECT_EQ(amounts_of(range, 200).a, 0);
    EXPECT_NEAR(amounts_of(range, 200).b, 20, 1e-12);
    EXPECT_NEAR(range_value(range, {100, 1}), 2 * 100 - 10 * (100 / 11.0 + 9), 1e-9);
    const auto held = amounts_of(range, 100);
    EXPECT_NEAR(liquidity_for(range, 100, held), 10, 1e-9);
}

TEST(Credit, ConvolvesWhatIsIndependent) {
    const std::vector<Exposure> exposures{{.5, 1}, {.25, 2}, {.1, 0}};
    const auto found = independent_losses(exposures, {.cell = 1, .cells = 3});
    ASSERT_EQ(found.chances.size(), 4U);
    EXPECT_NEAR(found.chances[0], .375, 1e-15);
    EXPECT_NEAR(found.chances[1], .375, 1e-15);
    EXPECT_NEAR(found.chances[2], .125, 1e-15);
    EXPECT_NEAR(found.chances[3], .125, 1e-15);
    EXPECT_NEAR(found.mean(), 1, 1e-15);
    EXPECT_NEAR(found.at_most(2), .875, 1e-15);
    EXPECT_EQ(found.at_most(-1), 0);
}

// A loss between two cells counts as the larger: never in the broker's favour.
TEST(Credit, RoundsLossesUp) {
    const std::vector<Exposure> exposures{{.5, 1.1}};
    const auto found = independent_losses(exposures, {.cell = 1, .cells = 2});
    EXPECT_NEAR(found.at_most(1.5), .5, 1e-15);
    EXPECT_NEAR(found.at_most(2), 1, 1e-15);
    EXPECT_EQ(independent_losses({}, {.cell = 0, .cells = 8}).at_most(0), 1);
}

TEST(Credit, ASharedFactorKeepsTheMeanAndFattensTheTail) {
    const std::vector<Exposure> exposures{{.05, 3}, {.1, 2}, {.02, 1}};
    const LossGrid grid{.cell = 1, .cells = 6};
    const auto apart = one_factor_losses(exposures, 0, grid);
    const auto together = one_factor_losses(exposures, .5, grid);
    EXPECT_NEAR(apart.mean(), .37, 1e-9);
    EXPECT_NEAR(together.mean(), .37, 1e-9);
    EXPECT_NEAR(apart.chances[6], .05 * .1 * .02, 1e-12);
    EXPECT_GT(together.chances[6], 10 * apart.chances[6]);
    EXPECT_NEAR(std::accumulate(together.chances.begin(), together.chances.end(), 0.0), 1, 1e-12);
    EXPECT_NEAR(default_within(.05, 365), .05, 1e-15);
    EXPECT_NEAR(worst_case_default({.05, 0}, .999), .05, 1e-12);
}

RC_GTEST_PROP(Shortfall, IsBelowItsBound, (std::vector<int> draws, int threshold)) {
    RC_PRE(!draws.empty());
    std::vector<double> losses(draws.begin(), draws.end());
    for (const double confidence : {.5, .8, .975}) {
        const double bound = shortfall_bound(losses, confidence, threshold);
        auto sorted = losses;
        std::sort(sorted.begin(), sorted.end());
        auto scratch = losses;
        const double found = expected_shortfall(scratch, confidence);
        const double slack = 1e-9 * (1 + std::abs(bound));
        RC_ASSERT(found <= bound + slack);
        RC_ASSERT(found <= sorted.back() + slack);
        // Any order of the same losses gives the same bits.
        auto reversed = losses;
        std::reverse(reversed.begin(), reversed.end());
        RC_ASSERT(expected_shortfall(reversed, confidence) == found);
        // Nobody loses less: the mean of the worst does not fall.
        auto worse = losses;
        for (auto& loss : worse) loss += 1;
        RC_ASSERT(expected_shortfall(worse, confidence) >= found);
        const auto tail = Tail::of(losses.size(), confidence);
        scratch = losses;
        const double quantile = mean_of_tail(scratch, tail).quantile;
        RC_ASSERT(std::abs(shortfall_bound(losses, confidence, quantile) - found) <= slack);
    }
}

TEST(Shortfall, HidesNoNaN) {
    for (const double bad : {nan, infinity, -infinity}) {
        std::vector<double> losses{1, 2, bad, 3, 4, 5, 6, 7, 8, 9};
        EXPECT_TRUE(std::isnan(shortfall_bound(losses, .8, 5)) ||
                    std::isinf(shortfall_bound(losses, .8, 5)) || bad == -infinity);
        EXPECT_TRUE(std::isnan(expected_shortfall(losses, .8)));
    }
}

TEST(Lanes, HideNothingThatIsNoNumber) {
    for (const double bad : {nan, infinity, -infinity}) {
        for (std::size_t at = 0; at < 24; ++at) {
            AlignedArray pnl(24);
            pnl.data()[at] = bad;
            EXPECT_TRUE(std::isnan(largest_loss(pnl.data(), 24))) << bad << " at " << at;
            EXPECT_TRUE(std::isnan(excess_loss(pnl.data(), 24, 1))) << bad << " at " << at;
            // What lies behind the end is not looked at.
            EXPECT_EQ(std::isnan(excess_loss(pnl.data(), 19, 1)), at < 19) << bad << " at " << at;
        }
    }
}

RC_GTEST_PROP(Lanes, AreTheLoopsThatTheyReplace, (std::vector<int> draws, int scale)) {
    const auto count = draws.size();
    AlignedArray row(padded(count));
    AlignedArray base(padded(count));
    for (std::size_t i = 0; i < count; ++i) {
        row.data()[i] = draws[i] / 7.0;
        base.data()[i] = draws[count - 1 - i] / 3.0;
    }
    AlignedArray out(padded(count));
    add_row(out.data(), base.data(), {row.data(), scale / 9.0}, out.size());
    double worst = 0;
    double excess = 0;
    std::vector<double> above;
    for (std::size_t i = 0; i < count; ++i) {
        RC_ASSERT(out.data()[i] == base.data()[i] + scale / 9.0 * row.data()[i]);
        worst = std::max(worst, -out.data()[i]);
        excess += std::max(0.0, -out.data()[i] - 5);
        if (-out.data()[i] > 5) above.push_back(-out.data()[i]);
    }
    RC_ASSERT(largest_loss(out.data(), out.size()) == worst);
    RC_ASSERT(std::abs(excess_loss(out.data(), count, 5) - excess) <= 1e-12 * (1 + excess));
    std::vector<double> found(count);
    RC_ASSERT(losses_above(out.data(), count, 5, found.data()) == above.size());
    found.resize(above.size());
    RC_ASSERT(found == above);
    // Several rows at once are the same bits as one after the other.
    const std::vector<ScaledRow> rows(7, {row.data(), scale / 9.0});
    auto together = base;
    add_rows(together.data(), rows, together.size());
    auto apart = base;
    for (const auto& one : rows) add_row(apart.data(), apart.data(), one, apart.size());
    RC_ASSERT(std::equal(apart.view().begin(), apart.view().end(), together.view().begin()));
}

}  // namespace
}  // namespace crossclear::risk::kernel
