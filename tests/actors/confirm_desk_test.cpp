#include "actors/confirm_desk.hpp"

#include "base/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::actors {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr base::Timestamp early{1'000'000};
constexpr base::Timestamp late{9'000'000};

std::vector<std::uint64_t> numbers(const std::vector<ConfirmRead>& reads) {
    std::vector<std::uint64_t> found;
    for (const auto& read : reads) found.push_back(read.number);
    return found;
}

void add(ConfirmDesk& desk, std::uint64_t number, base::Timestamp at = early) {
    EXPECT_TRUE(desk.add({.number = number, .is_patient = false, .from = {}}, at));
}

TEST(ConfirmDesk, ACallSpeaksForAllThatWaitedWhenItBegan) {
    ConfirmDesk desk;
    EXPECT_FALSE(desk.wants_call());
    add(desk, 1);
    add(desk, 2);
    ASSERT_TRUE(desk.wants_call());
    desk.begin_call();
    add(desk, 3);
    EXPECT_FALSE(desk.wants_call()) << "one call at a time";
    EXPECT_THAT(numbers(desk.call_confirmed()), ElementsAre(1, 2));
    ASSERT_TRUE(desk.wants_call());
    desk.begin_call();
    EXPECT_THAT(numbers(desk.call_confirmed()), ElementsAre(3));
    EXPECT_FALSE(desk.wants_call());
}

// Goal: a record that was sent before the read arrived says nothing of the time after.
TEST(ConfirmDesk, ARecordSpeaksForThoseThatArrivedBeforeItWasSent) {
    ConfirmDesk desk;
    add(desk, 1);
    desk.begin_append();
    add(desk, 2);
    EXPECT_THAT(numbers(desk.append_committed()), ElementsAre(1));
    desk.begin_append();
    EXPECT_THAT(numbers(desk.append_committed()), ElementsAre(2));
}

TEST(ConfirmDesk, ARecordReleasesWhoeverACallWasBegunFor) {
    ConfirmDesk desk;
    add(desk, 1);
    desk.begin_call();
    add(desk, 2);
    desk.begin_append();
    EXPECT_THAT(numbers(desk.append_committed()), ElementsAre(1, 2));
    EXPECT_THAT(desk.call_confirmed(), IsEmpty());
}

TEST(ConfirmDesk, ACallThatFailedIsPutOffAndNobodyIsReleased) {
    ConfirmDesk desk;
    add(desk, 1);
    desk.begin_call();
    desk.call_failed();
    add(desk, 2);
    EXPECT_FALSE(desk.wants_call());
    desk.retry();
    ASSERT_TRUE(desk.wants_call());
    desk.begin_call();
    EXPECT_THAT(numbers(desk.call_confirmed()), ElementsAre(1, 2));
}

TEST(ConfirmDesk, WhoWaitsTooLongIsGivenUpUnlessItIsPatient) {
    ConfirmDesk desk;
    add(desk, 1, early);
    EXPECT_TRUE(desk.add({.number = 2, .is_patient = true, .from = {}}, early));
    add(desk, 3, early);
    add(desk, 4, late);
    const auto wait = late - early;
    EXPECT_THAT(numbers(desk.overdue(wait, late)), ElementsAre(1, 3));
    EXPECT_THAT(desk.overdue(wait, late), IsEmpty());
    desk.begin_call();
    EXPECT_THAT(numbers(desk.call_confirmed()), ElementsAre(2, 4));
}

// A clock that is put back by hours does not make a reader wait for as long.
TEST(ConfirmDesk, AClockThatWasPutBackKeepsNobodyWaiting) {
    ConfirmDesk desk;
    add(desk, 1, late);
    EXPECT_THAT(desk.overdue(base::seconds(20), late), IsEmpty());
    EXPECT_THAT(numbers(desk.overdue(base::seconds(20), early)), ElementsAre(1));
}

TEST(ConfirmDesk, TakesNoMoreThanItsBoundAndAlwaysThePatient) {
    ConfirmDesk desk;
    for (std::uint64_t i = 0; i < base::limits::reads_waiting_max; ++i) add(desk, i);
    EXPECT_FALSE(desk.add({.number = 1, .is_patient = false, .from = {}}, early));
    EXPECT_TRUE(desk.add({.number = 1, .is_patient = true, .from = {}}, early));
}

}  // namespace
}  // namespace crossclear::actors
