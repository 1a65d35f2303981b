#include "actors/instruction_actor.hpp"

#include "actors/chrono.hpp"
#include "actors/distrust.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::actors {

namespace instruction = ledger::instruction;

InstructionHost::InstructionHost(caf::actor_config& config, HomeParts parts,
                                 instruction::State state)
    : HomeActor::base(config),
      parts_(std::move(parts)),
      crank_(parts_.entity, std::move(state), parts_.journal) {}

HomeActor::behavior_type InstructionHost::make_behavior() {
    return {
        [this](const Durable& durable) { crank_.on_durable(durable); },
        [this](const ToHome& message) { on_news(message.news); },
    };
}

void InstructionHost::on_news(const HomeNews& news) {
    const auto now = parts_.context->now();
    if (const auto* create = std::get_if<instruction::CreateInstruction>(&news)) {
        decide_and_commit(*create);
    } else if (const auto* notice = std::get_if<ledger::OrderNotice>(&news)) {
        note(*notice);
    } else if (const auto* arrival = std::get_if<ledger::ArrivalNotice>(&news)) {
        note_arrival(*arrival);
    } else if (std::holds_alternative<Wake>(news)) {
        decide_and_commit(instruction::Advance{.now = now});
    } else if (std::holds_alternative<Resume>(news)) {
        carry_out(instruction::outstanding(crank_.state()));
    }
}

// A final word books what it says: the books say first what it can be.
void InstructionHost::note(const ledger::OrderNotice& notice) {
    const auto leg = told_leg(notice.ref);
    if (notice.finality != ledger::Finality::final || !leg) {
        decide_and_commit(
            instruction::NoteOrder{.notice = notice, .at = parts_.context->now(), .belief = {}});
        return;
    }
    with_belief(this, parts_, leg->shard, leg->asset, [this, notice](ledger::Belief belief) {
        decide_and_commit(instruction::NoteOrder{
            .notice = notice, .at = parts_.context->now(), .belief = belief});
    });
}

// The leg that an order is of, if there is one.
std::optional<instruction::Leg> InstructionHost::told_leg(const base::OrderRef& ref) const {
    const auto& legs = crank_.state().terms.legs;
    const auto number = instruction::leg_of(ref.number);
    if (number < 1 || number > legs.size()) return std::nullopt;
    return legs[number - 1];
}

// What became of its order is unknown still. It waits in the lane until an operator has looked.
void InstructionHost::distrust_shard(const instruction::Command& command,
                                     instruction::Reject reject) {
    const auto& legs = crank_.state().terms.legs;
    if (legs.empty()) return;
    auto shard = legs.front().shard;
    if (const auto* told = std::get_if<instruction::NoteOrder>(&command)) {
        if (const auto leg = told_leg(told->notice.ref)) shard = leg->shard;
    } else if (const auto* arrival = std::get_if<instruction::NoteArrival>(&command)) {
        shard = arrival->notice.shard;
    }
    distrust(this, parts_, shard, legs.front().asset, instruction::name_of(reject));
    if (std::exchange(is_asking_again_, true)) return;
    run_delayed(as_chrono(asked_again_after), [this] {
        is_asking_again_ = false;
        crank_.when_durable([this, owed = instruction::outstanding(crank_.state())](std::uint64_t) {
            carry_out(owed);
        });
    });
}

// Tokens can be seen arriving before their departure is known to be final: told again after it.
void InstructionHost::note_arrival(const ledger::ArrivalNotice& notice) {
    const instruction::NoteArrival command{.notice = notice, .at = parts_.context->now()};
    const auto decision = instruction::decide(crank_.state(), command);
    if (!decision && decision.error() == instruction::Reject::arrival_before_departure) {
        early_arrival_ = notice;
        return;
    }
    decide_and_commit(command);
}

void InstructionHost::decide_and_commit(const instruction::Command& command) {
    const auto decision = instruction::decide(crank_.state(), command);
    if (!decision) {
        parts_.context->log(LogLevel::error, "A settlement instruction refused a command.",
                            {{"instruction", base::to_string(parts_.entity)},
                             {"reject", instruction::name_of(decision.error())}});
        if (instruction::accuses_shard(decision.error())) {
            distrust_shard(command, decision.error());
        }
        return;
    }
    if (decision->empty()) return;
    for (const auto& event : *decision) measure(event);
    auto effects = crank_.commit(this, *decision);
    crank_.when_durable(
        [this, effects = std::move(effects)](std::uint64_t) { carry_out(effects); });
    if (const auto early = std::exchange(early_arrival_, std::nullopt)) note_arrival(*early);
}

void InstructionHost::measure(const instruction::Event& event) {
    const auto& context = *parts_.context;
    const auto order = [](const auto& of) { return instruction::order_number(of.leg, of.attempt); };
    if (const auto* sent = std::get_if<instruction::LegSent>(&event)) {
        timer_.start(order(*sent), sent->at);
    } else if (const auto* included = std::get_if<instruction::LegIncluded>(&event)) {
        const auto& leg = crank_.state().terms.legs[included->leg - 1];
        timer_.observe(context, leg.shard, order(*included), "included", false);
    } else if (const auto* final = std::get_if<instruction::LegFinal>(&event)) {
        timer_.observe(context, final->shard, order(*final), "final", true);
    } else if (const auto* failed = std::get_if<instruction::LegFailed>(&event)) {
        timer_.observe(context, failed->shard, order(*failed), "failed", true);
    } else if (const auto* ended = std::get_if<instruction::InstructionEnded>(&event)) {
        if (ended->outcome == instruction::Outcome::settled) return;
        context.instruments->settlement.compensations_total
            .with({ended->outcome == instruction::Outcome::manual ? "manual" : "compensated"})
            .increment();
    }
}

void InstructionHost::carry_out(const std::vector<instruction::Effect>& effects) {
    for (const auto& effect : effects) {
        if (const auto* order = std::get_if<instruction::SendOrder>(&effect)) {
            send(parts_.home, LaneOrder{order->order});
        } else if (const auto* wake = std::get_if<instruction::WakeAt>(&effect)) {
            const auto wait = std::max(base::Duration{}, wake->at - parts_.context->now());
            delayed_send(this, as_chrono(wait + base::milliseconds(1)),
                         ToHome{parts_.entity, Wake{}});
        } else if (const auto* ended = std::get_if<instruction::ReportEnded>(&effect)) {
            report(*ended);
        }
    }
}

void InstructionHost::report(const instruction::ReportEnded& ended) {
    if (ended.beneficiary) {
        send(parts_.home, ToHome{*ended.beneficiary,
                                 InstructionEnded{.report = ended, .sequence = crank_.sequence()}});
        return;
    }
    send(parts_.home, ToHome{base::entity_of(base::EntityKind::netting, parts_.broker()),
                             MoveEnded{.number = base::number_of(base::AccountId{parts_.entity.id}),
                                       .is_settled = ended.outcome == instruction::Outcome::settled,
                                       .sequence = crank_.sequence()}});
}

}  // namespace crossclear::actors
