#pragma once

#include "base/result.hpp"
#include "store/error.hpp"
#include "store/redis/options.hpp"
#include "store/redis/settings.hpp"

#include <string>

/// How instances become a cluster, once, and how they are recognised ever after.
///
/// The problem: an instance that was wiped looks like a new one, and a new one may be marked. The
/// rule: instances are marked only while every one of them is reachable and none holds anything but
/// a mark, for then no promise and no record can have been forgotten.

namespace crossclear::store {

/// Examines all instances, waiting for those that are starting, and returns the cluster's id.
/// **Errors:** the first refusal of any instance that answers; `unmarked` or `unreachable` if fewer
/// than a majority are left to vote.
[[nodiscard]] base::Result<std::string, StoreError> join_or_create_cluster(
    const RedisOptions& options);

/// The mark that an instance of this cluster must carry.
[[nodiscard]] Mark wanted_mark(const RedisOptions& options, const std::string& id);

}  // namespace crossclear::store
