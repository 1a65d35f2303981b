#include "base/rng.hpp"
#include "store/memory/memory_journal.hpp"
#include "store/redis/majority.hpp"
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

TEST(Majority, ChoosesTheLogWithTheGreatestEpochThenSeq) {
    const auto prepared = [](std::uint64_t epoch, std::uint64_t seq) {
        return Prepared{Head{.record_epoch = epoch, .seq = seq, .head = {}}};
    };
    Votes<PrepareOutcome> given{prepared(2, 9), prepared(3, 4), prepared(3, 3)};
    EXPECT_EQ(std::get<Prepared>(*decide_prepare(given, fence(5))).last.seq, 4u);
}

class ThreeInstances : public ::testing::Test {
protected:
    [[nodiscard]] RedisOptions options() const {
        return RedisOptions{.cluster = cluster,
                            .partition_count = 8,
                            .endpoints = {a_.endpoint(), b_.endpoint(), c_.endpoint()},
                            .connect_timeout = base::milliseconds(200),
                            .call_timeout = base::milliseconds(400),
                            .open_timeout = base::seconds(5)};
    }
    TestRedis a_;
    TestRedis b_;
    TestRedis c_;
};

TEST_F(ThreeInstances, WriteOnAllAndGoOnWithoutOne) {
    auto journal = open_or_fail(options());
    prepare(*journal, fence(1));
    const Head last = append_all(*journal, fence(1), Head{}, {"a"});
    c_.kill();
    const Head next = append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(journal->trouble(), "");
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"a", "b"}));
    b_.kill();
    EXPECT_TRUE(std::holds_alternative<Unknown>(append(*journal, batch(fence(1), next, "c"))));
    EXPECT_TRUE(eventually([&] { return !journal->trouble().empty(); }));
}

TEST_F(ThreeInstances, AnEmptiedOneIsNotMarkedAgain) {
    {
        auto journal = open_or_fail(options());
        prepare(*journal, fence(1));
        append_all(*journal, fence(1), Head{}, {"a"});
    }
    c_.command({"FLUSHALL"});
    auto journal = open_or_fail(options());
    EXPECT_EQ(payloads_of(*journal), std::vector<std::string>{"a"});
    EXPECT_EQ(c_.command({"DBSIZE"}), "0");
    journal.reset();
    b_.command({"FLUSHALL"});
    const auto refused = open_redis_journal(options());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, StoreFault::unmarked);
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
