#include "risk/kernel/account.hpp"
#include "risk/kernel/credit.hpp"
#include "risk/kernel/fee.hpp"
#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

// What may be done with an account, and what must never pass: money that leaves under another name,
// figures that are none, changes of another surface.

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

SurfacePointer the_small() {
    static const auto surface = surface_of(a_small_universe());
    return surface;
}

Account holding(const std::vector<std::pair<std::string_view, double>>& held) {
    std::vector<Position> positions;
    for (const auto& [name, quantity] : held) {
        positions.push_back(of(*the_small(), name, quantity));
    }
    return account_of(the_small(), positions);
}

Change order_of(const std::vector<std::pair<std::string_view, double>>& legs) {
    std::vector<Position> list;
    for (const auto& [name, quantity] : legs) list.push_back(of(*the_small(), name, quantity));
    return *Change::of(*the_small(), list);
}

Verdict verdict_on(const Account& account, const Change& change, double fee_usd = 0) {
    return account.assess(change, *account.margin(), fee_usd)->verdict;
}

Margin figures(double equity, double initial, double maintenance) {
    return {.equity = equity, .initial = initial, .maintenance = maintenance};
}

TEST(Acceptance, CountsTheFeeInEveryRule) {
    EXPECT_EQ(verdict_of({figures(9, 20, 9), figures(9, 19, 8), 1, false}), Verdict::lowering);
    EXPECT_EQ(verdict_of({figures(9, 20, 9), figures(9, 19, 8), 1.1, false}), Verdict::refused);
    EXPECT_EQ(verdict_of({figures(-9, 20, 9), figures(-9, 19, 9), 1, true}), Verdict::unwinding);
    EXPECT_EQ(verdict_of({figures(-9, 20, 9), figures(-9, 19, 9), 1.1, true}), Verdict::refused);
    for (const double fee : {-1e-9, -infinity, infinity, nan}) {
        EXPECT_EQ(verdict_of({figures(9, 1, 1), figures(9, 1, 1), fee, true}), Verdict::refused);
    }
}

// An account without debts needs no more than its equity. A fee beyond that is nobody's to pay.
TEST(Acceptance, OfWhatIsCappedIsNotBoughtByLosingMoney) {
    const auto account = holding({{"YES", 10}});
    ASSERT_EQ(account.margin(1)->initial, 3);
    const auto sale = order_of({{"YES", -9}, {"USD", 3.6}});
    EXPECT_EQ(verdict_on(account, sale, 3), Verdict::covered);
    EXPECT_EQ(verdict_on(account, sale, 4.1), Verdict::refused);
}

TEST(Acceptance, OfAnUnwindGivesNothingAway) {
    EXPECT_EQ(verdict_of({figures(-9, 20, 9), figures(-11, 18, 9), 0, true}), Verdict::unwinding);
    EXPECT_EQ(verdict_of({figures(-9, 20, 9), figures(-12, 18, 9), 0, true}), Verdict::refused);
    // Ten coins on credit, and less than maintenance left.
    const auto account = holding({{"COIN", 10}, {"USD", -990}});
    ASSERT_TRUE(is_below_maintenance(*account.margin()));
    EXPECT_EQ(verdict_on(account, order_of({{"COIN", -5}, {"USD", 500}})), Verdict::unwinding);
    EXPECT_EQ(verdict_on(account, order_of({{"COIN", -5}, {"USD", 490}})), Verdict::unwinding);
    EXPECT_EQ(verdict_on(account, order_of({{"COIN", -5}})), Verdict::refused);
    EXPECT_EQ(verdict_on(account, order_of({{"COIN", -10}, {"USD", 800}})), Verdict::refused);
    EXPECT_EQ(verdict_on(account, order_of({{"COIN", -1e-9}, {"USD", -9}})), Verdict::refused);
}

