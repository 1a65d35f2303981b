#pragma once

#include "actors/node.hpp"
#include "metrics/registry.hpp"
#include "tests/sim/journal.hpp"
#include "tests/sim/shard_door.hpp"
#include "tests/sim/signing_door.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// One process: a real node with everything that dies with it.

namespace crossclear::sim {

/// What goes on without any node.
struct Outside {
    Stage& stage;
    std::vector<std::shared_ptr<Disk>> disks;
    std::unique_ptr<shards::simulated::SimulatedWorld> world;
    Truth& truth;
    std::unique_ptr<SignedChain> signed_chain;  ///< Where orders are signed, if they are anywhere.

    /// What a broker holds on a shard at its newest final block.
    [[nodiscard]] shards::Balances balances(base::ShardId shard, base::BrokerId broker) const;
    /// A client sends tokens to its broker.
    void deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                 base::Amount amount);
};

/// The chains of a plan, with their clock stepped from the stage's present.
[[nodiscard]] std::unique_ptr<shards::simulated::SimulatedWorld> open_world(
    const Stage& stage, const base::Listing& listing);

/// A node from its start until it is killed. Its time is the stage's plus what its clock is off.
class Owner {
public:
    Owner(Outside& outside, std::uint64_t number);
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    /// Killed: nothing more leaves it.
    ~Owner();

    [[nodiscard]] std::uint64_t number() const { return number_; }
    [[nodiscard]] actors::Node& node() { return *node_; }
    [[nodiscard]] Lifeline& life() { return *life_; }
    [[nodiscard]] const std::shared_ptr<Lifeline>& life_handle() const { return life_; }
    [[nodiscard]] bool is_paused() const { return life_->is_paused(); }
    [[nodiscard]] bool is_appending() const { return journal_->is_appending(); }
    [[nodiscard]] base::Timestamp now() const { return outside_.stage.agenda.now() + skew_; }
    void skew_by(base::Duration by) { skew_ = skew_ + by; }
    void mend_clock() { skew_ = {}; }

    /// Actors that could handle a message now.
    [[nodiscard]] std::size_t ready() const { return is_paused() ? 0 : stepper_->ready(); }
    void run_one();
    /// When its next timer is due, by the stage's time.
    [[nodiscard]] std::optional<base::Timestamp> next_timer_at() const;
    /// Its timers catch up with the stage's time.
    void catch_up();

    void pause() { life_->pause(); }
    void wake();
    /// Another node that had the shards' ear is gone.
    void reconnect();

    /// Partitions that it runs, has lost, or has stopped at.
    [[nodiscard]] std::size_t count(actors::PartitionStatus::Phase phase) const;
    [[nodiscard]] const std::string& last_error() const { return last_error_; }

private:
    [[nodiscard]] std::unique_ptr<actors::Context> make_context();
    [[nodiscard]] std::unique_ptr<shards::Shard> make_door(base::ShardId shard,
                                                           base::BrokerId broker);

    Outside& outside_;
    std::uint64_t number_;
    base::Duration skew_;
    base::Timestamp stepped_to_;
    std::string last_error_;
    std::shared_ptr<Lifeline> life_{std::make_shared<Lifeline>()};
    metrics::Registry registry_;
    std::unique_ptr<ObservedJournal> journal_;
    std::vector<ShardDoor*> doors_;  ///< Owned by the node's context.
    std::unique_ptr<actors::Node> node_;
    actors::Stepper* stepper_{};
};

}  // namespace crossclear::sim
