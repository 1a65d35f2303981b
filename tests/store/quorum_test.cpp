#include "base/rng.hpp"
#include "store/memory/memory_journal.hpp"
#include "store/quorum/majority.hpp"
#include "tests/store/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

Votes<AppendOutcome> votes(std::initializer_list<AppendOutcome> given, std::size_t count = 3) {
    Votes<AppendOutcome> result(given.begin(), given.end());
    result.resize(count);
    return result;
}

TEST(Majority, CountsConsentsAndWaitsForEveryoneOtherwise) {
    const Fence owner = fence(5);
    EXPECT_FALSE(decide_append(votes({Appended{}}), owner).has_value());
    EXPECT_TRUE(
        std::holds_alternative<Appended>(*decide_append(votes({Appended{}, Appended{}}), owner)));
    EXPECT_FALSE(decide_append(votes({Declined{}, Declined{}}), owner).has_value());
    EXPECT_TRUE(std::holds_alternative<Declined>(
        *decide_append(votes({Declined{}, Declined{}, Declined{}}), owner)));
}

TEST(Majority, ADamagedSnapshotDoesNotVote) {
    const Votes<ReadSnapshotOutcome> one_of_three{Damaged{"x"}, SnapshotRead{}, SnapshotRead{}};
    EXPECT_TRUE(std::holds_alternative<SnapshotRead>(*decide_read_snapshot(one_of_three)));
    const Votes<ReadSnapshotOutcome> two_of_three{Damaged{"x"}, SnapshotRead{}, Damaged{"y"}};
    EXPECT_TRUE(std::holds_alternative<Damaged>(*decide_read_snapshot(two_of_three)));
    const Votes<ReadSnapshotOutcome> open{Damaged{"x"}, SnapshotRead{}, {}};
    EXPECT_FALSE(decide_read_snapshot(open).has_value());
}

// Goal: one instance that holds the record is enough to make "nothing was written" a lie.
TEST(Majority, CallsAMinoritysConsentUnknown) {
    const Fence owner = fence(5);
    EXPECT_TRUE(std::holds_alternative<Unknown>(
        *decide_append(votes({Appended{}, Declined{}, Declined{}}), owner)));
    EXPECT_TRUE(std::holds_alternative<Unknown>(
        *decide_append(votes({Declined{}, Unknown{}, Gap{}}), owner)));
}

TEST(Majority, TellsARivalFromAnInstanceThatWasAway) {
    const Fence owner = fence(5);
    EXPECT_EQ(
        std::get<Fenced>(*decide_append(votes({Appended{}, Fenced{7}, Fenced{6}}), owner)).epoch,
        7u);
    EXPECT_TRUE(std::holds_alternative<Unknown>(
        *decide_append(votes({Appended{}, Fenced{4}, Unknown{}}), owner)));
    EXPECT_EQ(std::get<Fenced>(*decide_append(votes({Fenced{0}}, 1), owner)).epoch, 0u);
}

// Goal: two of three are down and the third missed the takeover: its owner is not replaced by that.
TEST(Majority, AnOlderFenceTakesNoWriteAway) {
    const Fence owner = fence(5);
    EXPECT_TRUE(std::holds_alternative<Declined>(
        *decide_append(votes({Declined{}, Declined{}, Fenced{4}}), owner)));
    EXPECT_TRUE(std::holds_alternative<Declined>(
        *decide_append(votes({Declined{}, Fenced{3}, Fenced{4}}), owner)));
    const Votes<StoreSnapshotOutcome> stored{Declined{"x"}, Declined{"y"}, Fenced{4}};
    EXPECT_TRUE(std::holds_alternative<Declined>(*decide_snapshot(stored, owner)));
    EXPECT_EQ(
        std::get<Fenced>(*decide_append(votes({Fenced{3}, Fenced{3}, Fenced{3}}), owner)).epoch,
        3u);
}

