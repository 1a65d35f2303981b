#include "app/world.hpp"

#include "app/config_codecs.hpp"
#include "shards/simulated/remote.hpp"
#include "shards/simulated/server.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace crossclear::app {
namespace {

namespace simulated = shards::simulated;
using namespace std::chrono_literals;

// How long a start waits for a world before it goes on without.
constexpr auto greeting_patience = base::seconds(5);

base::Result<std::unique_ptr<simulated::SimulatedWorld>, std::string> open_inside(
    const Config& config) {
    const auto directory = shards_directory(config);
    std::error_code failure;
    std::filesystem::create_directories(directory, failure);
    if (failure) {
        return base::Failure{
            fmt::format("cannot create {}: {}", directory.string(), failure.message())};
    }
    auto world = simulated::SimulatedWorld::open({.listing = config.listing,
                                                  .chains = chains_of(config),
                                                  .directory = directory,
                                                  .clock = simulated::Clock::wall,
                                                  .start = {}});
    if (world) return std::move(*world);
    auto says = fmt::format("a simulated shard's log in {} cannot be used: {}", directory.string(),
                            world.error().detail);
    if (world.error().error == simulated::LogError::in_use) {
        says +=
            ". One process runs the world of a directory: stop the other `crossclear world` or "
            "`serve`, or have this service use it with `world: {mode: remote, ...}`";
    }
    return base::Failure{std::move(says)};
}

simulated::RemoteOptions remote_options(const Config& config) {
    return {.endpoint = config.world.endpoint,
            .name = config.cluster,
            .listing = config.listing,
            .chains = chains_of(config)};
}

std::string turned_away(const Config& config, const std::string& reason) {
    return fmt::format(
        "the world at {} turned this node away: {}. Give both the same cluster, listing, brokers' "
        "capital and simulated chains",
        simulated::to_string(config.world.endpoint), reason);
}

void log_change(const actors::Log& log, const std::string& endpoint, simulated::LinkState state,
                std::string_view reason) {
    const actors::LogFields fields{{"endpoint", endpoint}, {"reason", std::string(reason)}};
    switch (state) {
        case simulated::LinkState::connected:
            log(actors::LogLevel::info, "The world is connected.", {{"endpoint", endpoint}});
            return;
        case simulated::LinkState::waiting:
            log(actors::LogLevel::warning, "The world is away; its shards are unreachable.",
                fields);
            return;
        case simulated::LinkState::refused:
            log(actors::LogLevel::error, "The world turns this node away.", fields);
            return;
    }
    UNREACHABLE("an unlisted state");
}

// What ended one chain is told once; the others go on.
void report_fault(simulated::SimulatedWorld& world, const actors::Log& log, bool& is_reported) {
    if (is_reported) return;
    const auto fault = world.fault();
    if (!fault) return;
    is_reported = true;
    log(actors::LogLevel::error, "A chain has stopped: its log cannot be written.",
        {{"reason", fault->detail}});
}

std::string refusal_text(const simulated::DepositFault& fault) {
    if (std::holds_alternative<shards::NoAnswer>(fault)) {
        return "the world gave no answer: whether the tokens were sent is not known";
    }
    return "the shard refuses it: it does not have this asset, or is full";
}

}  // namespace

std::filesystem::path shards_directory(const Config& config) { return config.data_dir / "shards"; }

base::Result<std::unique_ptr<simulated::OutsideWorld>, std::string> reach_world(
    const Config& config, const actors::Log& log) {
    if (config.world.mode == WorldPlace::Mode::inside) {
        auto inside = open_inside(config);
        if (!inside) return base::Failure{inside.error()};
        return std::unique_ptr<simulated::OutsideWorld>{std::move(*inside)};
    }
    const auto endpoint = simulated::to_string(config.world.endpoint);
    auto options = remote_options(config);
    options.on_change = [log, endpoint](simulated::LinkState state, std::string_view reason) {
        log_change(log, endpoint, state, reason);
    };
    auto remote = std::make_unique<simulated::RemoteWorld>(std::move(options));
    const auto state = remote->wait(greeting_patience);
    if (state == simulated::LinkState::refused) {
        return base::Failure{turned_away(config, remote->reason())};
    }
    if (state == simulated::LinkState::waiting) log_change(log, endpoint, state, remote->reason());
    return std::unique_ptr<simulated::OutsideWorld>{std::move(remote)};
}

base::Result<void, std::string> run_world(const Config& config, const actors::Log& log,
                                          const std::function<bool()>& is_told_to_stop) {
    if (config.world.mode == WorldPlace::Mode::inside) {
        return base::Failure{std::string{
            "the configuration keeps the world inside the service; say `world: {mode: remote, "
            "endpoint: ...}`, in the services' configurations too"}};
    }
    auto world = open_inside(config);
    if (!world) return base::Failure{world.error()};
    auto server = simulated::WorldServer::start(
        **world,
        {.endpoint = config.world.endpoint,
         .identity = simulated::identity_of(config.cluster, config.listing, chains_of(config)),
         .log = [log](std::string_view sentence, std::string_view reason) {
             log(actors::LogLevel::info, sentence, {{"reason", std::string(reason)}});
         }});
    if (!server) return base::Failure{server.error()};
    log(actors::LogLevel::info, "The world is up.",
        {{"endpoint", simulated::to_string((*server)->endpoint())}});
    bool is_reported = false;
    while (!is_told_to_stop()) {
        report_fault(**world, log, is_reported);
        std::this_thread::sleep_for(50ms);
    }
    server->reset();
    world->reset();
    log(actors::LogLevel::info, "The world has stopped.", {});
    return {};
}

base::Result<void, std::string> deposit(const Config& config, const DepositText& text) {
    const auto shard = ShardSymbol{config.listing}.parse(text.shard);
    if (!shard) return base::Failure{"no shard is called " + text.shard};
    const auto asset = AssetSymbol{config.listing}.parse(text.asset);
    if (!asset) return base::Failure{"no asset is called " + text.asset};
    const auto account = AccountText{}.parse(text.account);
    if (!account) return base::Failure{"expected an account as 0-17, found " + text.account};
    const Units units{.scale = config.listing.asset(*asset).scale};
    const auto amount = units.parse(text.amount);
    if (!amount || amount->v == 0) {
        return base::Failure{fmt::format("expected {}, found {}", units.expected(), text.amount)};
    }
    if (config.world.mode == WorldPlace::Mode::inside) {
        return base::Failure{std::string{"the world of this configuration is inside its service"}};
    }
    simulated::RemoteWorld world{remote_options(config)};
    const auto state = world.wait(greeting_patience);
    if (state == simulated::LinkState::refused) {
        return base::Failure{turned_away(config, world.reason())};
    }
    if (state == simulated::LinkState::waiting) {
        return base::Failure{fmt::format("the world at {} does not answer: {}",
                                         simulated::to_string(config.world.endpoint),
                                         world.reason())};
    }
    const auto sent = world.deposit(*shard, *account, *asset, *amount);
    if (!sent) return base::Failure{refusal_text(sent.error())};
    return {};
}

}  // namespace crossclear::app
