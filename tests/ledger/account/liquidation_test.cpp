#include "base/limits.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "ledger/postings.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <variant>

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using tests::a_liquidation;
using tests::an_account;
using tests::AnAccount;
using tests::run;
namespace world = tests::world;

ReviewMargin review(std::int64_t equity, std::int64_t initial, std::int64_t maintenance) {
    return {.at = world::now,
            .is_known = true,
            .equity_cents = equity,
            .initial_cents = initial,
            .maintenance_cents = maintenance};
}

State liquidated(State state) {
    run(state, review(0, 20, 10));
    return state;
}

TEST(Standing, FollowsEquityUpAndDown) {
    struct Row {
        const char* claim;
        std::int64_t equity;
        Standing from;
        Standing to;
    };
    const Row rows[] = {
        {"at IM", 100, Standing::good, Standing::good},
        {"a cent below IM", 99, Standing::good, Standing::good},
        {"below IM", 98, Standing::good, Standing::called},
        {"at MM", 80, Standing::good, Standing::called},
        {"below MM", 79, Standing::good, Standing::liquidating},
        {"called, and at IM", 100, Standing::called, Standing::called},
        {"called, and a hundredth above", 101, Standing::called, Standing::good},
        {"called, and fell on", 79, Standing::called, Standing::liquidating},
        {"between, once it has begun", 99, Standing::liquidating, Standing::liquidating},
        {"liquidated up to IM", 100, Standing::liquidating, Standing::good},
        {"in debt", -5, Standing::good, Standing::liquidating},
        {"a default stays one below MM", -5, Standing::defaulted, Standing::defaulted},
        {"a default is for good", 100, Standing::defaulted, Standing::defaulted},
    };
    for (const auto& row : rows) {
        State state = an_account();
        state.standing = row.from;
        const auto events = run(state, review(row.equity, 100, 80));
        EXPECT_EQ(state.standing, row.to) << row.claim;
        EXPECT_EQ(events.size(), row.from == row.to ? 0U : 1U) << row.claim;
    }
}

TEST(Standing, StaysWhereNobodyKnowsThePrices) {
    State state = an_account();
    auto unknown = review(-1, 100, 80);
    unknown.is_known = false;
    EXPECT_TRUE(run(state, unknown).empty());
    EXPECT_EQ(state.standing, Standing::good);
}

TEST(Liquidation, ClosesPartsAndIsNoCommandOfTheClient) {
    State state = liquidated(an_account().with_contract(10, 100));
    const auto events = run(state, a_liquidation(state, tests::a_contract_trade(1, -4, 40)));
    ASSERT_EQ(events.size(), 1U);
    const auto& closed = std::get<TradeNovated>(events.front());
    EXPECT_TRUE(closed.is_liquidation);
    EXPECT_EQ(closed.cause, base::CommandId{});
    EXPECT_EQ(state.contracts.at(world::eth_perp).quantity, Amount{6});
    EXPECT_EQ(answer_to(state, base::CommandId{}), nullptr) << "nobody asked";
    // As many as it takes, none of them the repeat of another.
    EXPECT_EQ(run(state, a_liquidation(state, tests::a_contract_trade(1, -4, 40))).size(), 1U);
    EXPECT_EQ(state.contracts.at(world::eth_perp).quantity, Amount{2});
}

TEST(Liquidation, SellsWhatIsHeldInKindAndPaysTheDebtFirst) {
    State state = liquidated(an_account().with_free(world::eth, 10).with_debt(50));
    run(state, a_liquidation(state, tests::a_trade(1, world::eth, -10, 41)));
    EXPECT_EQ(tests::eth_of(state).free, Amount{0});
    EXPECT_EQ(tests::usdc_of(state).recv, Amount{10}) << "41 less the fee of 1";
}

TEST(Liquidation, OnlyCloses) {
    const State state = liquidated(an_account().with_contract(10, 100).with_free(world::eth, 5));
    struct Row {
        const char* claim{};
        SubmitTrade trade;
        Reject reject{};
    };
    auto stale = tests::a_contract_trade(1, -4, 40);
    stale.terms.is_price_fresh = false;
    auto free = tests::a_trade(1, world::eth, -4, 40);
    free.terms.mark = {};
    auto too_much = tests::a_contract_trade(1, -4, 40);
    too_much.terms.does_cash_fit = false;
    const Row rows[] = {
        {"grows", tests::a_contract_trade(1, 1, 10), Reject::holding_insufficient},
        {"turns", tests::a_contract_trade(1, -11, 110), Reject::holding_insufficient},
        {"nothing", tests::a_contract_trade(1, 0, 10), Reject::holding_insufficient},
        {"buys", tests::a_trade(1, world::eth, 1, 10), Reject::holding_insufficient},
        {"sells more", tests::a_trade(1, world::eth, -6, 10), Reject::holding_insufficient},
        {"an old price", stale, Reject::price_is_stale},
        {"no price", free, Reject::price_is_stale},
        {"too much cash", too_much, Reject::notional_out_of_range},
    };
    for (const auto& row : rows) {
        const auto decision = decide(state, a_liquidation(state, row.trade));
        ASSERT_FALSE(decision) << row.claim;
        EXPECT_EQ(decision.error(), row.reject) << row.claim;
    }
    const State good = an_account().with_contract(10, 100);
    EXPECT_EQ(decide(good, a_liquidation(good, tests::a_contract_trade(1, -4, 40))),
              tests::no_news);
}

