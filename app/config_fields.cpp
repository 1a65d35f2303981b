#include "app/config_fields.hpp"

#include "app/config_codecs.hpp"
#include "app/universe_file.hpp"
#include "store/redis/limits.hpp"

#include <array>

namespace crossclear::app {
namespace {

constexpr std::array<std::string_view, 3> journal_modes{"embedded", "single", "quorum"};
constexpr std::array<std::string_view, 2> journal_settings{"checked", "trusted"};
constexpr std::array<std::string_view, 3> world_modes{"inside", "remote", "chains"};
constexpr std::array<std::string_view, 2> node_modes{"alone", "cluster"};
constexpr std::array<std::string_view, 3> marks_sources{"none", "csv", "generator"};
constexpr std::array<std::string_view, 2> actor_policies{"stealing", "sharing"};
constexpr std::array<std::string_view, 3> capital_sources{"capital", "insurance", "fund"};
constexpr std::array<std::string_view, 9> asset_kinds{
    "cash", "spot", "synthetic", "stable", "contract", "pool", "lending", "outcome", "option"};
constexpr std::array<std::string_view, base::instrument_kinds> instrument_kinds{
    "in_kind", "linear_perpetual", "dated_future", "prediction", "option"};
constexpr std::array<std::string_view, 2> option_types{"call", "put"};

constexpr Span any_span{};
constexpr Span positive_span{.min = base::Duration{1}};
constexpr Whole<std::uint32_t> positive_count{.min = 1, .max = 1'000'000};
constexpr Whole<std::uint32_t> rate_ppm{.min = 0, .max = 1'000'000};
constexpr Text optional_text{.length_min = 0};
constexpr SecretText secret_text{{.length_min = 16}};
constexpr SecretText optional_secret{{.length_min = 0}};
constexpr SecretText secret_url{{.length_min = 8}};

void visit_endpoint_tls(FieldVisitor& v, store::EndpointTls& x) {
    v.field("authority", x.authority, Text{});
    v.optional("certificate", x.certificate, Text{});
    v.optional("key", x.key, Text{});
    v.optional("server_name", x.server_name, Text{.length_max = 253});  // As names in DNS.
}

void visit_endpoint(FieldVisitor& v, store::Endpoint& x) {
    v.optional("unix", x.socket_path, optional_text);
    v.optional("host", x.host, optional_text);
    v.optional("port", x.port, Whole<std::uint16_t>{});
    v.optional("username", x.username, optional_text);
    v.optional("password", x.password, optional_secret);
    v.optional_object("tls", x.tls, visit_endpoint_tls);
}

void visit_journal(FieldVisitor& v, JournalConfig& x) {
    v.field("mode", x.mode, OneOf<JournalConfig::Mode>{.names = journal_modes});
    switch (x.mode) {
        case JournalConfig::Mode::embedded:
            v.optional("instances", x.instances,
                       Whole<std::uint16_t>{.min = 1, .max = store::limits::instances_max});
            break;
        case JournalConfig::Mode::single:
            v.object("endpoint", [&x](FieldVisitor& inner) { visit_endpoint(inner, x.endpoint); });
            v.optional("settings", x.settings,
                       OneOf<JournalConfig::Settings>{.names = journal_settings});
            break;
        case JournalConfig::Mode::quorum:
            v.items("endpoints", x.endpoints, visit_endpoint);
            break;
    }
    v.optional("snapshot_records", x.snapshot_records, positive_count);
    v.optional("snapshot_events", x.snapshot_events, positive_count);
    v.optional("snapshot_every", x.snapshot_every, positive_span);
    v.optional("is_trimmed", x.is_trimmed, Flag{});
    v.optional("archive", x.archive, optional_text);
}

void visit_limits(FieldVisitor& v, ApiLimits& x) {
    v.optional("connections_max", x.connections_max, positive_count);
    v.optional("connections_unauthenticated_max", x.connections_unauthenticated_max,
               positive_count);
    v.optional("connections_per_address_max", x.connections_per_address_max, positive_count);
    v.optional("connections_per_key_max", x.connections_per_key_max, positive_count);
    v.optional("requests_in_flight_max", x.requests_in_flight_max, positive_count);
    v.optional("credits_per_second", x.credits_per_second, positive_count);
    v.optional("credits_burst", x.credits_burst, positive_count);
    v.optional("handshake_timeout", x.handshake_timeout, positive_span);
    v.optional("auth_timeout", x.auth_timeout, positive_span);
    v.optional("message_timeout", x.message_timeout, positive_span);
    v.optional("idle_timeout", x.idle_timeout, positive_span);
}

void visit_api(FieldVisitor& v, ApiConfig& x) {
    v.field("address", x.address, Text{});
    v.field("port", x.port, Whole<std::uint16_t>{});
    v.field("ops_address", x.ops_address, Text{});
    v.field("ops_port", x.ops_port, Whole<std::uint16_t>{});
    v.values("allowed_origins", x.allowed_origins, Text{});
    v.object("limits", [&x](FieldVisitor& inner) { visit_limits(inner, x.limits); });
}

void visit_actors(FieldVisitor& v, ActorsConfig& x) {
    v.field("threads", x.threads, Whole<std::uint32_t>{.min = 0, .max = 1'024});
    v.field("idle_after", x.idle_after, positive_span);
    v.field("policy", x.policy, OneOf<ActorsConfig::Policy>{.names = actor_policies});
}

void visit_marks(FieldVisitor& v, MarksConfig& x) {
    v.field("source", x.source, OneOf<MarksConfig::Source>{.names = marks_sources});
    if (x.source == MarksConfig::Source::none) return;
    if (x.source == MarksConfig::Source::csv) {
        v.field("path", x.path, Text{.length_max = 4'096});
        v.optional("from", x.from, optional_text);
        v.optional("until", x.until, optional_text);
    } else {
        v.field("seed", x.seed, Whole<std::uint64_t>{});
        v.field("step", x.step, positive_span);
        v.items("walks", x.walks, [](FieldVisitor& inner, PriceWalk& walk) {
            inner.field("underlying", walk.underlying, Text{.length_max = 32});
            inner.field("start_usd", walk.start, Dollars{});
            inner.field("daily_volatility_ppm", walk.daily_volatility, Millionths{});
        });
    }
    v.field("speed", x.speed, positive_count);
    v.optional("funding_ppm_per_day", x.funding_per_day, Millionths{});
}

void visit_expiry(FieldVisitor& v, base::Expiry& x) {
    constexpr Span span{.max = base::limits::dispute_max};
    v.field("at", x.at, Moment{});
    v.optional("average_over", x.average_over, span);
    v.optional("dispute_for", x.dispute_for, span);
}

void visit_option_terms(FieldVisitor& v, base::OptionTerms& x) {
    v.field("type", x.type, OneOf<base::OptionType>{.names = option_types});
    v.field("strike", x.strike, Dollars{});
}

void visit_listing(FieldVisitor& v, Config& config) {
    auto& listing = config.listing;
    // The column belongs to the file of prices, not to the asset, so it is stored beside it.
    struct ListedAsset {
        base::AssetInfo info;
        std::string price_column;
    };
    std::vector<ListedAsset> assets;
    for (std::size_t i = 0; i < listing.assets.size(); ++i) {
        const bool has_column = i < config.price_columns.size();
        assets.push_back({listing.assets[i], has_column ? config.price_columns[i] : ""});
    }
    v.items("assets", assets, [](FieldVisitor& inner, ListedAsset& x) {
        inner.field("symbol", x.info.symbol, Text{.length_max = 32});
        inner.field("scale", x.info.scale, Whole<int>{.min = 0, .max = base::asset_scale_max});
        inner.field("kind", x.info.kind, OneOf<base::AssetKind>{.names = asset_kinds});
        inner.optional("underlying", x.info.underlying, optional_text);
        inner.optional("protocol", x.info.protocol, optional_text);
        inner.optional("price_column", x.price_column, optional_text);
    });
    listing.assets.clear();
    config.price_columns.clear();
    for (auto& asset : assets) {
        listing.assets.push_back(std::move(asset.info));
        config.price_columns.push_back(std::move(asset.price_column));
    }
    v.items("instruments", listing.instruments,
            [&listing](FieldVisitor& inner, base::InstrumentInfo& x) {
                inner.field("symbol", x.symbol, Text{.length_max = 32});
                inner.field("kind", x.kind, OneOf<base::InstrumentKind>{.names = instrument_kinds});
                inner.field("base", x.base, AssetSymbol{listing});
                inner.field("settlement", x.settlement, AssetSymbol{listing});
                inner.optional_object("expiry", x.expiry, visit_expiry);
                inner.optional_object("option", x.option, visit_option_terms);
            });
    v.items("shards", listing.shards, [&listing](FieldVisitor& inner, base::ShardInfo& x) {
        inner.field("symbol", x.symbol, Text{.length_max = 32});
        inner.values("assets", x.assets, AssetSymbol{listing});
        inner.values("instruments", x.instruments, InstrumentSymbol{listing});
        inner.field("gas", x.gas, AssetSymbol{listing});
        inner.field("takes_margin", x.takes_margin, Flag{});
    });
}

void visit_stress(FieldVisitor& v, StressConfig& x) {
    v.optional("oracle_frozen", x.oracle_frozen, any_span);
    v.optional("prices", x.prices, Text{.length_min = 0, .length_max = 4'096});
    v.optional_items("columns", x.columns, [](FieldVisitor& inner, StressConfig::Column& one) {
        inner.field("of", one.of, Text{.length_max = 32});
        inner.field("column", one.column, Text{.length_max = 32});
    });
}

void visit_risk(FieldVisitor& v, Config& config) {
    v.field("mark_age_max", config.mark_age_max, positive_span);
    v.optional_object("stress", config.stress, visit_stress);
    v.object("universe", [&config](FieldVisitor& inner) { visit(inner, config.universe); });
}

// The scale of an asset that a faulty file may not have named; then any scale will do.
Units units_of(const base::Listing& listing, base::AssetId asset) {
    if (asset.v >= listing.assets.size()) return {};
    return {.scale = listing.asset(asset).scale};
}

void visit_hedge(FieldVisitor& v, HedgeProfile& x, const base::Listing& listing) {
    v.items("bands", x.bands, [&listing](FieldVisitor& inner, HedgeBand& band) {
        inner.field("asset", band.asset, AssetSymbol{listing});
        inner.field("band_usd", band.band_cents, Usd{});
    });
    v.field("slice_max_usd", x.slice_max_cents, Usd{});
    v.field("slices", x.slices,
            Whole<std::uint32_t>{.min = 1, .max = std::uint32_t{base::limits::slices_max}});
    v.field("spread_time", x.spread_time, any_span);
    v.field("deadline", x.deadline, positive_span);
    v.field("price_bound_ppm", x.price_bound, Millionths{});
}

void visit_caps(FieldVisitor& v, BrokerCaps& x, const base::Listing& listing) {
    v.optional("unsettled_usd", x.unsettled_cents, Usd{});
    v.optional("exposure_usd", x.exposure_cents, Usd{});
    v.items("shards", x.shards, [&listing](FieldVisitor& inner, BrokerCaps::Shard& cap) {
        inner.field("shard", cap.shard, ShardSymbol{listing});
        inner.optional("unsettled_usd", cap.unsettled_cents, Usd{});
        inner.optional("exposure_usd", cap.exposure_cents, Usd{});
        inner.optional("orders_per_second", cap.orders_per_second,
                       Whole<std::uint32_t>{.min = 0, .max = base::limits::orders_per_second_max});
    });
    v.optional_items("protocols", x.protocols, [](FieldVisitor& inner, BrokerCaps::Protocol& cap) {
        inner.field("protocol", cap.name, Text{.length_max = 64});
        inner.field("exposure_usd", cap.exposure_cents, Usd{});
    });
}

void visit_broker(FieldVisitor& v, BrokerProfile& x, const base::Listing& listing) {
    v.field("name", x.name, Text{.length_max = 32});
    v.values("instruments", x.instruments, InstrumentSymbol{listing});
    v.field("fee_ppm", x.fee, Millionths{});
    v.field("fee_floor_usd", x.fee_floor_cents, Usd{});
    v.optional_object("holding_days", [&x](FieldVisitor& inner) {
        for (std::size_t i = 0; i < instrument_kinds.size(); ++i) {
            inner.optional(instrument_kinds[i], x.holding_days[i],
                           Whole<std::uint32_t>{.min = 0, .max = 365});
        }
    });
    v.field("trade_notional_max_usd", x.trade_notional_max_cents, Usd{});
    v.field("account_notional_max_usd", x.account_notional_max_cents, Usd{});
    v.field("account_unsettled_max_usd", x.account_unsettled_max_cents, Usd{});
    v.field("settle_within", x.settle_within, positive_span);
    v.optional("cash_settle_after", x.cash_settle_after, positive_span);
    v.field("withdrawal_delay", x.withdrawal_delay, any_span);
    v.field("withdrawal_gate_ppm_per_hour", x.withdrawal_gate_per_hour, Millionths{});
    v.field("withdrawal_gate_ppm_per_day", x.withdrawal_gate_per_day, Millionths{});
    v.optional("is_close_only", x.is_close_only, Flag{});
    v.optional("house_protocol_share_ppm", x.house_protocol_share, Millionths{});
    v.optional("house_client_share_ppm", x.house_client_share, Millionths{});
    v.optional_object("caps", x.caps, [&listing](FieldVisitor& inner, BrokerCaps& caps) {
        visit_caps(inner, caps, listing);
    });
    v.optional_object(
        "universe", x.universe,
        [](FieldVisitor& inner, risk::kernel::Universe& universe) { visit(inner, universe); });
    v.object("hedge", [&](FieldVisitor& inner) { visit_hedge(inner, x.hedge, listing); });
    v.items("capital", x.capital, [&listing](FieldVisitor& inner, CapitalLine& line) {
        inner.field("shard", line.shard, ShardSymbol{listing});
        inner.field("asset", line.asset, AssetSymbol{listing});
        inner.field("amount", line.amount, units_of(listing, line.asset));
        inner.field("source", line.source, OneOf<CapitalSource>{.names = capital_sources});
    });
    v.items("venue_margin", x.venue_margin, [&listing](FieldVisitor& inner, VenueMargin& margin) {
        inner.field("shard", margin.shard, ShardSymbol{listing});
        inner.field("asset", margin.asset, AssetSymbol{listing});
        inner.field("amount", margin.amount, units_of(listing, margin.asset));
        inner.optional("share_ppm", margin.share, Millionths{});
        inner.optional("slack_ppm", margin.slack, Millionths{});
    });
}

void visit_faults(FieldVisitor& v, shards::simulated::Faults& x, const base::Listing& listing) {
    v.optional("submission_latency_max", x.submission_latency_max, any_span);
    v.optional("lost_request_ppm", x.lost_request_ppm, rate_ppm);
    v.optional("lost_answer_ppm", x.lost_answer_ppm, rate_ppm);
    v.optional("drop_ppm", x.drop_ppm, rate_ppm);
    v.optional("refuse_ppm", x.refuse_ppm, rate_ppm);
    v.optional("revert_ppm", x.revert_ppm, rate_ppm);
    v.optional("reorg_ppm", x.reorg_ppm, rate_ppm);
    v.optional("vanish_ppm", x.vanish_ppm, rate_ppm);
    v.optional("duplicate_notice_ppm", x.duplicate_notice_ppm, rate_ppm);
    v.optional("reorder_notice_ppm", x.reorder_notice_ppm, rate_ppm);
    v.optional("pause_ppm", x.pause_ppm, rate_ppm);
    v.optional("pause_blocks", x.pause_blocks, positive_count);
    v.optional("capacity_ppm", x.capacity, Millionths{});
    v.optional("is_paused", x.is_paused, Flag{});
    v.optional("is_unreachable", x.is_unreachable, Flag{});
    v.values("failed", x.failed, AssetSymbol{listing});
}

// The base of an instrument that a faulty file may not have named.
Units base_units_of(const base::Listing& listing, base::InstrumentId instrument) {
    if (instrument.v >= listing.instruments.size()) return {};
    return units_of(listing, listing.instrument(instrument).base);
}

Units gas_units_of(const base::Listing& listing, base::ShardId shard) {
    if (shard.v >= listing.shards.size()) return {};
    return units_of(listing, listing.shard(shard).gas);
}

void visit_chain(FieldVisitor& v, shards::simulated::ChainParameters& x,
                 const base::Listing& listing) {
    v.field("shard", x.shard, ShardSymbol{listing});
    v.field("block_time", x.block_time, Span{.min = base::milliseconds(1)});
    v.field("finality_depth", x.finality_depth, Whole<std::uint32_t>{.min = 1, .max = 10'000});
    v.field("inclusion_latency", x.inclusion_latency, any_span);
    v.field("bridge_latency", x.bridge_latency, any_span);
    v.field("gas_per_order", x.gas_per_order, gas_units_of(listing, x.shard));
    v.field("initial_margin_ppm", x.initial_margin, Millionths{});
    v.field("variation_every_blocks", x.variation_every_blocks, positive_count);
    v.field("transactions_per_block_max", x.transactions_per_block_max, positive_count);
    v.field("seed", x.seed, Whole<std::uint64_t>{});
    v.items("venues", x.venues,
            [&listing](FieldVisitor& inner, shards::simulated::VenueTerms& venue) {
                inner.field("instrument", venue.instrument, InstrumentSymbol{listing});
                inner.field("half_spread_ppm", venue.half_spread, Millionths{});
                inner.field("impact_at_capacity_ppm", venue.impact_at_capacity, Millionths{});
                inner.field("capacity_per_block", venue.capacity_per_block,
                            base_units_of(listing, venue.instrument));
            });
    v.object("faults", [&](FieldVisitor& inner) { visit_faults(inner, x.faults, listing); });
}

void visit_signer(FieldVisitor& v, SignerConfig& x) {
    v.field("broker", x.broker, Text{});
    v.optional("development_key", x.development_key, optional_secret);
    v.optional("url", x.url, optional_secret);
    v.optional("certificate", x.certificate, Text{});
    v.optional("key", x.key, Text{});
    v.optional("authority", x.authority, Text{});
}

void visit_chains(FieldVisitor& v, ChainsConfig& x, const base::Listing& listing) {
    v.field("site", x.site, Text{});
    v.optional_items("endpoints", x.endpoints, [&listing](FieldVisitor& inner, ChainEndpoints& of) {
        inner.field("shard", of.shard, ShardSymbol{listing});
        inner.values("urls", of.urls, secret_url);
        inner.optional("authority", of.authority, Text{});
    });
    v.items("signers", x.signers, visit_signer);
    v.optional("fee_max_gwei", x.fee_max_gwei, Whole<std::uint32_t>{.min = 1});
    v.optional("tip_max_gwei", x.tip_max_gwei, Whole<std::uint32_t>{});
    v.optional("tip_min_gwei", x.tip_min_gwei, Whole<std::uint32_t>{});
    v.optional("finality_blocks", x.finality_blocks, Whole<std::uint64_t>{.max = 100'000});
    v.optional("poll", x.poll, Span{.min = base::milliseconds(10), .max = base::seconds(60)});
    v.optional("outsiders", x.has_outsiders, Flag{});
}

void visit_world(FieldVisitor& v, WorldPlace& x, const base::Listing& listing) {
    v.field("mode", x.mode, OneOf<WorldPlace::Mode>{.names = world_modes});
    if (x.mode == WorldPlace::Mode::remote) v.field("endpoint", x.endpoint, WorldEndpointText{});
    if (x.mode == WorldPlace::Mode::chains) visit_chains(v, x.chains, listing);
}

void visit_node(FieldVisitor& v, NodeConfig& x) {
    v.field("mode", x.mode, OneOf<NodeConfig::Mode>{.names = node_modes});
    if (x.mode == NodeConfig::Mode::alone) return;
    v.field("name", x.name, Text{.length_max = 64});
    v.field("address", x.address, Text{});
    v.field("port", x.port, Whole<std::uint16_t>{});
    v.optional("advertised", x.advertised, Text{});
    v.optional("lease", x.lease, Span{.min = base::milliseconds(500), .max = base::seconds(60)});
    v.optional("certificate", x.certificate, Text{});
    v.optional("key", x.key, Text{});
    v.optional("authority", x.authority, Text{});
}

void visit_key(FieldVisitor& v, KeyConfig& x) {
    v.field("id", x.id, Text{.length_max = 64});
    v.field("secret", x.secret, secret_text);
    std::vector<std::pair<base::AccountId, std::vector<actors::Scope>>> accounts;
    accounts.reserve(x.accounts.size());
    for (const auto& [account, bits] : x.accounts) {
        accounts.emplace_back(account, scopes_of(bits));
    }
    v.table("accounts", accounts, AccountText{}, ScopeText{});
    x.accounts.clear();
    for (const auto& [account, scopes] : accounts) x.accounts[account] = bits_of(scopes);
    auto service = scopes_of(x.service);
    v.values("scopes", service, ScopeText{});
    x.service = bits_of(service);
}

}  // namespace

void visit(FieldVisitor& v, Config& x) {
    v.field("cluster", x.cluster, Text{.length_max = 64});
    v.optional("partitions", x.partitions,
               Whole<std::uint16_t>{.min = 1, .max = base::limits::partitions_max});
    v.field("data_dir", x.data_dir, PathText{});
    v.object("journal", [&x](FieldVisitor& inner) { visit_journal(inner, x.journal); });
    v.object("api", [&x](FieldVisitor& inner) { visit_api(inner, x.api); });
    v.object("actors", [&x](FieldVisitor& inner) { visit_actors(inner, x.actors); });
    v.object("marks", [&x](FieldVisitor& inner) { visit_marks(inner, x.marks); });
    v.object("listing", [&x](FieldVisitor& inner) { visit_listing(inner, x); });
    v.object("risk", [&x](FieldVisitor& inner) { visit_risk(inner, x); });
    v.items("brokers", x.brokers, [&x](FieldVisitor& inner, BrokerProfile& broker) {
        visit_broker(inner, broker, x.listing);
    });
    v.items("simulated", x.chains,
            [&x](FieldVisitor& inner, shards::simulated::ChainParameters& chain) {
                visit_chain(inner, chain, x.listing);
            });
    v.optional_object("world",
                      [&x](FieldVisitor& inner) { visit_world(inner, x.world, x.listing); });
    v.optional_object("node", [&x](FieldVisitor& inner) { visit_node(inner, x.node); });
    v.items("keys", x.keys, [](FieldVisitor& inner, KeyConfig& key) { visit_key(inner, key); });
    v.optional("demo_master_secret", x.demo_master_secret, optional_secret);
}

}  // namespace crossclear::app
