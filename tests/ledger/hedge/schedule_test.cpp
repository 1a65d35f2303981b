#include "ledger/hedge/schedule.hpp"

#include "base/limits.hpp"
#include "base/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

namespace crossclear::ledger::hedge {
namespace {

using base::Amount;

ScheduleTerms the_terms(std::int64_t quantity, std::int64_t reserved, std::uint32_t slices_max) {
    return {.quantity = Amount{quantity},
            .reserved = Amount{reserved},
            .slices_max = slices_max,
            .spread = base::seconds(2),
            .from = base::Timestamp{1'000}};
}

// Everything a plan has to be, whatever was drawn.
void expect_whole(const Schedule& schedule, const ScheduleTerms& terms) {
    ASSERT_FALSE(schedule.slices.empty());
    ASSERT_LE(schedule.slices.size(), std::max(1U, terms.slices_max));
    ASSERT_EQ(schedule.slices.size(), schedule.cost_max.size());
    Amount quantity;
    Amount cost;
    for (std::size_t i = 0; i < schedule.slices.size(); ++i) {
        const auto& slice = schedule.slices[i];
        EXPECT_EQ(slice.quantity > Amount{0}, terms.quantity > Amount{0});
        EXPECT_NE(slice.quantity, Amount{0});
        EXPECT_GE(slice.send_at, terms.from);
        EXPECT_LT(slice.send_at, terms.from + terms.spread);
        if (i > 0) {
            EXPECT_LE(schedule.slices[i - 1].send_at, slice.send_at);
        }
        EXPECT_GE(schedule.cost_max[i], Amount{0});
        quantity = base::must_add(quantity, slice.quantity);
        cost = base::must_add(cost, schedule.cost_max[i]);
    }
    EXPECT_EQ(quantity, terms.quantity);
    EXPECT_EQ(cost, terms.reserved);
}

TEST(HedgeSchedule, SumsToTheTaskWhateverIsDrawn) {
    base::Rng rng{20};
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        SCOPED_TRACE(seed);
        const auto size = static_cast<std::int64_t>(1 + rng.below(seed % 3 == 0 ? 9 : 1'000'000));
        const auto terms = the_terms(seed % 2 == 0 ? size : -size, size * 3 + 2,
                                     static_cast<std::uint32_t>(rng.below(6)));
        expect_whole(draw_schedule(terms, seed), terms);
    }
}

TEST(HedgeSchedule, TheLargestTaskFits) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    const auto terms = the_terms(most, most, base::limits::slices_max);
    expect_whole(draw_schedule(terms, 1), terms);
}

// Goal: who knows the task and not the seed knows neither how many slices there are, nor when.
TEST(HedgeSchedule, DependsOnTheSeedAndOnNothingElse) {
    const auto terms = the_terms(1'000'000, 7, 4);
    std::set<std::size_t> counts;
    std::set<std::int64_t> times;
    std::set<std::uint64_t> salts;
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
        const auto schedule = draw_schedule(terms, seed);
        EXPECT_EQ(schedule, draw_schedule(terms, seed));
        counts.insert(schedule.slices.size());
        times.insert(schedule.slices.front().send_at.us);
        salts.insert(schedule.salt);
    }
    EXPECT_EQ(counts, (std::set<std::size_t>{1, 2, 3, 4}));
    EXPECT_GT(times.size(), 60U);
    EXPECT_EQ(salts.size(), 64U);
}

}  // namespace
}  // namespace crossclear::ledger::hedge
