#pragma once

#include "actors/home_parts.hpp"
#include "actors/machine_host.hpp"
#include "ledger/withdrawal/machine.hpp"

namespace crossclear::actors {

/// Hosts one withdrawal on the broker's side: waits out its delay, has it reviewed by the house,
/// opens its instruction and tells the account how it ended.
class WithdrawalHost : public HomeActor::base {
public:
    WithdrawalHost(caf::actor_config& config, HomeParts parts, ledger::withdrawal::State state);

    HomeActor::behavior_type make_behavior() override;

private:
    void on_news(const HomeNews& news);
    void decide_and_commit(const ledger::withdrawal::Command& command);
    void carry_out(const std::vector<ledger::withdrawal::Effect>& effects);
    void ask_for_review();
    void review_at(base::Timestamp at);
    void open(const ledger::withdrawal::OpenInstruction& open);
    void refuse_cancel();
    void tell_end(base::AccountId account, ledger::account::Command command);

    HomeParts parts_;
    Crank<ledger::withdrawal::State> crank_;
};

}  // namespace crossclear::actors
