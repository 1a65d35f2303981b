#include "tests/sim/disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace crossclear::sim {

using namespace ledger::journal;

Disk::Disk(Stage& stage, std::size_t number) : stage_(stage), number_(number) {}

void Disk::go_down() {
    if (!is_up_) return;
    is_up_ = false;
    ++life_;
    lose_tails();
    tell();
}

void Disk::come_up() {
    if (is_up_) return;
    is_up_ = true;
    tell();
}

void Disk::wipe() {
    journal_.wipe();
    promises_.clear();
    first_snapshots_.clear();
    given_.clear();
    ++wipes_;
    ++life_;
    is_joining_ = !stage_.is_planted(Plant::empty_acceptor_votes);
    stage_.mark(Mark::acceptor_wiped);
    tell();
}

bool Disk::rot(base::PartitionId partition) {
    const auto size = journal_.records_of(partition).size();
    if (size == 0) return false;
    // Half the time among the latest: behind a snapshot nobody reads any more.
    const auto among = stage_.rng.below(2) == 0 ? size : std::min<std::size_t>(size, 40);
    journal_.corrupt(partition, size - stage_.rng.below(among));
    return true;
}

// Planted: what was acknowledged lately had not reached the platter, or only a part of it.
void Disk::lose_tails() {
    const bool is_torn = stage_.is_planted(Plant::append_torn);
    if (!is_torn && !stage_.is_planted(Plant::tail_not_synced)) return;
    for (std::uint16_t i = 0; i < stage_.plan.partitions; ++i) {
        const base::PartitionId partition{i};
        const auto records = journal_.records_of(partition);
        if (records.size() < 3) continue;
        if (is_torn) {
            journal_.corrupt(partition, records.size());
            continue;
        }
        const auto kept = records.size() - 2;
        // A record at or below the end abandons the tail: the last one to keep, once more.
        const Append again{.partition = partition,
                           .fence = promises_[partition],
                           .expected = records.back().head,
                           .record = records[kept - 1]};
        journal_.append(again, [](const AppendOutcome&) {});
    }
}

void Disk::watch(std::uint64_t key, std::function<void()> changed) {
    watchers_[key] = std::move(changed);
}

void Disk::tell() {
    const auto watchers = watchers_;
    for (const auto& [key, changed] : watchers) changed();
}

PromisedOutcome Disk::promised(base::PartitionId partition) {
    PromisedOutcome outcome;
    journal_.promised(partition, [&](PromisedOutcome one) { outcome = std::move(one); });
    return outcome;
}

Head Disk::end_of(base::PartitionId partition) {
    const auto known = promised(partition);
    return std::get<Promised>(known).last;
}

PrepareOutcome Disk::prepare(base::PartitionId partition, const Fence& fence) {
    PrepareOutcome outcome;
    const auto before = promises_[partition];
    journal_.prepare(partition, fence, [&](PrepareOutcome one) { outcome = std::move(one); });
    if (std::holds_alternative<Fenced>(outcome)) {
        stage_.mark(Mark::prepare_fenced);
        if (stage_.is_planted(Plant::promise_taken_back)) {
            promises_[partition] = fence;
            if (fence.epoch < before.epoch) {
                stage_.blame(7, fmt::format("acceptor {} promised partition {} to epoch {} after "
                                            "epoch {}",
                                            number_, partition.v, fence.epoch, before.epoch));
            }
            return Prepared{end_of(partition)};
        }
        return outcome;
    }
    if (std::holds_alternative<Prepared>(outcome)) promises_[partition] = fence;
    return outcome;
}

// Planted: what an acceptor must look at before it writes, it does not look at.
bool Disk::forge(Append& append) const {
    if (!stage_.is_planted(Plant::fence_not_checked)) return false;
    const auto found = promises_.find(append.partition);
    if (found == promises_.end() || append.fence == found->second) return false;
    append.fence = found->second;
    return true;
}

