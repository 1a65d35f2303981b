#include "risk/kernel/account.hpp"

#include "base/rng.hpp"
#include "risk/kernel/credit.hpp"
#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

SurfacePointer small() {
    static const auto surface = surface_of(a_small_universe());
    return surface;
}

Change change_of(const Surface& surface, const std::vector<Position>& legs) {
    return *Change::of(surface, legs);
}

TEST(Margin, OfACoinIsItsPartsByHand) {
    // Two owed dollars keep the cap at equity away.
    const auto margin = margin_of(small(), {of(*small(), "COIN", 10), of(*small(), "USD", -2)});
    EXPECT_NEAR(margin.equity, 998, 1e-9);
    EXPECT_NEAR(margin.market, 100, 1e-9);  // 10 % of 1,000 in lockstep; tails are damped to 77 %.
    EXPECT_EQ(margin.basis, 0);
    EXPECT_EQ(margin.funding, 0);
    EXPECT_NEAR(margin.liquidity, 1'000 * .5 * .04 * std::sqrt(1'000 / 1e6), 1e-9);
    EXPECT_NEAR(margin.haircut, 20, 1e-9);
    EXPECT_NEAR(margin.haircut_maintenance, 10, 1e-9);
    EXPECT_EQ(margin.protocols, 0);
    EXPECT_EQ(margin.oracle, 0);
    EXPECT_EQ(margin.concentration, 0);
    EXPECT_FALSE(margin.is_capped);
    EXPECT_NEAR(margin.initial, 120 + margin.liquidity, 1e-9);
    EXPECT_NEAR(margin.maintenance, 90 + .5 * margin.liquidity, 1e-9);
}

TEST(Margin, OfASyntheticHasItsIssuer) {
    const auto margin = margin_of(small(), {of(*small(), "SYN", 10), of(*small(), "USD", -2)});
    EXPECT_NEAR(margin.losses[0], 500, 1e-9);
    EXPECT_NEAR(margin.shortfall(0), 0, 1e-9);
    const double chance = default_within(.05, 10);
    EXPECT_NEAR(margin.protocols, 500 * worst_case_default({chance, .2}, .999), 1e-9);
    EXPECT_NEAR(margin.basis, 10, 1e-9);
    // Short, it gains by the failure: half of a gain counts, against no loss.
    EXPECT_EQ(margin_of(small(), {of(*small(), "SYN", -10)}).protocols, 0);
}

// What one position loses with an issuer, another may win; only half of that is believed.
TEST(Margin, CountsHalfOfWhatAFailureBrings) {
    auto universe = a_small_universe();
    Instrument lent;
    lent.name = "LENT";
    lent.kind = Kind::deposit;
    lent.wrapper = WrapperId{1};
    universe.instruments.push_back(lent);
    const auto surface = surface_of(universe);
    const auto margin = margin_of(surface, {of(*surface, "LENT", 10), of(*surface, "SYN", -8)});
    EXPECT_NEAR(margin.losses[0], 500 - .5 * 400, 1e-9);
    EXPECT_GT(margin.protocols, 0);
}

TEST(Margin, OfAPerpetualHasFundingAndItsVenue) {
    const auto margin = margin_of(small(), {of(*small(), "PERP", -10)});
    EXPECT_EQ(margin.equity, 0);
    EXPECT_NEAR(margin.funding, 3, 1e-9);
    EXPECT_NEAR(margin.losses[1], 100, 1e-9);
    EXPECT_NEAR(margin.shortfall(1), 100, 1e-9);
    EXPECT_EQ(margin.haircut, 0);
    // Gross: long and short of one instrument are one quantity, which is nothing.
    EXPECT_EQ(margin_of(small(), {of(*small(), "PERP", 5), of(*small(), "PERP", -5)}),
              (Margin{.is_cappable = true, .protocol_count = 2}));
}

TEST(Margin, OfShortOptionsHasAMinimumThatNothingCovers) {
    const auto covered = margin_of(small(), {of(*small(), "CALL", -4), of(*small(), "COIN", 4)});
    EXPECT_NEAR(covered.shorts, 4 * .005 * 100, 1e-12);
    EXPECT_EQ(margin_of(small(), {of(*small(), "CALL", 4)}).shorts, 0);
    // Another type is another series: the long call does not pay for the short put.
    const auto spread = margin_of(small(), {of(*small(), "CALL", 4), of(*small(), "PUT", -4)});
    EXPECT_NEAR(spread.shorts, 2, 1e-12);
}

