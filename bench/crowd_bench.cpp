#include "bench/crowd.hpp"
#include "ledger/journal/codec.hpp"
#include "store/redis/redis_journal.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

// Makes a store with many accounts in Redis instances that run already, and the configurations with
// which nodes can go on from it; measures what a partition's core and a broker's house cost then.

namespace crossclear::bench {
namespace {

namespace journal = ledger::journal;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begun) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

// One value: how large, and how long it takes to write and to read. The largest of all counts.
void note_largest(boost::json::object& line, std::size_t bytes, double encode_ms,
                  double decode_ms) {
    const auto* known = line.if_contains("bytes");
    if (known != nullptr && known->to_number<std::size_t>() >= bytes) return;
    line["bytes"] = bytes;
    line["encode_ms"] = encode_ms;
    line["decode_ms"] = decode_ms;
}

void measure_core(const ledger::Core& core, boost::json::object& line) {
    auto begun = Clock::now();
    const auto bytes = journal::encode_core(core);
    const auto encode_ms = ms_since(begun);
    begun = Clock::now();
    const auto again = journal::decode_core(bytes);
    CHECK(again.has_value(), "a core that was just written can be read");
    note_largest(line, bytes.size(), encode_ms, ms_since(begun));
}

void measure_house(const ledger::EntityState& state, boost::json::object& line) {
    auto begun = Clock::now();
    const auto bytes = journal::encode_entity(state);
    const auto encode_ms = ms_since(begun);
    begun = Clock::now();
    const auto again = journal::decode_entity(ledger::entity_of(state), bytes);
    CHECK(again.has_value(), "a state that was just written can be read");
    note_largest(line, bytes.size(), encode_ms, ms_since(begun));
}

boost::json::object measured(const Crowd& crowd, std::size_t brokers) {
    boost::json::object core;
    boost::json::object house;
    for (std::uint16_t i = 0; i < crowd.partitions(); ++i) {
        const auto& shadow = crowd.shadow(base::PartitionId{i});
        measure_core(shadow.core(), core);
        for (std::uint16_t broker = 0; broker < brokers; ++broker) {
            const auto* state =
                shadow.find(base::entity_of(base::EntityKind::netting, base::BrokerId{broker}));
            if (state != nullptr) measure_house(*state, house);
        }
    }
    boost::json::object line;
    line["events"] = crowd.events();
    line["records"] = crowd.records();
    line["core"] = std::move(core);
    line["house"] = std::move(house);
    return line;
}

void write_configs(app::Config config, const std::string& directory,
                   const std::vector<std::string>& nodes) {
    std::ofstream(directory + "/alone.yaml") << app::dump_config(config);
    for (const auto& name : nodes) {
        config.node.mode = app::NodeConfig::Mode::cluster;
        config.node.name = name;
        config.node.address = "127.0.0.1";
        std::ofstream(directory + "/" + name + ".yaml") << app::dump_config(config);
    }
}

int complain(const std::string& why) {
    std::cerr << why << '\n';
    return 1;
}

}  // namespace
}  // namespace crossclear::bench

int main(int argc, char** argv) {
    using namespace crossclear;
    CLI::App app{"Makes a store with many accounts, and configurations for nodes on it."};
    bench::ClusterPlan plan;
    plan.load.has_one_key = true;
    std::uint64_t accounts = 1'000'000;
    double seconds = 0;
    std::vector<std::string> nodes;
    app.add_option("--data", plan.data, "An empty directory: chains, configurations")->required();
    app.add_option("--redis", plan.redis, "A unix socket; may be repeated")->required();
    app.add_option("--accounts", accounts, "Accounts that are known");
    app.add_option("--active", plan.load.accounts, "Of those, how many have a key");
    app.add_option("--nodes", nodes, "Names; each gets NAME.yaml, beside alone.yaml")
        ->delimiter(',');
    app.add_option("--seconds", seconds, "Not used: it takes what it takes");
    CLI11_PARSE(app, argc, argv);

    const auto config = bench::cluster_config(plan);
    bench::write_configs(config, plan.data, nodes);
    const auto begun = bench::Clock::now();
    boost::json::object line;
    {
        store::RedisOptions options{.cluster = config.cluster,
                                    .partition_count = config.partitions};
        options.endpoints = config.journal.endpoints;
        const auto opened = store::open_redis_journal(options);
        if (!opened) return bench::complain(store::to_string(opened.error()));
        bench::Crowd crowd(config, **opened);
        if (const auto why = crowd.make(accounts)) return bench::complain(*why);
        line = bench::measured(crowd, config.brokers.size());
        line["accounts"] = accounts;
        line["made_in_ms"] = bench::ms_since(begun);
        (*opened)->stop();
    }
    std::cout << boost::json::serialize(line) << std::endl;
    return 0;
}