TEST(Liquidation, HappensOnce) {
    State state = liquidated(an_account().with_contract(10, 100));
    const auto order = a_liquidation(state, tests::a_contract_trade(1, -4, 40));
    EXPECT_EQ(run(state, order).size(), 1U);
    EXPECT_EQ(decide(state, order), tests::no_news);
}

TEST(Liquidation, WaitsWhereAClaimFindsNoRoom) {
    AnAccount account = an_account().with_free(world::eth, 5);
    for (std::size_t i = 1; i < base::limits::claims_max; ++i) account.with_claim(world::usdc, 1);
    const State state = liquidated(account);
    const auto decision =
        decide(state, a_liquidation(state, tests::a_trade(1, world::eth, -5, 50)));
    ASSERT_FALSE(decision);
    EXPECT_EQ(decision.error(), Reject::too_much_open);
}

TEST(Liquidation, IgnoresCloseOnlyPausesAndMargin) {
    State state = liquidated(an_account().with_contract(10, 100));
    auto trade = tests::a_contract_trade(1, -4, 40);
    trade.terms.is_close_only = true;
    trade.terms.is_shard_paused = true;
    trade.terms.is_within_limits = false;
    trade.terms.has_margin = false;
    EXPECT_EQ(run(state, a_liquidation(state, trade)).size(), 1U);
}

TEST(Default, LeavesTheDebtToTheBroker) {
    State state = liquidated(an_account().with_debt(50));
    const auto events = run(state, AllocateLoss{.at = world::now});
    ASSERT_EQ(events.size(), 2U);
    const auto& lost = std::get<LossAllocated>(events.front());
    EXPECT_EQ(lost.loss, Amount{50});
    EXPECT_EQ(state.standing, Standing::defaulted);
    EXPECT_EQ(tests::usdc_of(state), Holding{});
    const auto postings = postings_of({base::entity_of(state.id), Event{lost}});
    EXPECT_EQ(imbalance_of(postings), std::nullopt);
    EXPECT_EQ(decide(state, AllocateLoss{.at = world::now}), tests::no_news) << "once";
}

TEST(Default, SetsWhatIsLeftOfTheAssetAgainstTheDebt) {
    // A deposit that came in after the debt.
    State state = an_account().with_debt(50);
    run(state, tests::a_deposit(1, world::usdc, 20, Finality::final));
    state = liquidated(state);
    const auto events = run(state, AllocateLoss{.at = world::now});
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(std::get<LossAllocated>(events.front()).loss, Amount{30});
    EXPECT_EQ(tests::usdc_of(state), Holding{});
}

TEST(Default, PaysADebtFromWhatIsEnough) {
    State state = an_account().with_debt(50);
    run(state, tests::a_deposit(1, world::usdc, 70, Finality::final));
    state = liquidated(state);
    const auto events = run(state, AllocateLoss{.at = world::now});
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<LossAllocated>(events.front()).loss, Amount{0});
    EXPECT_EQ(state.standing, Standing::liquidating) << "a look follows";
    EXPECT_EQ(tests::usdc_of(state).free, Amount{20});
    EXPECT_EQ(tests::usdc_of(state).recv, Amount{0});
}

TEST(Default, IsNoneWhileAnotherAssetIsLeft) {
    // Owes two assets, and has more than it owes of one.
    State state = an_account().with_debt(50);
    run(state, tests::a_deposit(1, world::usdc, 70, Finality::final));
    state.holdings[world::eth].recv = Amount{3};
    state = liquidated(state);
    const auto events = run(state, AllocateLoss{.at = world::now});
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<LossAllocated>(events.front()).loss, Amount{0});
    EXPECT_EQ(tests::usdc_of(state).free, Amount{20});
    EXPECT_EQ(tests::eth_of(state).recv, Amount{3}) << "not the broker's while 20 are left";
}

