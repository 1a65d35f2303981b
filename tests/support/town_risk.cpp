#include "tests/support/town_risk.hpp"

#include "base/check.hpp"

#include <optional>
#include <string>
#include <utility>

namespace crossclear::tests {
namespace {

namespace kernel = risk::kernel;

struct WrapperRow {
    const char* name{};
    double half_spread{};
    double haircut{};
    std::optional<kernel::UnderlyingId> follows;
};

kernel::Wrapper wrapper(const WrapperRow& row) {
    kernel::Wrapper made;
    made.name = row.name;
    made.underlying = row.follows;
    made.price = 1;
    made.half_spread = row.half_spread;
    made.volume_day_usd = 1e18;
    made.haircut_initial = row.haircut;
    made.haircut_maintenance = row.haircut / 2;
    made.oracle_heartbeat_s = 600;
    return made;
}

kernel::Instrument instrument(const char* name, kernel::Kind kind, std::uint16_t of_wrapper) {
    kernel::Instrument made;
    made.name = name;
    made.kind = kind;
    made.wrapper = kernel::WrapperId{of_wrapper};
    return made;
}

kernel::Protocol harmless(const std::string& name) {
    return {.name = name, .default_year = .01, .loss_given_default = 0, .depegs = {}};
}

// As it is listed, and hedged with its coin.
void add_option(kernel::Universe& universe, const base::AssetInfo& asset,
                const base::OptionTerms& terms) {
    const auto of_coin = universe.find_wrapper(asset.underlying)->v;
    auto made = instrument(asset.symbol.c_str(), kernel::Kind::option, of_coin);
    made.underlying = *universe.find_underlying(asset.underlying);
    made.type = terms.type;
    made.strike = static_cast<double>(terms.strike.v) * 1e-9;
    made.volatility = .5;
    made.half_spread = .01;
    universe.instruments.push_back(std::move(made));
}

// A share of ETH and USDC, and ETH that is lent.
void add_untraded(kernel::Universe& universe, const base::AssetInfo& asset) {
    const auto of_eth = universe.find_wrapper("ETH")->v;
    const bool is_pool = asset.kind == base::AssetKind::pool;
    auto made = instrument(asset.symbol.c_str(),
                           is_pool ? kernel::Kind::lp2 : kernel::Kind::deposit, of_eth);
    if (is_pool) {
        made.quote = *universe.find_wrapper("USDC");
        made.liquidity = 1;
    }
    universe.instruments.push_back(std::move(made));
}

void add_stable(kernel::Universe& universe, const base::AssetInfo& asset) {
    const auto place = static_cast<std::uint16_t>(universe.wrappers.size());
    universe.wrappers.push_back(wrapper({asset.symbol.c_str(), .0002, .005, std::nullopt}));
    universe.instruments.push_back(instrument(asset.symbol.c_str(), kernel::Kind::stable, place));
}

// A future is as its coin's perpetual, an outcome one of two.
void add_what_ends(kernel::Universe& universe, const base::AssetInfo& asset) {
    if (asset.kind == base::AssetKind::outcome) {
        auto made = instrument(asset.symbol.c_str(), kernel::Kind::binary, 0);
        made.event = asset.symbol;
        made.outcomes = 2;
        made.half_spread = .01;
        universe.instruments.push_back(std::move(made));
        return;
    }
    const auto place = static_cast<std::uint16_t>(universe.wrappers.size());
    universe.wrappers.push_back(
        wrapper({asset.symbol.c_str(), .0002, 0, universe.find_underlying(asset.underlying)}));
    universe.instruments.push_back(instrument(asset.symbol.c_str(), kernel::Kind::future, place));
}

kernel::Universe town_universe(const base::Listing& listing) {
    constexpr kernel::UnderlyingId btc{0};
    constexpr kernel::UnderlyingId eth{1};
    kernel::Universe universe;
    universe.underlyings = {{.name = "BTC", .spot = 1, .range = .16, .volatility_day = 0},
                            {.name = "ETH", .spot = 1, .range = .2, .volatility_day = 0}};
    universe.wrappers = {wrapper({"USDC", .0001, .0025, std::nullopt}),
                         wrapper({"ETH", .0003, .005, eth}), wrapper({"sBTC", .002, .01, btc}),
                         wrapper({"BTC-PERP", .0002, 0, btc})};
    universe.instruments = {
        instrument("USD", kernel::Kind::cash, 0), instrument("USDC", kernel::Kind::stable, 0),
        instrument("ETH", kernel::Kind::spot, 1), instrument("sBTC", kernel::Kind::synthetic, 2),
        instrument("BTC-PERP", kernel::Kind::perpetual, 3)};
    for (const auto& asset : listing.assets) {
        if (universe.find_instrument(asset.symbol)) continue;
        if (asset.kind == base::AssetKind::option) {
            const auto of = listing.instrument_of(*listing.find_asset(asset.symbol));
            add_option(universe, asset, *listing.instrument(*of).option);
            continue;
        }
        if (base::is_untraded(asset.kind)) {
            add_untraded(universe, asset);
        } else if (asset.kind == base::AssetKind::stable) {
            add_stable(universe, asset);
        } else {
            add_what_ends(universe, asset);
        }
    }
    for (const auto& asset : listing.assets) {
        if (asset.protocol.empty()) continue;
        const auto known = universe.find_protocol(asset.protocol);
        const kernel::ProtocolId id =
            known ? *known
                  : kernel::ProtocolId{static_cast<std::uint16_t>(universe.protocols.size())};
        if (!known) universe.protocols.push_back(harmless(asset.protocol));
        auto& named = universe.instruments.at(universe.find_instrument(asset.symbol)->v);
        if (named.kind == kernel::Kind::perpetual || named.kind == kernel::Kind::future) {
            named.venue = id;
        } else {
            named.protocols = {id};
        }
    }
    universe.simulation.count = 8;
    universe.model.funding = 0;
    return universe;
}

}  // namespace

std::shared_ptr<const risk::Parameters> town_parameters(
    const base::Listing& listing, const std::function<void(kernel::Universe&)>& change) {
    auto universe = town_universe(listing);
    if (change) change(universe);
    auto parameters = risk::Parameters::of(
        listing, {.universe = std::move(universe), .mark_age_max = base::seconds(600)});
    CHECK(parameters.has_value(), "the town's universe fits its listing");
    return *std::move(parameters);
}

std::function<void(kernel::Universe&)> with_cap(const OpenInterestCap& cap) {
    return [cap](kernel::Universe& universe) {
        auto& wrapper = universe.wrappers.at(universe.find_wrapper(cap.wrapper)->v);
        wrapper.open_interest_low_usd = static_cast<double>(cap.low_usd);
        wrapper.open_interest_high_usd = static_cast<double>(cap.high_usd);
    };
}

}  // namespace crossclear::tests
