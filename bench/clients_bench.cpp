#include "bench/load.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <thread>

// The clients alone, of nodes that run already and whose configurations crowd_bench has written.

namespace crossclear::bench {
namespace {

// An answer that took longer is told at once: somebody was away.
constexpr std::int64_t slow_us = 200'000;

std::map<std::string, base::Price> still_marks(const app::Config& config) {
    std::map<std::string, base::Price> marks;
    for (const auto& asset : config.listing.assets) {
        for (const auto& walk : config.marks.walks) {
            if (asset.underlying == walk.underlying) marks[asset.symbol] = walk.start;
        }
    }
    return marks;
}

boost::json::object line_of(LoadResult result) {
    boost::json::object line;
    line["answered"] = result.answered;
    line["per_second"] = static_cast<double>(result.answered) / result.seconds;
    line["seconds"] = result.seconds;
    result.latencies.write(line);
    line["cleared"] = result.cleared;
    boost::json::object refused;
    for (const auto& [reason, count] : result.refused) refused[reason] = count;
    line["refused"] = std::move(refused);
    return line;
}

// One line for each answer that was late, and for the first one after a refusal, on the clock of
// the machine, in microseconds.
class Teller {
public:
    void tell(const Answered& answered) {
        bool& was_refused = was_refused_[answered.connection];
        const bool is_slow = answered.at_us - answered.sent_us >= slow_us;
        if (is_slow || was_refused) {
            std::cout << fmt::format(R"({{"partition":{},"sent_us":{},"at_us":{},"is_result":{}}})",
                                     answered.connection, answered.sent_us, answered.at_us,
                                     answered.is_result)
                      << std::endl;
        }
        was_refused = !answered.is_result;
    }

private:
    std::map<std::size_t, bool> was_refused_;
};

int complain(const std::string& why) {
    std::cerr << why << '\n';
    return 1;
}

}  // namespace
}  // namespace crossclear::bench

int main(int argc, char** argv) {
    using namespace crossclear;
    CLI::App app{"Clients of nodes that run already."};
    bench::LoadOptions load;
    load.has_one_key = true;
    bench::LoadPlan plan;
    double seconds = 4;
    double warm_seconds = 1;
    std::string config_path;
    std::string mode{"load"};
    app.add_option("--config", config_path, "As the nodes have it")->required();
    app.add_option("--port", load.ports, "A node's; may be repeated")->required();
    app.add_option("--mode", mode,
                   "load: as fast as answers come; visit: one trade for each account; watch: a "
                   "connection per partition, until standard input ends, telling of late answers")
        ->check(CLI::IsMember({"load", "visit", "watch"}));
    app.add_option("--seconds", seconds, "Length of the measurement");
    app.add_option("--warm", warm_seconds, "Seconds before it that do not count");
    app.add_option("--accounts", load.accounts, "Client accounts");
    app.add_option("--connections", load.connections, "Client connections");
    app.add_option("--depth", plan.depth, "Requests that a connection keeps on their way");
    app.add_option("--rate", plan.per_second, "Trades a second; 0: as fast as answers come");
    CLI11_PARSE(app, argc, argv);

    const auto config = app::load_config(config_path);
    if (!config) return bench::complain(app::to_string(config.error()));
    if (mode == "watch") {
        load.connections = config->partitions;
        load.is_by_partition = true;
    }
    plan.is_in_turn = mode == "visit";
    plan.warm = base::Duration{static_cast<std::int64_t>(warm_seconds * 1e6)};
    plan.measured = base::Duration{static_cast<std::int64_t>(seconds * 1e6)};
    bench::Teller teller;
    bench::Load clients(*config, load, [&] { return bench::still_marks(*config); });
    if (mode == "watch") clients.on_answer = [&](const auto& answered) { teller.tell(answered); };
    if (const auto why = clients.open()) return bench::complain(*why);
    bench::LoadResult result;
    if (mode == "load") {
        result = clients.run(plan, [] {}, [] {});
    } else {
        clients.begin(plan);
        if (mode == "watch") {
            std::cout << "{}" << std::endl;
            for (std::string line; std::getline(std::cin, line);) continue;
        } else {
            clients.wait();
        }
        result = clients.finish();
    }
    std::cout << boost::json::serialize(bench::line_of(std::move(result))) << std::endl;
    return 0;
}
