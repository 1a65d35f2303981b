// Options, from the listing to margin.
#include "risk/watch.hpp"
#include "tests/risk/universe.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

constexpr base::AssetId call{7};
constexpr base::AssetId put{8};
constexpr base::InstrumentId trade_call{4};
constexpr base::InstrumentId trade_put{5};
constexpr base::Timestamp at_the_end = at_noon + base::seconds(43'200);
constexpr std::size_t option_assets = 9;

// A call and a put on BTC at 60,000, which end at at_the_end.
base::Listing with_options() {
    auto listing = a_listing();
    for (const auto& [symbol, asset, type] : {std::tuple{"BTC-60C", call, base::OptionType::call},
                                              std::tuple{"BTC-60P", put, base::OptionType::put}}) {
        listing.assets.push_back({symbol, 8, base::AssetKind::option, "BTC", "venue"});
        listing.instruments.push_back(
            {.symbol = symbol,
             .kind = base::InstrumentKind::option,
             .base = asset,
             .settlement = usdc,
             .expiry = base::Expiry{.at = at_the_end, .average_over = base::seconds(600)},
             .option = base::OptionTerms{.type = type, .strike = price("60000")}});
    }
    return listing;
}

kernel::Universe universe_with_options() {
    auto universe = the_universe();
    for (const auto type : {kernel::OptionType::call, kernel::OptionType::put}) {
        auto option = an_instrument(type == kernel::OptionType::call ? "BTC-60C" : "BTC-60P",
                                    kernel::Kind::option, 4, {kernel::ProtocolId{2}});
        option.type = type;
        option.underlying = kernel::UnderlyingId{0};
        option.strike = 60'000;
        option.volatility = .6;
        option.days = 300;  // Of a file that was written long before.
        option.forward = 1;
        option.half_spread = .02;
        universe.instruments.push_back(option);
    }
    return universe;
}

auto option_parameters(kernel::Universe universe, const base::Listing& listing = with_options()) {
    return Parameters::of(listing,
                          {.universe = std::move(universe), .mark_age_max = base::seconds(60)});
}

// What was expected of the one thing that is wrong.
std::string option_fault(kernel::Universe universe, const base::Listing& listing = with_options()) {
    const auto parameters = option_parameters(std::move(universe), listing);
    return parameters ? "" : parameters.error().front().says;
}

Market a_market() {
    Market market{.marks = the_marks(), .now = at_noon};
    market.marks.resize(option_assets);
    return market;
}

std::shared_ptr<const Surface> option_surface(Market market,
                                              kernel::Universe universe = universe_with_options(),
                                              std::uint64_t number = 7) {
    return *build_surface(number, std::make_shared<base::Listing>(with_options()),
                          *option_parameters(std::move(universe)), std::move(market));
}

double option_mark(base::AssetId option, Market market) {
    return static_cast<double>(option_surface(std::move(market))->mark(option).price.v) * 1e-9;
}

// The perpetual's price is the forward; the volatility is 60 % and half a day is left. Figures:
// Black's formula by Python's erfc.
TEST(Options, HaveTheMarkThatBlackMakesOfWhatHedgesThem) {
    EXPECT_NEAR(option_mark(call, a_market()), 531.5476625945, 1e-6);
    EXPECT_NEAR(option_mark(put, a_market()), 531.5476625945, 1e-6);
    auto market = a_market();
    market.marks[btc_perp.v].price = price("61000");
    EXPECT_NEAR(option_mark(call, market), 1177.9467532806, 1e-6);
    EXPECT_NEAR(option_mark(put, market), 177.9467532806, 1e-6);
    market.marks[btc_perp.v].price = price("0");
    EXPECT_EQ(option_mark(call, market), 0);
    EXPECT_NEAR(option_mark(put, market), 60'000, 1e-6);
}

// Goal: a strike is one in the settlement token; where that is worth .97 dollars, so is the strike.
TEST(Options, AreStruckInTheirSettlementToken) {
    auto market = a_market();
    market.marks[usdc.v].price = price("0.97");
    EXPECT_NEAR(option_mark(call, market), 1851.2062349784, 1e-6);
}

TEST(Options, AreAsOldAsWhatHedgesThem) {
    auto market = a_market();
    market.marks[btc_perp.v].at = at_noon - base::seconds(50);
    const auto surface = option_surface(market);
    EXPECT_EQ(surface->mark(call).at, at_noon - base::seconds(50));
    EXPECT_TRUE(surface->is_instrument_fresh(trade_call, at_noon));
    EXPECT_FALSE(surface->is_instrument_fresh(trade_call, at_noon + base::seconds(11)));
    market.marks[btc_perp.v] = {};
    EXPECT_FALSE(option_surface(market)->mark(call).is_known);
}

// Goal: a volatility that moves comes with the marks; without one there is no mark, and no margin.
TEST(Options, FollowAVolatilityThatIsPublished) {
    auto universe = universe_with_options();
    universe.instruments.at(7).is_index_published = true;
    EXPECT_FALSE(option_surface(a_market(), universe)->mark(call).is_known);
    EXPECT_TRUE(option_surface(a_market(), universe)->mark(put).is_known);
    auto market = a_market();
    market.indices.resize(option_assets);
    market.indices[call.v] = {price("0.9"), at_noon - base::seconds(40), true};
    const auto surface = option_surface(market, universe);
    const auto& mark = surface->mark(call);
    EXPECT_NEAR(static_cast<double>(mark.price.v), 797.3010155538e9, 1e3);
    EXPECT_EQ(mark.at, at_noon - base::seconds(40));
}

ContractPosition options(base::AssetId of, const char* quantity, std::int64_t settled_usdc) {
    return {.contract = of,
            .settlement = usdc,
            .quantity = amount(with_options(), of, quantity),
            .settled_value = base::Amount{settled_usdc * 1'000'000}};
}

Margin option_margin(const std::vector<ContractPosition>& contracts, std::int64_t cash_usd,
                     const Market& market = a_market()) {
    const Portfolio portfolio{.tokens = {{usd, base::Amount{cash_usd * 100}}},
                              .contracts = contracts};
    return *make_portfolio_model()->margin(*option_surface(market), portfolio);
}

Market averaged(double share, const char* average, base::Timestamp now = at_noon) {
    auto market = a_market();
    market.now = now;
    market.averages.resize(option_assets);
    for (const auto option : {call, put}) {
        market.averages[option.v] = {.price = price(average), .share = share};
    }
    return market;
}

// Goal: nobody sells at the price of the moment what ends at an average that is known by half. Half
// of 62,000 is known: what is left is half an option at 58,000, and of a put at what that is.
TEST(Options, KnowWhatIsKnownOfTheirAverage) {
    EXPECT_NEAR(option_mark(call, averaged(.5, "62000")), 1018.0604561516, 1e-6);
    EXPECT_NEAR(option_mark(put, averaged(.5, "62000")), 18.0604561516, 1e-6);
    // Below any strike that is left: a forward, and nothing.
    EXPECT_NEAR(option_mark(call, averaged(.99, "61000")), .99 * 61'000 + .01 * 60'000 - 60'000,
                1e-6);
    EXPECT_EQ(option_mark(put, averaged(.99, "61000")), 0);
    const auto surface = option_surface(averaged(.5, "62000"));
    const auto exposure = [&](const std::shared_ptr<const Surface>& of) {
        return of->kernel()->row(of->parameters().instrument(call)).exposures.list[0].usd;
    };
    EXPECT_LE(exposure(surface), .5 * 60'000);
    EXPECT_GT(exposure(surface), .4 * 60'000);
}

// Goal: between its end and its last price an option is worth what it will pay, whatever its coin
// does: it needs no margin, and moves nobody.
TEST(Options, StandAtWhatTheyEndAt) {
    auto market = averaged(1, "61000", at_the_end);
    market.marks[btc_perp.v] = {price("66000"), at_the_end + base::seconds(5), true};
    const auto surface = option_surface(market);
    EXPECT_EQ(surface->mark(call).price, price("1000"));
    EXPECT_EQ(surface->mark(put).price, price("0"));
    EXPECT_EQ(surface->mark(call).at, at_the_end);
    EXPECT_TRUE(surface->is_fresh(call, at_the_end + base::seconds(86'400)));
    const auto sold = option_margin({options(call, "-1", -1'000)}, 5'000, market);
    EXPECT_EQ(sold.equity_cents, 5'000'00);
    EXPECT_EQ(sold.initial_cents, 0);
    // Nobody publishes a volatility any more.
    auto universe = universe_with_options();
    universe.instruments.at(7).is_index_published = true;
    EXPECT_TRUE(option_surface(market, universe)->mark(call).is_known);
}

// Goal: a node that begins after it, and knows no average, takes what it would pay now.
TEST(Options, WithoutAnAverageAreWorthWhatTheyWouldPay) {
    auto market = a_market();
    market.now = at_the_end;
    market.marks[btc_perp.v] = {price("66000"), at_the_end + base::seconds(5), true};
    EXPECT_EQ(option_surface(market)->mark(call).price, price("6000"));
}

TEST(Options, TakeNoAverageThatIsNone) {
    const auto fault = [&](const Market& market) {
        const auto surface = build_surface(7, std::make_shared<base::Listing>(with_options()),
                                           *option_parameters(universe_with_options()), market);
        return surface ? std::optional<SurfaceError>{} : surface.error();
    };
    EXPECT_EQ(fault(averaged(1.01, "1")), SurfaceError::averages_not_of_listing);
    EXPECT_EQ(fault(averaged(std::nan(""), "1")), SurfaceError::averages_not_of_listing);
    auto few = averaged(1, "1");
    few.averages.pop_back();
    EXPECT_EQ(fault(few), SurfaceError::averages_not_of_listing);
}

TEST(Options, FillAtTheirOwnSpread) {
    auto market = a_market();
    market.now = at_the_end;
    market.marks[btc_perp.v] = {price("60100"), at_the_end, true};
    const auto surface = option_surface(market);
    EXPECT_EQ(surface->fill_price(trade_call, true), price("102"));
    EXPECT_EQ(surface->fill_price(trade_call, false), price("98"));
    EXPECT_EQ(surface->fill_price(trade_put, true), price("0"));
}

// Goal: limits and bands count an option by the coin behind it, not by its premium.
TEST(Options, StandForTheirCoin) {
    const auto surface = option_surface(a_market());
    EXPECT_EQ(surface->notional_mark(call).price, price("60000"));
    EXPECT_EQ(surface->notional_mark(usdc).price, price("1"));
    EXPECT_EQ(surface->coin_price(trade_put, at_noon), price("60000"));
}

// Goal: options fill the cap of what they are hedged with.
TEST(Options, CountInTheOpenInterestOfWhatHedgesThem) {
    auto universe = universe_with_options();
    universe.wrappers.at(4).open_interest_low_usd = 1;
    universe.wrappers.at(4).open_interest_high_usd = 1e9;
    const auto parameters = *option_parameters(universe);
    EXPECT_TRUE(parameters->has_open_interest_cap(call));
    EXPECT_FALSE(parameters->has_open_interest_cap(usdc));
    auto market = a_market();
    market.open_interest.resize(option_assets);
    market.open_interest[call.v] = base::Amount{100'000'000};
    market.open_interest[btc_perp.v] = base::Amount{200'000'000};
    const auto surface = option_surface(market, universe);
    EXPECT_EQ(surface->kernel()->universe().wrappers.at(4).open_interest_usd, 180'000);
}

// Goal: one volatility that is beyond belief keeps nobody from publishing prices.
TEST(Options, TakeNoVolatilityBeyondTheKernels) {
    auto universe = universe_with_options();
    universe.instruments.at(7).is_index_published = true;
    auto market = a_market();
    market.indices.resize(option_assets);
    market.indices[call.v] = {price("25"), at_noon, true};
    const auto surface = option_surface(market, universe);
    const auto place = surface->parameters().instrument(call);
    EXPECT_EQ(surface->kernel()->universe().instrument(place).volatility,
              kernel::limits::volatility_max);
}

TEST(Options, HaveTheTermsOfTheirListing) {
    EXPECT_EQ(option_fault(universe_with_options()), "");
    auto universe = universe_with_options();
    universe.instruments.at(7).strike = 60'001;
    EXPECT_EQ(option_fault(universe), "expected the strike 60000: so it is listed");
    universe = universe_with_options();
    universe.instruments.at(7).type = kernel::OptionType::put;
    EXPECT_EQ(option_fault(universe), "expected the other type: so it is listed");
    universe = universe_with_options();
    universe.instruments.at(7).kind = kernel::Kind::future;
    EXPECT_EQ(option_fault(universe), "expected kind option: so it is listed");
    universe = universe_with_options();
    universe.instruments.at(7).half_spread = .6;
    EXPECT_NE(option_fault(universe), "");
    auto listing = with_options();
    listing.assets[call.v].underlying = "ETH";
    EXPECT_EQ(option_fault(universe_with_options(), listing),
              "expected the underlying ETH: so it is listed");
    listing = with_options();
    listing.instruments.pop_back();
    EXPECT_EQ(option_fault(universe_with_options(), listing),
              "expected an instrument that trades BTC-60P");
}

// Goal: what an option is priced by has a mark as long as it is traded.
TEST(Options, AreHedgedWithWhatIsListedAndDoesNotEndBefore) {
    auto listing = with_options();
    listing.instruments[2].kind = base::InstrumentKind::dated_future;
    auto universe = universe_with_options();
    universe.instruments.at(5).kind = kernel::Kind::future;
    listing.instruments[2].expiry = base::Expiry{.at = at_the_end};
    EXPECT_EQ(option_fault(universe, listing), "");
    listing.instruments[2].expiry->at = at_the_end - base::seconds(1);
    EXPECT_EQ(option_fault(universe, listing),
              "expected a listed coin or contract that does not end before it, not BTC-PERP");
    universe = universe_with_options();
    universe.wrappers.push_back(universe.wrappers.at(4));
    universe.wrappers.back().name = "BTC-OTHER";
    universe.instruments.at(7).wrapper = kernel::WrapperId{6};
    EXPECT_EQ(option_fault(universe),
              "expected a listed coin or contract that does not end before it, not BTC-OTHER");
}

// Goal: an option that was bought is worth its mark less what was promised for it, and can lose
// that: whoever holds the cash for it is never liquidated.
TEST(Options, ABoughtOneLosesItsPremiumAtMost) {
    const auto bought = option_margin({options(call, "1", 500)}, 500);
    EXPECT_EQ(bought.equity_cents, 531'54);
    EXPECT_LE(bought.initial_cents, bought.equity_cents);
    EXPECT_EQ(bought.gross_cents, 60'000'00) << "by its coin";
    // What is promised comes off the token that it is promised in: nobody owes it twice.
    const Portfolio in_tokens{.tokens = {{usdc, base::Amount{500'000'000}}},
                              .contracts = {options(call, "1", 500)}};
    const auto of_tokens = *make_portfolio_model()->margin(*option_surface(a_market()), in_tokens);
    EXPECT_EQ(of_tokens.equity_cents, bought.equity_cents);
    EXPECT_LE(of_tokens.initial_cents, of_tokens.equity_cents);
    // Of a spread what it costs in all.
    const Portfolio spread{.tokens = {{usdc, base::Amount{500'000'000}}},
                           .contracts = {options(call, "1", 500), options(put, "-1", -500)}};
    Portfolio unsettled = spread;
    for (auto& one : unsettled.contracts) one.settled_value = {};
    const auto haircut = [](const Portfolio& of) {
        return make_portfolio_model()->margin(*option_surface(a_market()), of)->part(Part::H);
    };
    EXPECT_EQ(haircut(spread), haircut(unsettled));
    EXPECT_GT(haircut(spread), 0);
    const auto owed = option_margin({options(call, "1", 500)}, 0);
    EXPECT_EQ(owed.equity_cents, 31'54);
    EXPECT_GT(owed.initial_cents, owed.equity_cents) << "its premium is not there";
}

// A short call loses 9,600 less the premium where the coin is up by its range, with volatility up;
// and half a percent of the coin stands for what no scenario shows.
TEST(Options, ASoldOneNeedsWhatTheCoinMayTake) {
    const auto sold = option_margin({options(call, "-1", -531)}, 20'000);
    EXPECT_EQ(sold.part(Part::SOM), 300'00);
    EXPECT_NEAR(static_cast<double>(sold.part(Part::MR)), 9'600'00 - 531'55, 500'00);
    // The perpetual covers it.
    const ContractPosition perpetual{.contract = btc_perp,
                                     .settlement = usdc,
                                     .quantity = base::Amount{100'000'000},
                                     .settled_value = base::Amount{60'000'000'000}};
    const auto covered = option_margin({options(call, "-1", -531), perpetual}, 20'000);
    EXPECT_EQ(covered.part(Part::SOM), 300'00);
    EXPECT_LT(option_margin({perpetual}, 20'000).part(Part::MR) - covered.part(Part::MR), 1'000'00);
}

// Call less put less forward is nothing, in every scenario.
TEST(Options, ParityNeedsNoMarketRisk) {
    const ContractPosition forward{.contract = btc_perp,
                                   .settlement = usdc,
                                   .quantity = base::Amount{-100'000'000},
                                   .settled_value = base::Amount{-60'000'000'000}};
    const auto margin =
        option_margin({options(call, "1", 500), options(put, "-1", -500), forward}, 20'000);
    EXPECT_LE(margin.part(Part::MR), 1);
}

// Goal: one that was worth next to nothing and doubles is nobody's reason to look at everybody.
TEST(Options, MovesOfThemCountByTheirCoin) {
    auto universe = universe_with_options();
    universe.instruments.at(7).is_index_published = true;
    const auto at = [&](const char* volatility, std::uint64_t number) {
        auto market = a_market();
        market.indices.resize(option_assets);
        market.indices[call.v] = {price(volatility), at_noon, true};
        return option_surface(market, universe, number);
    };
    Watch watch;
    constexpr base::AccountId alice{1};
    watch.move_to(*at("0.1", 7));
    watch.touch(alice);
    for (const auto& ask : watch.take_due(at_noon)) watch.keep(ask, .005, at_noon);
    watch.move_to(*at("0.12", 8));  // From 89 dollars to 106: .0003 of the coin.
    EXPECT_TRUE(watch.take_due(at_noon).empty());
    // Requirements follow the volatility further than the mark does.
    watch.move_to(*at("0.3", 9));  // To 266: .003 of the coin, and .004 of what scenarios take.
    EXPECT_FALSE(watch.take_due(at_noon).empty());
}

}  // namespace
}  // namespace crossclear::risk
