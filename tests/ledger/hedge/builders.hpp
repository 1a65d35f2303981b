#pragma once

#include "ledger/hedge/machine.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

/// Commands and states that the hedge machine's tests start from.

namespace crossclear::ledger::hedge::builders {

using base::Amount;
using base::Timestamp;

inline constexpr base::EntityId task =
    base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, 12);
inline constexpr base::AssetId token{3};
inline constexpr base::AssetId dollar{1};
inline constexpr base::AssetId gas{2};

/// Buys 100 in slices of 60 and 40 at 10 and 20 us; the deadline is at 60 us.
inline PlanHedge a_plan() {
    return PlanHedge{.instrument = base::InstrumentId{4},
                     .shard = base::ShardId{1},
                     .is_contract = false,
                     .base = token,
                     .settlement = dollar,
                     .gas_asset = gas,
                     .quantity = Amount{100},
                     .bound = base::Price{5'000},
                     .slices = {{Amount{60}, Timestamp{10}}, {Amount{40}, Timestamp{20}}},
                     .cost_max = {Amount{600}, Amount{400}},
                     .salt = 7,
                     .deadline = Timestamp{60},
                     .at = Timestamp{1}};
}

inline PlanHedge a_sale() {
    PlanHedge plan = a_plan();
    plan.quantity = Amount{-100};
    plan.slices = {{Amount{-60}, Timestamp{10}}, {Amount{-40}, Timestamp{20}}};
    plan.cost_max = {Amount{60}, Amount{40}};
    return plan;
}

inline PlanHedge a_short_contract() {
    PlanHedge plan = a_sale();
    plan.is_contract = true;
    plan.cost_max = {Amount{0}, Amount{0}};
    return plan;
}

inline OrderNotice a_notice(std::uint32_t number, Finality finality, std::uint64_t block = 8) {
    OrderNotice notice;
    notice.ref = {.origin = task, .number = number};
    notice.finality = finality;
    notice.block = block;
    return notice;
}

/// A slice of `a_plan` that took effect for good.
inline OrderNotice a_fill(std::uint32_t number, Amount given, Amount received) {
    OrderNotice notice = a_notice(number, Finality::final);
    notice.given = given;
    notice.given_asset = dollar;
    notice.received = received;
    notice.received_asset = token;
    notice.price = base::Price{4'900};
    notice.gas = Amount{2};
    return notice;
}

inline OrderNotice a_refusal(std::uint32_t number, ShardRefusal reason = ShardRefusal::reverted) {
    OrderNotice notice = a_notice(number, Finality::final);
    notice.refusal = reason;
    notice.gas = Amount{1};
    return notice;
}

inline State unplanned() { return State{.id = task}; }

/// Decides and applies; the events are the answer.
template <class AnyCommand>
std::vector<Event> run(State& state, const AnyCommand& command) {
    const Decision decision = decide(state, command);
    EXPECT_TRUE(decision.has_value()) << name_of(decision.error());
    for (const Event& event : *decision) apply(state, event);
    return *decision;
}

inline NoteOrder note(OrderNotice notice, std::int64_t at = 30) {
    return NoteOrder{.notice = std::move(notice), .at = Timestamp{at}};
}

inline State planned(const PlanHedge& plan = a_plan()) {
    State state = unplanned();
    run(state, plan);
    return state;
}

/// Both slices have left.
inline State sent(const PlanHedge& plan = a_plan()) {
    State state = planned(plan);
    run(state, Advance{.now = Timestamp{20}});
    return state;
}

}  // namespace crossclear::ledger::hedge::builders
