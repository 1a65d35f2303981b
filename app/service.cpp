#include "app/service.hpp"

#include "app/chains.hpp"
#include "app/version.hpp"
#include "app/world.hpp"
#include "base/hash.hpp"
#include "base/thread_name.hpp"
#include "shards/simulated/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace crossclear::app {
namespace {

using namespace std::chrono_literals;

std::string startup_id() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}", device(), device());
}

api::LogHook log_hook_of(actors::Log log) {
    return [log = std::move(log)](const api::LogRecord& record) {
        const auto level = static_cast<actors::LogLevel>(static_cast<int>(record.level));
        log(level, record.message, record.fields);
    };
}

api::ServerOptions server_options(const Config& config) {
    api::ServerOptions options;
    options.address = config.api.address;
    options.port = config.api.port;
    options.origins = config.api.allowed_origins;
    options.version = version;
    options.startup_id = startup_id();
    for (std::size_t i = 0; i < config.brokers.size(); ++i) {
        const auto& broker = config.brokers[i];
        options.brokers.push_back({.id = base::BrokerId{static_cast<std::uint16_t>(i)},
                                   .name = broker.name,
                                   .instruments = broker.instruments,
                                   .fee = broker.fee,
                                   .settle_by = broker.settle_within});
    }
    const auto& limits = config.api.limits;
    options.admission = {.sockets_max = limits.connections_max,
                         .per_address_max = limits.connections_per_address_max,
                         .without_login_max = limits.connections_unauthenticated_max,
                         .per_key_max = limits.connections_per_key_max};
    options.in_flight_max = limits.requests_in_flight_max;
    options.deadlines.handshake = limits.handshake_timeout;
    options.deadlines.login = limits.auth_timeout;
    options.deadlines.idle = limits.idle_timeout;
    options.deadlines.message = limits.message_timeout;
    for (auto& rate : options.rates) {
        rate = {.per_second = limits.credits_per_second, .burst = limits.credits_burst};
    }
    auto& logins = options.rates[static_cast<std::size_t>(api::MethodClass::login)];
    logins.per_second = std::min(logins.per_second, base::limits::logins_per_second);
    logins.burst = std::min(logins.burst, base::limits::logins_burst);
    return options;
}

// Says once when an instance comes to use too much of its memory, and once when it does no more.
class MemoryAlarm {
public:
    MemoryAlarm(metrics::Instruments& instruments, actors::Log log)
        : instruments_(instruments), log_(std::move(log)) {}

    void look(const store::RedisVitals& vitals) {
        const bool is_short = vitals.is_memory_short();
        instruments_.cluster.redis_memory_short.with({vitals.endpoint}).set(is_short ? 1 : 0);
        const std::scoped_lock lock(mutex_);
        bool& was_short = short_[vitals.endpoint];
        if (std::exchange(was_short, is_short) == is_short) return;
        log_(is_short ? actors::LogLevel::warning : actors::LogLevel::info,
             is_short ? "A Redis uses more than 60 % of its memory."
                      : "A Redis uses less than 60 % of its memory again.",
             {{"endpoint", vitals.endpoint},
              {"used_bytes", std::to_string(vitals.memory_used_bytes)},
              {"max_bytes", std::to_string(vitals.memory_max_bytes)}});
    }

private:
    metrics::Instruments& instruments_;
    actors::Log log_;
    std::mutex mutex_;
    std::map<std::string, bool> short_;
};

