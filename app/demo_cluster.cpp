#include "app/child.hpp"
#include "app/demo_fetch.hpp"
#include "app/demo_follower.hpp"
#include "app/demo_site.hpp"
#include "app/journal.hpp"
#include "app/log.hpp"
#include "app/world.hpp"
#include "store/redis/redis_journal.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <thread>

// Several nodes, a world and redis-servers, each a process that the demo starts and ends. Whoever
// looks on may kill any of them: nothing is started again before that is asked for, with SIGUSR1.

namespace crossclear::app {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr base::Duration part_patience = base::seconds(120);
constexpr base::Duration end_patience = base::seconds(25);
constexpr base::Duration start_end_patience = base::seconds(2);
constexpr base::Duration fetch_patience = base::milliseconds(300);
constexpr auto look_every = 200ms;

std::atomic<bool> was_asked_to_revive{};
void on_revive(int) { was_asked_to_revive = true; }

// The fields of the first line of a log after `offset` that says `sentence`.
std::optional<boost::json::object> line_of_log(const std::filesystem::path& path,
                                               std::uintmax_t offset, std::string_view sentence) {
    std::ifstream file(path);
    file.seekg(static_cast<std::streamoff>(offset));
    std::string line;
    while (std::getline(file, line)) {
        boost::system::error_code failure;
        auto value = boost::json::parse(line, failure);
        if (failure || !value.is_object()) continue;
        const auto* message = value.as_object().if_contains("message");
        if (message != nullptr && message->is_string() && message->as_string() == sentence) {
            return std::move(value.as_object());
        }
    }
    return std::nullopt;
}

std::uint16_t port_in(const boost::json::object& line, std::string_view name) {
    const auto* text = line.if_contains(name);
    return text == nullptr ? std::uint16_t{0}
                           : static_cast<std::uint16_t>(std::atoi(text->as_string().c_str()));
}

std::string last_line_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::string last;
    while (std::getline(file, line)) last = line.empty() ? last : line;
    return last;
}

// One program of ours that runs as a child.
struct DemoPart {
    std::string name;
    std::string command;  // `serve` or `world`.
    std::string is_up;    // What its log says then.
    std::filesystem::path config;
    std::filesystem::path log;
    std::unique_ptr<Child> child{};
    std::uintmax_t log_offset{};
    bool is_up_said{};
    std::uint16_t port{};
    std::uint16_t ops_port{};
    std::optional<double> partitions{};  // Owned, at the last look; nothing: it did not say.

    [[nodiscard]] bool is_running() const { return child != nullptr && child->is_running(); }
};

class ClusterSite final : public DemoSite {
public:
    ClusterSite(const DemoRun& run, const Config& config) : run_(run), config_(config) {}
    ~ClusterSite() override { end_all(); }

    std::optional<std::string> start(const std::function<bool()>& is_wanted) override;
    std::vector<std::string> directions() const override;
    std::vector<std::uint16_t> ports() const override {
        const std::scoped_lock lock(mutex_);
        return ports_;
    }
    void tend() override;
    std::vector<std::string> why_not() override;
    Figures figures() override { return follower_->figures(); }
    std::string standing() override;
    Strength strength() override;
    bool deposit(base::ShardId shard, base::AccountId account, base::AssetId asset,
                 base::Amount amount) override {
        return world_->deposit(shard, account, asset, amount).has_value();
    }
    void stop() override;
    RunTotals totals() override { return follower_->totals(); }
    ledger::journal::Journal& journal() override { return *journal_; }

private:
    std::optional<std::string> start_redis();
    std::optional<std::string> open_journal(bool may_create);
    std::optional<std::string> write_configs();
    std::optional<std::string> launch(DemoPart& part);
    void look_for_ports();
    void look_at_nodes();
    void revive();
    void end_all();
    [[nodiscard]] std::optional<std::string> wait_until_up(DemoPart& part,
                                                           const std::function<bool()>& is_wanted);
    [[nodiscard]] Config node_config(std::size_t index) const;

