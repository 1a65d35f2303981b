#include "base/limits.hpp"
#include "base/rng.hpp"
#include "store/memory/memory_journal.hpp"
#include "tests/store/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Goal: what a journal promises, once, for every journal there is. A test that holds in memory and
// not on Redis would make the simulator prove the wrong thing.

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

struct Backing {
    std::unique_ptr<TestRedis> redis;
    std::unique_ptr<Journal> journal;

    // Alters one stored payload behind the journal's back.
    void corrupt(std::uint64_t seq) {
        if (!redis) return dynamic_cast<MemoryJournal&>(*journal).corrupt(partition, seq);
        // Redis has no edit: the log is rebuilt with one frame changed.
        const std::string rebuild =
            "local all = redis.call('XRANGE', KEYS[1], '-', '+') redis.call('DEL', KEYS[1]) "
            "for _, e in ipairs(all) do local f = e[2] "
            "if f[2] == ARGV[1] then f[8] = f[8] .. 'x' end "
            "redis.call('XADD', KEYS[1], e[1], unpack(f)) end return #all";
        redis->command({"EVAL", rebuild, "1", "{p03}:s", std::to_string(seq)});
    }
};

class JournalContract : public ::testing::TestWithParam<std::string> {
protected:
    JournalContract() {
        if (GetParam() == "redis") {
            backing_.redis = std::make_unique<TestRedis>();
            backing_.journal = open_or_fail(backing_.redis->options());
        } else {
            backing_.journal = std::make_unique<MemoryJournal>(cluster);
        }
    }
    Journal& journal() { return *backing_.journal; }

    Backing backing_;
};

INSTANTIATE_TEST_SUITE_P(Every, JournalContract, ::testing::Values("memory", "redis"),
                         [](const auto& backing) { return backing.param; });

TEST_P(JournalContract, AnEmptyLogHasAZeroHeadAndNoPromise) {
    EXPECT_EQ(std::get<Promised>(promised(journal())).epoch, 0u);
    EXPECT_EQ(std::get<Prepared>(prepare(journal(), fence(1))).last, Head{});
    EXPECT_EQ(std::get<Promised>(promised(journal())).epoch, 1u);
    EXPECT_TRUE(payloads_of(journal()).empty());
    EXPECT_EQ(journal().trouble(), "");
}

TEST_P(JournalContract, PromisesOnlyUpwardsAndToOneNonce) {
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(journal(), fence(5))));
    EXPECT_EQ(std::get<Fenced>(prepare(journal(), fence(4))).epoch, 5u);
    EXPECT_EQ(std::get<Fenced>(prepare(journal(), fence(5, 2))).epoch, 5u);
    EXPECT_TRUE(std::holds_alternative<Prepared>(prepare(journal(), fence(5))));
    EXPECT_TRUE(std::holds_alternative<Prepared>(prepare(journal(), fence(6, 2))));
    EXPECT_EQ(std::get<Fenced>(prepare(journal(), fence(5))).epoch, 6u);
    EXPECT_EQ(std::get<Promised>(promised(journal())).epoch, 6u);
}

// Goal: a script that turned epochs into Lua numbers would call these two equal.
TEST_P(JournalContract, ComparesEpochsBeyondTheExactDoubles) {
    constexpr std::uint64_t first_inexact = std::uint64_t{1} << 53;
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(journal(), fence(first_inexact + 1))));
    EXPECT_TRUE(std::holds_alternative<Fenced>(prepare(journal(), fence(first_inexact))));
    EXPECT_TRUE(std::holds_alternative<Fenced>(prepare(journal(), fence(9))));
    EXPECT_TRUE(std::holds_alternative<Prepared>(prepare(journal(), fence(first_inexact + 2))));
}

TEST_P(JournalContract, RefusesAnAppendWithoutAPromise) {
    EXPECT_EQ(std::get<Fenced>(append(journal(), batch(fence(1), Head{}, "a"))).epoch, 0u);
    EXPECT_TRUE(payloads_of(journal()).empty());
}

