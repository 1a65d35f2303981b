#pragma once

#include "shards/evm/desk.hpp"
#include "tests/support/actors/house.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// A chain whose transactions have to be signed, as tests want it: what the signer says, which
/// block holds what, and when that is final.

namespace crossclear::tests {

/// One broker's key on one chain, the vault behind it, and who signs. It goes on while nodes come
/// and go. Its blocks are its own; what an order does there is done on the simulated shard that it
/// stands for, so that tokens move. Heads are told only when a test makes a block, a final one or
/// another change, and to whoever begins to follow.
///
/// What is signed or sent before the journal has it fails the test.
///
/// **Thread:** any; the watch hears a line of each that is signed, sent, done or followed, of each
/// call that is made of an order, and of each look at the chain's name and at balances.
class ScriptedChain {
public:
    /// What the signer does with what it is asked.
    enum class Signer : std::uint8_t { signs, alters, refuses_orders, unreachable };
    /// What one that alters makes another.
    enum class Altered : std::uint8_t { recipient, value, fee, key };

    /// Stands for this shard of the broker.
    ScriptedChain(Outside& outside, base::ShardId shard, base::BrokerId broker);

    /// The same, with this chain in the place of that shard.
    [[nodiscard]] HouseOptions in_place(HouseOptions options = {});

    void set_signer(Signer signer);
    /// What it alters; the recipient until this is called.
    void set_altered(Altered altered);
    /// Whether the node takes what is sent; else it forgets it at once.
    void set_taking(bool is_taking);
    /// Whether it says who it is, without which nobody follows it.
    void set_answering(bool is_answering);
    /// Which chain it says it is, by its id and by what its first block is called.
    void set_identity(std::uint64_t chain_id, const std::string& genesis);
    /// Whether heads are told. Those kept back are told as one once they are again.
    void set_telling(bool is_telling);
    /// Whether what the vault has told of an order can be; else nobody makes a notice of it.
    void set_credible(bool is_credible);
    /// Whether transactions revert in the blocks from now on: they cost gas and do nothing else.
    void set_reverting(bool is_reverting);
    /// Moves the time in its blocks ahead of the clock, by so much in all.
    void go_ahead(base::Duration by);

    /// A block with all that was sent and comes next by its nonce. Returns once its effects stand.
    void add_block();
    /// A block with a transaction of the key that nobody here has sent.
    void add_block_of_others();
    /// Takes all blocks back that are not final; what they held may come again.
    void undo();
    /// All blocks so far are final.
    void finalise();
    /// The last final block is another one with the same transactions, which is a fault.
    /// **Requires:** there is one.
    void replace_final_block();
    /// Tells of a fault, and nothing more to whoever follows. **Requires:** somebody does.
    void fail(ledger::signing::Halt reason);
    /// Lets reconcilers look again, who hear nothing from the first effect on: between its block
    /// and the word of it, books and shard differ for as long as a test likes.
    void show_balances();

    /// What was sent so far, repeats and what was not taken included.
    [[nodiscard]] std::vector<ledger::signing::Broadcast> sent() const;
    /// How many different transactions that were.
    [[nodiscard]] std::size_t transactions_sent() const;
    /// How often the signer was asked.
    [[nodiscard]] std::size_t asked_to_sign() const;
    /// How often it was asked what a transaction of before has done.
    [[nodiscard]] std::size_t recounted() const;

private:
    class Desk;
    class SignedShard;
    using Hash = ledger::signing::Hash;

    struct Block {
        std::uint64_t number{};
        Hash hash{};
        std::vector<std::optional<Hash>> transactions;  ///< Nothing: somebody else's.
    };

    [[nodiscard]] std::uint64_t nonce_after(std::size_t blocks) const;
    [[nodiscard]] std::vector<Hash> next_transactions() const;
    [[nodiscard]] Hash next_block_hash();
    void execute(const ledger::ShardOrder& order);
    void append(std::vector<std::optional<Hash>> transactions);
    [[nodiscard]] shards::evm::Found found_in(const Block& block, const Hash& hash) const;
    [[nodiscard]] shards::evm::SignResult signature_of(const ledger::signing::Sign& asked) const;
    [[nodiscard]] const ledger::ShardOrder* order_of(const Hash& hash) const;
    [[nodiscard]] base::Timestamp block_time() const;
    void tell();

    Outside& outside_;
    base::ShardId shard_;
    base::BrokerId broker_;

    mutable std::mutex mutex_;
    Signer signer_{Signer::signs};
    Altered altered_{Altered::recipient};
    bool is_taking_{true};
    bool is_answering_{true};
    bool is_telling_{true};
    bool is_credible_{true};
    std::uint64_t chain_id_{7};
    std::string genesis_{"genesis"};
    bool is_showing_balances_{true};
    base::Duration ahead_{};
    std::map<std::string, ledger::ShardOrder> orders_;  ///< By the call that they are.
    std::map<Hash, ledger::signing::Sign> signed_;
    std::vector<ledger::signing::Broadcast> sent_;
    std::set<Hash> pool_;
    std::map<base::OrderRef, ledger::OrderNotice> effects_;  ///< Final on the simulated shard.
    std::vector<Block> blocks_;
    std::size_t final_blocks_{};
    std::uint64_t blocks_made_{};
    std::size_t asked_to_sign_{};
    std::size_t recounted_{};

    // Of whoever follows.
    std::function<void(shards::evm::HeadNews)> listener_;
    std::function<void(shards::evm::ChainFault)> on_fault_;
    std::set<Hash> watched_;
    std::vector<Hash> undone_;
    std::size_t blocks_told_{};

    std::unique_ptr<shards::Shard> vault_;  ///< Where effects happen. Ends first: it calls back.
};

}  // namespace crossclear::tests
