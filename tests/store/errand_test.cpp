#include "store/memory/memory_journal.hpp"
#include "store/quorum/quorum_journal.hpp"
#include "tests/store/support.hpp"
#include "tests/store/town.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace crossclear::store::test {
namespace {

// Goal: a record that only a minority got was never committed; it must not come back.
TEST(Errand, ReplacesATailThatNobodyChose) {
    Town town;
    auto first = town.journal();
    prepare(*first, fence(1));
    const Head common = append_all(*first, fence(1), Head{}, {"a", "b", "c"});
    town.away(0);
    town.away(1);
    EXPECT_TRUE(std::holds_alternative<Unknown>(
        append(*first, batch(fence(1), common, "only on the third"))));
    first.reset();
    town.back(0);
    town.back(1);
    town.away(2);
    auto second = town.journal();
    EXPECT_EQ(std::get<Prepared>(prepare(*second, fence(2))).last, common);
    append_all(*second, fence(2), common, {"d", "e"});
    town.back(2);
    EXPECT_EQ(payloads_at(town[2]), payloads_at(town[0]));
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

// Goal: a tail may be longer than the log that was chosen, and older by many owners.
TEST(Errand, FindsTheLastCommonRecordFarBack) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a", "b"});
    const Head common = last;
    town.away(1);
    town.away(2);
    static_cast<void>(append(*journal, batch(fence(1), last, "tail")));
    // The first alone believes in a long tail.
    for (int i = 0; i < 40; ++i) {
        const Append next = batch(fence(1), town[0].records_of(partition).back().head, "tail");
        ASSERT_TRUE(std::holds_alternative<Appended>(append(town[0], next)));
    }
    journal.reset();
    town.back(1);
    town.back(2);
    town.away(0);
    journal = town.journal();
    EXPECT_EQ(std::get<Prepared>(prepare(*journal, fence(2))).last, common);
    last = append_all(*journal, fence(2), common, {"c", "d", "e"});
    town.back(0);
    EXPECT_EQ(payloads_at(town[0]), payloads_at(town[1]));
    EXPECT_EQ(payloads_at(town[0]).size(), 5u);
}

TEST(Errand, AnAppendThatFindsAGapStartsIt) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a"});
    town[2].fail_next_append(AppendFault::lost_before_write);
    last = append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(payloads_at(town[2]).size(), 1u);
    append_all(*journal, fence(1), last, {"c"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c"}));
}

// Goal: nobody needs to trade for an idle partition to be whole again.
TEST(Errand, AnOwnerTendsWhatIsIdle) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    const Head last = append_all(*journal, fence(1), Head{}, {"a"});
    town[2].fail_next_append(AppendFault::lost_before_write);
    append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(payloads_at(town[2]).size(), 1u);
    journal->tend(partition);
    EXPECT_EQ(payloads_at(town[2]).size(), 1u) << "it may be under way";
    journal->tend(partition);
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b"}));
}

// Goal: an acceptor that is a record behind while one is under way to it is in good health. An
// errand would hold up its next append, and with another one away there is no majority without it.
TEST(Errand, NoneBeginsForARecordThatIsUnderWay) {
    MemoryJournal slow(cluster, Pump::by_hand);
    Town town;
    auto journal = town.journal_with(slow);
    const auto settle = [&] {
        while (slow.waiting() > 0) slow.step();
    };
    prepare(*journal, fence(1));
    settle();
    Head last = append_all(*journal, fence(1), Head{}, {"a"});
    settle();
    journal->tend(partition);
    EXPECT_EQ(slow.waiting(), 0U);
    last = append_all(*journal, fence(1), last, {"b"});
    journal->tend(partition);
    EXPECT_EQ(slow.waiting(), 1U) << "the append, and no errand's promise";
    settle();
    last = append_all(*journal, fence(1), last, {"c"});
    journal->tend(partition);
    EXPECT_EQ(slow.waiting(), 1U) << "it has moved on since the last look";
    settle();
    EXPECT_EQ(payloads_at(slow), (std::vector<std::string>{"a", "b", "c"}));
}

// Goal: a record that one instance holds altered is told by another one, and who is damaged is
// known. Not even two that are damaged at different records make the log unreadable.
TEST(Errand, WhatOneHoldsAlteredAnotherOneTells) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    const std::vector<std::string> all{"a", "b", "c", "d", "e", "f", "g", "h"};
    append_all(*journal, fence(1), Head{}, all);
    town[0].corrupt(partition, 3);
    town[1].corrupt(partition, 6);
    EXPECT_EQ(payloads_of(*journal), all);
    town.away(2);
    std::vector<std::string> told;
    while (told.size() < all.size()) {
        const auto page = read(*journal, told.size() + 1, 100);
        const auto* records = std::get_if<ReadRecords>(&page);
        ASSERT_NE(records, nullptr) << told.size();
        ASSERT_FALSE(records->records.empty());
        for (const auto& record : records->records) told.push_back(record.payload);
    }
    EXPECT_EQ(told, all);
    const auto views = journal->acceptors();
    ASSERT_EQ(views[0].damage.size(), 1U);
    EXPECT_NE(views[0].damage.front().find("record 3 "), std::string::npos);
    ASSERT_EQ(views[1].damage.size(), 1U);
    EXPECT_TRUE(views[2].damage.empty());
    // The same record on both that answer: the third may have it, until it has not either.
    town[1].corrupt(partition, 3);
    EXPECT_TRUE(std::holds_alternative<Declined>(read(*journal, 3, 1)));
    town.back(2);
    EXPECT_TRUE(eventually([&] { return journal->acceptors()[2].partitions_behind == 0; }));
    EXPECT_TRUE(std::holds_alternative<ReadRecords>(read(*journal, 3, 1)));
    town[2].corrupt(partition, 3);
    EXPECT_TRUE(std::holds_alternative<Damaged>(read(*journal, 3, 1)));
}

