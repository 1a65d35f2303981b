#include "store/archive/segments.hpp"

#include "base/limits.hpp"
#include "ledger/journal/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

constexpr std::string_view segment_ending = ".records";
// Payload size, record epoch, sequence, digest.
constexpr std::size_t frame_head_bytes = 4 + 8 + 8 + 32;

void put_number(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, int count) {
    std::uint64_t value = 0;
    for (int i = count; i-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    }
    return value;
}

}  // namespace

std::filesystem::path archive_directory(const std::filesystem::path& root,
                                        base::PartitionId partition) {
    return root / fmt::format("p{:02}", partition.v);
}

std::string segment_name(std::uint64_t first, std::uint64_t salt) {
    return fmt::format("{:020}-{:016x}{}", first, salt, segment_ending);
}

std::string framed(const Record& record) {
    std::string bytes;
    bytes.reserve(frame_head_bytes + record.payload.size());
    put_number(bytes, record.payload.size(), 4);
    put_number(bytes, record.head.record_epoch, 8);
    put_number(bytes, record.head.seq, 8);
    bytes.append(record.head.head.begin(), record.head.head.end());
    return bytes + record.payload;
}

ArchiveReader::ArchiveReader(const std::filesystem::path& root, std::string cluster,
                             base::PartitionId partition)
    : cluster_(std::move(cluster)), partition_(partition) {
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator(archive_directory(root, partition), none)) {
        if (entry.path().extension() == segment_ending) segments_.push_back(entry.path());
    }
    // By their first records: the names have them in front, with all digits.
    std::sort(segments_.begin(), segments_.end());
}

ArchiveReader::Next ArchiveReader::next() {
    while (!failed_) {
        if (!file_.is_open()) {
            if (opened_ == segments_.size()) return End{};
            failed_ = open_next();
            continue;
        }
        auto frame = read_frame();
        if (auto* found = std::get_if<ArchiveFault>(&frame)) {
            failed_ = *found;
        } else if (auto* record = std::get_if<Record>(&frame)) {
            failed_ = check(*record);
            if (failed_) continue;
            before_ = record->head;
            if (record->head.seq <= last_.seq) continue;  // Another segment had it.
            last_ = record->head;
            return std::move(*record);
        } else {
            if (std::holds_alternative<Torn>(frame)) {
                torn_.push_back(fmt::format("{} ends within record {}", path_.string(),
                                            (before_ ? before_->seq : last_.seq) + 1));
            }
            file_.close();
        }
    }
    return *failed_;
}

std::optional<ArchiveFault> ArchiveReader::open_next() {
    path_ = segments_[opened_++];
    before_.reset();
    file_ = std::ifstream(path_, std::ios::binary);
    if (!file_) return ArchiveFault{path_.string() + ": cannot be read"};
    std::string title(segment_title.size(), '\0');
    file_.read(title.data(), static_cast<std::streamsize>(title.size()));
    const auto count = static_cast<std::size_t>(file_.gcount());
    // A writer that died at once leaves a part of the title, and nothing is missing.
    if (count < title.size() && segment_title.starts_with(title.substr(0, count))) return {};
    if (title != segment_title) return ArchiveFault{path_.string() + ": is no archive segment"};
    return std::nullopt;
}

ArchiveReader::Frame ArchiveReader::read_frame() {
    std::string head(frame_head_bytes, '\0');
    file_.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (file_.gcount() == 0) return End{};
    if (static_cast<std::size_t>(file_.gcount()) < head.size()) return Torn{};
    const auto size = number_at(head, 0, 4);
    Record record;
    record.head.record_epoch = number_at(head, 4, 8);
    record.head.seq = number_at(head, 12, 8);
    std::copy(head.begin() + 20, head.end(), record.head.head.begin());
    if (size > base::limits::record_bytes_max) {
        return fault(fmt::format("record {} was altered: it has no possible length",
                                 (before_ ? before_->seq : last_.seq) + 1));
    }
    record.payload.resize(size);
    file_.read(record.payload.data(), static_cast<std::streamsize>(size));
    if (static_cast<std::size_t>(file_.gcount()) < size) return Torn{};
    return record;
}

std::optional<ArchiveFault> ArchiveReader::check(const Record& record) {
    const auto seq = record.head.seq;
    const auto altered = [&](std::uint64_t before) {
        return fault(
            fmt::format("record {} was altered: it does not follow record {}", before + 1, before));
    };
    if (before_) {
        if (!is_linked(cluster_, partition_, *before_, record)) return altered(before_->seq);
        if (seq == last_.seq && record.head != last_) return altered(before_->seq);
        return std::nullopt;
    }
    // What repeats a record was verified where that was read first.
    if (last_.seq > 0 && seq < last_.seq) return std::nullopt;
    if (last_.seq > 0 && seq == last_.seq) {
        return record.head == last_ ? std::nullopt : std::optional(altered(seq - 1));
    }
    if (seq == last_.seq + 1) {
        if (is_linked(cluster_, partition_, last_, record)) return std::nullopt;
        return altered(last_.seq);
    }
    // The base of a log that was trimmed follows nothing that can be told.
    if (last_.seq > 0) {
        missing_.push_back(
            fmt::format("{}: begins with record {}, and records {} to {} are in no "
                        "segment",
                        path_.string(), seq, last_.seq + 1, seq - 1));
    }
    return std::nullopt;
}

ArchiveFault ArchiveReader::fault(const std::string& what) const {
    return {path_.string() + ": " + what};
}

}  // namespace crossclear::store
