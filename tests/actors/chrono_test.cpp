#include "actors/chrono.hpp"

#include <gtest/gtest.h>

namespace crossclear::actors::test {
namespace {

constexpr base::Timestamp at(std::int64_t seconds) {
    return base::Timestamp{} + base::seconds(seconds);
}

TEST(HasPassed, OnceTheSpanIsOver) {
    EXPECT_FALSE(has_passed(base::seconds(2), at(10), at(11)));
    EXPECT_TRUE(has_passed(base::seconds(2), at(10), at(12)));
    EXPECT_TRUE(has_passed(base::seconds(2), at(10), at(10'000)));
}

// Goal: what is due every second does not rest for hours because the clock was ahead by hours.
TEST(HasPassed, WhereTheClockWasSetBack) {
    EXPECT_TRUE(has_passed(base::seconds(2), at(10'000), at(10)));
}

}  // namespace
}  // namespace crossclear::actors::test
