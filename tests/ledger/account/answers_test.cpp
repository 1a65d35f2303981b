#include "base/limits.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;
namespace limits = base::limits;

/// A state that remembers as many answers as it may: to the ids `first` and those after it.
State with_full_memory(std::uint64_t first) {
    State state = an_account();
    for (std::uint64_t n = 0; n < limits::answered_max; ++n) {
        const Event refused{CommandRefused{.cause = an_id(first + n),
                                           .body = n,
                                           .reason = Reject::margin_insufficient,
                                           .at = world::now}};
        ledger::account::apply(state, refused);
    }
    return state;
}

// Goal: a refusal is final for its id. A copy of the request may still be in flight when the client
// is told no; a deposit that lands in between must not let that copy succeed.
TEST(AccountAnswers, KeepsRefusingAnIdAfterADeposit) {
    State state = an_account();
    SubmitTrade trade = a_trade(1, world::eth, 10, 20);
    trade.terms.has_margin = false;
    run(state, trade);
    run(state, a_deposit(1, world::usdc, 1'000, ledger::Finality::final));
    trade.terms.has_margin = true;

    EXPECT_EQ(decide(state, trade), Decision{std::vector<Event>{}});
    ASSERT_NE(answer_to(state, trade.id), nullptr);
    EXPECT_EQ(answer_to(state, trade.id)->reject, Reject::margin_insufficient);
}

TEST(AccountAnswers, GivesARepeatItsFirstAnswerWhateverTheTermsAre) {
    State state = an_account().with_free(world::usdc, 100);
    SubmitTrade trade = a_trade(1, world::eth, 10, 20);
    run(state, trade);
    const Answer first = *answer_to(state, trade.id);
    trade.terms = {};
    trade.received_at = world::now + base::seconds(1'000'000);

    EXPECT_EQ(decide(state, trade), Decision{std::vector<Event>{}});
    EXPECT_EQ(*answer_to(state, trade.id), first);
    EXPECT_EQ(first.number, 1U);
    EXPECT_EQ(first.price, world::mark);
    EXPECT_EQ(first.fee, Amount{1});
    EXPECT_EQ(first.version, state.version);
}

TEST(AccountAnswers, TellsEveryFieldOfABodyApart) {
    const SubmitTrade trade = a_trade(1, world::eth, 10, 20);
    SubmitTrade other = trade;
    other.instrument = base::InstrumentId{9};
    EXPECT_NE(body_hash(trade), body_hash(other));
    other = trade;
    other.quantity = Amount{-10};
    EXPECT_NE(body_hash(trade), body_hash(other));
    other = trade;
    other.limit = base::Price{1};
    EXPECT_NE(body_hash(trade), body_hash(other));

    const RequestWithdrawal withdrawal = a_withdrawal(1, world::eth, 10);
    RequestWithdrawal another = withdrawal;
    another.asset = world::dai;
    EXPECT_NE(body_hash(withdrawal), body_hash(another));
    another = withdrawal;
    another.amount = Amount{11};
    EXPECT_NE(body_hash(withdrawal), body_hash(another));
    another = withdrawal;
    another.shard = base::ShardId{7};
    EXPECT_NE(body_hash(withdrawal), body_hash(another));
    another = withdrawal;
    another.destination = "0xB0B";
    EXPECT_NE(body_hash(withdrawal), body_hash(another));
}

// Goal: the hash is stored with every answer; a change of it would turn repeats into conflicts.
TEST(AccountAnswers, HashesABodyAsItAlwaysHas) {
    EXPECT_EQ(body_hash(a_trade(1, world::eth, 10, 20)), 5372048771835450646U);
    EXPECT_EQ(body_hash(a_withdrawal(1, world::eth, 10)), 17057984045590080369U);
}

TEST(AccountAnswers, RefusesATradeUnderTheIdOfAWithdrawal) {
    State state = an_account().with_free(world::usdc, 100);
    run(state, a_withdrawal(1, world::usdc, 10));

    const Decision decision = decide(state, a_trade(1, world::eth, 10, 20));
    EXPECT_EQ(decision, Decision{base::Failure{Reject::id_reused_with_other_body}});
}

TEST(AccountAnswers, AcceptsAnIdMadeFiveMinutesAhead) {
    State state = an_account().with_free(world::usdc, 100);
    SubmitTrade trade = a_trade(1, world::eth, 10, 20);
    trade.received_at = base::made_at(trade.id) - limits::id_ahead_max;

    EXPECT_FALSE(run(state, trade).empty());
}

TEST(AccountAnswers, EvictTheSmallestIdAndRaiseTheFloorToIt) {
    State state = with_full_memory(100);
    EXPECT_EQ(state.floor, base::CommandId{});
    run(state, a_contract_trade(90'000, 1, 2));

    EXPECT_EQ(state.answered.size(), limits::answered_max);
    EXPECT_EQ(state.floor, an_id(100));
    EXPECT_EQ(answer_to(state, an_id(100)), nullptr);
    EXPECT_EQ(decide(state, a_contract_trade(100, 1, 2)),
              Decision{base::Failure{Reject::id_too_old}});
}

TEST(AccountAnswers, RefuseAnIdAtTheFloor) {
    SubmitTrade trade = a_contract_trade(1, 1, 2);
    trade.id = {};  // A new account's floor.
    EXPECT_EQ(decide(an_account(), trade), Decision{base::Failure{Reject::id_too_old}});
}

// Goal: an answer given is an answer kept. An id below a full memory would be evicted at once, and
// its repeat would find nothing.
TEST(AccountAnswers, RefuseAnIdThatAFullMemoryCouldNotKeep) {
    const State state = with_full_memory(100);

    EXPECT_EQ(decide(state, a_contract_trade(99, 1, 2)),
              Decision{base::Failure{Reject::id_too_old}});
}

}  // namespace
}  // namespace crossclear::tests
