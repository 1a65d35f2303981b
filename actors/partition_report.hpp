#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace crossclear::actors {

/// What one partition's books say of one broker, absolute figures. From its journal host to the
/// broker's netting host, after commits; a later one replaces an earlier one.
struct PartitionReport {
    /// One asset, over all accounts of the partition.
    struct AssetLine {
        base::Amount conv;
        base::Amount hbook;
        base::Amount vm;
        base::Amount covered;  ///< FREE + HELD.
        base::Amount unsettled;
        base::Amount held;
        base::Amount deposited;    ///< Of the quota.
        base::Amount returned;     ///< Of the quota.
        base::Amount transferred;  ///< Of the quota.
        base::Amount overdue;      ///< Claims past their time.
        base::Amount capital;      ///< Only from the broker's home.
        base::Amount insurance;    ///< Likewise.
        base::Amount loss;         ///< What defaulting clients owed, less what was paid of it.
        base::Timestamp oldest_due;
    };
    /// One asset on one shard.
    struct ShardLine {
        base::ShardId shard;
        base::AssetId asset;
        base::Amount nostro;
        base::Amount inflight_out;
        base::Amount suspense;
        base::Amount position;  ///< VPOS.
        base::Amount posted;
    };
    base::BrokerId broker;
    base::PartitionId partition;
    std::uint64_t sequence{};
    std::map<base::AssetId, AssetLine> assets;
    std::vector<ShardLine> shards;                 ///< Only from the broker's home.
    std::map<std::uint64_t, base::Amount> hedged;  ///< By task, as far as `assets` know; home only.
};

}  // namespace crossclear::actors