// Dollars move no margin. Whoever has too little could take the rest out, were that an unwind.
TEST(Acceptance, OfDollarsAloneIsNoUnwind) {
    const auto account = holding({{"COIN", 10}, {"USD", -990}});
    for (const double usd : {-1e6, -1.0, 0.0}) {
        const auto change = order_of({{"USD", usd}, {"SYN", 0}});
        EXPECT_FALSE(account.is_reduced_by(change));
        EXPECT_EQ(verdict_on(account, change), Verdict::refused) << usd;
    }
    // Dollars that come in are no harm: IM is as it was, and so is what they leave it short of.
    EXPECT_EQ(verdict_on(account, order_of({{"USD", 1'000}})), Verdict::covered);
}

TEST(Account, RefusesWhatIsNoFee) {
    const auto account = holding({{"YES", 10}, {"USD", 5}});
    const auto nothing = order_of({});
    for (const double fee : {-1e-9, -infinity, infinity, nan}) {
        EXPECT_EQ(account.margin(fee).error(), Fault::not_a_fee);
        EXPECT_EQ(account.what_if(nothing, fee).error(), Fault::not_a_fee);
        EXPECT_EQ(account.assess(nothing, *account.margin(), fee).error(), Fault::not_a_fee);
    }
}

// The cap is for accounts that cannot lose more than they have. With an order in the book for what
// can, they might at any moment: the order was accepted on the equity that the next one spends.
TEST(Account, IsNotCappedWhileAnOpenOrderCouldUncapIt) {
    const auto spend_all = order_of({{"USD", -100}, {"YES", 250}});
    auto account = holding({{"USD", 100}});
    EXPECT_EQ(verdict_on(account, spend_all), Verdict::covered);
    const auto short_sale = order_of({{"PERP", -5}});
    EXPECT_EQ(verdict_on(account, short_sale), Verdict::covered);
    ASSERT_TRUE(account.open(1, short_sale).has_value());
    EXPECT_EQ(verdict_on(account, spend_all), Verdict::refused);
    EXPECT_FALSE(account.what_if(spend_all)->is_capped);
    ASSERT_TRUE(account.close(1).has_value());
    EXPECT_EQ(verdict_on(account, spend_all), Verdict::covered);
}

TEST(Account, StaysCappedWithOpenOrdersThatItCanPay) {
    const auto is_capped_with = [](const std::vector<Change>& orders) {
        auto account = holding({{"YES", 10}, {"USD", 1}});
        OpenOrderId id = 0;
        for (const auto& order : orders) EXPECT_TRUE(account.open(++id, order).has_value());
        return account.margin(1.5)->is_capped;
    };
    const auto sells = [](double quantity) { return order_of({{"YES", -quantity}}); };
    EXPECT_TRUE(is_capped_with({}));
    EXPECT_TRUE(is_capped_with({order_of({{"USD", -1}, {"NO", 1}}), sells(10)}));
    EXPECT_TRUE(is_capped_with({sells(6), sells(4)}));
    // Each could be delivered, both cannot.
    EXPECT_FALSE(is_capped_with({sells(6), sells(5)}));
    EXPECT_FALSE(is_capped_with({order_of({{"USD", -2}, {"NO", 2}})}));
    EXPECT_FALSE(is_capped_with({order_of({{"PERP", 1e-6}})}));
    EXPECT_FALSE(is_capped_with({order_of({{"CALL", -1e-6}})}));
}

TEST(Account, RefusesOpenOrdersThatItCannotCount) {
    auto account = holding({{"USD", 100}});
    const auto foreign = *Change::of(*a_surface(), std::vector<Position>{{InstrumentId{99}, 1}});
    EXPECT_EQ(account.open(1, foreign).error(), Fault::instrument_unknown);
    EXPECT_EQ(account.what_if(foreign).error(), Fault::instrument_unknown);
    EXPECT_EQ(account.apply(foreign).error(), Fault::instrument_unknown);
    EXPECT_FALSE(account.is_reduced_by(foreign));
    const auto order = order_of({{"COIN", .01}});
    for (OpenOrderId id = 0; id < limits::open_orders_max; ++id) {
        ASSERT_TRUE(account.open(id, order).has_value());
    }
    EXPECT_EQ(account.open(0, order).error(), Fault::order_known_already);
    EXPECT_EQ(account.open(limits::open_orders_max, order).error(), Fault::too_many_orders);
    ASSERT_TRUE(account.close(7).has_value());
    EXPECT_TRUE(account.open(limits::open_orders_max, order).has_value());
}

// Goal: something is listed before what is held, and every number moves by one. Positions must not
// become those of the neighbour.
TEST(Account, MovesOnlyWhereItsInstrumentsAreWhatTheyWere) {
    auto universe = a_small_universe();
    std::swap(universe.instruments[2], universe.instruments[3]);
    const auto swapped = surface_of(universe, 2);
    auto touched = holding({{"SYN", 1}});
    EXPECT_EQ(touched.move_to(swapped).error(), Fault::instrument_unknown);
    auto ordered = holding({{"COIN", 1}});
    ASSERT_TRUE(ordered.open(1, order_of({{"PERP", 1}})).has_value());
    EXPECT_EQ(ordered.move_to(swapped).error(), Fault::instrument_unknown);
    EXPECT_EQ(ordered.surface().number(), 1U);
    auto elsewhere = holding({{"COIN", 1}, {"CALL", -1}});
    EXPECT_TRUE(elsewhere.move_to(swapped).has_value());
    EXPECT_EQ(elsewhere.surface().number(), 2U);
}

TEST(Account, TakesBackTheLatestChangeAndThenTheOneBefore) {
    auto account = holding({{"COIN", 10}, {"USD", -2}});
    const auto start = *account.margin();
    auto first = *account.apply(order_of({{"PERP", -3}}));
    const auto between = *account.margin();
    auto second = *account.apply(order_of({{"COIN", -10}}));
    account.undo(std::move(second));
    EXPECT_EQ(*account.margin(), between);
    account.undo(std::move(first));
    EXPECT_EQ(*account.margin(), start);
}

// A row of P&L of another surface, or of other positions, under this account's sums would be no
// error but a wrong margin.
TEST(AccountDeathTest, TakesBackNothingElse) {
    auto account = holding({{"COIN", 10}});
    auto first = *account.apply(order_of({{"PERP", -3}}));
    auto second = *account.apply(order_of({{"PERP", 1}}));
    EXPECT_DEATH(account.undo(std::move(first)), "only the latest change");
    account.undo(std::move(second));
    // NOLINTNEXTLINE(bugprone-use-after-move): that it was moved from is the point.
    EXPECT_DEATH(account.undo(std::move(second)), "only the latest change");
    ASSERT_TRUE(account.move_to(surface_of(a_small_universe(), 2)).has_value());
    EXPECT_DEATH(account.undo(std::move(first)), "only the latest change");
}

// Goal: no sum that is no number becomes a margin of nothing. Comparisons are false with NaN, and
// what takes the larger of two would take the other one.
TEST(Margin, OfSumsThatAreNoNumbersIsNone) {
    const auto surface = surface_of(a_small_universe());
    const auto refuses = [&surface](const std::function<void(Totals&)>& harm, double market = 0) {
        Totals totals;
        totals.equity = 5;
        harm(totals);
        return !is_finite(margin_of(*surface, totals, market, 0));
    };
    ASSERT_FALSE(refuses([](Totals&) {}));
    for (const double bad : {nan, -nan, infinity}) {
        EXPECT_TRUE(refuses([](Totals&) {}, bad));
        for (auto sum : {&Totals::equity, &Totals::haircut_initial, &Totals::haircut_maintenance,
                         &Totals::shorts, &Totals::events}) {
            EXPECT_TRUE(refuses([&](Totals& x) { x.*sum = bad; })) << bad;
        }
        EXPECT_TRUE(refuses([&](Totals& x) { x.exposure[1] = bad; })) << bad;
        EXPECT_TRUE(refuses([&](Totals& x) { x.funded[2] = bad; })) << bad;
        EXPECT_TRUE(refuses([&](Totals& x) { x.lost[0] = bad; })) << bad;
    }
    EXPECT_TRUE(refuses([](Totals& x) { x.gained[1] = nan; }));
    EXPECT_TRUE(std::isnan(Margin{.equity = nan, .losses = {1}}.shortfall(0)));
}

TEST(Credit, PaysNothingWithWhatIsNoNumber) {
    const std::vector<Exposure> exposures{{.5, 1}};
    const auto losses = independent_losses(exposures, {.cell = 1, .cells = 1});
    EXPECT_EQ(losses.at_most(nan), 0);
    EXPECT_EQ(losses.at_most(-infinity), 0);
    EXPECT_EQ(losses.at_most(infinity), 1);
}

TEST(AlignedArray, ThatWasMovedFromIsEmpty) {
    AlignedArray full(16);
    full.data()[3] = 7;
    AlignedArray other(std::move(full));
    EXPECT_EQ(other.size(), 16U);
    EXPECT_EQ(other.data()[3], 7);
    // NOLINTBEGIN(bugprone-use-after-move): it may be given a value again.
    EXPECT_EQ(full.size(), 0U);
    full = other;
    EXPECT_EQ(full.data()[3], 7);
    other = std::move(full);
    EXPECT_EQ(full.size(), 0U);
    // NOLINTEND(bugprone-use-after-move)
    EXPECT_EQ(other.data()[3], 7);
}

// One order of many legs is charged as the many trades that it is; what it is paid with is not
// charged again.
TEST(Fee, FloorCountsWhatIsBoughtOrSold) {
    const auto floor_of = [](const std::vector<std::pair<std::string_view, double>>& legs) {
        return trade_fee(holding({{"USD", 1e6}}), order_of(legs), {})->floor / .00005;
    };
    EXPECT_NEAR(floor_of({{"COIN", 2}}), 200, 1e-9);
    EXPECT_NEAR(floor_of({{"COIN", 2}, {"SYN", 3}}), 500, 1e-9);
    EXPECT_NEAR(floor_of({{"COIN", 2}, {"SYN", -3}}), 300, 1e-9);
    EXPECT_NEAR(floor_of({{"COIN", 2}, {"USD", -1'000}}), 200, 1e-9);
    EXPECT_NEAR(floor_of({{"COIN", -2}, {"SYN", -3}, {"PERP", 4}}), 500, 1e-9);
    EXPECT_EQ(floor_of({{"USD", -1'000}}), 0);
}

TEST(Fee, OfAProfileThatIsNoneIsRefused) {
    const auto account = holding({{"USD", 1e6}});
    for (const double bad : {nan, infinity, -1e-9}) {
        FeeProfile floor{.floor_share = bad};
        EXPECT_EQ(trade_fee(account, order_of({{"COIN", 1}}), floor).error(), Fault::not_a_fee);
        FeeProfile holding_days;
        holding_days.holding_days[3] = bad;
        EXPECT_EQ(trade_fee(account, order_of({{"COIN", 1}}), holding_days).error(),
                  Fault::not_a_fee);
    }
}

}  // namespace
}  // namespace crossclear::risk::kernel
