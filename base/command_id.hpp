#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace crossclear::base {

/// A command's identity, chosen by the client and unique within its account: 128 bits whose first
/// 48 are milliseconds since 1970. **Text:** a UUIDv7 (RFC 9562, 36 characters) or a ULID (26).
/// Both texts of one number are the same id.
struct CommandId {
    std::uint64_t hi{};  ///< Milliseconds in the upper 48 bits.
    std::uint64_t lo{};

    friend constexpr auto operator<=>(const CommandId&, const CommandId&) = default;

    template <class Inspector>
    friend bool inspect(Inspector& f, CommandId& x) {
        return f.object(x).fields(f.field("hi", x.hi), f.field("lo", x.lo));
    }
};

/// Why a text is no command id.
enum class CommandIdError : std::uint8_t { malformed, not_version_7 };

/// Reads either text form; letters in either case.
[[nodiscard]] Result<CommandId, CommandIdError> parse_command_id(std::string_view text);

/// Writes the UUID form, lower case.
[[nodiscard]] std::string to_string(CommandId id);

/// When the client made the id, to the millisecond.
[[nodiscard]] constexpr Timestamp made_at(CommandId id) noexcept {
    return Timestamp{static_cast<std::int64_t>(id.hi >> 16) * 1'000};
}

/// Composes a UUIDv7 from a time and 74 random bits, for our own clients.
[[nodiscard]] CommandId make_command_id(Timestamp at, std::uint64_t random_hi,
                                        std::uint64_t random_lo) noexcept;

}  // namespace crossclear::base

template <>
struct std::hash<crossclear::base::CommandId> {
    std::size_t operator()(const crossclear::base::CommandId& id) const noexcept {
        return std::hash<std::uint64_t>{}(id.hi * 0x9E3779B97F4A7C15ULL ^ id.lo);
    }
};
