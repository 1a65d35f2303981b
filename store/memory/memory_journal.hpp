#pragma once

#include "base/ids.hpp"
#include "ledger/journal/port.hpp"
#include "store/acceptor.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/// A journal in memory, for tests and simulation. It promises, fences and answers exactly as one
/// Redis does; one suite of tests runs on both. Alone it is a journal, of several a quorum is made.

namespace crossclear::store {

/// When calls are executed.
enum class Pump : std::uint8_t {
    at_once,  ///< Inside the call, on its thread; calls made by a callback follow after it.
    by_hand,  ///< By `step`, so that a test decides what happens in between.
};

/// What goes wrong with one append.
enum class AppendFault : std::uint8_t {
    lost_after_write,   ///< Written, but the outcome is unknown.
    lost_before_write,  ///< Not written, and the outcome is unknown.
    declined,           ///< Refused by the store, not written.
};

/// Everything one process needs of a journal, without a disk.
///
/// **Thread:** any. One lock guards all; callbacks run outside it, one at a time, in call order.
class MemoryJournal final : public Acceptor {
public:
    /// An empty journal of the cluster whose name goes into every digest.
    explicit MemoryJournal(std::string cluster, Pump pump = Pump::at_once);

    void promised(base::PartitionId partition,
                  std::function<void(ledger::journal::PromisedOutcome)> done) override;
    void prepare(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::PrepareOutcome)> done) override;
    void append(ledger::journal::Append append,
                std::function<void(ledger::journal::AppendOutcome)> done) override;
    void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
              std::function<void(ledger::journal::ReadOutcome)> done) override;
    void confirm(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::ConfirmOutcome)> done) override;
    void store_snapshot(base::PartitionId partition, const ledger::journal::Fence& fence,
                        ledger::journal::EntitySnapshot snapshot,
                        std::function<void(ledger::journal::StoreSnapshotOutcome)> done) override;
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override;

    void trim(base::PartitionId partition, const ledger::journal::Fence& fence,
              const ledger::journal::Head& base,
              std::function<void(ledger::journal::TrimOutcome)> done) override;

    [[nodiscard]] std::string name() const override { return "memory"; }
    [[nodiscard]] Standing standing() const override;
    void watch(std::function<void()> changed) override;
    void list_snapshots(base::PartitionId partition, std::string from,
                        std::function<void(ListOutcome)> done) override;
    void begin_at(base::PartitionId partition, const ledger::journal::Fence& fence,
                  const ledger::journal::Record& base,
                  std::function<void(ledger::journal::AppendOutcome)> done) override;
    void admit(base::PartitionId partition, std::function<void(bool)> done) override;
    void stop() override;

    /// Executes the oldest waiting call. Returns whether there was one.
    bool step();
    /// Calls that wait for `step`.
    [[nodiscard]] std::size_t waiting() const;

    /// Lets the next append that is executed, and is not refused anyway, fail in this way.
    /// Repeated calls queue up, one fault an append.
    void fail_next_append(AppendFault fault);
    /// Refuses every call with this reason until it is called with an empty one.
    void set_trouble(std::string reason);
    /// Says how it takes part from now on. A joining one votes once `partitions` were admitted.
    void set_standing(Standing standing, std::uint16_t partitions = 0);
    /// Forgets everything, promises as well.
    void wipe();
    /// Every record of a partition, as it stands; for checkers.
    [[nodiscard]] std::vector<ledger::journal::Record> records_of(
        base::PartitionId partition) const;
    /// Flips one bit of a stored payload, as a disk might. **Requires:** `seq` is in the log.
    void corrupt(base::PartitionId partition, std::uint64_t seq);
    /// Every snapshot of a partition, as it stands; for checkers.
    [[nodiscard]] std::vector<ledger::journal::EntitySnapshot> snapshots_of(
        base::PartitionId partition) const;
    /// Lets a snapshot be gone, as if it had never been stored.
    void forget_snapshot(base::PartitionId partition, const base::EntityId& entity);
    /// Lets the next reads of a snapshot say that it fails its checksum.
    void damage_snapshot(base::PartitionId partition, const base::EntityId& entity);
    /// Declines to store any snapshot while it is set, but for a fence that is not promised.
    void hold_snapshots(bool is_held);

private:
    struct Log {
        ledger::journal::Fence promised;
        std::vector<ledger::journal::Record> records;  // Without holes; the first may be a base.
        std::uint64_t written_by{};                    // Whose epoch wrote the last one.
        std::map<base::EntityId, ledger::journal::EntitySnapshot> snapshots;
        std::set<base::EntityId> damaged;
    };

    // A call executes under the lock and returns what to tell its caller.
    using Call = std::function<std::function<void()>()>;
    void submit(Call call);
    bool run_one(std::unique_lock<std::mutex>& lock);

    ledger::journal::TrimOutcome do_trim(base::PartitionId partition,
                                         const ledger::journal::Fence& fence,
                                         const ledger::journal::Head& base);
    ListOutcome do_list(base::PartitionId partition, const std::string& from);
    ledger::journal::AppendOutcome do_begin(base::PartitionId partition,
                                            const ledger::journal::Fence& fence,
                                            const ledger::journal::Record& base);
    ledger::journal::PrepareOutcome do_prepare(base::PartitionId partition,
                                               const ledger::journal::Fence& fence);
    ledger::journal::AppendOutcome do_append(const ledger::journal::Append& append);
    ledger::journal::ReadOutcome do_read(base::PartitionId partition, std::uint64_t from,
                                         std::size_t count);
    ledger::journal::StoreSnapshotOutcome do_store(base::PartitionId partition,
                                                   const ledger::journal::Fence& fence,
                                                   const ledger::journal::EntitySnapshot& snapshot);

    const std::string cluster_;
    const Pump pump_;
    mutable std::mutex mutex_;
    std::deque<Call> calls_;
    bool is_running_{};
    std::deque<AppendFault> faults_;
    std::string trouble_;
    bool holds_snapshots_{};
    Standing standing_{Standing::Kind::voting, {}};
    std::uint16_t awaited_{};  // Partitions that a joining one still waits for.
    std::function<void()> watcher_;
    bool is_stopped_{};
    std::map<base::PartitionId, Log> logs_;
};

}  // namespace crossclear::store
