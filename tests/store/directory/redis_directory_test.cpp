#include "store/redis/redis_directory.hpp"

#include "tests/store/directory/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>

namespace crossclear::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view key = "crossclear:directory";

RedisOptions options_for(std::initializer_list<const TestRedis*> instances) {
    RedisOptions options{.cluster = cluster,
                         .partition_count = 8,
                         .connect_timeout = base::milliseconds(200),
                         .call_timeout = base::milliseconds(400),
                         .open_timeout = base::seconds(5)};
    for (const TestRedis* redis : instances) options.endpoints.push_back(redis->endpoint());
    return options;
}

StoreFault fault_of(const RedisOptions& options) {
    const auto opened = RedisDirectory::open(options);
    if (opened) ADD_FAILURE() << "it was opened";
    return opened ? StoreFault::server_failed : opened.error().fault;
}

class OneRedisDirectory : public ::testing::Test {
protected:
    TestRedis redis_;
    const RedisOptions options_ = options_for({&redis_});
    std::unique_ptr<RedisDirectory> directory_ = open_directory_or_fail(options_);
};

TEST_F(OneRedisDirectory, IsThatOfOneClusterOnly) {
    RedisOptions options = options_;
    options.cluster = "another";
    EXPECT_EQ(fault_of(options), StoreFault::wrong_cluster);
    options = options_;
    options.partition_count = 16;
    EXPECT_EQ(fault_of(options), StoreFault::wrong_partition_count);
}

TEST_F(OneRedisDirectory, RefusesAnInstanceThatWasEmptied) {
    beat(*directory_, node("a"), {0});
    redis_.command({"FLUSHALL"});
    EXPECT_THAT(reason_of<BeatRefused>(beat(*directory_, node("a"), {0})), HasSubstr("wiped"));
    EXPECT_EQ(redis_.command({"DBSIZE"}), "0") << "a beat wrote to an unmarked instance";
}

// Goal: the refusal is the same whether the instance changed under the connection or without it.
TEST_F(OneRedisDirectory, RefusesAnInstanceThatCameBackAsAnotherClusters) {
    beat(*directory_, node("a"), {0});
    redis_.command({"HSET", "crossclear:mark", "cluster", "another"});
    redis_.kill();
    ASSERT_TRUE(eventually(
        [&] { return std::holds_alternative<BeatUnknown>(beat(*directory_, node("a"))); }));
    redis_.restart();
    BeatOutcome outcome;
    ASSERT_TRUE(eventually([&] {
        outcome = beat(*directory_, node("a"));
        return std::holds_alternative<BeatRefused>(outcome);
    }));
    EXPECT_THAT(explain(outcome), HasSubstr("cluster \"another\""));
    redis_.command({"HSET", "crossclear:mark", "cluster", cluster, "partitions", "9"});
    ASSERT_TRUE(eventually([&] {
        outcome = beat(*directory_, node("a"));
        return explain(outcome).find("9 partitions") != std::string::npos;
    }));
    EXPECT_TRUE(std::holds_alternative<BeatRefused>(outcome));
}

TEST_F(OneRedisDirectory, OutlivesItsRedisAndGoesOnByItself) {
    beat(*directory_, node("a"), {0, 3});
    redis_.kill();
    ASSERT_TRUE(eventually(
        [&] { return std::holds_alternative<BeatUnknown>(beat(*directory_, node("a"), {0, 3})); }));
    EXPECT_FALSE(leave(*directory_, node("a")));
    redis_.restart();
    BeatOutcome outcome;
    ASSERT_TRUE(eventually([&] {
        outcome = beat(*directory_, node("b"), {0, 1});
        return std::holds_alternative<View>(outcome);
    }));
    EXPECT_EQ(held(outcome), (Held{{0, "a"}, {1, "b"}, {3, "a"}})) << "a lease was lost on disk";
}

