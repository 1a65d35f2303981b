#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/evm/deployment.hpp"
#include "shards/evm/dev_clients.hpp"
#include "shards/evm/venue_maker.hpp"
#include "shards/simulated/outside.hpp"

#include <memory>
#include <string>
#include <vector>

/// Everybody else on a demo's chains: clients that pay in, makers and feeders that move prices, and
/// the relayer of the bridges. Of anvil alone: its node signs for all of them.

namespace crossclear::shards::evm {

/// What they act on, and how.
struct OutsidersOptions {
    std::vector<ChainSite> sites;
    base::Listing listing;
    std::vector<std::string> brokers;  ///< Names by id, as vaults were deployed for them.
    base::Duration relay_latency{};    ///< From what is final here to its delivery there.
    base::Duration poll{base::milliseconds(100)};        ///< Nodes are asked so often.
    base::Duration receipt_patience{base::seconds(3)};   ///< A deposit waits so long for a block,
    base::Duration deposit_patience{base::seconds(20)};  ///< and so long in all.
    DevLog log{};                                        ///< Called on their threads.
};

/// Act on threads of their own, one a chain. **Thread:** any.
class Outsiders {
public:
    /// **Requires:** sites as `parse_sites` gives them.
    explicit Outsiders(OutsidersOptions options);
    Outsiders(const Outsiders&) = delete;
    Outsiders& operator=(const Outsiders&) = delete;
    /// Deposits that wait end without an answer.
    ~Outsiders();

    /// A client's own transfer to its broker's vault, as `simulated::OutsideWorld` says it. Blocks
    /// until the node has taken it, and a little longer for its block. Clients that have too little
    /// are given test tokens. **Errors:** refused; no answer from a node that is away.
    [[nodiscard]] DepositEnd deposit(base::ShardId shard, base::AccountId account,
                                     base::AssetId asset, base::Amount amount);
    /// The price that an asset is to have at all its venues. Does not wait; the latest one counts,
    /// and each venue has one transaction under way at most.
    void set_price(base::AssetId asset, base::Price price);
    /// Nothing: no venue there has perpetuals.
    void set_funding(base::AssetId asset, base::Price index);
    /// Whether bridges deliver; they do from the start. What was sent meanwhile is delivered later.
    void relay(bool is_on);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace crossclear::shards::evm
