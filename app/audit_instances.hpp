#pragma once

#include "app/audit_invariants.hpp"
#include "base/ids.hpp"
#include "ledger/journal/port.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The logs of all instances against each other and against the one that a majority chose.
///
/// The problem: an audit reads the chosen log, and a record that was acknowledged and lost is not
/// in it. The idea: read every instance's own log as well; what a majority of them holds must be in
/// the chosen one, and the other way round. The subtle thing is what is no fault: an instance may
/// end in records that nobody chose, because their owner died before a majority had them; a later
/// owner's epoch is what tells such a tail from a fork.

namespace crossclear::app {

/// One instance's own journal: of it alone, no majority.
struct InstanceLog {
    std::string name;
    ledger::journal::Journal* journal{};
};

/// The chosen log of a partition, as far as it was read: its base first where it was trimmed.
struct ChosenLog {
    base::PartitionId partition;
    std::vector<ledger::journal::Head> heads;
};

/// Holds the instances that could be read against the log. `instances_count` is how many the
/// cluster has: a majority is of all of them.
/// **Cost:** reads all logs; blocks until done.
void check_instances(const std::string& cluster, const ChosenLog& chosen,
                     const std::vector<InstanceLog>& instances, std::size_t instances_count,
                     AuditFindings& findings);

}  // namespace crossclear::app
