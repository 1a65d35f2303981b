#pragma once

#include "base/listing.hpp"
#include "ledger/signing/effects.hpp"
#include "ledger/words.hpp"
#include "shards/evm/signer.hpp"
#include "shards/evm/vault.hpp"
#include "shards/port.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// A chain whose transactions have to be signed, as it stands in the world: it outlives every node.

namespace crossclear::sim {

/// One broker's vault, its key and who signs with it, on a chain with a pool and blocks that may be
/// replaced. Nothing here keeps an effect from happening twice, as the real vault would: the
/// signing lane alone has to.
class SignedChain {
public:
    using Hash = ledger::signing::Hash;

    /// A reorganisation is at most so deep, and a final block lies at least so far back.
    static constexpr std::uint64_t reorg_max = 64;
    static constexpr std::uint64_t finality_depth = reorg_max + 2;
    /// What no transaction offers more than, and what any has to leave to the block's maker.
    static constexpr ledger::signing::Fees fees_max{.tip_wei = 50'000'000'000,
                                                    .fee_wei = 500'000'000'000};
    static constexpr std::uint64_t tip_min_wei = 1'000'000'000;

    /// A transaction of the key in a block, and what it did there.
    struct Mined {
        std::uint64_t nonce{};
        Hash hash{};
        bool is_foreign{};                        ///< Somebody else has used the key.
        std::optional<ledger::ShardOrder> order;  ///< None: a cancel, or somebody else's.
        std::optional<shards::evm::Ended> ended;  ///< None: it failed, or does nothing.
        base::Amount gas;
    };
    /// A block, and what the broker holds after it.
    struct Block {
        std::uint64_t number{};
        Hash hash{};
        base::Timestamp at;
        std::uint64_t base_fee_wei{};
        std::uint64_t next_nonce{};
        std::map<base::AssetId, base::Amount> held;
        std::vector<Mined> mined;
        std::vector<ledger::DepositNotice> deposits;
    };

    SignedChain(Stage& stage, const base::Listing& listing, base::ShardId shard);

    [[nodiscard]] base::ShardId shard() const { return terms_.shard; }
    [[nodiscard]] const shards::evm::VaultTerms& terms() const { return terms_; }
    [[nodiscard]] const base::Listing& listing() const { return listing_; }
    [[nodiscard]] const Block& head() const { return blocks_.back(); }
    [[nodiscard]] const Block& final_block() const { return blocks_[final_]; }
    /// **Requires:** that there is a block of this number.
    [[nodiscard]] const Block& block(std::uint64_t number) const { return blocks_.at(number); }
    [[nodiscard]] bool has(std::uint64_t number, const Hash& hash) const {
        return number < blocks_.size() && blocks_[number].hash == hash;
    }
    /// Transactions of the key in the newest block and before, and with all that wait.
    [[nodiscard]] std::uint64_t pending_nonce() const;
    /// Where a transaction is: its block, if one that is in the chain has it.
    [[nodiscard]] const Block* block_with(const Hash& hash) const;
    [[nodiscard]] const Mined* mined(const Hash& hash) const;
    /// What the broker holds at the last final block.
    [[nodiscard]] shards::Balances balances() const;

    /// The call that an order is, from now on known.
    [[nodiscard]] std::string call_of(const ledger::ShardOrder& order);
    /// Another signature each time, as with signers that draw their numbers.
    [[nodiscard]] shards::evm::SignedBytes sign(const ledger::signing::Sign& asked);
    /// What was to be signed where this came of it.
    [[nodiscard]] std::optional<ledger::signing::Sign> asked_for(const Hash& hash) const;
    /// A node gets bytes. Returns what it holds against them; empty where it takes them.
    std::string take(const std::string& raw);
    /// A client sends tokens to the vault.
    void deposit(base::AccountId account, base::AssetId asset, base::Amount amount);
    void set_price(base::Price price) { price_ = price; }

    /// The next block.
    void make_block();
    /// So many of the newest blocks are replaced, by one more than there were. What they held may
    /// come again. **Requires:** `depth` is at most `reorg_max`, and not 0.
    void reorganise(std::uint64_t depth);
    /// Nodes forget all that waits.
    void forget_pool() { pool_.clear(); }
    /// Somebody else sends a transaction of the key.
    void use_key_elsewhere() { is_foreign_due_ = true; }
    /// The first nonce in a final block that others have used.
    [[nodiscard]] std::optional<std::uint64_t> foreign_final() const;

private:
    void mine(base::Timestamp at);
    void move_base_fee();
    void mine_transactions(Block& block);
    void mine_deposits(Block& block);
    [[nodiscard]] Mined execute(Block& block, const ledger::signing::Sign& sent, const Hash& hash);
    [[nodiscard]] ledger::ShardRefusal trade(Block& block, const ledger::ShardOrder& order,
                                             shards::evm::Ended& ended) const;
    [[nodiscard]] ledger::ShardRefusal pay(Block& block, const ledger::ShardOrder& order,
                                           shards::evm::Ended& ended) const;
    [[nodiscard]] bool give(Block& block, base::AssetId asset, base::Amount amount,
                            shards::evm::Ended& ended) const;
    void put_back(const Block& gone);
    [[nodiscard]] Hash fresh_hash(const char* of);

    Stage& stage_;
    base::Listing listing_;
    shards::evm::VaultTerms terms_;
    std::vector<Block> blocks_;  ///< By number.
    std::uint64_t final_{};
    std::uint64_t base_fee_wei_{20'000'000'000};
    std::uint64_t fee_trend_{};
    std::uint64_t fee_trend_left_{};
    base::Price price_;
    std::map<std::string, ledger::ShardOrder> orders_;  ///< By the call that they are.
    std::map<Hash, ledger::signing::Sign> signed_;
    std::map<std::uint64_t, Hash> pool_;  ///< By nonce.
    std::vector<ledger::DepositNotice> deposits_;
    std::uint64_t deposits_made_{};
    std::uint64_t names_made_{};
    bool is_foreign_due_{};
};

}  // namespace crossclear::sim
