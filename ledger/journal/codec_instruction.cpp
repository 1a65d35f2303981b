#include "ledger/event.hpp"
#include "ledger/journal/codec_fields.hpp"

#include <tuple>

namespace crossclear::ledger::journal::codec {

template <>
inline constexpr auto fields_of<instruction::Leg> = std::tuple{
    value(&instruction::Leg::kind, &pb::Leg::kind, &pb::Leg::set_kind),
    value(&instruction::Leg::order, &pb::Leg::order, &pb::Leg::set_order),
    value(&instruction::Leg::shard, &pb::Leg::shard, &pb::Leg::set_shard),
    value(&instruction::Leg::to_shard, &pb::Leg::to_shard, &pb::Leg::set_to_shard),
    value(&instruction::Leg::asset, &pb::Leg::asset, &pb::Leg::set_asset),
    value(&instruction::Leg::amount, &pb::Leg::amount, &pb::Leg::set_amount),
    bytes(&instruction::Leg::destination, &pb::Leg::destination, &pb::Leg::mutable_destination),
    value(&instruction::Leg::is_pivot, &pb::Leg::is_pivot, &pb::Leg::set_is_pivot),
};

namespace {

constexpr auto instruction_created = [] {
    using E = instruction::InstructionCreated;
    using M = pb::InstructionCreated;
    return alternative<E>(pb::Entry::kInstructionCreated, &pb::Entry::instruction_created,
                          &pb::Entry::mutable_instruction_created,
                          value(&E::purpose, &M::purpose, &M::set_purpose),
                          maybe_entity(&E::beneficiary, &M::has_beneficiary, &M::beneficiary,
                                       &M::mutable_beneficiary),
                          list(&E::legs, &M::legs, &M::mutable_legs),
                          value(&E::gas_asset, &M::gas_asset, &M::set_gas_asset),
                          value(&E::order_lifetime, &M::order_lifetime, &M::set_order_lifetime),
                          value(&E::attempts_max, &M::attempts_max, &M::set_attempts_max),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto leg_sent = [] {
    using E = instruction::LegSent;
    using M = pb::LegSent;
    return alternative<E>(
        pb::Entry::kLegSent, &pb::Entry::leg_sent, &pb::Entry::mutable_leg_sent,
        value(&E::leg, &M::leg, &M::set_leg), value(&E::attempt, &M::attempt, &M::set_attempt),
        value(&E::order, &M::order, &M::set_order), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::deadline, &M::deadline, &M::set_deadline), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto leg_included = [] {
    using E = instruction::LegIncluded;
    using M = pb::LegIncluded;
    return alternative<E>(pb::Entry::kLegIncluded, &pb::Entry::leg_included,
                          &pb::Entry::mutable_leg_included, value(&E::leg, &M::leg, &M::set_leg),
                          value(&E::attempt, &M::attempt, &M::set_attempt),
                          value(&E::block, &M::block, &M::set_block));
}();

constexpr auto leg_reorged = [] {
    using E = instruction::LegReorged;
    using M = pb::LegReorged;
    return alternative<E>(pb::Entry::kLegReorged, &pb::Entry::leg_reorged,
                          &pb::Entry::mutable_leg_reorged, value(&E::leg, &M::leg, &M::set_leg),
                          value(&E::attempt, &M::attempt, &M::set_attempt));
}();

constexpr auto leg_final = [] {
    using E = instruction::LegFinal;
    using M = pb::LegFinal;
    return alternative<E>(
        pb::Entry::kLegFinal, &pb::Entry::leg_final, &pb::Entry::mutable_leg_final,
        value(&E::leg, &M::leg, &M::set_leg), value(&E::attempt, &M::attempt, &M::set_attempt),
        value(&E::kind, &M::kind, &M::set_kind), value(&E::order, &M::order, &M::set_order),
        value(&E::shard, &M::shard, &M::set_shard),
        value(&E::from_shard, &M::from_shard, &M::set_from_shard),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::block, &M::block, &M::set_block),
        value(&E::gas_asset, &M::gas_asset, &M::set_gas_asset),
        value(&E::gas, &M::gas, &M::set_gas), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto leg_failed = [] {
    using E = instruction::LegFailed;
    using M = pb::LegFailed;
    return alternative<E>(
        pb::Entry::kLegFailed, &pb::Entry::leg_failed, &pb::Entry::mutable_leg_failed,
        value(&E::leg, &M::leg, &M::set_leg), value(&E::attempt, &M::attempt, &M::set_attempt),
        value(&E::order, &M::order, &M::set_order), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::block, &M::block, &M::set_block), value(&E::reason, &M::reason, &M::set_reason),
        value(&E::gas_asset, &M::gas_asset, &M::set_gas_asset),
        value(&E::gas, &M::gas, &M::set_gas), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto instruction_ended = [] {
    using E = instruction::InstructionEnded;
    using M = pb::InstructionEnded;
    return alternative<E>(
        pb::Entry::kInstructionEnded, &pb::Entry::instruction_ended,
        &pb::Entry::mutable_instruction_ended, value(&E::outcome, &M::outcome, &M::set_outcome),
        value(&E::reason, &M::reason, &M::set_reason), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto instruction_events =
    machine<instruction::Event>(instruction_created, leg_sent, leg_included, leg_reorged, leg_final,
                                leg_failed, instruction_ended);

}  // namespace

void write(const instruction::Event& event, pb::Entry& entry) {
    instruction_events.write(event, entry);
}

bool read_instruction(const pb::Entry& entry, Event& event, Reader& reader) {
    return instruction_events.read(entry, event, reader);
}

}  // namespace crossclear::ledger::journal::codec
