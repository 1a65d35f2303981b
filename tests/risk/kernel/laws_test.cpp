#include "risk/kernel/account.hpp"
#include "risk/kernel/fee.hpp"
#include "risk/kernel/house.hpp"
#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

// The laws of the margin specification, over random portfolios of every kind of instrument.

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

std::vector<Position> times(double factor, std::vector<Position> positions) {
    for (auto& position : positions) position.quantity *= factor;
    return positions;
}

std::vector<Position> joined(std::vector<Position> a, const std::vector<Position>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// IM - LC, uncapped.
double coherent_part(const Margin& m) {
    return m.market + m.basis + m.funding + m.shorts + m.haircut + m.events + m.protocols +
           m.oracle + m.concentration;
}

constexpr double slack = 1e-6;  // Of sums up to some million.

RC_GTEST_PROP(MarginLaws, TwoPortfoliosTogetherNeedNoMore, ()) {
    const auto a = any_positions();
    const auto b = any_positions();
    const auto together = coherent_part(margin_of(a_surface(), joined(a, b)));
    const auto apart =
        coherent_part(margin_of(a_surface(), a)) + coherent_part(margin_of(a_surface(), b));
    RC_ASSERT(together <= apart + slack);
}

RC_GTEST_PROP(MarginLaws, NeedsScaleAndLiquidityMore, ()) {
    const auto a = any_positions();
    const double factor = *rc::gen::inRange(16, 160) / 16.0;
    const auto once = margin_of(a_surface(), a);
    const auto scaled = margin_of(a_surface(), times(factor, a));
    RC_ASSERT(std::abs(coherent_part(scaled) - factor * coherent_part(once)) <= slack * factor);
    RC_ASSERT(scaled.liquidity >= factor * once.liquidity - slack);
}

RC_GTEST_PROP(MarginLaws, DollarsChangeEquityOnly, ()) {
    auto a = any_positions();
    // Something owed keeps the cap at equity out of the way.
    a.push_back({InstrumentId{0}, -1e9});
    const auto before = margin_of(a_surface(), a);
    const double usd = *rc::gen::inRange(0, 1'000'000);
    a.push_back({InstrumentId{0}, usd});
    auto after = margin_of(a_surface(), a);
    RC_ASSERT(std::abs(after.equity - before.equity - usd) <= slack);
    after.equity = before.equity;
    RC_ASSERT(after == before);
}

// The instrument that is one unit of a wrapper.
std::optional<InstrumentId> token_of(WrapperId wrapper) {
    const auto& instruments = a_surface()->universe().instruments;
    for (std::uint16_t i = 0; i < instruments.size(); ++i) {
        const auto kind = instruments[i].kind;
        const bool is_token = kind == Kind::spot || kind == Kind::synthetic || kind == Kind::stable;
        if (is_token && instruments[i].wrapper == wrapper) return InstrumentId{i};
    }
    return std::nullopt;
}

// What loses in no scenario: a token sold that only falls; and what a share of a pool is made of,
// against the share, which is worth no more than that at any other prices.
std::vector<std::vector<Position>> lossless() {
    std::vector<std::vector<Position>> found;
    const auto& surface = *a_surface();
    for (std::uint16_t i = 0; i < surface.instruments(); ++i) {
        const auto& x = surface.universe().instruments[i];
        const double* pnl = surface.pnl(InstrumentId{i});
        const bool only_falls =
            std::all_of(pnl, pnl + surface.stride(), [](double one) { return one <= 0; });
        const bool falls =
            std::any_of(pnl, pnl + surface.stride(), [](double one) { return one < 0; });
        if (only_falls && falls) found.push_back({{InstrumentId{i}, -1}});
        if (!is_lp(x.kind)) continue;
        std::vector<Position> legs{{InstrumentId{i}, -1}};
        for (const auto wrapper : {x.wrapper, x.quote}) {
            const auto token = token_of(wrapper);
            if (!token) break;
            const auto& exposures = surface.row(InstrumentId{i}).exposures;
            for (std::size_t e = 0; e < exposures.count; ++e) {
                const auto& exposure = exposures.list[e];
                if (exposure.wrapper != wrapper) continue;
                legs.push_back({*token, exposure.usd / surface.row(*token).value});
            }
        }
        if (legs.size() == 3) found.push_back(legs);
    }
    return found;
}

// One that loses no more in any scenario needs no more for the market.
RC_GTEST_PROP(MarginLaws, LosingLessNeedsLess, ()) {
    static const auto additions = lossless();
    RC_ASSERT(additions.size() > 5U);
    const auto a = any_positions();
    auto better = a;
    for (const auto& addition : additions) {
        better = joined(better, times(*rc::gen::inRange(0, 64) / 16.0, addition));
    }
    const auto first = account_of(a_surface(), a);
    const auto second = account_of(a_surface(), better);
    for (std::size_t s = 0; s < a_surface()->stride(); ++s) {
        RC_ASSERT(second.pnl()[s] >= first.pnl()[s] - slack);
    }
    RC_ASSERT(second.margin()->market <= first.margin()->market + slack);
}

RC_GTEST_PROP(MarginLaws, APositionAndItsOppositeNeedNothing, ()) {
    const auto a = any_positions();
    const auto margin = margin_of(a_surface(), joined(a, times(-1, a)));
    RC_ASSERT(margin == margin_of(a_surface(), {}));
    RC_ASSERT(margin.initial == 0);
    RC_ASSERT(margin.maintenance == 0);
}

// Every instrument without a coin's price in it is no hedge of one; perpetuals are.
RC_GTEST_PROP(MarginLaws, AMarketHedgeNeverLowersProtocolRisk, ()) {
    auto a = any_positions();
    const auto is_contract_of = [](const Position& x) {
        return is_contract(a_surface()->row(x.instrument).kind);
    };
    // What is traded at a venue already is no hedge but less of the same risk.
    a.erase(std::remove_if(a.begin(), a.end(), is_contract_of), a.end());
    const auto before = margin_of(a_surface(), a);
    for (std::uint16_t i = 0; i < a_surface()->instruments(); ++i) {
        if (!is_contract(a_surface()->row(InstrumentId{i}).kind)) continue;
        const double quantity = *rc::gen::inRange(-1'000, 1'000) / 16.0;
        const auto hedged = margin_of(a_surface(), joined(a, {{InstrumentId{i}, quantity}}));
        RC_ASSERT(hedged.protocols >= before.protocols - slack);
    }
}

RC_GTEST_PROP(MarginLaws, TheOrderOfLegsIsIrrelevant, ()) {
    const auto account = account_of(a_surface(), any_positions());
    auto legs = any_positions();
    const auto first = *Change::of(*a_surface(), legs);
    std::reverse(legs.begin(), legs.end());
    const auto second = *Change::of(*a_surface(), legs);
    RC_ASSERT(*account.what_if(first) == *account.what_if(second));
}

RC_GTEST_PROP(MarginLaws, MaintenanceIsBetweenZeroAndInitial, ()) {
    const auto margin = margin_of(a_surface(), any_positions());
    RC_ASSERT(margin.maintenance >= 0);
    RC_ASSERT(margin.initial >= margin.maintenance - slack);
}

// Whoever was accepted because equity covers IM survives every core scenario.
RC_GTEST_PROP(MarginLaws, WhatIsCoveredSurvivesTheCore, ()) {
    const double usd = *rc::gen::inRange(0, 2'000'000);
    const auto start = account_of(a_surface(), {{InstrumentId{0}, usd}});
    auto account = start;
    const auto change = *Change::of(*a_surface(), any_positions());
    const auto verdict = account.assess(change, *account.margin(), 0)->verdict;
    RC_ASSERT(account.apply(change).has_value());
    if (verdict != Verdict::covered) return;
    const double equity = account.margin()->equity;
    for (std::size_t s = 0; s < 63; ++s) RC_ASSERT(equity + account.pnl()[s] >= -slack);
}

RC_GTEST_PROP(MarginLaws, AFeeCoversTheLossThatItBrings, ()) {
    const double usd = *rc::gen::inRange(0, 200'000);
    const auto account = account_of(a_surface(), joined(any_positions(), {{InstrumentId{0}, usd}}));
    const auto fee = trade_fee(account, *Change::of(*a_surface(), any_positions()), {});
    RC_ASSERT(fee.has_value());
    const double more = fee->after.expected_loss_day - fee->before.expected_loss_day;
    RC_ASSERT(fee->total >= more * fee->holding_days - slack);
    RC_ASSERT(fee->total >= fee->floor);
    RC_ASSERT(fee->floor >= 0);
}

TEST(MarginLaws, AnEmptyBookNeedsNothing) {
    const auto margin = *Account(a_surface()).margin();
    EXPECT_EQ(margin, (Margin{.is_cappable = true, .protocol_count = 16}));
}

// A call less a put is D(F - K): against the discounted forward nothing moves, at any volatility.
RC_GTEST_PROP(MarginLaws, ParityHasNoMarketRisk, ()) {
    auto universe = a_small_universe();
    const double strike = *rc::gen::inRange(1, 400);
    const double volatility = *rc::gen::inRange(1, 300) / 100.0;
    const double days = *rc::gen::inRange(0, 400) / 2.0;
    const double rate = *rc::gen::inRange(-10, 10) / 100.0;
    for (auto& x : universe.instruments) {
        if (x.kind != Kind::option) continue;
        x.strike = strike;
        x.volatility = volatility;
        x.days = days;
        x.rate = rate;
    }
    const auto surface = surface_of(universe);
    const double q = *rc::gen::inRange(-100, 100);
    const double discount = std::exp(-rate * days / 365);
    const auto margin = margin_of(surface, {of(*surface, "CALL", q), of(*surface, "PUT", -q),
                                            of(*surface, "COIN", -q * discount)});
    RC_ASSERT(std::abs(margin.market) <= 1e-8 * (1 + std::abs(q)));
}

// Whoever holds as many of each outcome holds dollars.
RC_GTEST_PROP(MarginLaws, ACompleteSetHasNoEventRisk, ()) {
    auto universe = a_small_universe();
    const auto count = *rc::gen::inRange<std::uint16_t>(2, 9);
    std::vector<double> weights;
    double sum = 0;
    for (std::uint16_t i = 0; i < count; ++i) {
        weights.push_back(*rc::gen::inRange(0, 1'000) + 1);
        sum += weights.back();
    }
    for (std::uint16_t i = 0; i < count; ++i) {
        Instrument share;
        share.name = "OUTCOME" + std::to_string(i);
        share.kind = Kind::binary;
        share.event = "ELECTION";
        share.outcome = i;
        share.outcomes = count;
        share.mark = weights[i] / sum;
        universe.instruments.push_back(share);
    }
    const auto surface = surface_of(universe);
    const double q = *rc::gen::inRange(-1'000, 1'000) / 16.0;
    std::vector<Position> all;
    for (std::uint16_t i = 0; i < count; ++i) {
        all.push_back(of(*surface, "OUTCOME" + std::to_string(i), q));
    }
    RC_ASSERT(std::abs(margin_of(surface, all).events) <= slack);
    all.pop_back();
    // One that is missing may be the one.
    if (std::abs(q) > 0 && weights.back() / sum < 1) {
        const double events = margin_of(surface, all).events;
        const double worst = q > 0 ? q * (1 - weights.back() / sum) : -q * weights.back() / sum;
        RC_ASSERT(std::abs(events - worst) <= slack);
    }
}

TEST(House, CoversOneOrTwoClients) {
    const std::vector<std::vector<double>> scenarios{{5, 1, 0, 7}, {6, 6, 6, 0}, {-3, 20, -1, 2}};
    EXPECT_EQ(cover(scenarios, 1), 20);
    EXPECT_EQ(cover(scenarios, 2), 22);
    EXPECT_EQ(cover(scenarios, 9), 22);
    EXPECT_EQ(cover(std::vector<std::vector<double>>{}, 2), 0);
}

TEST(House, IsSoundWhereNobodyCanLose) {
    const auto rich = account_of(a_surface(), {{InstrumentId{0}, 1'000}});
    const std::vector<const Account*> accounts{&rich};
    const auto report = look_at_house(accounts, {.waterfall_usd = 0});
    ASSERT_TRUE(report.has_value());
    EXPECT_NEAR(report->solvency_probability, 1, 1e-12);
    EXPECT_EQ(report->cover2, 0);
    EXPECT_EQ(report->expected_loss, 0);
    const auto broke = look_at_house({}, {.waterfall_usd = -1});
    EXPECT_EQ(broke->solvency_probability, 0);
}

RC_GTEST_PROP(House, IsNoLessSoundWithMoreToPayWith, ()) {
    std::vector<Account> held;
    held.reserve(3);
    for (int i = 0; i < 3; ++i) held.push_back(account_of(a_surface(), any_positions()));
    const std::vector<const Account*> accounts{&held[0], &held[1], &held[2]};
    double before = 0;
    for (const double waterfall : {-1.0, 0.0, 1e3, 1e5, 1e6, 1e7, 1e10}) {
        const auto report = look_at_house(accounts, {.waterfall_usd = waterfall, .cells = 64});
        RC_ASSERT(report.has_value());
        RC_ASSERT(report->solvency_probability >= before - 1e-12);
        RC_ASSERT(report->cover2 >= report->cover1);
        before = report->solvency_probability;
    }
    RC_ASSERT(before > 1 - 1e-9);
}

}  // namespace
}  // namespace crossclear::risk::kernel
