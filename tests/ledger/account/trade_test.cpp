#include "base/limits.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;
using ledger::BalanceChange;

TEST(AccountTrade, ABuyPaysFromUnsettledThenFreeThenRecv) {
    State state = an_account().with_free(world::usdc, 10).with_claim(world::usdc, 5);
    run(state, a_trade(1, world::eth, 10, 20));  // 20 and a fee of 1.

    EXPECT_EQ(usdc_of(state).unsettled, Amount{0});
    EXPECT_EQ(usdc_of(state).free, Amount{0});
    EXPECT_EQ(usdc_of(state).recv, Amount{6});
    EXPECT_EQ(eth_of(state).unsettled, Amount{10});
}

TEST(AccountTrade, ABuyAppendsOneClaimWithItsDeadline) {
    State state = an_account().with_free(world::usdc, 100).with_claim(world::eth, 5);
    run(state, a_trade(1, world::eth, 10, 20));

    const Claim newest{.trade = 2, .amount = Amount{10}, .settle_by = world::settle_by};
    ASSERT_EQ(eth_of(state).claims.size(), 2U);
    EXPECT_EQ(eth_of(state).claims.back(), newest);
    EXPECT_EQ(state.trades.at(2).open, Amount{10});
    EXPECT_EQ(state.trades.at(2).state, TradeState::novated);
}

TEST(AccountTrade, SeenIsNeverSold) {
    const State state = an_account().with_seen(world::eth, 10);
    EXPECT_EQ(reason_of(decide(state, a_trade(1, world::eth, -1, 2))),
              Reject::holding_insufficient);
}

TEST(AccountTrade, ASaleTakesAllThatIsFreeAndUnsettledAndNotMore) {
    const State state = an_account().with_free(world::eth, 4).with_claim(world::eth, 6);
    EXPECT_EQ(reason_of(decide(state, a_trade(1, world::eth, -10, 20))), Reject::none);
    EXPECT_EQ(reason_of(decide(state, a_trade(1, world::eth, -11, 22))),
              Reject::holding_insufficient);
}

TEST(AccountTrade, ASaleCreditsCashLessItsFee) {
    State state = an_account().with_free(world::eth, 10);
    const auto events = run(state, a_trade(1, world::eth, -10, 20));

    EXPECT_EQ(usdc_of(state).unsettled, Amount{19});
    EXPECT_EQ(state.trades.at(1).claimed, Amount{19});
    EXPECT_EQ(state.trades.at(1).claimed_asset, world::usdc);
    EXPECT_EQ(std::get<TradeNovated>(events.at(0)).cash, Amount{20});
    EXPECT_EQ(std::get<TradeNovated>(events.at(0)).changes.size(), 2U);
}

TEST(AccountTrade, ASaleRepaysADebtBeforeItIsUnsettled) {
    State state = an_account().with_debt(12).with_free(world::eth, 10);
    run(state, a_trade(1, world::eth, -10, 20));

    EXPECT_EQ(usdc_of(state).recv, Amount{0});
    EXPECT_EQ(usdc_of(state).unsettled, Amount{7});
}

TEST(AccountTrade, ASaleThatOnlyRepaysADebtIsSettledAtOnce) {
    State state = an_account().with_debt(100).with_free(world::eth, 10);
    run(state, a_trade(1, world::eth, -10, 20));

    EXPECT_EQ(usdc_of(state).recv, Amount{81});
    EXPECT_EQ(state.trades.at(2).state, TradeState::settled);
    EXPECT_EQ(state.trades.at(2).settled_at, world::now);
}

TEST(AccountTrade, ASaleWhoseFeeExceedsItsCashIsADebit) {
    State state = an_account().with_free(world::eth, 10).with_free(world::usdc, 5);
    SubmitTrade trade = a_trade(1, world::eth, -1, 2);
    trade.terms.fee = Amount{4};
    run(state, trade);

    EXPECT_EQ(usdc_of(state).free, Amount{3});
    EXPECT_TRUE(usdc_of(state).claims.empty());
}

