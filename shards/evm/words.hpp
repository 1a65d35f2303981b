#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What EVM chains count and name things with, and how JSON-RPC spells it: hex with `0x`.

namespace crossclear::shards::evm {

/// Any bytes.
using Bytes = std::vector<std::uint8_t>;
/// Bytes of somebody else's.
using BytesView = std::span<const std::uint8_t>;

/// A word of the machine. Arithmetic wraps; nothing here relies on it.
using Uint256 = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<
    256, 256, boost::multiprecision::unsigned_magnitude, boost::multiprecision::unchecked, void>>;

/// Bytes of one length, as names are.
template <class Tag, std::size_t N>
struct FixedBytes {
    static constexpr std::size_t size = N;
    std::array<std::uint8_t, N> bytes{};

    friend auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
};

/// Of an account or a contract: the last 20 bytes of a hash.
using Address = FixedBytes<struct AddressTag, 20>;
/// A Keccak-256, of a block, a transaction, an event or an intent.
using Hash = FixedBytes<struct HashTag, 32>;

/// Adds bytes at the end of others.
inline void append(Bytes& to, BytesView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

/// `0x` and two digits a byte, lower case.
[[nodiscard]] std::string to_hex(BytesView bytes);
/// The same of a name.
template <class Tag, std::size_t N>
[[nodiscard]] std::string to_hex(const FixedBytes<Tag, N>& name) {
    return to_hex(BytesView(name.bytes));
}
/// Reads `0x` and an even number of digits of either case. Nothing where it is anything else.
[[nodiscard]] std::optional<Bytes> parse_hex(std::string_view text);
/// Reads a name of that length.
template <class Fixed>
[[nodiscard]] std::optional<Fixed> parse_fixed(std::string_view text) {
    const auto bytes = parse_hex(text);
    if (!bytes || bytes->size() != Fixed::size) return std::nullopt;
    Fixed fixed;
    for (std::size_t i = 0; i < Fixed::size; ++i) fixed.bytes[i] = (*bytes)[i];
    return fixed;
}

/// A number as JSON-RPC has it: `0x0`, `0x1f`, no leading zeros.
[[nodiscard]] std::string to_quantity(const Uint256& number);
/// Reads one. Nothing where it has leading zeros, no digit, or more than 256 bits.
[[nodiscard]] std::optional<Uint256> parse_quantity(std::string_view text);
/// Reads one of at most 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_quantity64(std::string_view text);

/// The 32 bytes of a word, the most significant first.
[[nodiscard]] std::array<std::uint8_t, 32> to_word(const Uint256& number);
/// The number of at most 32 bytes, the most significant first. **Requires:** no more of them.
[[nodiscard]] Uint256 from_bytes(BytesView bytes);
/// The fewest bytes of a number, the most significant first; none for zero.
[[nodiscard]] Bytes to_minimal_bytes(const Uint256& number);

}  // namespace crossclear::shards::evm
