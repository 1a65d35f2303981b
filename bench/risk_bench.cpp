#include "base/rng.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/house.hpp"
#include "risk/kernel/sample.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

// The risk kernel at the sizes of its goals: 16 wrappers, 16 protocols, 602 scenarios.

namespace {

namespace kernel = crossclear::risk::kernel;

std::shared_ptr<const kernel::Surface> the_surface() {
    static const auto surface = *kernel::build_surface(1, kernel::sample_universe({}));
    return surface;
}

std::vector<kernel::Position> positions_of(std::size_t count) {
    std::vector<kernel::Position> positions{{kernel::InstrumentId{0}, 1e9}};
    for (std::size_t i = 1; i < count; ++i) {
        positions.push_back(
            {kernel::InstrumentId{static_cast<std::uint16_t>(i)}, i % 3 == 0 ? -2.5 : 1.5});
    }
    return positions;
}

std::vector<kernel::Change> changes() {
    std::vector<kernel::Change> list;
    crossclear::base::Rng rng(7);
    for (int i = 0; i < 64; ++i) {
        const kernel::Position leg{
            kernel::InstrumentId{static_cast<std::uint16_t>(1 + rng.below(99))},
            rng.uniform() - .5};
        list.push_back(*kernel::Change::of(*the_surface(), {&leg, 1}));
    }
    return list;
}

void assess(benchmark::State& state) {
    const auto account = *kernel::Account::of(the_surface(), positions_of(100));
    const auto before = *account.margin();
    const auto orders = changes();
    std::size_t next = 0;
    for ([[maybe_unused]] const auto turn : state) {
        benchmark::DoNotOptimize(account.assess(orders[next++ % orders.size()], before));
    }
}
BENCHMARK(assess);

void what_if(benchmark::State& state) {
    const auto account = *kernel::Account::of(the_surface(), positions_of(100));
    const auto orders = changes();
    std::size_t next = 0;
    for ([[maybe_unused]] const auto turn : state) {
        benchmark::DoNotOptimize(account.what_if(orders[next++ % orders.size()]));
    }
}
BENCHMARK(what_if);

void rebuild(benchmark::State& state) {
    const auto positions = positions_of(static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] const auto turn : state) {
        benchmark::DoNotOptimize(kernel::Account::of(the_surface(), positions));
    }
}
BENCHMARK(rebuild)->Arg(1)->Arg(10)->Arg(100);

// One account of a hundred thousand, as the service looks at it on a new surface.
void recheck(benchmark::State& state) {
    const auto positions = positions_of(static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] const auto turn : state) {
        const auto account = *kernel::Account::of(the_surface(), positions);
        const auto margin = *account.margin();
        benchmark::DoNotOptimize(kernel::shortfalls_of(account, margin));
    }
}
BENCHMARK(recheck)->Arg(1)->Arg(4)->Arg(10);

void build_surface_of_options(benchmark::State& state) {
    const auto universe = kernel::sample_of_options({.instruments = 1'017, .simulated = 550});
    for ([[maybe_unused]] const auto turn : state) {
        benchmark::DoNotOptimize(kernel::build_surface(1, universe));
    }
}
BENCHMARK(build_surface_of_options)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
