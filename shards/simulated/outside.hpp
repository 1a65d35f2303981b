#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "shards/port.hpp"

#include <memory>
#include <variant>

namespace crossclear::shards::simulated {

/// Why a deposit cannot be counted on: the chain refused it, or nobody knows what became of it.
using DepositFault = std::variant<Refused, NoAnswer>;

/// What a service needs of the simulated outside world, wherever that runs. It outlives the shards
/// it hands out. **Thread:** any.
class OutsideWorld {
public:
    OutsideWorld() = default;
    OutsideWorld(const OutsideWorld&) = delete;
    OutsideWorld& operator=(const OutsideWorld&) = delete;
    virtual ~OutsideWorld() = default;

    /// One shard as one broker sees it; all such adapters get the broker's notices. The adapter
    /// must not be destroyed inside one of its callbacks, and none runs after it is.
    [[nodiscard]] virtual std::unique_ptr<Shard> shard(base::ShardId shard,
                                                       base::BrokerId broker) = 0;
    /// The price of the instrument whose base is `asset`; nothing if none is. A world that is away
    /// does not hear it: whoever feeds prices tells them again and again.
    /// **Requires:** a positive price, or of an outcome or an option none below zero.
    virtual void set_price(base::AssetId asset, base::Price price) = 0;
    /// The funding index of the perpetual whose contract is `asset`, as above; it may be negative.
    /// A position pays from the first one that its venue knew when it was touched.
    virtual void set_funding(base::AssetId asset, base::Price index) = 0;
    /// What a client does: sends tokens to its broker's vault with its account as the memo. Not
    /// idempotent, as transfers are not.
    /// **Errors:** refused as `Chain::deposit` does; no answer from a world that is away.
    [[nodiscard]] virtual base::Result<void, DepositFault> deposit(base::ShardId shard,
                                                                   base::AccountId account,
                                                                   base::AssetId asset,
                                                                   base::Amount amount) = 0;
};

}  // namespace crossclear::shards::simulated
