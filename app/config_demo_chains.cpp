#include "app/config.hpp"
#include "app/config_codecs.hpp"
#include "app/universe_file.hpp"

#include <algorithm>
#include <string_view>

// The demo on real chains, as deploy/chain describes them: what is listed, what the brokers have
// there, and who signs. What they have must be what was deployed, or the reconciler finds it.

namespace crossclear::app {
namespace {

// Anvil's accounts 4 and 7, which everybody knows; in deploy/chain they are the vaults' operators.
constexpr const char* alpha_key =
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a";
constexpr const char* beta_key =
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356";

base::Listing chains_listing() {
    using Kind = base::AssetKind;
    base::Listing listing;
    listing.assets = {{"USD", 2, Kind::cash, "", ""},
                      {"USDC", 6, Kind::stable, "", "circle"},
                      {"DAI", 9, Kind::stable, "", "maker"},
                      {"ETH", 9, Kind::spot, "ETH", ""},
                      {"sBTC", 8, Kind::synthetic, "BTC", "synthetix"},
                      {"sETH", 9, Kind::synthetic, "ETH", "synthetix"},
                      {"aDAI", 9, Kind::lending, "", "aave"},
                      {"AUG-Y", 6, Kind::synthetic, "AUG", "augur"}};
    const auto asset = [&](std::string_view symbol) { return *listing.find_asset(symbol); };
    for (const char* symbol : {"sBTC", "sETH", "ETH", "DAI", "AUG-Y"}) {
        listing.instruments.push_back(
            {symbol, base::InstrumentKind::in_kind, asset(symbol), asset("USDC")});
    }
    const auto instrument = [&](std::string_view symbol) {
        return *listing.find_instrument(symbol);
    };
    listing.shards = {{.symbol = "synthetix",
                       .assets = {asset("USDC"), asset("ETH"), asset("sBTC"), asset("sETH")},
                       .instruments = {instrument("sBTC"), instrument("sETH")},
                       .gas = asset("ETH"),
                       .takes_margin = false},
                      {.symbol = "aave-uniswap",
                       .assets = {asset("USDC"), asset("DAI"), asset("ETH"), asset("aDAI")},
                       .instruments = {instrument("ETH"), instrument("DAI")},
                       .gas = asset("ETH"),
                       .takes_margin = false},
                      {.symbol = "augur",
                       .assets = {asset("USDC"), asset("ETH"), asset("AUG-Y")},
                       .instruments = {instrument("AUG-Y")},
                       .gas = asset("ETH"),
                       .takes_margin = false}};
    return listing;
}

// An outcome's share moves as its question's odds do.
void add_question(risk::kernel::Universe& universe) {
    universe.underlyings.push_back({.name = "AUG", .spot = .4, .range = .5, .volatility_day = .08});
    universe.protocols.push_back(
        {.name = "augur", .default_year = .05, .loss_given_default = 1, .depegs = {}});
    auto share = universe.wrappers.at(universe.find_wrapper("sETH")->v);
    share.name = "AUG-Y";
    share.underlying = universe.find_underlying("AUG");
    share.price = .4;
    share.half_spread = .01;
    share.volatility_day = .08;
    share.volume_day_usd = 1e6;
    share.haircut_initial = .2;
    share.haircut_maintenance = .1;
    universe.wrappers.push_back(share);
    risk::kernel::Instrument traded;
    traded.name = "AUG-Y";
    traded.kind = risk::kernel::Kind::synthetic;
    traded.wrapper = *universe.find_wrapper("AUG-Y");
    traded.protocols = {*universe.find_protocol("augur")};
    universe.instruments.push_back(std::move(traded));
}

struct CapitalRow {
    const char* broker;
    const char* shard;
    const char* asset;
    const char* units;
    CapitalSource source;
};
// The key's own ether is in it: ten thousand on each chain.
constexpr CapitalRow capital_rows[] = {
    {"alpha", "synthetix", "USDC", "20000000", CapitalSource::capital},
    {"alpha", "synthetix", "ETH", "10100", CapitalSource::capital},
    {"alpha", "synthetix", "sBTC", "50", CapitalSource::capital},
    {"alpha", "synthetix", "sETH", "1000", CapitalSource::capital},
    {"alpha", "aave-uniswap", "USDC", "20000000", CapitalSource::capital},
    {"alpha", "aave-uniswap", "DAI", "5000000", CapitalSource::capital},
    {"alpha", "aave-uniswap", "ETH", "13000", CapitalSource::capital},
    {"alpha", "augur", "USDC", "2000000", CapitalSource::capital},
    {"alpha", "augur", "USDC", "2000000", CapitalSource::insurance},
    {"alpha", "augur", "USDC", "1000000", CapitalSource::fund},
    {"alpha", "augur", "ETH", "10010", CapitalSource::capital},
    {"alpha", "augur", "AUG-Y", "500000", CapitalSource::capital},
    {"beta", "synthetix", "USDC", "10000000", CapitalSource::capital},
    {"beta", "synthetix", "ETH", "10050", CapitalSource::capital},
    {"beta", "synthetix", "sBTC", "25", CapitalSource::capital},
    {"beta", "synthetix", "sETH", "500", CapitalSource::capital},
    {"beta", "aave-uniswap", "USDC", "10000000", CapitalSource::capital},
    {"beta", "aave-uniswap", "DAI", "2000000", CapitalSource::capital},
    {"beta", "aave-uniswap", "ETH", "11500", CapitalSource::capital},
    {"beta", "augur", "USDC", "1000000", CapitalSource::capital},
    {"beta", "augur", "USDC", "1000000", CapitalSource::insurance},
    {"beta", "augur", "ETH", "10010", CapitalSource::capital},
};

void put_on_chains(BrokerProfile& broker, const base::Listing& listing) {
    const bool is_alpha = broker.name == "alpha";
    broker.instruments.clear();
    broker.hedge.bands.clear();
    broker.venue_margin.clear();
    broker.capital.clear();
    for (std::uint16_t i = 0; i < listing.instruments.size(); ++i) {
        const auto& instrument = listing.instruments[i];
        const bool is_offered =
            is_alpha || instrument.symbol == "sBTC" || instrument.symbol == "ETH";
        if (!is_offered) continue;
        broker.instruments.push_back(base::InstrumentId{i});
        broker.hedge.bands.push_back(
            {.asset = instrument.base, .band_cents = is_alpha ? 25'000'00 : 5'000'00});
    }
    for (const auto& row : capital_rows) {
        if (broker.name != row.broker) continue;
        const auto asset = *listing.find_asset(row.asset);
        broker.capital.push_back(
            {.shard = *listing.find_shard(row.shard),
             .asset = asset,
             .amount = *Units{.scale = listing.asset(asset).scale}.parse(row.units),
             .source = row.source});
    }
}

}  // namespace

void put_demo_on_chains(Config& config, const std::string& site) {
    config.listing = chains_listing();
    config.price_columns.clear();
    for (const auto& asset : config.listing.assets) {
        // No file has the odds of a question.
        config.price_columns.push_back(asset.underlying == "AUG" ? "" : asset.underlying);
    }
    add_question(config.universe);
    if (config.marks.source == MarksConfig::Source::generator) {
        config.marks.walks.push_back({"AUG", *Dollars{}.parse("0.4"), base::Ppm{20'000}});
    }
    for (auto& broker : config.brokers) put_on_chains(broker, config.listing);
    config.chains.clear();
    config.world.mode = WorldPlace::Mode::chains;
    config.world.chains = ChainsConfig{.site = site,
                                       .endpoints = {},
                                       .signers = {{.broker = "alpha",
                                                    .development_key = alpha_key,
                                                    .url = {},
                                                    .certificate = {},
                                                    .key = {},
                                                    .authority = {}},
                                                   {.broker = "beta",
                                                    .development_key = beta_key,
                                                    .url = {},
                                                    .certificate = {},
                                                    .key = {},
                                                    .authority = {}}},
                                       .has_outsiders = true};
}

}  // namespace crossclear::app
