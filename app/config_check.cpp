#include "app/config.hpp"
#include "app/config_codecs.hpp"
#include "app/price_paths.hpp"
#include "app/prices.hpp"
#include "ledger/netting/limits.hpp"
#include "store/redis/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace crossclear::app {
namespace {

using Faults = std::vector<ConfigFault>;

constexpr auto account_scopes =
    static_cast<unsigned>(actors::Scope::viewer) | static_cast<unsigned>(actors::Scope::trader) |
    static_cast<unsigned>(actors::Scope::withdraw) | static_cast<unsigned>(actors::Scope::venue);
constexpr std::size_t secret_length_min = 16;

void add(Faults& faults, std::string path, std::string says) {
    faults.push_back({0, std::move(path), std::move(says)});
}

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

// Says which entry repeats an earlier one.
template <class List, class Key>
void add_repeats(Faults& faults, const List& list, const std::string& path, Key key) {
    std::set<std::decay_t<decltype(key(list.front()))>> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (seen.insert(key(list[i])).second) continue;
        add(faults, fmt::format("{}[{}]", path, i), "repeats an earlier entry");
    }
}

// The files are looked at here, so that a start is refused with the line that names them.
void check_endpoint_tls(Faults& faults, const std::string& path, const store::Endpoint& endpoint) {
    if (!endpoint.tls) return;
    if (!endpoint.socket_path.empty()) {
        add(faults, path, "expected host and port beside it: a unix socket takes no TLS");
    }
    if (endpoint.tls->certificate.empty() != endpoint.tls->key.empty()) {
        add(faults, path + ".certificate", "certificate and key come together");
    } else if (const auto fault = base::fault_of(store::files_of(*endpoint.tls))) {
        add(faults, fmt::format("{}.{}", path, fault->field), to_string(*fault));
    }
}

void check_endpoint(Faults& faults, const std::string& path, const store::Endpoint& endpoint) {
    const bool has_socket = !endpoint.socket_path.empty();
    const bool has_host = !endpoint.host.empty() && endpoint.port != 0;
    const bool has_part = !endpoint.host.empty() || endpoint.port != 0;
    if (has_socket ? has_part : !has_host) {
        add(faults, path, "expected either unix, or host and port");
    }
    check_endpoint_tls(faults, path + ".tls", endpoint);
}

void check_journal(Faults& faults, const JournalConfig& journal) {
    const auto check_count = [&](const char* path, std::size_t count) {
        if (count % 2 == 1 && count <= store::limits::instances_max) return;
        add(faults, path,
            fmt::format("expected an odd number up to {}, so that a majority is never a tie",
                        store::limits::instances_max));
    };
    if (!journal.archive.empty() && !journal.is_trimmed) {
        add(faults, "journal.archive",
            "is written when records are trimmed: set journal.is_trimmed, or leave it out");
    }
    switch (journal.mode) {
        case JournalConfig::Mode::embedded:
            return check_count("journal.instances", journal.instances);
        case JournalConfig::Mode::single:
            return check_endpoint(faults, "journal.endpoint", journal.endpoint);
        case JournalConfig::Mode::quorum:
            break;
    }
    check_count("journal.endpoints", journal.endpoints.size());
    for (std::size_t i = 0; i < journal.endpoints.size(); ++i) {
        check_endpoint(faults, fmt::format("journal.endpoints[{}]", i), journal.endpoints[i]);
    }
    add_repeats(faults, journal.endpoints, "journal.endpoints",
                [](const store::Endpoint& endpoint) { return store::to_string(endpoint); });
}

void check_api(Faults& faults, const ApiConfig& api) {
    if (api.port != 0 && api.port == api.ops_port && api.address == api.ops_address) {
        add(faults, "api.ops_port", "the ops endpoints need a port of their own");
    }
    if (api.limits.connections_unauthenticated_max > api.limits.connections_max) {
        add(faults, "api.limits.connections_unauthenticated_max", "exceeds connections_max");
    }
}

