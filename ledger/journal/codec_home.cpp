// States of the machines that live in a broker's home partition.
#include "ledger/journal/codec.hpp"
#include "ledger/journal/codec_fields.hpp"
#include "ledger/journal/codec_house.hpp"
#include "ledger/journal/codec_signing.hpp"
#include "ledger/journal/codec_state.hpp"
#include "ledger/journal/record.pb.h"
#include "ledger/journal/state.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

namespace crossclear::ledger::journal {

namespace codec {

template <>
inline constexpr auto fields_of<hedge::SliceProgress> = std::tuple{
    value(&hedge::SliceProgress::status, &pb::HedgeState::Slice::status,
          &pb::HedgeState::Slice::set_status),
    value(&hedge::SliceProgress::block, &pb::HedgeState::Slice::block,
          &pb::HedgeState::Slice::set_block),
    value(&hedge::SliceProgress::given, &pb::HedgeState::Slice::given,
          &pb::HedgeState::Slice::set_given),
    value(&hedge::SliceProgress::received, &pb::HedgeState::Slice::received,
          &pb::HedgeState::Slice::set_received),
    value(&hedge::SliceProgress::filled, &pb::HedgeState::Slice::filled,
          &pb::HedgeState::Slice::set_filled),
};

template <>
inline constexpr auto fields_of<instruction::LegProgress> = std::tuple{
    value(&instruction::LegProgress::status, &pb::InstructionState::Leg::status,
          &pb::InstructionState::Leg::set_status),
    value(&instruction::LegProgress::attempt, &pb::InstructionState::Leg::attempt,
          &pb::InstructionState::Leg::set_attempt),
    value(&instruction::LegProgress::deadline, &pb::InstructionState::Leg::deadline,
          &pb::InstructionState::Leg::set_deadline),
    value(&instruction::LegProgress::block, &pb::InstructionState::Leg::block,
          &pb::InstructionState::Leg::set_block),
    value(&instruction::LegProgress::last_refusal, &pb::InstructionState::Leg::last_refusal,
          &pb::InstructionState::Leg::set_last_refusal),
};

template <>
inline constexpr auto fields_of<reconcile::Break> = std::tuple{
    value(&reconcile::Break::kind, &pb::ReconcileState::Break::kind,
          &pb::ReconcileState::Break::set_kind),
    value(&reconcile::Break::difference, &pb::ReconcileState::Break::difference,
          &pb::ReconcileState::Break::set_difference),
    value(&reconcile::Break::opened_block, &pb::ReconcileState::Break::opened_block,
          &pb::ReconcileState::Break::set_opened_block),
    value(&reconcile::Break::opened_at, &pb::ReconcileState::Break::opened_at,
          &pb::ReconcileState::Break::set_opened_at),
};

template <>
inline constexpr auto fields_of<reconcile::Suspended> = std::tuple{
    value(&reconcile::Suspended::missing, &pb::ReconcileState::Suspended::missing,
          &pb::ReconcileState::Suspended::set_missing),
    value(&reconcile::Suspended::block, &pb::ReconcileState::Suspended::block,
          &pb::ReconcileState::Suspended::set_block),
    value(&reconcile::Suspended::at, &pb::ReconcileState::Suspended::at,
          &pb::ReconcileState::Suspended::set_at),
};

template <>
inline constexpr auto fields_of<hedge::State> = std::tuple{
    value(&hedge::State::phase, &pb::HedgeState::phase, &pb::HedgeState::set_phase),
    list(&hedge::State::slices, &pb::HedgeState::slices, &pb::HedgeState::mutable_slices),
    value(&hedge::State::filled, &pb::HedgeState::filled, &pb::HedgeState::set_filled),
};

template <>
inline constexpr auto fields_of<instruction::State> = std::tuple{
    value(&instruction::State::phase, &pb::InstructionState::phase,
          &pb::InstructionState::set_phase),
    list(&instruction::State::legs, &pb::InstructionState::legs,
         &pb::InstructionState::mutable_legs),
    value(&instruction::State::due_at, &pb::InstructionState::due_at,
          &pb::InstructionState::set_due_at),
    value(&instruction::State::last_final_block, &pb::InstructionState::last_final_block,
          &pb::InstructionState::set_last_final_block),
    value(&instruction::State::outcome, &pb::InstructionState::outcome,
          &pb::InstructionState::set_outcome),
    value(&instruction::State::reason, &pb::InstructionState::reason,
          &pb::InstructionState::set_reason),
};

template <>
inline constexpr auto fields_of<withdrawal::State> = std::tuple{
    value(&withdrawal::State::phase, &pb::WithdrawalState::phase, &pb::WithdrawalState::set_phase),
    value(&withdrawal::State::block, &pb::WithdrawalState::block, &pb::WithdrawalState::set_block),
    value(&withdrawal::State::reason, &pb::WithdrawalState::reason,
          &pb::WithdrawalState::set_reason),
    value(&withdrawal::State::is_acknowledged, &pb::WithdrawalState::is_acknowledged,
          &pb::WithdrawalState::set_is_acknowledged),
};

template <>
inline constexpr auto fields_of<reconcile::State> = std::tuple{
    value(&reconcile::State::block, &pb::ReconcileState::block, &pb::ReconcileState::set_block),
    value(&reconcile::State::is_lane_frozen, &pb::ReconcileState::is_lane_frozen,
          &pb::ReconcileState::set_is_lane_frozen),
    value(&reconcile::State::is_lane_paused, &pb::ReconcileState::is_lane_paused,
          &pb::ReconcileState::set_is_lane_paused),
    value(&reconcile::State::lane_words_count, &pb::ReconcileState::lane_words_count,
          &pb::ReconcileState::set_lane_words_count),
    nested(&reconcile::State::floor, &pb::ReconcileState::floor,
           &pb::ReconcileState::mutable_floor),
};

}  // namespace codec

namespace {

using codec::Reader;
namespace pb = codec::pb;

void write_terms(const hedge::State& from, pb::HedgeState& to) {
    codec::keep_event<hedge::Event>(from.terms, *to.mutable_terms(),
                                    &pb::Entry::mutable_hedge_committed);
}
void write_terms(const instruction::State& from, pb::InstructionState& to) {
    codec::keep_event<instruction::Event>(from.terms, *to.mutable_terms(),
                                          &pb::Entry::mutable_instruction_created);
}
void write_terms(const withdrawal::State& from, pb::WithdrawalState& to) {
    codec::keep_event<withdrawal::Event>(from.terms, *to.mutable_terms(),
                                         &pb::Entry::mutable_withdrawal_queued);
}
void write_terms(const reconcile::State& from, pb::ReconcileState& to) {
    codec::write_map(from.breaks, *to.mutable_breaks(),
                     [](base::AssetId asset, const reconcile::Break& open, auto& part) {
                         part.set_asset(asset.v);
                         codec::write_fields(codec::fields_of<reconcile::Break>, open, part);
                     });
    codec::write_map(from.suspended, *to.mutable_suspended(),
                     [](base::AssetId asset, const reconcile::Suspended& booked, auto& part) {
                         part.set_asset(asset.v);
                         codec::write_fields(codec::fields_of<reconcile::Suspended>, booked, part);
                     });
    codec::write_map(from.answered, *to.mutable_answered(),
                     [](const base::CommandId& cause, std::uint64_t body, auto& part) {
                         codec::write_fields(codec::fields_of<base::CommandId>, cause,
                                             *part.mutable_cause());
                         part.set_body(body);
                     });
}

bool read_terms(const pb::HedgeState& from, hedge::State& to, Reader& reader) {
    return codec::kept_event<hedge::Event>(
        from.terms(), to.terms, &pb::Entry::mutable_hedge_committed, &codec::read_hedge, reader);
}
bool read_terms(const pb::InstructionState& from, instruction::State& to, Reader& reader) {
    return codec::kept_event<instruction::Event>(from.terms(), to.terms,
                                                 &pb::Entry::mutable_instruction_created,
                                                 &codec::read_instruction, reader);
}
bool read_terms(const pb::WithdrawalState& from, withdrawal::State& to, Reader& reader) {
    return codec::kept_event<withdrawal::Event>(from.terms(), to.terms,
                                                &pb::Entry::mutable_withdrawal_queued,
                                                &codec::read_withdrawal, reader);
}
bool read_terms(const pb::ReconcileState& from, reconcile::State& to, Reader& reader) {
    return codec::read_map(from.breaks(), to.breaks,
                           [&](const auto& part, base::AssetId& asset, reconcile::Break& open) {
                               return codec::from_wire(part.asset(), asset, reader) &&
                                      codec::read_fields(codec::fields_of<reconcile::Break>, part,
                                                         open, reader);
                           }) &&
           codec::read_map(
               from.suspended(), to.suspended,
               [&](const auto& part, base::AssetId& asset, reconcile::Suspended& booked) {
                   return codec::from_wire(part.asset(), asset, reader) &&
                          codec::read_fields(codec::fields_of<reconcile::Suspended>, part, booked,
                                             reader);
               }) &&
           codec::read_map(from.answered(), to.answered,
                           [&](const auto& part, base::CommandId& cause, std::uint64_t& body) {
                               body = part.body();
                               return codec::read_fields(codec::fields_of<base::CommandId>,
                                                         part.cause(), cause, reader);
                           });
}

template <class State, class Message>
void write_home(const State& from, Message& to) {
    codec::write_entity(from.id, *to.mutable_id());
    codec::write_fields(codec::fields_of<State>, from, to);
    write_terms(from, to);
}

template <class State, class Message>
bool read_home(const Message& from, State& to, Reader& reader) {
    return codec::read_entity(from.id(), to.id, reader) &&
           codec::read_fields(codec::fields_of<State>, from, to, reader) &&
           read_terms(from, to, reader);
}

struct EncodeEntity {
    std::string operator()(const account::State& state) const { return encode_state(state); }
    std::string operator()(const netting::State& state) const {
        return codec::encode_message<pb::NettingState>(state, &codec::write_house);
    }
    std::string operator()(const hedge::State& state) const {
        return codec::encode_message<pb::HedgeState>(state,
                                                     &write_home<hedge::State, pb::HedgeState>);
    }
    std::string operator()(const instruction::State& state) const {
        return codec::encode_message<pb::InstructionState>(
            state, &write_home<instruction::State, pb::InstructionState>);
    }
    std::string operator()(const withdrawal::State& state) const {
        return codec::encode_message<pb::WithdrawalState>(
            state, &write_home<withdrawal::State, pb::WithdrawalState>);
    }
    std::string operator()(const reconcile::State& state) const {
        return codec::encode_message<pb::ReconcileState>(
            state, &write_home<reconcile::State, pb::ReconcileState>);
    }
    std::string operator()(const signing::State& state) const {
        return codec::encode_message<pb::SigningState>(state, &codec::write_lane);
    }
};

template <class Message, class State, class Read>
base::Result<EntityState, CodecError> decode_home(const base::EntityId& entity,
                                                  std::string_view bytes, Read read) {
    auto state = codec::decode_message<Message>(bytes, State{}, read, EncodeEntity{});
    if (!state) return base::Failure{state.error()};
    if (state->id == entity) return EntityState{std::move(*state)};
    return base::Failure{CodecError{CodecError::Kind::out_of_range, "another machine's state"}};
}

base::Result<EntityState, CodecError> decode_account(const base::EntityId& entity,
                                                     std::string_view bytes) {
    auto state = decode_state(bytes);
    if (!state) return base::Failure{state.error()};
    if (base::entity_of(state->id) == entity) return EntityState{std::move(*state)};
    return base::Failure{CodecError{CodecError::Kind::out_of_range, "another account's state"}};
}

}  // namespace

std::string encode_entity(const EntityState& state) { return std::visit(EncodeEntity{}, state); }

base::Result<EntityState, CodecError> decode_entity(const base::EntityId& entity,
                                                    std::string_view bytes) {
    switch (entity.kind) {
        case base::EntityKind::account:
            return decode_account(entity, bytes);
        case base::EntityKind::netting:
            return decode_home<pb::NettingState, netting::State>(entity, bytes, &codec::read_house);
        case base::EntityKind::hedge:
            return decode_home<pb::HedgeState, hedge::State>(
                entity, bytes, &read_home<hedge::State, pb::HedgeState>);
        case base::EntityKind::instruction:
            return decode_home<pb::InstructionState, instruction::State>(
                entity, bytes, &read_home<instruction::State, pb::InstructionState>);
        case base::EntityKind::withdrawal:
            return decode_home<pb::WithdrawalState, withdrawal::State>(
                entity, bytes, &read_home<withdrawal::State, pb::WithdrawalState>);
        case base::EntityKind::reconcile:
            return decode_home<pb::ReconcileState, reconcile::State>(
                entity, bytes, &read_home<reconcile::State, pb::ReconcileState>);
        case base::EntityKind::signing:
            return decode_home<pb::SigningState, signing::State>(entity, bytes, &codec::read_lane);
        case base::EntityKind::cover:
        case base::EntityKind::partition:
            break;
    }
    UNREACHABLE("quotas and partitions have no state of their own");
}

}  // namespace crossclear::ledger::journal
