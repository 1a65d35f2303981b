#include "store/redis/embedded.hpp"

#include "tests/store/support.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

// Goal: never two servers on one directory, whatever happened to the earlier owner.

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

// Starts a server from a process that dies at once without stopping it; returns the server's pid.
pid_t orphan_in(const std::string& directory) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
    const pid_t owner = ::fork();
    if (owner == 0) {
        auto started = EmbeddedRedis::start(directory);
        const pid_t server = started ? (*started)->process() : -1;
        [[maybe_unused]] const auto written = ::write(ends[1], &server, sizeof server);
        ::kill(::getpid(), SIGKILL);
    }
    ::close(ends[1]);
    pid_t server = -1;
    if (::read(ends[0], &server, sizeof server) != sizeof server) server = -1;
    ::close(ends[0]);
    ::waitpid(owner, nullptr, 0);
    return server;
}

bool is_alive(pid_t process) { return process > 0 && ::kill(process, 0) == 0; }

TEST(Embedded, StartsStopsAndKeepsItsData) {
    TestDirectory directory;
    pid_t process = -1;
    {
        auto first = EmbeddedRedis::start(directory.path());
        ASSERT_TRUE(first.has_value()) << to_string(first.error());
        process = (*first)->process();
        RedisOptions options{.cluster = cluster, .endpoints = {(*first)->endpoint()}};
        auto journal = open_or_fail(options);
        prepare(*journal, fence(1));
        append_all(*journal, fence(1), Head{}, {"a"});
    }
    EXPECT_FALSE(is_alive(process));
    auto second = EmbeddedRedis::start(directory.path());
    ASSERT_TRUE(second.has_value()) << to_string(second.error());
    EXPECT_FALSE((*second)->was_adopted());
    auto journal = open_or_fail({.cluster = cluster, .endpoints = {(*second)->endpoint()}});
    EXPECT_EQ(payloads_of(*journal), std::vector<std::string>{"a"});
}

TEST(Embedded, RefusesADirectoryThatAnotherOwnerUses) {
    TestDirectory directory;
    auto first = EmbeddedRedis::start(directory.path());
    ASSERT_TRUE(first.has_value());
    const auto second = EmbeddedRedis::start(directory.path());
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().fault, StoreFault::directory_in_use);
}

TEST(Embedded, AdoptsTheServerOfAnOwnerThatWasKilled) {
    TestDirectory directory;
    const pid_t orphan = orphan_in(directory.path());
    ASSERT_TRUE(is_alive(orphan));
    {
        auto adopted = EmbeddedRedis::start(directory.path());
        ASSERT_TRUE(adopted.has_value()) << to_string(adopted.error());
        EXPECT_TRUE((*adopted)->was_adopted());
        EXPECT_EQ((*adopted)->process(), orphan);
        open_or_fail({.cluster = cluster, .endpoints = {(*adopted)->endpoint()}});
    }
    // The orphan's parent is init now, which reaps it in its own time.
    auto next = EmbeddedRedis::start(directory.path());
    ASSERT_TRUE(next.has_value()) << to_string(next.error());
    EXPECT_FALSE((*next)->was_adopted());
    EXPECT_NE((*next)->process(), orphan);
}

TEST(Embedded, AdoptsAnOrphanWhoseOwnerDiedBeforeWritingItsName) {
    TestDirectory directory;
    const pid_t orphan = orphan_in(directory.path());
    ASSERT_TRUE(is_alive(orphan));
    std::filesystem::remove(directory.path() + "/redis.run");
    auto adopted = EmbeddedRedis::start(directory.path());
    ASSERT_TRUE(adopted.has_value()) << to_string(adopted.error());
    EXPECT_EQ((*adopted)->process(), orphan);
}

TEST(Embedded, RefusesAServerThatIsNotTheOneItStarted) {
    TestDirectory directory;
    const pid_t orphan = orphan_in(directory.path());
    ASSERT_TRUE(is_alive(orphan));
    const std::string path = directory.path() + "/redis.run";
    const std::string mark = [&] {
        std::ifstream file(path);
        return std::string((std::istreambuf_iterator<char>(file)), {});
    }();
    std::ofstream(path) << "1 somebody-else\n";
    const auto refused = EmbeddedRedis::start(directory.path());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, StoreFault::directory_in_use);
    EXPECT_THAT(to_string(refused.error()), HasSubstr(std::to_string(orphan)));
    std::ofstream(path) << mark;
    EXPECT_TRUE(EmbeddedRedis::start(directory.path()).has_value());
}

TEST(Embedded, WorksInADirectoryTooLongForASocketsName) {
    TestDirectory directory;
    const std::string deep = directory.path() + "/" + std::string(120, 'd') + "/a b \"c\"";
    auto started = EmbeddedRedis::start(deep);
    ASSERT_TRUE(started.has_value()) << to_string(started.error());
    auto journal = open_or_fail({.cluster = cluster, .endpoints = {(*started)->endpoint()}});
    ASSERT_NE(journal, nullptr);
    prepare(*journal, fence(1));
    append_all(*journal, fence(1), Head{}, {"a"});
}

TEST(Embedded, SaysWhatIsMissing) {
    TestDirectory directory;
    const auto missing =
        EmbeddedRedis::start(directory.path(), {.program = "/nonexistent/redis-server"});
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().fault, StoreFault::server_missing);
    EXPECT_THAT(to_string(missing.error()), HasSubstr("apt-get install redis-server"));
    const auto failed = EmbeddedRedis::start(directory.path(), {.program = "false"});
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().fault, StoreFault::server_failed);
    std::ofstream(directory.path() + "/file") << "x";
    const auto unusable = EmbeddedRedis::start(directory.path() + "/file");
    ASSERT_FALSE(unusable.has_value());
    EXPECT_EQ(unusable.error().fault, StoreFault::directory_unusable);
}

}  // namespace
}  // namespace crossclear::store::test
