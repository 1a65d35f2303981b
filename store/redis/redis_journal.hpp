#pragma once

#include "base/result.hpp"
#include "store/error.hpp"
#include "store/quorum/quorum_journal.hpp"
#include "store/redis/options.hpp"

#include <memory>

/// The journal that lasts: a majority of independent Redis instances, or the only one there is.

namespace crossclear::store {

/// Examines the instances, creates the cluster if all of them are empty, and returns its journal.
///
/// From then on no failure of Redis ends anything: what was in flight answers `Unknown`, what was
/// never sent answers `Declined` after the call time-out, and when an instance returns it is
/// examined again and used without a restart. While fewer than a majority vote, `trouble` says why.
/// Of several, one that lags is brought up to date by the owners of the partitions, and one that is
/// empty is marked as joining and counts once it has been given everything.
///
/// **Errors:** every `StoreFault` but those about directories and servers; the first found.
/// **Cost:** blocks until a majority answers, at most about `open_timeout`.
[[nodiscard]] base::Result<std::unique_ptr<QuorumJournal>, StoreError> open_redis_journal(
    const RedisOptions& options);

}  // namespace crossclear::store
