#pragma once

#include "base/listing.hpp"
#include "shards/evm/chain.hpp"
#include "shards/evm/desk.hpp"

#include <optional>
#include <span>
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
    int gas_scale{};         ///< Of the asset that gas is paid in.
    base::Amount gas_max{};  ///< What an order's transaction can cost, at most.
};

/// **Thread:** that of the chain.
class Reader {
public:
    /// **Requires:** that `chain` outlives it.
    Reader(Chain& chain, ReaderTerms terms) : chain_(chain), terms_(std::move(terms)) {}

    /// Whose transactions are read.
    [[nodiscard]] const ReaderTerms& terms() const { return terms_; }

    /// Transactions of the key in a block: all of them that it has, by nonce.
    struct Sent {
        Header block;
        std::vector<Hash> transactions;
    };
    /// What they did, asked at once, in their order. Nothing where there is no answer, or a block
    /// is not in the chain any more. `open` are others that may be in those blocks or later:
    /// most nodes keep the states of some hundred blocks, and what the key had before an older one
    /// is what it has now and what it spent since.
    [[nodiscard]] Awaited<std::optional<std::vector<Found>>> read(std::vector<Sent> sent,
                                                                  std::vector<Hash> open);
    /// New blocks, the oldest first.
    struct NewBlocks {
        std::vector<Sent> blocks;
        std::vector<Hash> open;          ///< As above.
        std::optional<Hash> account_at;  ///< The key's at this block as well.
    };
    /// What they hold of ours.
    struct Held {
        std::vector<Found> found;                               ///< As above.
        std::vector<std::vector<ledger::ShardNotice>> inflows;  ///< By block; without a finality.
        std::optional<Chain::Account> account;
    };
    /// Asked at once. Nothing where there is no answer, or a block is not in the chain any more.
    [[nodiscard]] Awaited<std::optional<Held>> read_new(NewBlocks wanted);
    /// The inflows that logs tell of, without a finality.
    [[nodiscard]] std::vector<ledger::ShardNotice> inflows_in(const std::vector<Log>& logs) const;
    /// What one transaction did that cost so much. **Errors:** as above; it may be in no block.
    [[nodiscard]] Awaited<std::optional<Found>> recount(Hash transaction, base::Amount gas);
    /// How an order has ended by the vault's own record, until a block. It is told of at most
    /// `record_blocks` before it.
    [[nodiscard]] Awaited<std::optional<Record>> look_up(ledger::ShardOrder order, Header until);
    static constexpr std::uint64_t record_blocks = 1'000'000;

    /// What the vault, and the key of the gas asset, hold at a block. What the ledger cannot count
    /// is off scale.
    [[nodiscard]] Awaited<std::optional<Balances>> balances(Header at);

private:
    [[nodiscard]] Awaited<std::optional<Found>> read_one(Hash transaction);
    [[nodiscard]] Awaited<std::optional<std::vector<Found>>> found_in(std::vector<Sent> sent,
                                                                      std::vector<Hash> open,
                                                                      Chain::Spending spending);
    [[nodiscard]] Awaited<std::optional<Uint256>> balance_before(Header block,
                                                                 std::vector<Hash> since);
    [[nodiscard]] bool add_found(std::vector<Found>& found, const Header& block,
                                 std::span<const std::optional<Receipt>> receipts,
                                 const Uint256& balance_before) const;

    Chain& chain_;
    ReaderTerms terms_;
};

}  // namespace crossclear::shards::evm
