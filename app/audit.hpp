#pragma once

#include "app/audit_instances.hpp"
#include "app/audit_invariants.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/replay.hpp"
#include "shards/port.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

/// Looks at what is stored, and at nothing else, and says whether the books are whole.

namespace crossclear::app {

/// What an audit found.
struct AuditReport {
    std::uint64_t records{};
    std::uint64_t events{};
    std::uint64_t accounts{};
    std::uint64_t trades{};
    std::uint64_t refusals{};
    std::uint64_t liquidations{};    ///< Positions, or parts, closed for want of margin.
    std::uint64_t defaults{};        ///< Accounts that owed more than they had.
    std::uint64_t snapshots{};       ///< Held against the log.
    bool is_at_rest{};               ///< Nothing was under way: what only holds then was checked.
    std::uint64_t shard_lines{};     ///< Holdings compared with what the shards' own logs say.
    std::vector<std::string> notes;  ///< What could not be compared, and why.
    std::vector<std::string> violations;  ///< Empty: the books are whole.
    AuditFindings findings;               ///< The same by invariant, and what was looked at.

    /// `ok`, or the first violation.
    [[nodiscard]] std::string verdict() const {
        return violations.empty() ? "ok" : violations.front();
    }
    /// Something is wrong: a violation, and one of this invariant.
    void blame(Invariant invariant, std::string what) {
        violations.push_back(what);
        findings.blame(invariant, std::move(what));
    }
};

/// What a broker held on a shard at a final block, by the shard's own account; or why nobody can
/// say.
using ShardHistory = std::function<base::Result<shards::Balances, std::string>(
    base::BrokerId broker, base::ShardId shard, std::uint64_t block)>;

/// The orders that stand in a shard's blocks, by the shard's own account; or why nobody can say.
using ShardOrders =
    std::function<base::Result<std::vector<base::OrderRef>, std::string>(base::ShardId shard)>;

/// What an audit may rest on beside the journal.
struct AuditOptions {
    /// The asker knows that nothing is under way, or the audit finds out by itself.
    bool is_at_rest{};
    ShardHistory history;                 ///< Empty: the shards are not asked.
    ShardOrders orders{};                 ///< Empty: they are not asked for orders either.
    std::vector<base::ShardId> shards{};  ///< Which are asked for orders.
    /// Each instance alone, as far as it can be read; empty: the journal stands for the only one.
    std::vector<InstanceLog> instances{};
    std::size_t instances_count{1};  ///< How many the cluster has.
};

/// Checks the 17 invariants of docs/durability.md on what is stored.
///
/// A journal that was trimmed is read from its base: what came before is what the snapshots say.
/// Where the log is whole, it is folded to every snapshot, which must say the same, byte for byte.
///
/// Reads every partition from its first record, verifies the chain of digests, folds all events
/// with the machines that wrote them, and checks each machine, each trial balance, and what only
/// holds over all partitions.
///
/// A journal that is being written to can be audited too. What only holds while nothing is under
/// way (no message between partitions, no order without its receipt) is checked if no machine has
/// anything left to do, or if the options say so.
///
/// Shards are compared at a block that lies some reconciliations back, by when every receipt of it
/// has come in or a break has been opened; an open break of the same size is no violation.
/// **Requires:** at least one partition. **Cost:** reads everything; blocks until done.
[[nodiscard]] AuditReport audit(ledger::journal::Journal& journal, const std::string& cluster,
                                std::uint16_t partitions, const AuditOptions& options);

/// What was found, for people: one line of figures, notes, then a line for each invariant with what
/// is wrong below it.
[[nodiscard]] std::string text_of(const AuditReport& report);

/// The same as one object of JSON.
[[nodiscard]] std::string json_of(const AuditReport& report);

/// Prints every record of a partition, one entry a line, as JSON. Returns what is wrong, or
/// nothing.
[[nodiscard]] std::optional<std::string> dump_journal(ledger::journal::Journal& journal,
                                                      const std::string& cluster,
                                                      base::PartitionId partition,
                                                      std::ostream& out);

/// Verifies chains and encodings only. Returns the number of records, or what is wrong and where.
[[nodiscard]] base::Result<std::uint64_t, std::string> verify_journal(
    ledger::journal::Journal& journal, const std::string& cluster, base::PartitionId partition);

}  // namespace crossclear::app