    const DemoRun run_;
    Config config_;
    std::vector<std::unique_ptr<store::EmbeddedRedis>> redis_;
    std::unique_ptr<store::QuorumJournal> journal_;
    std::optional<JournalFollower> follower_;
    DemoPart world_part_;
    std::vector<DemoPart> nodes_;
    std::unique_ptr<shards::simulated::OutsideWorld> world_;
    std::map<std::string, double> behind_;  // Partitions that an instance lacks, by its endpoint.
    Clock::time_point looked_at_{};
    std::string trouble_;  // Why the journal cannot be followed.
    mutable std::mutex mutex_;
    std::vector<std::uint16_t> ports_;  // Guarded by mutex_.
};

std::optional<std::string> ClusterSite::start(const std::function<bool()>& is_wanted) {
    std::signal(SIGUSR1, on_revive);
    const bool is_new = !std::filesystem::exists(shards_directory(config_));
    if (auto why = start_redis()) return why;
    if (!is_wanted()) return "not wanted any more";
    if (auto why = open_journal(is_new)) return why;
    if (auto why = write_configs()) return why;
    if (auto why = launch(world_part_)) return why;
    if (auto why = wait_until_up(world_part_, is_wanted)) return why;
    for (auto& node : nodes_) {
        if (auto why = launch(node)) return why;
    }
    for (auto& node : nodes_) {
        if (auto why = wait_until_up(node, is_wanted)) return why;
    }
    auto remote = config_;
    remote.world = node_config(0).world;
    const auto quiet = [](actors::LogLevel, std::string_view, const actors::LogFields&) {};
    auto world = reach_world(remote, quiet);
    if (!world) return world.error();
    world_ = std::move(*world);
    follower_.emplace(*journal_, config_.cluster, config_.partitions, config_.brokers.size());
    if (auto why = follower_->follow()) return why;
    follower_->begin_run();
    tend();
    return std::nullopt;
}

std::optional<std::string> ClusterSite::start_redis() {
    auto redis = start_embedded(config_);
    if (!redis) return store::to_string(redis.error());
    redis_ = std::move(*redis);
    return std::nullopt;
}

std::optional<std::string> ClusterSite::open_journal(bool may_create) {
    store::RedisOptions options{.cluster = config_.cluster, .partition_count = config_.partitions};
    for (const auto& redis : redis_) options.endpoints.push_back(redis->endpoint());
    options.may_create = may_create;
    options.may_join = false;
    options.call_timeout = base::seconds(1);
    auto journal = store::open_redis_journal(options);
    if (!journal) {
        return store::to_string(journal.error()) +
               (may_create ? "" : " To begin anew, remove " + config_.data_dir.string() + ".");
    }
    journal_ = std::move(*journal);
    return std::nullopt;
}

Config ClusterSite::node_config(std::size_t index) const {
    auto config = config_;
    const bool is_single = redis_.size() == 1;
    config.journal.mode = is_single ? JournalConfig::Mode::single : JournalConfig::Mode::quorum;
    config.journal.instances = 1;
    for (const auto& redis : redis_) config.journal.endpoints.push_back(redis->endpoint());
    config.journal.endpoint = redis_.front()->endpoint();
    if (is_single) config.journal.endpoints.clear();
    config.world.mode = WorldPlace::Mode::remote;
    config.world.endpoint.path = (config_.data_dir / "world.sock").string();
    config.node = {.mode = NodeConfig::Mode::cluster,
                   .name = nodes_[index].name,
                   .address = "127.0.0.1",
                   .port = 0,
                   .advertised = {},
                   .certificate = {},
                   .key = {},
                   .authority = {}};
    const auto step = static_cast<std::uint16_t>(2 * index);
    if (config.api.port != 0) config.api.port = static_cast<std::uint16_t>(run_.port + step);
    if (config.api.ops_port != 0) {
        config.api.ops_port = static_cast<std::uint16_t>(run_.ops_port + step);
    }
    return config;
}

