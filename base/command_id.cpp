#include "base/command_id.hpp"

#include <fmt/format.h>

namespace crossclear::base {
namespace {

constexpr std::size_t uuid_length = 36;
constexpr std::size_t ulid_length = 26;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Crockford's base 32: no I, L, O, U.
int base32_value(char c) {
    static constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto at = alphabet.find(upper);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

void shift_in(CommandId& id, int bits, int value) {
    id.hi = (id.hi << bits) | (id.lo >> (64 - bits));
    id.lo = (id.lo << bits) | static_cast<std::uint64_t>(value);
}

Result<CommandId, CommandIdError> parse_uuid(std::string_view text) {
    CommandId id;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash_place) {
            if (text[i] != '-') return Failure{CommandIdError::malformed};
            continue;
        }
        const int value = hex_value(text[i]);
        if (value < 0) return Failure{CommandIdError::malformed};
        shift_in(id, 4, value);
    }
    const bool is_version_7 = ((id.hi >> 12) & 0xF) == 7 && (id.lo >> 62) == 2;
    if (!is_version_7) return Failure{CommandIdError::not_version_7};
    return id;
}

Result<CommandId, CommandIdError> parse_ulid(std::string_view text) {
    // 26 characters hold 130 bits; the first may use only three of its five.
    if (base32_value(text.front()) > 7) return Failure{CommandIdError::malformed};
    CommandId id;
    for (const char c : text) {
        const int value = base32_value(c);
        if (value < 0) return Failure{CommandIdError::malformed};
        shift_in(id, 5, value);
    }
    return id;
}

}  // namespace

Result<CommandId, CommandIdError> parse_command_id(std::string_view text) {
    if (text.size() == uuid_length) return parse_uuid(text);
    if (text.size() == ulid_length) return parse_ulid(text);
    return Failure{CommandIdError::malformed};
}

std::string to_string(CommandId id) {
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", id.hi >> 32, (id.hi >> 16) & 0xFFFF,
                       id.hi & 0xFFFF, id.lo >> 48, id.lo & 0xFFFF'FFFF'FFFFULL);
}

CommandId make_command_id(Timestamp at, std::uint64_t random_hi, std::uint64_t random_lo) noexcept {
    const auto milliseconds = static_cast<std::uint64_t>(at.us / 1'000);
    return CommandId{.hi = (milliseconds << 16) | 0x7000 | (random_hi & 0x0FFF),
                     .lo = (std::uint64_t{2} << 62) | (random_lo >> 2)};
}

}  // namespace crossclear::base
