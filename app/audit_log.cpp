#include "app/audit_log.hpp"

#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"

#include <fmt/format.h>

#include <future>
#include <utility>

namespace crossclear::app {
namespace {

// A register may be anybody's who can write to the store, and tell of machines without end.
constexpr std::size_t missing_max = 1'000;

namespace journal = ledger::journal;

constexpr std::size_t page = 512;

// Of what does not follow: an epoch that falls is another fault than bytes that were altered.
WalkFault fault_of_link(const std::string& cluster, base::PartitionId partition,
                        const journal::Head& last, const journal::Record& record) {
    const auto& head = record.head;
    const auto digest = journal::chain_digest(cluster, partition, head.record_epoch, head.seq,
                                              last.head, record.payload);
    const bool is_follower = head.seq == last.seq + 1 && head.head == digest;
    if (is_follower) {
        return {fmt::format("partition {} record {}: is of epoch {}, after one of epoch {}",
                            partition.v, head.seq, head.record_epoch, last.record_epoch),
                Invariant::promises_hold};
    }
    return {fmt::format("partition {} record {}: does not follow record {}", partition.v, head.seq,
                        last.seq),
            Invariant::one_prefix};
}

// Into the place of its kind.
struct Place {
    ledger::Partition& partition;
    const base::EntityId& entity;

