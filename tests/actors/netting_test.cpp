#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

constexpr base::PartitionId first{0};
constexpr base::PartitionId second{1};

// Goal: flow that cancels is never sent anywhere, wherever in the cluster its two sides live.
TEST(Netting, BuysAndSellsThatCancelAreNotHedged) {
    Outside outside;
    House house(outside, {.band_usd = 100'000});
    const auto buyer = account_in(first);
    const auto seller = account_in(second);
    const auto client = house.client({buyer, seller});
    outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
    outside.deposit(uniswap, seller, eth, 20 * one_eth);

    for (int i = 0; i < 5; ++i) {
        (void)client->expect<actors::TradeCleared>(trade_of(seller, eth_swap, -2 * one_eth));
        (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, 2 * one_eth));
    }
    const auto is_settled = [](const ledger::Entry& entry, const account::ClaimsCovered& covered) {
        return entry.entity.kind == base::EntityKind::account && covered.asset == eth &&
               covered.parts.back().trade == 5 && covered.parts.back().is_last;
    };
    EXPECT_TRUE(outside.watch.await_event<account::ClaimsCovered>(is_settled).has_value());

    EXPECT_TRUE(outside.watch.all<netting::HedgeOpened>().empty());
    EXPECT_EQ(house.figures(alpha).hedged_cents, 0);
    EXPECT_EQ(outside.account(buyer).holdings.at(eth).free, Amount{10 * one_eth});
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
