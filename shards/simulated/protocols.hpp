#pragma once

#include "base/amount.hpp"
#include "base/listing.hpp"
#include "ledger/words.hpp"
#include "shards/simulated/block.hpp"
#include "shards/simulated/book.hpp"
#include "shards/simulated/parameters.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

/// What the protocols on a chain do with an order: the swap and contract venues, payments, the
/// bridge's near end, margin. Pure: they read a book and say what an entry would change.

namespace crossclear::shards::simulated {

/// The world's prices, per whole unit of an instrument's base in its settlement token.
using Prices = std::map<base::InstrumentId, base::Price>;

/// What the protocols of one chain look at besides the book.
struct Protocols {
    const base::Listing& listing;
    const ChainParameters& parameters;
    const Faults& faults;
    const Prices& prices;
    const Prices& funding;  ///< Of perpetuals: what one contract has paid who was long since ever.
    base::Timestamp at;     ///< Of the block.
};

/// Whether the world can say so of an instrument: outcomes may be worth nothing, all else costs
/// something.
[[nodiscard]] bool is_price(const base::Listing& listing, base::InstrumentId instrument,
                            base::Price price);

/// Capacity taken so far in the block being made, per instrument.
using CapacityTaken = std::map<base::InstrumentId, base::Amount>;

/// The place of a broker's own tokens.
[[nodiscard]] constexpr Place vault_of(base::BrokerId broker) noexcept {
    return Place{.kind = PlaceKind::vault, .broker = broker};
}
/// The place of a broker's margin.
[[nodiscard]] constexpr Place margin_of(base::BrokerId broker) noexcept {
    return Place{.kind = PlaceKind::margin, .broker = broker};
}

/// Whether this chain could do that at all, whatever anyone holds.
[[nodiscard]] bool is_supported(const base::Listing& listing, base::ShardId shard,
                                const ledger::ShardOrder& order);

/// Whether the chain has `asset`.
[[nodiscard]] bool has_asset(const base::Listing& listing, base::ShardId shard,
                             base::AssetId asset);

/// Whether the order must wait because its venue knows no price yet.
[[nodiscard]] bool awaits_price(const Protocols& protocols, const ledger::ShardOrder& order);

/// The entry an order becomes in a block at `height`: its effects, or a refusal that costs gas.
/// **Rounding:** prices and amounts against the broker.
/// **Requires:** `is_supported`, not `awaits_price`.
[[nodiscard]] Entry execute(const Protocols& protocols, const Book& book, CapacityTaken& taken,
                            const ledger::ShardOrder& order, std::uint64_t height,
                            bool is_reverted);

/// Settles one position against the world's price; nothing if there is nothing to settle. A loss
/// beyond the margin takes all of it and closes the position; the venue bears the rest.
/// A contract that has expired is closed at the same price; one on an outcome once its event has
/// ended, which is when it is worth nothing or one.
/// **Rounding:** the change rounds down, against the broker, and the remainder stays carried.
[[nodiscard]] std::optional<Entry> settle(const Protocols& protocols, const Book& book,
                                          base::BrokerId broker, base::InstrumentId instrument);

/// A protocol failing: each vault's holding of the asset is cut, rounded up.
[[nodiscard]] Entry fail(const Book& book, const LossTaken& loss);

}  // namespace crossclear::shards::simulated
