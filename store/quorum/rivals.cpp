#include "store/quorum/quorum_journal.hpp"

#include <algorithm>

/// What an owner makes of acceptors that promised a later epoch to somebody else.
///
/// The problem: one that did takes nothing from this owner, who goes on with the others. Either a
/// takeover is under way, and then answering it with another would be a duel; or it was given up
/// there, and then nobody frees the acceptor but an owner with an epoch above that. The idea: a
/// rival who goes on fences this owner on the others long before it has looked twice.

namespace crossclear::store {

using namespace ledger::journal;

void QuorumJournal::note_fence(std::size_t acceptor, base::PartitionId partition, const Fence& ours,
                               const Fenced& theirs) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[partition.v];
    if (log.fence != ours || theirs.epoch <= ours.epoch) return;
    log.replicas[acceptor].outbid = theirs.epoch;
}

void QuorumJournal::look_for_abandoned(base::PartitionId partition) {
    const std::lock_guard lock(mutex_);
    for (Replica& replica : logs_[partition.v].replicas) {
        replica.is_abandoned = replica.outbid > 0 && replica.outbid == replica.outbid_before;
        replica.outbid_before = replica.outbid;
    }
}

// The highest epoch that is known to be promised to somebody else here.
std::uint64_t QuorumJournal::outbid_in(base::PartitionId partition) const {
    const std::lock_guard lock(mutex_);
    std::uint64_t epoch = 0;
    for (const Replica& replica : logs_[partition.v].replicas) {
        epoch = std::max(epoch, replica.outbid);
    }
    return epoch;
}

}  // namespace crossclear::store
