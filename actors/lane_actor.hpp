#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "shards/lane.hpp"

#include <deque>
#include <set>
#include <string>

namespace crossclear::actors {

/// Hosts one lane: one broker on one shard. Turns its effects into calls of the adapter and the
/// adapter's callbacks into its commands. Where the shard's orders are signed, they go to the host
/// of the signing lane instead.
class LaneHost : public LaneActor::base {
public:
    LaneHost(caf::actor_config& config, const Context* context, base::BrokerId broker,
             base::ShardId shard, shards::Shard* adapter, PartitionActor home);

    LaneActor::behavior_type make_behavior() override;
    /// Ends its figures: its successor on another node tells them.
    void on_exit() override;

private:
    void handle(const shards::LaneCommand& command);
    void carry_out(const shards::LaneEffect& effect);
    void take(const ledger::ShardOrder& order);
    void enqueue(const ledger::ShardOrder& order);
    void keep_for_later(const ledger::ShardOrder& order);
    void bring_the_rest();
    [[nodiscard]] bool has(const base::OrderRef& ref) const;
    void submit(const ledger::ShardOrder& order);
    void ask(const base::OrderRef& ref);
    void deliver(const ledger::ShardNotice& notice);
    void distrust(const std::string& why);
    void on_tick();
    void rescan_sometimes();
    void publish_metrics();
    [[nodiscard]] LaneOrders orders_under_way() const;
    [[nodiscard]] std::function<void()> timed() const;
    [[nodiscard]] ToHome to_house(HomeNews news) const;

    const Context* context_;
    shards::Shard* adapter_;
    PartitionActor home_;
    SigningActor signer_;  ///< None where the shard takes orders as they are.
    shards::Lane lane_;
    shards::LaneCounters told_;  ///< What the metrics know already.
    std::string name_;
    base::Timestamp begun_at_;  ///< When the first order came.
    /// What was not handed over here, and may have been by an earlier lane.
    std::set<base::OrderRef> resumed_;
    std::deque<ledger::ShardOrder> rest_;  ///< What the lane has no room for, in its order.
    std::set<base::OrderRef> in_rest_;     ///< Once each, however often it is asked for.
    base::Timestamp full_told_at_;
    base::Timestamp rescanned_at_;
    std::uint64_t rescan_from_{};  ///< What was final at the last rescan.
};

}  // namespace crossclear::actors
