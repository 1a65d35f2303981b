#include "base/hash.hpp"
#include "tests/sim/runner.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

// The simulator: real machines, hosts and journal protocol in virtual time, with everything going
// wrong that a seed thinks of, and checkers that know what must hold.

namespace crossclear::sim {
namespace {

constexpr const char* usage =
    R"(usage: ./dev sim [--seeds N] [--steps M] [--from S] [OPTIONS]

Runs N worlds of M steps each from seed S on, then lets each come to rest. Real machines, actors
and journal protocol; virtual time; one thread a world. The last line is
  sim seeds=N steps=M violations=V trace=HASH
and the exit status is 0 only where V is 0. The same seeds and steps give the same trace.

  --seeds N        worlds (100)
  --steps M        steps of each before the faults stop (5000)
  --from S         the first seed (1)
  --list FILE      the seeds of a file, one a line, instead
  --world KIND     town: simulated chains take orders as they are (the default). lane: on one
                   chain orders have to be signed, and it reorganises by up to 64 blocks
  --workers W      processes (2)
  --verbose        plans, marks, and the latest events of what failed
  --trace          every event as it happens
  --require-marks  a mark that no seed reached is a violation
  --reorgs N       fewer reorganisations of the signed chain in all are a violation
  --crashes N      fewer nodes killed with orders there in all are a violation
  --twice          everything once more: a trace that differs is a violation
  --plant NAME     plant a bug: some seed has to catch it, so that status 0 means caught
  --plant all      each of the world's in turn
  --list-plants    their names
)";

struct Options {
    Order order;
    std::uint64_t seeds{100};
    std::uint64_t from{1};
    std::string list;
    std::string plant;
    std::uint64_t reorgs{};
    std::uint64_t crashes{};
    bool requires_marks{};
    bool runs_twice{};
    bool lists_plants{};
};

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Returns what is wrong with the arguments, or nothing.
std::string parse(int count, char** arguments, Options& options) {
    for (int i = 1; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--help" || name == "-h") {
            std::fputs(usage, stdout);
            std::exit(0);
        } else if (name == "--verbose") {
            options.order.is_verbose = true;
        } else if (name == "--trace") {
            options.order.traces_all = true;
            options.order.is_verbose = true;
        } else if (name == "--require-marks") {
            options.requires_marks = true;
        } else if (name == "--twice") {
            options.runs_twice = true;
        } else if (name == "--list-plants") {
            options.lists_plants = true;
        } else if (i + 1 == count) {
            return std::string(name) + " is not an option, or lacks its value";
        } else if (name == "--list") {
            options.list = arguments[++i];
        } else if (name == "--plant") {
            options.plant = arguments[++i];
        } else if (name == "--world") {
            const std::string_view kind = arguments[++i];
            if (kind != "town" && kind != "lane") return "there is no world " + std::string(kind);
            options.order.kind = kind == "lane" ? WorldKind::lane : WorldKind::town;
        } else {
            const auto value = number_in(arguments[++i]);
            if (!value) return std::string(name) + " wants a number";
            if (name == "--seeds") {
                options.seeds = *value;
            } else if (name == "--steps") {
                options.order.steps = *value;
            } else if (name == "--from") {
                options.from = *value;
            } else if (name == "--reorgs") {
                options.reorgs = *value;
            } else if (name == "--crashes") {
                options.crashes = *value;
            } else if (name == "--workers") {
                options.order.workers = static_cast<unsigned>(*value);
            } else {
                return std::string(name) + " is not an option";
            }
        }
    }
    return {};
}

std::string fill_seeds(Options& options) {
    auto& seeds = options.order.seeds;
    if (options.list.empty()) {
        for (std::uint64_t i = 0; i < options.seeds; ++i) seeds.push_back(options.from + i);
        return {};
    }
    std::ifstream file(options.list);
    if (!file) return "cannot read " + options.list;
    for (std::string line; std::getline(file, line);) {
        const auto text = line.substr(0, line.find('#'));
        const auto word = text.substr(0, text.find_last_not_of(" \t") + 1);
        if (word.empty()) continue;
        const auto seed = number_in(word);
        if (!seed) return options.list + ": not a seed: " + word;
        seeds.push_back(*seed);
    }
    return {};
}

void print_violation(const SeedReport& report, const Order& order) {
    std::printf("seed %llu: invariant %d: %s\n", static_cast<unsigned long long>(report.seed),
                report.invariant, report.what.c_str());
    std::printf("  again: ./dev sim%s --seeds 1 --from %llu --steps %llu --verbose\n",
                order.kind == WorldKind::lane ? " --world lane" : "",
                static_cast<unsigned long long>(report.seed),
                static_cast<unsigned long long>(order.steps));
}

// How many seeds took another way the second time.
std::uint64_t count_different(const Order& order, const std::vector<SeedReport>& first) {
    const auto second = run_seeds(order);
    std::uint64_t different = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (i < second.size() && second[i].hash == first[i].hash) continue;
        ++different;
        std::printf("seed %llu took another way the second time\n",
                    static_cast<unsigned long long>(first[i].seed));
    }
    return different;
}

bool is_of(WorldKind kind, std::size_t mark) {
    return (mark >= lane_marks_from) == (kind == WorldKind::lane);
}

