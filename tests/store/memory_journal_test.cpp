#include "store/memory/memory_journal.hpp"

#include "tests/store/support.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace crossclear::store::test {
namespace {

TEST(MemoryJournal, LosesAnOutcomeAfterTheWrite) {
    MemoryJournal journal(cluster);
    prepare(journal, fence(1));
    journal.fail_next_append(AppendFault::lost_after_write);
    const Append first = batch(fence(1), Head{}, "a");
    EXPECT_TRUE(std::holds_alternative<Unknown>(append(journal, first)));
    EXPECT_EQ(journal.records_of(partition).size(), 1u);
    EXPECT_TRUE(std::get<Appended>(append(journal, first)).was_duplicate);
}

TEST(MemoryJournal, LosesAnOutcomeBeforeTheWrite) {
    MemoryJournal journal(cluster);
    prepare(journal, fence(1));
    journal.fail_next_append(AppendFault::lost_before_write);
    const Append first = batch(fence(1), Head{}, "a");
    EXPECT_TRUE(std::holds_alternative<Unknown>(append(journal, first)));
    EXPECT_TRUE(journal.records_of(partition).empty());
    EXPECT_FALSE(std::get<Appended>(append(journal, first)).was_duplicate);
}

TEST(MemoryJournal, DeclinesOnceOrUntilTheTroubleEnds) {
    MemoryJournal journal(cluster);
    prepare(journal, fence(1));
    journal.fail_next_append(AppendFault::declined);
    const Append first = batch(fence(1), Head{}, "a");
    EXPECT_TRUE(std::holds_alternative<Declined>(append(journal, first)));
    journal.set_trouble("the disk is full");
    EXPECT_EQ(journal.trouble(), "the disk is full");
    EXPECT_EQ(reason_of<Declined>(append(journal, first)), "the disk is full");
    EXPECT_EQ(reason_of<Declined>(prepare(journal, fence(2))), "the disk is full");
    journal.set_trouble("");
    EXPECT_FALSE(std::get<Appended>(append(journal, first)).was_duplicate);
}

TEST(MemoryJournal, WaitsForEachStepWhenPumpedByHand) {
    MemoryJournal journal(cluster, Pump::by_hand);
    std::optional<PrepareOutcome> prepared;
    std::optional<AppendOutcome> appended;
    journal.prepare(partition, fence(1), [&](const auto& outcome) { prepared = outcome; });
    journal.append(batch(fence(1), Head{}, "a"), [&](const auto& outcome) { appended = outcome; });
    EXPECT_EQ(journal.waiting(), 2u);
    EXPECT_FALSE(prepared.has_value());
    EXPECT_TRUE(journal.step());
    EXPECT_TRUE(prepared.has_value());
    EXPECT_FALSE(appended.has_value());
    EXPECT_TRUE(journal.step());
    EXPECT_TRUE(std::holds_alternative<Appended>(*appended));
    EXPECT_FALSE(journal.step());
}

// Goal: a host appends from a callback; that must neither recurse nor overtake.
TEST(MemoryJournal, RunsCallsOfACallbackAfterIt) {
    MemoryJournal journal(cluster);
    std::vector<std::string> order;
    journal.prepare(partition, fence(1), [&](const PrepareOutcome&) {
        journal.promised(partition, [&](const auto&) { order.push_back("inner"); });
        order.push_back("outer");
    });
    EXPECT_EQ(order, (std::vector<std::string>{"outer", "inner"}));
}

}  // namespace
}  // namespace crossclear::store::test
