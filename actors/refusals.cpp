#include "actors/refusals.hpp"

#include "base/limits.hpp"

#include <utility>

namespace crossclear::actors {

namespace {

// Reasons that sessions act on; spelt here and nowhere else.
constexpr const char* reason_not_owner = "not_owner";
constexpr const char* reason_recovering = "partition_recovering";
constexpr const char* reason_unknown = "outcome_unknown";

}  // namespace

Refusal not_owner(std::string hint) { return {11050, reason_not_owner, std::move(hint), true}; }

Refusal partition_stopped() {
    return {11031, "partition_stopped", "its journal failed a check: see the runbook", true};
}

Refusal outcome_unknown() { return {11032, reason_unknown, "send the same id again", true}; }

Refusal journal_unavailable(std::string trouble) {
    return {11070, "journal_unavailable", std::move(trouble), true};
}

Refusal overloaded(std::string hint) { return {11070, "overloaded", std::move(hint), true}; }

bool is_without_owner(const Refusal& refusal) {
    return refusal.reason == reason_not_owner || refusal.reason == reason_recovering ||
           refusal.reason == reason_unknown;
}

std::optional<Refusal> refusal_at_door(const Context& context, base::PartitionId partition) {
    const auto& standing = *context.status[partition.v];
    switch (standing.phase.load(std::memory_order_relaxed)) {
        case PartitionStatus::Phase::recovering:
            return Refusal{11070, reason_recovering, "the journal is being read: retry", true};
        case PartitionStatus::Phase::lost:
        case PartitionStatus::Phase::elsewhere:
        case PartitionStatus::Phase::unowned:
            return not_owner("another node owns the partition");
        case PartitionStatus::Phase::broken:
            return partition_stopped();
        case PartitionStatus::Phase::running:
            break;
    }
    if (standing.is_stuck.load(std::memory_order_relaxed)) {
        return journal_unavailable(context.journal->trouble());
    }
    if (standing.queued.load(std::memory_order_relaxed) >= base::limits::append_queue_max) {
        return overloaded("too much waits for the journal: retry");
    }
    return std::nullopt;
}

Refusal wrong_desk() {
    return {.code = -32603,
            .reason = "wrong_desk",
            .hint = "a defect: this host does not answer that",
            .retryable = false};
}

Refusal refusal_of_dropped(const Context& context, base::PartitionId partition) {
    return refusal_at_door(context, partition)
        .value_or(journal_unavailable("the partition was dropped: retry"));
}

}  // namespace crossclear::actors
