#include "store/redis/limits.hpp"
#include "tests/store/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

// Goal: whatever happens to Redis while we run, the process lives, no outcome is claimed that is
// not known, nothing acknowledged is lost, and work goes on without a restart.

namespace crossclear::store::test {
namespace {

using ::testing::HasSubstr;

class RedisFailure : public ::testing::Test {
protected:
    RedisFailure() {
        RedisOptions options = redis_.options();
        options.call_timeout = base::milliseconds(400);
        options.connect_timeout = base::milliseconds(200);
        journal_ = open_or_fail(options);
        prepare(*journal_, fence(1));
        last_ = append_all(*journal_, fence(1), Head{}, {"a"});
    }

    // How a record that is sent again and again became durable.
    struct Resent {
        bool was_duplicate{};
        bool was_in_doubt{};  // An answer was late: what is then a repeat may be of that call.
        [[nodiscard]] bool was_there_before() const { return was_duplicate && !was_in_doubt; }
    };
    // Resends `next` until it is durable, as a host does.
    Resent resend(const Append& next) {
        Resent resent;
        EXPECT_TRUE(eventually([&] {
            const AppendOutcome outcome = append(*journal_, next);
            if (std::holds_alternative<Unknown>(outcome)) resent.was_in_doubt = true;
            const auto* done = std::get_if<Appended>(&outcome);
            if (done != nullptr) resent.was_duplicate = done->was_duplicate;
            return done != nullptr;
        }));
        return resent;
    }

    // Expects the next append to be declined with `reason`, then to succeed after `repair`.
    template <class Repair>
    void expect_declined_until(const std::string& reason, Repair repair) {
        const Append next = batch(fence(1), last_, "b");
        EXPECT_THAT(reason_of<Declined>(append(*journal_, next)), HasSubstr(reason));
        EXPECT_THAT(journal_->trouble(), HasSubstr(reason));
        EXPECT_EQ(redis_.command({"XLEN", "{p03}:s"}), "1");
        repair();
        EXPECT_TRUE(eventually([&] { return journal_->trouble().empty(); }));
        EXPECT_FALSE(resend(next).was_there_before());
        EXPECT_EQ(payloads_of(*journal_), (std::vector<std::string>{"a", "b"}));
    }