TEST(Default, LeavesWhatIsWorthNothing) {
    State state = liquidated(an_account().with_debt(50).with_free(world::eth, 1));
    const auto events = run(state, AllocateLoss{.is_rest_worthless = true, .at = world::now});
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(state.standing, Standing::defaulted);
    EXPECT_EQ(tests::eth_of(state).free, Amount{1});
}

TEST(Collateral, IsTakenForADebt) {
    State state = liquidated(an_account().with_free(world::eth, 10).with_debt(50));
    const auto events = run(state, tests::a_taking(state, 4, 10));
    ASSERT_EQ(events.size(), 1U);
    const auto& taken = std::get<CollateralTaken>(events.front());
    EXPECT_EQ(taken.cash, Amount{40});
    EXPECT_EQ(tests::eth_of(state).free, Amount{6});
    EXPECT_EQ(tests::usdc_of(state).recv, Amount{10});
    EXPECT_EQ(imbalance_of(postings_of({base::entity_of(state.id), Event{taken}})), std::nullopt);
    EXPECT_TRUE(effects_of(state, events.front()).empty());
}

TEST(Collateral, IsTakenFromClaimsFirstAndLeavesAClaimOnTheRest) {
    State state =
        liquidated(an_account().with_claim(world::eth, 3).with_free(world::eth, 2).with_debt(35));
    EXPECT_EQ(run(state, tests::a_taking(state, 4, 10)).size(), 1U);
    EXPECT_EQ(tests::eth_of(state).unsettled, Amount{0});
    EXPECT_EQ(tests::eth_of(state).free, Amount{1});
    EXPECT_EQ(tests::usdc_of(state).recv, Amount{0});
    EXPECT_EQ(tests::usdc_of(state).unsettled, Amount{5}) << "the last unit was worth more";
}

TEST(Collateral, IsTakenNoFurtherThanTheDebtGoes) {
    const State state = liquidated(an_account().with_free(world::eth, 10).with_debt(50));
    EXPECT_EQ(decide(state, tests::a_taking(state, 6, 10)), tests::no_news) << "5 pay it";
    State paid = state;
    EXPECT_EQ(run(paid, tests::a_taking(paid, 5, 10)).size(), 1U);
    EXPECT_EQ(decide(paid, tests::a_taking(paid, 1, 10)), tests::no_news)
        << "nothing is owed any more";
    const State good = an_account().with_free(world::eth, 10).with_debt(50);
    EXPECT_EQ(decide(good, tests::a_taking(good, 4, 10)), tests::no_news) << "nobody liquidates it";
}

// Goal: what is owed and free of the same token is no debt, as margin has it.
TEST(Collateral, IsNotTakenForWhatIsThere) {
    State state = an_account().with_free(world::eth, 10).with_debt(50);
    run(state, tests::a_deposit(1, world::usdc, 40, Finality::final));
    state = liquidated(state);
    EXPECT_EQ(decide(state, tests::a_taking(state, 2, 10)), tests::no_news)
        << "1 pays what is missing";
    EXPECT_EQ(run(state, tests::a_taking(state, 1, 10)).size(), 1U);
    EXPECT_EQ(decide(state, tests::a_taking(state, 1, 10)), tests::no_news);
    EXPECT_EQ(tests::usdc_of(state).recv, Amount{40});
    EXPECT_EQ(tests::usdc_of(state).free, Amount{40});
}

// Goal: what pays its own debt is not taken for another.
TEST(Collateral, PaysWhatIsOwedOfItFirst) {
    State state = an_account().with_free(world::eth, 10).with_debt(50);
    state.holdings[world::eth].recv = Amount{8};
    state = liquidated(state);
    EXPECT_FALSE(decide(state, tests::a_taking(state, 3, 10)));
    EXPECT_EQ(run(state, tests::a_taking(state, 2, 10)).size(), 1U);
    EXPECT_EQ(tests::eth_of(state).free, Amount{8});
}

TEST(Collateral, IsRefusedWhereItCannotBe) {
    const State state = liquidated(an_account().with_free(world::eth, 3).with_debt(50));
    struct Row {
        const char* claim{};
        TakeCollateral command;
        Reject reject{};
    };
    auto stale = tests::a_taking(state, 1, 10);
    stale.is_price_fresh = false;
    auto negative = tests::a_taking(state, 1, 10);
    negative.price = base::Price{-1};
    auto scale = tests::a_taking(state, 1, 10);
    scale.asset_scale = 99;
    const Row rows[] = {
        {"an old price", stale, Reject::price_is_stale},
        {"more than is held", tests::a_taking(state, 4, 10), Reject::holding_insufficient},
        {"nothing", tests::a_taking(state, 0, 10), Reject::holding_insufficient},
        {"worth nothing", tests::a_taking(state, 3, 0), Reject::notional_out_of_range},
        {"a negative price", negative, Reject::notional_out_of_range},
        {"no scale", scale, Reject::notional_out_of_range},
    };
    for (const auto& row : rows) {
        const auto decision = decide(state, row.command);
        ASSERT_FALSE(decision) << row.claim;
        EXPECT_EQ(decision.error(), row.reject) << row.claim;
    }
}

