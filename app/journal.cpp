#include "app/journal.hpp"

#include "app/world.hpp"

#include <fmt/format.h>

#include <utility>

namespace crossclear::app {
namespace {

// Before a first start has made its chains, nothing can have been lost.
bool is_unbegun(const Config& config) {
    const bool is_own = config.journal.mode == JournalConfig::Mode::embedded &&
                        config.world.mode == WorldPlace::Mode::inside;
    return is_own && !std::filesystem::exists(shards_directory(config));
}

// Whether one of the embedded instances has ever written.
bool has_written(const Config& config) {
    for (std::uint16_t i = 0; i < config.journal.instances; ++i) {
        const auto directory = redis_directory(config, i);
        // The second is where a redis-server before 7 keeps it.
        if (std::filesystem::exists(directory / "appendonlydir") ||
            std::filesystem::exists(directory / "appendonly.aof")) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::filesystem::path redis_directory(const Config& config, std::uint16_t number) {
    return config.data_dir / (number == 0 ? "redis" : fmt::format("redis-{}", number + 1));
}

base::Result<std::vector<std::unique_ptr<store::EmbeddedRedis>>, store::StoreError> start_embedded(
    const Config& config) {
    std::vector<std::unique_ptr<store::EmbeddedRedis>> started;
    for (std::uint16_t i = 0; i < config.journal.instances; ++i) {
        auto redis = store::EmbeddedRedis::start(redis_directory(config, i).string());
        if (!redis) return base::Failure{redis.error()};
        started.push_back(std::move(*redis));
    }
    return started;
}

std::vector<store::Endpoint> endpoints_of(const Config& config) {
    switch (config.journal.mode) {
        case JournalConfig::Mode::embedded: {
            std::vector<store::Endpoint> endpoints;
            for (std::uint16_t i = 0; i < config.journal.instances; ++i) {
                store::Endpoint endpoint;
                endpoint.socket_path = (redis_directory(config, i) / "redis.sock").string();
                endpoints.push_back(std::move(endpoint));
            }
            return endpoints;
        }
        case JournalConfig::Mode::single: {
            auto endpoint = config.journal.endpoint;
            endpoint.is_trusted = config.journal.settings == JournalConfig::Settings::trusted;
            return {endpoint};
        }
        case JournalConfig::Mode::quorum:
            return config.journal.endpoints;
    }
    UNREACHABLE("an unlisted mode");
}

base::Result<OpenJournal, std::string> open_to_read(const Config& config) {
    OpenJournal open;
    const auto nothing_yet = [&config] {
        return base::Failure{
            fmt::format("there is no journal in {} yet: no start has got so far as to make one. "
                        "Start it there, or name a demo's directory with --data or a service's "
                        "configuration with --config.",
                        config.data_dir.string())};
    };
    // Who only reads makes nothing.
    if (is_unbegun(config) && !has_written(config)) return nothing_yet();
    if (config.journal.mode == JournalConfig::Mode::embedded) {
        auto redis = start_embedded(config);
        const bool is_in_use = !redis && redis.error().fault == store::StoreFault::directory_in_use;
        if (!redis && !is_in_use) return base::Failure{store::to_string(redis.error())};
        if (redis) open.redis = std::move(*redis);
    }
    auto journal = store::open_redis_journal({.cluster = config.cluster,
                                              .partition_count = config.partitions,
                                              .endpoints = endpoints_of(config),
                                              .may_create = false,
                                              .may_join = false});
    const bool is_unmarked = !journal && journal.error().fault == store::StoreFault::unmarked;
    if (is_unmarked && is_unbegun(config)) return nothing_yet();
    if (!journal) return base::Failure{store::to_string(journal.error())};
    open.journal = std::move(*journal);
    if (!config.journal.archive.empty()) {
        if (!std::filesystem::is_directory(config.journal.archive)) {
            return base::Failure{"no such directory: " + config.journal.archive +
                                 "; name the journal's archive, or none"};
        }
        auto archived = std::make_unique<store::ArchivedJournal>(
            config.journal.archive, config.cluster, std::move(open.journal));
        open.archived = archived.get();
        open.journal = std::move(archived);
    }
    return open;
}

OpenInstances open_instances(const Config& config) {
    constexpr auto patience = base::seconds(2);
    const auto endpoints = endpoints_of(config);
    OpenInstances open;
    open.count = endpoints.size();
    if (open.count == 1) return open;
    for (const auto& endpoint : endpoints) {
        auto journal = store::open_redis_journal({.cluster = config.cluster,
                                                  .partition_count = config.partitions,
                                                  .endpoints = {endpoint},
                                                  .open_timeout = patience,
                                                  .may_create = false,
                                                  .may_join = false});
        if (!journal) {
            open.unread.push_back("an instance was not read: " + store::to_string(journal.error()));
            continue;
        }
        open.logs.push_back({store::to_string(endpoint), journal->get()});
        open.journals.push_back(std::move(*journal));
    }
    return open;
}

}  // namespace crossclear::app