// Several nodes share the journal and the outside world, so neither may be this one's own.
void check_node(Faults& faults, const Config& config) {
    const auto& node = config.node;
    if (node.mode == NodeConfig::Mode::alone) return;
    if (config.journal.mode == JournalConfig::Mode::embedded) {
        add(faults, "journal.mode", "nodes of a cluster share a Redis: single or quorum");
    }
    if (!config.chains.empty() && config.world.mode == WorldPlace::Mode::inside) {
        add(faults, "world.mode", "nodes of a cluster share one world: remote");
    }
    if (node.name.find('|') != std::string::npos) {
        add(faults, "node.name", "a name without |");
    }
    const bool has_all = !node.certificate.empty() && !node.key.empty() && !node.authority.empty();
    const bool has_none = node.certificate.empty() && node.key.empty() && node.authority.empty();
    if (!has_all && !has_none) {
        add(faults, "node.certificate", "certificate, key and authority come together");
    }
}

// Of an outcome only oracles know.
bool needs_source(const base::AssetInfo& asset) {
    return !is_dollar(asset) && !base::is_derived(asset.kind) &&
           asset.kind != base::AssetKind::outcome;
}

void check_csv(Faults& faults, const Config& config) {
    const auto& marks = config.marks;
    for (const auto& [key, text] :
         {std::pair{"marks.from", &marks.from}, std::pair{"marks.until", &marks.until}}) {
        if (!text->empty() && !parse_hour(*text)) {
            add(faults, key,
                fmt::format("expected an hour as 2022-05-07T00:00Z, found '{}'", *text));
        }
    }
    for (std::size_t i = 0; i < config.listing.assets.size(); ++i) {
        const auto& asset = config.listing.assets[i];
        const bool has_column = !config.price_columns[i].empty();
        if (has_column && asset.kind == base::AssetKind::cash) {
            add(faults, fmt::format("listing.assets[{}].price_column", i), "cash is always 1");
        }
        if (has_column && base::is_derived(asset.kind)) {
            add(faults, fmt::format("listing.assets[{}].price_column", i),
                "its price is made of others");
        }
        if (has_column || !needs_source(asset)) continue;
        add(faults, fmt::format("listing.assets[{}]", i),
            fmt::format("missing price_column: {} is no dollar", asset.symbol));
    }
}

void check_walks(Faults& faults, const Config& config) {
    const auto& walks = config.marks.walks;
    add_repeats(faults, walks, "marks.walks", [](const auto& walk) { return walk.underlying; });
    for (std::size_t i = 0; i < walks.size(); ++i) {
        if (walks[i].start > risk::price_max) {
            add(faults, fmt::format("marks.walks[{}].start_usd", i), "no price is that high");
        }
    }
    for (const auto& asset : config.listing.assets) {
        const auto is_its = [&](const PriceWalk& walk) {
            return walk.underlying == asset.underlying;
        };
        if (!needs_source(asset)) continue;
        if (std::any_of(walks.begin(), walks.end(), is_its)) continue;
        add(faults, "marks.walks", fmt::format("no walk moves {}", asset.symbol));
    }
}

void check_marks(Faults& faults, const Config& config) {
    switch (config.marks.source) {
        case MarksConfig::Source::none:
            return;
        case MarksConfig::Source::csv:
            return check_csv(faults, config);
        case MarksConfig::Source::generator:
            return check_walks(faults, config);
    }
    UNREACHABLE("an unlisted source of marks");
}

bool is_of_universe(const risk::kernel::Universe& universe, const std::string& name) {
    return universe.find_underlying(name) || universe.find_wrapper(name);
}

void check_stress(Faults& faults, const Config& config) {
    if (!config.stress) return;
    const auto& [frozen, prices, columns] = *config.stress;
    add_repeats(faults, columns, "risk.stress.columns", [](const auto& one) { return one.of; });
    if (prices.empty() && !columns.empty()) {
        add(faults, "risk.stress.columns", "columns of no file: expected prices");
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto is_its = [&](const BrokerProfile& broker) {
            return broker.universe && is_of_universe(*broker.universe, columns[i].of);
        };
        if (is_of_universe(config.universe, columns[i].of)) continue;
        if (std::any_of(config.brokers.begin(), config.brokers.end(), is_its)) continue;
        add(faults, fmt::format("risk.stress.columns[{}].of", i),
            fmt::format("expected a coin or a wrapper of the universe, found '{}'", columns[i].of));
    }
}

void check_risk(Faults& faults, const Config& config) {
    check_stress(faults, config);
    const auto parameters = risk_parameters_of(config, StressPaths::left_out);
    if (parameters) return;
    for (const auto& fault : parameters.error()) faults.push_back(fault);
}

