#include "metrics/registry.hpp"

#include "metrics/instruments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace crossclear::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Registry, WritesCountersAndGaugesInTextFormat) {
    Registry registry;
    registry.counter("requests_total", "Requests.", {{"method", "ping"}}).increment(3);
    registry.gauge("depth", "Depth.").set(-2.5);
    const auto text = registry.scrape();
    EXPECT_THAT(text, HasSubstr("# HELP requests_total Requests.\n# TYPE requests_total counter\n"
                                "requests_total{method=\"ping\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE depth gauge\ndepth -2.5\n"));
}

TEST(Registry, GivesTheSameSeriesForTheSameLabelsInAnyOrder) {
    Registry registry;
    registry.counter("a_total", "", {{"x", "1"}, {"y", "2"}}).increment();
    registry.counter("a_total", "", {{"y", "2"}, {"x", "1"}}).increment();
    EXPECT_EQ(registry.counter("a_total", "", {{"x", "1"}, {"y", "2"}}).value(), 2);
}

TEST(Registry, HistogramBucketsAreCumulatedAndHoldTheirUpperBound) {
    Registry registry;
    const auto histogram = registry.histogram("wait_seconds", "Wait.", {}, duration_bounds());
    histogram.observe(0.00005);
    histogram.observe(0.00006);
    histogram.observe(11);
    const auto text = registry.scrape();
    EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"5e-05\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"0.0001\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"10\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"+Inf\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("wait_seconds_count 3\n"));
    EXPECT_EQ(histogram.count(), 3U);
}

TEST(Registry, CountersIgnoreWhatWouldMakeThemFall) {
    Registry registry;
    const auto counter = registry.counter("a_total", "");
    counter.increment(-1);
    EXPECT_EQ(counter.value(), 0);
}

TEST(Registry, AHandleWithoutASeriesSwallowsEverything) {
    Counter{}.increment();
    Gauge{}.set(1);
    Histogram{}.observe(1);
    EXPECT_EQ(Counter{}.value(), 0);
}

TEST(Registry, LosesNoIncrementAmongThreads) {
    Registry registry;
    const auto counter = registry.counter("a_total", "");
    const auto histogram = registry.histogram("b_seconds", "");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 10'000; ++n) {
                counter.increment();
                histogram.observe(0.001);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(counter.value(), 40'000);
    EXPECT_EQ(histogram.count(), 40'000U);
}

TEST(Registry, AsksCollectorsAtEveryScrape) {
    Registry registry;
    int asked = 0;
    registry.add_collector([&] {
        ++asked;
        Family family{
            .name = "caf_running_actors", .help = "Actors.", .kind = Kind::gauge, .samples = {}};
        family.samples.push_back(
            {.labels = {{"kind", "account"}}, .value = 7.0, .bounds = {}, .counts = {}, .sum = 0});
        return std::vector{family};
    });
    EXPECT_THAT(registry.scrape(), HasSubstr("caf_running_actors{kind=\"account\"} 7\n"));
    EXPECT_THAT(registry.scrape(), HasSubstr("caf_running_actors"));
    EXPECT_EQ(asked, 2);
}

// Goal: a figure that a collector sets is the one of this scrape, not of the last.
TEST(Registry, ReadsItsOwnFiguresAfterTheCollectors) {
    Registry registry;
    const auto gauge = registry.gauge("votes", "Votes.");
    registry.add_collector([&] {
        gauge.add(1);
        return std::vector<Family>{};
    });
    EXPECT_THAT(registry.scrape(), HasSubstr("votes 1\n"));
    EXPECT_THAT(registry.scrape(), HasSubstr("votes 2\n"));
}

// Goal: what a node knew last is not taken for what is, once another one knows better.
TEST(Registry, TellsNoGaugeThatIsForgotten) {
    Registry registry;
    Labelled<Gauge> gauges{registry, "depth", "Depth.", {"broker", "shard"}};
    gauges.with({"alpha", "x"}).set(1);
    gauges.with({"alpha", "y"}).set(2);
    gauges.with({"beta", "x"}).set(3);
    gauges.forget({"alpha"});
    EXPECT_EQ(registry.scrape(),
              "# HELP depth Depth.\n# TYPE depth gauge\ndepth{broker=\"beta\",shard=\"x\"} 3\n");
    gauges.forget({"beta", "y"});
    EXPECT_THAT(registry.scrape(), HasSubstr("beta"));
    gauges.forget({"beta", "x"});
    EXPECT_EQ(registry.scrape(), "") << "nor its family";
    gauges.with({"alpha", "y"}).set(4);
    EXPECT_THAT(registry.scrape(), HasSubstr("depth{broker=\"alpha\",shard=\"y\"} 4\n"));
}

TEST(RegistryDeath, RefusesOneNameOfTwoKinds) {
    Registry registry;
    static_cast<void>(registry.counter("a_total", ""));
    EXPECT_DEATH(static_cast<void>(registry.gauge("a_total", "")), "a metric has one kind");
}

TEST(Process, ReportsMemoryFilesAndStart) {
    Registry registry;
    registry.add_collector(process_families);
    const auto text = registry.scrape();
    for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                             "process_open_fds", "process_threads", "process_start_time_seconds"}) {
        EXPECT_THAT(text, HasSubstr(name));
    }
    for (const auto& family : process_families()) {
        if (family.name == "process_cpu_seconds_total") continue;
        EXPECT_GT(family.samples.front().value, 0) << family.name;
    }
}

TEST(Instruments, CarryThePrefixAndRememberTheirHandles) {
    Registry registry;
    Instruments instruments{registry};
    instruments.api.rpc_requests_total.with({"public/ping", "ok"}).increment();
    instruments.api.rpc_requests_total.with({"public/ping", "ok"}).increment();
    instruments.ledger.ledger_imbalance_units.with({"0", "USDC"}).set(0);
    instruments.settlement.hedge_slippage_bps.observe(-3);
    const auto text = registry.scrape();
    EXPECT_THAT(text, HasSubstr("crossclear_rpc_requests_total{code=\"ok\",method=\"public/ping\"} "
                                "2\n"));
    EXPECT_THAT(text,
                HasSubstr("crossclear_ledger_imbalance_units{asset=\"USDC\",partition=\"0\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("crossclear_hedge_slippage_bps_bucket{le=\"-2\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("crossclear_partitions_owned 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("account=")));
}

}  // namespace
}  // namespace crossclear::metrics
