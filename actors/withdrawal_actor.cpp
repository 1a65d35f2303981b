#include "actors/withdrawal_actor.hpp"

#include "actors/chrono.hpp"

#include <algorithm>

namespace crossclear::actors {
namespace {

namespace withdrawal = ledger::withdrawal;
namespace instruction = ledger::instruction;

// How long a withdrawal that is not covered or gated waits before it is reviewed again, how long
// one attempt may take, and how often it is tried.
constexpr base::Duration review_again = base::milliseconds(500);
constexpr base::Duration order_lifetime = base::seconds(60);
constexpr std::uint32_t attempts_max = 8;

}  // namespace

WithdrawalHost::WithdrawalHost(caf::actor_config& config, HomeParts parts, withdrawal::State state)
    : HomeActor::base(config),
      parts_(std::move(parts)),
      crank_(parts_.entity, std::move(state), parts_.journal) {}

HomeActor::behavior_type WithdrawalHost::make_behavior() {
    return {
        [this](const Durable& durable) { crank_.on_durable(durable); },
        [this](const ToHome& message) { on_news(message.news); },
    };
}

void WithdrawalHost::on_news(const HomeNews& news) {
    const auto now = parts_.context->now();
    if (const auto* start = std::get_if<StartWithdrawal>(&news)) {
        const auto& held = start->effect;
        const auto delay = parts_.context->broker(parts_.broker()).profile.withdrawal_delay;
        decide_and_commit(withdrawal::StartWithdrawal{.account = held.account,
                                                      .number = held.number,
                                                      .asset = held.asset,
                                                      .amount = held.amount,
                                                      .shard = held.shard,
                                                      .destination = held.destination,
                                                      .not_before = held.held_at + delay,
                                                      .at = now});
    } else if (std::holds_alternative<Wake>(news)) {
        ask_for_review();
    } else if (const auto* review = std::get_if<ReviewAnswer>(&news)) {
        decide_and_commit(withdrawal::Review{
            .now = now, .is_gate_open = review->is_gate_open, .is_covered = review->is_covered});
    } else if (const auto* ended = std::get_if<InstructionEnded>(&news)) {
        // A stuck one is an operator's case: the tokens may be gone, so its holds stay.
        if (ended->report.outcome == instruction::Outcome::manual) return;
        decide_and_commit(withdrawal::NoteInstruction{
            .is_settled = ended->report.outcome == instruction::Outcome::settled,
            .reason = ended->report.reason,
            .block = ended->report.block,
            .at = now});
    } else if (const auto* cancel = std::get_if<withdrawal::CancelWithdrawal>(&news)) {
        decide_and_commit(*cancel);
    } else if (std::holds_alternative<WithdrawalBooked>(news)) {
        decide_and_commit(withdrawal::AcknowledgeEnd{});
    } else if (std::holds_alternative<Resume>(news)) {
        carry_out(withdrawal::outstanding(crank_.state()));
    }
}

void WithdrawalHost::decide_and_commit(const withdrawal::Command& command) {
    const auto decision = withdrawal::decide(crank_.state(), command);
    if (!decision) {
        if (std::holds_alternative<withdrawal::Review>(command)) {
            return review_at(parts_.context->now() + review_again);
        }
        if (decision.error() == withdrawal::Reject::already_approved ||
            decision.error() == withdrawal::Reject::already_ended) {
            return refuse_cancel();
        }
        parts_.context->log(LogLevel::error, "A withdrawal refused a command.",
                            {{"withdrawal", base::to_string(parts_.entity)},
                             {"reject", withdrawal::name_of(decision.error())}});
        return;
    }
    if (decision->empty()) return;
    auto effects = crank_.commit(this, *decision);
    crank_.when_durable([this, effects = std::move(effects)](std::uint64_t) {
        carry_out(effects);
        if (!crank_.state().is_acknowledged) return;
        send(parts_.home, Retire{withdrawal::instruction_of(crank_.state())});
        send(parts_.home, Retire{parts_.entity});
    });
}

void WithdrawalHost::carry_out(const std::vector<withdrawal::Effect>& effects) {
    for (const auto& effect : effects) {
        if (const auto* review = std::get_if<withdrawal::ReviewAt>(&effect)) {
            review_at(review->at);
        } else if (const auto* to_open = std::get_if<withdrawal::OpenInstruction>(&effect)) {
            open(*to_open);
        } else if (const auto* paid = std::get_if<withdrawal::TellPaid>(&effect)) {
            tell_end(paid->account,
                     ledger::account::PayWithdrawal{.number = paid->number, .block = paid->block});
        } else if (const auto* dropped = std::get_if<withdrawal::TellDropped>(&effect)) {
            tell_end(dropped->account, ledger::account::ReturnWithdrawal{
                                           .number = dropped->number, .reason = dropped->reason});
        }
    }
}

void WithdrawalHost::ask_for_review() {
    const auto& state = crank_.state();
    if (state.phase != withdrawal::Phase::queued) return;
    send(parts_.home, ToHome{base::entity_of(base::EntityKind::netting, parts_.broker()),
                             ReviewAsk{.withdrawal = parts_.entity,
                                       .asset = state.terms.asset,
                                       .amount = state.terms.amount,
                                       .shard = state.terms.shard}});
}

void WithdrawalHost::review_at(base::Timestamp at) {
    const auto wait = std::max(base::Duration{}, at - parts_.context->now());
    delayed_send(this, as_chrono(wait + base::milliseconds(1)), ToHome{parts_.entity, Wake{}});
}

void WithdrawalHost::open(const withdrawal::OpenInstruction& open) {
    const auto gas = parts_.context->listing.shard(open.shard).gas;
    send(parts_.home,
         ToHome{open.instruction, instruction::CreateInstruction{
                                      .purpose = instruction::Purpose::withdrawal,
                                      .beneficiary = open.withdrawal,
                                      .legs = {instruction::Leg{.kind = instruction::LegKind::order,
                                                                .order = ledger::OrderKind::pay_out,
                                                                .shard = open.shard,
                                                                .to_shard = {},
                                                                .asset = open.asset,
                                                                .amount = open.amount,
                                                                .destination = open.destination,
                                                                .is_pivot = true}},
                                      .gas_asset = gas,
                                      .order_lifetime = order_lifetime,
                                      .attempts_max = attempts_max,
                                      .at = parts_.context->now()}});
}

// What makes it too late may not be durable yet.
void WithdrawalHost::refuse_cancel() {
    crank_.when_durable([this](std::uint64_t) {
        const auto& terms = crank_.state().terms;
        send(parts_.door_of(terms.account),
             AccountOrder{.account = terms.account,
                          .command = ledger::account::RefuseCancel{.number = terms.number},
                          .acknowledge = {}});
    });
}

// First the house: the account needs less cover as soon as it knows, and the house must not see
// that in figures that still show the tokens.
void WithdrawalHost::tell_end(base::AccountId account, ledger::account::Command command) {
    send(parts_.home, ToHome{base::entity_of(base::EntityKind::netting, parts_.broker()),
                             ReviewDone{parts_.entity, crank_.sequence()}});
    send(parts_.door_of(account),
         AccountOrder{.account = account,
                      .command = std::move(command),
                      .acknowledge = ToHome{parts_.entity, WithdrawalBooked{}}});
    // The account's partition may be lost with what it was told.
    run_delayed(as_chrono(parts_.context->options.say_again_every), [this] {
        if (crank_.state().is_acknowledged) return;
        carry_out(withdrawal::outstanding(crank_.state()));
    });
}

}  // namespace crossclear::actors
