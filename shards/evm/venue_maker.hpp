#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/evm/deployment.hpp"
#include "shards/evm/dev_node.hpp"
#include "shards/evm/words.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// Moves the prices of a demo's venues: says them where somebody says them, and trades until they
/// are so where what lies in a pool makes them.

namespace crossclear::shards::evm {

/// Told by whatever acts on its own: a sentence, and what is known of it.
using DevLog = std::function<void(std::string_view sentence, std::string_view reason)>;

/// What lies in a pool. **Units:** raw.
struct PoolState {
    Uint256 base;
    Uint256 quote;
    Uint256 fee_ppm;
};
/// What moves its price.
struct PoolTrade {
    bool is_buy{};
    Uint256 quantity;  ///< Of base.
    Uint256 given;     ///< At most: of quote where it buys, else of base.
};
/// The trade after which a pool's price is `price`: raw quote per raw base, times 1e36. Nothing
/// where it is that already, but for a quarter of the fee: nobody trades for less.
/// **Requires:** reserves and a price that are positive, a fee below 1.
[[nodiscard]] std::optional<PoolTrade> pool_trade_to(const PoolState& pool, const Uint256& price);

/// Of one chain. **Thread:** only one.
class VenueMaker {
public:
    /// **Requires:** `site` and `listing` outlive it.
    VenueMaker(const ChainSite& site, const base::Listing& listing, DevLog log);

    /// The price that an asset is to have wherever it is traded there; the latest one counts.
    void want(base::AssetId asset, base::Price price);
    /// Goes one step at each venue; none while the last one waits for its block.
    void work(DevNode& node);

private:
    struct Step {
        DevCall call;
        bool is_last{true};
    };
    using NextStep = base::Result<std::optional<Step>, RpcError>;
    struct Venue {
        const SiteVenue* site{};
        std::map<std::string, base::Price> wanted;  // By the token's symbol.
        std::string served;                         // Whose turn was last.
        std::optional<Hash> under_way;
        base::Timestamp sent_at;
    };

    void work_at(DevNode& node, Venue& venue);
    [[nodiscard]] NextStep next(DevNode& node, const SiteVenue& venue, const SiteToken& token,
                                base::Price price) const;
    [[nodiscard]] NextStep say(const SiteVenue& venue, const SiteToken& token,
                               base::Price price) const;
    [[nodiscard]] NextStep quote(const SiteVenue& venue, const SiteToken& token,
                                 base::Price price) const;
    [[nodiscard]] NextStep trade(DevNode& node, const SiteVenue& venue, const SiteToken& token,
                                 base::Price price) const;

    const ChainSite& site_;
    const base::Listing& listing_;
    DevLog log_;
    std::map<std::string, Venue> venues_;  // By name.
};

}  // namespace crossclear::shards::evm