// Goal: one that was away when the fence was promised cannot say that it has gone.
TEST(Majority, AFenceIsTakenAwayOnlyByAHigherOne) {
    using Confirms = std::vector<ConfirmOutcome>;
    const Fence owner = fence(5);
    const auto decided = [&owner](const Confirms& given) {
        Votes<ConfirmOutcome> votes(given.begin(), given.end());
        return *decide_confirm(votes, owner);
    };
    EXPECT_TRUE(std::holds_alternative<Confirmed>(decided({Confirmed{}, Confirmed{}, Fenced{7}})));
    EXPECT_EQ(std::get<Fenced>(decided({Confirmed{}, Fenced{7}, Declined{}})).epoch, 7u);
    EXPECT_TRUE(std::holds_alternative<Declined>(decided({Confirmed{}, Fenced{4}, Declined{}})));
    EXPECT_TRUE(std::holds_alternative<Declined>(decided({Declined{}, Fenced{4}, Declined{}})));
    EXPECT_TRUE(std::holds_alternative<Unknown>(decided({Confirmed{}, Fenced{4}, Fenced{4}})));
    EXPECT_EQ(std::get<Fenced>(decided({Fenced{0}})).epoch, 0u);
}

TEST(Majority, ChoosesTheLogWithTheGreatestEpochThenSeq) {
    const auto prepared = [](std::uint64_t epoch, std::uint64_t seq) {
        return Prepared{Head{.record_epoch = epoch, .seq = seq, .head = {}}};
    };
    Votes<PrepareOutcome> given{prepared(2, 9), prepared(3, 4), prepared(3, 3)};
    EXPECT_EQ(std::get<Prepared>(*decide_prepare(given, fence(5))).last.seq, 4u);
}

// Goal: what only one instance holds is lost with it, so nothing may be trimmed on its word.
TEST(Majority, ASnapshotAndATrimCountWhenAMajoritySaysSo) {
    const Votes<StoreSnapshotOutcome> one{SnapshotStored{}, Declined{"x"}, {}};
    EXPECT_FALSE(decide_snapshot(one, fence(1)).has_value());
    const Votes<StoreSnapshotOutcome> one_of_three{SnapshotStored{}, Declined{"x"}, Declined{"y"}};
    EXPECT_TRUE(std::holds_alternative<Unknown>(*decide_snapshot(one_of_three, fence(1))));
    const Votes<StoreSnapshotOutcome> two{SnapshotStored{}, {}, SnapshotStored{}};
    EXPECT_TRUE(std::holds_alternative<SnapshotStored>(*decide_snapshot(two, fence(1))));
    const Votes<TrimOutcome> trimmed_once{Trimmed{}, Declined{"x"}, Declined{"y"}};
    EXPECT_TRUE(std::holds_alternative<Unknown>(*decide_trim(trimmed_once, fence(1))));
    const Votes<TrimOutcome> fenced{Trimmed{}, Fenced{2}, Fenced{2}};
    EXPECT_EQ(std::get<Fenced>(*decide_trim(fenced, fence(1))).epoch, 2u);
}

// The instances that are behind in something, by position.
std::vector<std::size_t> behind(const QuorumJournal& journal) {
    std::vector<std::size_t> found;
    const auto views = journal.acceptors();
    for (std::size_t i = 0; i < views.size(); ++i) {
        const bool is_up_to_date =
            views[i].standing.kind == Standing::Kind::voting && views[i].partitions_behind == 0;
        if (!is_up_to_date) found.push_back(i);
    }
    return found;
}

// Whether nobody is behind. Owners tend their partitions, since only some are brought on at once.
bool is_whole(QuorumJournal& journal) {
    for (std::uint16_t p = 0; p < 8; ++p) journal.tend(base::PartitionId{p});
    return behind(journal).empty();
}

class ThreeInstances : public ::testing::Test {
protected:
    [[nodiscard]] RedisOptions options() const {
        return RedisOptions{.cluster = cluster,
                            .partition_count = 8,
                            .endpoints = {a_.endpoint(), b_.endpoint(), c_.endpoint()},
                            .connect_timeout = base::seconds(5),
                            .call_timeout = base::seconds(1),
                            .open_timeout = base::seconds(30)};
    }
    // Takes a partition as an owner does: it asks until a majority has answered.
    static Head insist_on(Journal& journal, const Fence& owner, base::PartitionId p = partition) {
        Head last;
        EXPECT_TRUE(eventually([&] {
            const PrepareOutcome outcome = prepare(journal, owner, p);
            const auto* prepared = std::get_if<Prepared>(&outcome);
            if (prepared != nullptr) last = prepared->last;
            return prepared != nullptr;
        }));
        return last;
    }

