#include "metrics/registry.hpp"

#include <dirent.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace crossclear::metrics {
namespace {

struct ProcessStat {
    double processor_seconds{};
    double start_ticks{};
    double virtual_bytes{};
    double resident_bytes{};
    double threads{};
};

// Fields of /proc/self/stat counted from 1 as in proc(5); the name in field 2 may hold spaces, so
// counting starts after its closing parenthesis.
ProcessStat read_stat() {
    std::ifstream file{"/proc/self/stat"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto end_of_name = text.rfind(')');
    if (end_of_name == std::string::npos) return {};
    std::istringstream fields{text.substr(end_of_name + 1)};
    std::vector<std::string> words{std::istream_iterator<std::string>{fields}, {}};
    const auto number = [&](std::size_t field) {
        return field - 3 < words.size() ? std::stod(words[field - 3]) : 0.0;
    };
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    return {.processor_seconds = (number(14) + number(15)) / ticks,
            .start_ticks = number(22) / ticks,
            .virtual_bytes = number(23),
            .resident_bytes = number(24) * page,
            .threads = number(20)};
}

double boot_time_seconds() {
    std::ifstream file{"/proc/stat"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("btime ")) return std::stod(line.substr(6));
    }
    return 0;
}

double open_files() {
    DIR* directory = opendir("/proc/self/fd");
    if (directory == nullptr) return 0;
    double count = -1;  // the directory itself is open while we count
    while (const dirent* entry = readdir(directory)) {
        if (entry->d_name[0] != '.') ++count;
    }
    closedir(directory);
    return count;
}

Family single(std::string name, std::string help, Kind kind, double value) {
    Family family{.name = std::move(name), .help = std::move(help), .kind = kind, .samples = {}};
    family.samples.push_back({.labels = {}, .value = value, .bounds = {}, .counts = {}, .sum = 0});
    return family;
}

}  // namespace

std::vector<Family> process_families() {
    static const double boot_seconds = boot_time_seconds();
    const auto stat = read_stat();
    return {
        single("process_cpu_seconds_total", "Processor time used, user and system.", Kind::counter,
               stat.processor_seconds),
        single("process_resident_memory_bytes", "Memory held in RAM.", Kind::gauge,
               stat.resident_bytes),
        single("process_virtual_memory_bytes", "Address space in use.", Kind::gauge,
               stat.virtual_bytes),
        single("process_open_fds", "Open file descriptors.", Kind::gauge, open_files()),
        single("process_threads", "Threads running.", Kind::gauge, stat.threads),
        single("process_start_time_seconds", "When the process started, since 1970.", Kind::gauge,
               boot_seconds + stat.start_ticks),
    };
}

}  // namespace crossclear::metrics
