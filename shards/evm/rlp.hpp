#pragma once

#include "base/result.hpp"
#include "shards/evm/words.hpp"

#include <cstdint>
#include <variant>
#include <vector>

/// RLP, the form in which transactions are hashed and sent: bytes, and lists of such.
/// **Source:** Wood, "Ethereum: a secure decentralised generalised transaction ledger", appendix B.

namespace crossclear::shards::evm {

/// A string of bytes, or a list.
struct RlpItem {
    std::variant<Bytes, std::vector<RlpItem>> content;

    /// Some bytes.
    [[nodiscard]] static RlpItem of(BytesView bytes) { return {Bytes(bytes.begin(), bytes.end())}; }
    /// A number in the fewest bytes.
    [[nodiscard]] static RlpItem of(const Uint256& number) { return {to_minimal_bytes(number)}; }
    /// A list.
    [[nodiscard]] static RlpItem of(std::vector<RlpItem> items) { return {std::move(items)}; }

    /// The bytes, or null for a list.
    [[nodiscard]] const Bytes* bytes() const { return std::get_if<Bytes>(&content); }
    /// The list, or null for bytes.
    [[nodiscard]] const std::vector<RlpItem>* list() const {
        return std::get_if<std::vector<RlpItem>>(&content);
    }

    friend bool operator==(const RlpItem&, const RlpItem&) = default;
};

/// Why bytes are no RLP. There is one spelling of everything; any other is refused.
enum class RlpError : std::uint8_t {
    truncated,    ///< Ends within an item.
    trailing,     ///< Goes on after it.
    not_minimal,  ///< A length or a byte that has a shorter spelling.
    too_deep,     ///< Lists in more than `rlp_depth_max` lists.
};

/// Lists in lists; transactions have three.
inline constexpr int rlp_depth_max = 16;

/// The bytes of an item.
[[nodiscard]] Bytes rlp_encode(const RlpItem& item);
/// The item that all of the bytes spell. **Errors:** as listed.
[[nodiscard]] base::Result<RlpItem, RlpError> rlp_decode(BytesView bytes);

/// The number that an item's bytes spell. Nothing for a list, and for another spelling of it.
[[nodiscard]] std::optional<Uint256> rlp_number(const RlpItem& item);

}  // namespace crossclear::shards::evm
