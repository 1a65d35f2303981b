#pragma once

#include "actors/home_parts.hpp"
#include "actors/leg_timer.hpp"
#include "actors/machine_host.hpp"
#include "ledger/hedge/machine.hpp"

namespace crossclear::actors {

/// Hosts one hedge task: brings its slices to their lane and what became of them back.
class HedgeHost : public HomeActor::base {
public:
    HedgeHost(caf::actor_config& config, HomeParts parts, ledger::hedge::State state);

    HomeActor::behavior_type make_behavior() override;

private:
    void on_news(const HomeNews& news);
    void note(const ledger::OrderNotice& notice);
    void distrust_shard(ledger::hedge::Reject reject);
    void decide_and_commit(const ledger::hedge::Command& command);
    void carry_out(const std::vector<ledger::hedge::Effect>& effects);
    /// Tells netting what may be known of the task.
    void publish(const HedgeNews& news);
    void measure(const ledger::hedge::Event& event);

    HomeParts parts_;
    Crank<ledger::hedge::State> crank_;
    LegTimer timer_;
    std::optional<base::Price> planned_at_;  ///< The mark when the task was planned, if seen.
    bool is_asking_again_{};
};

}  // namespace crossclear::actors
