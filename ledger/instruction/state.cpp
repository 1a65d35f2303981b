#include "ledger/instruction/state.hpp"

namespace crossclear::ledger::instruction {
namespace {

bool can_improve(ShardRefusal reason) {
    switch (reason) {
        case ShardRefusal::none:
        case ShardRefusal::expired:
        case ShardRefusal::price_outside_bound:
        case ShardRefusal::capacity_exceeded:
        case ShardRefusal::reverted:
            return true;
        case ShardRefusal::insufficient_balance:
        case ShardRefusal::unsupported:
        case ShardRefusal::protocol_failed:
            return false;
    }
    UNREACHABLE("an unlisted shard refusal");
}

}  // namespace

std::uint32_t current_leg(const State& state) {
    std::uint32_t leg = 1;
    for (const LegProgress& progress : state.legs) {
        if (progress.status != LegStatus::final) break;
        ++leg;
    }
    return leg;
}

bool has_order_in_flight(const State& state) {
    const std::uint32_t leg = current_leg(state);
    if (leg > state.legs.size()) return false;
    const LegStatus status = state.legs[leg - 1].status;
    return status == LegStatus::sent || status == LegStatus::included;
}

bool has_final_leg(const State& state) { return current_leg(state) > 1; }

bool has_passed_pivot(const State& state) {
    for (std::uint32_t leg = 1; leg < current_leg(state); ++leg) {
        if (state.terms.legs[leg - 1].is_pivot) return true;
    }
    return false;
}

bool is_exhausted(const State& state) {
    const std::uint32_t leg = current_leg(state);
    if (leg > state.legs.size()) return false;
    const LegProgress& progress = state.legs[leg - 1];
    if (progress.status != LegStatus::ready || progress.attempt == 0) return false;
    if (progress.attempt >= state.terms.attempts_max) return true;
    return !has_passed_pivot(state) && !can_improve(progress.last_refusal);
}

std::optional<base::Timestamp> next_wake(const State& state) {
    if (state.phase != Phase::open || has_order_in_flight(state)) return std::nullopt;
    const std::uint32_t leg = current_leg(state);
    if (leg > state.legs.size() || is_exhausted(state)) return std::nullopt;
    if (state.terms.legs[leg - 1].kind == LegKind::arrival) return std::nullopt;
    return state.due_at;
}

ShardOrder order_of(const State& state, std::uint32_t leg) {
    CHECK(leg >= 1 && leg <= state.legs.size(), "a leg is one of the instruction's");
    const Leg& terms = state.terms.legs[leg - 1];
    const LegProgress& progress = state.legs[leg - 1];
    CHECK(progress.attempt >= 1, "an order exists once its first attempt was sent");
    return ShardOrder{.ref = {.origin = state.id, .number = order_number(leg, progress.attempt)},
                      .shard = terms.shard,
                      .kind = terms.order,
                      .instrument = {},
                      .quantity = {},
                      .bound = {},
                      .asset = terms.asset,
                      .amount = terms.amount,
                      .to_shard = terms.to_shard,
                      .destination = terms.destination,
                      .deadline = progress.deadline};
}

}  // namespace crossclear::ledger::instruction
