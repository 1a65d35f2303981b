#include "actors/refusals.hpp"

#include "base/limits.hpp"

namespace crossclear::actors {

std::optional<Refusal> refusal_at_door(const Context& context, base::PartitionId partition) {
    const auto& standing = *context.status[partition.v];
    switch (standing.phase.load(std::memory_order_relaxed)) {
        case PartitionStatus::Phase::recovering:
            return Refusal{11070, "partition_recovering", "the journal is being read: retry", true};
        case PartitionStatus::Phase::lost:
        case PartitionStatus::Phase::elsewhere:
        case PartitionStatus::Phase::unowned:
            return Refusal{11050, "not_owner", "another node owns the partition", true};
        case PartitionStatus::Phase::broken:
            return Refusal{11031, "partition_stopped",
                           "its journal failed a check: see the runbook", true};
        case PartitionStatus::Phase::running:
            break;
    }
    if (standing.is_stuck.load(std::memory_order_relaxed)) {
        return Refusal{11070, "journal_unavailable", context.journal->trouble(), true};
    }
    if (standing.queued.load(std::memory_order_relaxed) >= base::limits::append_queue_max) {
        return Refusal{11070, "overloaded", "too much waits for the journal: retry", true};
    }
    return std::nullopt;
}

Refusal refusal_of_dropped(const Context& context, base::PartitionId partition) {
    return refusal_at_door(context, partition)
        .value_or(Refusal{11070, "journal_unavailable", "the partition was dropped: retry", true});
}

}  // namespace crossclear::actors