TEST_F(OneRedisDirectory, SweepsNamesOfLongAgoAndOnlyThose) {
    redis_.command({"HSET", key, "n:gone", "1|gone|1", "n:odd", "what is this", "p:00", "x|1|1"});
    EXPECT_THAT(names(beat(*directory_, node("a"), {}, {}, base::milliseconds(1))),
                ElementsAre("a"));
    ASSERT_TRUE(eventually([&] { return redis_.command({"HEXISTS", key, "n:gone"}) == "0"; }));
    EXPECT_EQ(redis_.command({"HEXISTS", key, "n:odd"}), "0");
    beat(*directory_, node("b"));
    EXPECT_EQ(redis_.command({"HEXISTS", key, "n:a"}), "1") << "its name is kept for a while";
}

// Goal: what was written while the clock of the Redis was hours ahead does not keep the dead alive.
TEST_F(OneRedisDirectory, AClockThatWasPutBackKeepsNobodyAlive) {
    const auto in = [](std::chrono::hours span) {
        const auto at = std::chrono::system_clock::now() + span;
        return std::to_string(
            std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count());
    };
    const std::string ahead = in(std::chrono::hours(3));
    redis_.command({"HSET", key, "n:a", "7|a:4711|" + ahead, "n:c", "8|c:4711|" + ahead, "p:00",
                    "a|7|" + ahead});
    const auto brief = base::seconds(2);
    const auto outcome = beat(*directory_, node("b"), {0, 1}, {}, brief);
    EXPECT_THAT(names(outcome), ElementsAre("b"));
    EXPECT_EQ(held(outcome), (Held{{0, "b"}, {1, "b"}}));
    EXPECT_THAT(names(beat(*directory_, node("a"), {}, {}, brief)), ElementsAre("a", "b"))
        << "its name is taken by one that is gone";
}

// Goal: a tail torn inside MULTI ... EXEC is replayed in part, so no script may need one.
TEST_F(OneRedisDirectory, WritesOnceInEachCall) {
    redis_.command({"HSET", key, "n:gone", "1|gone|1"});
    beat(*directory_, node("a"), {0, 1, 2, 3});
    beat(*directory_, node("a"), {0, 4}, {1, 2});
    ASSERT_TRUE(eventually([&] { return redis_.command({"HEXISTS", key, "n:gone"}) == "0"; }));
    EXPECT_TRUE(leave(*directory_, node("a")));
    std::string log;
    for (const auto& file : std::filesystem::recursive_directory_iterator(redis_.directory())) {
        if (file.path().extension() != ".aof") continue;
        std::ifstream stream(file.path(), std::ios::binary);
        log.append(std::istreambuf_iterator<char>(stream), {});
    }
    EXPECT_THAT(log, HasSubstr("HDEL"));
    EXPECT_EQ(log.find("MULTI"), std::string::npos);
}

TEST_F(OneRedisDirectory, StopsWhileACallIsOnItsWay) {
    std::atomic<bool> is_told{false};
    redis_.signal(SIGSTOP);
    directory_->beat(Beat{.self = node("a"), .ttl = long_ttl},
                     [&](const auto&) { is_told = true; });
    directory_->stop();
    redis_.signal(SIGCONT);
    EXPECT_FALSE(is_told);
}

class ThreeRedisDirectory : public ::testing::Test {
protected:
    // Who is named in the lease of partition 0 on one instance.
    static std::string claim_on(TestRedis& redis) {
        const std::string value = redis.command({"HGET", key, "p:00"});
        return value.substr(0, value.find('|'));
    }
    std::array<TestRedis, 3> redis_;
    const RedisOptions options_ = options_for({&redis_[0], &redis_[1], &redis_[2]});
    std::unique_ptr<RedisDirectory> one_ = open_directory_or_fail(options_);
    std::unique_ptr<RedisDirectory> other_ = open_directory_or_fail(options_);
};

