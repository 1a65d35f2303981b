#pragma once

#include "base/limits.hpp"
#include "base/time.hpp"

#include <cstddef>

/// Every maximum of the directory, and how they relate.

namespace crossclear::store::limits {

/// Nodes of one cluster that live; one more is refused. More than partitions would be idle.
inline constexpr std::size_t members_max = base::limits::partitions_max;
/// Bytes of a node's name and of its endpoint.
inline constexpr std::size_t member_name_bytes_max = 128;
inline constexpr std::size_t member_endpoint_bytes_max = 512;
/// The longest that a membership may outlive its node.
inline constexpr base::Duration lease_max = base::seconds(3'600);
/// How long a beat waits for an instance.
inline constexpr base::Duration beat_timeout = base::seconds(2);
/// How long the name of one that is gone is kept before it is swept out.
inline constexpr base::Duration member_kept = base::seconds(3'600);

static_assert(beat_timeout < lease_max, "a beat can be repeated before the lease is over");

}  // namespace crossclear::store::limits
