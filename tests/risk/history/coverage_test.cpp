#include "risk/history/coverage.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

namespace crossclear::risk::history {
namespace {

// Source: MathWorks, Risk Management Toolbox, examples of varbacktest.pof, .cci and .cc: the
// statistic and its p-value to five digits.
TEST(Kupiec, GivesThePublishedStatistics) {
    const struct {
        Exceptions found;
        double statistic;
        double p_value;
    } table[] = {
        {{.count = 57, .windows = 1'043, .chance = .05}, .46147, .49694},
        {{.count = 17, .windows = 1'043, .chance = .01}, 3.5118, .060933},
        // Source: P. Jorion, Value at Risk, chapter on backtesting: J.P. Morgan in 1998.
        {{.count = 20, .windows = 252, .chance = .05}, 3.91, .048},
    };
    for (const auto& row : table) {
        const auto found = kupiec(row.found);
        const double digits = row.statistic > 3.6 ? 5e-3 : 5e-5;
        EXPECT_NEAR(found.statistic, row.statistic, digits);
        EXPECT_NEAR(found.p_value, row.p_value, digits);
    }
}

// Source: Kupiec (1995), as Jorion, Value at Risk, prints it: where too many begin at 95 %, like
// "N < 7" for 255 days at 1 %. Too few are not asked here.
TEST(Kupiec, RefusesFromThePublishedNumberOn) {
    const struct {
        double chance;
        std::size_t windows;
        std::size_t refused_from;
    } table[] = {{.01, 255, 7},    {.01, 510, 11},    {.01, 1'000, 17}, {.025, 255, 12},
                 {.025, 510, 21},  {.025, 1'000, 36}, {.05, 255, 21},   {.05, 510, 36},
                 {.05, 1'000, 65}, {.075, 255, 28},   {.075, 510, 51},  {.075, 1'000, 92},
                 {.1, 255, 36},    {.1, 510, 65},     {.1, 1'000, 120}};
    for (const auto& row : table) {
        const Exceptions too_many{row.refused_from, row.windows, row.chance};
        const Exceptions still_fine{row.refused_from - 1, row.windows, row.chance};
        EXPECT_TRUE(is_too_many(too_many)) << row.chance << " of " << row.windows;
        EXPECT_FALSE(is_too_many(still_fine)) << row.chance << " of " << row.windows;
    }
}

TEST(Kupiec, NeverRefusesForTooFew) {
    const Exceptions none{.count = 0, .windows = 1'000, .chance = .01};
    EXPECT_LT(kupiec(none).p_value, .05);
    EXPECT_FALSE(is_too_many(none));
}

TEST(Kupiec, KnowsTheEnds) {
    // -2·n·ln(1-p) and -2·n·ln(p).
    EXPECT_NEAR(kupiec({.count = 0, .windows = 100, .chance = .01}).statistic, -200 * std::log(.99),
                1e-12);
    EXPECT_NEAR(kupiec({.count = 100, .windows = 100, .chance = .01}).statistic,
                -200 * std::log(.01), 1e-9);
    EXPECT_EQ(kupiec({.count = 5, .windows = 500, .chance = .01}).statistic, 0);
    EXPECT_EQ(kupiec({.count = 5, .windows = 500, .chance = .01}).p_value, 1);
}

// Source: as above, varbacktest.cci and .cc.
TEST(Christoffersen, GivesThePublishedStatistics) {
    const Transitions found{.quiet_quiet = 932, .quiet_bad = 53, .bad_quiet = 53, .bad_bad = 4};
    const auto independence = christoffersen(found);
    EXPECT_NEAR(independence.statistic, .25866, 5e-6);
    EXPECT_NEAR(independence.p_value, .61104, 5e-6);
    const auto both = both_of(kupiec({.count = 57, .windows = 1'043, .chance = .05}), independence);
    EXPECT_NEAR(both.statistic, .72013, 5e-6);
    EXPECT_NEAR(both.p_value, .69763, 5e-6);
}

TEST(Christoffersen, HasNothingToSayOfNoneOrOne) {
    EXPECT_EQ(christoffersen({}).p_value, 1);
    EXPECT_EQ(christoffersen(transitions_of(std::vector<bool>(50, false))).p_value, 1);
    EXPECT_EQ(christoffersen(transitions_of(std::vector<bool>(50, true))).p_value, 1);
}

TEST(Christoffersen, SeesClusters) {
    std::vector<bool> apart(400, false);
    std::vector<bool> together(400, false);
    for (std::size_t i = 0; i < 8; ++i) {
        apart[50 * i] = true;
        together[100 + i] = true;
    }
    EXPECT_GT(christoffersen(transitions_of(apart)).p_value, .5);
    EXPECT_LT(christoffersen(transitions_of(together)).p_value, 1e-6);
}

TEST(Transitions, AreCountedInOrder) {
    const auto found = transitions_of({false, true, true, false, false, true});
    EXPECT_EQ(found, (Transitions{.quiet_quiet = 1, .quiet_bad = 2, .bad_quiet = 1, .bad_bad = 1}));
    EXPECT_EQ(transitions_of({true}), Transitions{});
}

RC_GTEST_PROP(CoverageLaws, StatisticsAreFiniteAndOrdered, ()) {
    const auto windows = *rc::gen::inRange<std::size_t>(1, 5'000);
    const auto count = *rc::gen::inRange<std::size_t>(0, windows + 1);
    const double chance = *rc::gen::inRange(1, 999) / 1'000.0;
    const auto found = kupiec({count, windows, chance});
    RC_ASSERT(std::isfinite(found.statistic) && found.statistic >= 0);
    RC_ASSERT(found.p_value >= 0 && found.p_value <= 1);
    // Beyond what was claimed, one more only makes it worse.
    if (count < windows && static_cast<double>(count) >= chance * static_cast<double>(windows)) {
        RC_ASSERT(kupiec({count + 1, windows, chance}).statistic >= found.statistic);
    }
}

RC_GTEST_PROP(CoverageLaws, TransitionsAreOneFewerThanWindows, (const std::vector<bool>& list)) {
    const auto x = transitions_of(list);
    const auto all = x.quiet_quiet + x.quiet_bad + x.bad_quiet + x.bad_bad;
    RC_ASSERT(all == (list.empty() ? 0 : list.size() - 1));
    const auto found = christoffersen(x);
    RC_ASSERT(std::isfinite(found.statistic) && found.statistic >= 0);
    RC_ASSERT(found.p_value >= 0 && found.p_value <= 1);
}

}  // namespace
}  // namespace crossclear::risk::history
