// What ends: dated futures and outcomes, from the listing to margin.
#include "risk/watch.hpp"
#include "tests/risk/universe.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

constexpr base::AssetId btc_december{7};
constexpr base::AssetId rain{8};
constexpr base::AssetId dry{9};
constexpr base::InstrumentId trade_december{4};
constexpr base::InstrumentId trade_rain{5};
constexpr base::Timestamp midnight = at_noon + base::seconds(43'200);

base::Listing with_endings() {
    using base::AssetKind;
    using base::InstrumentKind;
    auto listing = a_listing();
    const base::Expiry ends{.at = midnight};
    listing.assets.push_back({"BTC-DEC", 8, AssetKind::contract, "BTC", "venue"});
    listing.instruments.push_back(
        {"BTC-DEC", InstrumentKind::dated_future, btc_december, usdc, ends});
    for (const auto& [symbol, asset] : {std::pair{"RAIN", rain}, std::pair{"DRY", dry}}) {
        listing.assets.push_back({symbol, 6, AssetKind::outcome, "", "augur"});
        listing.instruments.push_back({symbol, InstrumentKind::prediction, asset, usdc, ends});
    }
    return listing;
}

kernel::Universe universe_with_endings() {
    auto universe = the_universe();
    universe.wrappers.push_back(a_wrapper("BTC-DEC", {.0002, 0}));
    universe.wrappers.back().underlying = kernel::UnderlyingId{0};
    auto december = an_instrument("BTC-DEC", kernel::Kind::future, 6);
    december.venue = kernel::ProtocolId{2};
    universe.instruments.push_back(december);
    universe.protocols.push_back(
        {.name = "augur", .default_year = .05, .loss_given_default = 0, .depegs = {}});
    for (std::uint16_t outcome = 0; outcome < 2; ++outcome) {
        auto share = an_instrument(outcome == 0 ? "RAIN" : "DRY", kernel::Kind::binary, 0,
                                   {kernel::ProtocolId{3}});
        share.event = "weather";
        share.outcome = outcome;
        share.outcomes = 2;
        share.half_spread = .02;
        universe.instruments.push_back(share);
    }
    return universe;
}

auto parameters_of(kernel::Universe universe) {
    return Parameters::of(with_endings(),
                          {.universe = std::move(universe), .mark_age_max = base::seconds(60)});
}

auto try_endings(const char* rain_price, std::uint64_t number = 7, base::Timestamp at = at_noon) {
    auto marks = the_marks();
    for (const char* text : {"61000", rain_price, "0.6"}) {
        marks.push_back({price(text), at, true});
    }
    return build_surface(number, std::make_shared<base::Listing>(with_endings()),
                         *parameters_of(universe_with_endings()),
                         {.marks = std::move(marks), .now = at_noon});
}

// Shares in whole ones, and what was settled on them in cents of a dollar.
ContractPosition shares(base::AssetId of, std::int64_t count, std::int64_t settled_cents) {
    return {.contract = of,
            .settlement = usdc,
            .quantity = base::Amount{count * 1'000'000},
            .settled_value = base::Amount{settled_cents * 10'000}};
}

Margin margin_with(const std::vector<ContractPosition>& contracts, const char* rain_price = "0.4",
                   std::int64_t cash_cents = 1'000'00) {
    const Portfolio portfolio{.tokens = {{usd, base::Amount{cash_cents}}}, .contracts = contracts};
    return *make_portfolio_model()->margin(**try_endings(rain_price), portfolio);
}

TEST(Endings, HaveTheirPlaces) {
    const auto parameters = parameters_of(universe_with_endings());
    ASSERT_TRUE(parameters) << parameters.error().front().says;
    EXPECT_EQ((*parameters)->half_spread_ppb(rain), 20'000'000);
    EXPECT_EQ((*parameters)->heartbeat(rain), std::nullopt);
}

TEST(Endings, AreNoPerpetualsAndPerpetualsAreNoFutures) {
    for (const auto& [name, kind] :
         {std::pair{"BTC-DEC", kernel::Kind::perpetual},
          std::pair{"BTC-PERP", kernel::Kind::future}, std::pair{"RAIN", kernel::Kind::cash}}) {
        auto universe = universe_with_endings();
        universe.instruments.at(universe.find_instrument(name)->v).kind = kind;
        EXPECT_FALSE(parameters_of(universe)) << name;
    }
}

TEST(Endings, AnOutcomeHasNoPriceAboveADollar) {
    EXPECT_TRUE(try_endings("1"));
    EXPECT_TRUE(try_endings("0"));
    const auto dear = try_endings("1.000000001");
    ASSERT_FALSE(dear);
    EXPECT_EQ(dear.error(), SurfaceError::price_absurd);
}

TEST(Endings, AnOutcomeFillsAtItsOwnSpread) {
    const auto surface = *try_endings("0.4");
    EXPECT_EQ(surface->fill_price(trade_rain, true), price("0.408"));
    EXPECT_EQ(surface->fill_price(trade_rain, false), price("0.392"));
}

TEST(Endings, KnowTheirCoin) {
    const auto surface = *try_endings("0.4");
    EXPECT_EQ(surface->coin_price(trade_december, at_noon), price("60000"));
    EXPECT_EQ(surface->coin_price(trade_december, midnight), std::nullopt) << "stale by then";
    EXPECT_EQ(surface->coin_price(trade_rain, at_noon), std::nullopt);
}

// Goal: what waits for its last price is held at the mark that it had: it makes nobody immune.
TEST(Endings, WhatWaitsIsFresh) {
    const auto later = midnight + base::seconds(86'400);
    const auto surface = *try_endings("0.4", 7, midnight - base::seconds(30));
    for (const auto asset : {rain, btc_december}) {
        EXPECT_TRUE(surface->is_fresh(asset, midnight));
        EXPECT_TRUE(surface->is_fresh(asset, later));
    }
    EXPECT_FALSE(surface->is_fresh(btc_perp, later));
    // One that was old by then is, whoever waits.
    const auto silent = *try_endings("0.4", 7, midnight - base::seconds(61));
    EXPECT_FALSE(silent->is_fresh(btc_december, midnight));
    EXPECT_FALSE(silent->is_fresh(btc_december, later));
}

// Goal: a mark that nobody renews any more costs nobody more each day.
TEST(Endings, WhatWaitsGrowsNoOlder) {
    auto universe = universe_with_endings();
    universe.wrappers.back().volatility_day = .03;
    universe.wrappers.back().oracle_heartbeat_s = 60;
    const auto charge_at = [&](base::Timestamp now) {
        auto marks = the_marks();
        for (const char* text : {"61000", "0.4", "0.6"}) {
            marks.push_back({price(text), midnight, true});
        }
        const auto surface =
            *build_surface(7, std::make_shared<base::Listing>(with_endings()),
                           *parameters_of(universe), {.marks = std::move(marks), .now = now});
        const Portfolio held{.tokens = {{usd, base::Amount{10'000'00}}},
                             .contracts = {{.contract = btc_december,
                                            .settlement = usdc,
                                            .quantity = base::Amount{10'000'000},
                                            .settled_value = {}}}};
        return make_portfolio_model()->margin(*surface, held)->part(Part::OC);
    };
    EXPECT_EQ(charge_at(midnight), 0);
    EXPECT_EQ(charge_at(midnight + base::seconds(86'400)), 0);
}

// Goal: an average is of a coin, not of what somebody has issued on it.
TEST(Endings, AnAverageNeedsItsCoin) {
    auto listing = with_endings();
    listing.instruments[trade_december.v].expiry->average_over = base::seconds(60);
    const Parameters::Source source{.universe = universe_with_endings(),
                                    .mark_age_max = base::seconds(60)};
    EXPECT_TRUE(Parameters::of(listing, source));
    listing.assets[btc.v].kind = base::AssetKind::synthetic;
    auto of_synthetic = source;
    of_synthetic.universe.instruments.at(2).kind = kernel::Kind::synthetic;
    const auto refused = Parameters::of(listing, of_synthetic);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().back().says.find("coin BTC of the kind spot"), std::string::npos);
}

// 100 shares at .40, 35 dollars paid for them: 5 won so far, 40 to be lost.
TEST(Endings, AnOutcomeIsHeldAtAllThatItsEndCanTake) {
    const auto owned = margin_with({shares(rain, 100, 35'00)});
    EXPECT_EQ(owned.equity_cents, 1'005'00);
    EXPECT_EQ(owned.part(Part::EV), 40'00);
    const auto sold = margin_with({shares(rain, -100, -35'00)});
    EXPECT_EQ(sold.equity_cents, 995'00);
    EXPECT_EQ(sold.part(Part::EV), 60'00);
    EXPECT_EQ(sold.initial_cents, 60'00);
    EXPECT_EQ(sold.maintenance_cents, 60'00);
}

TEST(Endings, OutcomesOfOneEventAreHeldTogether) {
    const auto both = margin_with({shares(rain, 100, 40'00), shares(dry, 100, 60'00)});
    EXPECT_EQ(both.equity_cents, 1'000'00);
    EXPECT_EQ(both.part(Part::EV), 0);
}

// Goal: a bet paid by variation is worth and can lose what one paid in advance is and can: what is
// owed for it is no more than cash that is not there.
TEST(Endings, APaidBetIsNotLiquidatedAndABorrowedOneIs) {
    const auto paid = margin_with({shares(rain, 100, 40'00)}, "0.4", 40'00);
    EXPECT_TRUE(paid.equity_cents >= paid.initial_cents);
    const auto borrowed = margin_with({shares(rain, 100, 40'00)}, "0.1", 20'00);
    EXPECT_EQ(borrowed.equity_cents, -10'00);
    EXPECT_TRUE(borrowed.equity_cents < borrowed.maintenance_cents);
}

TEST(Endings, WhatAPriceOfAnOutcomeMovesItsChargeMovesBack) {
    for (const std::int64_t count : {100, -100}) {
        const auto low = margin_with({shares(rain, count, 0)}, "0.05");
        const auto high = margin_with({shares(rain, count, 0)}, "0.95");
        EXPECT_EQ(low.equity_cents - low.initial_cents, high.equity_cents - high.initial_cents);
    }
}

// Goal: a share that was worth next to nothing and doubles is nobody's reason to look at everybody.
TEST(Endings, MovesOfAnOutcomeCountInDollars) {
    Watch watch;
    constexpr base::AccountId alice{1};
    watch.move_to(**try_endings("0.010"));
    watch.touch(alice);
    for (const auto& ask : watch.take_due(at_noon)) watch.keep(ask, .015, at_noon);
    watch.move_to(**try_endings("0.020", 8));
    EXPECT_TRUE(watch.take_due(at_noon).empty());
    watch.move_to(**try_endings("0.030", 9));
    EXPECT_FALSE(watch.take_due(at_noon).empty());
}

// Goal: scenarios of prices do not move an outcome; what its end may take counts in each of them.
TEST(Endings, WhatAnEndTakesBeyondEquityIsTheBrokers) {
    // 100 shares sold at .40 on 10 dollars: 60 may be lost.
    const Portfolio portfolio{.tokens = {{usd, base::Amount{10'00}}},
                              .contracts = {shares(rain, -100, -40'00)}};
    const auto model = make_portfolio_model();
    const auto surface = *try_endings("0.4");
    EXPECT_EQ(*model->stress_loss(*surface, portfolio), 50'00);
    const auto found = model->shortfalls(*surface, portfolio);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->margin.equity_cents, 10'00);
    EXPECT_FALSE(found->shortfalls.scenarios.empty());
}

// A future's margin is a perpetual's without funding: 1 at 61,000, bought at 60,000.
TEST(Endings, AFutureHasTheMarginOfItsPrice) {
    const ContractPosition december{.contract = btc_december,
                                    .settlement = usdc,
                                    .quantity = base::Amount{100'000'000},
                                    .settled_value = base::Amount{60'000'000'000}};
    const auto margin = margin_with({december}, "0.4", 0);
    EXPECT_EQ(margin.equity_cents, 1'000'00);
    EXPECT_EQ(margin.part(Part::MR), 9'760'00);
    EXPECT_EQ(margin.part(Part::H), 0);
}

}  // namespace
}  // namespace crossclear::risk
