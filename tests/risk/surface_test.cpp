#include "risk/surface.hpp"

#include "tests/risk/universe.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

TEST(RiskParameters, AreAcceptedAsSpecified) {
    EXPECT_EQ(fault_of(the_parameters(), a_listing()), std::nullopt);
}

TEST(RiskParameters, AreRefusedWhereANumberIsNotOne) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {nan, -nan, infinity, -infinity, -0.01, 1.5}) {
        for (auto member : {&AssetRisk::range, &AssetRisk::half_spread, &AssetRisk::haircut_initial,
                            &AssetRisk::haircut_maintenance}) {
            auto parameters = the_parameters();
            parameters.assets[sbtc.v].*member = bad;
            const auto fault = fault_of(parameters, a_listing());
            ASSERT_TRUE(fault.has_value()) << bad;
            EXPECT_NE(fault->find("sBTC"), std::string::npos) << *fault;
            const auto surface = try_surface(the_marks(), parameters);
            ASSERT_FALSE(surface.has_value());
            EXPECT_EQ(surface.error(), SurfaceError::parameters_faulty);
        }
    }
}

struct FaultyParameters {
    const char* what;
    std::function<void(Parameters&)> break_it;
    const char* says;
};

TEST(RiskParameters, AreRefusedWhereTheModelWouldIgnoreOrContradictThem) {
    const FaultyParameters table[] = {
        {"too few", [](Parameters& p) { p.assets.pop_back(); }, "for 6 assets where 7"},
        {"too many", [](Parameters& p) { p.assets.emplace_back(); }, "for 8 assets where 7"},
        {"no age", [](Parameters& p) { p.mark_age_max = {}; }, "mark_age_max"},
        {"range of a dollar", [](Parameters& p) { p.assets[usdc.v].range = .03; },
         "needs an underlying"},
        {"two ranges of BTC", [](Parameters& p) { p.assets[sbtc.v].range = .17; },
         "must have one range"},
        {"haircut of cash", [](Parameters& p) { p.assets[usd.v].haircut_initial = .01; },
         "no haircut"},
        {"haircut of a contract", [](Parameters& p) { p.assets[btc_perp.v].haircut_initial = .01; },
         "no haircut"},
        {"MM above IM", [](Parameters& p) { p.assets[sbtc.v].haircut_maintenance = .02; },
         "maintenance haircut"},
        {"half spread too wide", [](Parameters& p) { p.assets[sbtc.v].half_spread = .6; },
         "half spread"},
    };
    for (const auto& row : table) {
        auto parameters = the_parameters();
        row.break_it(parameters);
        const auto fault = fault_of(parameters, a_listing());
        ASSERT_TRUE(fault.has_value()) << row.what;
        EXPECT_NE(fault->find(row.says), std::string::npos) << *fault;
    }
}

TEST(Surface, RefusesPricesThatCannotBe) {
    const auto error_with = [](base::AssetId asset, std::int64_t bad) {
        auto marks = the_marks();
        marks[asset.v].price = base::Price{bad};
        const auto surface = try_surface(marks);
        return surface ? std::nullopt : std::optional{surface.error()};
    };
    EXPECT_EQ(error_with(btc, -1), SurfaceError::price_negative);
    EXPECT_EQ(error_with(btc, std::numeric_limits<std::int64_t>::min()),
              SurfaceError::price_negative);
    EXPECT_EQ(error_with(btc, price_max.v + 1), SurfaceError::price_absurd);
    EXPECT_EQ(error_with(btc, std::numeric_limits<std::int64_t>::max()),
              SurfaceError::price_absurd);
    EXPECT_EQ(error_with(usd, 999'999'999), SurfaceError::cash_not_at_one);
    EXPECT_EQ(error_with(btc, 0), std::nullopt);
    EXPECT_EQ(error_with(btc, price_max.v), std::nullopt);
}

TEST(Surface, WantsOneMarkPerAsset) {
    auto marks = the_marks();
    marks.pop_back();
    EXPECT_EQ(try_surface(marks).error(), SurfaceError::marks_not_of_listing);
}

TEST(Surface, KnowsThatADollarIsADollar) {
    auto marks = the_marks();
    marks[usd.v] = {};
    const auto surface = a_surface(marks);
    EXPECT_EQ(surface->mark(usd).price, price("1"));
    EXPECT_TRUE(surface->is_fresh(usd, base::Timestamp{}));
}

TEST(Surface, CallsAMarkFreshUpToItsAge) {
    const auto surface = a_surface();
    EXPECT_TRUE(surface->is_fresh(btc, at_noon));
    EXPECT_TRUE(surface->is_fresh(btc, at_noon + base::seconds(60)));
    EXPECT_FALSE(surface->is_fresh(btc, at_noon + base::seconds(60) + base::Duration{1}));
    EXPECT_TRUE(surface->is_fresh(btc, at_noon - base::seconds(60)));
    EXPECT_FALSE(surface->is_fresh(btc, at_noon - base::seconds(61)));
    EXPECT_FALSE(surface->is_fresh(btc, base::Timestamp{std::numeric_limits<std::int64_t>::min()}));
}

