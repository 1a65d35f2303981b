#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/words.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <variant>

/// What became true of one signing lane: of what one key has signed on one chain.

namespace crossclear::ledger::signing {

/// A Keccak-256: of a transaction or a block.
using Hash = std::array<std::uint8_t, 32>;
/// Of a key or a contract.
using Address = std::array<std::uint8_t, 20>;

/// What a transaction offers for one unit of gas, after EIP-1559. **Units:** wei.
struct Fees {
    std::uint64_t tip_wei{};  ///< To whoever makes the block, at most.
    std::uint64_t fee_wei{};  ///< In all, at most; the tip in it.

    friend bool operator==(const Fees&, const Fees&) = default;
};

/// What a transaction under a nonce is for. Stored; numbers are never reused.
enum class Purpose : std::uint8_t {
    effect = 1,  ///< The order's effect.
    cancel = 2,  ///< A transfer of nothing to the key itself, so that the nonce is used.
};

/// Why a lane stands still until an operator lets it go on. Stored; numbers are never reused.
enum class Halt : std::uint8_t {
    none = 0,
    nonce_used_elsewhere = 1,  ///< Somebody else has the key, or an older copy of this journal.
    signer_altered = 2,        ///< The signer has signed what it was not asked for.
    signer_refuses = 3,        ///< It signs not even a cancel, and later nonces wait for this one.
    other_chain = 4,           ///< Chain id or genesis block are not those of the lane.
    final_block_replaced = 5,  ///< What was final is not in the chain any more.
    contract_changed = 6,      ///< The vault's code is not what it was.
};

/// The lane has a chain and a key, for the first time or after the key was rotated.
struct LaneOpened {
    std::uint64_t chain_id{};
    Hash genesis{};  ///< Of the chain's first block.
    Address key{};
    std::uint64_t nonce{};  ///< The first one that is free.
    base::Timestamp at;
    friend bool operator==(const LaneOpened&, const LaneOpened&) = default;
};

/// A nonce belongs to an order's effect from now on. Nothing is sent before this is durable.
struct IntentTaken {
    std::uint64_t nonce{};
    base::OrderRef ref;
    std::uint64_t body{};  ///< Of the order, as `body_hash` has it.
    Address to{};
    std::string data;
    base::Timestamp deadline;  ///< A later block gives it no effect.
    base::Timestamp at;
    friend bool operator==(const IntentTaken&, const IntentTaken&) = default;
};

/// A transaction under a nonce is to be signed: the first, one that offers more, or a cancel.
struct TransactionPlanned {
    std::uint64_t nonce{};
    std::uint32_t number{};  ///< Under this nonce, from 0.
    Purpose purpose{Purpose::effect};
    ShardRefusal why{ShardRefusal::none};  ///< cancel: what becomes of the order.
    std::uint64_t gas_limit{};
    Fees fees;
    base::Timestamp at;
    friend bool operator==(const TransactionPlanned&, const TransactionPlanned&) = default;
};

/// The transaction is signed. It may be on its way once this is durable, and never before.
struct TransactionSigned {
    std::uint64_t nonce{};
    std::uint32_t number{};
    Hash hash{};
    std::string raw;  ///< The bytes that are sent, the same ones each time.
    base::Timestamp at;
    friend bool operator==(const TransactionSigned&, const TransactionSigned&) = default;
};

/// The signer will not sign it. It was never sent.
struct TransactionRefused {
    std::uint64_t nonce{};
    std::uint32_t number{};
    base::Timestamp at;
    friend bool operator==(const TransactionRefused&, const TransactionRefused&) = default;
};

/// A block holds the transaction; it may be replaced.
struct TransactionIncluded {
    std::uint64_t nonce{};
    std::uint32_t number{};
    std::uint64_t block{};
    Hash block_hash{};
    base::Amount gas{};  ///< What it cost, in units of the gas asset.
    base::Timestamp at;
    friend bool operator==(const TransactionIncluded&, const TransactionIncluded&) = default;
};

/// That block is not in the chain any more.
struct InclusionUndone {
    std::uint64_t nonce{};
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const InclusionUndone&, const InclusionUndone&) = default;
};

/// The block that holds the transaction is final: the nonce is used, by this one and no other.
struct NonceFinished {
    std::uint64_t nonce{};
    std::uint32_t number{};
    std::uint64_t block{};
    base::Timestamp at;
    friend bool operator==(const NonceFinished&, const NonceFinished&) = default;
};

/// Nothing is taken, signed or sent any more. An operator is paged.
struct LaneHalted {
    Halt reason{Halt::none};
    std::uint64_t nonce{};  ///< Which one it is about; 0 where it is about none.
    base::Timestamp at;
    friend bool operator==(const LaneHalted&, const LaneHalted&) = default;
};

/// A transaction that is not ours has used the nonce, finally: the order never had an effect under
/// it and may have one under another.
struct NonceForfeited {
    std::uint64_t nonce{};
    base::Timestamp at;
    friend bool operator==(const NonceForfeited&, const NonceForfeited&) = default;
};

/// An operator has looked and lets the lane go on, from this nonce or a later one.
struct LaneResumed {
    std::uint64_t nonce{};
    std::string reason;
    base::Timestamp at;
    friend bool operator==(const LaneResumed&, const LaneResumed&) = default;
};

using Event = std::variant<LaneOpened, IntentTaken, TransactionPlanned, TransactionSigned,
                           TransactionRefused, TransactionIncluded, InclusionUndone, NonceFinished,
                           LaneHalted, NonceForfeited, LaneResumed>;

}  // namespace crossclear::ledger::signing