    // The end that a majority tells, once it does.
    static Head end_of(Journal& journal) {
        Head last;
        EXPECT_TRUE(eventually([&] {
            const PromisedOutcome outcome = promised(journal);
            const auto* found = std::get_if<Promised>(&outcome);
            if (found != nullptr) last = found->last;
            return found != nullptr;
        }));
        return last;
    }

    // Appends as an owner does: what is unknown goes again, the same bytes. One of the two that are
    // left may have been given what it lacks from the one that was killed.
    static Head insist(Journal& journal, const Fence& owner, Head last,
                       const std::vector<std::string>& payloads, base::PartitionId p = partition) {
        for (const std::string& payload : payloads) {
            const Append next = batch(owner, last, payload, p);
            EXPECT_TRUE(eventually([&] {
                return std::holds_alternative<Appended>(append(journal, next));
            })) << payload;
            last = next.record.head;
        }
        return last;
    }
    TestRedis a_;
    TestRedis b_;
    TestRedis c_;
};

TEST_F(ThreeInstances, WriteOnAllAndGoOnWithoutOne) {
    auto journal = open_or_fail(options());
    insist_on(*journal, fence(1));
    const Head last = insist(*journal, fence(1), Head{}, {"a"});
    c_.kill();
    const Head next = insist(*journal, fence(1), last, {"b"});
    EXPECT_EQ(journal->trouble(), "");
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b"}));
    b_.kill();
    EXPECT_TRUE(std::holds_alternative<Unknown>(append(*journal, batch(fence(1), next, "c"))));
    EXPECT_TRUE(eventually([&] { return !journal->trouble().empty(); }));
}

