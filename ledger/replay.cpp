#include "ledger/replay.hpp"

#include "ledger/account/machine.hpp"
#include "ledger/hedge/machine.hpp"
#include "ledger/instruction/machine.hpp"
#include "ledger/netting/machine.hpp"
#include "ledger/reconcile/machine.hpp"
#include "ledger/signing/machine.hpp"
#include "ledger/withdrawal/machine.hpp"

#include <fmt/format.h>

namespace crossclear::ledger {
namespace {

// The state of a machine, made with its identity when its first event comes.
template <class Machines>
auto& machine_of(Machines& machines, const base::EntityId& entity) {
    const auto [found, is_new] = machines.try_emplace(entity);
    if (is_new) found->second.id = entity;
    return found->second;
}

void replay_one(Partition& partition, const base::EntityId& entity, const account::Event& event) {
    const base::AccountId id{entity.id};
    const auto [found, is_new] = partition.accounts.try_emplace(id);
    if (is_new) found->second.id = id;
    account::apply(found->second, event);
}

void replay_one(Partition& partition, const base::EntityId& entity, const hedge::Event& event) {
    hedge::apply(machine_of(partition.hedges, entity), event);
}

void replay_one(Partition& partition, const base::EntityId& entity,
                const instruction::Event& event) {
    instruction::apply(machine_of(partition.instructions, entity), event);
}

void replay_one(Partition& partition, const base::EntityId& entity,
                const withdrawal::Event& event) {
    withdrawal::apply(machine_of(partition.withdrawals, entity), event);
}

void replay_one(Partition& partition, const base::EntityId& entity, const reconcile::Event& event) {
    reconcile::apply(machine_of(partition.reconcilers, entity), event);
}

void replay_one(Partition& partition, const base::EntityId& entity, const signing::Event& event) {
    signing::apply(machine_of(partition.signers, entity), event);
}

void replay_one(Partition& partition, const base::EntityId& entity, const netting::Event& event) {
    auto& house = machine_of(partition.houses, entity);
    house.partitions = partition.partitions;
    netting::apply(house, event);
}

void replay_one(Partition&, const base::EntityId&, const cover::Event&) {
    // Quotas live in the books.
}

void replay_one(Partition& partition, const base::EntityId&, const EpochStarted& event) {
    partition.epoch = event.epoch;
}

template <class Machines, class Check>
std::optional<std::string> first_fault(const Machines& machines, Check check) {
    for (const auto& [id, state] : machines) {
        if (const auto fault = check(state)) {
            return fmt::format("{}: {}", base::to_string(id), *fault);
        }
    }
    return std::nullopt;
}

}  // namespace

void replay(Partition& partition, const Entry& entry) {
    std::visit([&](const auto& event) { replay_one(partition, entry.entity, event); }, entry.event);
    fold(partition.book, entry);
}

std::optional<std::string> fault_of(const Partition& partition) {
    const auto check = [](const auto& state) { return check_invariants(state); };
    if (auto fault = first_fault(partition.accounts, check)) return fault;
    if (auto fault = first_fault(partition.houses, check)) return fault;
    if (auto fault = first_fault(partition.hedges, check)) return fault;
    if (auto fault = first_fault(partition.instructions, check)) return fault;
    if (auto fault = first_fault(partition.withdrawals, check)) return fault;
    if (auto fault = first_fault(partition.reconcilers, check)) return fault;
    if (auto fault = first_fault(partition.signers, check)) return fault;
    return fault_of(partition.book);
}

bool is_over(const Partition& partition, const hedge::State& task) {
    if (task.phase != hedge::Phase::finished) return false;
    const auto broker = base::broker_of(task.id);
    const auto house = partition.houses.find(base::entity_of(base::EntityKind::netting, broker));
    return house == partition.houses.end() ||
           !house->second.hedges.contains(base::number_of(base::AccountId{task.id.id}));
}

bool is_over(const Partition& partition, const instruction::State& duty) {
    if (duty.phase != instruction::Phase::ended) return false;
    if (duty.terms.beneficiary.has_value()) {
        const auto served = partition.withdrawals.find(*duty.terms.beneficiary);
        return served == partition.withdrawals.end() || is_over(served->second);
    }
    const auto broker = base::broker_of(duty.id);
    const auto house = partition.houses.find(base::entity_of(base::EntityKind::netting, broker));
    return house == partition.houses.end() ||
           !house->second.moves.contains(base::number_of(base::AccountId{duty.id.id}));
}

bool is_over(const withdrawal::State& withdrawal) { return withdrawal.is_acknowledged; }

}  // namespace crossclear::ledger
