#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

// Goal: a claim that no shard can deliver does not stay open for ever. The broker holds no sBTC and
// their chain stands still: once overdue a hedge is forced, and after the grace the client is paid
// what its tokens are worth.
TEST(Overdue, ClaimsThatNothingCoversArePaidAtTheMark) {
    Outside outside;
    House house(outside, {.settle_within = base::milliseconds(200),
                          .cash_settle_after = base::milliseconds(1'500)});
    const auto buyer = account_in(base::PartitionId{2});
    const auto client = house.client({buyer});
    outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
    shards::simulated::Faults stopped;
    stopped.is_paused = true;
    outside.world->set_faults(synthetix, stopped);

    const auto from = outside.watch.mark();
    (void)client->expect<actors::TradeCleared>(trade_of(buyer, sbtc_swap, one_sbtc / 100));
    const auto is_forced = [](const auto&, const netting::HedgeOpened& task) {
        return task.base == sbtc && task.quantity > Amount{0};
    };
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeOpened>(is_forced, from).has_value())
        << "300 USD are inside the band of 1,000, and overdue";
    const auto settled = outside.watch.await_event<account::ClaimsCashSettled>(
        [](const auto&, const auto&) { return true; }, from);
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->amount, Amount{one_sbtc / 100});
    EXPECT_EQ(settled->cash, Amount{300 * one_usdc});
    const auto state = outside.account(buyer);
    EXPECT_FALSE(state.holdings.contains(sbtc));
    EXPECT_EQ(state.trades.at(1).state, account::TradeState::cash_settled);
    EXPECT_EQ(outside.balance(alpha, ledger::Chart::conv, sbtc), 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
