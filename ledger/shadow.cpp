#include "ledger/shadow.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::ledger {

Shadow::Shadow(base::PartitionId partition, std::uint16_t partitions) : partitions_(partitions) {
    core_.id = partition;
}

Shadow::Shadow(Core core, std::uint16_t partitions, const journal::Head& at)
    : partitions_(partitions), last_(at), core_at_(at.seq), core_(std::move(core)) {}

// Who is here is known: the register, with all that ever were, is asked only for the others.
Shadow::Machine& Shadow::machine_of(const base::EntityId& entity) {
    const auto [found, is_first] = machines_.try_emplace(entity);
    if (is_first && core_.machines.known.insert(entity)) {
        found->second.state = fresh_state(entity, partitions_);
    }
    return found->second;
}

template <class From>
void Shadow::fold_one(std::uint64_t seq, From&& entry) {
    fold_known(core_, entry);
    if (!has_state(entry.entity.kind)) return;
    auto& machine = machine_of(entry.entity);
    machine.changed_at = seq;
    if (machine.state) {
        ledger::apply(*machine.state, entry.event);
    } else {
        machine.waiting.push_back({seq, std::forward<From>(entry).event});
    }
}

void Shadow::fold(const journal::Head& last, const std::vector<Entry>& entries) {
    CHECK(last.seq > last_.seq, "a record is folded once, and in order");
    for (const auto& entry : entries) fold_one(last.seq, entry);
    events_ += entries.size();
    last_ = last;
}

void Shadow::fold(const journal::Head& last, std::vector<Entry>&& entries) {
    CHECK(last.seq > last_.seq, "a record is folded once, and in order");
    for (auto& entry : entries) fold_one(last.seq, std::move(entry));
    events_ += entries.size();
    last_ = last;
}

bool Shadow::is_known(const base::EntityId& entity) const {
    return core_.machines.known.contains(entity);
}

bool Shadow::is_over(const base::EntityId& entity) const {
    switch (entity.kind) {
        case base::EntityKind::hedge:
        case base::EntityKind::instruction:
        case base::EntityKind::withdrawal:
            return is_known(entity) && !core_.machines.open.contains(entity);
        case base::EntityKind::account:
        case base::EntityKind::cover:
        case base::EntityKind::netting:
        case base::EntityKind::reconcile:
        case base::EntityKind::partition:
        case base::EntityKind::signing:
            return false;
    }
    UNREACHABLE("an unlisted kind of machine");
}

const EntityState* Shadow::find(const base::EntityId& entity) const {
    const auto found = machines_.find(entity);
    return found != machines_.end() && found->second.state ? &*found->second.state : nullptr;
}

std::uint64_t Shadow::missing_until(const base::EntityId& entity) const {
    const auto found = machines_.find(entity);
    if (found == machines_.end() || found->second.waiting.empty()) return last_.seq;
    return found->second.waiting.front().seq - 1;
}

void Shadow::complete(EntityState state, std::uint64_t at) {
    const auto entity = entity_of(state);
    CHECK(is_known(entity), "only a machine that had an event has a snapshot");
    auto& machine = machines_[entity];
    if (machine.state) return;
    for (const auto& [seq, event] : machine.waiting) {
        if (seq > at) apply(state, event);
    }
    machine.waiting.clear();
    machine.state = std::move(state);
}

std::vector<base::EntityId> Shadow::changed() const {
    std::vector<base::EntityId> changed;
    for (const auto& [entity, machine] : machines_) {
        if (machine.changed_at > 0) changed.push_back(entity);
    }
    std::sort(changed.begin(), changed.end());
    std::stable_partition(changed.begin(), changed.end(),
                          [this](const base::EntityId& entity) { return is_over(entity); });
    return changed;
}

void Shadow::note_stored(const base::EntityId& entity, std::uint64_t at, std::size_t kept_max) {
    const auto found = machines_.find(entity);
    if (found == machines_.end() || found->second.changed_at > at) return;
    found->second.changed_at = 0;
    if (is_over(entity) || machines_.size() > kept_max) machines_.erase(found);
}

void Shadow::drop_ended() {
    std::erase_if(machines_, [this](const auto& entry) {
        const auto& [entity, machine] = entry;
        return machine.state && machine.changed_at == 0 && is_over(entity);
    });
}

std::optional<std::string> Shadow::fault() const {
    for (const auto& [entity, machine] : machines_) {
        if (!machine.state) continue;
        if (auto fault = fault_of(*machine.state)) return fault;
    }
    return fault_of(core_.book);
}

}  // namespace crossclear::ledger
