#include "app/audit.hpp"
#include "app/config.hpp"
#include "app/demo.hpp"
#include "app/log.hpp"
#include "app/risk_command.hpp"
#include "app/service.hpp"
#include "app/version.hpp"
#include "app/world.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <optional>
#include <thread>

namespace {

using namespace crossclear;
using namespace std::chrono_literals;

std::atomic<bool> was_told_to_stop{};
void on_signal(int) { was_told_to_stop = true; }
std::atomic<bool> was_told_to_read{};
void on_hangup(int) { was_told_to_read = true; }

// Beyond anything a demo is asked for, and far from where sums of them overflow.
constexpr auto duration_max = base::seconds(365LL * 24 * 3'600);
constexpr std::int64_t trades_max = 1'000'000'000'000;
constexpr std::int64_t rate_max = 1'000'000;
constexpr int accounts_max = 1'000'000;
constexpr int depth_max = 1'024;
constexpr int nodes_max = 16;
constexpr int port_max = 65'535;
// What is written larger than a number can be is taken for the largest: that is refused as well.
constexpr std::int64_t seed_max = 1'000'000'000'000'000'000;

// `90`, `500ms`, `2s`, `10m`, `1h`: a bare number is seconds.
base::Duration duration_of(const std::string& text) {
    std::size_t used = 0;
    long long number = 0;
    try {
        number = std::stoll(text, &used);
    } catch (const std::exception&) {
        throw CLI::ValidationError("duration", "expected a number and a unit, like 30s or 2m");
    }
    const auto unit = text.substr(used);
    const std::map<std::string, std::int64_t> units{
        {"", 1'000'000}, {"ms", 1'000}, {"s", 1'000'000}, {"m", 60'000'000}, {"h", 3'600'000'000}};
    const auto found = units.find(unit);
    if (found == units.end() || number <= 0) {
        throw CLI::ValidationError("duration", "expected a number and a unit, like 30s or 2m");
    }
    if (number > duration_max.us / found->second) {
        throw CLI::ValidationError("duration", "expected at most 8760h, a year");
    }
    return base::Duration{number * found->second};
}

// What the offline commands are pointed at: a configuration file, or a demo's directory.
struct Target {
    std::string config_path;
    std::string data_dir;
    std::string archive;
    std::optional<std::uint64_t> seed;

    void add_to(CLI::App& command) {
        auto* file = command.add_option("--config", config_path, "Configuration of the service");
        auto* data = command.add_option("--data", data_dir, "Directory of a demo");
        data->excludes(file);
        command
            .add_option("--seed", seed,
                        "The demo's, where its directory does not say it (default: as it says)")
            ->check(CLI::Range(std::int64_t{0}, seed_max))
            ->excludes(file);
        command.add_option("--archive", archive,
                           "Read what was trimmed from here (default: as the configuration says)");
    }
    [[nodiscard]] base::Result<app::Config, std::string> load() const {
        auto config = load_file();
        if (config && !archive.empty()) config->journal.archive = archive;
        return config;
    }

private:
    [[nodiscard]] base::Result<app::Config, std::string> load_file() const {
        if (config_path.empty()) {
            app::DemoOptions options;
            if (!data_dir.empty()) options.data_dir = data_dir;
            if (!std::filesystem::exists(options.data_dir)) {
                return base::Failure{"no such directory: " + options.data_dir.string() +
                                     "; name a configuration with --config, or a demo's "
                                     "directory with --data"};
            }
            options.seed = seed.value_or(app::seed_in(options.data_dir).value_or(options.seed));
            if (auto why = app::other_seed_in(options)) return base::Failure{std::move(*why)};
            return app::demo_config(options);
        }
        auto config = app::load_config(config_path);
        if (!config) return base::Failure{app::to_string(config.error())};
        return *config;
    }
};

int complain(const std::string& what) {
    std::cerr << what << '\n';
    return 2;
}

int check(const std::string& path) {
    const auto report = app::check_config(path);
    (report.is_ok ? std::cout : std::cerr) << report.text << '\n';
    return report.is_ok ? 0 : 2;
}

// Keys are what must change without a restart: one that is known to somebody else has to go now.
void read_keys_again(const std::string& path, app::Service& service, const actors::Log& log) {
    const auto config = app::load_config(path);
    if (!config) {
        log(actors::LogLevel::error, "The configuration cannot be read again; all stays as it was.",
            {{"reason", app::to_string(config.error())}});
        return;
    }
    service.replace_keys(*config);
    log(actors::LogLevel::info, "The keys were read again.",
        {{"keys", std::to_string(config->keys.size())}});
}

int serve(const std::string& path, const std::string& log_path, bool may_create) {
    const auto config = app::load_config(path, app::NamedFiles::looked_at);
    if (!config) return complain(app::to_string(config.error()));
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    std::signal(SIGHUP, on_hangup);
    const auto log = app::make_log(log_path, actors::LogLevel::info);
    auto service = app::Service::start(*config, log, {.may_create = may_create});
    if (!service) return complain(service.error());
    log(actors::LogLevel::info, "The service is up.",
        {{"port", std::to_string((*service)->port())},
         {"ops_port", std::to_string((*service)->ops_port())}});
    while (!was_told_to_stop) {
        if (was_told_to_read.exchange(false)) read_keys_again(path, **service, log);
        std::this_thread::sleep_for(50ms);
    }
    log(actors::LogLevel::info, "The service drains.", {});
    (*service)->stop(base::seconds(20));
    log(actors::LogLevel::info, "The service has stopped.", {});
    return 0;
}

int run_world(const std::string& path, const std::string& log_path) {
    const auto config = app::load_config(path);
    if (!config) return complain(app::to_string(config.error()));
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    const auto log = app::make_log(log_path, actors::LogLevel::info);
    const auto run = app::run_world(*config, log, [] { return was_told_to_stop.load(); });
    return run ? 0 : complain(run.error());
}

int run_deposit(const std::string& path, const app::DepositText& text) {
    const auto config = app::load_config(path);
    if (!config) return complain(app::to_string(config.error()));
    const auto sent = app::deposit(*config, text);
    return sent ? 0 : complain(sent.error());
}

int run_audit(const Target& target, bool is_at_rest, bool is_json) {
    const auto config = target.load();
    if (!config) return complain(config.error());
    auto open = app::open_to_read(*config);
    if (!open) return complain(open.error());
    const auto instances = app::open_instances(*config);
    auto options = app::audit_options_of(*config);
    options.is_at_rest = is_at_rest;
    options.instances = instances.logs;
    options.instances_count = instances.count;
    auto report = app::audit(*open->journal, config->cluster, config->partitions, options);
    report.notes.insert(report.notes.end(), instances.unread.begin(), instances.unread.end());
    if (open->archived != nullptr) {
        const auto notes = open->archived->notes();
        report.notes.insert(report.notes.end(), notes.begin(), notes.end());
    }
    std::cout << (is_json ? app::json_of(report) + '\n' : app::text_of(report));
    return report.violations.empty() ? 0 : 1;
}

int run_journal(const Target& target, bool is_dump, std::optional<std::int64_t> partition) {
    const auto config = target.load();
    if (!config) return complain(config.error());
    if (partition && (*partition < 0 || *partition >= config->partitions)) {
        return complain(fmt::format("--partition: there is no {}; expected 0 to {}", *partition,
                                    config->partitions - 1));
    }
    auto open = app::open_to_read(*config);
    if (!open) return complain(open.error());
    int status = 0;
    for (std::uint16_t i = 0; i < config->partitions; ++i) {
        if (partition && *partition != i) continue;
        const base::PartitionId id{i};
        if (is_dump) {
            const auto fault = app::dump_journal(*open->journal, config->cluster, id, std::cout);
            if (fault) status = complain(*fault);
            continue;
        }
        const auto verified = app::verify_journal(*open->journal, config->cluster, id);
        if (verified) {
            std::cout << fmt::format("partition {}: {} records, each follows the one before it\n",
                                     i, *verified);
        } else {
            status = complain(verified.error());
        }
    }
    if (open->archived != nullptr) {
        for (const auto& note : open->archived->notes()) std::cerr << "note: " << note << '\n';
    }
    return status == 0 ? 0 : 1;
}

// What the command line asks for, and what came of it. Options are written here while it is read.
struct Asked {
    std::string config_path;
    std::string log_path;
    bool is_check_only{};
    bool may_create{};
    app::DepositText deposit;
    app::DemoRun run;
    std::string duration;
    std::string data_dir;
    Target audited;
    bool is_at_rest{};
    bool is_audit_json{};
    Target journal;
    std::optional<std::int64_t> partition;
    int status{};
};

void add_serve(CLI::App& cli, Asked& asked) {
    auto* serve_command = cli.add_subcommand("serve", "Run the service from a configuration file");
    serve_command->add_option("--config", asked.config_path, "YAML; see deploy/config/example.yaml")
        ->required();
    serve_command->add_flag("--check-config", asked.is_check_only,
                            "Only say whether the file is right");
    serve_command->add_option("--log", asked.log_path,
                              "Write the log there instead of standard error");
    serve_command->add_flag("--create", asked.may_create,
                            "Make a new journal where Redis is empty: for the first start only");
    serve_command->callback([&asked] {
        asked.status = asked.is_check_only
                           ? check(asked.config_path)
                           : serve(asked.config_path, asked.log_path, asked.may_create);
    });
}

void add_world(CLI::App& cli, Asked& asked) {
    auto* world_command =
        cli.add_subcommand("world", "Run the simulated outside world alone, for several services");
    world_command
        ->add_option("--config", asked.config_path, "The services' file, with world.mode remote")
        ->required();
    world_command->add_option("--log", asked.log_path,
                              "Write the log there instead of standard error");
    world_command->require_subcommand(0, 1);
    auto* deposit_command = world_command->add_subcommand(
        "deposit", "Send a client's tokens to its broker, in the world that is running");
    deposit_command->add_option("--shard", asked.deposit.shard, "Where, like aave-uniswap")
        ->required();
    deposit_command->add_option("--account", asked.deposit.account, "Whose, like 0-17")->required();
    deposit_command->add_option("--asset", asked.deposit.asset, "What, like USDC")->required();
    deposit_command->add_option("--amount", asked.deposit.amount, "How much, in units")->required();
    world_command->callback([&asked, deposit_command] {
        asked.status = deposit_command->parsed() ? run_deposit(asked.config_path, asked.deposit)
                                                 : run_world(asked.config_path, asked.log_path);
    });
}

void add_demo_work(CLI::App& command, Asked& asked) {
    command
        .add_option("--trades", asked.run.options.trades,
                    "Stop after so many trades, once all is settled (0: until Ctrl-C)")
        ->check(CLI::Range(std::int64_t{0}, trades_max));
    command.add_option("--accounts", asked.run.options.accounts, "How many clients")
        ->check(CLI::Range(1, accounts_max))
        ->capture_default_str();
    auto* prices = command.add_option(
        "--prices", asked.run.options.prices,
        "CSV of hourly prices, one row a second, from the first row on at every start. A "
        "stablecoin without a column is 1.00; an empty cell is no price. Without a file prices "
        "are generated");
    command
        .add_option("--prices-from", asked.run.options.prices_from,
                    "The first hour to take from the CSV, like 2023-03-10T00:00Z")
        ->needs(prices);
    command
        .add_option("--seed", asked.run.options.seed,
                    "For prices, shards and clients; a directory keeps the one it was made with")
        ->check(CLI::Range(std::int64_t{0}, seed_max))
        ->capture_default_str();
    command.add_option("--duration", asked.duration, "Stop trading after that long, like 30s");
    command
        .add_option("--data", asked.data_dir,
                    "Where journal and shards are kept; started again on the same "
                    "directory, the demo goes on where it was")
        ->default_str("crossclear-demo");
}

void add_demo_setup(CLI::App& command, app::DemoRun& run) {
    command
        .add_option("--chains", run.options.chains,
                    "Real chains in place of simulated ones: the site.json that "
                    "deploy/chain/site.mjs has written, which keeps them running")
        ->check(CLI::ExistingFile);
    command
        .add_option("--nodes", run.nodes,
                    "How many nodes share the work; above 1, each is a process, and so is the "
                    "simulated world. They listen on --port, --port + 2 and so on")
        ->check(CLI::Range(1, nodes_max))
        ->capture_default_str();
    command
        .add_option("--redis", run.options.redis,
                    "How many redis-servers keep the journal: an odd number, a majority "
                    "decides (default: as many as --data has, else 1)")
        ->check(CLI::IsMember({1, 3, 5, 7}));
    command.add_flag("--json", run.has_json,
                     "End standard output with a line of JSON, as one with --trades always does; "
                     "none if the demo cannot start: status 1, and standard error says why");
    command.add_flag("--quiet", run.is_quiet, "No live summary on standard error");
    command.add_option("--port", run.port, "For clients; 0: any that is free")
        ->check(CLI::Range(0, port_max))
        ->capture_default_str();
    command.add_option("--ops-port", run.ops_port, "For /metrics and probes; 0: any")
        ->check(CLI::Range(0, port_max))
        ->capture_default_str();
    command
        .add_option("--rate", run.rate,
                    "Trades a second, over all clients (0: as fast as they are answered)")
        ->check(CLI::Range(std::int64_t{0}, rate_max));
    command.add_option("--depth", run.depth, "Requests a connection keeps on their way")
        ->check(CLI::Range(1, depth_max))
        ->capture_default_str();
    command.add_option("--log", run.log_path, "Where the log goes (default: in --data)");
}

void add_demo(CLI::App& cli, Asked& asked) {
    auto* demo_command = cli.add_subcommand(
        "demo", "Run a whole service with simulated shards and sample clients that trade");
    add_demo_work(*demo_command, asked);
    add_demo_setup(*demo_command, asked.run);
    demo_command->callback([&asked] {
        if (!asked.duration.empty()) asked.run.options.duration = duration_of(asked.duration);
        if (!asked.data_dir.empty()) asked.run.options.data_dir = asked.data_dir;
        // Whoever has it end by itself wants to know how it ended.
        asked.run.has_json |= asked.run.options.trades > 0;
        asked.status = app::run_demo(asked.run);
    });
}

void add_audit(CLI::App& cli, Asked& asked) {
    auto* audit_command =
        cli.add_subcommand("audit", "Read the whole journal and check every claim the books make");
    asked.audited.add_to(*audit_command);
    audit_command->add_flag("--at-rest", asked.is_at_rest,
                            "Take it as known that nothing is under way, and check what only holds "
                            "then; without it the audit finds out by itself");
    audit_command->add_flag("--json", asked.is_audit_json, "One object of JSON instead of text");
    audit_command->callback([&asked] {
        asked.status = run_audit(asked.audited, asked.is_at_rest, asked.is_audit_json);
    });
}

void add_journal(CLI::App& cli, Asked& asked) {
    auto* journal_command = cli.add_subcommand("journal", "Look into the journal");
    journal_command->require_subcommand(1);
    auto* dump = journal_command->add_subcommand("dump", "Every event with its postings, as JSON");
    auto* verify = journal_command->add_subcommand("verify", "Check the chain of digests");
    for (auto* command : {dump, verify}) {
        asked.journal.add_to(*command);
        command->add_option("--partition", asked.partition, "Only this one, from 0 on");
    }
    dump->callback([&asked] { asked.status = run_journal(asked.journal, true, asked.partition); });
    verify->callback(
        [&asked] { asked.status = run_journal(asked.journal, false, asked.partition); });
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{
        "crossclear clears trades against netted margin, hedges what does not cancel, and settles "
        "across protocol shards.\nStart with: crossclear demo"};
    cli.require_subcommand(1);
    Asked asked;
    add_serve(cli, asked);
    add_world(cli, asked);
    add_demo(cli, asked);
    add_audit(cli, asked);
    add_journal(cli, asked);
    app::add_risk_commands(cli, asked.status);
    cli.add_subcommand("version", "Say which release this is")->callback([] {
        std::cout << "crossclear " << app::version << '\n';
    });

    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& refused) {
        return cli.exit(refused);
    }
    return asked.status;
}