store::RedisListener redis_listener(metrics::Instruments& instruments,
                                    const std::shared_ptr<MemoryAlarm>& memory) {
    auto& feeds = instruments.cluster;
    const auto seconds = [](base::Duration took) { return static_cast<double>(took.us) * 1e-6; };
    return {.examined =
                [&feeds, seconds, memory](const store::RedisVitals& vitals) {
                    const auto& at = vitals.endpoint;
                    feeds.redis_connected.with({at}).set(vitals.is_connected ? 1 : 0);
                    // What was true of a Redis that is away stays as it was last seen.
                    if (!vitals.is_connected) return;
                    feeds.redis_ping_seconds.with({at}).set(seconds(vitals.answers_after));
                    feeds.redis_memory_used_bytes.with({at}).set(
                        static_cast<double>(vitals.memory_used_bytes));
                    feeds.redis_memory_max_bytes.with({at}).set(
                        static_cast<double>(vitals.memory_max_bytes));
                    feeds.redis_aof_size_bytes.with({at}).set(
                        static_cast<double>(vitals.aof_size_bytes));
                    feeds.redis_aof_written.with({at}).set(vitals.is_aof_written ? 1 : 0);
                    memory->look(vitals);
                },
            .answered =
                [&feeds, seconds](std::string_view call, base::Duration took) {
                    feeds.redis_command_duration_seconds.with({call}).observe(seconds(took));
                },
            .connected =
                [&feeds, is_first = std::make_shared<std::atomic<bool>>(true)] {
                    if (!is_first->exchange(false)) feeds.redis_reconnects_total.increment();
                }};
}

}  // namespace

PriceFeed::PriceFeed(std::unique_ptr<PriceSource> source, base::Duration pause,
                     base::Ppm funding_per_day, shards::simulated::OutsideWorld& world,
                     actors::Node& node)
    : source_(std::move(source)),
      pause_(pause),
      funding_(funding_per_day),
      world_(world),
      node_(node),
      thread_([this] { run(); }) {}

PriceFeed::~PriceFeed() {
    {
        const std::scoped_lock lock(mutex_);
        is_stopping_ = true;
    }
    wakes_.notify_all();
    thread_.join();
}

void PriceFeed::run() {
    base::name_this_thread("prices");
    std::optional<PriceTick> latest;
    std::unique_lock lock(mutex_);
    while (!is_stopping_) {
        lock.unlock();
        if (auto next = source_->next()) {
            latest = std::move(next);
            source_us_ = latest->at.us;
        } else {
            is_exhausted_ = true;
        }
        if (latest) tell(*latest);
        lock.lock();
        wakes_.wait_for(lock, std::chrono::microseconds(pause_.us),
                        [this] { return is_stopping_; });
    }
}

void PriceFeed::tell(const PriceTick& tick) {
    const auto& listing = node_.listing();
    funding_.advance(listing, tick);
    // Several nodes have the same source; one of them moves the world.
    if (!node_.leads()) return;
    actors::PublishMarks marks{.marks = {}, .at = base::wall_clock_now()};
    for (const auto& point : tick.points) {
        marks.marks.push_back({.asset = point.asset, .price = point.price});
    }
    for (const auto& [contract, index] : funding_.indices()) {
        marks.funding.push_back({.contract = contract, .index = index});
        world_.set_funding(contract, index);
    }
    node_.publish_marks(marks);
    const auto known = with_derived(tick);
    for (const auto& instrument : listing.instruments) {
        const auto price = price_in(known, instrument);
        // The world trades at no price of zero but where all may be lost: what else is worth
        // nothing keeps its last one there.
        const bool may_be_zero = base::may_be_worthless(listing.asset(instrument.base).kind);
        if (price && (price->v > 0 || may_be_zero)) world_.set_price(instrument.base, *price);
    }
}

// What has no price in any source is traded at the mark that others' made of it a tick ago.
PriceTick PriceFeed::with_derived(PriceTick tick) const {
    for (const auto& mark : node_.marks()) {
        if (!base::is_derived(node_.listing().asset(mark.asset).kind)) continue;
        tick.points.push_back({.asset = mark.asset, .price = mark.price});
    }
    return tick;
}

ShardHistory shard_history_of(const Config& config) {
    return [config, chains = chains_of(config)](
               base::BrokerId broker, base::ShardId shard,
               std::uint64_t block) -> base::Result<shards::Balances, std::string> {
        const auto chain =
            std::find_if(chains.begin(), chains.end(),
                         [shard](const auto& parameters) { return parameters.shard == shard; });
        if (chain == chains.end()) return base::Failure{std::string{"it is no simulated chain"}};
        const auto& symbol = config.listing.shard(shard).symbol;
        auto told = shards::simulated::balances_at(shards_directory(config) / (symbol + ".chain"),
                                                   *chain, config.listing, broker, block);
        if (!told) return base::Failure{told.error().detail};
        return std::move(*told);
    };
}