// What the signed chains of all seeds came to. Returns how many figures are too low.
std::uint64_t print_lanes(const Options& options, const Marks& marks) {
    const auto count = [&marks](Mark mark) {
        return static_cast<unsigned long long>(marks[static_cast<std::size_t>(mark)]);
    };
    const auto reorgs = count(Mark::chain_reorganised);
    const auto crashes = count(Mark::crash_amid_orders);
    std::printf(
        "lane reorgs=%llu (17 blocks and more: %llu, 64: %llu) crashes=%llu orders=%llu "
        "sent=%llu dropped=%llu\n",
        reorgs, count(Mark::chain_reorganised_deep), count(Mark::chain_reorganised_to_the_limit),
        crashes, count(Mark::signed_order_ended), count(Mark::transaction_sent),
        count(Mark::send_dropped));
    std::uint64_t low = 0;
    if (reorgs < options.reorgs) ++low;
    if (crashes < options.crashes) ++low;
    if (low > 0) {
        std::printf("at least %llu reorgs and %llu crashes were wanted\n",
                    static_cast<unsigned long long>(options.reorgs),
                    static_cast<unsigned long long>(options.crashes));
    }
    return low;
}

int run_plain(const Options& options) {
    const auto started = std::chrono::steady_clock::now();
    const auto reports = run_seeds(options.order);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    std::uint64_t hash = 0;
    std::uint64_t violations = 0;
    std::uint64_t steps = 0;
    std::uint64_t records = 0;
    Marks marks{};
    for (const auto& report : reports) {
        hash = base::hash_combine(hash, report.hash);
        steps += report.steps;
        records += report.records;
        for (std::size_t i = 0; i < mark_count; ++i) marks[i] += report.marks[i];
        if (report.invariant == 0) continue;
        ++violations;
        print_violation(report, options.order);
    }
    for (std::size_t i = 0; i < mark_count; ++i) {
        const auto* name = name_of(static_cast<Mark>(i));
        if (options.order.is_verbose) {
            std::printf("%-32s %llu\n", name, static_cast<unsigned long long>(marks[i]));
        }
        if (options.requires_marks && is_of(options.order.kind, i) && marks[i] == 0) {
            ++violations;
            std::printf("mark %s was not reached\n", name);
        }
    }
    if (options.order.kind == WorldKind::lane) violations += print_lanes(options, marks);
    if (options.runs_twice) violations += count_different(options.order, reports);
    std::printf("%llu steps, %llu records in %.1f s, %.0f steps/s\n",
                static_cast<unsigned long long>(steps), static_cast<unsigned long long>(records),
                took.count(), static_cast<double>(steps) / took.count());
    std::printf("sim seeds=%zu steps=%llu violations=%llu trace=%016llx\n", reports.size(),
                static_cast<unsigned long long>(options.order.steps),
                static_cast<unsigned long long>(violations), static_cast<unsigned long long>(hash));
    return violations == 0 ? 0 : 1;
}

// Whether a planted bug is caught by one of the seeds.
bool is_caught(Order order, const PlantInfo& info) {
    order.plant = info.plant;
    order.is_first_enough = true;
    for (const auto& report : run_seeds(order)) {
        if (report.invariant == 0) continue;
        std::printf("%-28s seed %llu, invariant %d: %s\n", std::string(info.name).c_str(),
                    static_cast<unsigned long long>(report.seed), report.invariant,
                    report.what.c_str());
        return true;
    }
    std::printf("%-28s NOT CAUGHT\n", std::string(info.name).c_str());
    return false;
}

int run_plants(const Options& options) {
    std::uint64_t missed = 0;
    std::uint64_t planted = 0;
    for (const auto& info : all_plants()) {
        const bool is_here = info.is_of_lane == (options.order.kind == WorldKind::lane);
        const bool is_asked = is_here && (options.plant == "all" || options.plant == info.name);
        if (!is_asked) continue;
        ++planted;
        if (!is_caught(options.order, info)) ++missed;
    }
    if (planted == 0) {
        std::fprintf(stderr, "there is no plant %s in this world; see --list-plants\n",
                     options.plant.c_str());
        return 2;
    }
    std::printf("sim plants=%llu missed=%llu seeds=%llu steps=%llu\n",
                static_cast<unsigned long long>(planted), static_cast<unsigned long long>(missed),
                static_cast<unsigned long long>(options.order.seeds.size()),
                static_cast<unsigned long long>(options.order.steps));
    return missed == 0 ? 0 : 1;
}

int run(int count, char** arguments) {
    Options options;
    auto trouble = parse(count, arguments, options);
    const bool wants_lanes = options.reorgs > 0 || options.crashes > 0;
    if (trouble.empty() && wants_lanes && options.order.kind != WorldKind::lane) {
        trouble = "--reorgs and --crashes want --world lane";
    }
    if (trouble.empty()) trouble = fill_seeds(options);
    if (!trouble.empty()) {
        std::fprintf(stderr, "%s\n%s", trouble.c_str(), usage);
        return 2;
    }
    if (options.lists_plants) {
        for (const auto& info : all_plants()) {
            std::printf("%-28s %s%s\n", std::string(info.name).c_str(),
                        std::string(info.what).c_str(), info.is_of_lane ? " (world lane)" : "");
        }
        return 0;
    }
    return options.plant.empty() ? run_plain(options) : run_plants(options);
}

}  // namespace
}  // namespace crossclear::sim

int main(int count, char** arguments) { return crossclear::sim::run(count, arguments); }
