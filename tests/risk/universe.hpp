#pragma once

#include "base/decimal.hpp"
#include "risk/margin.hpp"
#include "risk/parameters.hpp"
#include "risk/surface.hpp"

#include <memory>
#include <utility>
#include <vector>

/// What the margin specification lists, small enough to compute with by hand.

namespace crossclear::risk::testing {

inline constexpr base::AssetId usd{0};
inline constexpr base::AssetId usdc{1};
inline constexpr base::AssetId btc{2};
inline constexpr base::AssetId sbtc{3};
inline constexpr base::AssetId eth{4};
inline constexpr base::AssetId btc_perp{5};
inline constexpr base::AssetId eth_perp{6};
inline constexpr base::InstrumentId trade_sbtc{0};
inline constexpr base::InstrumentId trade_eth{1};
inline constexpr base::InstrumentId trade_btc_perp{2};
inline constexpr base::Timestamp at_noon{1'700'000'000'000'000};

/// Minor units of an asset from its decimal text.
inline base::Amount amount(const base::Listing& listing, base::AssetId asset, const char* text) {
    return base::Amount{*base::parse_decimal(text, listing.asset(asset).scale)};
}

/// A price from its decimal text.
inline base::Price price(const char* text) {
    return base::Price{*base::parse_decimal(text, base::price_scale)};
}

inline base::Listing a_listing() {
    using Kind = base::AssetKind;
    const auto in_kind = base::InstrumentKind::in_kind;
    const auto perpetual = base::InstrumentKind::linear_perpetual;
    base::Listing listing;
    listing.assets = {{"USD", 2, Kind::cash, "", ""},
                      {"USDC", 6, Kind::stable, "", "circle"},
                      {"BTC", 8, Kind::spot, "BTC", ""},
                      {"sBTC", 8, Kind::synthetic, "BTC", "synthetix"},
                      {"ETH", 9, Kind::spot, "ETH", ""},
                      {"BTC-PERP", 8, Kind::contract, "BTC", "venue"},
                      {"ETH-PERP", 9, Kind::contract, "ETH", "venue"}};
    listing.instruments = {{"sBTC", in_kind, sbtc, usdc},
                           {"ETH", in_kind, eth, usdc},
                           {"BTC-PERP", perpetual, btc_perp, usdc},
                           {"ETH-PERP", perpetual, eth_perp, usdc}};
    return listing;
}

/// What holding a wrapper costs.
struct Costs {
    double half_spread{};
    double haircut{};  ///< Of IM; half of it of MM.
};
inline kernel::Wrapper a_wrapper(const char* name, const Costs& costs) {
    kernel::Wrapper made;
    made.name = name;
    made.price = 1;
    made.half_spread = costs.half_spread;
    made.volume_day_usd = 1e18;
    made.haircut_initial = costs.haircut;
    made.haircut_maintenance = costs.haircut / 2;
    return made;
}

inline kernel::Instrument an_instrument(const char* name, kernel::Kind kind, std::uint16_t of,
                                        std::vector<kernel::ProtocolId> protocols = {}) {
    kernel::Instrument made;
    made.name = name;
    made.kind = kind;
    made.wrapper = kernel::WrapperId{of};
    if (kind == kernel::Kind::perpetual) {
        made.venue = protocols.front();
    } else {
        made.protocols = std::move(protocols);
    }
    return made;
}

/// Ranges, half spreads and haircuts. Nobody fails, and simulated markets stand still.
inline kernel::Universe the_universe() {
    using kernel::Kind;
    constexpr kernel::ProtocolId circle{0};
    constexpr kernel::ProtocolId synthetix{1};
    constexpr kernel::ProtocolId venue{2};
    kernel::Universe universe;
    universe.underlyings = {{.name = "BTC", .spot = 1, .range = .16, .volatility_day = 0},
                            {.name = "ETH", .spot = 1, .range = .20, .volatility_day = 0}};
    universe.wrappers = {a_wrapper("USDC", {.0001, .0025}), a_wrapper("BTC", {.0003, .005}),
                         a_wrapper("sBTC", {.002, .01}),    a_wrapper("ETH", {.0003, .005}),
                         a_wrapper("BTC-PERP", {.0002, 0}), a_wrapper("ETH-PERP", {.0002, 0})};
    for (const auto coin : {1U, 2U, 4U})
        universe.wrappers[coin].underlying = kernel::UnderlyingId{0};
    for (const auto coin : {3U, 5U}) universe.wrappers[coin].underlying = kernel::UnderlyingId{1};
    for (const char* name : {"circle", "synthetix", "venue"}) {
        universe.protocols.push_back(
            {.name = name, .default_year = .05, .loss_given_default = 0, .depegs = {}});
    }
    universe.instruments = {an_instrument("USD", Kind::cash, 0),
                            an_instrument("USDC", Kind::stable, 0, {circle}),
                            an_instrument("BTC", Kind::spot, 1),
                            an_instrument("sBTC", Kind::synthetic, 2, {synthetix}),
                            an_instrument("ETH", Kind::spot, 3),
                            an_instrument("BTC-PERP", Kind::perpetual, 4, {venue}),
                            an_instrument("ETH-PERP", Kind::perpetual, 5, {venue})};
    universe.simulation.count = 2;
    universe.model.funding = 0;
    return universe;
}

inline auto try_parameters(kernel::Universe universe) {
    return Parameters::of(a_listing(),
                          {.universe = std::move(universe), .mark_age_max = base::seconds(60)});
}

inline std::vector<Mark> the_marks() {
    const auto known = [](const char* text) { return Mark{price(text), at_noon, true}; };
    return {known("1"),    known("1"),     known("60000"), known("60000"),
            known("3000"), known("60000"), known("3000")};
}

inline base::Result<std::shared_ptr<const Surface>, SurfaceError> try_surface(
    std::vector<Mark> marks, kernel::Universe universe = the_universe()) {
    return build_surface(7, std::make_shared<base::Listing>(a_listing()),
                         *try_parameters(std::move(universe)),
                         {.marks = std::move(marks), .now = at_noon});
}

inline std::shared_ptr<const Surface> a_surface(std::vector<Mark> marks = the_marks()) {
    return *try_surface(std::move(marks));
}

/// The surface with one price changed.
inline std::shared_ptr<const Surface> surface_with(base::AssetId asset, const char* text) {
    auto marks = the_marks();
    marks[asset.v].price = price(text);
    return a_surface(std::move(marks));
}

/// Builds portfolios from decimal texts.
class PortfolioBuilder {
public:
    PortfolioBuilder& holding(base::AssetId asset, const char* text) {
        built_.tokens.push_back({asset, amount(listing_, asset, text)});
        return *this;
    }
    PortfolioBuilder& contract(base::AssetId asset, const char* text, const char* settled) {
        built_.contracts.push_back(
            {asset, usdc, amount(listing_, asset, text), amount(listing_, usdc, settled)});
        return *this;
    }
    operator Portfolio() const { return built_; }

private:
    base::Listing listing_{a_listing()};
    Portfolio built_;
};

inline PortfolioBuilder a_portfolio() { return {}; }

}  // namespace crossclear::risk::testing
