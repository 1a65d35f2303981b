#include "store/archive/archived_journal.hpp"
#include "store/archive/archiving_journal.hpp"
#include "store/memory/memory_journal.hpp"
#include "tests/store/support.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>

namespace crossclear::store::test {
namespace {

namespace fs = std::filesystem;

// A log in memory and an archive on disk: every owner is a new `Owner` over both.
class TrimArchive : public ::testing::Test {
protected:
    struct Owner {
        Owner(MemoryJournal& log, const std::string& root, std::vector<std::string>& complaints)
            : archive(root, cluster),
              journal(log, archive, [&complaints](base::PartitionId, const std::string& why) {
                  complaints.push_back(why);
              }) {}
        ~Owner() { archive.stop(); }
        Archive archive;
        ArchivingJournal journal;
    };

    TrimArchive() { prepare(log_, fence(1)); }

    Head write(const std::vector<std::string>& payloads) {
        last_ = append_all(log_, fence(1), last_, payloads);
        for (const auto& payload : payloads) all_.push_back(payload);
        return last_;
    }
    // As an owner that has just started.
    TrimOutcome trim_once(const Head& base, const std::string& root = {}) {
        Owner owner(log_, root.empty() ? root_.path() : root, complaints_);
        return trim(owner.journal, fence(1), base);
    }
    // The reader owns what it reads: the same records again.
    std::unique_ptr<Journal> copy_of_log() {
        auto copy = std::make_unique<MemoryJournal>(cluster);
        prepare(*copy, fence(1));
        const auto records = log_.records_of(partition);
        if (records.empty()) return copy;
        std::promise<AppendOutcome> begun;
        copy->begin_at(partition, fence(1), records.front(),
                       [&](AppendOutcome outcome) { begun.set_value(std::move(outcome)); });
        Head last = records.front().head;
        for (std::size_t i = 1; i < records.size(); ++i) {
            append(*copy, {.partition = partition,
                           .fence = fence(1),
                           .expected = last,
                           .record = records[i]});
            last = records[i].head;
        }
        return copy;
    }
    // Archive and log as one.
    ReadOutcome whole(const std::string& root = {}) {
        ArchivedJournal both(root.empty() ? root_.path() : root, cluster, copy_of_log());
        ReadRecords all;
        while (true) {
            auto page = read(both, all.records.size() + 1, 3);
            auto* some = std::get_if<ReadRecords>(&page);
            if (some == nullptr) return page;
            if (some->records.empty()) return all;
            for (auto& record : some->records) all.records.push_back(std::move(record));
        }
    }
    std::vector<std::string> told(const std::string& root = {}) {
        const auto outcome = whole(root);
        const auto* found = std::get_if<ReadRecords>(&outcome);
        std::vector<std::string> payloads;
        if (found == nullptr) return {std::get<Damaged>(outcome).reason};
        for (const auto& record : found->records) payloads.push_back(record.payload);
        return payloads;
    }
    std::string why_not_whole() {
        const auto outcome = whole();
        if (const auto* damaged = std::get_if<Damaged>(&outcome)) return damaged->reason;
        // What the archive lacks at its end the log may have still; it is told all the same.
        ArchiveReader reader(root_.path(), cluster, partition);
        while (std::holds_alternative<Record>(reader.next())) {
        }
        return reader.torn().empty() ? "it is whole" : reader.torn().front();
    }
    std::vector<fs::path> segments(const std::string& root = {}) {
        std::vector<fs::path> found;
        const auto at = archive_directory(root.empty() ? root_.path() : root, partition);
        for (const auto& entry : fs::directory_iterator(at)) found.push_back(entry.path());
        std::sort(found.begin(), found.end());
        return found;
    }
    static void flip(const fs::path& path, std::uintmax_t at) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(at));
        const auto byte = static_cast<char>(file.get() ^ 1);
        file.seekp(static_cast<std::streamoff>(at));
        file.put(byte);
    }

    MemoryJournal log_{cluster};
    TestDirectory root_;
    Head last_;
    std::vector<std::string> all_;
    std::vector<std::string> complaints_;
};