TEST(Surface, CallsAnInstrumentFreshOnlyWithBothItsMarks) {
    auto marks = the_marks();
    marks[usdc.v].at = at_noon - base::seconds(61);
    const auto surface = a_surface(marks);
    EXPECT_TRUE(surface->is_fresh(sbtc, at_noon));
    EXPECT_FALSE(surface->is_instrument_fresh(trade_sbtc, at_noon));
    marks[usdc.v] = {};
    EXPECT_FALSE(a_surface(marks)->is_instrument_fresh(trade_sbtc, at_noon));
    EXPECT_TRUE(a_surface()->is_instrument_fresh(trade_sbtc, at_noon));
}

TEST(Surface, PricesAnInstrumentInItsSettlementToken) {
    EXPECT_EQ(a_surface()->instrument_mark(trade_sbtc), price("60000"));
    // 60000 / 0.97 = 61855.6701030927835...
    EXPECT_EQ(surface_with(usdc, "0.97")->instrument_mark(trade_sbtc), price("61855.670103093"));
    // 60000 / 1.03 = 58252.42718446601...
    EXPECT_EQ(surface_with(usdc, "1.03")->instrument_mark(trade_sbtc), price("58252.427184466"));
    // 0.000000001 / 2 is half of the last digit, and halves go up.
    auto marks = the_marks();
    marks[sbtc.v].price = base::Price{1};
    marks[usdc.v].price = price("2");
    EXPECT_EQ(a_surface(marks)->instrument_mark(trade_sbtc), base::Price{1});
}

TEST(Surface, HasNoInstrumentPriceWhereThereIsNone) {
    auto unknown = the_marks();
    unknown[sbtc.v].is_known = false;
    auto no_dollar = the_marks();
    no_dollar[usdc.v].is_known = false;
    auto too_large = the_marks();
    too_large[usdc.v].price = base::Price{1};
    for (const auto& surface : {a_surface(unknown), a_surface(no_dollar), a_surface(too_large),
                                surface_with(usdc, "0")}) {
        EXPECT_EQ(surface->instrument_mark(trade_sbtc), std::nullopt);
        EXPECT_EQ(surface->fill_price(trade_sbtc, true), std::nullopt);
        EXPECT_EQ(surface->fill_price(trade_sbtc, false), std::nullopt);
    }
}

TEST(Surface, TradesAWorthlessCoinAtZero) {
    const auto surface = surface_with(sbtc, "0");
    EXPECT_EQ(surface->instrument_mark(trade_sbtc), base::Price{0});
    EXPECT_EQ(surface->fill_price(trade_sbtc, true), base::Price{0});
    EXPECT_EQ(surface->fill_price(trade_sbtc, false), base::Price{0});
}

TEST(Surface, FillsAtTheMarkAndHalfASpreadAgainstTheClient) {
    const auto surface = a_surface();
    EXPECT_EQ(surface->fill_price(trade_sbtc, true), price("60120"));
    EXPECT_EQ(surface->fill_price(trade_sbtc, false), price("59880"));
    EXPECT_EQ(surface->fill_price(trade_btc_perp, true), price("60012"));
    // 0.000000001 · (1 ± .002): whatever is not exact goes to the house.
    auto marks = the_marks();
    marks[sbtc.v].price = base::Price{1};
    EXPECT_EQ(a_surface(marks)->fill_price(trade_sbtc, true), base::Price{2});
    EXPECT_EQ(a_surface(marks)->fill_price(trade_sbtc, false), base::Price{0});
}

TEST(Surface, FillsAtPricesBeyond64BitIntermediates) {
    auto marks = the_marks();
    marks[sbtc.v].price = price_max;
    EXPECT_EQ(a_surface(marks)->fill_price(trade_sbtc, true),
              base::Price{1'002'000'000'000'000'000});
    EXPECT_EQ(a_surface(marks)->fill_price(trade_sbtc, false),
              base::Price{998'000'000'000'000'000});
}

TEST(Surface, GroupsAssetsByWhatMovesThem) {
    const auto surface = a_surface();
    EXPECT_EQ(surface->underlying_of(usdc), Surface::no_underlying);
    EXPECT_EQ(surface->underlying_of(btc), surface->underlying_of(sbtc));
    EXPECT_EQ(surface->underlying_of(btc), surface->underlying_of(btc_perp));
    EXPECT_NE(surface->underlying_of(btc), surface->underlying_of(eth));
    EXPECT_EQ(surface->underlying_ranges(), (std::vector<double>{.16, .20}));
}

TEST(Surface, KeepsItsNumber) { EXPECT_EQ(a_surface()->number(), 7U); }

}  // namespace
}  // namespace crossclear::risk
