#include "store/memory/memory_journal.hpp"
#include "store/quorum/quorum_journal.hpp"
#include "tests/store/support.hpp"
#include "tests/store/town.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// What a promise makes of an acceptor whose last record was altered: it tells an end of the log
// that nobody has.

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

// Three acceptors that hold three records, and the end of their log. Of one of them the last digest
// is another one.
struct Three {
    Town town;
    Head last;

    explicit Three(std::size_t altered = SIZE_MAX) {
        const auto journal = town.journal();
        prepare(*journal, fence(1));
        const Head second = append_all(*journal, fence(1), Head{}, {"a", "b"});
        const Append third = batch(fence(1), second, "c");
        last = third.record.head;
        for (std::size_t i = 0; i < 3; ++i) {
            Append here = third;
            if (i == altered) here.record.head.head.front() ^= 1;
            EXPECT_TRUE(std::holds_alternative<Appended>(append(town[i], here)));
        }
    }
};

std::vector<std::string> damage_of(const QuorumJournal& journal, std::size_t acceptor) {
    return journal.acceptors()[acceptor].damage;
}

// Goal: the others know better, whichever answers first; and it is known who is damaged.
TEST(AlteredEnd, OfOneIsPassedOverAndNamed) {
    for (std::size_t i = 0; i < 3; ++i) {
        Three three(i);
        const auto journal = three.town.journal();
        const auto prepared = prepare(*journal, fence(2));
        ASSERT_TRUE(std::holds_alternative<Prepared>(prepared));
        EXPECT_EQ(std::get<Prepared>(prepared).last, three.last);
        EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b", "c"}));
        ASSERT_EQ(damage_of(*journal, i).size(), 1U) << i;
        EXPECT_THAT(damage_of(*journal, i).front(), HasSubstr("record 3 "));
        // Its end is no end of the log: what follows is brought to it with the record itself.
        append_all(*journal, fence(2), three.last, {"d"});
        journal->tend(partition);
        journal->tend(partition);
        std::vector<std::string> held;
        for (const auto& record : three.town[i].records_of(partition)) {
            held.push_back(record.payload);
        }
        EXPECT_EQ(held, (std::vector<std::string>{"a", "b", "c", "d"})) << i;
    }
}

// Goal: where one is away, it alone may hold more than the one that is whole.
TEST(AlteredEnd, OfOneWhileAnotherIsAwayIsWaitedFor) {
    Three three(0);
    three.town.away(2);
    const auto journal = three.town.journal();
    ASSERT_FALSE(std::holds_alternative<Prepared>(prepare(*journal, fence(2))));
    three.town.back(2);
    const auto prepared = prepare(*journal, fence(3));
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepared));
    EXPECT_EQ(std::get<Prepared>(prepared).last, three.last);
}

// Goal: a digest says which record it was: if another one proves it, the two are of one mind.
TEST(AlteredEnd, ThatAnotherOneProvesCounts) {
    Three three;
    three.town[0].corrupt(partition, 3);
    three.town.away(2);
    const auto journal = three.town.journal();
    const auto prepared = prepare(*journal, fence(2));
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepared));
    EXPECT_EQ(std::get<Prepared>(prepared).last, three.last);
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(damage_of(*journal, 0).size(), 1U);
}

// Goal: where nobody is left to wait for, the partition stops instead of trying for ever.
TEST(AlteredEnd, OfAllIsFoundWhenItIsRead) {
    Three three;
    for (std::size_t i = 0; i < 3; ++i) three.town[i].corrupt(partition, 3);
    const auto journal = three.town.journal();
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(*journal, fence(2))));
    EXPECT_TRUE(std::holds_alternative<Damaged>(read(*journal, 3, 1)));
}

// Goal: whoever only reads, such as an audit, is not misled either.
TEST(AlteredEnd, OfOneMisleadsNobodyWhoOnlyReads) {
    Three three(0);
    const auto journal = three.town.journal();
    EXPECT_EQ(std::get<Promised>(promised(*journal)).last, three.last);
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(damage_of(*journal, 0).size(), 1U);
}

// Goal: of a log that was trimmed to its end nothing is left to prove it by, and it counts.
TEST(AlteredEnd, OfALogThatBeginsWithItIsTaken) {
    Three three;
    {
        const auto journal = three.town.journal();
        ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(*journal, fence(2))));
        ASSERT_TRUE(std::holds_alternative<Trimmed>(trim(*journal, fence(2), three.last)));
    }
    const auto journal = three.town.journal();
    const auto prepared = prepare(*journal, fence(3));
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepared));
    EXPECT_EQ(std::get<Prepared>(prepared).last, three.last);
}

}  // namespace
}  // namespace crossclear::store::test
