#pragma once

#include "base/ids.hpp"
#include "ledger/journal/port.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The files of an archive: what they hold, and how they are read as one chain.
///
/// A partition has a directory, and in it segments: a line that says what this is, then records as
/// the log had them. Their own digests are the checksums. A segment is written by one owner, once,
/// and named by its first record, so owners never write into each other's files. What two of them
/// hold twice is the same record, and a segment that ends in the middle of one is followed by
/// another that begins with it.

namespace crossclear::store {

/// What is wrong with an archive: the file, the record, and what it is.
struct ArchiveFault {
    std::string what;
};

/// A segment is closed once it is larger.
inline constexpr std::size_t segment_bytes_max = std::size_t{64} * 1'024 * 1'024;
/// With what every segment begins.
inline constexpr std::string_view segment_title = "crossclear archive 1\n";

/// Where a partition's segments are.
[[nodiscard]] std::filesystem::path archive_directory(const std::filesystem::path& root,
                                                      base::PartitionId partition);
/// The name of a segment that begins with `first`; `salt` tells it from another owner's.
[[nodiscard]] std::string segment_name(std::uint64_t first, std::uint64_t salt);
/// A record as a segment holds it.
[[nodiscard]] std::string framed(const ledger::journal::Record& record);

/// One partition's archive from its first record to its last, every link verified.
class ArchiveReader {
public:
    ArchiveReader(const std::filesystem::path& root, std::string cluster,
                  base::PartitionId partition);

    /// There is no further record.
    struct End {};
    using Next = std::variant<ledger::journal::Record, End, ArchiveFault>;
    /// The next record. After a fault, or the end, it is the same again.
    [[nodiscard]] Next next();
    /// The record that was read last; seq 0 before the first.
    [[nodiscard]] const ledger::journal::Head& last() const { return last_; }
    /// Segments that end in the middle of a record: no harm where another one goes on.
    [[nodiscard]] const std::vector<std::string>& torn() const { return torn_; }
    /// Records that no segment holds; after them reading goes on. Another directory may have them.
    [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

private:
    struct Torn {};
    using Frame = std::variant<ledger::journal::Record, End, Torn, ArchiveFault>;
    [[nodiscard]] std::optional<ArchiveFault> open_next();
    [[nodiscard]] Frame read_frame();
    [[nodiscard]] std::optional<ArchiveFault> check(const ledger::journal::Record& record);
    [[nodiscard]] ArchiveFault fault(const std::string& what) const;

    std::string cluster_;
    base::PartitionId partition_;
    std::vector<std::filesystem::path> segments_;
    std::size_t opened_{};
    std::ifstream file_;
    std::filesystem::path path_;
    std::optional<ledger::journal::Head> before_;  // The last one of this segment.
    ledger::journal::Head last_;
    std::vector<std::string> torn_;
    std::vector<std::string> missing_;
    std::optional<ArchiveFault> failed_;
};

}  // namespace crossclear::store
