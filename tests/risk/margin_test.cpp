#include "risk/margin.hpp"

#include "tests/risk/universe.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

using tests::int64_max;
using tests::int64_min;

base::Result<Margin, RiskError> try_margin(const Portfolio& portfolio,
                                           const std::shared_ptr<const Surface>& surface) {
    return make_lockstep_model()->margin(*surface, portfolio);
}

Margin margin_of(const Portfolio& portfolio,
                 const std::shared_ptr<const Surface>& surface = a_surface()) {
    return *try_margin(portfolio, surface);
}

TEST(LockstepMargin, NeedsNothingForNothing) {
    EXPECT_EQ(margin_of({}), Margin{});
    EXPECT_EQ(margin_of(a_portfolio().holding(sbtc, "0").contract(btc_perp, "0", "0")), Margin{});
}

TEST(LockstepMargin, OfACoinIsItsRangeAndItsHaircut) {
    // Owed BTC so that nothing is capped: -1 BTC at 60,000, range 16 %, haircut .5 % and .25 %.
    const auto margin = margin_of(a_portfolio().holding(btc, "-1").holding(usd, "100000"));
    EXPECT_EQ(margin.equity_cents, 40'000'00);
    EXPECT_EQ(margin.market_cents, 9'600'00);
    EXPECT_EQ(margin.haircut_cents, 300'00);
    EXPECT_EQ(margin.initial_cents, 9'900'00);
    EXPECT_EQ(margin.maintenance_cents, 7'680'00 + 150'00);
}

TEST(LockstepMargin, OfAPerpetualHasNoHaircut) {
    // 2 BTC-PERP bought at 59,000: worth 2,000 now. 120,000 · 16 % = 19,200.
    const auto margin = margin_of(a_portfolio().contract(btc_perp, "2", "118000"));
    EXPECT_EQ(margin, (Margin{.equity_cents = 2'000'00,
                              .initial_cents = 19'200'00,
                              .maintenance_cents = 15'360'00,
                              .market_cents = 19'200'00,
                              .haircut_cents = 0}));
}

TEST(LockstepMargin, OfAHedgedCarryIsTheHaircutAlone) {
    // Long 1 sBTC, short 1 BTC-PERP at 60,000: the moves cancel, 1 % of the sBTC stays.
    const auto carry =
        margin_of(a_portfolio().holding(sbtc, "1").contract(btc_perp, "-1", "-60000"));
    EXPECT_EQ(carry, (Margin{.equity_cents = 60'000'00,
                             .initial_cents = 600'00,
                             .maintenance_cents = 300'00,
                             .market_cents = 0,
                             .haircut_cents = 600'00}));
    const auto alone = margin_of(a_portfolio().contract(btc_perp, "-1", "-60000"));
    EXPECT_EQ(alone.initial_cents, 9'600'00);
}

TEST(LockstepMargin, MovesAllUnderlyingsAtOnce) {
    // 1 BTC-PERP long loses 9,600 where 10 ETH-PERP short gain 6,000.
    const auto margin = margin_of(
        a_portfolio().contract(btc_perp, "1", "60000").contract(eth_perp, "-10", "-30000"));
    EXPECT_EQ(margin.market_cents, 3'600'00);
    EXPECT_EQ(margin.initial_cents, 3'600'00);
}

TEST(LockstepMargin, IsCappedAtEquityWhereAllIsHeldInKind) {
    const auto margin = margin_of(a_portfolio().holding(btc, "1"));
    EXPECT_EQ(margin.initial_cents, 9'900'00);
    // LUNA's like: with range 1 and a haircut the need exceeds the worth.
    auto parameters = the_parameters();
    for (const auto asset : {btc, sbtc, btc_perp}) parameters.assets[asset.v].range = 1;
    const auto wild = *try_surface(the_marks(), parameters);
    const auto capped = margin_of(a_portfolio().holding(btc, "1"), wild);
    EXPECT_EQ(capped.market_cents, 60'000'00);
    EXPECT_EQ(capped.haircut_cents, 300'00);
    EXPECT_EQ(capped.initial_cents, 60'000'00);
    EXPECT_EQ(capped.maintenance_cents, 48'150'00);
    const auto owing = margin_of(a_portfolio().holding(btc, "1").holding(usd, "-0.01"), wild);
    EXPECT_EQ(owing.initial_cents, 60'300'00);
    const auto unsettled =
        margin_of(a_portfolio().holding(btc, "1").contract(btc_perp, "0", "0.000001"), wild);
    EXPECT_EQ(unsettled.initial_cents, 60'300'00);
}

TEST(LockstepMargin, NetsTheEntriesOfOneAsset) {
    const auto split = a_portfolio().holding(btc, "1.5").holding(btc, "-0.5");
    EXPECT_EQ(margin_of(split), margin_of(a_portfolio().holding(btc, "1")));
}

TEST(LockstepMargin, OfAWorthlessCoinIsNothing) {
    const auto margin = margin_of(a_portfolio().holding(btc, "1000"), surface_with(btc, "0"));
    EXPECT_EQ(margin, Margin{});
}

TEST(LockstepMargin, RoundsEquityDownAndRequirementsUp) {
    // 0.00000001 BTC is 0.0006 USD; a cent is the least that can be needed.
    const auto owed = margin_of(a_portfolio().holding(btc, "-0.00000001"));
    EXPECT_EQ(owed.equity_cents, -1);
    EXPECT_EQ(owed.initial_cents, 1);
    EXPECT_EQ(owed.maintenance_cents, 1);
    EXPECT_EQ(owed.market_cents, 1);
    EXPECT_EQ(owed.haircut_cents, 1);
    const auto held = margin_of(a_portfolio().holding(btc, "0.00000001"));
    EXPECT_EQ(held.equity_cents, 0);
    EXPECT_EQ(held.initial_cents, 0) << "capped at equity";
}

TEST(LockstepMargin, CountsEquityExactlyWhereDoublesCannot) {
    // 2^53 + 1 cents is the first integer that a double does not have.
    const auto margin = margin_of(a_portfolio().holding(usd, "90071992547409.93"));
    EXPECT_EQ(margin.equity_cents, 9'007'199'254'740'993);
}

TEST(LockstepMargin, IsRefusedWithoutAMark) {
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

TEST(LockstepMargin, IsRefusedWhereItDoesNotFit) {
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
            .market_cents = 0,
            .haircut_cents = 0};
}

TEST(Acceptance, WantsEquityAfterTheFeeToCoverInitialMargin) {
    EXPECT_TRUE(is_acceptable(needing(200, 0, 0), needing(100, 100, 80), 5));
    EXPECT_FALSE(is_acceptable(needing(200, 0, 0), needing(99, 100, 80), 5));
}

TEST(Acceptance, LetsRiskFallWhileMaintenanceHolds) {
    EXPECT_TRUE(is_acceptable(needing(90, 101, 80), needing(85, 100, 80), 5));
    EXPECT_TRUE(is_acceptable(needing(80, 101, 80), needing(75, 100, 80), 5)) << "before the fee";
    EXPECT_FALSE(is_acceptable(needing(80, 101, 80), needing(74, 100, 80), 5));
    EXPECT_FALSE(is_acceptable(needing(90, 100, 80), needing(85, 100, 80), 5)) << "not lower";
}

TEST(Acceptance, SurvivesTheExtremes) {
    EXPECT_FALSE(is_acceptable(needing(0, int64_max, 0), needing(int64_min, 1, 0), int64_max));
    EXPECT_TRUE(is_acceptable(needing(0, int64_max, 0), needing(-1, 1, 0), int64_max));
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

RC_GTEST_PROP(LockstepLaws, DollarsChangeEquityOnly, ()) {
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

RC_GTEST_PROP(LockstepLaws, TheOrderOfLegsIsIrrelevant, ()) {
    const auto portfolio = any_portfolio();
    auto reversed = portfolio;
    std::reverse(reversed.tokens.begin(), reversed.tokens.end());
    std::reverse(reversed.contracts.begin(), reversed.contracts.end());
    RC_ASSERT(margin_of(portfolio) == margin_of(reversed));
}

RC_GTEST_PROP(LockstepLaws, APositionAndItsOppositeNeedNothing, ()) {
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

RC_GTEST_PROP(LockstepLaws, MaintenanceIsBetweenZeroAndInitial, ()) {
    const auto margin = margin_of(any_portfolio());
    RC_ASSERT(margin.maintenance_cents >= 0);
    RC_ASSERT(margin.maintenance_cents <= margin.initial_cents);
}

RC_GTEST_PROP(LockstepLaws, WhatIsHeldInKindNeverNeedsMoreThanItIsWorth, ()) {
    Portfolio portfolio;
    const auto count = *rc::gen::inRange(0, 6);
    for (int i = 0; i < count; ++i) {
        portfolio.tokens.push_back({base::AssetId{*rc::gen::inRange<std::uint16_t>(0, 5)},
                                    base::Amount{*rc::gen::inRange<std::int64_t>(0, 1e15)}});
    }
    const auto margin = margin_of(portfolio);
    RC_ASSERT(margin.equity_cents >= margin.initial_cents);
    RC_ASSERT(is_acceptable({}, margin, 0));
}

}  // namespace
}  // namespace crossclear::risk
