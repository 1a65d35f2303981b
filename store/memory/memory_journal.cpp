#include "store/memory/memory_journal.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "ledger/journal/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

Head last_of(const std::vector<Record>& records) {
    return records.empty() ? Head{} : records.back().head;
}

std::uint64_t first_of(const std::vector<Record>& records) {
    return records.empty() ? 1 : records.front().head.seq;
}

constexpr std::size_t snapshots_of_a_page = 8;

}  // namespace

MemoryJournal::MemoryJournal(std::string cluster, Pump pump)
    : cluster_(std::move(cluster)), pump_(pump) {}

void MemoryJournal::promised(base::PartitionId partition,
                             std::function<void(PromisedOutcome)> done) {
    submit([this, partition, done = std::move(done)]() -> std::function<void()> {
        const Log& log = logs_[partition];
        PromisedOutcome outcome =
            Promised{.epoch = log.promised.epoch, .last = last_of(log.records)};
        if (!trouble_.empty()) outcome = Declined{trouble_};
        return [done, outcome] { done(outcome); };
    });
}

void MemoryJournal::confirm(base::PartitionId partition, const Fence& fence,
                            std::function<void(ConfirmOutcome)> done) {
    submit([this, partition, fence, done = std::move(done)]() -> std::function<void()> {
        const Fence& promised = logs_[partition].promised;
        ConfirmOutcome outcome = Confirmed{};
        if (promised != fence) outcome = Fenced{promised.epoch};
        if (!trouble_.empty()) outcome = Declined{trouble_};
        return [done, outcome] { done(outcome); };
    });
}

void MemoryJournal::prepare(base::PartitionId partition, const Fence& fence,
                            std::function<void(PrepareOutcome)> done) {
    CHECK(fence.epoch > 0, "epoch 0 means that nothing was ever promised");
    submit([this, partition, fence, done = std::move(done)]() -> std::function<void()> {
        return [done, outcome = do_prepare(partition, fence)] { done(outcome); };
    });
}

void MemoryJournal::append(Append append, std::function<void(AppendOutcome)> done) {
    CHECK(append.record.payload.size() <= base::limits::record_bytes_max, "a record is bounded");
    submit([this, append = std::move(append), done = std::move(done)]() -> std::function<void()> {
        return [done, outcome = do_append(append)] { done(outcome); };
    });
}

void MemoryJournal::read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                         std::function<void(ReadOutcome)> done) {
    submit([this, partition, from, count, done = std::move(done)]() -> std::function<void()> {
        return [done, outcome = do_read(partition, from, count)] { done(outcome); };
    });
}

void MemoryJournal::store_snapshot(base::PartitionId partition, const Fence& fence,
                                   EntitySnapshot snapshot,
                                   std::function<void(StoreSnapshotOutcome)> done) {
    submit([this, partition, fence, snapshot = std::move(snapshot),
            done = std::move(done)]() -> std::function<void()> {
        return [done, outcome = do_store(partition, fence, snapshot)] { done(outcome); };
    });
}

void MemoryJournal::read_snapshot(base::PartitionId partition, base::EntityId entity,
                                  std::function<void(ReadSnapshotOutcome)> done) {
    submit([this, partition, entity, done = std::move(done)]() -> std::function<void()> {
        if (!trouble_.empty()) return [done, reason = trouble_] { done(Declined{reason}); };
        SnapshotRead result;
        const Log& log = logs_[partition];
        const auto& snapshots = log.snapshots;
        if (log.damaged.contains(entity)) {
            return [done] { done(Damaged{"injected: the snapshot fails its checksum"}); };
        }
        if (const auto found = snapshots.find(entity); found != snapshots.end()) {
            result.found.push_back(found->second);
        }
        return [done, result] { done(result); };
    });
}

void MemoryJournal::trim(base::PartitionId partition, const Fence& fence, const Head& base,
                         std::function<void(TrimOutcome)> done) {
    submit([this, partition, fence, base, done = std::move(done)]() -> std::function<void()> {
        return [done, outcome = do_trim(partition, fence, base)] { done(outcome); };
    });
}

void MemoryJournal::list_snapshots(base::PartitionId partition, std::string from,
                                   std::function<void(ListOutcome)> done) {
    submit([this, partition, from = std::move(from),
            done = std::move(done)]() -> std::function<void()> {
        return [done, outcome = do_list(partition, from)] { done(outcome); };
    });
}

void MemoryJournal::begin_at(base::PartitionId partition, const Fence& fence, const Record& base,
                             std::function<void(AppendOutcome)> done) {
    submit([this, partition, fence, base, done = std::move(done)]() -> std::function<void()> {
        return [done, outcome = do_begin(partition, fence, base)] { done(outcome); };
    });
}