TEST_P(JournalContract, AppendsAndTellsTheLastHeadToTheNextOwner) {
    prepare(journal(), fence(1));
    const Head last = append_all(journal(), fence(1), Head{}, {"a", "b"});
    EXPECT_EQ(std::get<Prepared>(prepare(journal(), fence(2))).last, last);
    append_all(journal(), fence(2), last, {"c"});
    EXPECT_EQ(payloads_of(journal()), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_P(JournalContract, RecognisesARepeatedAppend) {
    prepare(journal(), fence(1));
    const Append first = batch(fence(1), Head{}, "a");
    EXPECT_FALSE(std::get<Appended>(append(journal(), first)).was_duplicate);
    EXPECT_TRUE(std::get<Appended>(append(journal(), first)).was_duplicate);
    EXPECT_EQ(payloads_of(journal()), std::vector<std::string>{"a"});
}

TEST_P(JournalContract, ReportsAGapAndWhatIsThere) {
    prepare(journal(), fence(1));
    const Head last = append_all(journal(), fence(1), Head{}, {"a", "b"});
    const Head elsewhere = next_record(cluster, partition, last, 1, "lost").head;
    EXPECT_EQ(std::get<Gap>(append(journal(), batch(fence(1), elsewhere, "d"))).actual, last);
    EXPECT_EQ(std::get<Gap>(append(journal(), batch(fence(1), Head{}, "other"))).actual, last);
    // The same number with other content is no duplicate.
    Append same_seq = batch(fence(1), last, "c");
    append(journal(), same_seq);
    EXPECT_TRUE(std::holds_alternative<Gap>(append(journal(), batch(fence(1), last, "C"))));
}

TEST_P(JournalContract, FencesAReplacedOwnerEvenOnARepeat) {
    prepare(journal(), fence(1));
    const Append first = batch(fence(1), Head{}, "a");
    append(journal(), first);
    prepare(journal(), fence(2));
    EXPECT_EQ(std::get<Fenced>(append(journal(), first)).epoch, 2u);
    const Append late = batch(fence(1), first.record.head, "b");
    EXPECT_EQ(std::get<Fenced>(append(journal(), late)).epoch, 2u);
    const Append other_nonce = batch(fence(2, 9), first.record.head, "b");
    EXPECT_EQ(std::get<Fenced>(append(journal(), other_nonce)).epoch, 2u);
    EXPECT_EQ(payloads_of(journal()), std::vector<std::string>{"a"});
}

TEST_P(JournalContract, KeepsPartitionsApart) {
    prepare(journal(), fence(1), base::PartitionId{0});
    prepare(journal(), fence(7), base::PartitionId{7});
    append_all(journal(), fence(1), Head{}, {"zero"}, base::PartitionId{0});
    append_all(journal(), fence(7), Head{}, {"seven"}, base::PartitionId{7});
    EXPECT_EQ(payloads_of(journal(), 10, base::PartitionId{0}), std::vector<std::string>{"zero"});
    EXPECT_EQ(payloads_of(journal(), 10, base::PartitionId{7}), std::vector<std::string>{"seven"});
    EXPECT_EQ(std::get<Promised>(promised(journal(), base::PartitionId{0})).epoch, 1u);
}

TEST_P(JournalContract, KeepsEveryByteOfEverySize) {
    prepare(journal(), fence(1));
    std::string all_bytes;
    for (int byte = 0; byte < 256; ++byte) all_bytes.push_back(static_cast<char>(byte));
    const std::vector<std::string> payloads{"", all_bytes, "\r\n$5\r\n",
                                            std::string(base::limits::record_bytes_max, '\0')};
    append_all(journal(), fence(1), Head{}, payloads);
    EXPECT_EQ(payloads_of(journal()), payloads);
}

TEST_P(JournalContract, ReadsPageByPageAcrossOwners) {
    std::vector<std::string> all;
    Head last;
    for (std::uint64_t owner = 1; owner <= 12; ++owner) {
        prepare(journal(), fence(owner));
        for (std::uint64_t i = 0; i < owner % 5; ++i) {
            all.push_back(std::to_string(owner) + "/" + std::to_string(i));
            last = append_all(journal(), fence(owner), last, {all.back()});
        }
    }
    for (const std::size_t page : {1u, 2u, 3u, 7u, 100u}) {
        EXPECT_EQ(payloads_of(journal(), page), all) << "pages of " << page;
    }
    for (std::uint64_t from = 1; from <= all.size(); ++from) {
        const auto found = std::get<ReadRecords>(read(journal(), from, 1)).records;
        ASSERT_EQ(found.size(), 1u);
        EXPECT_EQ(found.front().payload, all[from - 1]);
        EXPECT_EQ(found.front().head.seq, from);
    }
    EXPECT_TRUE(std::get<ReadRecords>(read(journal(), all.size() + 1, 9)).records.empty());
    EXPECT_TRUE(std::get<ReadRecords>(read(journal(), all.size() + 99, 9)).records.empty());
    EXPECT_TRUE(std::get<ReadRecords>(read(journal(), 1, 0)).records.empty());
}

TEST_P(JournalContract, RefusesToReadAnAlteredLog) {
    prepare(journal(), fence(1));
    append_all(journal(), fence(1), Head{}, {"a", "b", "c", "d"});
    backing_.corrupt(3);
    EXPECT_THAT(reason_of<Damaged>(read(journal(), 1, 10)), HasSubstr("record 3"));
    EXPECT_THAT(reason_of<Damaged>(read(journal(), 3, 1)), HasSubstr("record 3"));
    EXPECT_EQ(std::get<ReadRecords>(read(journal(), 1, 2)).records.size(), 2u);
}

TEST_P(JournalContract, KeepsTheNewestSnapshotOfEachEntity) {
    const base::EntityId one{.kind = base::EntityKind::account, .id = 1, .sub = 0};
    const base::EntityId two{.kind = base::EntityKind::withdrawal, .id = 1, .sub = 0};
    prepare(journal(), fence(1));
    const Head early = append_all(journal(), fence(1), Head{}, {"a"});
    const Head late =
        append_all(journal(), fence(1), early, {"b", "c", "d", "e", "f", "g", "h", "i", "j", "k"});
    const EntitySnapshot older{.entity = one, .at = early, .state = std::string("\0:9:x", 5)};
    const EntitySnapshot newer{.entity = one, .at = late, .state = "state"};
    EXPECT_TRUE(std::get<SnapshotRead>(read_snapshot(journal(), one)).found.empty());
    EXPECT_TRUE(std::holds_alternative<SnapshotStored>(store_snapshot(journal(), fence(1), older)));
    EXPECT_EQ(std::get<SnapshotRead>(read_snapshot(journal(), one)).found,
              std::vector<EntitySnapshot>{older});
    EXPECT_TRUE(std::holds_alternative<SnapshotStored>(store_snapshot(journal(), fence(1), newer)));
    EXPECT_TRUE(std::holds_alternative<SnapshotStored>(store_snapshot(journal(), fence(1), newer)));
    // 11 and 1: a comparison of texts would get this wrong.
    EXPECT_THAT(reason_of<Declined>(store_snapshot(journal(), fence(1), older)),
                HasSubstr("record 11 is kept"));
    EXPECT_EQ(std::get<SnapshotRead>(read_snapshot(journal(), one)).found,
              std::vector<EntitySnapshot>{newer});
    EXPECT_TRUE(std::get<SnapshotRead>(read_snapshot(journal(), two)).found.empty());
}

TEST_P(JournalContract, FencesSnapshots) {
    const base::EntityId entity{.kind = base::EntityKind::account, .id = 1, .sub = 0};
    prepare(journal(), fence(1));
    const Head last = append_all(journal(), fence(1), Head{}, {"a"});
    prepare(journal(), fence(2));
    const EntitySnapshot snapshot{.entity = entity, .at = last, .state = "late"};
    EXPECT_EQ(std::get<Fenced>(store_snapshot(journal(), fence(1), snapshot)).epoch, 2u);
    EXPECT_TRUE(std::get<SnapshotRead>(read_snapshot(journal(), entity)).found.empty());
}

TEST_P(JournalContract, BeginsWithItsBaseOnceItIsTrimmed) {
    prepare(journal(), fence(1));
    append_all(journal(), fence(1), Head{}, {"a", "b", "c"});
    const auto all = std::get<ReadRecords>(read(journal(), 1, 10)).records;
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(journal(), fence(1), all[1].head)));
    EXPECT_EQ(std::get<ReadRecords>(read(journal(), 1, 10)).records,
              (std::vector<Record>{all[1], all[2]}));
    EXPECT_EQ(std::get<ReadRecords>(read(journal(), 3, 10)).records, std::vector<Record>{all[2]});
    // Not twice, not where it holds another record, and the last one stays.
    EXPECT_THAT(reason_of<Declined>(trim(journal(), fence(1), all[0].head)), HasSubstr("base"));
    Head other = all[2].head;
    other.head[0] ^= 1;
    EXPECT_THAT(reason_of<Declined>(trim(journal(), fence(1), other)), HasSubstr("base"));
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(journal(), fence(1), all[2].head)));
    const Head last = append_all(journal(), fence(1), all[2].head, {"d"});
    EXPECT_EQ(std::get<ReadRecords>(read(journal(), 1, 10)).records.size(), 2u);
    // A later owner's records stand beside those of the earlier one.
    EXPECT_EQ(std::get<Prepared>(prepare(journal(), fence(2))).last, last);
    append_all(journal(), fence(2), last, {"e", "f"});
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(journal(), fence(2), last)));
    const auto left = std::get<ReadRecords>(read(journal(), 1, 10)).records;
    ASSERT_EQ(left.size(), 3u);
    EXPECT_EQ(left.front().payload, "d");
}

