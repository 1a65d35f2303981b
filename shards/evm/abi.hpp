#pragma once

#include "base/result.hpp"
#include "shards/evm/words.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

/// How contracts are called and what they say: words of 32 bytes, and bytes of any length behind
/// them. Only what our contracts use: addresses, numbers, hashes, truths and bytes.
/// **Source:** the Contract ABI Specification of Solidity 0.8.

namespace crossclear::shards::evm {

/// The first four bytes of a call: of the hash of `transfer(address,uint256)`.
using Selector = FixedBytes<struct SelectorTag, 4>;
/// Of a signature without spaces or names.
[[nodiscard]] Selector selector_of(std::string_view signature);
/// The first topic of an event: the hash of `Transfer(address,address,uint256)`.
[[nodiscard]] Hash topic_of(std::string_view signature);

/// Arguments one after the other, in the order of the signature.
class AbiWriter {
public:
    /// A number.
    AbiWriter& add(const Uint256& number);
    /// An address, in the last 20 bytes of its word.
    AbiWriter& add(const Address& address);
    /// Thirty-two bytes as they are.
    AbiWriter& add(const Hash& hash);
    /// A truth, as 0 or 1.
    AbiWriter& add_flag(bool flag);
    /// Bytes of any length: a reference here, themselves behind all words.
    AbiWriter& add_bytes(BytesView bytes);

    /// The arguments alone, as events and constructors have them.
    [[nodiscard]] Bytes arguments() const;
    /// A call.
    [[nodiscard]] Bytes call(const Selector& selector) const;

private:
    struct Tail {
        std::size_t word{};  // Whose reference it is.
        Bytes bytes;
    };
    void add_word(BytesView word);

    std::vector<std::uint8_t> words_;
    std::vector<Tail> tails_;
};

/// Why bytes are none of what was expected.
enum class AbiError : std::uint8_t {
    truncated,     ///< Ends before the word, or within the bytes that it refers to.
    not_canonical  ///< An address or a truth with more than fits, bytes not filled up with zeros.
};

/// Reads arguments back, one after the other. Once something is wrong, nothing is read any more.
class AbiReader {
public:
    /// Of arguments without a selector; they outlive the reader.
    explicit AbiReader(BytesView arguments) : arguments_(arguments) {}

    /// What was written by the same name; anything where something is wrong.
    [[nodiscard]] Uint256 number();
    [[nodiscard]] Address address();
    [[nodiscard]] Hash hash();
    [[nodiscard]] bool flag();
    [[nodiscard]] Bytes bytes();

    /// What is wrong, if anything is.
    [[nodiscard]] std::optional<AbiError> error() const { return error_; }

private:
    [[nodiscard]] BytesView word();
    void fail(AbiError error);

    BytesView arguments_;
    std::size_t at_{};
    std::optional<AbiError> error_;
};

}  // namespace crossclear::shards::evm
