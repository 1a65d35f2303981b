#include "bench/cpu.hpp"
#include "bench/load.hpp"
#include "bench/measured_service.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

// The whole service in one process with its clients, as the demo runs it: real WebSockets, real
// margin, a redis-server that syncs every append, three simulated shards that are hedged on. At the
// end the books are audited: a figure counts only if the work behind it is right.

namespace crossclear::bench {
namespace {

// What each client pays in, and the shard with the shortest way to final.
constexpr std::int64_t deposit_usdc = 25'000;
constexpr const char* deposit_shard = "perpetuals";

struct Options {
    std::string data;
    double seconds{4};
    double warm_seconds{1};
    LoadOptions load;
    std::uint32_t depth{16};
    std::uint32_t batch{32};
    std::uint32_t batch_depth{4};
    std::uint32_t half_per_second{};
    std::string policy{"sharing"};
    std::vector<std::string> phases{"one", "batch", "half"};
    std::vector<std::string> redis;      // Sockets of somebody else's; none: an embedded one.
    std::vector<pid_t> redis_processes;  // Of those, in the same order.
};

class Run {
public:
    explicit Run(Options options) : options_(std::move(options)) {
        app::DemoOptions demo;
        demo.data_dir = options_.data;
        config_ = measured_config(demo);
        use_redis();
        config_.actors.policy = options_.policy == "stealing" ? app::ActorsConfig::Policy::stealing
                                                              : app::ActorsConfig::Policy::sharing;
        add_keys(options_.load, config_);
    }

    /// Runs every phase and the audit. Returns why it could not, or nothing.
    std::optional<std::string> run(boost::json::object& line) {
        if (auto why = start()) return why;
        options_.load.ports = {service_->port()};
        Load load(config_, options_.load, [this] { return service_.marks(); });
        if (auto why = load.open()) return why;
        for (const auto& phase : options_.phases) line[phase] = measure(load, phase);
        line["trades"] = load.cleared();
        return service_.audit(load.cleared(), line);
    }

private:
    void use_redis() {
        if (options_.redis.empty()) return;
        auto& journal = config_.journal;
        journal.mode = options_.redis.size() == 1 ? app::JournalConfig::Mode::single
                                                  : app::JournalConfig::Mode::quorum;
        journal.endpoint.socket_path = options_.redis.front();
        for (const auto& socket : options_.redis) {
            journal.endpoints.push_back({.socket_path = socket});
        }
    }

    std::optional<std::string> start() {
        if (auto why = service_.start()) return why;
        const auto shard = *config_.listing.find_shard(deposit_shard);
        std::vector<PayIn> deposits;
        for (std::uint64_t i = 0; i < options_.load.accounts; ++i) {
            deposits.push_back({.shard = shard, .account = account_at(i), .usdc = deposit_usdc});
        }
        return service_.pay_in(deposits);
    }

    LoadPlan plan_of(const std::string& phase) const {
        LoadPlan plan{
            .depth = options_.depth,
            .batch = 1,
            .per_second = 0,
            .warm = base::Duration{static_cast<std::int64_t>(options_.warm_seconds * 1e6)},
            .measured = base::Duration{static_cast<std::int64_t>(options_.seconds * 1e6)}};
        if (phase == "batch") {
            plan.batch = options_.batch;
            plan.depth = options_.batch_depth;
        }
        if (phase == "half") {
            plan.per_second = options_.half_per_second != 0
                                  ? options_.half_per_second
                                  : static_cast<std::uint32_t>(full_per_second_ / 2);
        }
        return plan;
    }

    /// What the journal has done so far.
    struct Journaled {
        std::uint64_t appends{};
        double events{};
        double commit_seconds{};
    };
    Journaled journaled() const {
        const auto& ledger = service_->instruments().ledger;
        return {.appends = ledger.journal_batch_events.count(),
                .events = ledger.journal_batch_events.sum(),
                .commit_seconds = ledger.journal_commit_duration_seconds.sum()};
    }

    std::map<std::string, std::int64_t> cpu() const {
        if (options_.redis_processes.empty()) {
            return cpu_by_part({redis_process(app::redis_directory(config_).string())},
                               "redis-server");
        }
        return cpu_by_part(options_.redis_processes, "redis-server");
    }

