#pragma once

#include "shards/evm/desk.hpp"
#include "tests/sim/lifeline.hpp"
#include "tests/sim/signed_chain.hpp"
#include "tests/sim/truth.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

/// The way from one node to a chain whose transactions are signed, and to who signs them: slow,
/// lossy, and watched for what should not leave yet. The real host of the lane runs behind it, in a
/// real node, and not the machine alone: what a crash forgets, and what is asked again, is up to
/// both.

namespace crossclear::sim {

/// One node's adapter. It promises what the real one promises: blocks that are gone are told before
/// what was found, and both before what is final; and it reads each block once.
class SigningDoor final : public shards::Shard, public shards::evm::Desk {
public:
    SigningDoor(Stage& stage, Truth& truth, std::shared_ptr<Lifeline> life, SignedChain& chain);

    // As a shard. Its orders come to the desk.
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
    [[nodiscard]] shards::evm::Desk* desk() override { return this; }

    // As a desk.
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
        const ledger::signing::Hash& hash, base::Amount gas,
        std::function<void(base::Result<shards::evm::Found, shards::NoAnswer>)> done) override;
    [[nodiscard]] std::optional<ledger::OrderNotice> notice_of(
        const ledger::ShardOrder& order, const shards::evm::Ended& ended) const override;
    void look_up(
        const ledger::ShardOrder& order,
        std::function<void(base::Result<shards::evm::Record, shards::NoAnswer>)> done) override;

private:
    using Hash = ledger::signing::Hash;

    // A block that was read, as it was then.
    struct Read {
        std::uint64_t number{};
        Hash hash{};
        ledger::Finality told{ledger::Finality::included};
        std::vector<ledger::DepositNotice> deposits;
    };

    template <class Answer>
    void call(std::string_view what, std::function<Answer()> run, Answer lost,
              std::function<void(Answer)> done);
    void look_later();
    void look();
    void drop_replaced(shards::evm::HeadNews& news);
    void read_new(shards::evm::HeadNews& news);
    void find_missed(shards::evm::HeadNews& news);
    void tell_finality();
    void add_found(shards::evm::HeadNews& news, const SignedChain::Block& block,
                   const SignedChain::Mined& mined);
    [[nodiscard]] shards::evm::Found found_of(const SignedChain::Block& block,
                                              const SignedChain::Mined& mined) const;
    void fill_in(shards::evm::HeadNews& news) const;
    void tell(const ledger::DepositNotice& deposit, ledger::Finality finality);
    void tell(const ledger::ShardNotice& notice);
    void tell_in_order(std::function<void()> what);

    Stage& stage_;
    Truth& truth_;
    std::shared_ptr<Lifeline> life_;
    SignedChain& chain_;
    std::function<void(ledger::ShardNotice)> listener_;
    std::function<void(shards::evm::HeadNews)> on_head_;
    std::shared_ptr<std::uint64_t> followed_{std::make_shared<std::uint64_t>()};
    std::map<Hash, std::uint64_t> watched_;  ///< The nonce.
    std::map<std::uint64_t, Hash> found_;    ///< By nonce: the block.
    std::deque<Read> read_;                  ///< Blocks above the last final one.
    std::uint64_t read_to_{};
    std::uint64_t final_{};
    std::optional<Hash> head_;
    base::Timestamp last_told_;
    std::function<void(int)> look_again_;
};

}  // namespace crossclear::sim
