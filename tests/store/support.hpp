#pragma once

#include "ledger/journal/chain.hpp"
#include "ledger/journal/port.hpp"
#include "store/redis/connection.hpp"
#include "store/redis/embedded.hpp"
#include "store/redis/redis_journal.hpp"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// What the tests of the journals share: a directory that goes away, a real redis-server in it,
/// asynchronous calls made to wait, and the few values all of them use.

namespace crossclear::store::test {

using namespace ledger::journal;

inline constexpr auto patience = std::chrono::seconds(30);
inline constexpr base::PartitionId partition{3};
inline const std::string cluster = "test";

/// A new empty directory, removed with the object.
class TestDirectory {
public:
    TestDirectory() {
        std::string path = std::filesystem::temp_directory_path() / "crossclear-store-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) std::abort();
        path_ = path;
    }
    ~TestDirectory() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// A real redis-server in a directory of its own, and a second connection to meddle with it.
class TestRedis {
public:
    TestRedis() {
        auto started = EmbeddedRedis::start(directory_.path());
        if (!started) ADD_FAILURE() << to_string(started.error());
        server_ = std::move(started).value();
    }

    [[nodiscard]] const Endpoint& endpoint() const { return server_->endpoint(); }
    [[nodiscard]] const std::string& directory() const { return directory_.path(); }
    [[nodiscard]] EmbeddedRedis& server() { return *server_; }

    /// Kills the server as a crash would, and waits for its end.
    void kill() { signal(SIGKILL); }
    void signal(int number) { ASSERT_EQ(::kill(server_->process(), number), 0); }
    /// Starts it again after `kill`.
    void restart() {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < deadline) {
            const auto revived = server_->revive();
            ASSERT_TRUE(revived.has_value()) << to_string(revived.error());
            if (*revived) return;
        }
        FAIL() << "redis-server did not end";
    }

    /// Sends a command of the test's own and returns its answer as text.
    std::string command(std::initializer_list<std::string_view> words) {
        auto connection = Connection::open(endpoint(), base::seconds(5));
        if (!connection) return to_string(connection.error());
        const auto reply = connection->command(words);
        if (!reply) return reply.error().found;
        if ((*reply)->type == REDIS_REPLY_INTEGER) return std::to_string((*reply)->integer);
        return (*reply)->str == nullptr ? std::string{} : std::string((*reply)->str, (*reply)->len);
    }

    /// Gives a user these rules, written as in ACL SETUSER with blanks between.
    void acl(std::string_view user, std::string_view rules) {
        auto connection = Connection::open(endpoint(), base::seconds(5));
        ASSERT_TRUE(connection.has_value()) << to_string(connection.error());
        while (!rules.empty()) {
            const auto end = std::min(rules.find(' '), rules.size());
            const auto reply = connection->command({"ACL", "SETUSER", user, rules.substr(0, end)});
            ASSERT_TRUE(reply.has_value()) << to_string(reply.error());
            rules.remove_prefix(std::min(end + 1, rules.size()));
        }
    }

