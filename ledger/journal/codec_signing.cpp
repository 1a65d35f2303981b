#include "ledger/journal/codec_signing.hpp"

#include "ledger/event.hpp"
#include "ledger/journal/codec_state.hpp"

#include <tuple>

namespace crossclear::ledger::journal::codec {

template <>
inline constexpr auto fields_of<base::OrderRef> = std::tuple{
    entity(&base::OrderRef::origin, &pb::OrderRef::origin, &pb::OrderRef::mutable_origin),
    value(&base::OrderRef::number, &pb::OrderRef::number, &pb::OrderRef::set_number),
};

template <>
inline constexpr auto fields_of<signing::Fees> = std::tuple{
    value(&signing::Fees::tip_wei, &pb::Fees::tip_wei, &pb::Fees::set_tip_wei),
    value(&signing::Fees::fee_wei, &pb::Fees::fee_wei, &pb::Fees::set_fee_wei),
};

namespace {

constexpr auto lane_opened = [] {
    using E = signing::LaneOpened;
    using M = pb::LaneOpened;
    return alternative<E>(
        pb::Entry::kLaneOpened, &pb::Entry::lane_opened, &pb::Entry::mutable_lane_opened,
        value(&E::chain_id, &M::chain_id, &M::set_chain_id),
        bytes(&E::genesis, &M::genesis, &M::mutable_genesis),
        bytes(&E::key, &M::key, &M::mutable_key), value(&E::nonce, &M::nonce, &M::set_nonce),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto intent_taken = [] {
    using E = signing::IntentTaken;
    using M = pb::IntentTaken;
    return alternative<E>(
        pb::Entry::kIntentTaken, &pb::Entry::intent_taken, &pb::Entry::mutable_intent_taken,
        value(&E::nonce, &M::nonce, &M::set_nonce), nested(&E::ref, &M::ref, &M::mutable_ref),
        value(&E::body, &M::body, &M::set_body), bytes(&E::to, &M::to, &M::mutable_to),
        bytes(&E::data, &M::data, &M::mutable_data),
        value(&E::deadline, &M::deadline, &M::set_deadline), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transaction_planned = [] {
    using E = signing::TransactionPlanned;
    using M = pb::TransactionPlanned;
    return alternative<E>(
        pb::Entry::kTransactionPlanned, &pb::Entry::transaction_planned,
        &pb::Entry::mutable_transaction_planned, value(&E::nonce, &M::nonce, &M::set_nonce),
        value(&E::number, &M::number, &M::set_number),
        value(&E::purpose, &M::purpose, &M::set_purpose), value(&E::why, &M::why, &M::set_why),
        value(&E::gas_limit, &M::gas_limit, &M::set_gas_limit),
        nested(&E::fees, &M::fees, &M::mutable_fees), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transaction_signed = [] {
    using E = signing::TransactionSigned;
    using M = pb::TransactionSigned;
    return alternative<E>(
        pb::Entry::kTransactionSigned, &pb::Entry::transaction_signed,
        &pb::Entry::mutable_transaction_signed, value(&E::nonce, &M::nonce, &M::set_nonce),
        value(&E::number, &M::number, &M::set_number), bytes(&E::hash, &M::hash, &M::mutable_hash),
        bytes(&E::raw, &M::raw, &M::mutable_raw), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transaction_refused = [] {
    using E = signing::TransactionRefused;
    using M = pb::TransactionRefused;
    return alternative<E>(
        pb::Entry::kTransactionRefused, &pb::Entry::transaction_refused,
        &pb::Entry::mutable_transaction_refused, value(&E::nonce, &M::nonce, &M::set_nonce),
        value(&E::number, &M::number, &M::set_number), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transaction_included = [] {
    using E = signing::TransactionIncluded;
    using M = pb::TransactionIncluded;
    return alternative<E>(
        pb::Entry::kTransactionIncluded, &pb::Entry::transaction_included,
        &pb::Entry::mutable_transaction_included, value(&E::nonce, &M::nonce, &M::set_nonce),
        value(&E::number, &M::number, &M::set_number), value(&E::block, &M::block, &M::set_block),
        bytes(&E::block_hash, &M::block_hash, &M::mutable_block_hash),
        value(&E::gas, &M::gas, &M::set_gas), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto inclusion_undone = [] {
    using E = signing::InclusionUndone;
    using M = pb::InclusionUndone;
    return alternative<E>(
        pb::Entry::kInclusionUndone, &pb::Entry::inclusion_undone,
        &pb::Entry::mutable_inclusion_undone, value(&E::nonce, &M::nonce, &M::set_nonce),
        value(&E::block, &M::block, &M::set_block), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto nonce_finished = [] {
    using E = signing::NonceFinished;
    using M = pb::NonceFinished;
    return alternative<E>(
        pb::Entry::kNonceFinished, &pb::Entry::nonce_finished, &pb::Entry::mutable_nonce_finished,
        value(&E::nonce, &M::nonce, &M::set_nonce), value(&E::number, &M::number, &M::set_number),
        value(&E::block, &M::block, &M::set_block), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto lane_halted = [] {
    using E = signing::LaneHalted;
    using M = pb::LaneHalted;
    return alternative<E>(
        pb::Entry::kLaneHalted, &pb::Entry::lane_halted, &pb::Entry::mutable_lane_halted,
        value(&E::reason, &M::reason, &M::set_reason), value(&E::nonce, &M::nonce, &M::set_nonce),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto nonce_forfeited = [] {
    using E = signing::NonceForfeited;
    using M = pb::NonceForfeited;
    return alternative<E>(pb::Entry::kNonceForfeited, &pb::Entry::nonce_forfeited,
                          &pb::Entry::mutable_nonce_forfeited,
                          value(&E::nonce, &M::nonce, &M::set_nonce),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto lane_resumed = [] {
    using E = signing::LaneResumed;
    using M = pb::LaneResumed;
    return alternative<E>(
        pb::Entry::kLaneResumed, &pb::Entry::lane_resumed, &pb::Entry::mutable_lane_resumed,
        value(&E::nonce, &M::nonce, &M::set_nonce),
        bytes(&E::reason, &M::reason, &M::mutable_reason), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto signing_events =
    machine<signing::Event>(lane_opened, intent_taken, transaction_planned, transaction_signed,
                            transaction_refused, transaction_included, inclusion_undone,
                            nonce_finished, lane_halted, nonce_forfeited, lane_resumed);

}  // namespace

template <>
inline constexpr auto fields_of<signing::Transaction> = std::tuple{
    value(&signing::Transaction::purpose, &pb::SigningState::Transaction::purpose,
          &pb::SigningState::Transaction::set_purpose),
    value(&signing::Transaction::why, &pb::SigningState::Transaction::why,
          &pb::SigningState::Transaction::set_why),
    value(&signing::Transaction::gas_limit, &pb::SigningState::Transaction::gas_limit,
          &pb::SigningState::Transaction::set_gas_limit),
    nested(&signing::Transaction::fees, &pb::SigningState::Transaction::fees,
           &pb::SigningState::Transaction::mutable_fees),
    value(&signing::Transaction::planned_at, &pb::SigningState::Transaction::planned_at,
          &pb::SigningState::Transaction::set_planned_at),
    value(&signing::Transaction::is_refused, &pb::SigningState::Transaction::is_refused,
          &pb::SigningState::Transaction::set_is_refused),
    value(&signing::Transaction::is_signed, &pb::SigningState::Transaction::is_signed,
          &pb::SigningState::Transaction::set_is_signed),
    bytes(&signing::Transaction::hash, &pb::SigningState::Transaction::hash,
          &pb::SigningState::Transaction::mutable_hash),
    bytes(&signing::Transaction::raw, &pb::SigningState::Transaction::raw,
          &pb::SigningState::Transaction::mutable_raw),
};

template <>
inline constexpr auto fields_of<signing::Inclusion> = std::tuple{
    value(&signing::Inclusion::number, &pb::SigningState::Inclusion::number,
          &pb::SigningState::Inclusion::set_number),
    value(&signing::Inclusion::block, &pb::SigningState::Inclusion::block,
          &pb::SigningState::Inclusion::set_block),
    bytes(&signing::Inclusion::block_hash, &pb::SigningState::Inclusion::block_hash,
          &pb::SigningState::Inclusion::mutable_block_hash),
    value(&signing::Inclusion::gas, &pb::SigningState::Inclusion::gas,
          &pb::SigningState::Inclusion::set_gas),
};

template <>
inline constexpr auto fields_of<signing::Slot> = std::tuple{
    nested(&signing::Slot::ref, &pb::SigningState::Slot::ref, &pb::SigningState::Slot::mutable_ref),
    value(&signing::Slot::body, &pb::SigningState::Slot::body, &pb::SigningState::Slot::set_body),
    bytes(&signing::Slot::to, &pb::SigningState::Slot::to, &pb::SigningState::Slot::mutable_to),
    bytes(&signing::Slot::data, &pb::SigningState::Slot::data,
          &pb::SigningState::Slot::mutable_data),
    value(&signing::Slot::deadline, &pb::SigningState::Slot::deadline,
          &pb::SigningState::Slot::set_deadline),
    list(&signing::Slot::transactions, &pb::SigningState::Slot::transactions,
         &pb::SigningState::Slot::mutable_transactions),
};

template <>
inline constexpr auto fields_of<signing::Outcome> = std::tuple{
    nested(&signing::Outcome::ref, &pb::SigningState::Outcome::ref,
           &pb::SigningState::Outcome::mutable_ref),
    value(&signing::Outcome::body, &pb::SigningState::Outcome::body,
          &pb::SigningState::Outcome::set_body),
    value(&signing::Outcome::nonce, &pb::SigningState::Outcome::nonce,
          &pb::SigningState::Outcome::set_nonce),
    value(&signing::Outcome::block, &pb::SigningState::Outcome::block,
          &pb::SigningState::Outcome::set_block),
    bytes(&signing::Outcome::hash, &pb::SigningState::Outcome::hash,
          &pb::SigningState::Outcome::mutable_hash),
    value(&signing::Outcome::purpose, &pb::SigningState::Outcome::purpose,
          &pb::SigningState::Outcome::set_purpose),
    value(&signing::Outcome::why, &pb::SigningState::Outcome::why,
          &pb::SigningState::Outcome::set_why),
    value(&signing::Outcome::gas, &pb::SigningState::Outcome::gas,
          &pb::SigningState::Outcome::set_gas),
};

template <>
inline constexpr auto fields_of<signing::State> = std::tuple{
    value(&signing::State::is_open, &pb::SigningState::is_open, &pb::SigningState::set_is_open),
    value(&signing::State::chain_id, &pb::SigningState::chain_id, &pb::SigningState::set_chain_id),
    bytes(&signing::State::genesis, &pb::SigningState::genesis, &pb::SigningState::mutable_genesis),
    bytes(&signing::State::key, &pb::SigningState::key, &pb::SigningState::mutable_key),
    value(&signing::State::next_nonce, &pb::SigningState::next_nonce,
          &pb::SigningState::set_next_nonce),
    value(&signing::State::halt, &pb::SigningState::halt, &pb::SigningState::set_halt),
    value(&signing::State::halted_at_nonce, &pb::SigningState::halted_at_nonce,
          &pb::SigningState::set_halted_at_nonce),
    list(&signing::State::outcomes, &pb::SigningState::outcomes,
         &pb::SigningState::mutable_outcomes),
};

void write_lane(const signing::State& from, pb::SigningState& to) {
    write_entity(from.id, *to.mutable_id());
    write_fields(fields_of<signing::State>, from, to);
    write_map(from.slots, *to.mutable_slots(),
              [](std::uint64_t nonce, const signing::Slot& slot, auto& part) {
                  part.set_nonce(nonce);
                  write_fields(fields_of<signing::Slot>, slot, part);
                  if (!slot.included) return;
                  write_fields(fields_of<signing::Inclusion>, *slot.included,
                               *part.mutable_included());
              });
}

bool read_lane(const pb::SigningState& from, signing::State& to, Reader& reader) {
    return read_entity(from.id(), to.id, reader) &&
           read_fields(fields_of<signing::State>, from, to, reader) &&
           read_map(from.slots(), to.slots,
                    [&](const auto& part, std::uint64_t& nonce, signing::Slot& slot) {
                        nonce = part.nonce();
                        if (!read_fields(fields_of<signing::Slot>, part, slot, reader)) {
                            return false;
                        }
                        return !part.has_included() ||
                               read_fields(fields_of<signing::Inclusion>, part.included(),
                                           slot.included.emplace(), reader);
                    });
}

void write(const signing::Event& event, pb::Entry& entry) { signing_events.write(event, entry); }

bool read_signing(const pb::Entry& entry, Event& event, Reader& reader) {
    return signing_events.read(entry, event, reader);
}

}  // namespace crossclear::ledger::journal::codec
