#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace crossclear::bench {

/// Processor time by thread name, of this process and of others. **Units:** nanoseconds.
///
/// Threads that have ended in between are not in it: a difference of two readings is only whole if
/// the threads of both are the same, as they are while a service trades.
[[nodiscard]] std::map<std::string, std::int64_t> cpu_by_part(const std::vector<pid_t>& others,
                                                              const std::string& name_of_others);

/// The process an embedded redis-server has recorded in its directory; 0 without one.
[[nodiscard]] pid_t redis_process(const std::string& directory);

}  // namespace crossclear::bench
