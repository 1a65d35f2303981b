#pragma once

#include "base/ids.hpp"
#include "base/result.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/replay.hpp"

#include <cstdint>
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
    std::vector<std::string> violations;  ///< Empty: the books are whole.

    /// `ok`, or the first violation.
    [[nodiscard]] std::string verdict() const {
        return violations.empty() ? "ok" : violations.front();
    }
};

/// Reads every partition from its first record, verifies the chain of digests, folds all events
/// with the machines that wrote them, and checks each machine, each trial balance, and what only
/// holds over all partitions.
///
/// A journal that is being written to can be audited too: figures that are on their way between
/// partitions are then reported only if `is_quiet` says that nothing is under way.
/// **Cost:** reads everything; blocks until done.
[[nodiscard]] AuditReport audit(ledger::journal::Journal& journal, const std::string& cluster,
                                std::uint16_t partitions, bool is_quiet);

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
