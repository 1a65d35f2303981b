#include "store/redis/settings.hpp"

#include "store/redis/redis_directory.hpp"
#include "tests/store/directory/support.hpp"
#include "tests/store/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Goal: a Redis that would lose what it acknowledged, or that belongs to somebody else, is refused
// before the first command, in words that say what to change.

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

StoreError refusal_of(RedisOptions options) {
    options.open_timeout = base::milliseconds(300);
    options.connect_timeout = base::milliseconds(200);
    const auto opened = open_redis_journal(options);
    if (opened) ADD_FAILURE() << "the journal was opened";
    return opened ? StoreError{} : opened.error();
}

struct Misconfigured {
    std::string setting;
    std::string wrong;
    std::string right;
};

TEST(Settings, AreEachRefusedWithTheCommandThatCorrectsThem) {
    TestRedis redis;
    const std::vector<Misconfigured> cases{
        {"appendonly", "no", "yes"},
        {"appendfsync", "everysec", "always"},
        {"no-appendfsync-on-rewrite", "yes", "no"},
        {"aof-load-truncated", "no", "yes"},
        {"maxmemory-policy", "allkeys-lru", "noeviction"},
        {"save", "3600 1", ""},
    };
    for (const Misconfigured& it : cases) {
        redis.command({"CONFIG", "SET", it.setting, it.wrong});
        const StoreError error = refusal_of(redis.options());
        EXPECT_EQ(error.fault, StoreFault::setting_differs);
        const std::string right = it.right.empty() ? "\"\"" : it.right;
        EXPECT_EQ(to_string(error), to_string(redis.endpoint()) + ": expected " + it.setting + " " +
                                        right + ", found " + it.setting + " " + it.wrong +
                                        ". Run CONFIG SET " + it.setting + " " + right +
                                        " and write it into redis.conf.");
        redis.command({"CONFIG", "SET", it.setting, it.right});
    }
    EXPECT_NE(open_or_fail(redis.options()), nullptr);
}

// Whether the journal's trouble comes to hold `part`, or to end where that is empty.
bool comes_to_say(const Journal& journal, const std::string& part) {
    return eventually([&] {
        const auto says = journal.trouble();
        return part.empty() ? says.empty() : says.find(part) != std::string::npos;
    });
}

TEST(Settings, AreWatchedWhileTheJournalIsInUse) {
    TestRedis redis;
    const auto journal = open_or_fail(redis.options());
    redis.command({"CONFIG", "SET", "appendfsync", "everysec"});
    EXPECT_TRUE(comes_to_say(*journal, "Run CONFIG SET appendfsync always"));
    redis.command({"CONFIG", "SET", "appendfsync", "always"});
    EXPECT_TRUE(comes_to_say(*journal, ""));
    redis.command({"REPLICAOF", "127.0.0.1", "1"});
    EXPECT_TRUE(comes_to_say(*journal, "expected a primary"));
    redis.command({"REPLICAOF", "NO", "ONE"});
    EXPECT_TRUE(comes_to_say(*journal, ""));
}

TEST(Settings, AReplicaIsRefused) {
    TestRedis redis;
    redis.command({"REPLICAOF", "127.0.0.1", "1"});
    EXPECT_EQ(refusal_of(redis.options()).fault, StoreFault::not_a_primary);
}

TEST(Marks, AreWrittenOnceAndRecognised) {
    TestRedis redis;
    open_or_fail(redis.options());
    const std::string id = redis.command({"HGET", "crossclear:mark", "id"});
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(redis.command({"HGET", "crossclear:mark", "partitions"}), "8");
    open_or_fail(redis.options());
    EXPECT_EQ(redis.command({"HGET", "crossclear:mark", "id"}), id);
}

TEST(Marks, OfAnotherClusterCountOrFormatAreRefused) {
    TestRedis redis;
    open_or_fail(redis.options());
    RedisOptions other = redis.options();
    other.cluster = "production";
    const StoreError wrong_cluster = refusal_of(other);
    EXPECT_EQ(wrong_cluster.fault, StoreFault::wrong_cluster);
    EXPECT_THAT(to_string(wrong_cluster),
                HasSubstr("expected cluster \"production\", found cluster \"test\""));
    other = redis.options();
    other.partition_count = 16;
    const StoreError wrong_count = refusal_of(other);
    EXPECT_EQ(wrong_count.fault, StoreFault::wrong_partition_count);
    EXPECT_THAT(to_string(wrong_count), HasSubstr("expected 16 partitions, found 8 partitions"));
    redis.command({"HSET", "crossclear:mark", "format", "2"});
    EXPECT_EQ(refusal_of(redis.options()).fault, StoreFault::wrong_format);
    redis.command({"HDEL", "crossclear:mark", "id"});
    EXPECT_EQ(refusal_of(redis.options()).fault, StoreFault::wrong_format);
}

