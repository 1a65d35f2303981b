#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;
using ledger::Finality;

NoteDeposit the_deposit(Finality finality) { return a_deposit(7, world::eth, 10, finality); }

TEST(AccountDeposit, CountsAsSeenUntilItIsFinal) {
    State state = an_account();
    run(state, the_deposit(Finality::seen));
    EXPECT_EQ(eth_of(state).seen, Amount{10});
    run(state, the_deposit(Finality::final));
    EXPECT_EQ(eth_of(state).seen, Amount{0});
    EXPECT_EQ(eth_of(state).free, Amount{10});
}

TEST(AccountDeposit, FinalAtFirstSightPassesThroughSeen) {
    State state = an_account();
    const auto events = run(state, the_deposit(Finality::final));

    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(std::get<DepositNoted>(events[0]).finality, Finality::seen);
    EXPECT_EQ(std::get<DepositNoted>(events[0]).change.seen, Amount{10});
    EXPECT_EQ(std::get<DepositNoted>(events[1]).finality, Finality::final);
    EXPECT_EQ(eth_of(state).free, Amount{10});
}

TEST(AccountDeposit, RecordsRisingCertaintyWithoutMovingMoney) {
    State state = an_account();
    run(state, the_deposit(Finality::seen));
    const auto events = run(state, the_deposit(Finality::safe));

    ASSERT_EQ(events.size(), 1U);
    ledger::BalanceChange none;
    none.asset = world::eth;
    EXPECT_EQ(std::get<DepositNoted>(events[0]).change, none);
    EXPECT_EQ(state.deposits.at({.shard = world::shard, .id = 7}).finality, Finality::safe);
    EXPECT_EQ(decide(state, the_deposit(Finality::included)), no_news);
}

// The credit is lent on something that may vanish, and rounds down.
TEST(AccountDeposit, CountsAsCollateralByItsFinality) {
    const std::vector<std::pair<Finality, std::int64_t>> cases{{Finality::seen, 0},
                                                               {Finality::included, 5},
                                                               {Finality::safe, 9},
                                                               {Finality::final, 0},
                                                               {Finality::unseen, 0}};
    for (const auto& [finality, credit] : cases) {
        const Deposit deposit{.asset = world::eth, .amount = Amount{11}, .finality = finality};
        EXPECT_EQ(credit_of(deposit), Amount{credit}) << static_cast<int>(finality);
    }
    State state = an_account();
    run(state, the_deposit(Finality::included));
    EXPECT_EQ(credit_of(state.deposits.begin()->second), Amount{5});
    EXPECT_EQ(state.deposits.begin()->second.asset, world::eth);
}

TEST(AccountDeposit, RefusesADepositThatContradictsItself) {
    State state = an_account();
    run(state, the_deposit(Finality::included));
    EXPECT_EQ(decide(state, a_deposit(7, world::eth, 11, Finality::safe)),
              Decision{base::Failure{Reject::id_reused_with_other_body}});
    run(state, the_deposit(Finality::unseen));
    run(state, a_deposit(7, world::eth, 11, Finality::safe));
    EXPECT_EQ(eth_of(state).seen, Amount{11}) << "a replaced one may come back as another";
}

TEST(AccountDeposit, LeavesSeenWhenReorganisedAway) {
    State state = an_account();
    run(state, the_deposit(Finality::included));
    run(state, the_deposit(Finality::unseen));
    EXPECT_EQ(eth_of(state), Holding{});
    EXPECT_EQ(decide(state, the_deposit(Finality::unseen)), no_news);
}

TEST(AccountDeposit, MayComeBackAfterAReorganisation) {
    State state = an_account();
    run(state, the_deposit(Finality::included));
    run(state, the_deposit(Finality::unseen));
    run(state, the_deposit(Finality::final));
    EXPECT_EQ(eth_of(state).free, Amount{10});
}

TEST(AccountDeposit, IsBookedOnceHoweverOftenItIsTold) {
    State state = an_account();
    run(state, the_deposit(Finality::final));
    for (const auto finality :
         {Finality::unseen, Finality::seen, Finality::included, Finality::safe, Finality::final}) {
        EXPECT_EQ(decide(state, the_deposit(finality)), no_news);
    }
}

TEST(AccountDeposit, NeverSeenAndGoneIsNothing) {
    EXPECT_EQ(decide(an_account(), the_deposit(Finality::unseen)), no_news);
}

TEST(AccountDeposit, OfOneShardIsNotThatOfAnother) {
    State state = an_account();
    run(state, the_deposit(Finality::final));
    NoteDeposit other = the_deposit(Finality::final);
    other.shard = base::ShardId{9};
    run(state, other);
    EXPECT_EQ(eth_of(state).free, Amount{20});
}

TEST(AccountDeposit, LeavesADebtToBeRepaidByTheClientsOwnTrade) {
    State state = an_account().with_debt(5);
    run(state, a_deposit(1, world::usdc, 10, Finality::final));
    EXPECT_EQ(holding_of(state, world::usdc).recv, Amount{5});
    EXPECT_EQ(holding_of(state, world::usdc).free, Amount{10});
}

TEST(AccountDeposit, RefusesWhatDoesNotFit) {
    State state = an_account().with_free(world::eth, int64_max - 9);
    const Decision out_of_range{base::Failure{Reject::notional_out_of_range}};
    EXPECT_EQ(decide(state, the_deposit(Finality::seen)), out_of_range);
    EXPECT_EQ(decide(state, the_deposit(Finality::final)), out_of_range);
    EXPECT_EQ(decide(state, a_deposit(1, world::eth, 0, Finality::seen)),
              Decision{base::Failure{Reject::quantity_must_be_positive}});
}

// Goal: a shard that changes its story cannot drive SEEN below zero.
TEST(AccountDeposit, RefusesMoreFinalThanWasSeen) {
    State state = an_account();
    run(state, the_deposit(Finality::seen));
    EXPECT_EQ(decide(state, a_deposit(7, world::eth, 11, Finality::final)),
              Decision{base::Failure{Reject::id_reused_with_other_body}});
}

}  // namespace
}  // namespace crossclear::tests
