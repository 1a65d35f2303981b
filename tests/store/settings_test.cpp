#include "store/redis/settings.hpp"

#include "store/redis/redis_directory.hpp"
#include "tests/store/directory/support.hpp"
#include "tests/store/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <sstream>

// Goal: a Redis that would lose what it acknowledged, or that belongs to somebody else, is refused
// before the first command, in words that say what to change.

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

// A redis-server whose settings nobody may ask for, as with a managed service.
class RenamedConfig {
public:
    RenamedConfig() {
        const std::string log = directory_.path() + "/log";
        process_ = ::fork();
        if (process_ == 0) {
            ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
                     socket().c_str(), "--dir", directory_.path().c_str(), "--logfile", log.c_str(),
                     "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                     "--rename-command", "CONFIG", "", nullptr);
            ::_exit(127);
        }
    }
    ~RenamedConfig() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    RenamedConfig(const RenamedConfig&) = delete;
    RenamedConfig& operator=(const RenamedConfig&) = delete;

    [[nodiscard]] RedisOptions options() const {
        RedisOptions options{.cluster = cluster,
                             .partition_count = 8,
                             .endpoints = {Endpoint{.socket_path = socket()}},
                             .open_timeout = base::seconds(5)};
        EXPECT_TRUE(eventually([&] {
            return Connection::open(options.endpoints.front(), base::seconds(5)).has_value();
        }));
        return options;
    }

private:
    [[nodiscard]] std::string socket() const { return directory_.path() + "/redis.sock"; }
    TestDirectory directory_;
    pid_t process_{};
};

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

// What a refusal tells to allow, as words for ACL SETUSER.
std::vector<std::string> rights_as_named() {
    auto says = explain_refusal("NOPERM x");
    const std::string before = "Allow the journal's user ";
    says = says.substr(says.find(before) + before.size());
    while (says.ends_with('.')) says.pop_back();
    std::istringstream words(says);
    std::vector<std::string> rights;
    for (std::string word; words >> word;) {
        if (word != "and") rights.push_back(word);
    }
    return rights;
}

// Goal: a user with the rights that a refusal names, and no others, can do all the journal does;
// and a right that is missing is named.
TEST(Access, TheRightsThatARefusalNamesAreEnough) {
    TestRedis redis;
    std::string rule = "on >secret";
    for (const auto& right : rights_as_named()) rule += " " + right;
    redis.acl("journal", rule);
    RedisOptions options = redis.options();
    options.endpoints.front().username = "journal";
    options.endpoints.front().password = "secret";
    {
        const auto journal = open_or_fail(options);
        ASSERT_NE(journal, nullptr);
        prepare(*journal, fence(1));
        const Head last = append_all(*journal, fence(1), Head{}, {"a", "b"});
        const EntitySnapshot snapshot{
            .entity = base::entity_of(base::AccountId{1}), .at = last, .state = "state"};
        EXPECT_TRUE(
            std::holds_alternative<SnapshotStored>(store_snapshot(*journal, fence(1), snapshot)));
        EXPECT_TRUE(std::holds_alternative<SnapshotRead>(read_snapshot(*journal, snapshot.entity)));
        EXPECT_TRUE(std::holds_alternative<Confirmed>(confirm(*journal, fence(1))));
        EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(*journal, fence(1), last)));
        const auto rest = std::get<ReadRecords>(read(*journal, 1, 10)).records;
        ASSERT_EQ(rest.size(), 1U);
        EXPECT_EQ(rest.front().head, last);
    }
    for (const std::string right : {"config|get", "role", "info", "hgetall"}) {
        redis.acl("journal", "-" + right);
        const StoreError lacking = refusal_of(options);
        EXPECT_EQ(lacking.fault, StoreFault::not_authorised) << right;
        EXPECT_THAT(to_string(lacking), HasSubstr("+" + right)) << right;
        redis.acl("journal", "+" + right);
    }
    EXPECT_NE(open_or_fail(options), nullptr);
}

// Goal: a managed service may rename CONFIG. Nobody can tell what it does then, so somebody must
// say that it is right; what it does tell must be right all the same.
TEST(Settings, ThatCannotBeReadAreTrustedOnlyOnTheOperatorsWord) {
    TestRedis redis;
    redis.acl("default", "-config");
    RedisOptions options = redis.options();
    const StoreError lacking = refusal_of(options);
    EXPECT_EQ(lacking.fault, StoreFault::not_authorised);
    EXPECT_THAT(to_string(lacking), HasSubstr("settings: trusted"));
    options.endpoints.front().is_trusted = true;
    EXPECT_NE(open_or_fail(options), nullptr);
    redis.acl("default", "+config");
    redis.command({"CONFIG", "SET", "appendfsync", "everysec"});
    EXPECT_EQ(refusal_of(options).fault, StoreFault::setting_differs);

    RenamedConfig managed;
    options = managed.options();
    const StoreError unreadable = refusal_of(options);
    EXPECT_EQ(unreadable.fault, StoreFault::settings_unreadable);
    EXPECT_THAT(to_string(unreadable), HasSubstr("settings: trusted"));
    options.endpoints.front().is_trusted = true;
    const auto journal = open_or_fail(options);
    ASSERT_NE(journal, nullptr);
    prepare(*journal, fence(1));
    append_all(*journal, fence(1), Head{}, {"a"});
    EXPECT_EQ(payloads_of(*journal).size(), 1U);
}

TEST(Vitals, TellWhenMemoryRunsShort) {
    EXPECT_FALSE((RedisVitals{.memory_used_bytes = 1'000, .memory_max_bytes = 0}.is_memory_short()))
        << "it has no limit of its own";
    EXPECT_FALSE(
        (RedisVitals{.memory_used_bytes = 600, .memory_max_bytes = 1'000}).is_memory_short());
    EXPECT_TRUE(
        (RedisVitals{.memory_used_bytes = 610, .memory_max_bytes = 1'000}).is_memory_short());
}

// Goal: the listener hears of it from a Redis that runs.
TEST(Vitals, AreHeardOfARedisThatRunsShort) {
    TestRedis redis;
    std::atomic<bool> is_short{};
    RedisOptions options = redis.options();
    options.listener.examined = [&](const RedisVitals& vitals) {
        is_short = vitals.is_memory_short();
    };
    const auto journal = open_or_fail(options);
    redis.command({"CONFIG", "SET", "maxmemory", "1500000"});
    EXPECT_TRUE(eventually([&] { return is_short.load(); })) << redis.command({"INFO", "memory"});
    redis.command({"CONFIG", "SET", "maxmemory", "100000000"});
    EXPECT_TRUE(eventually([&] { return !is_short.load(); }));
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
}

}  // namespace
}  // namespace crossclear::store::test