TEST(Marks, AreNotPutOnForeignDataNorWithoutLeave) {
    TestRedis redis;
    RedisOptions options = redis.options();
    options.may_create = false;
    EXPECT_EQ(refusal_of(options).fault, StoreFault::unmarked);
    redis.command({"SET", "somebody", "else"});
    EXPECT_EQ(refusal_of(redis.options()).fault, StoreFault::not_empty);
    EXPECT_EQ(redis.command({"EXISTS", "crossclear:mark"}), "0");
}

TEST(Access, NeedsThePasswordAndExactlyTheRightsThatAreNamed) {
    TestRedis redis;
    redis.command({"ACL",
                   "SETUSER",
                   "journal",
                   "on",
                   ">secret",
                   "~{p*",
                   "~crossclear:mark",
                   "~crossclear:directory",
                   "+eval",
                   "+evalsha",
                   "+script|load",
                   "+config|get",
                   "+role",
                   "+info",
                   "+dbsize",
                   "+exists",
                   "+ping",
                   "+time",
                   "+hget",
                   "+hmget",
                   "+hset",
                   "+hdel",
                   "+hgetall",
                   "+xadd",
                   "+xrange",
                   "+xrevrange"});
    RedisOptions options = redis.options();
    options.endpoints.front().username = "journal";
    options.endpoints.front().password = "wrong";
    const StoreError error = refusal_of(options);
    EXPECT_EQ(error.fault, StoreFault::not_authorised);
    EXPECT_THAT(to_string(error), ::testing::Not(HasSubstr("wrong pass")));
    options.endpoints.front().password = "secret";
    const auto journal = open_or_fail(options);
    ASSERT_NE(journal, nullptr);
    prepare(*journal, fence(1));
    append_all(*journal, fence(1), Head{}, {"a"});
    EXPECT_EQ(payloads_of(*journal).size(), 1u);
    redis.command({"HSET", "crossclear:directory", "n:gone", "1|gone|1"});
    auto directory = RedisDirectory::open(options);
    ASSERT_TRUE(directory.has_value()) << to_string(directory.error());
    EXPECT_EQ(held(beat(**directory, node("a"), {0})), (Held{{0, "a"}}));
    EXPECT_TRUE(eventually([&] {
        return redis.command({"HEXISTS", "crossclear:directory", "n:gone"}) == "0";
    })) << "it may not sweep";
    EXPECT_TRUE(leave(**directory, node("a")));
    redis.command({"ACL", "SETUSER", "journal", "-config|get"});
    const StoreError lacking = refusal_of(options);
    EXPECT_EQ(lacking.fault, StoreFault::not_authorised);
    EXPECT_THAT(to_string(lacking), HasSubstr("+config|get"));
}

TEST(Access, NobodyThereIsSaidSo) {
    RedisOptions options{.cluster = cluster};
    options.endpoints = {Endpoint{.host = "127.0.0.1", .port = 1}};
    EXPECT_EQ(refusal_of(options).fault, StoreFault::unreachable);
    options.endpoints = {Endpoint{.socket_path = "/nonexistent/redis.sock"}};
    EXPECT_EQ(refusal_of(options).fault, StoreFault::unreachable);
    options.endpoints = {Endpoint{.socket_path = "/nonexistent/" + std::string(200, 'x')}};
    EXPECT_EQ(refusal_of(options).fault, StoreFault::socket_path_too_long);
}

TEST(Options, AreCheckedAgainstTheirLimits) {
    RedisOptions options{.cluster = cluster};
    EXPECT_EQ(refusal_of(options).fault, StoreFault::options_invalid);
    options.endpoints.resize(2);
    EXPECT_EQ(refusal_of(options).fault, StoreFault::options_invalid);
    options.endpoints.resize(1);
    options.partition_count = 257;
    EXPECT_EQ(refusal_of(options).fault, StoreFault::options_invalid);
}

TEST(Endpoints, AreReadInEachForm) {
    EXPECT_EQ(parse_endpoint("unix:/run/redis.sock")->socket_path, "/run/redis.sock");
    EXPECT_EQ(parse_endpoint("/run/redis.sock")->socket_path, "/run/redis.sock");
    EXPECT_EQ(parse_endpoint("redis://db.example:6379")->host, "db.example");
    EXPECT_EQ(parse_endpoint("10.0.0.1:1234")->port, 1234);
    EXPECT_EQ(parse_endpoint("redis://[::1]:6379")->host, "::1");
    EXPECT_EQ(to_string(*parse_endpoint("[::1]:6379")), "redis://[::1]:6379");
    for (const char* text : {"", "redis", "unix:relative", "host:", ":1", "host:0", "host:65536",
                             "host:1x", "redis://me:secret@host:1"}) {
        ASSERT_FALSE(parse_endpoint(text).has_value()) << text;
        EXPECT_EQ(parse_endpoint(text).error().fault, StoreFault::endpoint_malformed) << text;
    }
    EXPECT_EQ(parse_endpoint("rediss://host:1").error().fault, StoreFault::tls_unavailable);
}

}  // namespace
}  // namespace crossclear::store::test
