#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <string>
#include <variant>

/// What the world owes a withdrawal's events.

namespace crossclear::ledger::withdrawal {

/// Wakes it for its next review.
struct ReviewAt {
    base::Timestamp at;
    friend bool operator==(const ReviewAt&, const ReviewAt&) = default;
};

/// Opens the one-leg instruction that pays it; repeats are dropped by its identity.
struct OpenInstruction {
    base::EntityId instruction;
    base::EntityId withdrawal;
    base::AssetId asset;
    base::Amount amount;
    base::ShardId shard;
    std::string destination;
    friend bool operator==(const OpenInstruction&, const OpenInstruction&) = default;
};

/// Tells the account that it is paid; repeated until acknowledged.
struct TellPaid {
    base::AccountId account;
    std::uint32_t number{};
    std::uint64_t block{};
    friend bool operator==(const TellPaid&, const TellPaid&) = default;
};

/// Tells the account to take its tokens back; repeated until acknowledged.
struct TellDropped {
    base::AccountId account;
    std::uint32_t number{};
    ShardRefusal reason{ShardRefusal::none};
    friend bool operator==(const TellDropped&, const TellDropped&) = default;
};

using Effect = std::variant<ReviewAt, OpenInstruction, TellPaid, TellDropped>;

}  // namespace crossclear::ledger::withdrawal
