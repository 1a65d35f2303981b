#pragma once

#include "base/result.hpp"
#include "shards/evm/words.hpp"

#include <cstdint>
#include <optional>

/// Transactions with a base fee and a tip, the only ones that are sent.
/// **Source:** EIP-1559, EIP-2718, and EIP-2 for signatures.

namespace crossclear::shards::evm {

/// What is signed. **Units:** wei, and units of gas.
struct Transaction {
    std::uint64_t chain_id{};
    std::uint64_t nonce{};
    Uint256 tip_max;  ///< maxPriorityFeePerGas.
    Uint256 fee_max;  ///< maxFeePerGas, the tip in it.
    std::uint64_t gas_limit{};
    Address to;  ///< A contract is never created.
    Uint256 value;
    Bytes data;

    friend bool operator==(const Transaction&, const Transaction&) = default;
};

/// Over a transaction's hash.
struct Signature {
    bool is_odd{};  ///< yParity.
    Uint256 r;
    Uint256 s;  ///< At most half of the curve's order: there is one signature, not two.

    friend bool operator==(const Signature&, const Signature&) = default;
};

/// A transaction with its signature.
struct SignedTransaction {
    Transaction transaction;
    Signature signature;

    friend bool operator==(const SignedTransaction&, const SignedTransaction&) = default;
};

/// What a key signs: the Keccak-256 of the unsigned transaction.
[[nodiscard]] Hash signing_hash(const Transaction& transaction);
/// The bytes that are sent.
[[nodiscard]] Bytes raw_bytes(const SignedTransaction& signed_one);
/// The name under which a chain knows them: the Keccak-256 of the bytes.
[[nodiscard]] Hash transaction_hash(BytesView raw);

/// Why bytes are no transaction that we could have asked for.
enum class TransactionError : std::uint8_t {
    other_type,   ///< Another type of transaction, or none.
    malformed,    ///< No RLP, or not its twelve fields.
    has_access,   ///< An access list that is not empty.
    no_recipient  ///< It would create a contract.
};

/// Reads what `raw_bytes` writes, and nothing else. **Errors:** as listed.
[[nodiscard]] base::Result<SignedTransaction, TransactionError> parse_transaction(BytesView raw);

}  // namespace crossclear::shards::evm