std::optional<std::string> ClusterSite::write_configs() {
    const auto directory = config_.data_dir / "cluster";
    std::error_code failure;
    std::filesystem::create_directories(directory, failure);
    const auto part = [&](const std::string& name, const char* command, const char* is_up) {
        return DemoPart{.name = name,
                        .command = command,
                        .is_up = is_up,
                        .config = directory / (name + ".yaml"),
                        .log = directory / (name + ".log")};
    };
    world_part_ = part("world", "world", "The world is up.");
    for (std::uint16_t i = 0; i < run_.nodes; ++i) {
        nodes_.push_back(part(fmt::format("node-{}", i + 1), "serve", "The service is up."));
    }
    const auto write = [](const DemoPart& of, const Config& config) {
        std::ofstream file(of.config, std::ios::trunc);
        file << dump_config(config);
        return file.good();
    };
    bool is_written = write(world_part_, node_config(0));
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        is_written = is_written && write(nodes_[i], node_config(i));
    }
    if (!is_written) return "cannot write the nodes' configurations to " + directory.string();
    // Said here, with the place: a node could only say that its own file is wrong.
    if (const auto report = check_config(nodes_.front().config); !report.is_ok) return report.text;
    return std::nullopt;
}

std::optional<std::string> ClusterSite::launch(DemoPart& part) {
    std::error_code failure;
    const auto size = std::filesystem::file_size(part.log, failure);
    part.log_offset = failure ? 0 : size;
    part.is_up_said = false;
    part.port = part.ops_port = 0;
    part.partitions.reset();
    auto child =
        Child::start({.words = {own_program(), part.command, "--config", part.config.string()},
                      .output = part.log});
    if (!child) return child.error();
    part.child = std::move(*child);
    return std::nullopt;
}

std::optional<std::string> ClusterSite::wait_until_up(DemoPart& part,
                                                      const std::function<bool()>& is_wanted) {
    const auto deadline = Clock::now() + std::chrono::microseconds(part_patience.us);
    while (Clock::now() < deadline && part.is_running()) {
        look_for_ports();
        if (part.is_up_said) return std::nullopt;
        if (!is_wanted()) return part.name + " is not wanted any more";
        std::this_thread::sleep_for(10ms);
    }
    return fmt::format("{} did not come up; its log {} ends: {}", part.name, part.log.string(),
                       last_line_of(part.log));
}

void ClusterSite::look_for_ports() {
    const auto look = [](DemoPart& part) {
        if (part.is_up_said || !part.is_running()) return;
        const auto line = line_of_log(part.log, part.log_offset, part.is_up);
        if (!line) return;
        part.is_up_said = true;
        part.port = port_in(*line, "port");
        part.ops_port = port_in(*line, "ops_port");
    };
    look(world_part_);
    std::vector<std::uint16_t> ports;
    for (auto& node : nodes_) {
        look(node);
        if (node.is_running() && node.port != 0) ports.push_back(node.port);
    }
    const std::scoped_lock lock(mutex_);
    ports_ = std::move(ports);
}

void ClusterSite::look_at_nodes() {
    behind_.clear();
    for (auto& node : nodes_) {
        node.partitions.reset();
        if (!node.is_running() || node.ops_port == 0) continue;
        const auto answer = fetch(node.ops_port, "/metrics", fetch_patience);
        if (!answer || answer->status != 200) continue;
        node.partitions = sum_of(answer->body, "crossclear_partitions_owned");
        for (const auto& redis : redis_) {
            const auto at = store::to_string(redis->endpoint());
            behind_[at] += sum_of(answer->body, "crossclear_redis_partitions_behind", at);
        }
    }
}

void ClusterSite::tend() {
    if (was_asked_to_revive.exchange(false)) revive();
    if (Clock::now() - looked_at_ < look_every) return;
    looked_at_ = Clock::now();
    look_for_ports();
    trouble_ = follower_->follow().value_or("");
}

void ClusterSite::revive() {
    for (const auto& redis : redis_) {
        const auto revived = redis->revive();
        if (!revived) std::cerr << store::to_string(revived.error()) << '\n';
    }
    const auto start_again = [&](DemoPart& part) {
        if (part.is_running()) return;
        if (const auto why = launch(part)) std::cerr << *why << '\n';
    };
    start_again(world_part_);
    for (auto& node : nodes_) start_again(node);
}