AuditOptions audit_options_of(const Config& config) {
    AuditOptions options;
    options.history = shard_history_of(config);
    for (const auto& chain : config.chains) options.shards.push_back(chain.shard);
    options.orders =
        [config, chains = chains_of(config)](
            base::ShardId shard) -> base::Result<std::vector<base::OrderRef>, std::string> {
        const auto chain =
            std::find_if(chains.begin(), chains.end(),
                         [shard](const auto& parameters) { return parameters.shard == shard; });
        if (chain == chains.end()) return base::Failure{std::string{"it is no simulated chain"}};
        const auto& symbol = config.listing.shard(shard).symbol;
        auto orders = shards::simulated::orders_in(shards_directory(config) / (symbol + ".chain"),
                                                   *chain, config.listing);
        if (!orders) return base::Failure{orders.error().detail};
        return std::move(*orders);
    };
    return options;
}

base::Result<std::unique_ptr<Service>, std::string> Service::start(const Config& config,
                                                                   actors::Log log,
                                                                   StartOptions options) {
    std::unique_ptr<Service> service(new Service);
    service->log_ = std::move(log);
    service->instruments_ = std::make_unique<metrics::Instruments>(service->registry_);
    service->registry_.add_collector(metrics::process_families);
    // Whoever scrapes is stopped before the actors are.
    service->registry_.add_collector([&node = service->node_] {
        return node == nullptr ? std::vector<metrics::Family>{} : node->actor_families();
    });
    if (auto fault = service->open_journal(config, options.may_create))
        return base::Failure{std::move(*fault)};
    const bool is_real = config.world.mode == WorldPlace::Mode::chains;
    auto world = is_real ? reach_chains(config, service->log_, *service->instruments_)
                         : reach_world(config, service->log_);
    if (!world) return base::Failure{world.error()};
    service->world_ = std::move(*world);
    // At the scrape and not now and then: who asks whether all are whole must not hear of a moment
    // before one died.
    service->registry_.add_collector([owner = service.get()] {
        owner->publish_readiness();
        owner->publish_acceptors();
        owner->publish_archive();
        return std::vector<metrics::Family>{};
    });
    const auto parameters = risk_parameters_of(config, StressPaths::of_file);
    if (!parameters) {
        const auto& fault = parameters.error().front();
        return base::Failure{fault.path + ": " + fault.says};
    }
    auto context = context_of(config, *parameters);
    if (auto fault = service->open_archive(config)) return base::Failure{std::move(*fault)};
    context->journal = service->journal_.get();
    if (service->archiving_ != nullptr) context->journal = service->archiving_.get();
    context->instruments = service->instruments_.get();
    context->log = service->log_;
    for (std::size_t broker = 0; broker < config.brokers.size(); ++broker) {
        for (std::size_t shard = 0; shard < config.listing.shards.size(); ++shard) {
            const base::BrokerId broker_id{static_cast<std::uint16_t>(broker)};
            const base::ShardId shard_id{static_cast<std::uint16_t>(shard)};
            auto adapter = service->world_->shard(shard_id, broker_id);
            if (options.between) {
                adapter = options.between(std::move(adapter), broker_id, shard_id);
            }
            context->shards[{broker_id, shard_id}] = std::move(adapter);
        }
    }
    if (auto fault = service->join(config, *context)) return base::Failure{std::move(*fault)};
    auto node = actors::Node::start(std::move(context));
    if (!node) return base::Failure{node.error()};
    service->node_ = std::move(*node);
    auto prices = open_prices(config, base::wall_clock_now());
    if (!prices) return base::Failure{prices.error().says};
    if (*prices != nullptr) {
        const auto pace = base::Duration{std::max<std::int64_t>(
            10'000, (config.marks.source == MarksConfig::Source::csv ? base::seconds(3'600)
                                                                     : config.marks.step)
                            .us /
                        std::max<std::int64_t>(1, config.marks.speed))};
        service->feed_ =
            std::make_unique<PriceFeed>(std::move(*prices), pace, config.marks.funding_per_day,
                                        *service->world_, *service->node_);
    }
    if (auto fault = service->open_doors(config)) return base::Failure{std::move(*fault)};
    service->watch_redis();
    return service;
}

