#include "ledger/instruction/machine.hpp"

#include "base/limits.hpp"
#include "ledger/proposal.hpp"

#include <utility>

namespace crossclear::ledger::instruction {
namespace {

using base::Amount;
using base::Failure;
using base::Timestamp;
using Proposal = ledger::Proposal<State, Event>;

bool is_complete(const Leg& leg) {
    if (leg.amount.v <= 0) return false;
    if (leg.kind == LegKind::arrival) return true;
    switch (leg.order) {
        case OrderKind::swap:
        case OrderKind::contract:
            return false;
        case OrderKind::pay_out:
            return !leg.destination.empty();
        case OrderKind::bridge_out:
            return leg.to_shard != leg.shard;
        case OrderKind::post_margin:
        case OrderKind::take_margin:
            return true;
    }
    UNREACHABLE("an unlisted order kind");
}

bool is_bridge(const Leg& leg) {
    return leg.kind == LegKind::order && leg.order == OrderKind::bridge_out;
}

bool is_arrival_of(const Leg& arrival, const Leg& bridge) {
    return is_bridge(bridge) && arrival.kind == LegKind::arrival &&
           arrival.shard == bridge.to_shard && arrival.asset == bridge.asset &&
           arrival.amount == bridge.amount;
}

// Every bridge is followed by its arrival, and no arrival stands alone.
bool are_bridges_paired(const std::vector<Leg>& legs) {
    for (std::size_t i = 0; i < legs.size(); ++i) {
        if (is_bridge(legs[i])) {
            if (i + 1 == legs.size() || !is_arrival_of(legs[i + 1], legs[i])) return false;
        } else if (legs[i].kind == LegKind::arrival) {
            if (i == 0 || !is_arrival_of(legs[i], legs[i - 1])) return false;
        }
    }
    return true;
}

bool ends_as(Purpose purpose, const Leg& last) {
    const bool is_order = last.kind == LegKind::order;
    switch (purpose) {
        case Purpose::withdrawal:
            return is_order && last.order == OrderKind::pay_out;
        case Purpose::move:
            return last.kind == LegKind::arrival;
        case Purpose::post_margin:
            return is_order && last.order == OrderKind::post_margin;
        case Purpose::take_margin:
            return is_order && last.order == OrderKind::take_margin;
    }
    UNREACHABLE("an unlisted purpose");
}

std::optional<Reject> fault_of(const CreateInstruction& command) {
    if (command.legs.empty() || command.legs.size() > base::limits::instruction_legs_max) {
        return Reject::legs_out_of_range;
    }
    for (const Leg& leg : command.legs) {
        if (!is_complete(leg)) return Reject::leg_is_incomplete;
    }
    if (!are_bridges_paired(command.legs) || !ends_as(command.purpose, command.legs.back())) {
        return Reject::legs_must_fit_purpose;
    }
    if (!command.legs.front().is_pivot) return Reject::first_leg_must_be_pivot;
    if (command.order_lifetime.us <= 0) return Reject::lifetime_must_be_positive;
    if (command.attempts_max < 1 || command.attempts_max > attempts_per_leg_max) {
        return Reject::attempts_out_of_range;
    }
    return std::nullopt;
}

// Ends the duty where nothing is left to do or to try.
void end_if_done(Proposal& proposal, Timestamp at) {
    const State& state = proposal.state();
    if (current_leg(state) > state.legs.size()) {
        proposal.add(
            InstructionEnded{.outcome = Outcome::settled, .reason = ShardRefusal::none, .at = at});
    } else if (is_exhausted(state)) {
        proposal.add(InstructionEnded{
            .outcome = has_passed_pivot(state) ? Outcome::manual : Outcome::compensated,
            .reason = state.legs[current_leg(state) - 1].last_refusal,
            .at = at});
    }
}

// A shard may leave the amounts of a transfer out; what it tells must be all or nothing.
bool are_figures_possible(const Leg& leg, const OrderNotice& notice) {
    if (notice.gas.v < 0) return false;
    if (notice.refusal != ShardRefusal::none) {
        return notice.given.v == 0 && notice.received.v == 0 && notice.filled.v == 0;
    }
    const bool is_given_whole = notice.given.v == 0 || notice.given == leg.amount;
    const bool is_received_whole = notice.received.v == 0 || notice.received == leg.amount;
    return is_given_whole && is_received_whole;
}

LegFinal final_event(const State& state, const OrderNotice& notice, Timestamp at) {
    const std::uint32_t number = leg_of(notice.ref.number);
    const Leg& leg = state.terms.legs[number - 1];
    return LegFinal{.leg = number,
                    .attempt = attempt_of(notice.ref.number),
                    .kind = LegKind::order,
                    .order = leg.order,
                    .shard = leg.shard,
                    .from_shard = leg.shard,
                    .asset = leg.asset,
                    .amount = leg.amount,
                    .block = notice.block,
                    .gas_asset = state.terms.gas_asset,
                    .gas = notice.gas,
                    .at = at};
}

LegFailed failed_event(const State& state, const OrderNotice& notice, Timestamp at) {
    const std::uint32_t number = leg_of(notice.ref.number);
    const Leg& leg = state.terms.legs[number - 1];
    return LegFailed{.leg = number,
                     .attempt = attempt_of(notice.ref.number),
                     .order = leg.order,
                     .shard = leg.shard,
                     .asset = leg.asset,
                     .amount = leg.amount,
                     .block = notice.block,
                     .reason = notice.refusal,
                     .gas_asset = state.terms.gas_asset,
                     .gas = notice.gas,
                     .at = at};
}

// Follows an attempt through blocks that may still be replaced.
void note_inclusion(Proposal& proposal, const OrderNotice& notice) {
    const std::uint32_t leg = leg_of(notice.ref.number);
    const std::uint32_t attempt = attempt_of(notice.ref.number);
    const LegProgress progress = proposal.state().legs[leg - 1];
    const bool is_included = notice.finality >= Finality::included;
    const bool was_included = progress.status == LegStatus::included;
    if (is_included && was_included && progress.block == notice.block) return;
    if (was_included) proposal.add(LegReorged{.leg = leg, .attempt = attempt});
    if (is_included) {
        proposal.add(LegIncluded{.leg = leg, .attempt = attempt, .block = notice.block});
    }
}

bool is_in_flight(const LegProgress& progress) {
    return progress.status == LegStatus::sent || progress.status == LegStatus::included;
}

// Whether a late word about an attempt that has its final word agrees with it.
bool agrees_with(const LegProgress& progress, const OrderNotice& notice) {
    if (notice.finality != Finality::final) return true;
    const bool took_effect =
        progress.status == LegStatus::final && attempt_of(notice.ref.number) == progress.attempt;
    return took_effect == (notice.refusal == ShardRefusal::none);
}

// Whether the notice is about an attempt of this instruction, sent or not.
bool names_an_attempt(const State& state, const OrderNotice& notice) {
    const std::uint32_t leg = leg_of(notice.ref.number);
    return notice.ref.origin == state.id && leg >= 1 && leg <= state.legs.size() &&
           attempt_of(notice.ref.number) >= 1 && state.terms.legs[leg - 1].kind == LegKind::order;
}

// The leg that waits for what the notice tells of, from 1.
std::optional<std::uint32_t> arrival_leg_of(const State& state, const ArrivalNotice& notice) {
    const std::uint32_t bridge = leg_of(notice.ref.number);
    if (notice.ref.origin != state.id || bridge < 1 || bridge >= state.legs.size()) {
        return std::nullopt;
    }
    const Leg& arrival = state.terms.legs[bridge];
    if (!is_arrival_of(arrival, state.terms.legs[bridge - 1])) return std::nullopt;
    const bool is_same = notice.shard == arrival.shard && notice.asset == arrival.asset &&
                         notice.amount == arrival.amount;
    if (!is_same) return std::nullopt;
    return bridge + 1;
}

LegProgress& progress_of(State& state, std::uint32_t leg) {
    CHECK(state.phase == Phase::open, "legs move while the instruction is open");
    CHECK(leg >= 1 && leg == current_leg(state), "legs move one after the other");
    CHECK(leg <= state.legs.size(), "a leg is one of the instruction's");
    return state.legs[leg - 1];
}

LegProgress& progress_in_flight(State& state, std::uint32_t leg, std::uint32_t attempt) {
    LegProgress& progress = progress_of(state, leg);
    CHECK(is_in_flight(progress), "an attempt is sent before anything is known of it");
    CHECK(progress.attempt == attempt, "only the latest attempt is in flight");
    return progress;
}

void applied(State& state, const InstructionCreated& event) {
    CHECK(state.phase == Phase::uncreated, "an instruction is created once");
    state.phase = Phase::open;
    state.terms = event;
    state.legs.assign(event.legs.size(), LegProgress{});
    state.due_at = event.at;
}

void applied(State& state, const LegSent& event) {
    LegProgress& progress = progress_of(state, event.leg);
    CHECK(progress.status == LegStatus::ready, "no attempt is made while one may take effect");
    CHECK(event.attempt == progress.attempt + 1, "attempts are counted without gaps");
    progress.status = LegStatus::sent;
    progress.attempt = event.attempt;
    progress.deadline = event.deadline;
    progress.last_refusal = ShardRefusal::none;
}

void applied(State& state, const LegIncluded& event) {
    LegProgress& progress = progress_in_flight(state, event.leg, event.attempt);
    progress.status = LegStatus::included;
    progress.block = event.block;
}

void applied(State& state, const LegReorged& event) {
    LegProgress& progress = progress_in_flight(state, event.leg, event.attempt);
    progress.status = LegStatus::sent;
    progress.block = 0;
}

void applied(State& state, const LegFinal& event) {
    LegProgress& progress = event.kind == LegKind::order
                                ? progress_in_flight(state, event.leg, event.attempt)
                                : progress_of(state, event.leg);
    progress.status = LegStatus::final;
    progress.block = event.block;
    state.last_final_block = event.block;
    state.due_at = event.at;
}

void applied(State& state, const LegFailed& event) {
    LegProgress& progress = progress_in_flight(state, event.leg, event.attempt);
    progress.status = LegStatus::ready;
    progress.block = 0;
    progress.last_refusal = event.reason;
    state.due_at = event.at;
}

void applied(State& state, const InstructionEnded& event) {
    CHECK(state.phase == Phase::open, "an instruction ends once");
    CHECK(!has_order_in_flight(state), "it ends when no order can take effect any more");
    state.phase = Phase::ended;
    state.outcome = event.outcome;
    state.reason = event.reason;
}

std::vector<Effect> wake(const State& state) {
    if (const auto at = next_wake(state)) return {WakeAt{.at = *at}};
    return {};
}

ReportEnded report_of(const State& state) {
    return ReportEnded{.instruction = state.id,
                       .beneficiary = state.terms.beneficiary,
                       .outcome = state.outcome,
                       .reason = state.reason,
                       .block = state.last_final_block};
}

std::vector<Effect> asked_by(const State& after, const InstructionCreated&) { return wake(after); }

std::vector<Effect> asked_by(const State& after, const LegSent& event) {
    return {SendOrder{.order = order_of(after, event.leg)}};
}

std::vector<Effect> asked_by(const State&, const LegIncluded&) { return {}; }
std::vector<Effect> asked_by(const State&, const LegReorged&) { return {}; }
std::vector<Effect> asked_by(const State& after, const LegFinal&) { return wake(after); }
std::vector<Effect> asked_by(const State& after, const LegFailed&) { return wake(after); }

std::vector<Effect> asked_by(const State& after, const InstructionEnded&) {
    return {report_of(after)};
}

}  // namespace

Decision decide(const State& state, const CreateInstruction& command) {
    if (state.phase != Phase::uncreated) {
        const InstructionCreated& terms = state.terms;
        const bool is_same = terms.purpose == command.purpose && terms.legs == command.legs &&
                             terms.beneficiary == command.beneficiary;
        if (is_same) return std::vector<Event>{};
        return Failure{Reject::created_differently};
    }
    if (const auto fault = fault_of(command)) return Failure{*fault};

    Proposal proposal{state};
    proposal.add(InstructionCreated{.purpose = command.purpose,
                                    .beneficiary = command.beneficiary,
                                    .legs = command.legs,
                                    .gas_asset = command.gas_asset,
                                    .order_lifetime = command.order_lifetime,
                                    .attempts_max = command.attempts_max,
                                    .at = command.at});
    return std::move(proposal).done();
}

Decision decide(const State& state, const Advance& command) {
    if (state.phase == Phase::uncreated) return Failure{Reject::instruction_is_not_created};
    if (!next_wake(state)) return std::vector<Event>{};

    const std::uint32_t number = current_leg(state);
    const Leg& leg = state.terms.legs[number - 1];
    Proposal proposal{state};
    proposal.add(LegSent{.leg = number,
                         .attempt = state.legs[number - 1].attempt + 1,
                         .order = leg.order,
                         .shard = leg.shard,
                         .asset = leg.asset,
                         .amount = leg.amount,
                         .deadline = command.now + state.terms.order_lifetime,
                         .at = command.now});
    return std::move(proposal).done();
}

Decision decide(const State& state, const NoteOrder& command) {
    if (state.phase == Phase::uncreated) return Failure{Reject::instruction_is_not_created};
    const OrderNotice& notice = command.notice;
    if (!names_an_attempt(state, notice)) return Failure{Reject::notice_contradicts_order};
    const std::uint32_t leg = leg_of(notice.ref.number);
    const std::uint32_t attempt = attempt_of(notice.ref.number);
    const LegProgress& progress = state.legs[leg - 1];
    if (attempt > progress.attempt) {
        // "Not known there" about an order that never left is the truth, told to a careful asker.
        const bool is_unknown =
            notice.finality == Finality::unseen && notice.refusal == ShardRefusal::none;
        if (is_unknown) return std::vector<Event>{};
        return Failure{Reject::notice_contradicts_order};
    }
    const bool is_final = notice.finality == Finality::final;
    if (is_final && !are_figures_possible(state.terms.legs[leg - 1], notice)) {
        return Failure{Reject::notice_contradicts_order};
    }
    if (attempt < progress.attempt || !is_in_flight(progress)) {
        // An attempt that was given up and takes effect after all would be a second effect.
        if (agrees_with(progress, notice)) return std::vector<Event>{};
        return Failure{Reject::notice_contradicts_order};
    }

    if (is_final && notice.gas > command.belief.gas_max) {
        return Failure{Reject::figures_incredible};
    }

    Proposal proposal{state};
    if (!is_final) {
        note_inclusion(proposal, notice);
        return std::move(proposal).done();
    }
    if (notice.refusal != ShardRefusal::none) {
        proposal.add(failed_event(state, notice, command.at));
    } else {
        proposal.add(final_event(state, notice, command.at));
    }
    end_if_done(proposal, command.at);
    return std::move(proposal).done();
}

Decision decide(const State& state, const NoteArrival& command) {
    if (state.phase == Phase::uncreated) return Failure{Reject::instruction_is_not_created};
    const ArrivalNotice& notice = command.notice;
    const auto leg = arrival_leg_of(state, notice);
    if (!leg) return Failure{Reject::arrival_contradicts_leg};
    const LegProgress& bridge = state.legs[*leg - 2];
    const std::uint32_t attempt = attempt_of(notice.ref.number);
    const bool was_sent = attempt >= 1 && attempt == bridge.attempt;
    const bool is_possible = was_sent && bridge.status != LegStatus::ready;
    if (!is_possible) return Failure{Reject::arrival_contradicts_leg};
    if (notice.finality != Finality::final) return std::vector<Event>{};
    if (state.legs[*leg - 1].status == LegStatus::final) return std::vector<Event>{};
    if (bridge.status != LegStatus::final) return Failure{Reject::arrival_before_departure};

    Proposal proposal{state};
    proposal.add(LegFinal{.leg = *leg,
                          .attempt = 0,
                          .kind = LegKind::arrival,
                          .order = OrderKind::bridge_out,
                          .shard = notice.shard,
                          .from_shard = state.terms.legs[*leg - 2].shard,
                          .asset = notice.asset,
                          .amount = notice.amount,
                          .block = notice.block,
                          .gas_asset = state.terms.gas_asset,
                          .gas = Amount{0},
                          .at = command.at});
    end_if_done(proposal, command.at);
    return std::move(proposal).done();
}

Decision decide(const State& state, const Command& command) {
    return std::visit([&state](const auto& each) { return decide(state, each); }, command);
}

void apply(State& state, const Event& event) {
    std::visit([&state](const auto& each) { applied(state, each); }, event);
}

std::vector<Effect> effects_of(const State& after, const Event& event) {
    return std::visit([&after](const auto& each) { return asked_by(after, each); }, event);
}

std::vector<Effect> outstanding(const State& state) {
    if (state.phase == Phase::ended) return {report_of(state)};
    if (has_order_in_flight(state)) {
        return {SendOrder{.order = order_of(state, current_leg(state))}};
    }
    return wake(state);
}

std::optional<std::string> check_invariants(const State& state) {
    if (state.phase == Phase::uncreated) {
        if (state.legs.empty()) return std::nullopt;
        return "an instruction that was not created has legs";
    }
    if (state.legs.size() != state.terms.legs.size()) return "progress and legs differ in length";
    for (std::uint32_t leg = 1; leg <= state.legs.size(); ++leg) {
        const LegProgress& progress = state.legs[leg - 1];
        if (leg > current_leg(state) && progress != LegProgress{}) {
            return "a leg has started before the one ahead of it is final";
        }
        if (progress.attempt > state.terms.attempts_max) return "a leg has too many attempts";
    }
    if (state.phase == Phase::open) return std::nullopt;
    if (has_order_in_flight(state)) return "an ended instruction has an order in flight";
    const bool are_all_final = current_leg(state) > state.legs.size();
    if ((state.outcome == Outcome::settled) != are_all_final) {
        return "an instruction is settled where all its legs are final, and only there";
    }
    if (state.outcome == Outcome::compensated && has_final_leg(state)) {
        return "a compensated instruction has taken effect";
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::instruction