void check_capital(Faults& faults, const Config& config, const BrokerProfile& broker,
                   const std::string& path) {
    std::map<std::pair<base::ShardId, base::AssetId>, std::int64_t> held;
    std::map<base::AssetId, std::int64_t> paid_in;
    for (std::size_t i = 0; i < broker.capital.size(); ++i) {
        const auto& line = broker.capital[i];
        const auto at = fmt::format("{}.capital[{}]", path, i);
        const auto& shard = config.listing.shard(line.shard);
        if (!contains(shard.assets, line.asset)) {
            add(faults, at, fmt::format("{} does not hold this asset", shard.symbol));
        }
        if (base::is_contract(config.listing.asset(line.asset).kind)) {
            add(faults, at, "a contract is no capital");
        }
        if (line.amount.v == 0) add(faults, at, "the amount must not be zero");
        auto& sum = held[{line.shard, line.asset}];
        auto& in_all = paid_in[line.asset];
        const bool does_fit = !__builtin_add_overflow(sum, line.amount.v, &sum) &&
                              !__builtin_add_overflow(in_all, line.amount.v, &in_all) &&
                              in_all <= ledger::netting::paid_in_max.v;
        if (!does_fit) add(faults, at, "the amounts of this asset do not fit together");
    }
    for (std::size_t i = 0; i < broker.venue_margin.size(); ++i) {
        const auto& margin = broker.venue_margin[i];
        const auto at = fmt::format("{}.venue_margin[{}]", path, i);
        const auto& shard = config.listing.shard(margin.shard);
        if (margin.share.v == 0) add(faults, at, "share_ppm must not be zero");
        if (!shard.takes_margin) add(faults, at, fmt::format("{} takes no margin", shard.symbol));
        if (margin.amount.v > held[{margin.shard, margin.asset}]) {
            add(faults, at, "more than the broker's capital of this asset on the shard");
        }
    }
}

void check_hedge(Faults& faults, const Config& config, const BrokerProfile& broker,
                 const std::string& path) {
    const auto& hedge = broker.hedge;
    add_repeats(faults, hedge.bands, path + ".hedge.bands",
                [](const HedgeBand& band) { return band.asset; });
    for (const auto instrument : broker.instruments) {
        const auto& info = config.listing.instrument(instrument);
        const auto is_its = [&](const HedgeBand& band) { return band.asset == info.base; };
        if (std::none_of(hedge.bands.begin(), hedge.bands.end(), is_its)) {
            add(faults, path + ".hedge.bands",
                fmt::format("no band for {}", config.listing.asset(info.base).symbol));
        }
        if (config.listing.venues_of(instrument).empty()) {
            add(faults, path + ".instruments", fmt::format("no shard trades {}", info.symbol));
        }
    }
    if (hedge.slice_max_cents == 0) add(faults, path + ".hedge.slice_max_usd", "must not be zero");
    if (hedge.spread_time >= hedge.deadline) {
        add(faults, path + ".hedge.spread_time", "must end before the deadline");
    }
}

void check_protocol_caps(Faults& faults, const Config& config, const BrokerCaps& caps,
                         const std::string& path) {
    add_repeats(faults, caps.protocols, path,
                [](const BrokerCaps::Protocol& cap) { return cap.name; });
    const auto& listed = config.listing.instruments;
    for (std::size_t i = 0; i < caps.protocols.size(); ++i) {
        const auto& name = caps.protocols[i].name;
        const auto is_of = [&](const base::InstrumentInfo& instrument) {
            return config.listing.asset(instrument.base).protocol == name;
        };
        // What no instrument trades nobody could be refused.
        if (std::any_of(listed.begin(), listed.end(), is_of)) continue;
        add(faults, fmt::format("{}[{}]", path, i),
            fmt::format("no instrument trades anything that {} issues or hosts", name));
    }
}