Standing MemoryJournal::standing() const {
    const std::lock_guard lock(mutex_);
    Standing standing = standing_;
    if (standing.why.empty()) standing.why = trouble_;
    return standing;
}

void MemoryJournal::watch(std::function<void()> changed) {
    const std::lock_guard lock(mutex_);
    watcher_ = std::move(changed);
}

void MemoryJournal::admit(base::PartitionId, std::function<void(bool)> done) {
    submit([this, done = std::move(done)]() -> std::function<void()> {
        const bool is_last = awaited_ > 0 && --awaited_ == 0;
        if (is_last) standing_ = {Standing::Kind::voting, {}};
        return [done, is_last, watcher = watcher_] {
            done(true);
            if (is_last && watcher) watcher();
        };
    });
}

void MemoryJournal::stop() {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    calls_.clear();
}

void MemoryJournal::set_standing(Standing standing, std::uint16_t partitions) {
    std::function<void()> watcher;
    {
        const std::lock_guard lock(mutex_);
        standing_ = std::move(standing);
        awaited_ = partitions;
        watcher = watcher_;
    }
    if (watcher) watcher();
}

void MemoryJournal::wipe() {
    const std::lock_guard lock(mutex_);
    logs_.clear();
}

bool MemoryJournal::step() {
    std::unique_lock lock(mutex_);
    CHECK(!is_running_, "a callback does not step the journal that runs it");
    return run_one(lock);
}

std::size_t MemoryJournal::waiting() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
}

void MemoryJournal::fail_next_append(AppendFault fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(fault);
}

void MemoryJournal::set_trouble(std::string reason) {
    const std::lock_guard lock(mutex_);
    trouble_ = std::move(reason);
}

std::vector<Record> MemoryJournal::records_of(base::PartitionId partition) const {
    const std::lock_guard lock(mutex_);
    const auto found = logs_.find(partition);
    return found == logs_.end() ? std::vector<Record>{} : found->second.records;
}

void MemoryJournal::corrupt(base::PartitionId partition, std::uint64_t seq) {
    const std::lock_guard lock(mutex_);
    auto& records = logs_[partition].records;
    const std::uint64_t first = first_of(records);
    CHECK(seq >= first && seq - first < records.size(), "only a stored record can be corrupted");
    std::string& payload = records[seq - first].payload;
    if (payload.empty()) {
        payload.push_back('\1');
    } else {
        payload.front() = static_cast<char>(payload.front() ^ 1);
    }
}

std::vector<EntitySnapshot> MemoryJournal::snapshots_of(base::PartitionId partition) const {
    const std::lock_guard lock(mutex_);
    std::vector<EntitySnapshot> snapshots;
    const auto found = logs_.find(partition);
    if (found == logs_.end()) return snapshots;
    for (const auto& [entity, snapshot] : found->second.snapshots) snapshots.push_back(snapshot);
    return snapshots;
}

void MemoryJournal::forget_snapshot(base::PartitionId partition, const base::EntityId& entity) {
    const std::lock_guard lock(mutex_);
    logs_[partition].snapshots.erase(entity);
}

void MemoryJournal::damage_snapshot(base::PartitionId partition, const base::EntityId& entity) {
    const std::lock_guard lock(mutex_);
    logs_[partition].damaged.insert(entity);
}

void MemoryJournal::hold_snapshots(bool is_held) {
    const std::lock_guard lock(mutex_);
    holds_snapshots_ = is_held;
}

void MemoryJournal::submit(Call call) {
    std::unique_lock lock(mutex_);
    if (is_stopped_) return;
    calls_.push_back(std::move(call));
    if (pump_ == Pump::by_hand) return;
    // Whoever is running executes this call as well: order holds and a callback that calls the
    // journal does not deepen the stack.
    while (!is_running_ && run_one(lock)) {
    }
}

bool MemoryJournal::run_one(std::unique_lock<std::mutex>& lock) {
    if (calls_.empty()) return false;
    const Call call = std::move(calls_.front());
    calls_.pop_front();
    const std::function<void()> tell = call();
    is_running_ = true;
    lock.unlock();
    tell();
    lock.lock();
    is_running_ = false;
    return true;
}

PrepareOutcome MemoryJournal::do_prepare(base::PartitionId partition, const Fence& fence) {
    if (!trouble_.empty()) return Declined{trouble_};
    Log& log = logs_[partition];
    const bool is_below = fence.epoch < log.promised.epoch;
    const bool is_rival = fence.epoch == log.promised.epoch && fence.nonce != log.promised.nonce;
    if (is_below || is_rival) return Fenced{log.promised.epoch};
    log.promised = fence;
    return Prepared{last_of(log.records)};
}

