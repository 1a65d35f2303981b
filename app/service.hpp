#pragma once

#include "actors/node.hpp"
#include "api/auth.hpp"
#include "api/ops.hpp"
#include "api/server.hpp"
#include "app/audit.hpp"
#include "app/config.hpp"
#include "app/funding.hpp"
#include "app/journal.hpp"
#include "app/prices.hpp"
#include "base/result.hpp"
#include "metrics/instruments.hpp"
#include "metrics/registry.hpp"
#include "shards/simulated/outside.hpp"
#include "store/archive/archiving_journal.hpp"
#include "store/redis/redis_directory.hpp"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// A whole service from a configuration: the only file, with its source, that names every part.

namespace crossclear::app {

/// Feeds prices to the outside world and to the oracle at the pace of the configuration. When the
/// source is exhausted the last prices are told again, so that what is open can be settled.
class PriceFeed {
public:
    /// The world and the node outlive the feed.
    PriceFeed(std::unique_ptr<PriceSource> source, base::Duration pause, base::Ppm funding_per_day,
              shards::simulated::OutsideWorld& world, actors::Node& node);
    PriceFeed(const PriceFeed&) = delete;
    PriceFeed& operator=(const PriceFeed&) = delete;
    ~PriceFeed();

    /// Whether the source has had its last tick.
    [[nodiscard]] bool is_exhausted() const { return is_exhausted_.load(); }
    /// The time of the latest tick, in the source's own time.
    [[nodiscard]] base::Timestamp source_time() const { return {source_us_.load()}; }

private:
    void run();
    void tell(const PriceTick& tick);
    [[nodiscard]] PriceTick with_derived(PriceTick tick) const;

    std::unique_ptr<PriceSource> source_;
    base::Duration pause_;
    FundingMeter funding_;
    shards::simulated::OutsideWorld& world_;
    actors::Node& node_;
    std::atomic<bool> is_exhausted_{};
    std::atomic<std::int64_t> source_us_{};
    std::mutex mutex_;
    std::condition_variable wakes_;
    bool is_stopping_{};
    std::thread thread_;
};

/// What a start may do beyond the configuration.
struct StartOptions {
    bool may_create{};  ///< Whether an empty Redis becomes a new cluster, whatever is in data_dir.
    /// Puts something between the node and each shard, for who measures.
    std::function<std::unique_ptr<shards::Shard>(std::unique_ptr<shards::Shard>, base::BrokerId,
                                                 base::ShardId)>
        between{};
};

/// A running service. Parts end in the reverse order of their start.
class Service {
public:
    /// Opens the journal and the world, starts the actors, then the doors.
    /// **Errors:** one sentence with the remedy.
    [[nodiscard]] static base::Result<std::unique_ptr<Service>, std::string> start(
        const Config& config, actors::Log log, StartOptions options = {});
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service();

    /// Stops taking work, lets what is under way finish for at most `grace`, closes the doors and
    /// ends the actors. The journal can be read until the service is destroyed.
    void stop(base::Duration grace);

    /// Takes keys and grants from a configuration that was read again, and nothing else; clients
    /// whose key is gone or changed are closed. **Thread:** any.
    void replace_keys(const Config& config);

    /// Where clients and the people who run it connect.
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::uint16_t ops_port() const { return ops_port_; }
    /// Its parts, for those who drive or inspect it; `feed` is null without a price source.
    [[nodiscard]] actors::Node& node() { return *node_; }
    [[nodiscard]] shards::simulated::OutsideWorld& world() { return *world_; }
    [[nodiscard]] ledger::journal::Journal& journal() { return *journal_; }
    [[nodiscard]] metrics::Instruments& instruments() { return *instruments_; }
    [[nodiscard]] const PriceFeed* feed() const { return feed_.get(); }

private:
    Service() = default;

    [[nodiscard]] std::optional<std::string> open_journal(const Config& config, bool may_create);
    [[nodiscard]] std::optional<std::string> join(const Config& config, actors::Context& context);
    [[nodiscard]] std::optional<std::string> open_doors(const Config& config);
    void watch_redis();
    void revive(store::EmbeddedRedis& redis);
    void publish_readiness();
    void publish_acceptors();
    void report_damage();
    [[nodiscard]] std::optional<std::string> open_archive(const Config& config);
    void publish_archive();
    void stop_watching();
    void reopen_journal();

    actors::Log log_;
    metrics::Registry registry_;
    std::unique_ptr<metrics::Instruments> instruments_;
    std::vector<std::unique_ptr<store::EmbeddedRedis>> redis_;
    store::RedisOptions redis_options_;
    std::unique_ptr<store::QuorumJournal> journal_;
    std::unique_ptr<store::Archive> archive_;             ///< Null: trimmed records are gone.
    std::unique_ptr<store::ArchivingJournal> archiving_;  ///< What actors use, with an archive.
    std::map<std::string, std::vector<std::string>> damage_told_;  ///< By instance.
    std::unique_ptr<shards::simulated::OutsideWorld> world_;
    std::unique_ptr<store::RedisDirectory> directory_;  ///< Of several nodes; null: it is alone.
    std::unique_ptr<actors::Node> node_;
    std::unique_ptr<PriceFeed> feed_;
    api::KeyStore keys_;
    std::unique_ptr<api::Server> server_;
    std::unique_ptr<api::OpsServer> ops_;
    std::uint16_t port_{};
    std::uint16_t ops_port_{};
    std::mutex watch_mutex_;
    std::condition_variable watch_wakes_;
    bool is_stopping_{};
    std::thread watcher_;  ///< Starts embedded redis-servers again if they die; tells who votes.
};

/// What the simulated chains' own files say, read without opening the chains; for an audit.
[[nodiscard]] ShardHistory shard_history_of(const Config& config);

/// What an audit of this configuration rests on beside the journal: the chains' own files.
[[nodiscard]] AuditOptions audit_options_of(const Config& config);

/// The actors' view of a configuration, without journal, shards and instruments.
[[nodiscard]] std::unique_ptr<actors::Context> context_of(
    const Config& config, const std::vector<std::shared_ptr<const risk::Parameters>>& parameters);
/// The same without what files of prices say.
[[nodiscard]] std::unique_ptr<actors::Context> context_of(const Config& config);

}  // namespace crossclear::app