// Goal: an instance that missed records gets them while the owner goes on, and then decides again.
TEST_F(ThreeInstances, BringALaggingOneUpToDate) {
    auto journal = open_or_fail(options());
    insist_on(*journal, fence(1));
    Head last = insist(*journal, fence(1), Head{}, {"a"});
    c_.kill();
    std::vector<std::string> all{"a"};
    for (int i = 0; i < 150; ++i) {
        all.push_back(std::to_string(i));
        last = insist(*journal, fence(1), last, {all.back()});
    }
    c_.restart();
    while (behind(*journal) != std::vector<std::size_t>{}) {
        all.push_back("more");
        last = insist(*journal, fence(1), last, {all.back()});
        ASSERT_LT(all.size(), 100'000u) << "it is never whole";
    }
    a_.kill();
    all.push_back("without the first");
    insist(*journal, fence(1), last, {all.back()});
    EXPECT_EQ(payloads_of(*journal), all);
}

// Goal: what was emptied has forgotten its promises. It counts only after an owner whose epoch is
// newer than anything it can have promised has given it everything.
TEST_F(ThreeInstances, LetAnEmptiedOneJoinAgain) {
    auto journal = open_or_fail(options());
    Head last;
    for (std::uint16_t p = 0; p < 8; ++p) {
        insist_on(*journal, fence(1), base::PartitionId{p});
        const Head end = insist(*journal, fence(1), Head{}, {"a", "b"}, base::PartitionId{p});
        if (base::PartitionId{p} == partition) last = end;
    }
    ASSERT_TRUE(eventually([&] { return is_whole(*journal); }));
    EXPECT_FALSE(journal->wants_new_epoch(partition));
    c_.command({"FLUSHALL"});
    last = insist(*journal, fence(1), last, {"c"});
    ASSERT_TRUE(eventually([&] { return journal->wants_new_epoch(partition); }));
    b_.signal(SIGSTOP);
    EXPECT_FALSE(
        std::holds_alternative<Appended>(append(*journal, batch(fence(1), last, "only the first"))))
        << "a joining instance has voted";
    b_.signal(SIGCONT);
    ASSERT_TRUE(eventually([&] { return journal->acceptors()[1].standing.why.empty(); }));
    for (std::uint16_t p = 0; p < 8; ++p) {
        const base::PartitionId at{p};
        const Head end = insist_on(*journal, fence(2), at);
        last = insist(*journal, fence(2), end, {"new epoch"}, at);
    }
    ASSERT_TRUE(eventually([&] { return is_whole(*journal); }));
    EXPECT_FALSE(journal->wants_new_epoch(partition));
    a_.kill();
    const Head end = end_of(*journal);
    insist(*journal, fence(2), end, {"without the first"});
    EXPECT_EQ(payloads_of(*journal).back(), "without the first");
}

// Goal: of two owners, the one that was done first hears as well that what was emptied counts
// again.
TEST_F(ThreeInstances, LetAnEmptiedOneVoteForEveryOwner) {
    auto first = open_or_fail(options());
    auto second = open_or_fail(options());
    const auto owner_of = [&](std::uint16_t p) -> QuorumJournal& {
        return p < 4 ? *first : *second;
    };
    const auto take_over = [&](std::uint16_t p, const Fence& as) {
        const base::PartitionId at{p};
        const Head end = insist_on(owner_of(p), as, at);
        insist(owner_of(p), as, end, {"an owner"}, at);
    };
    for (std::uint16_t p = 0; p < 8; ++p) take_over(p, fence(1));
    ASSERT_TRUE(eventually([&] { return is_whole(*first) && is_whole(*second); }));
    c_.command({"FLUSHALL"});
    for (const std::uint16_t p : std::array<std::uint16_t, 2>{0, 4}) {
        take_over(p, fence(1));  // Whoever asks it finds out.
        ASSERT_TRUE(eventually([&] { return owner_of(p).wants_new_epoch(base::PartitionId{p}); }));
    }
    const auto is_given = [&](std::uint16_t p) {
        owner_of(p).tend(base::PartitionId{p});
        return c_.command({"HEXISTS", "crossclear:mark", "given:" + std::to_string(p)}) == "1";
    };
    for (std::uint16_t p = 0; p < 4; ++p) {
        take_over(p, fence(2));
        ASSERT_TRUE(eventually([&] { return is_given(p); }));
    }
    for (std::uint16_t p = 4; p < 8; ++p) take_over(p, fence(2));
    const auto votes_for = [&](std::uint16_t p) {
        for (std::uint16_t other = 0; other < 8; ++other) owner_of(other).tend({other});
        return owner_of(p).acceptors()[2].standing.kind == Standing::Kind::voting;
    };
    EXPECT_TRUE(eventually([&] { return votes_for(4); }));
    EXPECT_TRUE(eventually([&] { return votes_for(0); }));
}

// Goal: one that was emptied after the others had trimmed gets what the snapshots say, and the
// others may go.
TEST_F(ThreeInstances, LetAnEmptiedOneJoinBehindTheTrim) {
    auto journal = open_or_fail(options());
    constexpr std::uint64_t kept = 30;
    for (std::uint16_t p = 0; p < 8; ++p) {
        insist_on(*journal, fence(1), base::PartitionId{p});
        insist(*journal, fence(1), Head{}, {"a", "b", "c"}, base::PartitionId{p});
    }
    const Head last = std::get<ReadRecords>(read(*journal, 3, 1)).records.front().head;
    const auto snapshot = [&](std::uint64_t number) {
        return EntitySnapshot{.entity = base::entity_of(base::AccountId{number}),
                              .at = last,
                              .state = std::string(1'000, 'x') + std::to_string(number)};
    };
    for (std::uint64_t i = 0; i < kept; ++i) {
        ASSERT_TRUE(std::holds_alternative<SnapshotStored>(
            store_snapshot(*journal, fence(1), snapshot(i))));
    }
    ASSERT_TRUE(std::holds_alternative<Trimmed>(trim(*journal, fence(1), last)));
    ASSERT_TRUE(eventually([&] { return is_whole(*journal); }));
    c_.command({"FLUSHALL"});
    insist(*journal, fence(1), last, {"d"});
    ASSERT_TRUE(eventually([&] { return journal->wants_new_epoch(partition); }));
    for (std::uint16_t p = 0; p < 8; ++p) {
        const base::PartitionId at{p};
        const Head end = insist_on(*journal, fence(2), at);
        insist(*journal, fence(2), end, {"new epoch"}, at);
    }
    ASSERT_TRUE(eventually([&] { return is_whole(*journal); }));
    EXPECT_EQ(c_.command({"XLEN", "{p03}:s"}), "3") << "the base, and what follows it";
    EXPECT_EQ(c_.command({"HLEN", "{p03}:e"}), std::to_string(kept));
    // The two that are left are not both of those that had it.
    a_.kill();
    for (std::uint64_t i = 0; i < kept; ++i) {
        std::vector<EntitySnapshot> found;
        EXPECT_TRUE(eventually([&] {
            const ReadSnapshotOutcome outcome = read_snapshot(*journal, snapshot(i).entity);
            const auto* read = std::get_if<SnapshotRead>(&outcome);
            if (read != nullptr) found = read->found;
            return read != nullptr;
        }));
        EXPECT_EQ(found, std::vector<EntitySnapshot>{snapshot(i)});
    }
    const Head end = end_of(*journal);
    insist(*journal, fence(2), end, {"without the first"});
    EXPECT_EQ(std::get<ReadRecords>(read(*journal, 1, 10)).records.front().head, last);
}

TEST_F(ThreeInstances, RefuseWhenAMajorityIsEmpty) {
    {
        auto journal = open_or_fail(options());
        insist_on(*journal, fence(1));
        insist(*journal, fence(1), Head{}, {"a"});
        // Or the two that are emptied may be all that there was.
        ASSERT_TRUE(eventually([&] { return is_whole(*journal); }));
    }
    c_.command({"FLUSHALL"});
    b_.command({"FLUSHALL"});
    const auto refused = open_redis_journal(options());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, StoreFault::unmarked) << to_string(refused.error());
}

// What two journals answer, in a form that can be compared.
template <class... Kinds>
std::string summary(const std::variant<Kinds...>& outcome) {
    std::string text = std::to_string(outcome.index());
    const auto add = [&](const auto& kind) {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, Appended>) text += kind.was_duplicate ? " again" : "";
        if constexpr (std::is_same_v<Kind, Fenced>) text += " " + std::to_string(kind.epoch);
        if constexpr (std::is_same_v<Kind, Gap>) text += " " + to_hex(kind.actual.head);
        if constexpr (std::is_same_v<Kind, Promised>) {
            text += " " + std::to_string(kind.epoch) + " " + to_hex(kind.last.head);
        }
        if constexpr (std::is_same_v<Kind, Prepared>) text += " " + to_hex(kind.last.head);
        if constexpr (std::is_same_v<Kind, ReadRecords>) {
            for (const Record& record : kind.records) text += " " + to_hex(record.head.head);
        }
    };
    std::visit(add, outcome);
    return text;
}

// Goal: the simulator believes what the memory journal answers, so it must answer as Redis does, to
// any sequence of sensible and senseless calls.
TEST(Equivalence, MemoryAndRedisAnswerAlike) {
    const char* given = std::getenv("CROSSCLEAR_SEED");
    const std::uint64_t seed = given == nullptr ? 20'220'507 : std::strtoull(given, nullptr, 10);
    SCOPED_TRACE("seed " + std::to_string(seed) +
                 "; replay with CROSSCLEAR_SEED=" + std::to_string(seed));
    TestRedis redis;
    auto real = open_or_fail(redis.options());
    MemoryJournal memory(cluster);
    base::Rng rng(seed);
    Fence owner = fence(1);
    std::vector<Append> sent;
    Head last;
    for (int step = 0; step < 1'500; ++step) {
        std::string expected;
        std::string found;
        const std::uint64_t choice = rng.below(10);
        if (choice == 0) {
            const Fence next =
                fence(owner.epoch + rng.below(3), static_cast<std::uint8_t>(rng.below(2)));
            const PrepareOutcome outcome = prepare(memory, next);
            if (std::holds_alternative<Prepared>(outcome)) owner = next;
            expected = summary(outcome);
            found = summary(prepare(*real, next));
        } else if (choice == 1) {
            const Fence asked = fence(owner.epoch + rng.below(2), owner.nonce[0]);
            expected = summary(confirm(memory, asked)) + summary(promised(memory));
            found = summary(confirm(*real, asked)) + summary(promised(*real));
        } else if (choice < 3) {
            const std::uint64_t from = rng.below(last.seq + 3);
            const std::size_t count = rng.below(20);
            expected = summary(read(memory, from, count));
            found = summary(read(*real, from, count));
        } else {
            Append next = batch(owner, last, std::to_string(step));
            if (choice == 3 && !sent.empty()) next = sent[rng.below(sent.size())];
            if (choice == 4) next.fence = fence(rng.below(owner.epoch + 2), 1);
            if (choice == 5) next.fence = owner;
            const AppendOutcome outcome = append(memory, next);
            if (std::holds_alternative<Appended>(outcome)) last = next.record.head;
            sent.push_back(next);
            expected = summary(outcome);
            found = summary(append(*real, next));
        }
        ASSERT_EQ(found, expected) << "step " << step << ", choice " << choice;
    }
}

}  // namespace
}  // namespace crossclear::store::test
