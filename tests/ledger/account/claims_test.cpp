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

constexpr base::Timestamp soon{world::now.us + 10};
constexpr base::Timestamp later{world::now.us + 20};

CoverClaims cover(base::AssetId asset, std::int64_t amount) {
    return {.asset = asset, .amount = Amount{amount}, .at = later};
}

CashSettleClaims cash_settle(base::AssetId asset, base::Price mark, base::Timestamp at) {
    return {.asset = asset,
            .settlement = world::usdc,
            .mark = mark,
            .asset_scale = world::scale,
            .settlement_scale = world::scale,
            .due_by = at,
            .at = at};
}

TEST(AccountCover, SettlesTheOldestClaimsFirst) {
    State state = an_account().with_claim(world::eth, 4).with_claim(world::eth, 6);
    const auto events = run(state, cover(world::eth, 7));

    ASSERT_EQ(events.size(), 1U);
    const std::vector<ClaimsCovered::Part> parts{
        {.trade = 1, .amount = Amount{4}, .is_last = true},
        {.trade = 2, .amount = Amount{3}, .is_last = false}};
    EXPECT_EQ(std::get<ClaimsCovered>(events[0]).parts, parts);
    EXPECT_EQ(std::get<ClaimsCovered>(events[0]).amount, Amount{7});
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{7});
    EXPECT_EQ(holding_of(state, world::eth).unsettled, Amount{3});
    EXPECT_EQ(state.trades.at(1).state, TradeState::settled);
    EXPECT_EQ(state.trades.at(1).settled_at, later);
    EXPECT_EQ(state.trades.at(2).state, TradeState::partly_settled);
    EXPECT_EQ(state.trades.at(2).settled_at, base::Timestamp{});
}

TEST(AccountCover, CoversNoMoreThanIsClaimed) {
    State state = an_account().with_claim(world::eth, 4).with_seen(world::eth, 9);
    run(state, cover(world::eth, int64_max));

    EXPECT_EQ(holding_of(state, world::eth).free, Amount{4});
    EXPECT_EQ(holding_of(state, world::eth).seen, Amount{9});
}

TEST(AccountCover, DoesNothingWhereNothingIsClaimedOrGranted) {
    const State state = an_account().with_claim(world::eth, 4);
    EXPECT_EQ(decide(state, cover(world::dai, 5)), no_news);
    EXPECT_EQ(decide(state, cover(world::eth, 0)), no_news);
    EXPECT_EQ(decide(state, cover(world::eth, std::numeric_limits<std::int64_t>::min())), no_news);
}

// Goal: an event fits a journal entry however many claims there are.
TEST(AccountCover, SplitsManyClaimsOverSeveralEvents) {
    auto account = an_account();
    for (int i = 0; i < 600; ++i) account.with_claim(world::eth, 1);
    State state = account;
    const auto events = run(state, cover(world::eth, 599));

    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(std::get<ClaimsCovered>(events[0]).amount, Amount{256});
    EXPECT_EQ(std::get<ClaimsCovered>(events[2]).amount, Amount{599 - 512});
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{599});
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

TEST(AccountCashSettle, PaysOnlyClaimsThatAreDue) {
    State state = an_account()
                      .with_claim(world::eth, 4, soon)
                      .with_claim(world::eth, 6, later)
                      .with_claim(world::eth, 5, soon);
    const auto events = run(state, cash_settle(world::eth, world::mark, soon));

    ASSERT_EQ(events.size(), 1U);
    const auto& settled = std::get<ClaimsCashSettled>(events[0]);
    EXPECT_EQ(settled.trades, (std::vector<std::uint64_t>{1, 3}));
    EXPECT_EQ(settled.amount, Amount{9});
    EXPECT_EQ(settled.cash, Amount{18});
    EXPECT_EQ(state.trades.at(1).state, TradeState::cash_settled);
    EXPECT_EQ(state.trades.at(1).settled_at, soon);
    EXPECT_EQ(state.trades.at(2).state, TradeState::novated);
    EXPECT_EQ(holding_of(state, world::eth).unsettled, Amount{6});
    EXPECT_EQ(holding_of(state, world::usdc).unsettled, Amount{18});
}

