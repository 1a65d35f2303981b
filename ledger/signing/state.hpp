#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/signing/events.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What we know of one signing lane. Folded from its events; equal events, equal state.

namespace crossclear::ledger::signing {

/// One transaction under a nonce.
struct Transaction {
    Purpose purpose{Purpose::effect};
    ShardRefusal why{ShardRefusal::none};
    std::uint64_t gas_limit{};
    Fees fees{};
    base::Timestamp planned_at{};
    bool is_refused{};  ///< The signer will not sign it.
    bool is_signed{};
    Hash hash{};        ///< Once signed.
    std::string raw{};  ///< Once signed, and while it is the latest one that is: to send it again.

    friend bool operator==(const Transaction&, const Transaction&) = default;
};

/// Where a transaction is.
struct Inclusion {
    std::uint32_t number{};  ///< Which transaction.
    std::uint64_t block{};
    Hash block_hash{};
    base::Amount gas{};

    friend bool operator==(const Inclusion&, const Inclusion&) = default;
};

/// A nonce that is not finished, and the order it belongs to.
struct Slot {
    base::OrderRef ref{};
    std::uint64_t body{};
    Address to{};
    std::string data{};
    base::Timestamp deadline{};
    std::vector<Transaction> transactions{};  ///< At least one.
    std::optional<Inclusion> included{};

    friend bool operator==(const Slot&, const Slot&) = default;
};

/// How an order's nonce was finished: for whoever has not heard it yet.
struct Outcome {
    base::OrderRef ref{};
    std::uint64_t body{};
    std::uint64_t nonce{};
    std::uint64_t block{};  ///< Which is final.
    Hash hash{};            ///< Of the transaction in it.
    Purpose purpose{Purpose::effect};
    ShardRefusal why{ShardRefusal::none};
    base::Amount gas{};  ///< What that transaction cost.

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// One signing lane. The host sets `id` before the first event.
struct State {
    base::EntityId id{};
    bool is_open{};
    std::uint64_t chain_id{};
    Hash genesis{};
    Address key{};
    std::uint64_t next_nonce{};           ///< The next order's.
    std::map<std::uint64_t, Slot> slots;  ///< By nonce; all below `next_nonce`.
    /// Of the latest orders, `signing_outcomes_max` at most, the oldest first.
    std::deque<Outcome> outcomes;
    Halt halt{Halt::none};
    std::uint64_t halted_at_nonce{};

    friend bool operator==(const State&, const State&) = default;
};

/// The enumerator's name of why a lane stands still, for logs, metrics and operators.
[[nodiscard]] const char* name_of(Halt halt);

/// The nonce that belongs to an order, if one does.
[[nodiscard]] std::optional<std::uint64_t> nonce_of(const State& state, const base::OrderRef& ref);
/// How its nonce was finished, if that is still known. Null where it was not, or not lately.
[[nodiscard]] const Outcome* outcome_of(const State& state, const base::OrderRef& ref);
/// One transaction among all of a lane.
struct TransactionName {
    std::uint64_t nonce{};
    std::uint32_t number{};

    friend bool operator==(const TransactionName&, const TransactionName&) = default;
};
/// The one with this hash, if it is ours and its nonce is not finished.
[[nodiscard]] std::optional<TransactionName> transaction_of(const State& state, const Hash& hash);
/// The latest transaction that is signed: the one to send. Null where there is none yet.
[[nodiscard]] const Transaction* latest_signed(const Slot& slot);
/// The least that nodes take in place of a transaction with these fees: a tenth more of both, and
/// one wei. **Source:** the pools of geth, reth and nethermind, which want 10 %.
[[nodiscard]] Fees replacement_of(const Fees& fees);
/// Whether the latest transaction may offer no more than it does.
[[nodiscard]] bool is_at_limit(const Slot& slot, const Fees& max);

}  // namespace crossclear::ledger::signing
