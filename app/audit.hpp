#pragma once

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
    std::uint64_t snapshots{};       ///< Held against the log.
    bool is_at_rest{};               ///< Nothing was under way: what only holds then was checked.
    std::uint64_t shard_lines{};     ///< Holdings compared with what the shards' own logs say.
    std::vector<std::string> notes;  ///< What could not be compared, and why.
    std::vector<std::string> violations;  ///< Empty: the books are whole.

    /// `ok`, or the first violation.
    [[nodiscard]] std::string verdict() const {
        return violations.empty() ? "ok" : violations.front();
    }
};

/// What a broker held on a shard at a final block, by the shard's own account; or why nobody can
/// say.
using ShardHistory = std::function<base::Result<shards::Balances, std::string>(
    base::BrokerId broker, base::ShardId shard, std::uint64_t block)>;

/// What an audit may rest on beside the journal.
struct AuditOptions {
    /// The asker knows that nothing is under way, or the audit finds out by itself.
    bool is_at_rest{};
    ShardHistory history;  ///< Empty: the shards are not asked.
};

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
/// **Cost:** reads everything; blocks until done.
[[nodiscard]] AuditReport audit(ledger::journal::Journal& journal, const std::string& cluster,
                                std::uint16_t partitions, const AuditOptions& options);

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
