#include "store/directory/limits.hpp"
#include "store/memory/memory_directory.hpp"
#include "tests/store/directory/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Goal: what a directory promises, once, for every directory there is: nodes that are tried in
// memory must meet nothing new on Redis.

namespace crossclear::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DirectoryContract : public ::testing::TestWithParam<std::string> {
protected:
    DirectoryContract() {
        if (GetParam() == "memory") {
            auto shared = std::make_unique<MemoryDirectory>(std::uint16_t{8}, base::wall_clock_now);
            other_ = shared->for_another_node();
            one_ = std::move(shared);
            return;
        }
        RedisOptions options{
            .cluster = cluster, .partition_count = 8, .open_timeout = base::seconds(5)};
        redis_.resize(GetParam() == "redis" ? 1 : 3);
        for (auto& redis : redis_) {
            redis = std::make_unique<TestRedis>();
            options.endpoints.push_back(redis->endpoint());
        }
        one_ = open_directory_or_fail(options);
        other_ = open_directory_or_fail(options);
    }
    Directory& one() { return *one_; }
    Directory& other() { return *other_; }

    const Member a_ = node("a");
    const Member b_ = node("b");

private:
    std::vector<std::unique_ptr<TestRedis>> redis_;
    std::unique_ptr<Directory> one_;
    std::unique_ptr<Directory> other_;
};

INSTANTIATE_TEST_SUITE_P(Every, DirectoryContract,
                         ::testing::Values("memory", "redis", "three_redis"),
                         [](const auto& backing) { return backing.param; });

TEST_P(DirectoryContract, ABeatMakesAMemberThatOthersSee) {
    const View alone = view_of(beat(one(), a_));
    EXPECT_THAT(alone.members, ElementsAre(a_));
    EXPECT_EQ(alone.holders.size(), 8u);
    EXPECT_THAT(view_of(beat(other(), b_)).members, ElementsAre(a_, b_));
    EXPECT_THAT(view_of(beat(one(), a_)).members, ElementsAre(a_, b_));
}

TEST_P(DirectoryContract, TellsWhenTheFirstOfTheOthersEnds) {
    EXPECT_EQ(view_of(beat(one(), a_)).next_end, std::nullopt);
    const auto of_a = view_of(beat(other(), b_, {}, {}, base::seconds(300))).next_end;
    ASSERT_TRUE(of_a.has_value());
    EXPECT_LE(*of_a, long_ttl);
    EXPECT_GT(*of_a, base::seconds(300)) << "its own end is none of the others'";
    beat(one(), node("c"));
    const auto of_b = view_of(beat(one(), a_)).next_end;
    ASSERT_TRUE(of_b.has_value());
    EXPECT_LE(*of_b, base::seconds(300));
    EXPECT_GT(*of_b, base::seconds(0));
}

TEST_P(DirectoryContract, TakesWhatIsFreeAndLeavesWhatOthersHold) {
    EXPECT_EQ(held(beat(one(), a_, {0, 1, 2})), (Held{{0, "a"}, {1, "a"}, {2, "a"}}));
    EXPECT_EQ(held(beat(other(), b_, {2, 3, 7})),
              (Held{{0, "a"}, {1, "a"}, {2, "a"}, {3, "b"}, {7, "b"}}));
}

TEST_P(DirectoryContract, HandsOverByReleasing) {
    beat(one(), a_, {0, 1});
    beat(other(), b_, {1});
    EXPECT_EQ(held(beat(one(), a_, {0}, {1})), (Held{{0, "a"}}));
    EXPECT_EQ(held(beat(other(), b_, {1})), (Held{{0, "a"}, {1, "b"}}));
    EXPECT_EQ(held(beat(one(), a_, {0, 1})), (Held{{0, "a"}, {1, "b"}}));
}

TEST_P(DirectoryContract, ReleasesNothingOfOthers) {
    beat(one(), a_, {0});
    EXPECT_EQ(held(beat(other(), b_, {}, {0, 1})), (Held{{0, "a"}}));
}

TEST_P(DirectoryContract, KeepsWhatIsNotNamedUntilItsTimeIsUp) {
    beat(one(), a_, {0});
    EXPECT_EQ(held(beat(one(), a_)), (Held{{0, "a"}}));
    EXPECT_EQ(held(beat(other(), b_, {0})), (Held{{0, "a"}}));
}