// Goal: what is dropped can be shown for ever; archive and log are one chain.
TEST_F(TrimArchive, HoldsWhatIsDropped) {
    write({"a", "b", "c"});
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim_once(last_)));
    EXPECT_EQ(log_.records_of(partition).size(), 1U);
    write({"d", "e"});
    EXPECT_EQ(told(), all_);
    {
        Owner owner(log_, root_.path(), complaints_);
        EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(owner.journal, fence(1), last_)));
        write({"f"});
        EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(owner.journal, fence(1), last_)));
        EXPECT_EQ(owner.journal.archived().at(partition), last_.seq);
    }
    write({"g"});
    EXPECT_EQ(told(), all_);
    EXPECT_EQ(segments().size(), 2U) << "one of each owner";
    EXPECT_TRUE(complaints_.empty());
}

// Goal: nothing is dropped that is not archived.
TEST_F(TrimArchive, WhatCannotBeArchivedIsNotDropped) {
    const Head base = write({"a", "b", "c"});
    const TestDirectory other;
    const auto file = other.path() + "/file";
    std::ofstream(file) << "no directory";
    EXPECT_TRUE(std::holds_alternative<Declined>(trim_once(base, file)));
    EXPECT_EQ(log_.records_of(partition).size(), 3U);
    ASSERT_EQ(complaints_.size(), 1U);
    EXPECT_NE(complaints_.front().find(file), std::string::npos);
    log_.corrupt(partition, 2);
    EXPECT_TRUE(std::holds_alternative<Declined>(trim_once(base)));
    EXPECT_EQ(log_.records_of(partition).size(), 3U);
}

// Goal: killed between the archive's write and the trim, or in the middle of the write: the next
// owner goes on, and no record is told twice or missing.
TEST_F(TrimArchive, GoesOnAfterACrashAtAnyByte) {
    write({"a", "bb", "ccc"});
    {
        Owner owner(log_, root_.path(), complaints_);
        std::promise<void> written;
        owner.archive.append(partition, {}, log_.records_of(partition),
                             [&](const ArchiveOutcome&) { written.set_value(); });
        written.get_future().wait();
    }
    ASSERT_EQ(segments().size(), 1U);
    const auto whole_segment = segments().front();
    const auto size = fs::file_size(whole_segment);
    const auto records = log_.records_of(partition);
    for (std::uintmax_t kept = 0; kept <= size; ++kept) {
        SCOPED_TRACE(kept);
        const TestDirectory root;
        const auto directory = archive_directory(root.path(), partition);
        fs::create_directories(directory);
        const auto torn = directory / whole_segment.filename();
        fs::copy_file(whole_segment, torn);
        fs::resize_file(torn, kept);
        EXPECT_EQ(told(root.path()), all_) << "what the archive lacks is in the log";
        MemoryJournal log(cluster);
        prepare(log, fence(1));
        append_all(log, fence(1), Head{}, all_);
        {
            Owner owner(log, root.path(), complaints_);
            EXPECT_TRUE(std::holds_alternative<Trimmed>(
                trim(owner.journal, fence(1), records.back().head)));
        }
        ArchiveReader reader(root.path(), cluster, partition);
        for (const auto& payload : all_) {
            const auto next = reader.next();
            ASSERT_TRUE(std::holds_alternative<Record>(next));
            EXPECT_EQ(std::get<Record>(next).payload, payload);
        }
        EXPECT_TRUE(std::holds_alternative<ArchiveReader::End>(reader.next()));
    }
    EXPECT_TRUE(complaints_.empty());
}

// Goal: each flipped byte is found, or what it says is the same; and the file is named.
TEST_F(TrimArchive, TellsAFlippedByteWithFileAndRecord) {
    write({"a", "b", "c"});
    trim_once(last_);
    write({"d"});
    const auto path = segments().front();
    const auto size = fs::file_size(path);
    for (std::uintmax_t at = 0; at < size; ++at) {
        SCOPED_TRACE(at);
        flip(path, at);
        const auto why = why_not_whole();
        EXPECT_NE(why.find(path.string()), std::string::npos) << why;
        const bool is_named = at < segment_title.size() || why.find("record ") != std::string::npos;
        EXPECT_TRUE(is_named) << why;
        flip(path, at);
    }
    EXPECT_EQ(told(), all_);
    flip(path, size - 1);
    EXPECT_NE(why_not_whole().find("record 3 was altered"), std::string::npos);
    EXPECT_TRUE(std::holds_alternative<Declined>(trim_once(last_))) << "nobody adds to it";
}