TEST_P(JournalContract, FencesTrimming) {
    prepare(journal(), fence(1));
    const Head last = append_all(journal(), fence(1), Head{}, {"a", "b"});
    prepare(journal(), fence(2));
    EXPECT_EQ(std::get<Fenced>(trim(journal(), fence(1), last)).epoch, 2u);
    EXPECT_EQ(payloads_of(journal()).size(), 2u);
}

// Goal: the calls of one partition take effect in the order in which they were made, without
// anybody waiting in between.
TEST_P(JournalContract, ExecutesCallsInOrder) {
    constexpr std::size_t count = 200;
    std::vector<std::promise<AppendOutcome>> outcomes(count);
    std::promise<ReadOutcome> all;
    Head last;
    journal().prepare(partition, fence(1), [](const PrepareOutcome&) {});
    for (std::size_t i = 0; i < count; ++i) {
        const Append next = batch(fence(1), last, std::to_string(i));
        last = next.record.head;
        journal().append(next, [&outcomes, i](AppendOutcome outcome) {
            outcomes[i].set_value(std::move(outcome));
        });
    }
    journal().read(partition, 1, count * 2, [&](ReadOutcome outcome) { all.set_value(outcome); });
    for (auto& outcome : outcomes) {
        auto future = outcome.get_future();
        ASSERT_EQ(future.wait_for(patience), std::future_status::ready);
        EXPECT_FALSE(std::get<Appended>(future.get()).was_duplicate);
    }
    EXPECT_EQ(std::get<ReadRecords>(all.get_future().get()).records.size(), count);
}

}  // namespace
}  // namespace crossclear::store::test
