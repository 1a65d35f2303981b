#pragma once

#include "base/decimal.hpp"
#include "risk/margin.hpp"
#include "risk/surface.hpp"

#include <memory>
#include <utility>
#include <vector>

/// The demo universe of the margin specification, small enough to compute with by hand.

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

inline Parameters the_parameters() {
    return Parameters{.assets = {{0, 0, 0, 0},
                                 {0, .0001, .0025, .00125},
                                 {.16, .0003, .005, .0025},
                                 {.16, .002, .01, .005},
                                 {.20, .0003, .005, .0025},
                                 {.16, .0002, 0, 0},
                                 {.20, .0002, 0, 0}},
                      .mark_age_max = base::seconds(60)};
}

inline std::vector<Mark> the_marks() {
    const auto known = [](const char* text) { return Mark{price(text), at_noon, true}; };
    return {known("1"),    known("1"),     known("60000"), known("60000"),
            known("3000"), known("60000"), known("3000")};
}

inline base::Result<std::shared_ptr<const Surface>, SurfaceError> try_surface(
    std::vector<Mark> marks, Parameters parameters = the_parameters()) {
    return build_surface(7, std::make_shared<base::Listing>(a_listing()),
                         std::make_shared<Parameters>(std::move(parameters)), std::move(marks));
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
