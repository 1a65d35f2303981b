#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wide.hpp"
#include "ledger/chart.hpp"
#include "ledger/claim_queue.hpp"
#include "ledger/event.hpp"

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// The books of one partition: what every event together says. Folded from the same events as the
/// machines and never written itself, so it can always be rebuilt and compared.

namespace crossclear::ledger {

/// One line of a trial balance. `shard` is set for the accounts that stand per shard, else 0.
struct TrialKey {
    base::BrokerId broker;
    Chart account{Chart::conv};
    base::ShardId shard;
    base::AssetId asset;

    friend constexpr auto operator<=>(const TrialKey&, const TrialKey&) = default;
};

/// Whose cover, of what.
struct BrokerAsset {
    base::BrokerId broker;
    base::AssetId asset;

    friend constexpr auto operator<=>(const BrokerAsset&, const BrokerAsset&) = default;
};

/// What this partition's FREE and HELD of one asset may sum to, as running totals.
struct Quota {
    base::Amount granted;    ///< By the home partition.
    base::Amount deposited;  ///< Final deposits of this partition's clients.
    base::Amount returned;   ///< Given back, or left with a withdrawal.
    /// Came with transfers, less what left with them. The home need not know: over all partitions
    /// these sum to what is on its way, negative.
    base::Amount transferred;

    friend bool operator==(const Quota&, const Quota&) = default;
};

/// granted + deposited - returned + transferred.
[[nodiscard]] base::Amount size_of(const Quota& quota);

/// What a broker holds on one shard according to final receipts.
struct ShardLine {
    base::Amount held;
    base::Amount posted;
    base::Amount position;

    friend bool operator==(const ShardLine&, const ShardLine&) = default;
};

/// The same however much shards have told: sums of many figures.
struct ShardHolding {
    base::Wide held{};
    base::Wide posted{};
    base::Wide position{};

    friend bool operator==(const ShardHolding&, const ShardHolding&) = default;
};

/// As figures to look at: what leaves 64 bits stands at their end.
[[nodiscard]] ShardLine seen(const ShardHolding& holding);

/// One final receipt's effect, kept to look back a little.
struct ShardEffect {
    std::uint64_t block{};
    base::AssetId asset;
    ShardLine change;

    friend bool operator==(const ShardEffect&, const ShardEffect&) = default;
};

/// A broker's holdings on one shard and the latest effects on them.
struct ShardBook {
    std::map<base::AssetId, ShardHolding> now;
    /// From after the first of `looks` on, once there are so many; at most `recent_effects_max`.
    std::deque<ShardEffect> recent;
    std::deque<std::uint64_t> looks;  ///< Blocks at which it was compared; at most `looks_max`.

    friend bool operator==(const ShardBook&, const ShardBook&) = default;
};

inline constexpr std::size_t recent_effects_max = 65'536;
// So many looks after a block every receipt of it has come in, or a break has been opened: a
// difference is a break after five in a row.
inline constexpr std::size_t looks_max = 6;

/// The holdings as they were at the end of `block`. **Requires:** the effects since then are among
/// the recent ones: `block` is not before the first of the looks.
[[nodiscard]] std::map<base::AssetId, ShardLine> at_block(const ShardBook& book,
                                                          std::uint64_t block);

/// Which broker on which shard.
struct BrokerShard {
    base::BrokerId broker;
    base::ShardId shard;

    friend constexpr auto operator<=>(const BrokerShard&, const BrokerShard&) = default;
};

/// A partition's books.
struct Book {
    std::map<TrialKey, base::Wide> trial;
    std::map<BrokerAsset, Quota> quotas;
    std::map<BrokerAsset, ClaimQueue> claims;  ///< Where anything was ever claimed.
    std::map<BrokerShard, ShardBook> shards;   ///< Only where the partition is a broker's home.
    /// Accounts with contracts: a position, or a last result that is not settled yet.
    std::map<base::AccountId, std::map<base::AssetId, base::Amount>> contracts;
    /// Accounts that owe their broker something, and what.
    std::map<base::AccountId, std::map<base::AssetId, base::Amount>> debts;
    /// Accounts that are called or being liquidated.
    std::set<base::AccountId> below_margin;
    /// What open hedge tasks have filled, signed; a task leaves with its end in the house's books.
    std::map<base::EntityId, base::Amount> hedged;
    std::uint64_t events{};  ///< Folded so far.

    friend bool operator==(const Book&, const Book&) = default;
};

/// Adds one event. Stops the process if its postings do not sum to zero.
void fold(Book& book, const Entry& entry);

/// The balance of one line, summed over shards. Debit positive.
[[nodiscard]] base::Wide balance(const Book& book, base::BrokerId broker, Chart account,
                                 base::AssetId asset);

/// The balance of one line at one shard.
[[nodiscard]] base::Wide balance_at(const Book& book, base::BrokerId broker, Chart account,
                                    base::ShardId shard, base::AssetId asset);

/// FREE plus HELD of a broker's clients here, positive.
[[nodiscard]] base::Wide covered(const Book& book, BrokerAsset of);

/// What the quota still has room for; never negative where the books are whole.
[[nodiscard]] base::Amount room(const Book& book, BrokerAsset of);

/// Says what is wrong, or nothing: every ledger sums to zero, no account on its wrong side, unless
/// gas was charged that NOSTRO did not hold, no quota overdrawn, RECV owed by known clients.
/// **Cost:** linear in the trial balance and the debts.
[[nodiscard]] std::optional<std::string> fault_of(const Book& book);

}  // namespace crossclear::ledger