AppendOutcome MemoryJournal::do_append(const Append& append) {
    if (!trouble_.empty()) return Declined{trouble_};
    Log& log = logs_[append.partition];
    const Head last = last_of(log.records);
    if (append.fence != log.promised) return Fenced{log.promised.epoch};
    if (last.seq == append.record.head.seq && last.head == append.record.head.head) {
        return Appended{.was_duplicate = true};
    }
    if (last.seq != append.expected.seq || last.head != append.expected.head) return Gap{last};

    std::optional<AppendFault> fault;
    if (!faults_.empty()) {
        fault = faults_.front();
        faults_.pop_front();
    }
    if (fault == AppendFault::declined) return Declined{"injected: the store declined"};
    if (fault == AppendFault::lost_before_write) return Unknown{"injected: lost before the write"};
    // A record at or below the end abandons the tail from its own number on.
    CHECK(append.record.head.seq <= last.seq + 1, "a log has no holes");
    const std::uint64_t first = first_of(log.records);
    log.records.resize(append.record.head.seq - std::min(first, append.record.head.seq));
    log.records.push_back(append.record);
    log.written_by = append.fence.epoch;
    if (fault == AppendFault::lost_after_write) return Unknown{"injected: lost after the write"};
    return Appended{.was_duplicate = false};
}

ReadOutcome MemoryJournal::do_read(base::PartitionId partition, std::uint64_t from,
                                   std::size_t count) {
    if (!trouble_.empty()) return Declined{trouble_};
    const auto& records = logs_[partition].records;
    const std::uint64_t base = first_of(records);
    ReadRecords result;
    for (auto i = std::max(from, base) - base; i < records.size(); ++i) {
        if (result.records.size() == count) break;
        // The base follows a record that is gone.
        const bool is_base = i == 0 && base > 1;
        const Head previous = i == 0 ? Head{} : records[i - 1].head;
        if (!is_base && !is_linked(cluster_, partition, previous, records[i])) {
            return Damaged{fmt::format(
                "partition {}: record {} does not follow its predecessor; the log was altered",
                partition.v, records[i].head.seq)};
        }
        result.records.push_back(records[i]);
    }
    return result;
}

StoreSnapshotOutcome MemoryJournal::do_store(base::PartitionId partition, const Fence& fence,
                                             const EntitySnapshot& snapshot) {
    if (!trouble_.empty()) return Declined{trouble_};
    Log& log = logs_[partition];
    if (fence != log.promised) return Fenced{log.promised.epoch};
    if (holds_snapshots_) return Declined{"snapshots are held"};
    const auto found = log.snapshots.find(snapshot.entity);
    if (found != log.snapshots.end() && found->second.at.seq > snapshot.at.seq) {
        return Declined{.reason = fmt::format("a snapshot at record {} is kept, this one is at {}",
                                              found->second.at.seq, snapshot.at.seq),
                        .is_outdated = true};
    }
    log.snapshots.insert_or_assign(snapshot.entity, snapshot);
    log.damaged.erase(snapshot.entity);
    return SnapshotStored{};
}

TrimOutcome MemoryJournal::do_trim(base::PartitionId partition, const Fence& fence,
                                   const Head& base) {
    if (!trouble_.empty()) return Declined{trouble_};
    Log& log = logs_[partition];
    if (fence != log.promised) return Fenced{log.promised.epoch};
    const auto found = std::find_if(log.records.begin(), log.records.end(),
                                    [&](const Record& record) { return record.head == base; });
    if (found == log.records.end()) return Declined{"the log does not hold its new base"};
    log.records.erase(log.records.begin(), found);
    return Trimmed{};
}

ListOutcome MemoryJournal::do_list(base::PartitionId partition, const std::string& from) {
    if (!trouble_.empty()) return Declined{trouble_};
    SnapshotPage page;
    std::size_t skip = from.empty() ? 0 : std::stoul(from);
    std::size_t at = 0;
    for (const auto& [entity, snapshot] : logs_[partition].snapshots) {
        if (at++ < skip) continue;
        if (page.snapshots.size() == snapshots_of_a_page) {
            page.next = std::to_string(at - 1);
            break;
        }
        page.snapshots.push_back(snapshot);
    }
    return page;
}

AppendOutcome MemoryJournal::do_begin(base::PartitionId partition, const Fence& fence,
                                      const Record& base) {
    if (!trouble_.empty()) return Declined{trouble_};
    Log& log = logs_[partition];
    if (fence != log.promised) return Fenced{log.promised.epoch};
    const Head last = last_of(log.records);
    if (last == base.head) return Appended{.was_duplicate = true};
    if (log.written_by == fence.epoch && last.seq >= base.head.seq) return Gap{last};
    log.records = {base};
    log.written_by = fence.epoch;
    return Appended{.was_duplicate = false};
}

}  // namespace crossclear::store
