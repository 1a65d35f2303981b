#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/simulated/block.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// The memory of one chain across restarts: an append-only file of its own, apart from our journal.
///
/// File: a header that names format and version, then frames of length, checksum of the length,
/// checksum of the payload, payload. The first frame is the genesis; each other one holds the
/// records of one commit, made durable by one fdatasync. A frame cut short by a crash was never
/// acknowledged and is cut off; anything else that does not read is refused, not skipped.

namespace crossclear::shards::simulated {

/// Why a chain's log cannot be used.
enum class LogError : std::uint8_t {
    not_openable,      ///< The directory or file cannot be opened or made.
    in_use,            ///< Another process has it.
    not_a_log,         ///< The file is something else.
    wrong_version,     ///< Written by another format.
    corrupt,           ///< Damaged before its end, or records that do not follow.
    other_parameters,  ///< The genesis in it is not the configured one.
    write_failed,      ///< Disk full or broken: the chain must stop.
};

/// An error with the file and the system's own words.
struct LogFault {
    LogError error{};
    std::string detail;
};

/// What a log begins with.
struct Genesis {
    base::Timestamp at;    ///< When block 0 was made.
    std::string identity;  ///< The chain's parameters as bytes.
};

/// CRC-32 (ISO 3309, reflected 0xEDB88320), the checksum of frames.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes) noexcept;

/// An open log. **Thread:** one at a time.
class Log {
public:
    /// Opens or creates the file at `path` and hands every record in it to `each`, which says
    /// whether it follows. Before them, `begin` gets the genesis time: the file's, if it has one.
    /// **Errors:** all but `write_failed` on an existing file.
    [[nodiscard]] static base::Result<Log, LogFault> open(
        const std::filesystem::path& path, const Genesis& genesis,
        const std::function<void(base::Timestamp)>& begin,
        const std::function<bool(const Record&)>& each);

    /// Hands over what an existing file holds, as `open` does, and leaves the file alone: no lock
    /// is taken, nothing is cut off, and whoever writes to it may go on.
    /// **Errors:** those of an existing file; `not_openable` where there is none or only a torn
    /// one.
    [[nodiscard]] static base::Result<void, LogFault> read(
        const std::filesystem::path& path, const Genesis& genesis,
        const std::function<void(base::Timestamp)>& begin,
        const std::function<bool(const Record&)>& each);

    Log(Log&& other) noexcept;
    Log& operator=(Log&& other) noexcept;
    ~Log();

    /// Makes `records` durable together. After an error the log takes nothing more.
    /// **Cost:** one write and one fdatasync; nothing for no records.
    [[nodiscard]] base::Result<void, LogFault> append(const std::vector<Record>& records);

private:
    Log(int descriptor, std::filesystem::path path);

    int descriptor_;
    bool has_failed_{};
    std::filesystem::path path_;
};

}  // namespace crossclear::shards::simulated
