#pragma once

#include "shards/evm/transaction.hpp"

#include <memory>
#include <optional>

/// Keys and whose signature one is, on secp256k1. **Source:** SEC 2, through libsecp256k1.

namespace crossclear::shards::evm {

/// A key in this process. For development: whoever reads the process' memory has it.
///
/// **Thread:** any.
class Key {
public:
    /// Of 32 secret bytes; nothing where they are none of the curve's.
    [[nodiscard]] static std::optional<Key> of(const Hash& secret);

    /// Whose transactions it signs.
    [[nodiscard]] const Address& address() const noexcept { return address_; }
    /// The same transaction has the same signature every time (RFC 6979).
    [[nodiscard]] SignedTransaction sign(const Transaction& transaction) const;

private:
    Key() = default;

    Hash secret_;
    Address address_;
};

/// Who has signed. Nothing where the signature is none of anybody's, or the one of two that EIP-2
/// forbids.
[[nodiscard]] std::optional<Address> signer_of(const SignedTransaction& signed_one);

/// An address with the capitals of EIP-55, as wallets show it.
[[nodiscard]] std::string to_checksummed(const Address& address);
/// Reads it, or one whose letters are all of one case. Nothing where it is anything else: whoever
/// mistyped a letter does not mean what it says.
[[nodiscard]] std::optional<Address> parse_checksummed(std::string_view text);

}  // namespace crossclear::shards::evm