TEST_F(TrimArchive, TellsASegmentThatIsMissing) {
    for (int i = 0; i < 3; ++i) {
        write({"a", "b"});
        trim_once(last_);
    }
    write({"c"});
    ASSERT_EQ(segments().size(), 3U);
    const auto away = root_.path() + "/away";
    const auto all = segments();
    fs::rename(all[1], away);
    EXPECT_NE(why_not_whole().find("records 3 to 4 are in no segment"), std::string::npos)
        << why_not_whole();
    fs::rename(away, all[1]);
    fs::rename(all[2], away);
    EXPECT_NE(why_not_whole().find("the archive ends at record 4 and the log begins at record 6"),
              std::string::npos)
        << why_not_whole();
    fs::rename(away, all[2]);
    fs::resize_file(all[2], fs::file_size(all[2]) - 1);
    EXPECT_NE(why_not_whole().find("ends within record 6"), std::string::npos) << why_not_whole();
}

// Goal: an owner on another node goes on, in the same directory or in its own; all segments in one
// directory are the whole chain.
TEST_F(TrimArchive, OwnersWithDirectoriesOfTheirOwnAreWholeTogether) {
    const TestDirectory second;
    write({"a", "b"});
    trim_once(last_);
    write({"c", "d"});
    trim_once(last_, second.path());
    write({"e", "f"});
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim_once(last_)));
    ASSERT_EQ(complaints_.size(), 1U) << "the first has a hole now";
    EXPECT_NE(complaints_.front().find("records 3 to 3"), std::string::npos);
    EXPECT_NE(why_not_whole().find("records 3 to 3 are in no segment"), std::string::npos);
    for (const auto& segment : segments(second.path())) {
        fs::copy_file(segment, archive_directory(root_.path(), partition) / segment.filename());
    }
    EXPECT_EQ(told(), all_);
}

// Goal: two owners that write at once, one of them replaced, leave one chain.
TEST_F(TrimArchive, TwoOwnersInOneDirectoryRepeatEachOther) {
    Owner old(log_, root_.path(), complaints_);
    Owner young(log_, root_.path(), complaints_);
    write({"a"});
    std::promise<void> read_first;
    old.archive.end(partition, [&](const ArchiveOutcome&) { read_first.set_value(); });
    read_first.get_future().wait();
    std::promise<void> written;
    old.archive.append(partition, {}, log_.records_of(partition),
                       [&](const ArchiveOutcome&) { written.set_value(); });
    written.get_future().wait();
    write({"b", "c"});
    const auto all = log_.records_of(partition);
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(young.journal, fence(1), last_)));
    std::promise<void> written_again;
    old.archive.append(partition, all[0].head, {all[1], all[2]},
                       [&](const ArchiveOutcome&) { written_again.set_value(); });
    written_again.get_future().wait();
    EXPECT_EQ(told(), all_);
}

// Goal: two owners that live on and trim in turn, in one directory, need no word from each other.
TEST_F(TrimArchive, OwnersThatTakeTurnsInOneDirectoryAreOneChain) {
    Owner one(log_, root_.path(), complaints_);
    Owner other(log_, root_.path(), complaints_);
    for (int i = 0; i < 3; ++i) {
        for (Owner* owner : {&one, &other}) {
            write({"a", "b"});
            EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(owner->journal, fence(1), last_)));
        }
    }
    EXPECT_EQ(told(), all_);
    EXPECT_TRUE(complaints_.empty());
}

// Goal: what is archived is never built on by another log, and so never stands for it.
TEST_F(TrimArchive, OfAnotherLogIsNotBuiltOn) {
    write({"a", "b"});
    trim_once(last_);
    const auto of_another = [&](const std::vector<std::string>& payloads) {
        MemoryJournal log(cluster);
        prepare(log, fence(1));
        const Head end = append_all(log, fence(1), Head{}, payloads);
        Owner owner(log, root_.path(), complaints_);
        EXPECT_TRUE(std::holds_alternative<Declined>(trim(owner.journal, fence(1), end)));
        EXPECT_EQ(log.records_of(partition).size(), payloads.size());
    };
    of_another({"a", "x"});
    of_another({"a", "x", "c"});
    ASSERT_EQ(complaints_.size(), 2U);
    EXPECT_NE(complaints_[0].find("holds another record 2"), std::string::npos);
    EXPECT_NE(complaints_[1].find("record 3 does not follow record 2"), std::string::npos);
    EXPECT_EQ(told(), all_);
}

