#pragma once

#include "base/listing.hpp"
#include "base/result.hpp"
#include "ledger/words.hpp"
#include "shards/evm/blocks.hpp"
#include "shards/evm/words.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

/// Orders as calls of a broker's vault, and what the vault tells as notices.
///
/// The subtle thing is the unit. A token counts in more digits than our ledger; what leaves is a
/// whole number of our units and converts exactly, what comes in was rounded down to whole units by
/// the vault itself, which keeps what is beyond. So a number of the vault's that is no whole number
/// of units is a lie, or another contract.

namespace crossclear::shards::evm {

/// A token of a chain, and what we call it.
struct Token {
    base::AssetId asset;
    Address contract;
    int decimals{};  ///< At least the scale that the listing has.
};

/// Where a chain's contracts are.
struct VaultTerms {
    base::ShardId shard;
    Address vault;
    std::vector<Token> tokens;
    std::map<base::InstrumentId, Address> venues;
    /// The way to another shard: through which bridge, to which chain, to which vault.
    struct Way {
        Address bridge;
        std::uint64_t chain_id{};
        Address vault;
    };
    std::map<base::ShardId, Way> ways;
};

/// What an order is called on every chain: 15 bytes of the hash of the cluster's name, and its
/// reference. Whoever finds one, as a bridge's other end does, knows whose it is.
[[nodiscard]] Hash intent_of(std::string_view cluster, const base::OrderRef& ref);
/// The reference; nothing where it is another cluster's, or none.
[[nodiscard]] std::optional<base::OrderRef> ref_of(std::string_view cluster, const Hash& intent);

/// How many of a token's units one of ours is; nothing where the token has fewer digits than the
/// ledger, or more than `decimals_max`.
[[nodiscard]] std::optional<Uint256> unit_of(const Token& token, const base::Listing& listing);
inline constexpr int decimals_max = 36;

/// A worst price as venues take it: raw units of what is paid per raw unit of what is traded, times
/// 1e36. Exact. Nothing where it is not positive or has no exact spelling.
[[nodiscard]] std::optional<Uint256> limit_of(base::Price price, int base_decimals,
                                              int quote_decimals);

/// The call that an order is. **Errors:** `unsupported` for what the vault does not do: contracts
/// and margin, tokens, venues, destinations and ways that it does not have.
[[nodiscard]] base::Result<Bytes, ledger::ShardRefusal> call_of(const VaultTerms& terms,
                                                                const base::Listing& listing,
                                                                const Hash& intent,
                                                                const ledger::ShardOrder& order);

/// How an intent ended, as the vault's event has it.
struct Ended {
    Hash intent;
    ledger::ShardRefusal result{};
    Address given;
    Uint256 given_amount;
    Address received;
    Uint256 received_amount;
};
/// Reads one. Nothing where it is another event, another contract's or no spelling of one.
[[nodiscard]] std::optional<Ended> parse_ended(const VaultTerms& terms, const Log& log);
/// The topic under which nodes find them; the second one is the intent.
[[nodiscard]] Hash ended_topic();

/// What became of an order, but for its finality, block and gas. Nothing where the amounts are none
/// of ours: of a token that is not listed, no whole units, or more than the ledger counts.
[[nodiscard]] std::optional<ledger::OrderNotice> notice_of(const VaultTerms& terms,
                                                           const base::Listing& listing,
                                                           const ledger::ShardOrder& order,
                                                           const Ended& ended);

/// What a key has of the native token in units of the asset that it is to us, rounded down. What
/// gas took is the difference of two: so what remains of a unit is neither lost nor counted twice,
/// however many transactions there are.
[[nodiscard]] Uint256 native_units(const Uint256& wei, int scale);

/// So many units; where that is more than the ledger counts the most that it does, which is off
/// scale (`base::is_off_scale`): for looking at, never for booking.
[[nodiscard]] base::Amount saturated(const Uint256& units);

}  // namespace crossclear::shards::evm
