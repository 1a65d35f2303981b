#pragma once

#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "shards/evm/vault.hpp"
#include "shards/evm/words.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What was deployed where: the file that deploy/chain/site.mjs writes, and what it means for our
/// listing. What the two disagree on is found here, before any order is made of it.

namespace crossclear::shards::evm {

/// A token, by its own name and by the listing's.
struct SiteToken {
    std::string symbol;  ///< `WETH`.
    std::string asset;   ///< `ETH`.
    Address contract;
    int decimals{};
    int scale{};  ///< Digits that its vaults count.
};

/// How a venue makes its prices.
enum class VenueKind : std::uint8_t {
    synthetic_exchange,     ///< A feeder says them.
    constant_product_pool,  ///< What lies in it does.
    lending_pool,           ///< Interest does.
    binary_market,          ///< Its maker says them.
};

/// Where tokens are traded against another one; all by their symbols.
struct SiteVenue {
    std::string name;
    VenueKind kind{};
    Address contract;
    std::string quote;
    std::vector<std::string> bases;  ///< Of a market the outcome that comes true, then the other.
    Uint256 half_spread;             ///< Of a market, times 1e36,
    Uint256 capacity;                ///< and in raw units.
};

/// What one broker has there.
struct SiteVault {
    std::string broker;
    Address contract;
    Address operator_key;
    std::uint64_t gas_wanted{};
    Hash code_hash;  ///< Of what lies at its address.
};

/// Who may do what besides brokers.
struct SiteRoles {
    Address admin;    ///< Mints test tokens.
    Address feeder;   ///< Says the prices of synthetic exchanges.
    Address relayer;  ///< Delivers what bridges carry.
    Address maker;    ///< Says the prices of markets, and trades at pools.
    Address oracle;   ///< Says how questions are answered.
};

/// One chain and what was deployed to it.
struct ChainSite {
    std::string shard;  ///< As the listing calls it.
    std::string url;
    std::string websocket;
    std::uint64_t chain_id{};
    Hash genesis;
    std::uint64_t deployed_at{};  ///< Nobody has used it before this block.
    std::vector<SiteToken> tokens;
    std::vector<SiteVenue> venues;
    std::vector<SiteVault> vaults;
    std::optional<Address> bridge;
    SiteRoles roles;
    std::vector<Address> clients;  ///< Who got tokens of their own.

    /// What has that name, or null.
    [[nodiscard]] const SiteToken* token(std::string_view symbol) const;
    /// What the listing calls so, or null.
    [[nodiscard]] const SiteToken* token_of(std::string_view asset) const;
    /// What lies there, or null.
    [[nodiscard]] const SiteToken* token_at(const Address& contract) const;
    /// That broker's, or null.
    [[nodiscard]] const SiteVault* vault(std::string_view broker) const;
    /// Where `base` is traded for `quote`, both as the listing calls them; or null.
    [[nodiscard]] const SiteVenue* venue(std::string_view base, std::string_view quote) const;
};

/// Reads the text of a site.json. **Errors:** which field is wrong, what was expected and what was
/// found, in one sentence.
[[nodiscard]] base::Result<std::vector<ChainSite>, std::string> parse_sites(std::string_view text);
/// Reads the file. **Errors:** the same, with its name.
[[nodiscard]] base::Result<std::vector<ChainSite>, std::string> read_sites(const std::string& file);

/// The chain of that shard, or null.
[[nodiscard]] const ChainSite* site_of(const std::vector<ChainSite>& sites, std::string_view shard);

/// Where a broker's contracts are on one shard: all its assets, venues of all its instruments that
/// a vault can trade, and the ways to the same broker's other vaults.
/// **Errors:** one sentence: no such chain or vault, an asset without a token or with two, digits
/// that are not the listing's or that a token does not have, an instrument that nothing trades.
[[nodiscard]] base::Result<VaultTerms, std::string> terms_of(const std::vector<ChainSite>& sites,
                                                             const base::Listing& listing,
                                                             base::ShardId shard,
                                                             std::string_view broker);

}  // namespace crossclear::shards::evm