TEST(AccountTrade, ADebitTakesTheOldestClaimsAndSettlesTheirTrades) {
    State state = an_account().with_claim(world::eth, 4).with_claim(world::eth, 6);
    run(state, a_trade(1, world::eth, -7, 14));

    EXPECT_EQ(state.trades.at(1).state, TradeState::settled);
    EXPECT_EQ(state.trades.at(2).state, TradeState::partly_settled);
    EXPECT_EQ(state.trades.at(2).open, Amount{3});
    ASSERT_EQ(eth_of(state).claims.size(), 1U);
    EXPECT_EQ(eth_of(state).claims.front().amount, Amount{3});
}

TEST(AccountTrade, AHoldingThatIsEmptyIsForgotten) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_trade(1, world::eth, -10, 20));
    EXPECT_FALSE(state.holdings.contains(world::eth));
}

TEST(AccountTrade, FillsOnlyWithinTheLimitOfItsSide) {
    const State state = an_account().with_free(world::usdc, 100).with_free(world::eth, 100);
    SubmitTrade buy = a_trade(1, world::eth, 10, 20);
    buy.limit = base::Price{world::mark.v - 1};
    EXPECT_EQ(reason_of(decide(state, buy)), Reject::price_outside_limit);
    SubmitTrade sale = a_trade(1, world::eth, -10, 20);
    sale.limit = base::Price{world::mark.v - 1};
    EXPECT_EQ(reason_of(decide(state, sale)), Reject::none);
    sale.limit = base::Price{world::mark.v + 1};
    EXPECT_EQ(reason_of(decide(state, sale)), Reject::price_outside_limit);
}

// Goal: when an oracle is stale or the account may only close, an unwind still works.
TEST(AccountTrade, AnUnwindPassesAStalePriceCloseOnlyAndLimits) {
    const State state = an_account().with_free(world::eth, 10);
    SubmitTrade sale = a_trade(1, world::eth, -10, 20);
    sale.terms.is_pure_unwind = true;
    sale.terms.is_price_fresh = false;
    sale.terms.is_close_only = true;
    sale.terms.is_within_limits = false;
    EXPECT_EQ(reason_of(decide(state, sale)), Reject::none);
}

// Goal: a client reads that there is no price to trade at, not that its size is wrong.
TEST(AccountTrade, WithoutAPriceTheRefusalIsAboutThePrice) {
    const State state = an_account().with_free(world::eth, 10);
    SubmitTrade sale = a_trade(1, world::eth, -10, 20);
    sale.terms.mark = base::Price{0};
    sale.terms.fill = base::Price{0};
    sale.terms.cash = Amount{0};
    EXPECT_EQ(reason_of(decide(state, sale)), Reject::price_is_stale);
}

TEST(AccountTrade, AnUnwindNeedsSomeMark) {
    const State state = an_account().with_free(world::eth, 10);
    SubmitTrade sale = a_trade(1, world::eth, -10, 20);
    sale.terms.is_pure_unwind = true;
    sale.terms.is_price_fresh = false;
    sale.terms.mark = base::Price{0};
    EXPECT_EQ(reason_of(decide(state, sale)), Reject::price_is_stale);
}

// Goal: what has come to zero can be given back, and is no present for anybody.
TEST(AccountTrade, AtZeroAContractIsOnlyGivenBack) {
    const State state = an_account().with_free(world::usdc, 100).with_contract(-10, -100);
    SubmitTrade purchase = tests::a_contract_trade(1, 10, 0);
    purchase.terms.mark = purchase.terms.fill = base::Price{0};
    EXPECT_EQ(reason_of(decide(state, purchase)), Reject::price_is_stale);
    purchase.terms.is_pure_unwind = true;
    EXPECT_EQ(reason_of(decide(state, purchase)), Reject::none);
    auto negative = purchase;
    negative.terms.mark = base::Price{-1};
    EXPECT_EQ(reason_of(decide(state, negative)), Reject::price_is_stale);
}

