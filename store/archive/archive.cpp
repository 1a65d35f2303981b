#include "store/archive/archive.hpp"

#include "base/thread_name.hpp"
#include "ledger/journal/chain.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

ArchiveFault cannot(const std::string& what, const std::filesystem::path& path, int error) {
    return {fmt::format("{}: cannot be {}: {}", path.string(), what, std::strerror(error))};
}

// A name is on the disk once its directory is.
bool is_directory_synced(const std::filesystem::path& directory) {
    const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return false;
    const bool is_synced = ::fsync(file) == 0;
    ::close(file);
    return is_synced;
}

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::uint64_t fresh_salt() {
    std::uint64_t salt = 0;
    const auto nonce = fresh_nonce();
    std::memcpy(&salt, nonce.data(), sizeof salt);
    return salt;
}

}  // namespace

Archive::Archive(std::filesystem::path root, std::string cluster)
    : root_(std::move(root)), cluster_(std::move(cluster)), thread_([this] { run(); }) {}

Archive::~Archive() {
    stop();
    for (const auto& [partition, segment] : open_) ::close(segment.file);
}

void Archive::stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
        jobs_.clear();
    }
    wakes_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Archive::post(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (is_stopping_) return;
        jobs_.push_back(std::move(job));
    }
    wakes_.notify_one();
}

void Archive::run() {
    base::name_this_thread("archive");
    std::unique_lock lock(mutex_);
    while (true) {
        wakes_.wait(lock, [this] { return is_stopping_ || !jobs_.empty(); });
        if (is_stopping_) return;
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

void Archive::end(base::PartitionId partition, std::function<void(ArchiveOutcome)> done) {
    post([this, partition, done = std::move(done)] { done(read_end(partition)); });
}

void Archive::append(base::PartitionId partition, Head after, std::vector<Record> records,
                     std::function<void(ArchiveOutcome)> done) {
    post([this, partition, after, records = std::move(records), done = std::move(done)] {
        done(write(partition, after, records));
    });
}

ArchiveOutcome Archive::read_end(base::PartitionId partition) const {
    ArchiveReader reader(root_, cluster_, partition);
    while (true) {
        const auto next = reader.next();
        if (const auto* fault = std::get_if<ArchiveFault>(&next)) return *fault;
        if (std::holds_alternative<ArchiveReader::End>(next)) return reader.last();
    }
}

ArchiveOutcome Archive::write(base::PartitionId partition, const Head& after,
                              const std::vector<Record>& records) {
    Head last = after;
    std::string bytes;
    for (const Record& record : records) {
        // The base of a trimmed log follows nothing that can be told.
        const bool is_base = last.seq == 0 && record.head.seq > 1;
        if (!is_base && !is_linked(cluster_, partition, last, record)) {
            return ArchiveFault{fmt::format("partition {}: record {} does not follow record {}",
                                            partition.v, record.head.seq, last.seq)};
        }
        bytes += framed(record);
        last = record.head;
    }
    if (records.empty()) return last;
    const auto known = open_.find(partition);
    if (known != open_.end() && known->second.last + 1 != records.front().head.seq) {
        close(partition);
    }
    if (!open_.contains(partition)) {
        const auto opened = open_segment(partition, records.front().head.seq);
        if (std::holds_alternative<ArchiveFault>(opened)) return opened;
    }
    Segment& segment = open_.at(partition);
    if (!write_all(segment.file, bytes) || ::fsync(segment.file) != 0) {
        const int error = errno;
        // It may end in the middle of a record now: the next one goes into a segment of its own.
        close(partition);
        return cannot("written", archive_directory(root_, partition), error);
    }
    segment.bytes += bytes.size();
    segment.last = last.seq;
    if (segment.bytes > segment_bytes_max) close(partition);
    return last;
}

ArchiveOutcome Archive::open_segment(base::PartitionId partition, std::uint64_t first) {
    const auto directory = archive_directory(root_, partition);
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return cannot("made", directory, error.value());
    const auto path = directory / segment_name(first, fresh_salt());
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (file < 0) return cannot("made", path, errno);
    open_[partition] = {.file = file, .bytes = segment_title.size(), .last = first - 1};
    const bool is_named = write_all(file, segment_title) && is_directory_synced(directory) &&
                          is_directory_synced(root_);
    if (is_named) return Head{};
    const int why = errno;
    close(partition);
    return cannot("written", path, why);
}

void Archive::close(base::PartitionId partition) {
    const auto found = open_.find(partition);
    if (found == open_.end()) return;
    ::close(found->second.file);
    open_.erase(found);
}

}  // namespace crossclear::store