    [[nodiscard]] RedisOptions options() const {
        return RedisOptions{.cluster = cluster,
                            .partition_count = 8,
                            .endpoints = {endpoint()},
                            .open_timeout = base::seconds(5)};
    }

private:
    TestDirectory directory_;
    std::unique_ptr<EmbeddedRedis> server_;
};

inline std::unique_ptr<QuorumJournal> open_or_fail(const RedisOptions& options) {
    auto opened = open_redis_journal(options);
    if (!opened) {
        ADD_FAILURE() << to_string(opened.error());
        return nullptr;
    }
    return std::move(opened).value();
}

/// Makes an asynchronous call and waits for its outcome.
template <class Outcome, class Start>
Outcome await(Start start) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto future = promise->get_future();
    start([promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    if (future.wait_for(patience) != std::future_status::ready) {
        ADD_FAILURE() << "a call to the journal was never answered";
        std::abort();
    }
    return future.get();
}

inline PromisedOutcome promised(Journal& journal, base::PartitionId p = partition) {
    return await<PromisedOutcome>([&](auto done) { journal.promised(p, done); });
}
inline ConfirmOutcome confirm(Journal& journal, const Fence& fence,
                              base::PartitionId p = partition) {
    return await<ConfirmOutcome>([&](auto done) { journal.confirm(p, fence, done); });
}
inline PrepareOutcome prepare(Journal& journal, const Fence& fence,
                              base::PartitionId p = partition) {
    return await<PrepareOutcome>([&](auto done) { journal.prepare(p, fence, done); });
}
inline AppendOutcome append(Journal& journal, const Append& batch) {
    return await<AppendOutcome>([&](auto done) { journal.append(batch, done); });
}
inline ReadOutcome read(Journal& journal, std::uint64_t from, std::size_t count,
                        base::PartitionId p = partition) {
    return await<ReadOutcome>([&](auto done) { journal.read(p, from, count, done); });
}
inline StoreSnapshotOutcome store_snapshot(Journal& journal, const Fence& fence,
                                           const EntitySnapshot& snapshot) {
    return await<StoreSnapshotOutcome>(
        [&](auto done) { journal.store_snapshot(partition, fence, snapshot, done); });
}
inline ReadSnapshotOutcome read_snapshot(Journal& journal, base::EntityId entity) {
    return await<ReadSnapshotOutcome>(
        [&](auto done) { journal.read_snapshot(partition, entity, done); });
}

inline TrimOutcome trim(Journal& journal, const Fence& fence, const Head& base) {
    return await<TrimOutcome>([&](auto done) { journal.trim(partition, fence, base, done); });
}

/// A fence whose nonce is one byte repeated.
inline Fence fence(std::uint64_t epoch, std::uint8_t nonce = 1) {
    Fence result{.epoch = epoch, .nonce = {}};
    result.nonce.fill(nonce);
    return result;
}

/// The append of `payload` after `last`.
inline Append batch(const Fence& owner, const Head& last, std::string payload,
                    base::PartitionId p = partition) {
    return Append{.partition = p,
                  .fence = owner,
                  .expected = last,
                  .record = next_record(cluster, p, last, owner.epoch, std::move(payload))};
}

/// Appends payloads one after the other and returns the last head.
inline Head append_all(Journal& journal, const Fence& owner, Head last,
                       const std::vector<std::string>& payloads, base::PartitionId p = partition) {
    for (const std::string& payload : payloads) {
        const Append next = batch(owner, last, payload, p);
        const AppendOutcome outcome = append(journal, next);
        EXPECT_TRUE(std::holds_alternative<Appended>(outcome)) << "outcome " << outcome.index();
        last = next.record.head;
    }
    return last;
}

/// Every payload of a partition, read page by page.
inline std::vector<std::string> payloads_of(Journal& journal, std::size_t page = 100,
                                            base::PartitionId p = partition) {
    std::vector<std::string> payloads;
    while (true) {
        const ReadOutcome outcome = read(journal, payloads.size() + 1, page, p);
        const auto* records = std::get_if<ReadRecords>(&outcome);
        if (records == nullptr) {
            const auto* declined = std::get_if<Declined>(&outcome);
            ADD_FAILURE() << (declined ? declined->reason : "the read's outcome is unknown");
            return payloads;
        }
        if (records->records.empty()) return payloads;
        for (const Record& record : records->records) {
            EXPECT_EQ(record.head.seq, payloads.size() + 1);
            payloads.push_back(record.payload);
        }
    }
}

/// Repeats `attempt` until it returns true; only for what announces itself in no other way.
template <class Attempt>
bool eventually(Attempt attempt) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!attempt()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// The reason of an outcome that was declined or is unknown, else empty.
template <class Kind, class Outcome>
std::string reason_of(const Outcome& outcome) {
    const auto* kind = std::get_if<Kind>(&outcome);
    if (kind == nullptr) ADD_FAILURE() << "the outcome is of another kind: " << outcome.index();
    return kind == nullptr ? std::string{} : kind->reason;
}

}  // namespace crossclear::store::test
