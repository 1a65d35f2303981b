#include "actors/time_average.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace crossclear::actors {
namespace {

TimeAverage from_10_to_20() { return TimeAverage({.from = {10}, .until = {20}}); }

TEST(TimeAverage, WeighsAPriceByItsTime) {
    auto average = from_10_to_20();
    average.note(base::Price{1}, {10});
    average.note(base::Price{100}, {12});
    average.note(base::Price{200}, {20});
    EXPECT_EQ(average.covered(), base::Duration{10});
    EXPECT_EQ(average.value(), base::Price{(2 * 100 + 8 * 200) / 10});
}

TEST(TimeAverage, CountsNothingOutsideItsSpan) {
    auto average = from_10_to_20();
    average.note(base::Price{900}, {1});
    average.note(base::Price{900}, {9});
    EXPECT_EQ(average.value(), std::nullopt);
    average.note(base::Price{100}, {15});
    average.note(base::Price{300}, {40});
    average.note(base::Price{900}, {50});
    EXPECT_EQ(average.covered(), base::Duration{10});
    EXPECT_EQ(average.value(), base::Price{200});
}

TEST(TimeAverage, LeavesOutWhatHasNoPrice) {
    auto average = from_10_to_20();
    average.note(std::nullopt, {10});
    average.note(base::Price{5}, {13});
    average.note(std::nullopt, {18});
    average.note(base::Price{6}, {20});
    EXPECT_EQ(average.covered(), base::Duration{5});
    EXPECT_EQ(average.value(), base::Price{(3 * 5 + 2 * 6) / 5});
}

// Goal: one that begins late covers what it has seen, and a clock that is set back covers nothing
// twice.
TEST(TimeAverage, BeginsWithItsFirstLook) {
    auto average = from_10_to_20();
    average.note(base::Price{7}, {16});
    average.note(base::Price{7}, {18});
    average.note(base::Price{7}, {12});
    average.note(base::Price{7}, {19});
    EXPECT_EQ(average.covered(), base::Duration{3});
}

// Goal: what is known counts against what is still to come; what was missed comes no more.
TEST(TimeAverage, KnowsItsShareOfWhatItWillBeMadeOf) {
    auto average = from_10_to_20();
    EXPECT_EQ(average.share({5}), 0);
    average.note(base::Price{7}, {14});
    EXPECT_EQ(average.share({14}), 0);
    average.note(base::Price{7}, {16});
    EXPECT_DOUBLE_EQ(average.share({16}), 2.0 / 6);
    average.note(std::nullopt, {18});
    EXPECT_DOUBLE_EQ(average.share({18}), 2.0 / 4);
    EXPECT_DOUBLE_EQ(average.share({20}), 1);
    EXPECT_DOUBLE_EQ(average.share({90}), 1);
    EXPECT_EQ(from_10_to_20().share({90}), 0) << "nothing was seen";
}

}  // namespace
}  // namespace crossclear::actors