    void operator()(ledger::account::State state) const {
        partition.accounts.insert_or_assign(state.id, std::move(state));
    }
    void operator()(ledger::netting::State state) const {
        partition.houses.insert_or_assign(entity, std::move(state));
    }
    void operator()(ledger::hedge::State state) const {
        partition.hedges.insert_or_assign(entity, std::move(state));
    }
    void operator()(ledger::instruction::State state) const {
        partition.instructions.insert_or_assign(entity, std::move(state));
    }
    void operator()(ledger::withdrawal::State state) const {
        partition.withdrawals.insert_or_assign(entity, std::move(state));
    }
    void operator()(ledger::reconcile::State state) const {
        partition.reconcilers.insert_or_assign(entity, std::move(state));
    }
    void operator()(ledger::signing::State state) const {
        partition.signers.insert_or_assign(entity, std::move(state));
    }
};

}  // namespace

journal::ReadOutcome read_page(journal::Journal& from, base::PartitionId partition,
                               std::uint64_t seq) {
    std::promise<journal::ReadOutcome> promise;
    auto future = promise.get_future();
    from.read(partition, seq, page,
              [&promise](journal::ReadOutcome outcome) { promise.set_value(std::move(outcome)); });
    return future.get();
}

journal::ReadSnapshotOutcome read_snapshot_of(journal::Journal& from, base::PartitionId partition,
                                              const base::EntityId& entity) {
    std::promise<journal::ReadSnapshotOutcome> promise;
    auto future = promise.get_future();
    from.read_snapshot(partition, entity, [&promise](journal::ReadSnapshotOutcome outcome) {
        promise.set_value(std::move(outcome));
    });
    return future.get();
}

std::optional<WalkFault> walk(journal::Journal& from, const std::string& cluster,
                              base::PartitionId partition, const OnRecord& on_record) {
    journal::Head last;
    while (true) {
        const auto outcome = read_page(from, partition, last.seq + 1);
        const auto* read = std::get_if<journal::ReadRecords>(&outcome);
        if (const auto* damaged = std::get_if<journal::Damaged>(&outcome)) {
            return WalkFault{damaged->reason, Invariant::one_prefix};
        }
        if (read == nullptr) {
            return WalkFault{fmt::format("partition {}: the journal cannot be read: {}",
                                         partition.v, from.trouble())};
        }
        if (read->records.empty()) return std::nullopt;
        for (const auto& record : read->records) {
            const bool is_base = last.seq == 0 && record.head.seq > 1;
            if (!is_base && !journal::is_linked(cluster, partition, last, record)) {
                return fault_of_link(cluster, partition, last, record);
            }
            const auto entries = journal::decode_payload(record.payload);
            if (!entries) {
                return WalkFault{fmt::format("partition {} record {}: {}", partition.v,
                                             record.head.seq, entries.error().what),
                                 Invariant::snapshots_tell_the_log};
            }
            on_record(record, *entries, is_base);
            last = record.head;
        }
    }
}

PartitionAudit::PartitionAudit(base::PartitionId partition, std::uint16_t partitions,
                               AuditFindings& findings)
    : id_(partition),
      partitions_(partitions),
      findings_(findings),
      shadow_(partition, partitions) {}

std::optional<std::string> PartitionAudit::read_snapshots(journal::Journal& from) {
    const base::EntityId self{.kind = base::EntityKind::partition, .id = id_.v, .sub = 0};
    auto outcome = read_snapshot_of(from, id_, self);
    if (const auto* damaged = std::get_if<journal::Damaged>(&outcome)) {
        findings_.blame(Invariant::snapshots_tell_the_log,
                        fmt::format("partition {}: {}", id_.v, damaged->reason));
        return std::nullopt;
    }
    auto* read = std::get_if<journal::SnapshotRead>(&outcome);
    if (read == nullptr) return unreadable(from, self);
    if (read->found.empty()) return std::nullopt;
    const auto core = journal::decode_core(read->found.front().state);
    if (!core) return fmt::format("partition {}: its snapshot: {}", id_.v, core.error().what);
    core_ = std::move(read->found.front());
    for (const auto& [first, count] : core->machines.known.runs()) {
        for (std::uint64_t i = 0; i < count; ++i) {
            auto fault = read_machine(from, ledger::EntitySet::in_row(first, i));
            if (fault) return fault;
        }
    }
    return std::nullopt;
}

// Returns what is wrong, or nothing.
std::optional<std::string> PartitionAudit::read_machine(journal::Journal& from,
                                                        const base::EntityId& entity) {
    auto outcome = read_snapshot_of(from, id_, entity);
    if (const auto* damaged = std::get_if<journal::Damaged>(&outcome)) {
        findings_.blame(Invariant::snapshots_tell_the_log,
                        fmt::format("partition {}: {}", id_.v, damaged->reason));
        return std::nullopt;
    }
    auto* read = std::get_if<journal::SnapshotRead>(&outcome);
    if (read == nullptr) return unreadable(from, entity);
    if (read->found.empty()) {
        findings_.blame(Invariant::snapshots_tell_the_log,
                        fmt::format("partition {}: there is no snapshot of {}", id_.v,
                                    base::to_string(entity)));
        if (++missing_ < missing_max) return std::nullopt;
        return fmt::format(
            "partition {}: {} machines of its register have no snapshot, and the "
            "others were not looked for",
            id_.v, missing_);
    }
    auto& snapshot = read->found.front();
    machines_[snapshot.at.seq].push_back(std::move(snapshot));
    return std::nullopt;
}

std::string PartitionAudit::unreadable(const journal::Journal& from,
                                       const base::EntityId& entity) const {
    return fmt::format("partition {}: the snapshot of {} cannot be read: {}", id_.v,
                       base::to_string(entity), from.trouble());
}

void PartitionAudit::note(const journal::Record& record, const std::vector<ledger::Entry>& entries,
                          bool is_base) {
    if (is_base) {
        base_ = record.head.seq;
        is_overtaken_ = core_ && core_->at.seq < base_;
        if (!core_ || is_overtaken_) {
            findings_.blame(
                Invariant::trims_are_covered,
                fmt::format("partition {}: the log begins at record {} and no snapshot of the "
                            "partition says what came before",
                            id_.v, base_));
            return;
        }
        auto core = journal::decode_core(core_->state);
        CHECK(core.has_value(), "it was decoded when it was read");
        shadow_ = ledger::Shadow(std::move(*core), partitions_, core_->at);
    }
    if (record.head.seq > shadow_.last().seq) shadow_.fold(record.head, entries);
    compare_all(record.head);
}

void PartitionAudit::compare_all(const journal::Head& head) {
    const bool is_folded = !is_trimmed();
    if (core_ && core_->at.seq == head.seq) {
        compare(*core_, is_folded ? journal::encode_core(shadow_.core()) : core_->state, head);
    }
    const auto due = machines_.find(head.seq);
    if (due == machines_.end()) return;
    for (const auto& snapshot : due->second) {
        const auto* state = is_folded ? shadow_.find(snapshot.entity) : nullptr;
        if (is_folded && state == nullptr) {
            blame(snapshot, "is of a machine that the log does not know");
            continue;
        }
        compare(snapshot, is_folded ? journal::encode_entity(*state) : snapshot.state, head);
    }
}

// Of a trimmed log only the place can be compared: what came before is known by snapshots alone.
void PartitionAudit::compare(const journal::EntitySnapshot& snapshot, const std::string& told,
                             const journal::Head& head) {
    ++compared_;
    findings_.look(Invariant::snapshots_tell_the_log);
    if (snapshot.at != head) blame(snapshot, "is of another log");
    if (snapshot.state != told) blame(snapshot, "is not what the log says");
}

void PartitionAudit::blame(const journal::EntitySnapshot& snapshot, const std::string& why) {
    findings_.blame(Invariant::snapshots_tell_the_log,
                    fmt::format("partition {} record {}: the snapshot of {} {}", id_.v,
                                snapshot.at.seq, base::to_string(snapshot.entity), why));
}

ledger::Partition PartitionAudit::finish() {
    for (const auto& [seq, snapshots] : machines_) {
        for (const auto& snapshot : snapshots) {
            if (seq > shadow_.last().seq) blame(snapshot, "is ahead of the log");
            auto state = journal::decode_entity(snapshot.entity, snapshot.state);
            if (!state) {
                blame(snapshot, "cannot be read: " + state.error().what);
            } else if (is_trimmed() && shadow_.is_known(snapshot.entity)) {
                shadow_.complete(std::move(*state), seq);
            }
        }
    }
    if (core_ && core_->at.seq > shadow_.last().seq) blame(*core_, "is ahead of the log");
    ledger::Partition partition;
    partition.id = id_;
    partition.partitions = partitions_;
    partition.epoch = shadow_.core().epoch;
    partition.book = shadow_.core().book;
    shadow_.for_each_here([&](const base::EntityId& entity, const ledger::EntityState& state) {
        std::visit(Place{partition, entity}, state);
    });
    return partition;
}

}  // namespace crossclear::app
