#pragma once

#include "ledger/journal/port.hpp"
#include "store/memory/memory_journal.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

/// One independent keeper of the logs as it stands in the world: it outlives every node, can be
/// switched off, lose everything or rot, and is watched while it works.

namespace crossclear::sim {

/// An acceptor's own side. Doors of nodes lead here.
class Disk {
public:
    Disk(Stage& stage, std::size_t number);

    [[nodiscard]] std::size_t number() const { return number_; }
    [[nodiscard]] bool is_up() const { return is_up_; }
    [[nodiscard]] bool is_joining() const { return is_joining_; }
    /// Changes whenever connections break: calls from before get no answer.
    [[nodiscard]] std::uint64_t life() const { return life_; }
    /// Changes whenever all is lost.
    [[nodiscard]] std::uint64_t wipes() const { return wipes_; }
    [[nodiscard]] const store::MemoryJournal& journal() const { return journal_; }

    void go_down();
    void come_up();
    /// Loses everything, promises as well, and has to join again.
    void wipe();
    /// Flips a bit of a stored record. Returns whether there was one.
    bool rot(base::PartitionId partition);
    /// Runs whenever it goes, comes or is admitted.
    void watch(std::uint64_t key, std::function<void()> changed);
    void unwatch(std::uint64_t key) { watchers_.erase(key); }

    // What a door asks for, at once.
    [[nodiscard]] ledger::journal::PromisedOutcome promised(base::PartitionId partition);
    [[nodiscard]] ledger::journal::PrepareOutcome prepare(base::PartitionId partition,
                                                          const ledger::journal::Fence& fence);
    [[nodiscard]] ledger::journal::AppendOutcome append(const ledger::journal::Append& append);
    [[nodiscard]] ledger::journal::ReadOutcome read(base::PartitionId partition, std::uint64_t from,
                                                    std::size_t count);
    [[nodiscard]] ledger::journal::ConfirmOutcome confirm(base::PartitionId partition,
                                                          const ledger::journal::Fence& fence);
    [[nodiscard]] ledger::journal::StoreSnapshotOutcome store_snapshot(
        base::PartitionId partition, const ledger::journal::Fence& fence,
        const ledger::journal::EntitySnapshot& snapshot);
    [[nodiscard]] ledger::journal::TrimOutcome trim(base::PartitionId partition,
                                                    const ledger::journal::Fence& fence,
                                                    const ledger::journal::Head& base);
    [[nodiscard]] store::ListOutcome list_snapshots(base::PartitionId partition,
                                                    const std::string& from);
    [[nodiscard]] ledger::journal::AppendOutcome begin_at(base::PartitionId partition,
                                                          const ledger::journal::Fence& fence,
                                                          const ledger::journal::Record& base);
    [[nodiscard]] ledger::journal::ReadSnapshotOutcome read_snapshot(base::PartitionId partition,
                                                                     base::EntityId entity);
    bool admit(base::PartitionId partition);

    /// Called for every record that was written here.
    std::function<void(base::PartitionId, const ledger::journal::Record&, std::size_t disk)>
        on_written;

private:
    [[nodiscard]] bool forge(ledger::journal::Append& append) const;
    void after_append(const ledger::journal::Append& append, const ledger::journal::Head& before,
                      const ledger::journal::AppendOutcome& outcome);
    [[nodiscard]] ledger::journal::Head end_of(base::PartitionId partition);
    void lose_tails();
    void tell();

    Stage& stage_;
    std::size_t number_;
    store::MemoryJournal journal_{cluster};
    bool is_up_{true};
    bool is_joining_{};
    std::uint64_t life_{1};
    std::uint64_t wipes_{};
    std::set<base::PartitionId> given_;  ///< While joining: partitions it was given.
    /// What it ever promised, by its own count: it must not take a promise back.
    std::map<base::PartitionId, ledger::journal::Fence> promises_;
    std::map<base::EntityId, ledger::journal::EntitySnapshot> first_snapshots_;
    std::map<std::uint64_t, std::function<void()>> watchers_;
};

}  // namespace crossclear::sim
