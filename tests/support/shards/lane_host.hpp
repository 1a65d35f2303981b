#pragma once

#include "ledger/signing/effects.hpp"
#include "ledger/words.hpp"
#include "shards/evm/chain_shard.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Whoever hosts a signing lane, in small: it signs, sends, and believes what it is told.

namespace crossclear::tests {

/// An order as bytes that can be sent.
struct SignedOrder {
    ledger::ShardOrder order;
    shards::evm::Watched transaction;
    ledger::signing::Broadcast bytes;
};

/// All that a shard has told.
struct Told {
    std::vector<shards::evm::HeadNews> news;
    /// What is believed by nonce: what was found and not undone.
    std::map<std::uint64_t, shards::evm::Found> found;
    std::vector<ledger::ShardNotice> notices;
    std::vector<shards::evm::ChainFault> faults;
    std::vector<std::string> refusals;  ///< Of nodes, of bytes that were sent.
    std::vector<std::string> broken;    ///< What no news may do.

    /// Of the newest news; 0 before any.
    [[nodiscard]] std::uint64_t final_block() const;
    [[nodiscard]] std::uint64_t final_nonce() const;
    /// How certain each notice of a deposit was, one after the other.
    [[nodiscard]] std::vector<ledger::Finality> of_deposit(std::uint64_t id) const;
};

/// One lane's host. **Thread:** only one, but for the shard's own.
class LaneHost {
public:
    /// **Requires:** `options.on_fault` is free; it goes to the host.
    explicit LaneHost(shards::evm::ChainShardOptions options);
    LaneHost(const LaneHost&) = delete;
    LaneHost& operator=(const LaneHost&) = delete;
    ~LaneHost();

    [[nodiscard]] shards::evm::ChainShard& shard() { return *shard_; }

    /// Begins to follow, with these under way and nothing found yet.
    void follow(const std::vector<SignedOrder>& sent = {});
    /// What an order offers.
    [[nodiscard]] const ledger::signing::Fees& fees() const { return fees_; }
    /// What an order is under the next nonce.
    [[nodiscard]] SignedOrder sign(const ledger::ShardOrder& order);
    /// The same order in the same place, for other fees.
    [[nodiscard]] SignedOrder sign_replacement(const SignedOrder& of, ledger::signing::Fees fees);
    /// A transfer of nothing to the key itself in its place, as a lane has it: with the gas that
    /// the newest news names for it, at a tenth more of both fees.
    [[nodiscard]] SignedOrder sign_cancel(const SignedOrder& of);
    /// Watched first, as it has to be.
    void send(const SignedOrder& sent);
    /// With each news all that was sent and is not found is sent again.
    void send_again_until_found();

    /// Waits until what was told is so, for a minute at most; whether it came to be.
    [[nodiscard]] bool comes_to(const std::function<bool(const Told&)>& is_so);
    /// As it is now.
    [[nodiscard]] Told told() const;

    /// What the shard answers.
    [[nodiscard]] std::optional<shards::evm::ChainIdentity> identify();
    [[nodiscard]] std::optional<shards::Balances> balances();
    [[nodiscard]] shards::Health health();
    [[nodiscard]] std::optional<shards::evm::Found> recount(const SignedOrder& sent,
                                                            base::Amount gas = {});
    [[nodiscard]] std::optional<shards::evm::Record> look_up(const ledger::ShardOrder& order);

private:
    [[nodiscard]] SignedOrder sign_at(const ledger::ShardOrder& order, std::uint64_t nonce,
                                      std::uint32_t number, const ledger::signing::Fees& fees);
    [[nodiscard]] SignedOrder sign(const ledger::ShardOrder& order,
                                   const ledger::signing::Sign& asked);
    void take(const shards::evm::HeadNews& news);

    ledger::signing::Fees fees_;
    std::uint64_t chain_id_{};
    ledger::signing::Address key_{};
    std::uint64_t next_nonce_{};
    bool is_sending_again_{};
    std::map<std::uint64_t, SignedOrder> sent_;
    Told told_;
    mutable std::mutex mutex_;
    std::condition_variable has_changed_;
    std::unique_ptr<shards::evm::ChainShard> shard_;  // Before all that its callbacks use.
};

}  // namespace crossclear::tests
