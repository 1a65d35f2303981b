#include "shards/evm/words.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <limits>

namespace crossclear::shards::evm {
namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t word_digits = 64;

int value_of(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool has_prefix(std::string_view text) { return text.starts_with("0x"); }

}  // namespace

std::string to_hex(BytesView bytes) {
    std::string text = "0x";
    text.reserve(2 + 2 * bytes.size());
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0xF];
    }
    return text;
}

std::optional<Bytes> parse_hex(std::string_view text) {
    if (!has_prefix(text) || text.size() % 2 != 0) return std::nullopt;
    text.remove_prefix(2);
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = value_of(text[i]);
        const int low = value_of(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return bytes;
}

std::string to_quantity(const Uint256& number) {
    if (number == 0) return "0x0";
    const auto text = to_hex(to_minimal_bytes(number));
    return text[2] == '0' ? "0x" + text.substr(3) : text;
}

std::optional<Uint256> parse_quantity(std::string_view text) {
    if (!has_prefix(text)) return std::nullopt;
    text.remove_prefix(2);
    if (text.empty() || text.size() > word_digits) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    Uint256 number = 0;
    for (const char digit : text) {
        const int value = value_of(digit);
        if (value < 0) return std::nullopt;
        number = number * 16 + value;
    }
    return number;
}

std::optional<std::uint64_t> parse_quantity64(std::string_view text) {
    const auto number = parse_quantity(text);
    if (!number || *number > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

std::array<std::uint8_t, 32> to_word(const Uint256& number) {
    std::array<std::uint8_t, 32> word{};
    const auto bytes = to_minimal_bytes(number);
    std::copy(bytes.begin(), bytes.end(), word.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    return word;
}

Uint256 from_bytes(BytesView bytes) {
    CHECK(bytes.size() <= Hash::size, "a word has 32 bytes");
    Uint256 number = 0;
    for (const auto byte : bytes) number = number * 256 + byte;
    return number;
}

Bytes to_minimal_bytes(const Uint256& number) {
    Bytes bytes;
    for (Uint256 left = number; left != 0; left >>= 8) {
        bytes.push_back(static_cast<std::uint8_t>(left & 0xFF));
    }
    std::reverse(bytes.begin(), bytes.end());
    return bytes;
}

}  // namespace crossclear::shards::evm