// Goal: no position is too small to be closed.
TEST(AccountTrade, TooLittleOfAContractForAUnitOfCashIsTraded) {
    State state = an_account().with_free(world::usdc, 100).with_contract(1, 1);
    run(state, tests::a_contract_trade(1, -1, 0));
    EXPECT_EQ(state.contracts.at(world::eth_perp).quantity, Amount{0});
    EXPECT_EQ(reason_of(decide(state, tests::a_trade(2, world::eth, 1, 0))),
              Reject::notional_out_of_range)
        << "a token for nothing";
}

TEST(AccountTrade, AnInstrumentHasTwoSides) {
    const State state = an_account().with_free(world::usdc, 100);
    EXPECT_EQ(reason_of(decide(state, a_trade(1, world::usdc, 10, 20))),
              Reject::instrument_not_offered);
}

// Goal: what does not fit is refused with a type, whatever the host worked out, and nothing wraps.
TEST(AccountTrade, RefusesWhatDoesNotFit64Bits) {
    const State rich = an_account().with_free(world::eth, int64_max - 5).with_claim(world::eth, 3);
    EXPECT_EQ(reason_of(decide(rich, a_trade(1, world::eth, 3, 6))), Reject::notional_out_of_range);
    EXPECT_EQ(reason_of(decide(rich, a_trade(1, world::eth, 2, 4))), Reject::none);
    EXPECT_EQ(reason_of(decide(rich, a_trade(1, world::eth, int64_min, 6))),
              Reject::notional_out_of_range);
    EXPECT_EQ(reason_of(decide(rich, a_trade(1, world::eth, int64_max, 6))),
              Reject::notional_out_of_range);
    EXPECT_EQ(
        reason_of(decide(rich, a_trade(1, world::eth, 1, int64_max))),  // The fee is too much.
        Reject::notional_out_of_range);
    EXPECT_EQ(reason_of(decide(rich, a_trade(1, world::eth, 1, int64_min))),
              Reject::notional_out_of_range);
    EXPECT_EQ(reason_of(decide(rich, a_trade(1, world::eth, 1, 0))), Reject::notional_out_of_range);
    SubmitTrade rebate = a_trade(1, world::eth, 1, 2);
    rebate.terms.fee = Amount{-1};
    EXPECT_EQ(reason_of(decide(rich, rebate)), Reject::notional_out_of_range);

    const State indebted = an_account().with_debt(int64_max - 2);
    EXPECT_EQ(reason_of(decide(indebted, a_trade(1, world::eth, 1, 2))),
              Reject::notional_out_of_range);
    EXPECT_EQ(reason_of(decide(indebted, a_trade(1, world::eth, 1, 1))), Reject::none);

    const State positioned = an_account().with_contract(int64_max - 2, 5);
    EXPECT_EQ(reason_of(decide(positioned, a_contract_trade(1, 3, 6))),
              Reject::notional_out_of_range);
    EXPECT_EQ(reason_of(decide(positioned, a_contract_trade(1, 1, int64_max - 4))),
              Reject::notional_out_of_range);
    EXPECT_EQ(reason_of(decide(positioned, a_contract_trade(1, 1, int64_max - 5))), Reject::none);
}

TEST(AccountTrade, RemembersTheLatestSettledTradesAndAllOpenOnes) {
    State state = an_account().with_claim(world::eth, 1);  // Trade 1 stays open.
    const auto kept_max = base::limits::trades_remembered_max;
    for (std::uint64_t id = 1; id <= kept_max + 1; ++id) run(state, a_contract_trade(id, 1, 2));

    EXPECT_EQ(state.trades_count, kept_max + 2);
    EXPECT_EQ(state.trades.size(), kept_max + 1);
    EXPECT_TRUE(state.trades.contains(1));
    EXPECT_FALSE(state.trades.contains(2));
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
