#pragma once

#include "store/directory/ballots.hpp"
#include "store/redis/calls.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The directory's requests as script calls, and the answers back.

namespace crossclear::store {

/// The calls of the directory. `id` is what the mark must hold, as in calls.hpp.
[[nodiscard]] Call beat_call(const std::string& id, const Beat& beat);
[[nodiscard]] Call yield_call(const std::string& id, const Member& self,
                              const std::vector<base::PartitionId>& yielded);
[[nodiscard]] Call leave_call(const std::string& id, const Member& self);
[[nodiscard]] Call sweep_call(const std::string& id);

/// One instance's answer to a beat.
[[nodiscard]] Ballot parse_beat(const CallResult& result, std::uint16_t partition_count);
/// Whether that answer says that names of long ago wait to be swept out.
[[nodiscard]] bool wants_sweep(const CallResult& result);
/// Whether the instance did what it was asked.
[[nodiscard]] bool says_ok(const CallResult& result);

}  // namespace crossclear::store
