#include "shards/simulated/log.hpp"

#include "shards/simulated/archive.hpp"
#include "shards/simulated/codec.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

namespace crossclear::shards::simulated {
namespace {

constexpr std::string_view magic = "crossclear chain";
constexpr std::uint32_t version = 3;
constexpr std::size_t header_bytes = magic.size() + 4;
constexpr std::size_t frame_header_bytes = 12;

LogFault fault(LogError error, const std::filesystem::path& path, std::string_view what) {
    return LogFault{.error = error, .detail = path.string() + ": " + std::string{what}};
}

LogFault system_fault(LogError error, const std::filesystem::path& path) {
    return fault(error, path, std::strerror(errno));
}

std::string number_bytes(std::uint32_t number) {
    Writer writer;
    writer(number);
    return writer.take();
}

std::uint32_t number_from(std::string_view bytes) {
    Reader reader{bytes};
    std::uint32_t number = 0;
    reader(number);
    return number;
}

std::string frame_of(std::string_view payload) {
    const std::string length = number_bytes(static_cast<std::uint32_t>(payload.size()));
    return length + number_bytes(crc32(length)) + number_bytes(crc32(payload)).append(payload);
}

std::string file_header() { return std::string{magic} + number_bytes(version); }

std::string genesis_payload(const Genesis& genesis) {
    Writer writer;
    Genesis copy = genesis;
    writer(copy.at, copy.identity);
    return writer.take();
}

bool write_fully(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

bool sync_directory(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool is_synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return is_synced;
}

// Reads frames from the start of a file and remembers where the last whole one ended.
class FrameReader {
public:
    explicit FrameReader(const std::filesystem::path& path)
        : file_(path, std::ios::binary), left_(std::filesystem::file_size(path)) {}

    // The next bytes, or as many as there are.
    std::string take(std::size_t size) {
        std::string bytes(static_cast<std::size_t>(std::min<std::uintmax_t>(size, left_)), '\0');
        file_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        if (!file_) bytes.clear();
        left_ -= bytes.size();
        return bytes;
    }

    // A payload; nothing at the end, whether clean or torn; corrupt where neither is the case.
    base::Result<std::optional<std::string>, LogError> next() {
        const std::string header = take(frame_header_bytes);
        if (header.size() < frame_header_bytes) return std::optional<std::string>{};
        const std::string_view length = std::string_view{header}.substr(0, 4);
        if (number_from(std::string_view{header}.substr(4, 4)) != crc32(length)) {
            if (is_all_zero(header) && is_rest_zero()) return std::optional<std::string>{};
            return base::Failure{LogError::corrupt};
        }
        const std::size_t size = number_from(length);
        if (size > left_) return std::optional<std::string>{};
        std::string payload = take(size);
        if (number_from(std::string_view{header}.substr(8, 4)) != crc32(payload)) {
            // A file may grow before its data lands: only the very last frame can be torn so.
            if (left_ == 0) return std::optional<std::string>{};
            return base::Failure{LogError::corrupt};
        }
        good_bytes_ += frame_header_bytes + size;
        return std::optional<std::string>{std::move(payload)};
    }

    [[nodiscard]] std::uintmax_t good_bytes() const noexcept { return header_bytes + good_bytes_; }

private:
    static bool is_all_zero(std::string_view bytes) {
        return bytes.find_first_not_of('\0') == std::string_view::npos;
    }
    bool is_rest_zero() {
        while (left_ > 0) {
            if (!is_all_zero(take(4'096))) return false;
        }
        return true;
    }

    std::ifstream file_;
    std::uintmax_t left_;
    std::uintmax_t good_bytes_{};
};

// What an existing file says, handed to `begin` and `each`; how many bytes of it are good, where
// zero means that not even the genesis was written.
base::Result<std::uintmax_t, LogError> read_file(const std::filesystem::path& path,
                                                 const Genesis& genesis,
                                                 const std::function<void(base::Timestamp)>& begin,
                                                 const std::function<bool(const Record&)>& each) {
    FrameReader reader{path};
    const std::string header = reader.take(header_bytes);
    const std::string expected = file_header();
    if (header.size() < header_bytes) {
        if (header == expected.substr(0, header.size())) return std::uintmax_t{0};
        return base::Failure{LogError::not_a_log};
    }
    if (header.substr(0, magic.size()) != magic) return base::Failure{LogError::not_a_log};
    if (header != expected) return base::Failure{LogError::wrong_version};

    const auto first = reader.next();
    if (!first) return base::Failure{first.error()};
    if (!*first) return std::uintmax_t{0};
    Genesis found;
    Reader fields{**first};
    fields(found.at, found.identity);
    if (!fields.is_done()) return base::Failure{LogError::corrupt};
    if (found.identity != genesis.identity) return base::Failure{LogError::other_parameters};
    begin(found.at);
    while (true) {
        const auto payload = reader.next();
        if (!payload) return base::Failure{payload.error()};
        if (!*payload) return reader.good_bytes();
        const auto records = decode(**payload);
        if (!records) return base::Failure{LogError::corrupt};
        if (!std::all_of(records->begin(), records->end(), each)) {
            return base::Failure{LogError::corrupt};
        }
    }
}

std::string_view words_for(LogError error) {
    switch (error) {
        case LogError::not_openable:
            return "cannot be opened";
        case LogError::in_use:
            return "another process uses it";
        case LogError::not_a_log:
            return "is not a chain's log";
        case LogError::wrong_version:
            return "was written in another version";
        case LogError::corrupt:
            return "is damaged before its end";
        case LogError::other_parameters:
            return "belongs to a chain with other parameters";
        case LogError::write_failed:
            return "cannot be written";
    }
    UNREACHABLE("an unlisted log error");
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) noexcept {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> made{};
        for (std::uint32_t i = 0; i < made.size(); ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) {
                value = (value >> 1) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
            }
            made[i] = value;
        }
        return made;
    }();
    std::uint32_t sum = 0xFFFFFFFFU;
    for (const char byte : bytes) {
        sum = (sum >> 8) ^ table[(sum ^ static_cast<unsigned char>(byte)) & 0xFFU];
    }
    return ~sum;
}

Log::Log(int descriptor, std::filesystem::path path)
    : descriptor_(descriptor), path_(std::move(path)) {}

Log::Log(Log&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      has_failed_(other.has_failed_),
      path_(std::move(other.path_)) {}

Log& Log::operator=(Log&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(has_failed_, other.has_failed_);
    std::swap(path_, other.path_);
    return *this;
}

Log::~Log() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<Log, LogFault> Log::open(const std::filesystem::path& path, const Genesis& genesis,
                                      const std::function<void(base::Timestamp)>& begin,
                                      const std::function<bool(const Record&)>& each) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0) return base::Failure{system_fault(LogError::not_openable, path)};
    Log log{descriptor, path};
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        return base::Failure{fault(LogError::in_use, path, words_for(LogError::in_use))};
    }
    const auto good_bytes = read_file(path, genesis, begin, each);
    if (!good_bytes) {
        return base::Failure{fault(good_bytes.error(), path, words_for(good_bytes.error()))};
    }
    if (::ftruncate(descriptor, static_cast<off_t>(*good_bytes)) != 0) {
        return base::Failure{system_fault(LogError::write_failed, path)};
    }
    if (*good_bytes == 0) {
        begin(genesis.at);
        const auto start = file_header() + frame_of(genesis_payload(genesis));
        if (!write_fully(descriptor, start) || !sync_directory(path.parent_path())) {
            return base::Failure{system_fault(LogError::write_failed, path)};
        }
    }
    if (::fsync(descriptor) != 0) {
        return base::Failure{system_fault(LogError::write_failed, path)};
    }
    return log;
}

base::Result<void, LogFault> Log::read(const std::filesystem::path& path, const Genesis& genesis,
                                       const std::function<void(base::Timestamp)>& begin,
                                       const std::function<bool(const Record&)>& each) {
    const auto unusable = [&](LogError error) {
        return base::Failure{fault(error, path, words_for(error))};
    };
    std::error_code failure;
    if (!std::filesystem::is_regular_file(path, failure)) return unusable(LogError::not_openable);
    const auto good_bytes = read_file(path, genesis, begin, each);
    if (!good_bytes) return unusable(good_bytes.error());
    if (*good_bytes == 0) return unusable(LogError::not_openable);
    return {};
}

base::Result<void, LogFault> Log::append(const std::vector<Record>& records) {
    if (records.empty()) return {};
    // After a failed write or sync nobody knows what the file holds: only opening it again tells.
    const bool is_written = !has_failed_ && write_fully(descriptor_, frame_of(encode(records))) &&
                            ::fdatasync(descriptor_) == 0;
    if (is_written) return {};
    has_failed_ = true;
    return base::Failure{system_fault(LogError::write_failed, path_)};
}

}  // namespace crossclear::shards::simulated
