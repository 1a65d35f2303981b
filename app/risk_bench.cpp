#include "app/risk_bench.hpp"

#include "base/check.hpp"
#include "base/rng.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/house.hpp"
#include "risk/kernel/sample.hpp"
#include "risk/kernel/stress_states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

// What was measured, and the goal of the specification.
struct KernelFigure {
    std::string_view name;
    std::string_view says;
    std::vector<double> us;
    double goal_us{};  ///< Of the median; 0 without one.
};

std::shared_ptr<const kernel::Surface> surface_of(const kernel::Universe& universe) {
    auto surface = kernel::build_surface(1, universe);
    CHECK(surface.has_value(), "a sample is without fault");
    return *surface;
}

template <class Run>
double us_of(Run run) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    const auto end = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::micro>(end - begin).count();
}

double at_share(std::vector<double> samples, double share) {
    std::sort(samples.begin(), samples.end());
    return samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))];
}

// Every instrument of the sample but cash, some of each side.
std::vector<kernel::Position> sample_positions(std::size_t count) {
    std::vector<kernel::Position> positions{{kernel::InstrumentId{0}, 1e9}};
    for (std::size_t i = 1; i < count; ++i) {
        positions.push_back(
            {kernel::InstrumentId{static_cast<std::uint16_t>(i)}, i % 3 == 0 ? -2.5 : 1.5});
    }
    return positions;
}

// One-leg changes in turn; what they say is added up, so that no compiler leaves one out.
struct WhatIfRun {
    const kernel::Account& account;
    std::vector<kernel::Change> changes;
    double sum{};

    explicit WhatIfRun(const kernel::Account& of) : account(of) {
        base::Rng rng(7);
        for (int i = 0; i < 64; ++i) {
            const kernel::Position leg{
                kernel::InstrumentId{static_cast<std::uint16_t>(1 + rng.below(99))},
                rng.uniform() - .5};
            changes.push_back(*kernel::Change::of(account.surface(), {&leg, 1}));
        }
    }
};

// A hundred thousand accounts of a few positions each, all looked at on a new surface by two
// threads, as the kernel is asked for one by the service: its margin, and what it would leave
// unpaid in scenarios and in the stress book. What brings an account to look is not in it.
double us_of_recheck(const std::shared_ptr<const kernel::Surface>& surface) {
    const auto stress = *kernel::StressStates::of(*surface, {});
    constexpr std::size_t accounts = 100'000;
    constexpr std::size_t threads = 2;
    const auto look = [&surface, &stress](std::size_t first) {
        double sum = 0;
        for (std::size_t i = first; i < accounts; i += threads) {
            std::vector<kernel::Position> held{{kernel::InstrumentId{0}, 1e5}};
            for (std::size_t leg = 0; leg < 3; ++leg) {
                const auto id = static_cast<std::uint16_t>(1 + (7 * i + 31 * leg) % 99);
                held.push_back({kernel::InstrumentId{id}, leg % 2 == 0 ? 1.5 : -2.5});
            }
            const auto account = *kernel::Account::of(surface, held);
            const auto margin = *account.margin();
            const auto shortfalls = *kernel::shortfalls_of(account, margin);
            const auto stressed = *stress->of_client(account, margin);
            sum += margin.initial + static_cast<double>(shortfalls.scenarios.size());
            sum += static_cast<double>(stressed.states.size());
        }
        CHECK(sum != 0, "what was measured was computed");
    };
    return us_of([&look] {
        std::vector<std::jthread> workers;
        workers.reserve(threads);
        for (std::size_t i = 0; i < threads; ++i) workers.emplace_back(look, i);
    });
}

std::vector<KernelFigure> measured(std::size_t rounds) {
    const auto surface = surface_of(kernel::sample_universe({}));
    const auto positions = sample_positions(100);
    const auto account = *kernel::Account::of(surface, positions);
    const auto before = *account.margin();
    WhatIfRun run(account);
    KernelFigure bounded{
        "assess", "an order of one leg, ES by its bound where that decides", {}, 2};
    KernelFigure exact{"what_if", "an order of one leg, ES exact", {}, 0};
    KernelFigure rebuilt{"rebuild", "an account of 100 positions", {}, 25};
    for (std::size_t i = 0; i < rounds; ++i) {
        const auto& change = run.changes[i % run.changes.size()];
        bounded.us.push_back(
            us_of([&] { run.sum += account.assess(change, before)->after.initial; }));
        exact.us.push_back(us_of([&] { run.sum += account.what_if(change)->initial; }));
        if (i % 16 != 0) continue;
        rebuilt.us.push_back(us_of([&] {
            auto moved = *kernel::Account::of(surface, positions);
            run.sum += moved.pnl()[0];
        }));
    }
    CHECK(run.sum != 0, "what was measured was computed");
    KernelFigure built{"surface", "1,000 options in 640 scenarios", {}, 40'000};
    const auto options = kernel::sample_of_options({.instruments = 1'017, .simulated = 550});
    for (int i = 0; i < 5; ++i) {
        built.us.push_back(us_of([&] { run.sum += surface_of(options)->pnl({})[0]; }));
    }
    KernelFigure looked{"recheck", "100,000 accounts on a new surface, 2 threads", {}, 2'000'000};
    for (int i = 0; i < 3; ++i) looked.us.push_back(us_of_recheck(surface));
    return {bounded, exact, rebuilt, built, looked};
}

}  // namespace

std::string measure_kernel(std::size_t rounds, bool is_json) {
    std::string out;
    for (const auto& figure : measured(rounds)) {
        const double median = at_share(figure.us, .5);
        const double late = at_share(figure.us, .99);
        if (is_json) {
            out +=
                fmt::format("{}\"{}\": {{\"p50_us\": {:.3f}, \"p99_us\": {:.3f}, \"goal_us\": {}}}",
                            out.empty() ? "{" : ", ", figure.name, median, late, figure.goal_us);
        } else {
            const auto goal = figure.goal_us > 0 ? fmt::format("goal {:g}", figure.goal_us) : "";
            out += fmt::format("{:<9}p50 {:>10.2f} us   p99 {:>10.2f} us   {:<12}{}\n", figure.name,
                               median, late, goal, figure.says);
        }
    }
    return is_json ? out + "}\n" : out;
}

}  // namespace crossclear::app
