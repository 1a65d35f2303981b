#include "bench/cpu.hpp"

#include <filesystem>
#include <fstream>

namespace crossclear::bench {
namespace {

// The first number of schedstat is the time on a processor, to the nanosecond; the ticks of `stat`
// would be too coarse for a run of seconds.
std::int64_t time_on_cpu(const std::filesystem::path& task) {
    std::int64_t ns = 0;
    std::ifstream(task / "schedstat") >> ns;
    return ns;
}

std::string name_of(const std::filesystem::path& task) {
    std::string name;
    std::getline(std::ifstream(task / "comm"), name);
    return name;
}

}  // namespace

std::map<std::string, std::int64_t> cpu_by_part(const std::vector<pid_t>& others,
                                                const std::string& name_of_others) {
    std::map<std::string, std::int64_t> parts;
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
        parts[name_of(task.path())] += time_on_cpu(task.path());
    }
    for (const pid_t other : others) {
        if (other <= 0) continue;
        const auto tasks = "/proc/" + std::to_string(other) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
            parts[name_of_others] += time_on_cpu(task.path());
        }
    }
    return parts;
}

pid_t redis_process(const std::string& directory) {
    pid_t process = 0;
    std::ifstream(directory + "/redis.run") >> process;
    return process;
}

}  // namespace crossclear::bench