void check_brokers(Faults& faults, const Config& config) {
    if (config.brokers.empty()) add(faults, "brokers", "expected at least one");
    if (config.brokers.size() > base::limits::brokers_max) {
        add(faults, "brokers", fmt::format("more than {}", base::limits::brokers_max));
    }
    add_repeats(faults, config.brokers, "brokers",
                [](const BrokerProfile& broker) { return broker.name; });
    for (std::size_t i = 0; i < config.brokers.size(); ++i) {
        const auto& broker = config.brokers[i];
        const auto path = fmt::format("brokers[{}]", i);
        if (broker.instruments.empty()) add(faults, path + ".instruments", "expected at least one");
        add_repeats(faults, broker.instruments, path + ".instruments",
                    [](base::InstrumentId instrument) { return instrument; });
        if (broker.trade_notional_max_cents > broker.account_notional_max_cents) {
            add(faults, path + ".trade_notional_max_usd", "exceeds account_notional_max_usd");
        }
        if (broker.caps) {
            check_protocol_caps(faults, config, *broker.caps, path + ".caps.protocols");
            add_repeats(faults, broker.caps->shards, path + ".caps.shards",
                        [](const BrokerCaps::Shard& cap) { return cap.shard; });
        }
        check_capital(faults, config, broker, path);
        check_hedge(faults, config, broker, path);
    }
}

// Whatever is paid, delivered or counted on a shard has to be held there.
void check_shards(Faults& faults, const base::Listing& listing) {
    for (std::size_t i = 0; i < listing.shards.size(); ++i) {
        const auto& shard = listing.shards[i];
        const auto path = fmt::format("listing.shards[{}].assets", i);
        const auto wants = [&](base::AssetId asset) {
            if (contains(shard.assets, asset)) return;
            add(faults, path, fmt::format("lacks {}", listing.asset(asset).symbol));
        };
        wants(shard.gas);
        for (const auto instrument : shard.instruments) {
            wants(listing.instrument(instrument).base);
            wants(listing.instrument(instrument).settlement);
        }
        add_repeats(faults, shard.assets, path, [](base::AssetId asset) { return asset; });
        add_repeats(faults, shard.instruments, fmt::format("listing.shards[{}].instruments", i),
                    [](base::InstrumentId instrument) { return instrument; });
    }
}

void check_chains(Faults& faults, const Config& config) {
    if (config.world.mode == WorldPlace::Mode::chains) {
        auto more = faults_of_chains(config);
        std::move(more.begin(), more.end(), std::back_inserter(faults));
        return;
    }
    add_repeats(faults, config.chains, "simulated", [](const auto& chain) { return chain.shard; });
    for (std::size_t i = 0; i < config.listing.shards.size(); ++i) {
        const auto is_its = [&](const auto& chain) { return chain.shard.v == i; };
        if (std::any_of(config.chains.begin(), config.chains.end(), is_its)) continue;
        add(faults, "simulated", fmt::format("no chain for {}", config.listing.shards[i].symbol));
    }
    for (std::size_t i = 0; i < config.chains.size(); ++i) {
        const auto& chain = config.chains[i];
        const auto path = fmt::format("simulated[{}].venues", i);
        const auto& traded = config.listing.shard(chain.shard).instruments;
        add_repeats(faults, chain.venues, path, [](const auto& venue) { return venue.instrument; });
        for (std::size_t j = 0; j < chain.venues.size(); ++j) {
            const auto& venue = chain.venues[j];
            const auto at = fmt::format("{}[{}]", path, j);
            if (!contains(traded, venue.instrument)) add(faults, at, "the shard does not trade it");
            if (venue.capacity_per_block.v <= 0)
                add(faults, at, "capacity_per_block must not be 0");
        }
        if (chain.venues.size() < traded.size()) {
            add(faults, path, "expected terms for every instrument of the shard");
        }
    }
}

void check_keys(Faults& faults, const Config& config) {
    add_repeats(faults, config.keys, "keys", [](const KeyConfig& key) { return key.id; });
    for (std::size_t i = 0; i < config.keys.size(); ++i) {
        const auto path = fmt::format("keys[{}]", i);
        for (const auto& [account, scopes] : config.keys[i].accounts) {
            const auto at = fmt::format("{}.accounts.{}", path, base::to_string(account));
            if (base::broker_of(account).v >= config.brokers.size()) {
                add(faults, at, "there is no broker of that number");
            }
            if ((scopes & ~account_scopes) != 0) {
                add(faults, at, "an account's scopes are viewer, trader, withdraw and venue");
            }
        }
        if ((config.keys[i].service & account_scopes) != 0) {
            add(faults, path + ".scopes", "scopes of the service are oracle, operate and auditor");
        }
    }
    const auto length = config.demo_master_secret.size();
    if (length > 0 && length < secret_length_min) {
        add(faults, "demo_master_secret",
            fmt::format("expected at least {} characters, or none", secret_length_min));
    }
}

}  // namespace

