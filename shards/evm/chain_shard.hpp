#pragma once

#include "shards/evm/desk.hpp"
#include "shards/evm/follower.hpp"
#include "shards/evm/reader.hpp"
#include "shards/evm/rpc_client.hpp"
#include "shards/evm/signer.hpp"
#include "shards/port.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// A chain as one broker's shard.

namespace crossclear::shards::evm {

/// What a chain has to be, and how it is asked.
struct ChainShardOptions {
    ReaderTerms terms;  ///< The key is the signer's.
    std::uint64_t chain_id{};
    Hash genesis;                          ///< Of the first block.
    std::optional<Hash> vault_code;        ///< Keccak-256 of the vault's code; none: any.
    std::uint64_t gas_limit{};             ///< The vault's `gasWanted()`.
    std::uint64_t cancel_gas{21'000};      ///< What a transfer of nothing takes.
    ledger::signing::Fees fees_max;        ///< What no transaction offers more than.
    std::uint64_t tip_min{1'000'000'000};  ///< Wei; no transaction offers less.
    FinalityRule finality;
    base::Duration poll_every{base::milliseconds(500)};  ///< Besides the heads that are told.
    RpcOptions rpc;
    /// Makes who signs with the key.
    std::function<std::unique_ptr<Signer>(boost::asio::io_context&)> make_signer;
    /// Told when the chain is not what it has to be. **Thread:** that of the shard; no waiting.
    std::function<void(const ChainFault&)> on_fault{};
};

/// One broker's vault and key on one chain: balances, deposits, arrivals and health of the shard,
/// and the desk that its orders are signed at.
///
/// The idea: one coroutine follows the chain, reads each new block once, and tells what it found
/// only when all blocks until the head are read, so that what is undone, found and final is always
/// told in that order. Whatever gets no answer is asked again; nothing is skipped.
///
/// **Thread:** any; one of its own asks and runs the callbacks.
class ChainShard final : public Shard, public Desk {
public:
    explicit ChainShard(ChainShardOptions options);
    ChainShard(const ChainShard&) = delete;
    ChainShard& operator=(const ChainShard&) = delete;
    /// Stops. Callbacks not yet run never are.
    ~ChainShard() override;

    /// Not here: orders are signed at the desk. Neither is answered.
    void submit(const ledger::ShardOrder& order, std::function<void(SubmitAnswer)> done) override;
    void ask(const base::OrderRef& ref,
             std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)> done) override;
    void balances(std::function<void(std::variant<Balances, NoAnswer>)> done) override;
    void rescan(std::uint64_t from_block) override;
    void health(std::function<void(Health)> done) override;
    void listen(std::function<void(ledger::ShardNotice)> listener) override;
    /// An address in hex; one that mixes cases has those of its checksum (EIP-55).
    [[nodiscard]] bool is_destination(std::string_view text) const override;
    [[nodiscard]] Desk* desk() override { return this; }

    void identify(std::function<void(base::Result<ChainIdentity, NoAnswer>)> done) override;
    [[nodiscard]] base::Result<PreparedCall, ledger::ShardRefusal> prepare(
        const ledger::ShardOrder& order) override;
    void sign(const ledger::signing::Sign& asked, std::function<void(SignResult)> done) override;
    void send(const ledger::signing::Broadcast& sent,
              std::function<void(std::string)> on_refused) override;
    void watch(const Watched& transaction) override;
    void forget_below(std::uint64_t nonce) override;
    void follow(const std::vector<Watched>& sent, std::function<void(HeadNews)> listener,
                std::function<void(ChainFault)> on_fault) override;
    void recount(const ledger::signing::Hash& hash, base::Amount gas,
                 std::function<void(base::Result<Found, NoAnswer>)> done) override;
    [[nodiscard]] std::optional<ledger::OrderNotice> notice_of(const ledger::ShardOrder& order,
                                                               const Ended& ended) const override;
    void look_up(const ledger::ShardOrder& order,
                 std::function<void(base::Result<Record, NoAnswer>)> done) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace crossclear::shards::evm
