#include "ledger/hedge/machine.hpp"

#include "base/limits.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/proposal.hpp"

#include <utility>

namespace crossclear::ledger::hedge {
namespace {

using base::Amount;
using base::Failure;
using base::Timestamp;
using Proposal = ledger::Proposal<State, Event>;

bool has_sign_of(Amount amount, Amount other) {
    return (amount.v > 0 && other.v > 0) || (amount.v < 0 && other.v < 0);
}

// |amount| <= |limit|, both of one sign. Written without an absolute value: INT64_MIN has none.
bool is_within(Amount amount, Amount limit) {
    return limit.v >= 0 ? amount.v >= 0 && amount.v <= limit.v
                        : amount.v <= 0 && amount.v >= limit.v;
}

bool has_same_duty(const HedgeCommitted& terms, const PlanHedge& command) {
    return terms.instrument == command.instrument && terms.shard == command.shard &&
           terms.is_contract == command.is_contract && terms.base == command.base &&
           terms.settlement == command.settlement && terms.gas_asset == command.gas_asset &&
           terms.quantity == command.quantity;
}

bool is_cost_enough(const PlanHedge& command, Amount quantity, Amount cost_max) {
    if (command.is_contract) return cost_max.v >= 0;
    if (command.quantity.v > 0) return cost_max.v > 0;
    const auto sold = base::negate(quantity);
    return sold.has_value() && cost_max >= *sold;
}

std::optional<Reject> fault_of(const PlanHedge& command) {
    if (command.quantity.v == 0) return Reject::quantity_must_not_be_zero;
    if (command.slices.empty() || command.slices.size() > base::limits::slices_max) {
        return Reject::slices_out_of_range;
    }
    if (command.cost_max.size() != command.slices.size()) return Reject::costs_must_match_slices;
    for (std::size_t i = 0; i < command.slices.size(); ++i) {
        if (!is_cost_enough(command, command.slices[i].quantity, command.cost_max[i])) {
            return Reject::costs_must_match_slices;
        }
    }
    Amount sum;
    for (const Slice& slice : command.slices) {
        if (!has_sign_of(slice.quantity, command.quantity)) return Reject::slices_must_share_sign;
        const auto next = base::add(sum, slice.quantity);
        if (!next) return Reject::slices_must_sum_to_quantity;
        sum = *next;
    }
    if (sum != command.quantity) return Reject::slices_must_sum_to_quantity;
    if (command.deadline <= command.at) return Reject::deadline_must_follow;
    return std::nullopt;
}

HedgeOutcome outcome_of(const State& state) {
    if (state.filled.v == 0) return HedgeOutcome::unfilled;
    return state.filled == state.terms.quantity ? HedgeOutcome::filled
                                                : HedgeOutcome::partly_filled;
}

bool has_slices_to_send(const State& state, Timestamp now) {
    if (state.phase == Phase::cancelled || now >= state.terms.deadline) return false;
    for (const SliceProgress& slice : state.slices) {
        if (slice.status == SliceStatus::planned) return true;
    }
    return false;
}

void finish_if_done(Proposal& proposal, Timestamp now) {
    const State& state = proposal.state();
    if (state.phase == Phase::finished || has_orders_in_flight(state)) return;
    if (has_slices_to_send(state, now)) return;
    proposal.add(HedgeFinished{.outcome = outcome_of(state), .filled = state.filled, .at = now});
}

// What the broker's holding of the base changed by. In kind it is one of the two token amounts.
Amount filled_by(const HedgeCommitted& terms, const OrderNotice& notice) {
    if (terms.is_contract) return notice.filled;
    return terms.quantity.v > 0 ? notice.received : base::must_subtract(Amount{0}, notice.given);
}

// What changed hands at its price. A contract is paid for by its variation.
TradeFigures trade_of(const HedgeCommitted& terms, const OrderNotice& notice) {
    const bool is_buy = terms.quantity.v > 0;
    return TradeFigures{.quantity = base::magnitude(filled_by(terms, notice)),
                        .cash = is_buy ? notice.given : notice.received,
                        .price = notice.price,
                        .bound = terms.bound,
                        .is_buy = is_buy,
                        .is_contract = terms.is_contract};
}

// What the books can hold, and what price and quantity make.
bool are_figures_credible(const State& state, const OrderNotice& notice, const Belief& belief) {
    if (notice.gas > belief.gas_max) return false;
    if (notice.refusal != ShardRefusal::none) return true;
    if (notice.received > belief.received_max) return false;
    return !belief.scales || is_price_credible(trade_of(state.terms, notice), *belief.scales);
}

bool are_figures_possible(const State& state, const OrderNotice& notice) {
    const HedgeCommitted& terms = state.terms;
    if (notice.given.v < 0 || notice.received.v < 0 || notice.gas.v < 0) return false;
    if (notice.refusal != ShardRefusal::none) {
        return notice.given.v == 0 && notice.received.v == 0 && notice.filled.v == 0;
    }
    if (notice.given > given_max_of(terms, notice.ref.number)) return false;
    if (terms.is_contract && notice.received.v != 0) return false;
    if (notice.given.v != 0 && notice.given_asset != given_asset_of(terms)) return false;
    if (notice.received.v != 0 && notice.received_asset != received_asset_of(terms)) return false;
    return is_within(filled_by(terms, notice), terms.slices[notice.ref.number - 1].quantity);
}

// A second final word about a slice says what the first one said, or one of them is a lie.
bool agrees_with(const SliceProgress& slice, const HedgeCommitted& terms,
                 const OrderNotice& notice) {
    if (notice.refusal != ShardRefusal::none) return slice.status == SliceStatus::failed;
    return slice.status == SliceStatus::filled && slice.given == notice.given &&
           slice.received == notice.received && slice.filled == filled_by(terms, notice);
}

SliceFilled filled_event(const State& state, const OrderNotice& notice, Timestamp at) {
    const HedgeCommitted& terms = state.terms;
    return SliceFilled{.number = notice.ref.number,
                       .shard = terms.shard,
                       .block = notice.block,
                       .is_contract = terms.is_contract,
                       .base = terms.base,
                       .given_asset = given_asset_of(terms),
                       .given_max = given_max_of(terms, notice.ref.number),
                       .given = notice.given,
                       .received_asset = received_asset_of(terms),
                       .received = notice.received,
                       .filled = filled_by(terms, notice),
                       .price = notice.price,
                       .gas_asset = terms.gas_asset,
                       .gas = notice.gas,
                       .at = at};
}

SliceFailed failed_event(const State& state, const OrderNotice& notice, Timestamp at) {
    const HedgeCommitted& terms = state.terms;
    return SliceFailed{.number = notice.ref.number,
                       .shard = terms.shard,
                       .block = notice.block,
                       .reason = notice.refusal,
                       .given_asset = given_asset_of(terms),
                       .given_max = given_max_of(terms, notice.ref.number),
                       .gas_asset = terms.gas_asset,
                       .gas = notice.gas,
                       .at = at};
}

// Follows a slice through blocks that may still be replaced.
void note_inclusion(Proposal& proposal, const OrderNotice& notice) {
    const SliceProgress slice = proposal.state().slices[notice.ref.number - 1];
    const bool is_included = notice.finality >= Finality::included;
    const bool was_included = slice.status == SliceStatus::included;
    if (is_included && was_included && slice.block == notice.block) return;
    if (was_included) proposal.add(SliceReorged{.number = notice.ref.number});
    if (is_included) {
        proposal.add(SliceIncluded{.number = notice.ref.number, .block = notice.block});
    }
}

SliceProgress& slice_at(State& state, std::uint32_t number) {
    CHECK(number >= 1 && number <= state.slices.size(), "a slice is one of the schedule's");
    return state.slices[number - 1];
}

SliceProgress& slice_in_flight(State& state, std::uint32_t number) {
    SliceProgress& slice = slice_at(state, number);
    CHECK(is_in_flight(slice.status), "a slice is sent before anything is known of it");
    return slice;
}

void applied(State& state, const HedgeCommitted& event) {
    CHECK(state.phase == Phase::unplanned, "a task is planned once");
    state.phase = Phase::working;
    state.terms = event;
    state.slices.assign(event.slices.size(), SliceProgress{});
}

void applied(State& state, const SliceSent& event) {
    SliceProgress& slice = slice_at(state, event.number);
    CHECK(state.phase == Phase::working, "only a working task sends");
    CHECK(slice.status == SliceStatus::planned, "a slice is sent once");
    slice.status = SliceStatus::sent;
}

void applied(State& state, const SliceIncluded& event) {
    SliceProgress& slice = slice_in_flight(state, event.number);
    slice.status = SliceStatus::included;
    slice.block = event.block;
}

void applied(State& state, const SliceReorged& event) {
    SliceProgress& slice = slice_in_flight(state, event.number);
    slice.status = SliceStatus::sent;
    slice.block = 0;
}

void applied(State& state, const SliceFilled& event) {
    SliceProgress& slice = slice_in_flight(state, event.number);
    slice = SliceProgress{.status = SliceStatus::filled,
                          .block = event.block,
                          .given = event.given,
                          .received = event.received,
                          .filled = event.filled};
    state.filled = base::must_add(state.filled, event.filled);
}

void applied(State& state, const SliceFailed& event) {
    SliceProgress& slice = slice_in_flight(state, event.number);
    slice.status = SliceStatus::failed;
    slice.block = event.block;
}

void applied(State& state, const HedgeFinished& event) {
    CHECK(state.phase == Phase::working || state.phase == Phase::cancelled, "a task ends once");
    CHECK(!has_orders_in_flight(state), "a task ends when no order can take effect any more");
    CHECK(event.filled == state.filled, "a task ends with what its slices filled");
    state.phase = Phase::finished;
}

void applied(State& state, const HedgeCancelled&) {
    CHECK(state.phase == Phase::working, "only a working task is cancelled");
    state.phase = Phase::cancelled;
}

std::vector<Effect> wake(const State& state) {
    if (const auto at = next_wake(state)) return {WakeAt{.at = *at}};
    return {};
}

ReportFinished report_of(const State& state) {
    return ReportFinished{.task = state.id, .filled = state.filled};
}

std::vector<Effect> asked_by(const State& after, const HedgeCommitted&) { return wake(after); }

std::vector<Effect> asked_by(const State& after, const SliceSent& event) {
    std::vector<Effect> effects = wake(after);
    effects.insert(effects.begin(), SendOrder{.order = order_of(after, event.number)});
    return effects;
}

std::vector<Effect> asked_by(const State&, const SliceIncluded&) { return {}; }
std::vector<Effect> asked_by(const State&, const SliceReorged&) { return {}; }

// The deadline may have passed while this slice was in flight: its timer has gone off in vain then.
std::vector<Effect> asked_by(const State& after, const SliceFilled&) { return wake(after); }
std::vector<Effect> asked_by(const State& after, const SliceFailed&) { return wake(after); }

std::vector<Effect> asked_by(const State& after, const HedgeFinished&) {
    return {report_of(after)};
}

std::vector<Effect> asked_by(const State&, const HedgeCancelled&) { return {}; }

}  // namespace

Decision decide(const State& state, const PlanHedge& command) {
    if (state.phase != Phase::unplanned) {
        if (has_same_duty(state.terms, command)) return std::vector<Event>{};
        return Failure{Reject::planned_differently};
    }
    if (const auto fault = fault_of(command)) return Failure{*fault};

    HedgeCommitted committed{.instrument = command.instrument,
                             .shard = command.shard,
                             .is_contract = command.is_contract,
                             .base = command.base,
                             .settlement = command.settlement,
                             .gas_asset = command.gas_asset,
                             .quantity = command.quantity,
                             .bound = command.bound,
                             .slices = command.slices,
                             .cost_max = command.cost_max,
                             .salt = command.salt,
                             .commitment = {},
                             .deadline = command.deadline,
                             .at = command.at};
    committed.commitment = journal::sha256(schedule_text(state.id, committed));
    Proposal proposal{state};
    proposal.add(std::move(committed));
    return std::move(proposal).done();
}

Decision decide(const State& state, const Advance& command) {
    if (state.phase == Phase::unplanned) return Failure{Reject::task_is_not_planned};

    Proposal proposal{state};
    const HedgeCommitted& terms = state.terms;
    for (std::uint32_t number = 1; number <= state.slices.size(); ++number) {
        if (state.phase != Phase::working || command.now > terms.deadline) break;
        if (state.slices[number - 1].status != SliceStatus::planned) continue;
        if (command.now < terms.slices[number - 1].send_at) continue;
        proposal.add(SliceSent{.number = number,
                               .shard = terms.shard,
                               .given_asset = given_asset_of(terms),
                               .given_max = given_max_of(terms, number),
                               .at = command.now});
    }
    finish_if_done(proposal, command.now);
    return std::move(proposal).done();
}

Decision decide(const State& state, const NoteOrder& command) {
    if (state.phase == Phase::unplanned) return Failure{Reject::task_is_not_planned};
    const OrderNotice& notice = command.notice;
    const std::uint32_t number = notice.ref.number;
    if (notice.ref.origin != state.id || number < 1 || number > state.slices.size()) {
        return Failure{Reject::notice_contradicts_order};
    }
    const SliceProgress& slice = state.slices[number - 1];
    if (slice.status == SliceStatus::planned) {
        // "Not known there" about an order that never left is the truth, told to a careful asker.
        const bool is_unknown =
            notice.finality == Finality::unseen && notice.refusal == ShardRefusal::none;
        if (is_unknown) return std::vector<Event>{};
        return Failure{Reject::notice_contradicts_order};
    }
    const bool is_final = notice.finality == Finality::final;
    if (is_final && !are_figures_possible(state, notice)) {
        return Failure{Reject::notice_contradicts_order};
    }
    if (!is_in_flight(slice.status)) {
        // The final word stands: what comes late is a repeat of it, or of what led there.
        if (!is_final || agrees_with(slice, state.terms, notice)) return std::vector<Event>{};
        return Failure{Reject::notice_contradicts_order};
    }

    if (is_final && !are_figures_credible(state, notice, command.belief)) {
        return Failure{Reject::figures_incredible};
    }

    Proposal proposal{state};
    if (!is_final) {
        note_inclusion(proposal, notice);
    } else if (notice.refusal != ShardRefusal::none) {
        proposal.add(failed_event(state, notice, command.at));
    } else {
        proposal.add(filled_event(state, notice, command.at));
    }
    finish_if_done(proposal, command.at);
    return std::move(proposal).done();
}

Decision decide(const State& state, const CancelHedge& command) {
    if (state.phase == Phase::unplanned) return Failure{Reject::task_is_not_planned};
    if (state.phase != Phase::working) return std::vector<Event>{};

    Proposal proposal{state};
    proposal.add(HedgeCancelled{.at = command.at});
    finish_if_done(proposal, command.at);
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
    if (state.phase == Phase::finished) return {report_of(state)};
    std::vector<Effect> effects;
    for (std::uint32_t number = 1; number <= state.slices.size(); ++number) {
        if (is_in_flight(state.slices[number - 1].status)) {
            effects.emplace_back(SendOrder{.order = order_of(state, number)});
        }
    }
    if (const auto at = next_wake(state)) effects.emplace_back(WakeAt{.at = *at});
    return effects;
}

std::optional<std::string> check_invariants(const State& state) {
    if (state.phase == Phase::unplanned) {
        if (state.slices.empty()) return std::nullopt;
        return "a task without a plan has slices";
    }
    const HedgeCommitted& terms = state.terms;
    if (state.slices.size() != terms.slices.size()) return "progress and schedule differ in length";
    Amount filled;
    for (std::size_t i = 0; i < state.slices.size(); ++i) {
        const SliceProgress& slice = state.slices[i];
        const auto number = static_cast<std::uint32_t>(i + 1);
        if (!is_within(slice.filled, terms.slices[i].quantity)) return "a slice is overfilled";
        if (slice.given.v < 0 || slice.given > given_max_of(terms, number)) {
            return "a slice gave more than was put in flight for it";
        }
        if (slice.status != SliceStatus::filled && (slice.filled.v != 0 || slice.given.v != 0)) {
            return "a slice that is not filled has figures of a fill";
        }
        filled = base::must_add(filled, slice.filled);
    }
    if (filled != state.filled) return "the task's fill is not the sum of its slices'";
    if (state.phase == Phase::finished && has_orders_in_flight(state)) {
        return "a finished task has orders in flight";
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::hedge
