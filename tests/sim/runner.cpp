#include "tests/sim/runner.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

namespace crossclear::sim {
namespace {

constexpr std::size_t what_max = 400;

// What a worker writes about a seed, in one piece.
struct Line {
    std::uint64_t seed{};
    std::uint64_t is_begun{};  ///< 1: the seed begins. 0: it has ended, and the rest is filled in.
    std::uint64_t hash{};
    std::uint64_t steps{};
    std::uint64_t records{};
    std::int64_t invariant{};
    Marks marks{};
    char what[what_max]{};
};

void write_all(int to, const Line& line) {
    const auto* bytes = reinterpret_cast<const char*>(&line);
    std::size_t done = 0;
    while (done < sizeof line) {
        const auto written = ::write(to, bytes + done, sizeof line - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) ::_exit(3);
        done += static_cast<std::size_t>(written);
    }
}

bool read_all(int from, Line& line) {
    auto* bytes = reinterpret_cast<char*>(&line);
    std::size_t done = 0;
    while (done < sizeof line) {
        const auto got = ::read(from, bytes + done, sizeof line - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += static_cast<std::size_t>(got);
    }
    return true;
}

Line run_one(const Order& order, std::uint64_t seed) {
    Simulation simulation(seed, order.kind, order.plant, order.is_verbose);
    if (order.is_verbose)
        std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(seed),
                     simulation.plan().c_str());
    if (order.traces_all) simulation.print_all(stderr);
    const auto outcome = simulation.run(order.steps);
    Line line{.seed = seed,
              .is_begun = 0,
              .hash = outcome.hash,
              .steps = outcome.steps,
              .records = outcome.records,
              .invariant = 0,
              .marks = outcome.marks,
              .what = {}};
    if (outcome.finding) {
        line.invariant = outcome.finding->invariant;
        std::strncpy(line.what, outcome.finding->what.c_str(), what_max - 1);
        if (order.is_verbose) simulation.print_latest(stderr);
    }
    return line;
}

[[noreturn]] void work(const Order& order, const std::vector<std::uint64_t>& seeds, int to) {
    // A planted bug may break a CHECK: that is expected, and its words would only confuse.
    if (order.plant != Plant::none && !order.is_verbose) {
        static_cast<void>(std::freopen("/dev/null", "w", stderr));
    }
    for (const auto seed : seeds) {
        Line begin;
        begin.seed = seed;
        begin.is_begun = 1;
        write_all(to, begin);
        const auto line = run_one(order, seed);
        write_all(to, line);
        if (order.is_first_enough && line.invariant != 0) break;
    }
    ::_exit(0);
}

// One process and what it still has to do.
struct Worker {
    std::vector<std::uint64_t> seeds;
    pid_t process{};
    int from{-1};
    std::optional<std::uint64_t> at;  ///< The seed it is at.
};

void start_worker(const Order& order, Worker& worker) {
    int ends[2]{};
    CHECK(::pipe(ends) == 0, "a pipe to a worker");
    std::fflush(nullptr);
    worker.process = ::fork();
    CHECK(worker.process >= 0, "a process for a worker");
    if (worker.process == 0) {
        ::close(ends[0]);
        work(order, worker.seeds, ends[1]);
    }
    ::close(ends[1]);
    worker.from = ends[0];
}

// Reads until the worker ends; returns how its seed ended if it did not get to say so.
std::optional<SeedReport> follow(Worker& worker, std::vector<SeedReport>& reports) {
    Line line;
    while (read_all(worker.from, line)) {
        if (line.is_begun == 1) {
            worker.at = line.seed;
            continue;
        }
        worker.at.reset();
        std::erase(worker.seeds, line.seed);
        reports.push_back({.seed = line.seed,
                           .hash = line.hash,
                           .steps = line.steps,
                           .records = line.records,
                           .invariant = static_cast<std::int32_t>(line.invariant),
                           .marks = line.marks,
                           .what = line.what});
    }
    ::close(worker.from);
    int status = 0;
    ::waitpid(worker.process, &status, 0);
    if (!worker.at) return std::nullopt;
    SeedReport ended;
    ended.seed = *worker.at;
    ended.invariant = -1;
    ended.what = WIFSIGNALED(status)
                     ? fmt::format(
                           "the process ended by signal {} (its own words "
                           "are above)",
                           WTERMSIG(status))
                     : fmt::format("the process ended with {}", WEXITSTATUS(status));
    std::erase(worker.seeds, ended.seed);
    worker.at.reset();
    return ended;
}

}  // namespace

std::vector<SeedReport> run_seeds(const Order& order) {
    std::vector<Worker> workers(std::max(1U, order.workers));
    for (std::size_t i = 0; i < order.seeds.size(); ++i) {
        workers[i % workers.size()].seeds.push_back(order.seeds[i]);
    }
    std::vector<SeedReport> reports;
    for (auto& worker : workers) {
        if (!worker.seeds.empty()) start_worker(order, worker);
    }
    for (auto& worker : workers) {
        while (worker.from >= 0) {
            const auto ended = follow(worker, reports);
            worker.from = -1;
            if (!ended) break;
            reports.push_back(*ended);
            if (!worker.seeds.empty() && !order.is_first_enough) start_worker(order, worker);
        }
    }
    std::sort(reports.begin(), reports.end(),
              [](const auto& a, const auto& b) { return a.seed < b.seed; });
    return reports;
}

}  // namespace crossclear::sim
