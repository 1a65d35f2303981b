#include "risk/margin.hpp"

#include "tests/risk/universe.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

using tests::int64_max;
using tests::int64_min;

base::Result<Margin, RiskError> try_margin(const Portfolio& portfolio,
                                           const std::shared_ptr<const Surface>& surface) {
    return make_portfolio_model()->margin(*surface, portfolio);
}

Margin margin_of(const Portfolio& portfolio,
                 const std::shared_ptr<const Surface>& surface = a_surface()) {
    return *try_margin(portfolio, surface);
}

TEST(PortfolioMargin, NeedsNothingForNothing) {
    EXPECT_EQ(margin_of({}), Margin{});
    EXPECT_EQ(margin_of(a_portfolio().holding(sbtc, "0").contract(btc_perp, "0", "0")), Margin{});
}

TEST(PortfolioMargin, OfACoinIsItsRangeItsHaircutAndItsSpread) {
    // Owed BTC so that nothing is capped: -1 BTC at 60,000, range 16 %, haircut .5 % and .25 %,
    // half a spread of .03 %.
    const auto margin = margin_of(a_portfolio().holding(btc, "-1").holding(usd, "100000"));
    EXPECT_EQ(margin.equity_cents, 40'000'00);
    EXPECT_EQ(margin.part(Part::MR), 9'600'00);
    EXPECT_EQ(margin.part(Part::H), 300'00);
    EXPECT_EQ(margin.part(Part::LC), 18'00);
    EXPECT_EQ(margin.initial_cents, 9'918'00);
    EXPECT_EQ(margin.maintenance_cents, 7'680'00 + 150'00 + 9'00);
}

TEST(PortfolioMargin, OfAPerpetualHasNoHaircut) {
    // 2 BTC-PERP bought at 59,000: worth 2,000 now. 120,000 · (16 % + .02 %).
    const auto margin = margin_of(a_portfolio().contract(btc_perp, "2", "118000"));
    EXPECT_EQ(margin.equity_cents, 2'000'00);
    EXPECT_EQ(margin.part(Part::MR), 19'200'00);
    EXPECT_EQ(margin.part(Part::H), 0);
    EXPECT_EQ(margin.initial_cents, 19'224'00);
    EXPECT_EQ(margin.maintenance_cents, 15'372'00);
}

TEST(PortfolioMargin, OfAHedgedCarryHasNoMarketLoss) {
    // Long 1 sBTC, short 1 BTC-PERP at 60,000: the moves cancel; 1 % of the sBTC and what closing
    // both costs stay.
    const auto carry =
        margin_of(a_portfolio().holding(sbtc, "1").contract(btc_perp, "-1", "-60000"));
    EXPECT_EQ(carry.equity_cents, 60'000'00);
    EXPECT_EQ(carry.part(Part::MR), 0);
    EXPECT_EQ(carry.initial_cents, 600'00 + 132'00);
    EXPECT_EQ(carry.maintenance_cents, 300'00 + 66'00);
    const auto alone = margin_of(a_portfolio().contract(btc_perp, "-1", "-60000"));
    EXPECT_EQ(alone.initial_cents, 9'612'00);
}

TEST(PortfolioMargin, LetsOneCoinFallAlone) {
    // 1 BTC-PERP long loses 9,600 where ETH stands still; a short of it is then no help.
    const auto margin = margin_of(
        a_portfolio().contract(btc_perp, "1", "60000").contract(eth_perp, "-10", "-30000"));
    EXPECT_EQ(margin.part(Part::MR), 9'600'00);
}

TEST(PortfolioMargin, IsCappedAtEquityWhereAllIsHeldInKind) {
    // LUNA's like: the need exceeds the worth.
    auto universe = the_universe();
    universe.underlyings[0].range = .99;
    universe.wrappers[1].haircut_initial = .02;
    universe.wrappers[1].haircut_maintenance = .01;
    const auto wild = *try_surface(the_marks(), universe);
    const auto capped = margin_of(a_portfolio().holding(btc, "1"), wild);
    EXPECT_EQ(capped.part(Part::MR), 59'400'00);
    EXPECT_EQ(capped.part(Part::H), 1'200'00);
    EXPECT_EQ(capped.initial_cents, 60'000'00);
    EXPECT_EQ(capped.maintenance_cents, 47'520'00 + 600'00 + 9'00);
    const auto owing = margin_of(a_portfolio().holding(btc, "1").holding(usd, "-0.01"), wild);
    EXPECT_EQ(owing.initial_cents, 60'618'00);
    const auto unsettled =
        margin_of(a_portfolio().holding(btc, "1").contract(btc_perp, "0", "0.000001"), wild);
    EXPECT_EQ(unsettled.initial_cents, 60'618'00) << "what variation has not taken yet is owed";
}

TEST(PortfolioMargin, NamesWhatAFailureTakes) {
    auto universe = the_universe();
    universe.protocols[1].loss_given_default = .9;
    universe.protocols[1].depegs = {{kernel::WrapperId{2}, 1}};
    const auto surface = *try_surface(the_marks(), universe);
    const Portfolio levered = a_portfolio().holding(sbtc, "1").holding(usd, "-20000");
    const auto detail = make_portfolio_model()->detail(*surface, levered);
    ASSERT_TRUE(detail);
    EXPECT_EQ(detail->margin, margin_of(levered, surface));
    ASSERT_EQ(detail->failures.size(), 1U) << "those that take nothing are not named";
    EXPECT_EQ(detail->failures[0].protocol, "synthetix");
    EXPECT_EQ(detail->failures[0].loss_cents, 54'000'00);
    EXPECT_EQ(detail->failures[0].shortfall_cents, 14'000'00) << "equity is 40,000";
    EXPECT_GT(detail->margin.part(Part::J), 0);
    // A hedge of the market is none of the protocol.
    const Portfolio hedged =
        a_portfolio().holding(sbtc, "1").holding(usd, "-20000").contract(btc_perp, "-1", "-60000");
    EXPECT_GE(margin_of(hedged, surface).part(Part::J), detail->margin.part(Part::J));
}

TEST(PortfolioMargin, ASteppedRiskCostsWhatTheBrokerBears) {
    auto universe = the_universe();
    universe.protocols[1].loss_given_default = .9;
    universe.protocols[1].depegs = {{kernel::WrapperId{2}, 1}};
    const auto surface = *try_surface(the_marks(), universe);
    const auto judge = [&](const Portfolio& before, const Portfolio& after) {
        return *make_portfolio_model()->judge(*surface, {before, after}, 10);
    };
    const Portfolio cash = a_portfolio().holding(usd, "40000");
    const Portfolio levered = a_portfolio().holding(sbtc, "1").holding(usd, "-20000");
    const auto bought = judge(cash, levered);
    EXPECT_EQ(bought.before, margin_of(cash, surface));
    EXPECT_EQ(bought.after, margin_of(levered, surface));
    // SF 14,000, PD 5 %: EL 1.92 a day, UL (.3844 - .05) · 14,000; ten days of 1.25·EL +
    // .12·UL/365.
    EXPECT_GE(bought.risk_fee_cents, 39'35);
    EXPECT_LE(bought.risk_fee_cents, 39'39);
    EXPECT_EQ(judge(levered, cash).risk_fee_cents, 0) << "less risk is not paid for";
    const Portfolio owned = a_portfolio().holding(sbtc, "0.5").holding(usd, "10000");
    EXPECT_EQ(judge(cash, owned).risk_fee_cents, 0) << "its own equity bears it";
}

TEST(PortfolioMargin, IsLessAFee) {
    const auto owing = margin_of(a_portfolio().contract(btc_perp, "1", "50000"));
    auto expected = owing;
    expected.equity_cents -= 5;
    EXPECT_EQ(less_fee(owing, 5), expected);
    const Margin full{.equity_cents = 100, .initial_cents = 100, .maintenance_cents = 98};
    const auto left = less_fee(full, 5);
    EXPECT_EQ(left.initial_cents, 95) << "what is held in kind needs no more than it is worth";
    EXPECT_EQ(left.maintenance_cents, 95);
    const Margin lost{.equity_cents = int64_min + 1, .is_in_kind = false};
    EXPECT_EQ(less_fee(lost, int64_max).equity_cents, int64_min);
    EXPECT_EQ(less_fee(Margin{.equity_cents = 3}, 5).initial_cents, 0);
}

TEST(PortfolioMargin, ChargesForOldPrices) {
    auto universe = the_universe();
    universe.wrappers[1].volatility_day = .04;
    universe.wrappers[1].oracle_heartbeat_s = 60;
    auto marks = the_marks();
    const Portfolio owed = a_portfolio().holding(btc, "-1").holding(usd, "100000");
    const auto charge = [&](std::int64_t age) {
        marks[btc.v].at = at_noon - base::seconds(age);
        return margin_of(owed, *try_surface(marks, universe)).part(Part::OC);
    };
    EXPECT_EQ(charge(60), 0);
    // 2.33 · .04 · sqrt(864 s / 86,400 s) · 60,000 = 559.2.
    EXPECT_EQ(charge(924), 559'20);
}

TEST(PortfolioMargin, NetsTheEntriesOfOneAsset) {
    const auto split = a_portfolio().holding(btc, "1.5").holding(btc, "-0.5");
    EXPECT_EQ(margin_of(split), margin_of(a_portfolio().holding(btc, "1")));
}

TEST(PortfolioMargin, OfAWorthlessCoinIsNothing) {
    const auto margin = margin_of(a_portfolio().holding(btc, "1000"), surface_with(btc, "0"));
    EXPECT_EQ(margin, Margin{});
}

TEST(PortfolioMargin, RoundsEquityDownAndRequirementsUp) {
    // 0.00000001 BTC is 0.0006 USD; a cent is the least that can be needed.
    const auto owed = margin_of(a_portfolio().holding(btc, "-0.00000001"));
    EXPECT_EQ(owed.equity_cents, -1);
    EXPECT_EQ(owed.initial_cents, 1);
    EXPECT_EQ(owed.maintenance_cents, 1);
    EXPECT_EQ(owed.part(Part::MR), 1);
    EXPECT_EQ(owed.part(Part::H), 1);
    const auto held = margin_of(a_portfolio().holding(btc, "0.00000001"));
    EXPECT_EQ(held.equity_cents, 0);
    EXPECT_EQ(held.initial_cents, 0) << "capped at equity";
}

TEST(PortfolioMargin, CountsEquityExactlyWhereDoublesCannot) {
    // 2^53 + 1 cents is the first integer that a double does not have.
    const auto margin = margin_of(a_portfolio().holding(usd, "90071992547409.93"));
    EXPECT_EQ(margin.equity_cents, 9'007'199'254'740'993);
}

TEST(PortfolioMargin, IsRefusedWithoutAMark) {
    auto marks = the_marks();
    marks[btc.v].is_known = false;
    marks[usdc.v].is_known = false;
    const auto surface = a_surface(marks);
    EXPECT_EQ(try_margin(a_portfolio().holding(btc, "1"), surface).error(),
              RiskError::mark_missing);
    EXPECT_EQ(try_margin(a_portfolio().contract(btc_perp, "1", "1"), surface).error(),
              RiskError::mark_missing);
    EXPECT_TRUE(try_margin(a_portfolio().holding(btc, "0").holding(eth, "1"), surface));
}

TEST(PortfolioMargin, IsRefusedWhereItDoesNotFit) {
    auto marks = the_marks();
    marks[btc.v].price = price_max;
    marks[usdc.v].price = price_max;
    const auto surface = a_surface(marks);
    for (const auto quantity : {int64_max, int64_min}) {
        const Portfolio tokens{.tokens = {{btc, base::Amount{quantity}}}, .contracts = {}};
        EXPECT_EQ(try_margin(tokens, surface).error(), RiskError::out_of_range);
        const Portfolio settled{
            .tokens = {}, .contracts = {{btc_perp, usdc, base::Amount{1}, base::Amount{quantity}}}};
        EXPECT_EQ(try_margin(settled, surface).error(), RiskError::out_of_range);
    }
    // Sums overflow where no single value does.
    Portfolio many;
    for (int i = 0; i < 2'000; ++i) many.tokens.push_back({btc, base::Amount{int64_max}});
    EXPECT_EQ(try_margin(many, surface).error(), RiskError::out_of_range);
}

Margin needing(std::int64_t equity, std::int64_t initial, std::int64_t maintenance) {
    return {.equity_cents = equity,
            .initial_cents = initial,
            .maintenance_cents = maintenance,
            .parts_cents = {}};
}

TEST(Freshness, IsAskedOfAllThatIsHeldAndOfWhatContractsAreSettledIn) {
    const auto late = at_noon + base::seconds(61);
    const auto stale = [&](std::initializer_list<base::AssetId> assets) {
        auto marks = the_marks();
        for (auto& mark : marks) mark.at = late;
        for (const auto asset : assets) marks[asset.v].at = at_noon;
        return a_surface(std::move(marks));
    };
    const Portfolio portfolio = a_portfolio().holding(sbtc, "1").contract(btc_perp, "1", "60000");
    EXPECT_TRUE(is_all_fresh(*stale({}), portfolio, late));
    EXPECT_TRUE(is_all_fresh(*stale({usd, eth, eth_perp}), portfolio, late));
    EXPECT_FALSE(is_all_fresh(*stale({sbtc}), portfolio, late));
    EXPECT_FALSE(is_all_fresh(*stale({btc_perp}), portfolio, late));
    EXPECT_FALSE(is_all_fresh(*stale({usdc}), portfolio, late));

    const Portfolio nothing = a_portfolio().holding(sbtc, "0");
    EXPECT_TRUE(is_all_fresh(*stale({sbtc}), nothing, late));
}

TEST(Acceptance, WantsEquityAfterTheFeeToCoverInitialMargin) {
    EXPECT_TRUE(is_acceptable(needing(200, 0, 0), needing(100, 100, 80)));
    EXPECT_FALSE(is_acceptable(needing(200, 0, 0), needing(99, 100, 80)));
}

TEST(Acceptance, LetsRiskFallWhileMaintenanceHolds) {
    EXPECT_TRUE(is_acceptable(needing(90, 101, 80), needing(85, 100, 80)));
    EXPECT_TRUE(is_acceptable(needing(85, 101, 80), needing(80, 100, 80)));
    EXPECT_FALSE(is_acceptable(needing(84, 101, 80), needing(79, 100, 80))) << "after the fee";
    EXPECT_FALSE(is_acceptable(needing(90, 100, 80), needing(85, 100, 80))) << "not lower";
}

TEST(Acceptance, SurvivesTheExtremes) {
    EXPECT_FALSE(is_acceptable(needing(0, int64_max, 0), needing(int64_min, 1, 0)));
    EXPECT_TRUE(is_acceptable(needing(0, int64_max, 0), needing(0, 1, 0)));
}

bool is_unwind(const Portfolio& before, const Portfolio& after) {
    return is_pure_unwind(a_listing(), before, after, margin_of(before), margin_of(after));
}

TEST(PureUnwind, IsAnythingThatOnlyShrinks) {
    const Portfolio before =
        a_portfolio().holding(sbtc, "2").holding(usdc, "-50000").contract(btc_perp, "1", "60000");
    EXPECT_TRUE(is_unwind(before, before));
    EXPECT_TRUE(is_unwind(
        before,
        a_portfolio().holding(sbtc, "1").holding(usdc, "9880").contract(btc_perp, "1", "60000")));
    EXPECT_TRUE(is_unwind(before, a_portfolio().holding(sbtc, "2").holding(usdc, "-50000")));
    EXPECT_TRUE(is_unwind(a_portfolio().contract(btc_perp, "-1", "-50000"),
                          a_portfolio().contract(btc_perp, "-0.5", "-25000")))
        << "at any equity";
}

TEST(PureUnwind, CostsNoMoreThanItFreesOfInitialMargin) {
    // A contract of 60,000 needs 9,612; half of it given away for 4,806 and two cents is the most.
    const Portfolio before = a_portfolio().contract(btc_perp, "1", "70000");
    EXPECT_TRUE(is_unwind(before, a_portfolio().contract(btc_perp, "0.5", "44806.02")));
    EXPECT_FALSE(is_unwind(before, a_portfolio().contract(btc_perp, "0.5", "44806.03")));
}

TEST(PureUnwind, NeverGrowsTurnsOrMovesMargin) {
    const Portfolio long_one = a_portfolio().contract(btc_perp, "1", "60000");
    EXPECT_FALSE(is_unwind(long_one, a_portfolio().contract(btc_perp, "1.1", "66000")));
    EXPECT_FALSE(is_unwind(long_one, a_portfolio().contract(btc_perp, "-0.5", "-30000")));
    EXPECT_FALSE(is_unwind(long_one, a_portfolio().contract(eth_perp, "1", "3000")));
    // Selling the hedge of a short shrinks a position and bares the other.
    const Portfolio carry = a_portfolio().holding(sbtc, "1").contract(btc_perp, "-1", "-60000");
    EXPECT_FALSE(
        is_unwind(carry, a_portfolio().holding(usdc, "59880").contract(btc_perp, "-1", "-60000")));
}

Portfolio any_portfolio() {
    Portfolio portfolio;
    const auto count = *rc::gen::inRange(0, 8);
    for (int i = 0; i < count; ++i) {
        const auto quantity = base::Amount{*rc::gen::inRange<std::int64_t>(-1e12, 1e12)};
        const auto asset = base::AssetId{*rc::gen::inRange<std::uint16_t>(0, 7)};
        if (asset.v < btc_perp.v) {
            portfolio.tokens.push_back({asset, quantity});
        } else {
            const auto settled = base::Amount{*rc::gen::inRange<std::int64_t>(-1e12, 1e12)};
            portfolio.contracts.push_back({asset, usdc, quantity, settled});
        }
    }
    return portfolio;
}

RC_GTEST_PROP(PortfolioLaws, DollarsChangeEquityOnly, ()) {
    auto portfolio = any_portfolio();
    // Something owed keeps the cap at equity out of the way.
    portfolio.tokens.push_back({usdc, base::Amount{-20'000'000'000'000}});
    const auto before = margin_of(portfolio);
    const auto cents = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000);
    portfolio.tokens.push_back({usd, base::Amount{cents}});
    auto expected = before;
    expected.equity_cents += cents;
    RC_ASSERT(margin_of(portfolio) == expected);
}

RC_GTEST_PROP(PortfolioLaws, AJudgementIsBothMargins, ()) {
    const auto before = any_portfolio();
    const auto after = any_portfolio();
    const auto judgement = make_portfolio_model()->judge(*a_surface(), {before, after}, 10);
    RC_ASSERT(judgement.has_value());
    RC_ASSERT(judgement->before == margin_of(before));
    const auto exact = margin_of(after);
    RC_ASSERT(judgement->after.equity_cents == exact.equity_cents);
    // Sums are made in another order; a cent may be rounded the other way.
    RC_ASSERT(std::abs(judgement->after.initial_cents - exact.initial_cents) <= 1);
    RC_ASSERT(std::abs(judgement->after.maintenance_cents - exact.maintenance_cents) <= 1);
    RC_ASSERT(judgement->risk_fee_cents >= 0);
}

RC_GTEST_PROP(PortfolioLaws, TheOrderOfLegsIsIrrelevant, ()) {
    const auto portfolio = any_portfolio();
    auto reversed = portfolio;
    std::reverse(reversed.tokens.begin(), reversed.tokens.end());
    std::reverse(reversed.contracts.begin(), reversed.contracts.end());
    RC_ASSERT(margin_of(portfolio) == margin_of(reversed));
}

RC_GTEST_PROP(PortfolioLaws, APositionAndItsOppositeNeedNothing, ()) {
    auto portfolio = any_portfolio();
    const auto original = portfolio;
    for (const auto& token : original.tokens) {
        portfolio.tokens.push_back({token.asset, base::Amount{-token.quantity.v}});
    }
    for (const auto& contract : original.contracts) {
        portfolio.contracts.push_back({contract.contract, contract.settlement,
                                       base::Amount{-contract.quantity.v},
                                       base::Amount{-contract.settled_value.v}});
    }
    RC_ASSERT(margin_of(portfolio) == Margin{});
}

RC_GTEST_PROP(PortfolioLaws, MaintenanceIsBetweenZeroAndInitial, ()) {
    const auto margin = margin_of(any_portfolio());
    RC_ASSERT(margin.maintenance_cents >= 0);
    RC_ASSERT(margin.maintenance_cents <= margin.initial_cents);
}

RC_GTEST_PROP(PortfolioLaws, WhatIsHeldInKindNeverNeedsMoreThanItIsWorth, ()) {
    Portfolio portfolio;
    const auto count = *rc::gen::inRange(0, 6);
    for (int i = 0; i < count; ++i) {
        portfolio.tokens.push_back({base::AssetId{*rc::gen::inRange<std::uint16_t>(0, 5)},
                                    base::Amount{*rc::gen::inRange<std::int64_t>(0, 1e15)}});
    }
    const auto margin = margin_of(portfolio);
    RC_ASSERT(margin.equity_cents >= margin.initial_cents);
    RC_ASSERT(is_acceptable({}, margin));
}

}  // namespace
}  // namespace crossclear::risk
