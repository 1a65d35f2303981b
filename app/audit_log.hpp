#pragma once

#include "app/audit_invariants.hpp"
#include "base/ids.hpp"
#include "ledger/core.hpp"
#include "ledger/entity.hpp"
#include "ledger/event.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/replay.hpp"
#include "ledger/shadow.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// How a tool reads one partition's journal: its records in order, and its snapshots.

namespace crossclear::app {

/// One page, waited for. Used by tools only, never by a host.
[[nodiscard]] ledger::journal::ReadOutcome read_page(ledger::journal::Journal& from,
                                                     base::PartitionId partition,
                                                     std::uint64_t seq);

/// What is kept of one entity, waited for.
[[nodiscard]] ledger::journal::ReadSnapshotOutcome read_snapshot_of(ledger::journal::Journal& from,
                                                                    base::PartitionId partition,
                                                                    const base::EntityId& entity);

/// Why a log could not be walked to its end.
struct WalkFault {
    std::string says;
    std::optional<Invariant> breaks{};  ///< None: it could not be read at all.
};

/// Hears every record. Of the base of a trimmed log nothing can be verified but that the next one
/// follows its head.
using OnRecord = std::function<void(const ledger::journal::Record& record,
                                    const std::vector<ledger::Entry>& entries, bool is_base)>;

/// Walks a partition's log in order. Returns what is wrong, or nothing.
[[nodiscard]] std::optional<WalkFault> walk(ledger::journal::Journal& from,
                                            const std::string& cluster, base::PartitionId partition,
                                            const OnRecord& on_record);

/// One partition while its log is walked: folded from the first record, or from its snapshots where
/// the log was trimmed. Snapshots that the log still reaches are compared with what it says.
class PartitionAudit {
public:
    PartitionAudit(base::PartitionId partition, std::uint16_t partitions, AuditFindings& findings);

    /// Reads all snapshots, before the log is walked. Returns what is wrong, or nothing.
    [[nodiscard]] std::optional<std::string> read_snapshots(ledger::journal::Journal& from);
    /// Hears one record of the walk. **Requires:** the snapshots were read.
    void note(const ledger::journal::Record& record, const std::vector<ledger::Entry>& entries,
              bool is_base);
    /// The partition at the end of its log.
    [[nodiscard]] ledger::Partition finish();

    /// Snapshots that were held against the log.
    [[nodiscard]] std::uint64_t compared() const { return compared_; }
    /// Whether the records before the base were gone.
    [[nodiscard]] bool is_trimmed() const { return base_ > 0; }
    /// Whether the log was trimmed after its snapshots had been read: begin again.
    [[nodiscard]] bool is_overtaken() const { return is_overtaken_; }

private:
    std::optional<std::string> read_machine(ledger::journal::Journal& from,
                                            const base::EntityId& entity);
    [[nodiscard]] std::string unreadable(const ledger::journal::Journal& from,
                                         const base::EntityId& entity) const;
    void compare(const ledger::journal::EntitySnapshot& snapshot, const std::string& told,
                 const ledger::journal::Head& head);
    void blame(const ledger::journal::EntitySnapshot& snapshot, const std::string& why);
    void compare_all(const ledger::journal::Head& head);

    base::PartitionId id_;
    std::uint16_t partitions_;
    AuditFindings& findings_;
    std::optional<ledger::journal::EntitySnapshot> core_;
    std::map<std::uint64_t, std::vector<ledger::journal::EntitySnapshot>> machines_;  // By record.
    ledger::Shadow shadow_;
    std::uint64_t base_{};  // The record with which a trimmed log begins; else 0.
    bool is_overtaken_{};
    std::uint64_t compared_{};
    std::size_t missing_{};  // Machines of the register that have no snapshot.
};

}  // namespace crossclear::app