    // Kills the last of the instances once a third of the measured time is over.
    std::thread kill_one_later() const {
        return std::thread([process = options_.redis_processes.back(),
                            after = std::chrono::duration<double>(options_.seconds / 3)] {
            std::this_thread::sleep_for(after);
            ::kill(process, SIGKILL);
        });
    }

    boost::json::object measure(Load& load, const std::string& phase) {
        std::thread killer;
        std::map<std::string, std::int64_t> before;
        std::map<std::string, std::int64_t> after;
        Journaled first;
        Journaled last;
        auto result = load.run(
            plan_of(phase),
            [&] {
                if (phase == "down") killer = kill_one_later();
                before = cpu();
                first = journaled();
            },
            [&] {
                if (killer.joinable()) killer.join();
                after = cpu();
                last = journaled();
            });
        const auto answered = static_cast<double>(std::max<std::uint64_t>(1, result.answered));
        boost::json::object line;
        const auto per_second = static_cast<double>(result.answered) / result.seconds;
        if (phase == "one") full_per_second_ = per_second;
        line["per_second"] = per_second;
        result.latencies.write(line);
        line["cleared"] = result.cleared;
        boost::json::object refused;
        for (const auto& [reason, count] : result.refused) refused[reason] = count;
        line["refused"] = std::move(refused);
        boost::json::object cpu;
        for (const auto& [part, ns] : after) {
            const auto us = static_cast<double>(ns - before[part]) / 1e3 / answered;
            if (us >= 0.05) cpu[part] = us;
        }
        line["cpu_us_per_trade"] = std::move(cpu);
        const auto appends = static_cast<double>(last.appends - first.appends);
        line["events_per_trade"] = (last.events - first.events) / answered;
        line["events_per_record"] = (last.events - first.events) / appends;
        line["commit_us"] = (last.commit_seconds - first.commit_seconds) / appends * 1e6;
        return line;
    }

    Options options_;
    app::Config config_;
    MeasuredService service_{config_};
    double full_per_second_{};
};

}  // namespace
}  // namespace crossclear::bench

int main(int argc, char** argv) {
    using namespace crossclear;
    CLI::App app{"The service end to end over WebSocket, with its own audit at the end."};
    bench::Options options;
    app.add_option("--data", options.data, "An empty directory on the disk to be measured")
        ->required();
    app.add_option("--seconds", options.seconds, "Length of each measurement");
    app.add_option("--warm", options.warm_seconds, "Seconds before each that do not count");
    app.add_option("--accounts", options.load.accounts, "Client accounts");
    app.add_option("--connections", options.load.connections, "Client connections");
    app.add_option("--depth", options.depth, "Requests that a connection keeps on their way");
    app.add_option("--batch", options.batch, "Requests in a batch");
    app.add_option("--batch-depth", options.batch_depth,
                   "Batches that a connection keeps on their way");
    app.add_option("--rate", options.half_per_second,
                   "Trades a second of phase half; 0: half of what phase one reached");
    app.add_option("--policy", options.policy, "CAF's scheduler")
        ->check(CLI::IsMember({"sharing", "stealing"}));
    app.add_option("--phases", options.phases,
                   "What to measure: one, batch, half; down: one a frame, and the last instance is "
                   "killed meanwhile")
        ->delimiter(',')
        ->check(CLI::IsMember({"one", "batch", "half", "down"}));
    app.add_option("--redis", options.redis,
                   "A unix socket of an instance that runs already; may be repeated");
    app.add_option("--redis-process", options.redis_processes, "Their processes, in that order");
    app.add_option("--seed", options.load.seed, "What the clients' choices begin with");
    CLI11_PARSE(app, argc, argv);
    const bool kills =
        std::find(options.phases.begin(), options.phases.end(), "down") != options.phases.end();
    if (kills && options.redis_processes.empty()) {
        std::cerr << "phase down needs --redis-process\n";
        return 2;
    }

    boost::json::object line;
    const auto why = bench::Run(options).run(line);
    if (why) {
        std::cerr << *why << '\n';
        return 1;
    }
    std::cout << boost::json::serialize(line) << std::endl;
    return 0;
}