TEST_F(ThreeRedisDirectory, GoesOnWithoutOneAndTakesItBack) {
    beat(*one_, node("a"), {0, 1});
    redis_[2].kill();
    EXPECT_EQ(held(beat(*one_, node("a"), {0, 1})), (Held{{0, "a"}, {1, "a"}}));
    EXPECT_EQ(held(beat(*other_, node("b"), {1, 2})), (Held{{0, "a"}, {1, "a"}, {2, "b"}}));
    redis_[2].restart();
    ASSERT_TRUE(eventually([&] {
        beat(*one_, node("a"), {0, 1, 5});
        beat(*other_, node("b"), {2});
        return redis_[2].command({"HGET", key, "p:02"}).starts_with("b|") &&
               redis_[2].command({"HGET", key, "p:05"}).starts_with("a|");
    }));
    redis_[0].kill();
    EXPECT_EQ(held(beat(*one_, node("a"), {0, 1})), (Held{{0, "a"}, {1, "a"}, {2, "b"}, {5, "a"}}));
    redis_[1].kill();
    ASSERT_TRUE(eventually(
        [&] { return std::holds_alternative<BeatUnknown>(beat(*one_, node("a"), {0, 1})); }));
}

TEST_F(ThreeRedisDirectory, WaitsForOneThatHangsOnlyOnce) {
    beat(*one_, node("a"), {0});
    redis_[1].signal(SIGSTOP);
    EXPECT_EQ(held(beat(*one_, node("a"), {0})), (Held{{0, "a"}}));
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) beat(*one_, node("a"), {0});
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
    redis_[1].signal(SIGCONT);
}

TEST_F(ThreeRedisDirectory, AnEmptiedInstanceDoesNotCount) {
    beat(*one_, node("a"), {0});
    redis_[2].command({"FLUSHALL"});
    EXPECT_EQ(held(beat(*one_, node("a"), {0})), (Held{{0, "a"}}));
    EXPECT_EQ(redis_[2].command({"EXISTS", key}), "0");
    redis_[1].command({"FLUSHALL"});
    EXPECT_THAT(reason_of<BeatRefused>(beat(*one_, node("a"), {0})), HasSubstr("wiped"));
}

// Goal: each of two holds one instance, the third is away, and both want it: without giving way
// neither would ever have a majority.
TEST_F(ThreeRedisDirectory, ASplitLeaseFindsOneHolder) {
    beat(*one_, node("a"));
    beat(*other_, node("b"));
    redis_[1].kill();
    // As long as a lease may be and still be believed; nobody renews the other one's.
    const auto end = std::to_string(base::wall_clock_now().us / 1'000 + 30'000);
    redis_[0].command({"HSET", key, "p:00", "b|1|" + end});
    redis_[2].command({"HSET", key, "p:00", "a|1|" + end});
    ASSERT_TRUE(eventually([&] {
        beat(*other_, node("b"), {0});
        return held(beat(*one_, node("a"), {0})) == Held{{0, "a"}};
    }));
    EXPECT_EQ(claim_on(redis_[0]), "a");
    EXPECT_EQ(claim_on(redis_[2]), "a");
    EXPECT_EQ(held(beat(*other_, node("b"), {0})), (Held{{0, "a"}}));
}

TEST_F(ThreeRedisDirectory, OfTwoIncarnationsTheOneOnAMajorityStays) {
    redis_[2].command({"HSET", key, "n:a", "2|elsewhere|99999999999999"});
    EXPECT_EQ(held(beat(*one_, node("a", 1), {0})), (Held{{0, "a"}}));
    EXPECT_TRUE(std::holds_alternative<NameTaken>(beat(*other_, node("a", 2), {0})));
    ASSERT_TRUE(eventually([&] {
        beat(*one_, node("a", 1), {0});
        return redis_[2].command({"HGET", key, "n:a"}).starts_with("1|");
    })) << "what a minority noted of the second is not taken back";
}

// Goal: a hint may come from whoever belongs to the cluster now.
TEST_F(ThreeRedisDirectory, AnInstanceThatWasReplacedIsTakenAsItIs) {
    beat(*one_, node("a"), {0});
    // Emptied, filled again and admitted by the journal while this node was not connected to it.
    redis_[2].command({"HSET", "crossclear:mark", "instance", "00112233445566778899aabbccddeeff"});
    redis_[2].command({"HDEL", key, "n:a", "p:00"});
    redis_[2].kill();
    ASSERT_TRUE(std::holds_alternative<View>(beat(*one_, node("a"), {0})));
    redis_[2].restart();
    ASSERT_TRUE(eventually([&] {
        beat(*one_, node("a"), {0});
        return claim_on(redis_[2]) == "a";
    }));
}

}  // namespace
}  // namespace crossclear::store::test
