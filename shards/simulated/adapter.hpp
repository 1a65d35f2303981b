#pragma once

#include "shards/port.hpp"
#include "shards/simulated/world.hpp"

#include <functional>
#include <memory>
#include <variant>

namespace crossclear::shards::simulated {

/// One chain of a simulated world as one broker sees it. Made by `SimulatedWorld::shard`.
class SimulatedShard final : public Shard {
public:
    SimulatedShard(SimulatedWorld& world, base::ShardId shard, base::BrokerId broker);
    ~SimulatedShard() override;

    void submit(const ledger::ShardOrder& order, std::function<void(SubmitAnswer)> done) override;
    void ask(const base::OrderRef& ref,
             std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)> done) override;
    void balances(std::function<void(std::variant<Balances, NoAnswer>)> done) override;
    void rescan(std::uint64_t from_block) override;
    void health(std::function<void(Health)> done) override;
    void listen(std::function<void(ledger::ShardNotice)> listener) override;

private:
    template <class Answer>
    void call(std::function<Answer(SimulatedWorld::Site&)> run, Answer otherwise,
              std::function<void(Answer)> done);

    SimulatedWorld& world_;
    base::ShardId shard_;
    base::BrokerId broker_;
    std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace crossclear::shards::simulated
