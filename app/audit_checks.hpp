#pragma once

#include "app/audit.hpp"
#include "app/audit_history.hpp"
#include "base/wide.hpp"
#include "ledger/core.hpp"
#include "ledger/replay.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// What an audit holds against the books once a partition is folded.

namespace crossclear::app {

/// Whether any machine of a partition still has something to do, so that messages or orders of it
/// may be on their way.
[[nodiscard]] bool has_work(const ledger::Partition& partition);

/// What must hold of one partition's books and machines.
void check_books(const ledger::Partition& partition, AuditFindings& findings);

/// Sums over partitions, and what must hold of them.
class CrossChecks {
public:
    /// Takes a partition's totals, and compares its machines and shards with its books.
    void add(const ledger::Partition& partition);
    /// Adds what does not hold to the report.
    void finish(bool is_at_rest, AuditReport& report) const;

private:
    void check_clients(const ledger::Partition& partition);
    void check_shards(const ledger::Partition& partition);

    std::map<ledger::BrokerAsset, std::map<ledger::Chart, base::Wide>> totals_;
    std::uint64_t lines_{};  // Of machines and shards that were compared with the books.
    std::vector<std::string> faults_;
};

/// What one partition owes another, and what both say of it: quotas, deposits, withdrawals.
class SagaChecks {
public:
    /// Takes what the machines of one partition say of those in others.
    void add(const ledger::Partition& partition);
    /// Takes at what prices contracts ended in one partition.
    void add(const HistoryChecks& history);
    /// Adds what does not hold to the report. Only at rest: beside a service both sides are read at
    /// different times.
    void finish(bool is_at_rest, AuditReport& report) const;

private:
    void check_ends(AuditReport& report) const;
    void check_quotas(AuditReport& report) const;
    void check_withdrawals(AuditReport& report) const;

    std::map<std::pair<base::BrokerId, ledger::netting::PartitionAsset>, base::Amount> granted_;
    std::map<std::pair<base::BrokerId, ledger::netting::PartitionAsset>, ledger::Quota> quotas_;
    std::map<ledger::HeldWithdrawal, ledger::withdrawal::State> withdrawals_;
    std::map<std::pair<base::BrokerId, base::AssetId>, base::Price> last_prices_;
    std::set<HistoryChecks::End> ends_;
    std::set<ledger::HeldWithdrawal> held_;
};

/// Compares the books of what the partition is home to with the shards' own logs, at a block at
/// which both sides must agree. Notes go to the report where nobody can say.
void compare_with_shards(const ledger::Partition& partition, const ShardHistory& history,
                         AuditReport& report);

}  // namespace crossclear::app