TEST_P(DirectoryContract, LeavingDropsEverythingAtOnce) {
    beat(one(), a_, {0, 1});
    EXPECT_TRUE(leave(one(), a_));
    const BeatOutcome after = beat(other(), b_, {1});
    EXPECT_THAT(names(after), ElementsAre("b"));
    EXPECT_EQ(held(after), (Held{{1, "b"}}));
    EXPECT_TRUE(leave(one(), a_)) << "leaving twice does no harm";
    EXPECT_EQ(held(beat(other(), b_)), (Held{{1, "b"}}));
}

// Goal: two processes with one name are a mistake that must show, and the first one keeps its own.
TEST_P(DirectoryContract, ASecondIncarnationIsToldThatItsNameIsTaken) {
    beat(one(), node("a", 1), {0});
    const BeatOutcome second = beat(other(), node("a", 2), {0, 1});
    ASSERT_TRUE(std::holds_alternative<NameTaken>(second)) << explain(second);
    EXPECT_EQ(std::get<NameTaken>(second).endpoint, a_.endpoint);
    EXPECT_TRUE(leave(other(), node("a", 2)));
    EXPECT_EQ(held(beat(one(), node("a", 1))), (Held{{0, "a"}}));
    EXPECT_TRUE(leave(one(), node("a", 1)));
    EXPECT_EQ(held(beat(other(), node("a", 2), {1})), (Held{{1, "a"}}));
}

TEST_P(DirectoryContract, RefusesWhatIsNoBeatOfThisCluster) {
    const auto refusal = [&](const BeatOutcome& outcome) {
        return reason_of<BeatRefused>(outcome);
    };
    EXPECT_THAT(refusal(beat(one(), a_, {8})), HasSubstr("partition 8 is not one of"));
    EXPECT_THAT(refusal(beat(one(), a_, {}, {9})), HasSubstr("partition 9 is not one of"));
    EXPECT_THAT(refusal(beat(one(), node(""))), HasSubstr("name"));
    EXPECT_THAT(refusal(beat(one(), node(std::string(129, 'x')))), HasSubstr("name"));
    EXPECT_THAT(refusal(beat(one(), a_, {}, {}, limits::lease_max + base::seconds(1))),
                HasSubstr("lasts at most"));
    EXPECT_THAT(names(beat(other(), b_)), ElementsAre("b")) << "a refused beat left something";
}

// Goal: who is silent is forgotten. Polled by beats of another node: nothing announces it.
TEST_P(DirectoryContract, TimeEndsMembershipsAndLeases) {
    const base::Duration brief = base::milliseconds(50);
    EXPECT_EQ(held(beat(one(), a_, {0, 1}, {}, brief)), (Held{{0, "a"}, {1, "a"}}));
    ASSERT_TRUE(eventually([&] { return held(beat(other(), b_, {0})) == Held{{0, "b"}}; }));
    // Several instances do not forget at the very same moment.
    ASSERT_TRUE(eventually([&] { return names(beat(other(), b_)).size() == 1; }));
    EXPECT_EQ(held(beat(one(), node("a", 2), {0, 1})), (Held{{0, "b"}, {1, "a"}}))
        << "the name is free again";
}

TEST_P(DirectoryContract, ALeaseEndsWithItsMembership) {
    const base::Duration brief = base::milliseconds(50);
    beat(one(), a_, {0});
    beat(one(), a_, {}, {}, brief);
    ASSERT_TRUE(eventually([&] { return names(beat(other(), b_)).size() == 1; }));
    EXPECT_THAT(held(beat(other(), b_)), IsEmpty()) << "a holder that is no member";
}

TEST_P(DirectoryContract, AnswersNobodyAfterItStopped) {
    bool is_told = false;
    one().stop();
    one().beat(Beat{.self = a_, .ttl = long_ttl}, [&](const auto&) { is_told = true; });
    one().leave(a_, [&](bool) { is_told = true; });
    EXPECT_THAT(names(beat(other(), b_)), ElementsAre("b"));
    EXPECT_FALSE(is_told);
}

}  // namespace
}  // namespace crossclear::store::test
