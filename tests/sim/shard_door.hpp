#pragma once

#include "shards/port.hpp"
#include "shards/simulated/world.hpp"
#include "tests/sim/lifeline.hpp"
#include "tests/sim/stage.hpp"
#include "tests/sim/truth.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <variant>

/// The way from one node to one shard: slow, and watched for what should not leave yet.

namespace crossclear::sim {

/// One broker's adapter on one node. What the chain itself does wrong is the chain's own business.
class ShardDoor final : public shards::Shard {
public:
    ShardDoor(Stage& stage, Truth& truth, std::shared_ptr<Lifeline> life,
              shards::simulated::SimulatedWorld& world, base::ShardId shard, base::BrokerId broker);

    /// Hears the chain's notices again: only one node at a time does, the last one that came.
    void reconnect();

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

private:
    template <class Answer>
    void call(std::string_view what, std::function<void(std::function<void(Answer)>)> run,
              Answer lost, std::function<void(Answer)> done);
    [[nodiscard]] ledger::ShardOrder order_to_send(const ledger::ShardOrder& order);
    void on_notice(const ledger::ShardNotice& notice);
    void pass_on(const ledger::ShardNotice& notice);
    bool spoil(ledger::OrderNotice& notice) const;
    bool spoil(ledger::DepositNotice& notice);
    bool spoil(ledger::VariationNotice& notice);
    bool spoil(ledger::ArrivalNotice&) { return true; }
    bool spoil(ledger::RescanNotice&) { return true; }

    Stage& stage_;
    Truth& truth_;
    std::shared_ptr<Lifeline> life_;
    shards::simulated::SimulatedWorld& world_;
    base::ShardId shard_;
    base::BrokerId broker_;
    std::unique_ptr<shards::Shard> behind_;
    std::function<void(ledger::ShardNotice)> listener_;
    std::shared_ptr<base::Timestamp> last_notice_{std::make_shared<base::Timestamp>()};
    std::set<base::OrderRef> submitted_;
};

}  // namespace crossclear::sim
