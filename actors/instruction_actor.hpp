#pragma once

#include "actors/home_parts.hpp"
#include "actors/leg_timer.hpp"
#include "actors/machine_host.hpp"
#include "ledger/instruction/machine.hpp"

namespace crossclear::actors {

/// Hosts one settlement instruction: brings its legs' orders to their lanes and reports its end.
class InstructionHost : public HomeActor::base {
public:
    InstructionHost(caf::actor_config& config, HomeParts parts, ledger::instruction::State state);

    HomeActor::behavior_type make_behavior() override;

private:
    void on_news(const HomeNews& news);
    void note(const ledger::OrderNotice& notice);
    [[nodiscard]] std::optional<ledger::instruction::Leg> told_leg(const base::OrderRef& ref) const;
    void distrust_shard(const ledger::instruction::Command& command,
                        ledger::instruction::Reject reject);
    void decide_and_commit(const ledger::instruction::Command& command);
    void carry_out(const std::vector<ledger::instruction::Effect>& effects);
    void measure(const ledger::instruction::Event& event);
    void note_arrival(const ledger::ArrivalNotice& notice);
    void report(const ledger::instruction::ReportEnded& ended);

    HomeParts parts_;
    Crank<ledger::instruction::State> crank_;
    LegTimer timer_;
    std::optional<ledger::ArrivalNotice> early_arrival_;
    bool is_asking_again_{};
};

}  // namespace crossclear::actors