// Goal: an acceptor that was away for a moment makes the log look no shorter than it is. Its
// connection breaks and comes back while another one is asked for a page, and that one has no
// answer either.
TEST(Errand, OneThatWasAwayForAMomentTellsNoShortLog) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    append_all(*journal, fence(1), Head{}, {"a", "b", "c"});
    town.away(2);
    town.hold(0);
    std::optional<ReadOutcome> page;
    journal->read(partition, 1, 100, [&page](ReadOutcome outcome) { page = std::move(outcome); });
    ASSERT_FALSE(page.has_value()) << "the first is asked first";
    town.hold(1);
    town.away(1);
    town.back(1);  // What it holds is asked again, and not known yet.
    town[0].set_trouble("it is gone");
    town.release(0);
    town[0].set_trouble("");
    town.release(1);
    ASSERT_TRUE(page.has_value());
    EXPECT_TRUE(std::holds_alternative<Declined>(*page)) << "a page of kind " << page->index();
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b", "c"}));
}

// Goal: an emptied acceptor joins although the first of the others holds an altered record.
TEST(Errand, ACopyIsMadeFromWhoHoldsItIntact) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    const Head last = append_all(*journal, fence(1), Head{}, {"a", "b", "c"});
    town[0].corrupt(partition, 2);
    town[2].wipe();
    town[2].set_standing({Standing::Kind::joining, "it was emptied"}, 1);
    EXPECT_EQ(std::get<Prepared>(prepare(*journal, fence(2))).last, last);
    append_all(*journal, fence(2), last, {"d"});
    EXPECT_EQ(town[2].standing().kind, Standing::Kind::voting);
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c", "d"}));
}

// Goal: what is shared stays where it is, also for a moment: nothing but the tail is abandoned.
TEST(Errand, AbandonsNothingThatIsShared) {
    for (std::size_t shared = 0; shared < 12; ++shared) {
        Town town;
        auto journal = town.journal();
        prepare(*journal, fence(1));
        Head last = append_all(*journal, fence(1), Head{}, std::vector<std::string>(shared, "s"));
        town.away(2);
        Head other = last;
        for (int i = 0; i < 9; ++i) {
            const Append next = batch(fence(1), other, "nobody's");
            other = next.record.head;
            ASSERT_TRUE(std::holds_alternative<Appended>(append(town[2], next)));
        }
        append_all(*journal, fence(1), last, std::vector<std::string>(10, "chosen"));
        town.lowest_seq_given = UINT64_MAX;
        town.back(2);
        EXPECT_EQ(payloads_at(town[2]), payloads_at(town[0]));
        EXPECT_EQ(town.lowest_seq_given, shared + 1);
    }
}

// Goal: a takeover that was given up after one promise must not cost that acceptor for good; and
// one that is under way must not be answered with another.
TEST(Errand, APromiseThatNobodyFollowsUpIsOutbid) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a"});
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(town[2], fence(7))));
    last = append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(payloads_at(town[2]).size(), 1u);
    journal->tend(partition);
    EXPECT_FALSE(journal->wants_new_epoch(partition)) << "its owner may be on the way";
    journal->tend(partition);
    EXPECT_TRUE(journal->wants_new_epoch(partition));
    const std::uint64_t epoch = std::get<Promised>(promised(*journal)).epoch;
    EXPECT_EQ(epoch, 7u) << "the first two to answer know of none above 1";
    EXPECT_EQ(std::get<Prepared>(prepare(*journal, fence(epoch + 1))).last, last);
    append_all(*journal, fence(epoch + 1), last, {"c"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c"}));
    journal->tend(partition);
    journal->tend(partition);
    EXPECT_FALSE(journal->wants_new_epoch(partition));
}

// Goal: however many gave up there in a row, one takeover is above them all.
TEST(Errand, PromisesOfSeveralThatGaveUpAreOutbidAtOnce) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a"});
    for (const std::uint64_t epoch : {7U, 9U, 12U}) {
        ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(town[2], fence(epoch))));
    }
    last = append_all(*journal, fence(1), last, {"b"});
    journal->tend(partition);
    journal->tend(partition);
    ASSERT_TRUE(journal->wants_new_epoch(partition));
    ASSERT_EQ(std::get<Promised>(promised(*journal)).epoch, 12u);
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(*journal, fence(13))));
    append_all(*journal, fence(13), last, {"c"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_FALSE(journal->wants_new_epoch(partition));
}

// Goal: the same where nobody trades: the errand finds out.
TEST(Errand, APromiseIsOutbidInAnIdlePartitionToo) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    append_all(*journal, fence(1), Head{}, {"a"});
    town.away(2);
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(town[2], fence(7))));
    town.back(2);
    journal->tend(partition);
    journal->tend(partition);
    EXPECT_TRUE(journal->wants_new_epoch(partition));
}

