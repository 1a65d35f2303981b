#include "app/audit.hpp"
#include "app/log.hpp"
#include "app/service.hpp"
#include "bench/cpu.hpp"
#include "bench/load.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

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

using namespace std::chrono_literals;

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
        config_ = app::demo_config(demo);
        config_.api.port = 0;
        config_.api.ops_port = 0;
        use_redis();
        // The limits on one key are for one client; here a key trades for hundreds.
        config_.api.limits.credits_per_second = 1'000'000;
        config_.api.limits.credits_burst = 1'000'000;
        config_.actors.policy = options_.policy == "stealing" ? app::ActorsConfig::Policy::stealing
                                                              : app::ActorsConfig::Policy::sharing;
        add_keys(options_.load, config_);
    }

    /// Runs every phase and the audit. Returns why it could not, or nothing.
    std::optional<std::string> run(boost::json::object& line) {
        if (auto why = start()) return why;
        options_.load.ports = {service_->port()};
        Load load(config_, options_.load, [this] { return marks(); });
        if (auto why = load.open()) return why;
        for (const auto& phase : options_.phases) line[phase] = measure(load, phase);
        return check(load.cleared(), line);
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
        std::filesystem::create_directories(options_.data);
        auto service = app::Service::start(
            config_, app::make_log(options_.data + "/service.log", actors::LogLevel::info),
            {.may_create = true});
        if (!service) return service.error();
        service_ = std::move(*service);
        const auto& brokers = service_->node().context().brokers;
        const bool is_founded = wait_until([&] {
            bool is_so = service_->node().readiness().is_ready;
            for (const auto& broker : brokers) {
                is_so = is_so && broker->figures.is_founded && broker->figures.moves_open == 0;
            }
            return is_so;
        });
        if (!is_founded) return "the brokers were not founded within 120 s";
        const auto usdc = *config_.listing.find_asset("USDC");
        const auto shard = *config_.listing.find_shard(deposit_shard);
        const base::Amount amount{deposit_usdc *
                                  base::power_of_ten(config_.listing.asset(usdc).scale)};
        for (std::uint64_t i = 0; i < options_.load.accounts; ++i) {
            if (!service_->world().deposit(shard, account_at(i), usdc, amount)) {
                return "a deposit was refused";
            }
        }
        const bool are_final = wait_until([&] {
            std::uint64_t count = 0;
            for (const auto& broker : brokers) count += broker->figures.deposits_final;
            return count >= options_.load.accounts;
        });
        if (!are_final) return "the deposits were not final within 120 s";
        return std::nullopt;
    }

    static bool wait_until(const std::function<bool()>& is_so) {
        const auto deadline = std::chrono::steady_clock::now() + 120s;
        while (!is_so()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::sleep_for(20ms);
        }
        return true;
    }

    std::map<std::string, base::Price> marks() {
        std::map<std::string, base::Price> now;
        for (const auto& view : service_->node().marks()) {
            now[config_.listing.asset(view.asset).symbol] = view.price;
        }
        return now;
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

    std::optional<std::string> check(std::uint64_t cleared, boost::json::object& line) {
        service_->stop(base::seconds(5));
        const auto report =
            app::audit(service_->journal(), config_.cluster, config_.partitions, {});
        line["trades"] = cleared;
        line["audit"] = report.verdict();
        if (!report.violations.empty()) return "the audit found: " + report.verdict();
        if (report.trades != cleared) {
            return fmt::format("{} trades were cleared and {} are journaled", cleared,
                               report.trades);
        }
        return std::nullopt;
    }

    Options options_;
    app::Config config_;
    std::unique_ptr<app::Service> service_;
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