std::vector<std::string> ClusterSite::why_not() {
    std::vector<std::string> why;
    if (!trouble_.empty()) why.push_back(trouble_);
    const auto now = figures();
    if (!now.is_founded || now.moves_open > 0) why.emplace_back("a broker is being founded");
    for (const auto& node : nodes_) {
        const auto answer = fetch(node.ops_port, "/readyz?verbose", fetch_patience);
        if (!answer) {
            why.push_back(node.name + " does not answer");
        } else if (answer->status != 200) {
            why.push_back(node.name + ": " + answer->body);
        }
    }
    return why;
}

std::string ClusterSite::standing() {
    look_at_nodes();
    std::string line;
    for (const auto& node : nodes_) {
        line += fmt::format("  {} ", node.name);
        if (!node.is_running()) {
            line += "DOWN";
        } else if (!node.partitions) {
            line += "silent";
        } else {
            line += fmt::format("owns {}", *node.partitions);
        }
    }
    if (!world_part_.is_running()) line += "  world DOWN";
    const auto views = journal_->acceptors();
    for (std::size_t i = 0; i < redis_.size(); ++i) {
        const auto& standing = views[i].standing;
        const auto behind = behind_[views[i].name];
        line += fmt::format("  redis-{} ", i + 1);
        if (!redis_[i]->is_running()) {
            line += "DOWN";
        } else if (standing.kind == store::Standing::Kind::away) {
            line += "silent";
        } else if (standing.kind == store::Standing::Kind::joining) {
            line += "joining";
        } else if (behind > 0) {
            line += fmt::format("behind in {}", behind);
        } else {
            line += "ok";
        }
    }
    return line;
}

std::vector<std::string> ClusterSite::directions() const {
    std::vector<std::string> lines;
    for (const auto& node : nodes_) {
        lines.push_back(
            fmt::format("{}: process {}   clients ws://127.0.0.1:{}/ws/v1   operations "
                        "http://127.0.0.1:{}/metrics",
                        node.name, node.child->process(), node.port, node.ops_port));
    }
    lines.push_back(fmt::format("world: process {}", world_part_.child->process()));
    for (std::size_t i = 0; i < redis_.size(); ++i) {
        lines.push_back(fmt::format("redis-{}: process {}", i + 1, redis_[i]->process()));
    }
    lines.push_back(fmt::format("Kill a node: kill -9 {}     its partitions move within 2 s or so",
                                nodes_.back().child->process()));
    if (redis_.size() > 1) {
        lines.push_back(fmt::format("Kill a Redis: kill -9 {}    a majority goes on",
                                    redis_.back()->process()));
    }
    lines.push_back(fmt::format("Start again whatever you killed: kill -USR1 {}",
                                static_cast<int>(::getpid())));
    return lines;
}

Strength ClusterSite::strength() {
    Strength strength{.nodes = nodes_.size(), .nodes_up = 0, .redis = redis_.size(), .redis_up = 0};
    for (const auto& node : nodes_) strength.nodes_up += node.is_running() ? 1U : 0U;
    for (const auto& redis : redis_) strength.redis_up += redis->is_running() ? 1U : 0U;
    return strength;
}

// Nodes first, while the world and Redis still answer them.
void ClusterSite::end_all() {
    for (auto& node : nodes_) {
        if (node.child) node.child->ask_to_end();
    }
    for (auto& node : nodes_) {
        // One that is not up holds nothing yet, and hears nobody before it is.
        const auto patience = node.is_up_said ? end_patience : start_end_patience;
        if (!node.child || node.child->end(patience) || !node.is_up_said) continue;
        std::cerr << node.name << " did not end in order and was killed.\n";
    }
    world_.reset();
    if (world_part_.child) static_cast<void>(world_part_.child->end(base::seconds(10)));
}

void ClusterSite::stop() {
    end_all();
    if (const auto why = follower_->follow()) std::cerr << *why << '\n';
}

}  // namespace

std::unique_ptr<DemoSite> make_cluster_site(const DemoRun& run, const Config& config) {
    return std::make_unique<ClusterSite>(run, config);
}

}  // namespace crossclear::app