TEST(Liquidation, ClosesWhatIsWorthNothing) {
    // Short of what has come to zero, and a part of it is worth no unit of the settlement token.
    State state = liquidated(an_account().with_contract(-10, -100));
    auto at_zero = tests::a_contract_trade(1, 10, 0);
    at_zero.terms.mark = at_zero.terms.fill = {};
    EXPECT_EQ(run(state, a_liquidation(state, at_zero)).size(), 1U);
    EXPECT_FALSE(state.contracts.contains(world::eth_perp) &&
                 state.contracts.at(world::eth_perp).quantity != Amount{0});
}

TEST(Liquidation, AsksForWithdrawalsBack) {
    State state = an_account().with_free(world::usdc, 100);
    run(state, tests::a_withdrawal(1, world::usdc, 40));
    run(state, tests::a_withdrawal(2, world::usdc, 60));
    run(state, tests::a_cancel(3, 2));
    const auto events = run(state, review(0, 20, 10));
    ASSERT_EQ(events.size(), 1U);
    const Effect first = StopWithdrawal{.account = state.id, .number = 1};
    const auto asked = effects_of(state, events.front());
    EXPECT_NE(std::find(asked.begin(), asked.end(), first), asked.end());
    const auto owed = outstanding(state);
    EXPECT_EQ(std::count(owed.begin(), owed.end(), first), 1) << "also after a restart";
    // Its end answers who had asked for it, and nobody for the other.
    run(state, ReturnWithdrawal{.number = 1, .reason = ShardRefusal::expired});
    run(state, ReturnWithdrawal{.number = 2, .reason = ShardRefusal::expired});
    EXPECT_EQ(tests::usdc_of(state).free, Amount{100});
    EXPECT_EQ(answer_to(state, base::CommandId{}), nullptr);
}

// What is put in by hand comes after the last event: no history leads there.
TEST(Default, WaitsWhileAnythingElseIsLeft) {
    const auto waits = [](const State& state, const char* what) {
        EXPECT_EQ(decide(state, AllocateLoss{.at = world::now}), tests::no_news) << what;
    };
    waits(liquidated(an_account().with_debt(50).with_contract(1, 10)), "a contract");
    waits(liquidated(an_account().with_debt(50).with_free(world::eth, 1)), "tokens");
    State seen = an_account().with_debt(50);
    run(seen, tests::a_deposit(1, world::eth, 1, Finality::seen));
    waits(liquidated(seen), "a deposit on its way");
    waits(liquidated(an_account().with_contract(0, 0)), "no debt at all");
    State sent = an_account().with_free(world::eth, 7);
    run(sent, tests::a_transfer(1, world::eth, 7));
    ASSERT_EQ(sent.transfers.size(), 1U);
    sent = liquidated(std::move(sent));
    sent.holdings[world::usdc].recv = Amount{50};
    waits(sent, "a transfer that may come back");
    State leaving = an_account().with_free(world::eth, 7);
    run(leaving, tests::a_withdrawal(1, world::eth, 7));
    ASSERT_EQ(leaving.withdrawals.size(), 1U);
    leaving = liquidated(std::move(leaving));
    leaving.holdings[world::usdc].recv = Amount{50};
    waits(leaving, "a withdrawal that may come back");
    State selling = liquidated(an_account().with_debt(50));
    selling.sales[base::AccountId{9}] = {.number = 1, .cause = {}, .reserved = {}};
    waits(selling, "a matched trade that may bring something");
    State awaited = liquidated(an_account().with_debt(50));
    awaited.holdings[world::usdc].unsettled = Amount{1};
    waits(awaited, "a claim on what is owed");
    awaited.holdings[world::usdc].unsettled = {};
    awaited.holdings[world::usdc].seen = Amount{1};
    waits(awaited, "a deposit of what is owed");
    const State good = an_account().with_debt(50);
    EXPECT_EQ(decide(good, AllocateLoss{.at = world::now}), tests::no_news) << "not liquidated";
}

}  // namespace
}  // namespace crossclear::ledger::account