// Goal: what was in the way is looked for again each time: no restart is needed once it is gone.
TEST_F(TrimArchive, GoesOnOnceAnotherLogIsAway) {
    write({"a", "b"});
    trim_once(last_);
    MemoryJournal log(cluster);
    prepare(log, fence(1));
    const Head end = append_all(log, fence(1), Head{}, {"a", "x"});
    Owner owner(log, root_.path(), complaints_);
    EXPECT_TRUE(std::holds_alternative<Declined>(trim(owner.journal, fence(1), end)));
    fs::remove_all(archive_directory(root_.path(), partition));
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(owner.journal, fence(1), end)));
}

// Goal: what stays in the log is not archived: its owner may yet be replaced, and it with it.
TEST_F(TrimArchive, HoldsNothingBeyondTheBase) {
    const Head base = write({"a", "b"});
    write({"c", "d"});
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trim_once(base)));
    ArchiveReader reader(root_.path(), cluster, partition);
    while (std::holds_alternative<Record>(reader.next())) {
    }
    EXPECT_EQ(reader.last(), base);
    EXPECT_EQ(told(), all_);
}

TEST_F(TrimArchive, IsReadFromAnyRecordOn) {
    write({"a", "b", "c", "d"});
    trim_once(last_);
    write({"e"});
    ArchivedJournal both(root_.path(), cluster, copy_of_log());
    for (const std::uint64_t from : {3U, 2U, 4U, 5U}) {
        const auto page = std::get<ReadRecords>(read(both, from, 2));
        ASSERT_FALSE(page.records.empty());
        EXPECT_EQ(page.records.front().payload, all_[from - 1]);
    }
}

// Goal: segments of two logs in one directory are told, whichever is read first.
TEST_F(TrimArchive, TellsSegmentsThatContradictEachOther) {
    write({"a", "b"});
    trim_once(last_);
    const TestDirectory second;
    MemoryJournal log(cluster);
    prepare(log, fence(1));
    const Head first = append_all(log, fence(1), Head{}, {"a"});
    const Head end = append_all(log, fence(1), first, {"x"});
    {
        Owner owner(log, second.path(), complaints_);
        EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(owner.journal, fence(1), end)));
    }
    const auto here = archive_directory(root_.path(), partition);
    const auto in = [&](const std::string& salt) {
        return here / ("00000000000000000001-" + salt);
    };
    fs::rename(segments().front(), in("0000000000000001.records"));
    fs::copy_file(segments(second.path()).front(), in("0000000000000002.records"));
    EXPECT_NE(why_not_whole().find("record 2 was altered"), std::string::npos) << why_not_whole();
    fs::rename(in("0000000000000002.records"), in("0000000000000000.records"));
    EXPECT_NE(why_not_whole().find("record 2 was altered"), std::string::npos) << why_not_whole();
    fs::remove(in("0000000000000000.records"));
    // A log that begins with its last record, as one does that was trimmed before.
    const TestDirectory third;
    EXPECT_EQ(log.records_of(partition).size(), 1U);
    {
        Owner owner(log, third.path(), complaints_);
        EXPECT_TRUE(std::holds_alternative<Trimmed>(trim(owner.journal, fence(1), end)));
    }
    const auto lone = segments(third.path()).front();
    fs::copy_file(lone, here / lone.filename());
    EXPECT_NE(why_not_whole().find("record 2 was altered"), std::string::npos) << why_not_whole();
}

// Files may not grow beyond a size for as long as this lives, as on a disk that is full.
class FullDisk {
public:
    explicit FullDisk(std::uintmax_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        auto limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

// Goal: a disk that fills up in the middle of a record costs nothing but time.
TEST_F(TrimArchive, GoesOnWhenThereIsRoomAgain) {
    Owner owner(log_, root_.path(), complaints_);
    const auto trimmed = [&] { return trim(owner.journal, fence(1), last_); };
    write({"a", "b"});
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trimmed()));
    const auto size = fs::file_size(segments().front());
    write({"c"});
    {
        const FullDisk full(size + 10);
        EXPECT_TRUE(std::holds_alternative<Declined>(trimmed()));
    }
    EXPECT_EQ(fs::file_size(segments().front()), size + 10) << "the record is torn";
    EXPECT_EQ(log_.records_of(partition).size(), 2U);
    EXPECT_EQ(complaints_.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Trimmed>(trimmed()));
    EXPECT_EQ(told(), all_);
}

}  // namespace
}  // namespace crossclear::store::test
