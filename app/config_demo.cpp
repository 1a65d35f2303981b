#include "app/config.hpp"
#include "app/config_codecs.hpp"
#include "app/journal.hpp"
#include "app/universe_file.hpp"

#include <fmt/format.h>

#include <array>

// The demo's world, in the words of its file: symbols and decimal texts, so that this reads as
// deploy/config/example.yaml does, which is the same world written down.

namespace crossclear::app {
namespace {

using shards::simulated::ChainParameters;

base::Listing demo_listing() {
    using Kind = base::AssetKind;
    using Delivery = base::InstrumentKind;
    base::Listing listing;
    listing.assets = {{"USD", 2, Kind::cash, "", ""},
                      {"USDC", 6, Kind::stable, "", "circle"},
                      {"DAI", 9, Kind::stable, "", "maker"},
                      {"ETH", 9, Kind::spot, "ETH", ""},
                      {"sBTC", 8, Kind::synthetic, "BTC", "synthetix"},
                      {"sETH", 9, Kind::synthetic, "ETH", "synthetix"},
                      {"BTC-PERP", 8, Kind::contract, "BTC", "perpetual-venue"},
                      {"ETH-PERP", 9, Kind::contract, "ETH", "perpetual-venue"},
                      {"UNI-ETHDAI", 9, Kind::pool, "", "uniswap"},
                      {"aDAI", 9, Kind::lending, "", "aave"}};
    const auto asset = [&](std::string_view symbol) { return *listing.find_asset(symbol); };
    for (const char* symbol : {"sBTC", "sETH", "ETH", "DAI"}) {
        listing.instruments.push_back({symbol, Delivery::in_kind, asset(symbol), asset("USDC")});
    }
    for (const char* symbol : {"BTC-PERP", "ETH-PERP"}) {
        listing.instruments.push_back(
            {symbol, Delivery::linear_perpetual, asset(symbol), asset("USDC")});
    }
    const auto instrument = [&](std::string_view symbol) {
        return *listing.find_instrument(symbol);
    };
    listing.shards = {
        {.symbol = "synthetix",
         .assets = {asset("USDC"), asset("ETH"), asset("sBTC"), asset("sETH")},
         .instruments = {instrument("sBTC"), instrument("sETH")},
         .gas = asset("ETH"),
         .takes_margin = false},
        {.symbol = "aave-uniswap",
         .assets = {asset("USDC"), asset("DAI"), asset("ETH"), asset("UNI-ETHDAI"), asset("aDAI")},
         .instruments = {instrument("ETH"), instrument("DAI")},
         .gas = asset("ETH"),
         .takes_margin = false},
        {.symbol = "perpetuals",
         .assets = {asset("USDC"), asset("BTC-PERP"), asset("ETH-PERP")},
         .instruments = {instrument("BTC-PERP"), instrument("ETH-PERP")},
         .gas = asset("USDC"),
         .takes_margin = true}};
    return listing;
}

// Writes a world into a configuration that has its listing already.
class DemoBuilder {
public:
    explicit DemoBuilder(Config& config) : config_(config) {}

    [[nodiscard]] CapitalLine capital(const char* shard, const char* symbol, const char* units,
                                      CapitalSource source = CapitalSource::capital) const {
        return {.shard = *config_.listing.find_shard(shard),
                .asset = asset(symbol),
                .amount = amount(symbol, units),
                .source = source};
    }

    [[nodiscard]] VenueMargin margin(const char* units) const {
        return {.shard = *config_.listing.find_shard("perpetuals"),
                .asset = asset("USDC"),
                .amount = amount("USDC", units)};
    }

    void offer(BrokerProfile& broker, const char* symbol, std::int64_t band_usd) const {
        const auto instrument = *config_.listing.find_instrument(symbol);
        broker.instruments.push_back(instrument);
        broker.hedge.bands.push_back(
            {.asset = config_.listing.instrument(instrument).base, .band_cents = band_usd * 100});
    }

    void add_venue(ChainParameters& chain, const char* symbol, std::int64_t half_spread_ppm,
                   const char* capacity) const {
        chain.venues.push_back({.instrument = *config_.listing.find_instrument(symbol),
                                .half_spread = base::Ppm{half_spread_ppm},
                                .impact_at_capacity = base::Ppm{half_spread_ppm * 5},
                                .capacity_per_block = amount(symbol, capacity)});
    }

    [[nodiscard]] ChainParameters chain(const char* shard, std::uint64_t seed) const {
        ChainParameters made;
        made.shard = *config_.listing.find_shard(shard);
        made.seed = seed;
        return made;
    }

