#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "shards/evm/chain_shard.hpp"
#include "shards/evm/deployment.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// What a run on real chains is timed by, beside the journal: when transactions left for their
/// node, and when a node had each block, as somebody else hears it.

namespace crossclear::bench {

/// A chain as one broker's shard, and how its lane stands. It is the shard behind it.
///
/// **Thread:** any.
class MeteredShard final : public shards::Shard, public shards::evm::Desk {
public:
    using Hash = ledger::signing::Hash;

    /// **Requires:** a shard with a desk.
    explicit MeteredShard(std::unique_ptr<shards::Shard> behind);

    /// Transactions that were signed and are not final, as the lane was told.
    [[nodiscard]] std::uint64_t in_flight() const { return next_nonce_ - final_nonce_; }
    /// Transactions that are final, as it was told; `on_final` hears of more.
    [[nodiscard]] std::uint64_t finished() const { return final_nonce_; }
    /// Set before the first order. **Thread:** that of the shard; must not block.
    std::function<void()> on_final;
    /// When each transaction had left for its node, at the latest: the first time.
    [[nodiscard]] std::map<Hash, base::Timestamp> sent() const;
    /// Remembers no more of them, and what there is no longer.
    void forget();

    void submit(const ledger::ShardOrder& order,
                std::function<void(shards::SubmitAnswer)> done) override;
    void ask(
        const base::OrderRef& ref,
        std::function<void(std::variant<ledger::OrderNotice, shards::NoAnswer>)> done) override;
    void balances(
        std::function<void(std::variant<shards::Balances, shards::NoAnswer>)> done) override;
    void rescan(std::uint64_t from_block) override;
    void health(std::function<void(shards::Health)> done) override;
    void listen(std::function<void(ledger::ShardNotice)> listener) override;
    [[nodiscard]] bool is_destination(std::string_view text) const override {
        return behind_->is_destination(text);
    }
    [[nodiscard]] shards::evm::Desk* desk() override { return this; }

    void identify(std::function<void(base::Result<shards::evm::ChainIdentity, shards::NoAnswer>)>
                      done) override;
    [[nodiscard]] base::Result<shards::evm::PreparedCall, ledger::ShardRefusal> prepare(
        const ledger::ShardOrder& order) override;
    void sign(const ledger::signing::Sign& asked,
              std::function<void(shards::evm::SignResult)> done) override;
    void send(const ledger::signing::Broadcast& sent,
              std::function<void(std::string)> on_refused) override;
    void watch(const shards::evm::Watched& transaction) override;
    void forget_below(std::uint64_t nonce) override;
    void follow(const std::vector<shards::evm::Watched>& sent,
                std::function<void(shards::evm::HeadNews)> listener,
                std::function<void(shards::evm::ChainFault)> on_fault) override;
    void recount(
        const Hash& hash, base::Amount gas,
        std::function<void(base::Result<shards::evm::Found, shards::NoAnswer>)> done) override;
    [[nodiscard]] std::optional<ledger::OrderNotice> notice_of(
        const ledger::ShardOrder& order, const shards::evm::Ended& ended) const override;
    void look_up(
        const ledger::ShardOrder& order,
        std::function<void(base::Result<shards::evm::Record, shards::NoAnswer>)> done) override;

private:
    // Shared with callbacks that may come late.
    struct Sent {
        std::mutex mutex;
        std::map<Hash, base::Timestamp> at;
        bool is_over{};
    };

    std::shared_ptr<Sent> sent_{std::make_shared<Sent>()};
    std::atomic<std::uint64_t> next_nonce_{};
    std::atomic<std::uint64_t> final_nonce_{};
    std::unique_ptr<shards::Shard> behind_;
    shards::evm::Desk* desk_;
};

/// Hears of each new block of one chain, on a connection and a thread of its own. On a busy machine
/// it hears late, as everybody does.
class BlockWatch {
public:
    /// Begins. **Requires:** the site's WebSocket can be parsed.
    explicit BlockWatch(const shards::evm::ChainSite& site);
    BlockWatch(const BlockWatch&) = delete;
    BlockWatch& operator=(const BlockWatch&) = delete;
    ~BlockWatch();

    /// When a block was there.
    struct Seen {
        std::map<shards::evm::Hash, base::Timestamp> by_hash;
        std::map<std::uint64_t, base::Timestamp> by_number;
    };
    [[nodiscard]] Seen seen() const;
    /// Remembers no more of them, and what there is no longer.
    void forget();

private:
    void note(const boost::json::object& head);

    boost::asio::io_context io_{1};
    mutable std::mutex mutex_;
    Seen seen_;
    bool is_over_{};
    std::optional<shards::evm::RpcClient> client_;
    std::thread thread_;
};

}  // namespace crossclear::bench