    TestRedis redis_;
    std::unique_ptr<Journal> journal_;
    Head last_;
};

TEST_F(RedisFailure, SendsTheScriptAgainAfterItsCacheIsFlushed) {
    redis_.command({"SCRIPT", "FLUSH"});
    append_all(*journal_, fence(1), last_, {"b", "c"});
    redis_.command({"SCRIPT", "FLUSH"});
    EXPECT_EQ(payloads_of(*journal_).size(), 3u);
}

TEST_F(RedisFailure, SurvivesAKillAndKeepsWhatWasAcknowledged) {
    redis_.kill();
    const Append next = batch(fence(1), last_, "b");
    const AppendOutcome outcome = append(*journal_, next);
    EXPECT_TRUE(std::holds_alternative<Unknown>(outcome) ||
                std::holds_alternative<Declined>(outcome));
    EXPECT_TRUE(eventually([&] { return !journal_->trouble().empty(); }));
    redis_.restart();
    resend(next);
    EXPECT_EQ(payloads_of(*journal_), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(journal_->trouble(), "");
}

TEST_F(RedisFailure, DeclinesWhatCouldNeverBeSent) {
    redis_.kill();
    ASSERT_TRUE(eventually([&] { return !journal_->trouble().empty(); }));
    const std::string reason = reason_of<Declined>(append(*journal_, batch(fence(1), last_, "b")));
    EXPECT_THAT(reason, HasSubstr("expected a Redis that answers"));
}

// Goal: a Redis that is paused, not dead, executes what it was sent when it wakes up. Doubt must
// be reported as doubt, and the repeat must find the record there.
TEST_F(RedisFailure, CallsAPauseUnknownAndFindsTheRecordAfterwards) {
    redis_.signal(SIGSTOP);
    const Append next = batch(fence(1), last_, "b");
    EXPECT_THAT(reason_of<Unknown>(append(*journal_, next)), HasSubstr("no answer within 400 ms"));
    redis_.signal(SIGCONT);
    EXPECT_TRUE(resend(next).was_duplicate);
    EXPECT_EQ(payloads_of(*journal_), (std::vector<std::string>{"a", "b"}));
}

// Goal: whatever else waits for a slow instance, an append is never turned away because of it.
TEST_F(RedisFailure, KeepsRoomForAppendsWhereManySnapshotsAreRead) {
    const base::EntityId entity{.kind = base::EntityKind::account, .id = 7, .sub = 0};
    redis_.signal(SIGSTOP);
    std::vector<std::future<ReadSnapshotOutcome>> reads;
    for (std::size_t i = 0; i < limits::calls_max; ++i) {
        const auto answer = std::make_shared<std::promise<ReadSnapshotOutcome>>();
        reads.push_back(answer->get_future());
        journal_->read_snapshot(partition, entity, [answer](ReadSnapshotOutcome outcome) {
            answer->set_value(std::move(outcome));
        });
    }
    const Append next = batch(fence(1), last_, "b");
    EXPECT_THAT(reason_of<Unknown>(append(*journal_, next)), HasSubstr("no answer within 400 ms"));
    redis_.signal(SIGCONT);
    std::size_t turned_away = 0;
    for (auto& read : reads) {
        const auto outcome = read.get();
        const auto* declined = std::get_if<Declined>(&outcome);
        if (declined != nullptr &&
            declined->reason.find("too many calls wait") != std::string::npos)
            ++turned_away;
    }
    EXPECT_EQ(turned_away, limits::calls_reserved);
    resend(next);
    EXPECT_EQ(payloads_of(*journal_), (std::vector<std::string>{"a", "b"}));
}

TEST_F(RedisFailure, DeclinesWhenMemoryIsFull) {
    redis_.command({"CONFIG", "SET", "maxmemory", "1"});
    expect_declined_until("Raise maxmemory",
                          [&] { redis_.command({"CONFIG", "SET", "maxmemory", "0"}); });
}

TEST_F(RedisFailure, DeclinesWhenReplicasAreDemanded) {
    redis_.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
    expect_declined_until("min-replicas-to-write 0",
                          [&] { redis_.command({"CONFIG", "SET", "min-replicas-to-write", "0"}); });
}

TEST_F(RedisFailure, DeclinesWhenItHasBecomeAReplica) {
    redis_.command({"REPLICAOF", "127.0.0.1", "1"});
    expect_declined_until("REPLICAOF NO ONE", [&] { redis_.command({"REPLICAOF", "NO", "ONE"}); });
}

TEST_F(RedisFailure, StillRecognisesARepeatWhileMemoryIsFull) {
    const Append next = batch(fence(1), last_, "b");
    append(*journal_, next);
    redis_.command({"CONFIG", "SET", "maxmemory", "1"});
    EXPECT_TRUE(std::get<Appended>(append(*journal_, next)).was_duplicate);
}

// Goal: an instance that was emptied has forgotten its promise; it must not answer at all.
TEST_F(RedisFailure, RefusesAnInstanceThatWasEmptied) {
    redis_.command({"FLUSHALL"});
    const Append next = batch(fence(1), last_, "b");
    EXPECT_THAT(reason_of<Declined>(append(*journal_, next)), HasSubstr("wiped or replaced"));
    EXPECT_THAT(reason_of<Declined>(prepare(*journal_, fence(2))), HasSubstr("wiped or replaced"));
    EXPECT_THAT(reason_of<Declined>(read(*journal_, 1, 1)), HasSubstr("wiped or replaced"));
    EXPECT_EQ(redis_.command({"DBSIZE"}), "0");
}

// Goal: what was damaged is not asked for again and again, and never taken for a younger state.
TEST_F(RedisFailure, SaysThatASnapshotIsDamaged) {
    const base::EntityId entity{.kind = base::EntityKind::account, .id = 7, .sub = 0};
    const EntitySnapshot snapshot{.entity = entity, .at = last_, .state = "state"};
    store_snapshot(*journal_, fence(1), snapshot);
    EXPECT_EQ(std::get<SnapshotRead>(read_snapshot(*journal_, entity)).found.front(), snapshot);
    redis_.command({"HSET", "{p03}:e", "1/7/0", "1:1:not what was written"});
    EXPECT_THAT(reason_of<Damaged>(read_snapshot(*journal_, entity)), HasSubstr("checksum"));
}

TEST_F(RedisFailure, ExaminesTheSettingsAgainAfterEachLoss) {
    redis_.command({"CONFIG", "SET", "appendfsync", "everysec"});
    redis_.command({"CLIENT", "KILL", "TYPE", "normal"});
    ASSERT_TRUE(eventually([&] { return !journal_->trouble().empty(); }));
    const Append next = batch(fence(1), last_, "b");
    const std::string reason = reason_of<Declined>(append(*journal_, next));
    EXPECT_THAT(reason, HasSubstr("expected appendfsync always, found appendfsync everysec"));
    redis_.command({"CONFIG", "SET", "appendfsync", "always"});
    EXPECT_FALSE(resend(next).was_there_before());
}

// Goal: the log of a partition whose earlier owner wrote a tail that no majority held. The later
// run begins below its end, and reading follows the chain, from wherever it starts.
TEST_F(RedisFailure, ReadsPastATailThatALaterOwnerAbandoned) {
    const Head second = append_all(*journal_, fence(1), last_, {"b"});
    append_all(*journal_, fence(1), second, {"lost", "lost too"});
    prepare(*journal_, fence(2));
    const Append kept = batch(fence(2), second, "c");
    const auto text = [](const Digest& digest) {
        return std::string(digest.begin(), digest.end());
    };
    redis_.command({"XADD", "{p03}:s", "2-3", "seq", "3", "head", text(kept.record.head.head), "re",
                    "2", "frame", "c"});
    append_all(*journal_, fence(2), kept.record.head, {"d", "e"});
    const std::vector<std::string> all{"a", "b", "c", "d", "e"};
    for (const std::size_t page : {1u, 2u, 3u, 100u}) EXPECT_EQ(payloads_of(*journal_, page), all);
}

// Goal: an append is one write command, so a log that a power cut tore inside it holds the record
// whole or not at all, on the next start and on every one after it.
TEST(TornLog, HoldsTheLastRecordWholeOrNotAtAll) {
    TestRedis redis;
    // Everything of the partition, so that no half of a write goes unseen.
    const auto state = [&] {
        return redis.command({"EVAL",
                              "local all = {redis.call('HGETALL', KEYS[1])} "
                              "for i, e in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do "
                              "all[i + 1] = {e[1], e[2][2], redis.sha1hex(e[2][4]), e[2][8]} end "
                              "all[1] = redis.sha1hex(table.concat(all[1], ' ')) "
                              "return cjson.encode(all)",
                              "2", "{p03}:m", "{p03}:s"});
    };
    auto journal = open_or_fail(redis.options());
    prepare(*journal, fence(1));
    const Head kept = append_all(*journal, fence(1), Head{}, {"first", "second"});
    const std::string log = [&] {
        for (const auto& file : std::filesystem::directory_iterator(
                 std::filesystem::path(redis.directory()) / "appendonlydir")) {
            if (file.path().string().ends_with(".incr.aof")) return file.path().string();
        }
        return std::string{};
    }();
    ASSERT_NE(log, "");
    const auto before = std::filesystem::file_size(log);
    const std::string state_before = state();
    append_all(*journal, fence(1), kept, {"torn"});
    const std::string state_after = state();
    ASSERT_NE(state_before, state_after);
    journal.reset();
    redis.kill();
    redis.restart();
    redis.kill();
    std::ifstream file(log, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(file)), {});
    ASSERT_GT(whole.size(), before);

    for (std::size_t size = before; size <= whole.size(); ++size) {
        std::ofstream(log, std::ios::binary | std::ios::trunc)
            .write(whole.data(), static_cast<std::streamsize>(size));
        const bool is_whole = size == whole.size();
        SCOPED_TRACE("cut at byte " + std::to_string(size - before));
        redis.restart();
        ASSERT_EQ(state(), is_whole ? state_after : state_before);
        // What is acknowledged now stands behind the cut; a cut that Redis repaired only in part
        // shows when it reads both.
        journal = open_or_fail(redis.options());
        const AppendOutcome outcome = append(*journal, batch(fence(1), kept, "other"));
        ASSERT_EQ(std::holds_alternative<Appended>(outcome), !is_whole);
        const std::string acknowledged = state();
        redis.kill();
        journal.reset();
        redis.restart();
        ASSERT_EQ(state(), acknowledged);
        redis.kill();
    }
    redis.restart();
    journal = open_or_fail(redis.options());
    EXPECT_EQ(payloads_of(*journal), (std::vector<std::string>{"first", "second", "torn"}));
}

}  // namespace
}  // namespace crossclear::store::test