    // NOLINTNEXTLINE(bugprone-easily-swappable-parameters): a symbol is no number
    [[nodiscard]] base::Amount amount(const char* symbol, const char* units) const {
        const auto scale = config_.listing.asset(asset(symbol)).scale;
        return *Units{.scale = scale}.parse(units);
    }

private:
    [[nodiscard]] base::AssetId asset(std::string_view symbol) const {
        return *config_.listing.find_asset(symbol);
    }

    Config& config_;
};

// Everything, cheap and quick, hedged in many small slices.
BrokerProfile alpha(const DemoBuilder& build) {
    BrokerProfile broker;
    broker.name = "alpha";
    broker.fee = base::Ppm{50};
    broker.fee_floor_cents = 1;
    broker.trade_notional_max_cents = 250'000'00;
    broker.account_notional_max_cents = 2'000'000'00;
    broker.account_unsettled_max_cents = 1'000'000'00;
    broker.settle_within = base::seconds(60);
    broker.withdrawal_delay = base::seconds(2);
    broker.withdrawal_gate_per_hour = base::Ppm{250'000};
    broker.withdrawal_gate_per_day = base::Ppm{600'000};
    broker.hedge = {.bands = {},
                    .slice_max_cents = 250'000'00,
                    .slices = 4,
                    .spread_time = base::seconds(2),
                    .deadline = base::seconds(30),
                    .price_bound = base::Ppm{20'000}};
    for (const char* symbol : {"sBTC", "sETH", "ETH", "BTC-PERP", "ETH-PERP"}) {
        build.offer(broker, symbol, 25'000);
    }
    build.offer(broker, "DAI", 50'000);
    broker.capital = {build.capital("synthetix", "USDC", "20000000"),
                      build.capital("synthetix", "ETH", "100"),
                      build.capital("synthetix", "sBTC", "50"),
                      build.capital("synthetix", "sETH", "1000"),
                      build.capital("aave-uniswap", "USDC", "20000000"),
                      build.capital("aave-uniswap", "DAI", "5000000"),
                      build.capital("aave-uniswap", "ETH", "3000"),
                      build.capital("perpetuals", "USDC", "20000000"),
                      build.capital("perpetuals", "USDC", "2000000", CapitalSource::insurance),
                      build.capital("perpetuals", "USDC", "1000000", CapitalSource::fund)};
    broker.venue_margin = {build.margin("10000000")};
    return broker;
}

// Fewer instruments, dearer, slower with withdrawals, and it hedges early.
BrokerProfile beta(const DemoBuilder& build) {
    BrokerProfile broker;
    broker.name = "beta";
    broker.fee = base::Ppm{120};
    broker.fee_floor_cents = 5;
    broker.trade_notional_max_cents = 100'000'00;
    broker.account_notional_max_cents = 500'000'00;
    broker.account_unsettled_max_cents = 250'000'00;
    broker.settle_within = base::seconds(120);
    broker.withdrawal_delay = base::seconds(10);
    broker.withdrawal_gate_per_hour = base::Ppm{100'000};
    broker.withdrawal_gate_per_day = base::Ppm{300'000};
    broker.hedge = {.bands = {},
                    .slice_max_cents = 500'000'00,
                    .slices = 2,
                    .spread_time = base::seconds(1),
                    .deadline = base::seconds(45),
                    .price_bound = base::Ppm{15'000}};
    for (const char* symbol : {"sBTC", "ETH", "BTC-PERP"}) build.offer(broker, symbol, 5'000);
    broker.capital = {build.capital("synthetix", "USDC", "10000000"),
                      build.capital("synthetix", "ETH", "50"),
                      build.capital("synthetix", "sBTC", "25"),
                      build.capital("aave-uniswap", "USDC", "10000000"),
                      build.capital("aave-uniswap", "ETH", "1500"),
                      build.capital("perpetuals", "USDC", "10000000"),
                      build.capital("perpetuals", "USDC", "1000000", CapitalSource::insurance)};
    broker.venue_margin = {build.margin("5000000")};
    return broker;
}

ChainParameters synthetix(const DemoBuilder& build, std::uint64_t seed) {
    auto chain = build.chain("synthetix", seed);
    chain.block_time = base::milliseconds(500);
    chain.finality_depth = 4;
    chain.inclusion_latency = base::milliseconds(100);
    chain.bridge_latency = base::seconds(3);
    chain.gas_per_order = build.amount("ETH", "0.0002");
    build.add_venue(chain, "sBTC", 1'500, "50");
    build.add_venue(chain, "sETH", 1'500, "800");
    chain.faults.submission_latency_max = base::milliseconds(200);
    chain.faults.drop_ppm = 10'000;
    chain.faults.revert_ppm = 10'000;
    chain.faults.duplicate_notice_ppm = 20'000;
    return chain;
}

ChainParameters aave_uniswap(const DemoBuilder& build, std::uint64_t seed) {
    auto chain = build.chain("aave-uniswap", seed);
    chain.block_time = base::seconds(1);
    chain.finality_depth = 6;
    chain.inclusion_latency = base::milliseconds(300);
    chain.bridge_latency = base::seconds(5);
    chain.gas_per_order = build.amount("ETH", "0.002");
    build.add_venue(chain, "ETH", 300, "1000");
    build.add_venue(chain, "DAI", 200, "3000000");
    chain.faults.submission_latency_max = base::milliseconds(500);
    chain.faults.lost_answer_ppm = 20'000;
    chain.faults.drop_ppm = 20'000;
    chain.faults.revert_ppm = 20'000;
    chain.faults.reorg_ppm = 10'000;
    chain.faults.duplicate_notice_ppm = 20'000;
    chain.faults.reorder_notice_ppm = 20'000;
    return chain;
}

ChainParameters perpetuals(const DemoBuilder& build, std::uint64_t seed) {
    auto chain = build.chain("perpetuals", seed);
    chain.block_time = base::milliseconds(250);
    chain.finality_depth = 2;
    chain.inclusion_latency = base::milliseconds(50);
    chain.bridge_latency = base::seconds(2);
    chain.gas_per_order = build.amount("USDC", "0.05");
    build.add_venue(chain, "BTC-PERP", 200, "100");
    build.add_venue(chain, "ETH-PERP", 200, "2000");
    chain.faults.submission_latency_max = base::milliseconds(100);
    chain.faults.lost_request_ppm = 5'000;
    chain.faults.refuse_ppm = 5'000;
    chain.faults.pause_ppm = 500;
    chain.faults.pause_blocks = 8;
    return chain;
}

MarksConfig demo_marks(const DemoOptions& options) {
    const Dollars dollars;
    MarksConfig marks;
    // 0.01 % every eight hours: the interest that most venues' funding comes back to.
    marks.funding_per_day = base::Ppm{300};
    if (!options.prices.empty()) {
        marks.source = MarksConfig::Source::csv;
        marks.path = options.prices;
        marks.from = options.prices_from;
        marks.speed = 3'600;  // One row of the file a second.
        return marks;
    }
    marks.source = MarksConfig::Source::generator;
    marks.seed = options.seed;
    marks.step = base::seconds(60);
    marks.speed = 60;
    marks.walks = {{"BTC", *dollars.parse("60000"), base::Ppm{32'000}},
                   {"ETH", *dollars.parse("3000"), base::Ppm{42'000}}};
    return marks;
}

// How many redis-servers kept the journal that is there; one where there is none. They are an odd
// number, so an even one is a first start that was killed before the last had its directory.
std::uint16_t instances_in(const Config& config) {
    std::uint16_t count = 1;
    while (std::filesystem::exists(redis_directory(config, count))) ++count;
    return count % 2 == 0 ? static_cast<std::uint16_t>(count + 1) : count;
}

}  // namespace

Config demo_config(const DemoOptions& options) {
    Config config;
    config.cluster = "demo";
    config.data_dir = options.data_dir;
    config.journal.instances = options.redis > 0 ? options.redis : instances_in(config);
    config.marks = demo_marks(options);
    config.listing = demo_listing();
    for (const auto& asset : config.listing.assets)
        config.price_columns.push_back(asset.underlying);
    DemoBuilder build(config);
    config.universe = demo_universe();
    if (!options.prices.empty())
        config.stress = StressConfig{.prices = options.prices, .columns = {}};
    config.brokers = {alpha(build), beta(build)};
    config.chains = {synthetix(build, options.seed), aave_uniswap(build, options.seed + 1),
                     perpetuals(build, options.seed + 2)};
    constexpr auto venue = static_cast<std::uint16_t>(actors::Scope::venue);
    const auto client = [](std::uint64_t number) {
        return base::account_id(base::BrokerId{0}, number);
    };
    config.keys = {{.id = "operator",
                    .secret = "demo-operator-not-a-secret",
                    .accounts = {},
                    .service = bits_of(std::array{actors::Scope::oracle, actors::Scope::operate,
                                                  actors::Scope::auditor})},
                   {.id = "venue",
                    .secret = "demo-venue-not-a-secret",
                    .accounts = {{client(1), venue}, {client(2), venue}},
                    .service = 0}};
    config.demo_master_secret = fmt::format("demo-master-not-a-secret-{}", options.seed);
    if (!options.chains.empty()) put_demo_on_chains(config, options.chains);
    return config;
}

}  // namespace crossclear::app
