#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

const auto pledger = account_in(base::PartitionId{1});

// Of no token is so much held by anybody else.
std::int64_t taken_of(const Outside& outside, base::AssetId asset) {
    std::int64_t sum = 0;
    for (const auto& taken : outside.watch.all<account::CollateralTaken>()) {
        if (taken.asset == asset) sum += taken.amount.v;
    }
    return sum;
}

Amount debt_of(const account::State& state) {
    const auto found = state.holdings.find(usdc);
    return found == state.holdings.end() ? Amount{} : found->second.recv;
}

// Somebody with 1,000 USDC, what no instrument trades, and a contract on a bitcoin of 30,000.
struct Pledged {
    explicit Pledged(base::AssetId asset, std::int64_t amount, double haircut = .005)
        : house(outside, with_haircut(haircut)) {
        house.set_price(dai, 1);
        outside.deposit(perpetuals, pledger, usdc, 1'000 * one_usdc);
        outside.deposit(uniswap, pledger, asset, amount);
        (void)client->expect<actors::TradeCleared>(trade_of(pledger, btc_perp, one_contract));
    }
    static HouseOptions with_haircut(double haircut) {
        HouseOptions options;
        options.universe = [haircut](risk::kernel::Universe& universe) {
            universe.wrappers.at(universe.find_wrapper("DAI")->v).haircut_initial = haircut;
        };
        return options;
    }
    // Once the account stands so, after it was liquidated.
    bool await_standing(account::Standing standing) {
        return outside.watch
            .await_event<account::StandingChanged>([&](const auto&, const auto& changed) {
                return changed.from == account::Standing::liquidating && changed.to == standing;
            })
            .has_value();
    }

    Outside outside{partitions, listing_with_collateral()};
    House house;
    std::unique_ptr<Client> client{house.client({pledger})};
};

constexpr std::int64_t one_share = 1'000'000;  // Worth 89.44 dollars.

// Goal: who has lost its cash pays with its shares, as many as it takes, and keeps the rest.
TEST(Collateral, ASharePaysADebtAndTheRestIsKept) {
    Pledged town(pool_share, 100 * one_share);
    town.house.set_price(btc_contract, 20'500);
    ASSERT_TRUE(town.await_standing(account::Standing::good));
    const auto state = town.outside.account(pledger);
    const auto taken = taken_of(town.outside, pool_share);
    EXPECT_GT(taken, 0);
    EXPECT_EQ(state.holdings.at(pool_share).free, Amount{100 * one_share - taken});
    EXPECT_GT(state.holdings.at(pool_share).free, Amount{0});
    // The broker has them, at their price less the haircut, which a share's two tokens average.
    EXPECT_EQ(town.outside.balance(alpha, ledger::Chart::conv, pool_share), -taken);
    for (const auto& event : town.outside.watch.all<account::CollateralTaken>()) {
        EXPECT_NEAR(static_cast<double>(event.price.v) * 1e-9, 89.4427191 * (1 - .00375), 1e-6);
    }
    EXPECT_TRUE(town.outside.watch.all<account::LossAllocated>().empty());
    auto& gauges = town.house.node().context().instruments->clearing.collateral_held_usd;
    EXPECT_TRUE(town.outside.watch.await([&] {
        const double usd = gauges.with({"alpha", "ETH-USDC"}).value();
        return std::abs(usd - static_cast<double>(taken) / one_share * 89.4427191) < .01;
    }));
    EXPECT_EQ(town.outside.audit(), std::nullopt);
}

// Goal: what a debtor still has is taken before anybody else pays for it, whatever it is.
TEST(Collateral, NothingIsLeftOfADefault) {
    struct Row {
        const char* claim{};
        base::AssetId asset;
        std::int64_t amount{};
        double worth_usd{};
        double haircut{.005};  // Of DAI.
    };
    const Row rows[] = {
        {"a share of a pool", pool_share, 100 * one_share, 8'944.27 * (1 - .00375)},
        {"what is lent", lent_eth, 4'000'000, 8'000 * (1 - .005)},
        {"another token to settle in", dai, 8'000'000'000, 8'000 * (1 - .005)},
        {"one that margin counts for little", dai, 13'000'000'000, 13'000 * .5, .6},
    };
    for (const auto& row : rows) {
        Pledged town(row.asset, row.amount, row.haircut);
        town.house.set_price(btc_contract, 15'000);
        ASSERT_TRUE(town.await_standing(account::Standing::defaulted)) << row.claim;
        const auto state = town.outside.account(pledger);
        EXPECT_TRUE(state.holdings.empty()) << row.claim;
        EXPECT_TRUE(state.contracts.empty()) << row.claim;
        EXPECT_EQ(taken_of(town.outside, row.asset), row.amount) << row.claim;
        const auto lost = town.outside.watch.all<account::LossAllocated>();
        ASSERT_EQ(lost.size(), 1U) << row.claim;
        // 15,000 lost on 1,000 and on what was pledged, with spreads and fees.
        const double lost_usd = static_cast<double>(lost.front().loss.v) / one_usdc;
        EXPECT_NEAR(lost_usd, std::max(0.0, 14'000 - row.worth_usd), 60) << row.claim;
        const auto borne = town.outside.watch.await_event<netting::LossBorne>();
        ASSERT_TRUE(borne.has_value()) << row.claim;
        EXPECT_EQ(borne->from_capital, lost.front().loss) << row.claim;
        EXPECT_EQ(town.outside.audit(), std::nullopt) << row.claim;
    }
}

// Goal: a debt is not paid with what has come to nothing, and does not wait for it.
TEST(Collateral, WhatIsWorthNothingPaysNothing) {
    Pledged town(dai, 8'000'000'000);
    // At once: without its DAI alone it would be liquidated at 30,000, and lose nothing.
    const base::Price fallen{21'100 * one_dollar};
    town.house.set_prices({{dai, base::Price{0}}, {btc_contract, fallen}});
    ASSERT_TRUE(town.await_standing(account::Standing::defaulted));
    EXPECT_EQ(taken_of(town.outside, dai), 0) << "worth nothing, it pays nothing";
    EXPECT_EQ(town.outside.account(pledger).holdings.at(dai).free, Amount{8'000'000'000});
    EXPECT_EQ(debt_of(town.outside.account(pledger)), Amount{0});
}

}  // namespace
}  // namespace crossclear::tests