AppendOutcome Disk::append(const Append& asked) {
    Append append = asked;
    const bool is_forged = forge(append);
    const Head before = end_of(append.partition);
    const bool is_loose = stage_.is_planted(Plant::append_without_compare) &&
                          append.record.head.seq <= before.seq + 1 && before.seq > 0;
    if (is_loose && before.head != append.record.head.head) append.expected = before;
    AppendOutcome outcome;
    journal_.append(append, [&](AppendOutcome one) { outcome = std::move(one); });
    if (stage_.is_planted(Plant::duplicate_taken_for_gap)) {
        const auto* appended = std::get_if<Appended>(&outcome);
        if (appended != nullptr && appended->was_duplicate) outcome = Gap{before};
    }
    if (is_forged && std::holds_alternative<Appended>(outcome)) append.fence = asked.fence;
    after_append(append, before, outcome);
    return outcome;
}

void Disk::after_append(const Append& append, const Head& before, const AppendOutcome& outcome) {
    if (std::holds_alternative<Gap>(outcome)) stage_.mark(Mark::append_gap);
    if (std::holds_alternative<Fenced>(outcome)) stage_.mark(Mark::append_fenced);
    const auto* appended = std::get_if<Appended>(&outcome);
    if (appended == nullptr) return;
    if (appended->was_duplicate) {
        stage_.mark(Mark::append_duplicate);
        return;
    }
    if (append.record.head.seq <= before.seq) stage_.mark(Mark::tail_abandoned);
    if (append.fence.epoch < promises_[append.partition].epoch) {
        stage_.blame(7, fmt::format("acceptor {} appended record {} of partition {} for epoch {}, "
                                    "below the promise {}",
                                    number_, append.record.head.seq, append.partition.v,
                                    append.fence.epoch, promises_[append.partition].epoch));
    }
    if (on_written) on_written(append.partition, append.record, number_);
}

ReadOutcome Disk::read(base::PartitionId partition, std::uint64_t from, std::size_t count) {
    ReadOutcome outcome;
    journal_.read(partition, from, count, [&](ReadOutcome one) { outcome = std::move(one); });
    if (std::holds_alternative<Damaged>(outcome)) stage_.mark(Mark::damage_found);
    return outcome;
}

ConfirmOutcome Disk::confirm(base::PartitionId partition, const Fence& fence) {
    ConfirmOutcome outcome;
    journal_.confirm(partition, fence, [&](ConfirmOutcome one) { outcome = std::move(one); });
    return outcome;
}

StoreSnapshotOutcome Disk::store_snapshot(base::PartitionId partition, const Fence& fence,
                                          const EntitySnapshot& snapshot) {
    StoreSnapshotOutcome outcome;
    journal_.store_snapshot(partition, fence, snapshot,
                            [&](StoreSnapshotOutcome one) { outcome = std::move(one); });
    if (std::holds_alternative<SnapshotStored>(outcome)) {
        first_snapshots_.emplace(snapshot.entity, snapshot);
    }
    return outcome;
}

ReadSnapshotOutcome Disk::read_snapshot(base::PartitionId partition, base::EntityId entity) {
    ReadSnapshotOutcome outcome;
    journal_.read_snapshot(partition, entity,
                           [&](ReadSnapshotOutcome one) { outcome = std::move(one); });
    auto* found = std::get_if<SnapshotRead>(&outcome);
    if (found == nullptr || found->found.empty()) return outcome;
    if (stage_.is_planted(Plant::snapshot_of_another_time)) {
        // An older state under the newer number.
        found->found.front().state = first_snapshots_.at(entity).state;
    }
    return outcome;
}

TrimOutcome Disk::trim(base::PartitionId partition, const Fence& fence, const Head& base) {
    TrimOutcome outcome;
    journal_.trim(partition, fence, base, [&](TrimOutcome one) { outcome = std::move(one); });
    return outcome;
}

store::ListOutcome Disk::list_snapshots(base::PartitionId partition, const std::string& from) {
    store::ListOutcome outcome;
    journal_.list_snapshots(partition, from,
                            [&](store::ListOutcome one) { outcome = std::move(one); });
    return outcome;
}

AppendOutcome Disk::begin_at(base::PartitionId partition, const Fence& fence, const Record& base) {
    AppendOutcome outcome;
    journal_.begin_at(partition, fence, base, [&](AppendOutcome one) { outcome = std::move(one); });
    return outcome;
}

bool Disk::admit(base::PartitionId partition) {
    if (!is_joining_) return true;
    given_.insert(partition);
    if (given_.size() < stage_.plan.partitions) return true;
    is_joining_ = false;
    stage_.mark(Mark::acceptor_admitted);
    tell();
    return true;
}

}  // namespace crossclear::sim
