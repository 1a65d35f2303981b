#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;

StartWithdrawal the_start(const State& state) {
    return {.account = state.id,
            .number = 1,
            .asset = world::eth,
            .amount = Amount{4},
            .shard = world::shard,
            .destination = "0xA11CE",
            .held_at = world::now};
}

TEST(AccountWithdrawal, SetsFreeTokensAsideAndAsksForItsStart) {
    State state = an_account().with_free(world::eth, 10);
    const auto events = run(state, a_withdrawal(1, world::eth, 4));

    EXPECT_EQ(holding_of(state, world::eth).free, Amount{6});
    EXPECT_EQ(holding_of(state, world::eth).held, Amount{4});
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(effects_of(state, events[0]), std::vector<Effect>{the_start(state)});
    EXPECT_EQ(answer_to(state, an_id(1))->number, 1U);
}

TEST(AccountWithdrawal, IsOutstandingUntilItEnds) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_withdrawal(1, world::eth, 4));
    EXPECT_EQ(outstanding(state), std::vector<Effect>{the_start(state)});
    run(state, PayWithdrawal{.number = 1, .block = 9});
    EXPECT_TRUE(outstanding(state).empty());
}

TEST(AccountWithdrawal, TakesOnlyWhatIsFree) {
    State state =
        an_account().with_free(world::eth, 3).with_seen(world::eth, 5).with_claim(world::eth, 5);
    const auto events = run(state, a_withdrawal(1, world::eth, 4));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<CommandRefused>(events[0]).reason, Reject::holding_insufficient);
}

TEST(AccountWithdrawal, IsRefusedWhileAnythingIsOwed) {
    State state = an_account().with_debt(1).with_free(world::eth, 10);
    const auto events = run(state, a_withdrawal(1, world::eth, 4));
    EXPECT_EQ(std::get<CommandRefused>(events.at(0)).reason, Reject::holding_insufficient);
}

TEST(AccountWithdrawal, GoesBackToFreeWhenReturned) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_withdrawal(1, world::eth, 4));
    run(state, ReturnWithdrawal{.number = 1, .reason = ledger::ShardRefusal::reverted});

    EXPECT_EQ(holding_of(state, world::eth).free, Amount{10});
    EXPECT_EQ(holding_of(state, world::eth).held, Amount{0});
}

TEST(AccountWithdrawal, LeavesTheAccountWhenPaid) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_withdrawal(1, world::eth, 4));
    run(state, PayWithdrawal{.number = 1, .block = 9});

    EXPECT_EQ(holding_of(state, world::eth).free, Amount{6});
    EXPECT_EQ(holding_of(state, world::eth).held, Amount{0});
}

TEST(AccountWithdrawal, EndsOnceWhicheverEndComesFirst) {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_withdrawal(1, world::eth, 4));
    run(state, PayWithdrawal{.number = 1, .block = 9});

    EXPECT_EQ(decide(state, PayWithdrawal{.number = 1, .block = 9}), no_news);
    EXPECT_EQ(decide(state, ReturnWithdrawal{.number = 1, .reason = {}}), no_news);
}

// The account with 4 of 10 ETH held for withdrawal 1, which is asked back under id 2.
State asked_back() {
    State state = an_account().with_free(world::eth, 10);
    run(state, a_withdrawal(1, world::eth, 4));
    run(state, a_cancel(2, 1));
    return state;
}

TEST(AccountWithdrawal, IsUndecidedWhileItIsAskedBack) {
    const State state = asked_back();
    const Effect stop = StopWithdrawal{.account = state.id, .number = 1};
    EXPECT_TRUE(is_undecided(state, an_id(2)));
    EXPECT_EQ(outstanding(state), (std::vector<Effect>{the_start(state), stop}));
    EXPECT_EQ(decide(state, a_cancel(2, 1)), Decision{std::vector<Event>{}});
}

TEST(AccountWithdrawal, ThatIsAskedBackAnswersOnceItIsReturned) {
    State state = asked_back();
    run(state, ReturnWithdrawal{.number = 1, .reason = {}});
    EXPECT_FALSE(is_undecided(state, an_id(2)));
    EXPECT_EQ(answer_to(state, an_id(2))->reject, Reject::none);
    EXPECT_EQ(answer_to(state, an_id(2))->version, state.version);
    EXPECT_EQ(holding_of(state, world::eth).free, Amount{10});
    EXPECT_TRUE(outstanding(state).empty());
}

TEST(AccountWithdrawal, ThatIsAskedBackTooLateStaysHeld) {
    State state = asked_back();
    run(state, a_cancel(3, 1));
    run(state, RefuseCancel{.number = 1});
    for (const auto id : {an_id(2), an_id(3)}) {
        EXPECT_FALSE(is_undecided(state, id));
        EXPECT_EQ(answer_to(state, id)->reject, Reject::withdrawal_is_sent);
    }
    EXPECT_EQ(holding_of(state, world::eth).held, Amount{4});
    EXPECT_EQ(decide(state, RefuseCancel{.number = 1}), Decision{std::vector<Event>{}});
}

TEST(AccountWithdrawal, ThatIsPaidWhileItIsAskedBackWasSent) {
    State state = asked_back();
    run(state, PayWithdrawal{.number = 1, .block = 9});
    EXPECT_EQ(answer_to(state, an_id(2))->reject, Reject::withdrawal_is_sent);
}

TEST(AccountWithdrawal, OfANumberNeverIssuedIsADefectOfOurs) {
    const State state = an_account();
    const Decision unknown{base::Failure{Reject::withdrawal_unknown}};
    EXPECT_EQ(decide(state, PayWithdrawal{.number = 1, .block = 9}), unknown);
    EXPECT_EQ(decide(state, ReturnWithdrawal{.number = 0, .reason = {}}), unknown);
}

TEST(AccountWithdrawal, KeepsRefusingADestinationAddedLater) {
    State state = an_account().with_free(world::eth, 10);
    RequestWithdrawal command = a_withdrawal(1, world::eth, 4);
    command.is_destination_allowed = false;
    run(state, command);
    command.is_destination_allowed = true;

    EXPECT_EQ(decide(state, command), Decision{std::vector<Event>{}});
    EXPECT_EQ(answer_to(state, command.id)->reject, Reject::destination_not_allowed);
}

TEST(AccountWithdrawal, RefusesAmountsAtTheEdgesOf64Bits) {
    const State state = an_account().with_free(world::eth, 10);
    EXPECT_EQ(decide(state, a_withdrawal(1, world::eth, std::numeric_limits<std::int64_t>::min())),
              Decision{base::Failure{Reject::quantity_must_be_positive}});
    const auto decision =
        decide(state, a_withdrawal(1, world::eth, std::numeric_limits<std::int64_t>::max()));
    EXPECT_EQ(std::get<CommandRefused>(decision->at(0)).reason, Reject::holding_insufficient);
}

}  // namespace
}  // namespace crossclear::tests