std::vector<ConfigFault> faults_of(const Config& config) {
    Faults faults;
    check_journal(faults, config.journal);
    check_api(faults, config.api);
    // Everything below looks things up in the listing, which must therefore be sound.
    if (const auto fault = base::fault_of(config.listing)) {
        add(faults, "listing", *fault);
        return faults;
    }
    if (config.price_columns.size() != config.listing.assets.size()) {
        add(faults, "listing.assets", "expected a price column, or none, for each");
        return faults;
    }
    check_shards(faults, config.listing);
    check_marks(faults, config);
    check_node(faults, config);
    check_risk(faults, config);
    check_brokers(faults, config);
    check_chains(faults, config);
    check_keys(faults, config);
    return faults;
}

namespace {

// One that the file does not cover is a path without states.
base::Result<risk::kernel::StressTerms, std::string> stress_terms_of(
    const Config& config, const risk::kernel::Universe& universe, StressPaths paths) {
    risk::kernel::StressTerms terms;
    if (!config.stress) return terms;
    constexpr double us_an_hour = 3'600e6;
    terms.oracle_frozen_hours = static_cast<double>(config.stress->oracle_frozen.us) / us_an_hour;
    if (config.stress->prices.empty() || paths == StressPaths::left_out) return terms;
    ColumnNames columns;
    for (const auto& one : config.stress->columns) columns[one.of] = one.column;
    for (const auto& window : path_windows) {
        auto found = read_price_path(config.stress->prices, window, universe, columns);
        if (!found) return base::Failure{found.error().says};
        terms.paths.push_back(std::move(found->path));
    }
    return terms;
}

}  // namespace

base::Result<std::vector<std::shared_ptr<const risk::Parameters>>, std::vector<ConfigFault>>
risk_parameters_of(const Config& config, StressPaths paths) {
    std::vector<ConfigFault> faults;
    const auto made_of = [&](const risk::kernel::Universe& universe, const std::string& path) {
        auto stress = stress_terms_of(config, universe, paths);
        if (!stress) {
            faults.push_back({.line = 0, .path = "risk.stress.prices", .says = stress.error()});
            return std::shared_ptr<const risk::Parameters>{};
        }
        auto parameters = risk::Parameters::of(config.listing, {.universe = universe,
                                                                .mark_age_max = config.mark_age_max,
                                                                .stress = *std::move(stress)});
        if (parameters) return *std::move(parameters);
        for (const auto& fault : parameters.error()) {
            faults.push_back({.line = 0, .path = path + "." + fault.path, .says = fault.says});
        }
        return std::shared_ptr<const risk::Parameters>{};
    };
    const auto common = made_of(config.universe, "risk.universe");
    std::vector<std::shared_ptr<const risk::Parameters>> parameters;
    for (std::size_t i = 0; i < config.brokers.size(); ++i) {
        const auto& own = config.brokers[i].universe;
        parameters.push_back(own ? made_of(*own, fmt::format("brokers[{}].universe", i)) : common);
    }
    if (!faults.empty()) return base::Failure{std::move(faults)};
    return parameters;
}

std::vector<shards::simulated::ChainParameters> chains_of(const Config& config) {
    auto chains = config.chains;
    for (auto& chain : chains) {
        // A genesis block knows holdings, not whose money they are: one line per asset.
        std::map<std::pair<base::BrokerId, base::AssetId>, base::Amount> held;
        for (std::size_t i = 0; i < config.brokers.size(); ++i) {
            const base::BrokerId broker{static_cast<std::uint16_t>(i)};
            for (const auto& line : config.brokers[i].capital) {
                if (line.shard != chain.shard) continue;
                auto& sum = held[{broker, line.asset}];
                sum = base::must_add(sum, line.amount);
            }
        }
        chain.genesis.clear();
        for (const auto& [key, amount] : held) {
            chain.genesis.push_back({.broker = key.first, .asset = key.second, .held = amount});
        }
    }
    return chains;
}

}  // namespace crossclear::app
