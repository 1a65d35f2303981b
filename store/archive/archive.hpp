#pragma once

#include "store/archive/segments.hpp"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

/// Where records go before the log drops them: files that are only ever appended to.

namespace crossclear::store {

/// Where an archive ends now, seq 0 if it is empty; or what is wrong with it.
using ArchiveOutcome = std::variant<ledger::journal::Head, ArchiveFault>;

/// The archive of all partitions in one directory.
///
/// Several owners may use one directory, in turn or by mistake at once: each writes segments of its
/// own, and only records that are committed, so that what they repeat is equal.
///
/// **Thread:** any; files are read and written on a thread of its own, where callbacks run.
class Archive {
public:
    Archive(std::filesystem::path root, std::string cluster);
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;
    ~Archive();
    /// Ends the thread; what is under way is finished, what waits is never answered.
    void stop();

    /// Reads and verifies what is there. **Cost:** all of it; asked once by every owner.
    void end(base::PartitionId partition, std::function<void(ArchiveOutcome)> done);
    /// Writes records that follow `after` and syncs them to the disk before `done` hears.
    /// `after` is where the archive ends; with seq 0 the first record may be the base of a log that
    /// was trimmed, and begins a segment.
    void append(base::PartitionId partition, ledger::journal::Head after,
                std::vector<ledger::journal::Record> records,
                std::function<void(ArchiveOutcome)> done);

private:
    struct Segment {
        int file{-1};
        std::size_t bytes{};
        std::uint64_t last{};
    };

    void post(std::function<void()> job);
    void run();
    [[nodiscard]] ArchiveOutcome read_end(base::PartitionId partition) const;
    [[nodiscard]] ArchiveOutcome write(base::PartitionId partition,
                                       const ledger::journal::Head& after,
                                       const std::vector<ledger::journal::Record>& records);
    [[nodiscard]] ArchiveOutcome open_segment(base::PartitionId partition, std::uint64_t first);
    void close(base::PartitionId partition);

    const std::filesystem::path root_;
    const std::string cluster_;
    std::map<base::PartitionId, Segment> open_;  // Used by the thread alone.
    std::mutex mutex_;
    std::condition_variable wakes_;
    std::deque<std::function<void()>> jobs_;  // Guarded by mutex_, like the next.
    bool is_stopping_{};
    std::thread thread_;
};

}  // namespace crossclear::store
