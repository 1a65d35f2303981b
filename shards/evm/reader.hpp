#pragma once

#include "base/listing.hpp"
#include "shards/evm/chain.hpp"
#include "shards/evm/desk.hpp"

#include <optional>
#include <string>
#include <vector>

/// Reads what a broker's transactions did, and how its orders ended.

namespace crossclear::shards::evm {

/// Whose they are.
struct ReaderTerms {
    base::Listing listing;
    std::string cluster;  ///< Whose name is in every intent.
    base::BrokerId broker;
    VaultTerms vault;
    Address key;
    int gas_scale{};  ///< Of the asset that gas is paid in.
};

/// **Thread:** that of the chain.
class Reader {
public:
    /// **Requires:** that `chain` outlives it.
    Reader(Chain& chain, ReaderTerms terms) : chain_(chain), terms_(std::move(terms)) {}

    /// Whose transactions are read.
    [[nodiscard]] const ReaderTerms& terms() const { return terms_; }

    /// What transactions of the key did in a block: all of them that it has, by nonce. Nothing
    /// where there is no answer, or the block is not in the chain any more.
    [[nodiscard]] Awaited<std::optional<std::vector<Found>>> read(Header block,
                                                                  std::vector<Hash> sent);
    /// What one transaction did. **Errors:** as above; it may be in no block.
    [[nodiscard]] Awaited<std::optional<Found>> read_one(Hash transaction);
    /// How an order has ended by the vault's own record, until a block. It is told of at most
    /// `record_blocks` before it.
    [[nodiscard]] Awaited<std::optional<Record>> look_up(ledger::ShardOrder order, Header until);
    static constexpr std::uint64_t record_blocks = 1'000'000;

    /// What the vault, and the key of the gas asset, hold at a block.
    [[nodiscard]] Awaited<std::optional<Balances>> balances(Header at);

private:
    Chain& chain_;
    ReaderTerms terms_;
};

}  // namespace crossclear::shards::evm
