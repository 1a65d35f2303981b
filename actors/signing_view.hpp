#pragma once

#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>

/// Signing lanes that stand still, for operators. Part of gateway.hpp.

namespace crossclear::actors {

/// Scope operate. Lets a signing lane that stands still go on. No id is remembered: once it goes
/// on, a repeat hears `lane_is_not_halted`, or resumes a later halt. Answer: LaneResumed.
struct ResumeLane {
    base::CommandId id;
    base::BrokerId broker;
    base::ShardId shard;
    std::string reason;
    base::Timestamp received_at;
};

/// The lane goes on; durable.
struct LaneResumed {
    base::BrokerId broker;
    base::ShardId shard;
    std::uint64_t nonce{};     ///< The next order's.
    std::uint64_t given_up{};  ///< So many nonces others have used; their orders get new ones.
};

}  // namespace crossclear::actors
