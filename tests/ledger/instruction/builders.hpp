#pragma once

#include "ledger/instruction/machine.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

/// Commands and states that the instruction machine's tests start from.

namespace crossclear::ledger::instruction::builders {

using base::Amount;
using base::Timestamp;

inline constexpr base::EntityId own_id =
    base::entity_of(base::EntityKind::instruction, base::BrokerId{0}, 5);
inline constexpr base::EntityId withdrawal_id{
    .kind = base::EntityKind::withdrawal, .id = 17, .sub = 2};
inline constexpr base::ShardId here{1};
inline constexpr base::ShardId there{2};
inline constexpr base::AssetId token{3};
inline constexpr base::AssetId gas{4};

inline Leg a_leg(OrderKind order) {
    Leg leg;
    leg.order = order;
    leg.shard = here;
    leg.asset = token;
    leg.amount = Amount{50};
    return leg;
}

inline CreateInstruction an_instruction(Purpose purpose, std::vector<Leg> legs) {
    return CreateInstruction{.purpose = purpose,
                             .beneficiary = std::nullopt,
                             .legs = std::move(legs),
                             .gas_asset = gas,
                             .order_lifetime = base::Duration{100},
                             .attempts_max = 3,
                             .at = Timestamp{1}};
}

inline CreateInstruction a_payment() {
    Leg leg = a_leg(OrderKind::pay_out);
    leg.destination = "0xabc";
    leg.is_pivot = true;
    CreateInstruction created = an_instruction(Purpose::withdrawal, {leg});
    created.beneficiary = withdrawal_id;
    return created;
}

inline CreateInstruction a_move() {
    Leg bridge = a_leg(OrderKind::bridge_out);
    bridge.to_shard = there;
    bridge.is_pivot = true;
    Leg arrival = a_leg(OrderKind::bridge_out);
    arrival.kind = LegKind::arrival;
    arrival.shard = there;
    return an_instruction(Purpose::move, {bridge, arrival});
}

/// Two orders.
inline CreateInstruction two_orders() {
    Leg first = a_leg(OrderKind::take_margin);
    first.is_pivot = true;
    return an_instruction(Purpose::post_margin, {first, a_leg(OrderKind::post_margin)});
}

inline NoteOrder notice_of(std::uint32_t number, Finality finality, std::uint64_t block = 8) {
    NoteOrder note{.notice = {}, .at = Timestamp{30}};
    note.notice.ref = {.origin = own_id, .number = number};
    note.notice.finality = finality;
    note.notice.block = block;
    return note;
}

inline NoteOrder success(std::uint32_t number) {
    NoteOrder note = notice_of(number, Finality::final);
    note.notice.gas = Amount{2};
    return note;
}

inline NoteOrder refusal(std::uint32_t number, ShardRefusal reason = ShardRefusal::reverted) {
    NoteOrder note = success(number);
    note.notice.refusal = reason;
    return note;
}

inline NoteArrival arrival(Amount amount = Amount{50}) {
    return NoteArrival{.notice = {.ref = {.origin = own_id, .number = 1'001},
                                  .shard = there,
                                  .asset = token,
                                  .amount = amount,
                                  .finality = Finality::final,
                                  .block = 90},
                       .at = Timestamp{40}};
}

inline State uncreated() { return State{.id = own_id}; }

template <class AnyCommand>
std::vector<Event> run(State& state, const AnyCommand& command) {
    const Decision decision = decide(state, command);
    EXPECT_TRUE(decision.has_value()) << name_of(decision.error());
    for (const Event& event : *decision) apply(state, event);
    return *decision;
}

inline State created(const CreateInstruction& command) {
    State state = uncreated();
    run(state, command);
    return state;
}

/// The first attempt of the first leg has left.
inline State sent(const CreateInstruction& command) {
    State state = created(command);
    run(state, Advance{.now = Timestamp{10}});
    return state;
}

/// As `sent`, then told `note`, then advanced again.
inline State sent_and_told(const CreateInstruction& command, const NoteOrder& note) {
    State state = sent(command);
    run(state, note);
    run(state, Advance{.now = Timestamp{50}});
    return state;
}

inline InstructionEnded ended(Outcome outcome, ShardRefusal reason, std::int64_t at = 30) {
    return InstructionEnded{.outcome = outcome, .reason = reason, .at = Timestamp{at}};
}

}  // namespace crossclear::ledger::instruction::builders
