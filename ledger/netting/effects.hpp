#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "ledger/netting/events.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <variant>

/// What the world owes the house's events.

namespace crossclear::ledger::netting {

/// Tells an account how far its deposit is; repeated until acknowledged.
struct TellDeposit {
    std::uint64_t deposit{};
    base::ShardId shard;
    base::AccountId account;
    base::AssetId asset;
    base::Amount amount;
    Finality finality{Finality::unseen};
    friend bool operator==(const TellDeposit&, const TellDeposit&) = default;
};

/// Tells a partition its quota; a total, so the latest says all.
struct TellQuota {
    base::PartitionId partition;
    base::AssetId asset;
    base::Amount granted_total;
    friend bool operator==(const TellQuota&, const TellQuota&) = default;
};

/// Opens a hedge task; repeats are dropped by its identity.
struct OpenHedge {
    HedgeOpened task;
    friend bool operator==(const OpenHedge&, const OpenHedge&) = default;
};

/// Calls the rest of a task off; repeats change nothing.
struct CallOffHedge {
    std::uint64_t number{};
    friend bool operator==(const CallOffHedge&, const CallOffHedge&) = default;
};

/// Opens an instruction that moves tokens; repeats are dropped by its identity.
struct OpenMove {
    MoveOpened move;
    friend bool operator==(const OpenMove&, const OpenMove&) = default;
};

/// Tells every partition the last price of a contract; repeats change nothing.
struct TellPrice {
    base::AssetId contract;
    base::Price price;
    friend bool operator==(const TellPrice&, const TellPrice&) = default;
};

using Effect = std::variant<TellDeposit, TellQuota, OpenHedge, OpenMove, CallOffHedge, TellPrice>;

}  // namespace crossclear::ledger::netting