std::optional<std::string> Service::open_journal(const Config& config, bool may_create) {
    store::RedisOptions options{.cluster = config.cluster, .partition_count = config.partitions};
    // A Redis of our own that is empty in a new directory is new as well; the chains' files tell,
    // where they are ours. Any other empty one may be one that lost everything, and only whoever
    // runs it can know.
    const bool is_own = config.journal.mode == JournalConfig::Mode::embedded;
    const bool has_chains = config.world.mode == WorldPlace::Mode::inside;
    options.may_create =
        may_create || (is_own && has_chains && !std::filesystem::exists(shards_directory(config)));
    if (is_own) {
        auto redis = start_embedded(config);
        if (!redis) return store::to_string(redis.error());
        redis_ = std::move(*redis);
    }
    options.endpoints = endpoints_of(config);
    options.listener =
        redis_listener(*instruments_, std::make_shared<MemoryAlarm>(*instruments_, log_));
    if (config.journal.mode == JournalConfig::Mode::single) {
        const bool is_trusted = config.journal.settings == JournalConfig::Settings::trusted;
        instruments_->cluster.redis_settings_trusted
            .with({store::to_string(config.journal.endpoint)})
            .set(is_trusted ? 1 : 0);
        if (is_trusted) {
            log_(actors::LogLevel::warning,
                 "Settings that Redis does not tell are trusted: what is acknowledged is as "
                 "durable as the operator says.",
                 {{"endpoint", store::to_string(config.journal.endpoint)}});
        }
    }
    auto at_once = options;
    at_once.open_timeout = base::seconds(1);
    auto journal = store::open_redis_journal(at_once);
    if (!journal && journal.error().fault == store::StoreFault::unreachable) {
        // Said before it is waited for: whoever looks on need not guess.
        log_(actors::LogLevel::warning, "The journal's Redis is waited for.",
             {{"reason", store::to_string(journal.error())},
              {"seconds", std::to_string(options.open_timeout.us / 1'000'000)}});
        journal = store::open_redis_journal(options);
    }
    redis_options_ = options;
    if (!journal) {
        auto says = store::to_string(journal.error());
        if (journal.error().fault == store::StoreFault::unmarked && !options.may_create) {
            says += fmt::format(
                " If this deployment never had a journal, start it once with `crossclear serve "
                "--create`{}.",
                is_own && has_chains ? " or, to begin anew, remove its data directory" : "");
        }
        return says;
    }
    journal_ = std::move(*journal);
    return std::nullopt;
}

// Where the other nodes are heard of: beside the journal, on connections of its own.
std::optional<std::string> Service::join(const Config& config, actors::Context& context) {
    const auto& node = config.node;
    if (node.mode == NodeConfig::Mode::alone) return std::nullopt;
    auto options = redis_options_;
    options.listener = {};
    auto directory = store::RedisDirectory::open(options);
    if (!directory) return store::to_string(directory.error());
    directory_ = std::move(*directory);
    context.directory = directory_.get();
    context.among = actors::ClusterOptions{.name = node.name,
                                           .address = node.address,
                                           .port = node.port,
                                           .advertised = node.advertised,
                                           .lease = node.lease,
                                           .beat_every = base::Duration{node.lease.us / 5},
                                           .tls = std::nullopt};
    if (!node.certificate.empty()) {
        context.among->tls = actors::ClusterOptions::Tls{
            .certificate = node.certificate, .key = node.key, .authority = node.authority};
    }
    return std::nullopt;
}

