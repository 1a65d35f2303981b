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

// Goal: CG follows what a broker's accounts have open, at the price of the moment; told nothing, it
// follows the universe.
TEST(Surface, ChargesConcentrationForWhatIsOpen) {
    auto universe = the_universe();
    auto& perp = universe.wrappers.at(4);
    perp.open_interest_usd = 40'000;
    perp.open_interest_low_usd = 30'000;
    perp.open_interest_high_usd = 150'000;
    const auto parameters = *try_parameters(universe);
    EXPECT_TRUE(parameters->has_open_interest_caps());
    EXPECT_FALSE((*try_parameters(the_universe()))->has_open_interest_caps());
    const auto filled = [&](std::optional<std::int64_t> contracts) {
        Market market{.marks = the_marks(), .now = at_noon};
        if (contracts) {
            market.open_interest.resize(market.marks.size());
            market.open_interest[btc_perp.v] =
                base::Amount{*contracts * base::power_of_ten(a_listing().asset(btc_perp).scale)};
        }
        const auto surface =
            *build_surface(1, std::make_shared<base::Listing>(a_listing()), parameters, market);
        return surface->kernel()->charges()[4].concentration;
    };
    const double whole = filled(1'000);
    EXPECT_GT(whole, .5) << "full collateral less the range";
    EXPECT_DOUBLE_EQ(filled(0), 0);
    // Of 60,000 each, between 30,000 and 150,000.
    EXPECT_DOUBLE_EQ(filled(1), whole / 4);
    EXPECT_DOUBLE_EQ(filled(2), whole * 3 / 4);
    EXPECT_DOUBLE_EQ(filled(std::nullopt), whole / 12);
}

TEST(Surface, RefusesOpenInterestOfAnotherListing) {
    const auto error_with = [](std::vector<base::Amount> open) {
        const auto surface = build_surface(
            1, std::make_shared<base::Listing>(a_listing()), *try_parameters(the_universe()),
            {.marks = the_marks(), .now = at_noon, .open_interest = std::move(open)});
        return surface ? std::nullopt : std::optional{surface.error()};
    };
    const auto assets = a_listing().assets.size();
    EXPECT_EQ(error_with(std::vector<base::Amount>(assets)), std::nullopt);
    EXPECT_EQ(error_with(std::vector<base::Amount>(assets - 1)),
              SurfaceError::open_interest_not_of_listing);
    EXPECT_EQ(error_with(std::vector<base::Amount>(assets, base::Amount{-1})),
              SurfaceError::open_interest_not_of_listing);
    EXPECT_EQ(error_with(std::vector<base::Amount>(
                  assets, base::Amount{std::numeric_limits<std::int64_t>::max()})),
              std::nullopt);
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

TEST(Surface, ValuesTheUniverseAtTheMarks) {
    auto marks = the_marks();
    marks[sbtc.v].price = price("59000");
    marks[btc.v].price = price("61000");
    marks[eth.v].is_known = false;
    const auto surface = a_surface(marks);
    const auto& parameters = surface->parameters();
    const auto value_of = [&](base::AssetId asset) {
        return surface->kernel()->row(parameters.instrument(asset)).value;
    };
    EXPECT_EQ(value_of(sbtc), 59'000);
    EXPECT_EQ(value_of(btc), 61'000);
    EXPECT_EQ(value_of(eth), 1) << "the universe's price, until there is a mark";
    EXPECT_EQ(value_of(usd), 1);
    EXPECT_EQ(surface->kernel()->universe().underlyings[0].spot, 61'000) << "the coin in kind";
    EXPECT_EQ(surface->kernel()->number(), surface->number());
}

TEST(Surface, CountsTheAgeOfEachMark) {
    auto marks = the_marks();
    marks[btc.v].at = at_noon - base::seconds(45);
    marks[eth.v].at = at_noon + base::seconds(5);
    const auto surface = a_surface(marks);
    const auto& wrappers = surface->kernel()->universe().wrappers;
    EXPECT_EQ(wrappers[1].oracle_age_s, 45);
    EXPECT_EQ(wrappers[3].oracle_age_s, 0) << "a clock ahead of ours makes no price younger";
    EXPECT_EQ(wrappers[2].oracle_age_s, 0);
}

TEST(Surface, KeepsItsNumber) { EXPECT_EQ(a_surface()->number(), 7U); }

}  // namespace
}  // namespace crossclear::risk