// Goal: what is overdue and still in its grace may yet be delivered.
TEST(AccountCashSettle, LeavesClaimsInTheirGrace) {
    State state = an_account().with_claim(world::eth, 4, soon).with_claim(world::eth, 6, later);
    auto command = cash_settle(world::eth, world::mark, later);
    command.due_by = soon;
    run(state, command);

    EXPECT_EQ(holding_of(state, world::eth).unsettled, Amount{6});
    EXPECT_EQ(state.trades.at(1).settled_at, later);
    EXPECT_EQ(state.trades.at(2).state, TradeState::novated);
}

TEST(AccountCashSettle, RoundsTheCashOnceAgainstTheClient) {
    State state = an_account().with_claim(world::eth, 1, soon).with_claim(world::eth, 2, soon);
    const auto events = run(state, cash_settle(world::eth, base::Price{900'000'000}, soon));

    EXPECT_EQ(std::get<ClaimsCashSettled>(events.at(0)).cash, Amount{2});  // 2.7, not 0.9 + 1.8.
}

TEST(AccountCashSettle, RepaysADebtFirst) {
    State state = an_account().with_debt(7).with_claim(world::eth, 5, soon);
    run(state, cash_settle(world::eth, world::mark, soon));

    EXPECT_EQ(holding_of(state, world::usdc).recv, Amount{0});
    EXPECT_EQ(holding_of(state, world::usdc).unsettled, Amount{3});
}

TEST(AccountCashSettle, PaysNothingForWhatIsWorthNothing) {
    State state = an_account().with_claim(world::eth, 5, soon);
    run(state, cash_settle(world::eth, base::Price{0}, soon));
    EXPECT_TRUE(state.holdings.empty());
}

TEST(AccountCashSettle, RefusesWithoutAMarkOrOutOfRange) {
    const State state = an_account().with_claim(world::eth, int64_max, soon);
    EXPECT_EQ(decide(state, cash_settle(world::eth, base::Price{-1}, soon)),
              Decision{base::Failure{Reject::price_is_stale}});
    EXPECT_EQ(decide(state, cash_settle(world::eth, world::mark, soon)),
              Decision{base::Failure{Reject::notional_out_of_range}});
    auto wide = cash_settle(world::eth, world::mark, soon);
    wide.asset_scale = 99;
    EXPECT_EQ(decide(state, wide), Decision{base::Failure{Reject::notional_out_of_range}});
}

TEST(AccountCashSettle, DoesNothingWhereNothingIsDueOrInTheSettlementToken) {
    const State state =
        an_account().with_claim(world::eth, 5, later).with_claim(world::usdc, 5, soon);
    EXPECT_EQ(decide(state, cash_settle(world::eth, world::mark, soon)), no_news);
    EXPECT_EQ(decide(state, cash_settle(world::usdc, world::mark, soon)), no_news);
}

// Goal: gains of contracts are booked every cycle for ever; they must not fill the queue of claims.
TEST(AccountClaims, KeepAPlaceForVariationWhenTradesFillTheQueue) {
    auto account = an_account();
    for (std::size_t i = 1; i < base::limits::claims_max; ++i) account.with_claim(world::usdc, 1);
    State state = account.with_contract(1'000'000, 0);
    for (std::int64_t cycle = 1; cycle <= 5; ++cycle) {
        EXPECT_FALSE(run(state, a_settlement_at(base::Price{cycle * 1'000'000})).empty());
    }

    EXPECT_EQ(holding_of(state, world::usdc).claims.size(), base::limits::claims_max);
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

TEST(AccountClaims, OfVariationJoinUnderTheEarlierDeadline) {
    std::deque<Claim> claims;
    append_claim(claims, {.trade = 0, .amount = Amount{3}, .settle_by = later});
    append_claim(claims, {.trade = 0, .amount = Amount{4}, .settle_by = soon});

    const std::deque<Claim> joined{{.trade = 0, .amount = Amount{7}, .settle_by = soon}};
    EXPECT_EQ(claims, joined);
}

}  // namespace
}  // namespace crossclear::tests