TEST(Margin, OfAnEventIsItsWorstOutcome) {
    EXPECT_NEAR(margin_of(small(), {of(*small(), "YES", 10)}).events, 4, 1e-12);
    EXPECT_NEAR(margin_of(small(), {of(*small(), "YES", -10)}).events, 6, 1e-12);
    EXPECT_NEAR(margin_of(small(), {of(*small(), "YES", 10), of(*small(), "NO", 10)}).events, 0,
                1e-12);
    EXPECT_NEAR(margin_of(small(), {of(*small(), "YES", 10), of(*small(), "NO", 4)}).events,
                4 + 2.4 - 4, 1e-12);
}

// An event has outcomes that nobody lists: they pay nothing to whoever holds the others.
TEST(Margin, OfAnEventCountsOutcomesThatAreNotHeld) {
    auto universe = a_small_universe();
    universe.instruments[6].outcomes = universe.instruments[7].outcomes = 3;
    const auto surface = surface_of(universe);
    const auto margin = margin_of(surface, {of(*surface, "YES", 10), of(*surface, "NO", 10)});
    EXPECT_NEAR(margin.events, 10, 1e-12);
}

TEST(Margin, RisesWithOldPricesAndOpenInterest) {
    auto universe = a_small_universe();
    auto& perpetual = universe.wrappers[2];
    perpetual.oracle_age_s = 86'400 + 60;
    perpetual.oracle_heartbeat_s = 60;
    perpetual.open_interest_low_usd = 100;
    perpetual.open_interest_high_usd = 300;
    for (const auto& [interest, filled] :
         std::vector<std::pair<double, double>>{{50, 0}, {200, .5}, {1'000, 1}}) {
        perpetual.open_interest_usd = interest;
        const auto surface = surface_of(universe);
        const auto margin = margin_of(surface, {of(*surface, "PERP", 10)});
        EXPECT_NEAR(margin.oracle, 2.33 * .04 * 1'000, 1e-9);
        EXPECT_NEAR(margin.concentration, 900 * filled, 1e-9);
        EXPECT_NEAR(margin.market + margin.concentration, 100 + 900 * filled, 1);
    }
}

TEST(Margin, OfWhatCannotLoseMoreThanItsWorthIsCapped) {
    const auto needs = [](const std::vector<Position>& positions) {
        return *account_of(small(), positions).margin(1);
    };
    const auto shares = needs({of(*small(), "YES", 10)});
    EXPECT_TRUE(shares.is_capped);
    EXPECT_NEAR(shares.initial, 3, 1e-12);
    EXPECT_NEAR(shares.maintenance, 3, 1e-12);
    EXPECT_FALSE(is_below_maintenance(shares));
    // What is owed takes the cap away: dollars, a short, a contract.
    for (const auto& owed : {of(*small(), "USD", -1e-6), of(*small(), "NO", -1e-6),
                             of(*small(), "PERP", 1e-6), of(*small(), "CALL", -1e-6)}) {
        const auto margin = needs({of(*small(), "YES", 10), owed});
        EXPECT_FALSE(margin.is_capped);
        EXPECT_NEAR(margin.initial, 4, 1e-3);
    }
}

TEST(Verdict, IsTheFirstRuleThatHolds) {
    const auto margin = [](double equity, double initial, double maintenance) {
        return Margin{.equity = equity, .initial = initial, .maintenance = maintenance};
    };
    EXPECT_EQ(verdict_of({margin(9, 9, 9), margin(10, 9, 8), 1, false}), Verdict::covered);
    EXPECT_EQ(verdict_of({margin(9, 9, 9), margin(10, 9, 8), 1.1, false}), Verdict::refused);
    EXPECT_EQ(verdict_of({margin(9, 20, 9), margin(9, 19, 9), 0, false}), Verdict::lowering);
    EXPECT_EQ(verdict_of({margin(9, 20, 9), margin(8, 19, 9), 0, false}), Verdict::refused);
    EXPECT_EQ(verdict_of({margin(-9, 20, 9), margin(-9, 20, 9), 0, true}), Verdict::unwinding);
    EXPECT_EQ(verdict_of({margin(-9, 20, 9), margin(-9, 20, 10), 0, true}), Verdict::refused);
    EXPECT_EQ(verdict_of({margin(9, 1, 1), margin(nan, 1, 1), 0, true}), Verdict::refused);
    EXPECT_EQ(verdict_of({margin(9, 1, 1), margin(9, nan, 1), 0, true}), Verdict::refused);
    EXPECT_EQ(verdict_of({margin(9, 1, 1), margin(9, 1, 1), nan, true}), Verdict::refused);
    EXPECT_TRUE(is_below_maintenance(margin(nan, 1, 1)));
}

TEST(Change, RefusesWhatNobodyCanHold) {
    const auto fault = [](const std::vector<Position>& legs) {
        const auto change = Change::of(*small(), legs);
        return change ? std::optional<Fault>{} : change.error();
    };
    const InstrumentId coin{1};
    EXPECT_EQ(fault({{coin, nan}}), Fault::not_finite);
    EXPECT_EQ(fault({{coin, -infinity}}), Fault::not_finite);
    EXPECT_EQ(fault({{coin, 1.1e15}}), Fault::out_of_range);
    EXPECT_EQ(fault({{coin, 9e14}, {coin, 9e14}}), Fault::out_of_range);
    EXPECT_EQ(fault({{InstrumentId{99}, 1}}), Fault::instrument_unknown);
    EXPECT_EQ(fault(std::vector<Position>(limits::legs_max + 1, {coin, 1})), Fault::too_many_legs);
    EXPECT_EQ(fault({{coin, 0}}), std::nullopt);
    const auto refused = Account::of(small(), std::vector<Position>{{coin, nan}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error(), Fault::not_finite);

    // Each is small enough, their sum is not: nothing changes.
    auto account = account_of(small(), {{coin, 9e14}});
    const auto before = *account.margin();
    const auto more = change_of(*small(), {{coin, 9e14}});
    EXPECT_EQ(account.what_if(more).error(), Fault::out_of_range);
    EXPECT_FALSE(account.apply(more).has_value());
    EXPECT_EQ(*account.margin(), before);
}

TEST(Account, CountsOpenOrdersByWhatTheyMayLose) {
    auto account = account_of(small(), {of(*small(), "COIN", 10), of(*small(), "USD", -2)});
    const auto alone = *account.margin();
    // Sold, the coins could not fall; the order may not fill, so it helps nobody.
    ASSERT_TRUE(account.open(1, change_of(*small(), {of(*small(), "COIN", -10)})).has_value());
    EXPECT_NEAR(account.margin()->market, alone.market, 1e-9);
    ASSERT_TRUE(account.open(2, change_of(*small(), {of(*small(), "COIN", 10)})).has_value());
    EXPECT_NEAR(account.margin()->market, 2 * alone.market, 1e-9);
    EXPECT_EQ(account.open(2, change_of(*small(), {})).error(), Fault::order_known_already);
    ASSERT_TRUE(account.close(2).has_value());
    ASSERT_TRUE(account.close(1).has_value());
    EXPECT_EQ(account.close(1).error(), Fault::order_unknown);
    EXPECT_EQ(*account.margin(), alone);
}

TEST(Account, MovesToAnotherSurface) {
    auto account = account_of(small(), {of(*small(), "COIN", 10), of(*small(), "PERP", -3)});
    ASSERT_TRUE(account.open(7, change_of(*small(), {of(*small(), "COIN", 1)})).has_value());
    auto universe = a_small_universe();
    for (auto& wrapper : universe.wrappers) wrapper.price = 200;
    universe.underlyings[0].spot = 200;
    const auto dearer = surface_of(universe, 2);
    ASSERT_TRUE(account.move_to(dearer).has_value());
    EXPECT_EQ(account.surface().number(), 2U);
    auto fresh = account_of(dearer, {of(*small(), "COIN", 10), of(*small(), "PERP", -3)});
    ASSERT_TRUE(fresh.open(7, change_of(*small(), {of(*small(), "COIN", 1)})).has_value());
    EXPECT_EQ(*account.margin(), *fresh.margin());
    universe.instruments.resize(2);
    EXPECT_EQ(account.move_to(surface_of(universe, 3)).error(), Fault::instrument_unknown);
    EXPECT_EQ(*account.margin(), *fresh.margin());
}

TEST(Account, KnowsWhatOnlyReduces) {
    const auto account = account_of(small(), {of(*small(), "COIN", 10), of(*small(), "PERP", -3)});
    const auto reduces = [&](const std::vector<Position>& legs) {
        return account.is_reduced_by(change_of(*small(), legs));
    };
    EXPECT_TRUE(reduces({of(*small(), "COIN", -4), of(*small(), "USD", 400)}));
    EXPECT_TRUE(reduces({of(*small(), "COIN", -10), of(*small(), "PERP", 3)}));
    EXPECT_FALSE(reduces({of(*small(), "COIN", 1)}));
    EXPECT_FALSE(reduces({of(*small(), "PERP", 4)}));
    EXPECT_FALSE(reduces({of(*small(), "COIN", -1), of(*small(), "SYN", 1)}));
}

// What two margins may differ by when they were added up in another order.
void expect_alike(const Margin& a, const Margin& b, double scale) {
    const double slack = 1e-9 * scale;
    for (auto figure : {&Margin::equity, &Margin::market, &Margin::basis, &Margin::funding,
                        &Margin::liquidity, &Margin::shorts, &Margin::haircut, &Margin::events,
                        &Margin::protocols, &Margin::oracle, &Margin::concentration,
                        &Margin::initial, &Margin::maintenance, &Margin::haircut_maintenance}) {
        ASSERT_NEAR(a.*figure, b.*figure, slack);
    }
    for (std::size_t p = 0; p < a.protocol_count; ++p) ASSERT_NEAR(a.losses[p], b.losses[p], slack);
}

// Goal: law 5. A what-if, made and never recomputed, is the margin of the positions that result:
// over 100,000 random orders of one to three legs, some of which close what is held.
TEST(Account, WhatIfEqualsRecomputing) {
    const auto surface = a_surface();
    base::Rng rng(20'260);
    Account account(surface);
    std::vector<double> held(surface->instruments(), 0);
    for (int step = 0; step < 100'000; ++step) {
        std::vector<Position> legs;
        for (auto count = 1 + rng.below(3); count > 0; --count) {
            // Few instruments, so that they meet again.
            const InstrumentId id{static_cast<std::uint16_t>(rng.below(100) / (1 + rng.below(5)))};
            const double now = account.quantity(id);
            legs.push_back({id, rng.below(3) == 0 ? -now : 20 * (rng.uniform() - .5)});
        }
        const auto change = change_of(*surface, legs);
        const auto foreseen = account.what_if(change);
        ASSERT_TRUE(foreseen.has_value());
        const auto judged = account.assess(change, *account.margin());
        ASSERT_TRUE(judged.has_value());
        ASSERT_GE(judged->after.initial, foreseen->initial * (1 - 1e-12) - 1e-9);
        ASSERT_TRUE(account.apply(change).has_value());
        const auto made = account.margin();
        const Position* first = account.positions().data();
        const std::vector<Position> positions(first, first + account.positions().size());
        const auto again = margin_of(surface, positions);
        ASSERT_NO_FATAL_FAILURE(expect_alike(*foreseen, again, 1e5)) << "step " << step;
        ASSERT_NO_FATAL_FAILURE(expect_alike(*made, again, 1e5)) << "step " << step;
        ASSERT_NO_FATAL_FAILURE(
            expect_alike(judged->after.is_market_exact ? judged->after : again, again, 1e5));
    }
}

// Goal: an order taken back leaves no trace, to the last bit.
TEST(Account, UndoRestoresEveryBit) {
    const auto surface = a_surface();
    base::Rng rng(77);
    Account account(surface);
    for (int step = 0; step < 2'000; ++step) {
        const Position leg{InstrumentId{static_cast<std::uint16_t>(rng.below(100))},
                           20 * (rng.uniform() - .5)};
        const auto before = *account.margin();
        const std::vector<double> pnl(account.pnl().begin(), account.pnl().end());
        auto undo = account.apply(change_of(*surface, {leg}));
        ASSERT_TRUE(undo.has_value());
        if (step % 3 == 0) continue;
        account.undo(*std::move(undo));
        ASSERT_EQ(*account.margin(), before);
        ASSERT_TRUE(std::equal(pnl.begin(), pnl.end(), account.pnl().begin()));
    }
}

}  // namespace
}  // namespace crossclear::risk::kernel
