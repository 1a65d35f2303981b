#include "ledger/core.hpp"

#include "ledger/entity.hpp"

namespace crossclear::ledger {
namespace {

void register_event(Register& machines, const base::EntityId& entity, const account::Event& event) {
    const base::AccountId account{entity.id};
    if (const auto* held = std::get_if<account::WithdrawalHeld>(&event)) {
        machines.held.insert({account, held->number});
    } else if (const auto* returned = std::get_if<account::WithdrawalReturned>(&event)) {
        machines.held.erase({account, returned->number});
    } else if (const auto* paid = std::get_if<account::WithdrawalPaid>(&event)) {
        machines.held.erase({account, paid->number});
    } else if (const auto* sent = std::get_if<account::TransferSent>(&event)) {
        machines.transfers.insert({account, sent->number});
    } else if (const auto* delivered = std::get_if<account::TransferDelivered>(&event)) {
        machines.transfers.erase({account, delivered->number});
    } else if (const auto* back = std::get_if<account::TransferReturned>(&event)) {
        machines.transfers.erase({account, back->number});
    } else if (const auto* reserved = std::get_if<account::MatchReserved>(&event)) {
        machines.matches.insert({account, reserved->number});
    } else if (const auto* aborted = std::get_if<account::MatchAborted>(&event)) {
        if (aborted->is_declined) machines.matches.erase({account, aborted->number});
    } else if (const auto* ended = std::get_if<account::MatchEnded>(&event)) {
        machines.matches.erase({account, ended->number});
    }
}

void register_event(Register& machines, const base::EntityId& entity, const netting::Event& event) {
    const auto broker = base::broker_of(entity);
    if (const auto* hedge = std::get_if<netting::HedgeClosed>(&event)) {
        machines.open.erase(base::entity_of(base::EntityKind::hedge, broker, hedge->number));
    } else if (const auto* move = std::get_if<netting::MoveClosed>(&event)) {
        machines.open.erase(base::entity_of(base::EntityKind::instruction, broker, move->number));
    }
}

void register_event(Register& machines, const base::EntityId& entity, const hedge::Event& event) {
    if (std::holds_alternative<hedge::HedgeCommitted>(event)) machines.open.insert(entity);
}

void register_event(Register& machines, const base::EntityId& entity,
                    const instruction::Event& event) {
    if (std::holds_alternative<instruction::InstructionCreated>(event)) {
        machines.open.insert(entity);
    }
}

void register_event(Register& machines, const base::EntityId& entity,
                    const withdrawal::Event& event) {
    if (std::holds_alternative<withdrawal::WithdrawalQueued>(event)) machines.open.insert(entity);
    if (!std::holds_alternative<withdrawal::EndAcknowledged>(event)) return;
    machines.open.erase(entity);
    machines.open.erase(
        {.kind = base::EntityKind::instruction, .id = entity.id, .sub = entity.sub});
}

// Reconcilers and signing lanes are woken with their lanes; quotas and epochs have no machine.
void register_event(Register&, const base::EntityId&, const reconcile::Event&) {}
void register_event(Register&, const base::EntityId&, const signing::Event&) {}
void register_event(Register&, const base::EntityId&, const cover::Event&) {}
void register_event(Register&, const base::EntityId&, const EpochStarted&) {}

}  // namespace

void fold(Core& core, const Entry& entry) {
    if (has_state(entry.entity.kind)) core.machines.known.insert(entry.entity);
    fold_known(core, entry);
}

void fold_known(Core& core, const Entry& entry) {
    std::visit([&](const auto& event) { register_event(core.machines, entry.entity, event); },
               entry.event);
    if (const auto* started = std::get_if<EpochStarted>(&entry.event)) core.epoch = started->epoch;
    fold(core.book, entry);
}

}  // namespace crossclear::ledger