void Service::replace_keys(const Config& config) {
    std::vector<api::ApiKey> keys;
    keys.reserve(config.keys.size());
    for (const auto& key : config.keys) {
        keys.push_back(
            {.id = key.id,
             .secret = key.secret,
             .identity = {.key = key.id, .accounts = key.accounts, .service = key.service}});
    }
    api::KeyStore::Derivation derivation;
    if (!config.demo_master_secret.empty()) {
        derivation = api::demo_keys(config.demo_master_secret,
                                    [brokers = config.brokers.size()](base::AccountId account) {
                                        return base::broker_of(account).v < brokers;
                                    });
    }
    keys_.replace(std::move(keys), std::move(derivation));
}

std::optional<std::string> Service::open_doors(const Config& config) {
    replace_keys(config);
    server_ = std::make_unique<api::Server>(server_options(config), *node_, keys_, *instruments_,
                                            log_hook_of(log_));
    auto port = server_->start();
    if (!port) return port.error() + "; choose another api.port, or 0 for any that is free";
    port_ = *port;
    api::OpsOptions options;
    options.address = config.api.ops_address;
    options.port = config.api.ops_port;
    options.version_json = fmt::format(R"({{"name":"crossclear","version":"{}"}})", version);
    options.readiness = [this] { return node_->readiness(); };
    options.is_alive = [this] { return server_->is_alive(); };
    ops_ = std::make_unique<api::OpsServer>(std::move(options), registry_);
    auto ops_port = ops_->start();
    if (!ops_port) return ops_port.error() + "; choose another api.ops_port, or 0";
    ops_port_ = *ops_port;
    instruments_->api.build_info.with({version, "release"}).set(1);
    return std::nullopt;
}

void Service::revive(store::EmbeddedRedis& redis) {
    const auto revived = redis.revive();
    const auto at = store::to_string(redis.endpoint());
    if (revived && *revived) {
        log_(actors::LogLevel::warning, "An embedded redis-server was started again.",
             {{"endpoint", at}});
    } else if (!revived) {
        log_(actors::LogLevel::error, "An embedded redis-server cannot be started.",
             {{"endpoint", at}, {"reason", store::to_string(revived.error())}});
    }
}

void Service::watch_redis() {
    watcher_ = std::thread([this] {
        base::name_this_thread("redis-watcher");
        std::unique_lock lock(watch_mutex_);
        do {
            for (const auto& redis : redis_) revive(*redis);
            report_damage();
        } while (!watch_wakes_.wait_for(lock, 500ms, [this] { return is_stopping_; }));
    });
}

void Service::stop(base::Duration grace) {
    if (node_ == nullptr) return;
    node_->drain();
    const auto deadline = base::wall_clock_now() + grace;
    while (node_->appends_waiting() > 0 && base::wall_clock_now() < deadline) {
        std::this_thread::sleep_for(5ms);
    }
    if (server_ != nullptr) server_->stop(grace);
    if (ops_ != nullptr) ops_->stop();
    stop_watching();
    feed_.reset();
    server_.reset();
    ops_.reset();
    // The others take over at once instead of when the leases have run out.
    node_->leave();
    while (node_->partitions_owned() > 0 && base::wall_clock_now() < deadline) {
        std::this_thread::sleep_for(5ms);
    }
    // Their callbacks speak to actors, so none may come once they are gone.
    if (directory_ != nullptr) directory_->stop();
    if (archive_ != nullptr) archive_->stop();
    journal_->stop();
    node_.reset();
    reopen_journal();
}

void Service::stop_watching() {
    {
        const std::scoped_lock lock(watch_mutex_);
        is_stopping_ = true;
    }
    watch_wakes_.notify_all();
    if (watcher_.joinable()) watcher_.join();
}

// For whoever audits what is left. If Redis is gone, reading says so.
void Service::reopen_journal() {
    auto options = redis_options_;
    options.may_create = false;
    options.may_join = false;
    options.listener = {};
    options.open_timeout = base::seconds(5);
    if (auto journal = store::open_redis_journal(options)) journal_ = std::move(*journal);
}

Service::~Service() {
    stop_watching();
    stop(base::milliseconds(500));
    world_.reset();
    directory_.reset();
    journal_.reset();
    redis_.clear();
}

}  // namespace crossclear::app
