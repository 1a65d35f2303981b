#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "ledger/netting/state.hpp"

#include <cstdint>
#include <map>

/// What the house has set aside and not spent yet. Shared by its decisions.

namespace crossclear::ledger::netting {

/// What open tasks, and margin on its way to a venue, may still take from an asset's backing. A
/// move between shards stays backing all the way.
[[nodiscard]] base::Amount reserved_of(const State& state, base::AssetId asset);

/// What open tasks and moves may still take from an asset on one shard. What a task has filled, as
/// far as `hedged` says, it has taken already. **Rounding:** up.
[[nodiscard]] base::Amount engaged_at(const State& state, base::ShardId shard, base::AssetId asset,
                                      const std::map<std::uint64_t, base::Amount>& hedged = {});

/// What open tasks, moves and approved withdrawals may still take from an asset on one shard.
[[nodiscard]] base::Amount reserved_at(const State& state, base::ShardId shard,
                                       base::AssetId asset);

}  // namespace crossclear::ledger::netting