TEST(Errand, AJoiningAcceptorWaitsForANewerEpoch) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a", "b"});
    town[2].wipe();
    town[2].set_standing({Standing::Kind::joining, "it was emptied"}, 1);
    last = append_all(*journal, fence(1), last, {"c"});
    EXPECT_TRUE(payloads_at(town[2]).empty());
    EXPECT_TRUE(journal->wants_new_epoch(partition));
    EXPECT_EQ(std::get<Prepared>(prepare(*journal, fence(2))).last, last);
    EXPECT_TRUE(payloads_at(town[2]).empty()) << "nothing is committed in the newer epoch yet";
    append_all(*journal, fence(2), last, {"d"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c", "d"}));
    EXPECT_EQ(town[2].standing().kind, Standing::Kind::voting);
    EXPECT_FALSE(journal->wants_new_epoch(partition));
    // From then on it is brought up to date like any other.
    last = town[2].records_of(partition).back().head;
    town[2].fail_next_append(AppendFault::lost_before_write);
    last = append_all(*journal, fence(2), last, {"e", "f"});
    EXPECT_EQ(payloads_at(town[2]), payloads_at(town[0]));
}

EntitySnapshot snapshot_at(const Head& at, std::uint64_t number, const std::string& state) {
    return {.entity = base::entity_of(base::AccountId{number}), .at = at, .state = state};
}

// Goal: what was trimmed while it was away can only be told by snapshots.
TEST(Errand, OneThatEndsBeforeTheTrimBeginsAnew) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a", "b"});
    town.away(2);
    last = append_all(*journal, fence(1), last, {"c", "d"});
    for (std::uint64_t i = 0; i < 20; ++i) {
        store_snapshot(*journal, fence(1), snapshot_at(last, i, "state"));
    }
    ASSERT_TRUE(std::holds_alternative<Trimmed>(trim(*journal, fence(1), last)));
    last = append_all(*journal, fence(1), last, {"e"});
    town.back(2);
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"d", "e"}));
    EXPECT_EQ(town[2].snapshots_of(partition), town[0].snapshots_of(partition));
    town.away(0);
    append_all(*journal, fence(1), last, {"f"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"d", "e", "f"}));
}

// Goal: a snapshot that one of the others missed must not be missing on the one that joins.
TEST(Errand, AJoiningAcceptorIsGivenTheSnapshotsOfAMajority) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a"});
    const auto early = last;
    for (const std::size_t missing : {0U, 1U}) {
        town.away(missing);
        for (std::uint64_t i = 0; i < 20; ++i) {
            const auto snapshot =
                snapshot_at(last, missing * 15 + i, "of " + std::to_string(last.seq));
            EXPECT_TRUE(std::holds_alternative<SnapshotStored>(
                store_snapshot(*journal, fence(1), snapshot)));
        }
        town.back(missing);
        last = append_all(*journal, fence(1), last, {"b"});
    }
    town[2].wipe();
    town[2].set_standing({Standing::Kind::joining, "it was emptied"}, 1);
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(*journal, fence(2))));
    append_all(*journal, fence(2), last, {"c"});
    ASSERT_EQ(town[2].standing().kind, Standing::Kind::voting);
    const auto given = town[2].snapshots_of(partition);
    ASSERT_EQ(given.size(), 35u);
    EXPECT_EQ(given[14].at, early);
    EXPECT_EQ(given[15].at.seq, early.seq + 1) << "the newer one of two";
    EXPECT_EQ(given[34].at.seq, early.seq + 1);
}

TEST(Errand, AJoiningAcceptorBeginsBehindTheTrim) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a", "b", "c"});
    store_snapshot(*journal, fence(1), snapshot_at(last, 1, "state"));
    ASSERT_TRUE(std::holds_alternative<Trimmed>(trim(*journal, fence(1), last)));
    town[2].wipe();
    town[2].set_standing({Standing::Kind::joining, "it was emptied"}, 1);
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(*journal, fence(2))));
    append_all(*journal, fence(2), last, {"d"});
    EXPECT_EQ(town[2].standing().kind, Standing::Kind::voting);
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"c", "d"}));
    EXPECT_EQ(town[2].snapshots_of(partition), town[0].snapshots_of(partition));
}

}  // namespace
}  // namespace crossclear::store::test
