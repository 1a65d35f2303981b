#pragma once

#include "app/audit.hpp"
#include "base/wide.hpp"
#include "ledger/replay.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

/// What an audit holds against the books once a partition is folded.

namespace crossclear::app {

/// Whether any machine of a partition still has something to do, so that messages or orders of it
/// may be on their way.
[[nodiscard]] bool has_work(const ledger::Partition& partition);

/// Sums over partitions, and what must hold of them.
class CrossChecks {
public:
    void add(const ledger::Partition& partition);
    /// Adds what does not hold to the report.
    void finish(bool is_at_rest, AuditReport& report) const;

private:
    void check_clients(const ledger::Partition& partition);
    void check_shards(const ledger::Partition& partition);

    std::map<ledger::BrokerAsset, std::map<ledger::Chart, base::Wide>> totals_;
    std::vector<std::string> faults_;
};

/// The books of one partition against the shards' own logs.
class ShardChecks {
public:
    /// Follows the reconciliations, to know at which block both sides must agree.
    void note(const ledger::Entry& entry);
    /// Compares what the partition is home to; notes go to the report where nobody can say.
    void compare(const ledger::Partition& partition, const ShardHistory& history,
                 AuditReport& report) const;

private:
    std::map<base::EntityId, std::deque<std::uint64_t>> looks_;  ///< The latest blocks compared.
};

}  // namespace crossclear::app
