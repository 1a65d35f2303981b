#include "tests/support/actors/signed_town.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>

namespace crossclear::tests {
namespace {

using namespace town;
using ledger::ShardRefusal;
using Signer = ScriptedChain::Signer;
namespace account = ledger::account;
namespace hedge = ledger::hedge;
namespace instruction = ledger::instruction;
namespace signing = ledger::signing;

using Signing = SignedTown;

// Goal: what a client has bought is bought on a chain where transactions are signed, once.
TEST_F(Signing, AHedgeIsSignedSentAndBooked) {
    start();
    fund();
    (void)session().expect<actors::TradeCleared>(trade_of(client, eth_swap, 20 * one_eth));
    const auto committed = outside.watch.await_event<hedge::HedgeCommitted>();
    ASSERT_TRUE(committed.has_value());
    const auto slices = committed->slices.size();
    ASSERT_TRUE(await_sent(slices));
    EXPECT_TRUE(outside.watch.all<hedge::SliceIncluded>().empty());

    chain.add_block();
    ASSERT_TRUE(await<hedge::SliceIncluded>());
    EXPECT_TRUE(outside.watch.all<hedge::SliceFilled>().empty()) << "it may be replaced";
    chain.finalise();
    const auto finished = outside.watch.await_event<hedge::HedgeFinished>();
    ASSERT_TRUE(finished.has_value());
    EXPECT_EQ(finished->filled, committed->quantity);
    const auto is_covered = [](const ledger::Entry&, const account::ClaimsCovered& covered) {
        return covered.asset == eth && covered.parts.back().is_last;
    };
    EXPECT_TRUE(outside.watch.await_event<account::ClaimsCovered>(is_covered).has_value());
    EXPECT_EQ(outside.watch.all<signing::IntentTaken>().size(), slices);
    EXPECT_EQ(outside.watch.all<signing::NonceFinished>().size(), slices);
    EXPECT_EQ(chain.transactions_sent(), slices);
    expect_all_is_booked();
}

// Goal: after a signer has lied nothing is signed or sent, through restarts too, until an operator
// says so and why.
TEST_F(Signing, ASignerThatAltersStopsTheLaneUntilAnOperatorHasLooked) {
    start();
    fund();
    EXPECT_EQ(session().refusal_code(resume_of(alpha, uniswap, "too early")), 11021);
    chain.set_signer(Signer::alters);
    withdraw();
    const auto halted = outside.watch.await_event<signing::LaneHalted>();
    ASSERT_TRUE(halted.has_value());
    EXPECT_EQ(halted->reason, signing::Halt::signer_altered);

    chain.set_signer(Signer::signs);
    chain.set_answering(false);
    start();
    EXPECT_EQ(session().refusal_code(resume_of(alpha, uniswap, "it is mended")), 11031)
        << "what is final is not known yet";
    EXPECT_EQ(session().refusal_code(resume_of(alpha, uniswap, "")), -32602);
    EXPECT_EQ(session().refusal_code(resume_of(beta, uniswap, "it is mended")), -32602);
    EXPECT_EQ(session().refusal_code(resume_of(alpha, synthetix, "it is mended")), -32602);
    const auto followed = outside.watch.lines_with("Chain is followed.");
    chain.set_answering(true);
    ASSERT_TRUE(outside.watch.await_line("Chain is followed.", followed + 1));
    // The host has heard the head when it answers what was asked after it.
    EXPECT_EQ(session().refusal_code(resume_of(alpha, uniswap, "")), -32602);
    EXPECT_EQ(chain.asked_to_sign(), 1U) << "a restart alone lets nothing go on";
    const actors::OperatorRequest resume = resume_of(alpha, uniswap, "it is mended");
    const auto resumed = session().expect<actors::LaneResumed>(resume);
    EXPECT_EQ(resumed.broker, alpha);
    EXPECT_EQ(resumed.shard, uniswap);
    EXPECT_EQ(resumed.nonce, 1U);
    EXPECT_EQ(resumed.given_up, 0U);
    ASSERT_EQ(outside.watch.all<signing::LaneResumed>().size(), 1U);
    EXPECT_EQ(outside.watch.all<signing::LaneResumed>().front().reason, "it is mended");

    ASSERT_TRUE(await_sent(1));
    conclude();
    ASSERT_TRUE(await<account::WithdrawalPaid>());
    EXPECT_EQ(session().refusal_code(resume), 11021) << "it goes on";
    expect_all_is_booked();
}

// Goal: an operator who names a lane that is none learns why it is none.
TEST_F(Signing, WhereNothingIsSignedAnOperatorHearsWhy) {
    start();
    const auto heard = [&](const actors::OperatorRequest& request) {
        const auto refusal = session().expect<actors::Refusal>(request);
        EXPECT_EQ(refusal.code, -32602);
        EXPECT_EQ(refusal.reason, "no_such_lane");
        return refusal.hint;
    };
    EXPECT_EQ(heard(resume_of(alpha, synthetix, "it is mended")),
              "that shard is simulated: nothing is signed there, and no lane halts");
    EXPECT_EQ(heard(resume_of(base::BrokerId{9}, uniswap, "it is mended")),
              "that broker does not work on that shard; see operator/get_breaks");
    EXPECT_EQ(heard(actors::Reconcile{base::ShardId{9}}),
              "no broker works on that shard; see operator/get_breaks");
}

// Goal: an order whose nonce somebody else has used gets another one, and has its effect once.
TEST_F(Signing, AnOrderWhoseNonceWasUsedElsewhereGetsAnother) {
    start();
    fund();
    chain.set_taking(false);
    withdraw();
    ASSERT_TRUE(await_sent(1));
    chain.add_block_of_others();
    EXPECT_TRUE(outside.watch.all<signing::LaneHalted>().empty()) << "that block may be replaced";
    chain.finalise();
    const auto halted = outside.watch.await_event<signing::LaneHalted>();
    ASSERT_TRUE(halted.has_value());
    EXPECT_EQ(halted->reason, signing::Halt::nonce_used_elsewhere);
    EXPECT_EQ(halted->nonce, 0U);

    chain.set_taking(true);
    const auto followed = outside.watch.lines_with("Chain is followed.");
    const auto resumed =
        session().expect<actors::LaneResumed>(resume_of(alpha, uniswap, "the key was copied"));
    EXPECT_EQ(resumed.nonce, 1U);
    EXPECT_EQ(resumed.given_up, 1U);
    ASSERT_TRUE(await_sent(2));
    EXPECT_EQ(outside.watch.lines_with("Chain is followed."), followed + 1)
        << "what changed meanwhile is seen";
    const auto taken = outside.watch.all<signing::IntentTaken>();
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(taken.front().ref, taken.back().ref);
    EXPECT_EQ(taken.back().nonce, 1U);
    conclude();
    ASSERT_TRUE(await<account::WithdrawalPaid>());
    expect_all_is_booked();
}

// Goal: ours that is final behind a nonce which somebody else has used is neither lost nor in the
// way of going on.
TEST_F(Signing, OneBehindANonceUsedElsewhereIsFinishedOnceTheLaneGoesOn) {
    start();
    fund();
    withdraw();
    withdraw();
    ASSERT_TRUE(await_sent(2));
    chain.add_block_of_others();
    chain.add_block();
    ASSERT_TRUE(await<signing::TransactionIncluded>());
    chain.finalise();
    ASSERT_TRUE(await<signing::LaneHalted>());
    EXPECT_TRUE(outside.watch.all<signing::NonceFinished>().empty());

    const auto resumed =
        session().expect<actors::LaneResumed>(resume_of(alpha, uniswap, "the key was copied"));
    EXPECT_EQ(resumed.nonce, 2U);
    EXPECT_EQ(resumed.given_up, 1U);
    ASSERT_TRUE(await<account::WithdrawalPaid>());
    ASSERT_TRUE(await_sent(3)) << "the other one's order has another nonce";
    const auto from = outside.watch.mark();
    conclude();
    ASSERT_TRUE(await<account::WithdrawalPaid>(from));
    EXPECT_EQ(outside.watch.all<account::WithdrawalPaid>().size(), 2U);
    expect_all_is_booked();
}

// Goal: while a signer is away an order keeps its nonce and waits.
TEST_F(Signing, ASignerThatIsAwayIsAskedAgain) {
    start();
    fund();
    chain.set_signer(Signer::unreachable);
    withdraw();
    ASSERT_TRUE(outside.watch.await_line("A signer does not answer."));
    chain.set_signer(Signer::signs);
    ASSERT_TRUE(await_sent(1));
    conclude();
    ASSERT_TRUE(await<account::WithdrawalPaid>());
    EXPECT_EQ(outside.watch.all<signing::IntentTaken>().size(), 1U);
    expect_all_is_booked();
}

// Goal: nothing is signed before its nonce is in the journal, also when the signer is asked again
// for another order meanwhile. The chain itself looks whether it is.
TEST_F(Signing, NothingLeavesAheadOfTheJournal) {
    start();
    fund();
    chain.set_signer(Signer::unreachable);
    withdraw();
    ASSERT_TRUE(outside.watch.await_line("A signer does not answer."));
    chain.set_signer(Signer::signs);
    // Tried each 20 ms: until the signer was asked again, and the same bytes were sent again.
    const auto times = std::make_shared<std::atomic<int>>(0);
    outside.journal.decline([times](const ledger::Entry& entry) {
        return event_in<signing::IntentTaken>(entry) != nullptr && ++*times <= 100;
    });
    withdraw();
    ASSERT_TRUE(outside.watch.await_line("Record declined."));
    ASSERT_TRUE(await_sent(2));
    outside.journal.decline(nullptr);
    conclude();
    const auto is_second = [](const ledger::Entry&, const account::WithdrawalPaid& paid) {
        return paid.number == 2;
    };
    ASSERT_TRUE(outside.watch.await_event<account::WithdrawalPaid>(is_second).has_value());
    expect_all_is_booked();
}

// Goal: what a signer will never sign ends without an effect, and holds nothing up behind it.
TEST_F(Signing, WhatASignerRefusesIsCancelledInItsNonce) {
    start();
    fund();
    chain.set_signer(Signer::refuses_orders);
    withdraw();
    ASSERT_TRUE(await_sent(1));
    const auto planned = outside.watch.all<signing::TransactionPlanned>();
    ASSERT_EQ(planned.size(), 2U);
    EXPECT_EQ(planned.back().nonce, 0U);
    EXPECT_EQ(planned.back().purpose, signing::Purpose::cancel);
    EXPECT_TRUE(outside.watch.all<instruction::LegFailed>().empty()) << "it is not over";
    EXPECT_EQ(
        outside.watch.lines_with("A signer refuses a transaction. nonce=0 why=no rule allows it"),
        1U)
        << "in the signer's words";

    chain.set_signer(Signer::signs);
    conclude();
    const auto failed = outside.watch.await_event<instruction::LegFailed>();
    ASSERT_TRUE(failed.has_value());
    EXPECT_EQ(failed->reason, ShardRefusal::unsupported);
    ASSERT_TRUE(await<account::WithdrawalReturned>());
    withdraw();
    ASSERT_TRUE(await_sent(2));
    conclude();
    ASSERT_TRUE(await<account::WithdrawalPaid>());
    EXPECT_EQ(outside.watch.all<signing::NonceFinished>().size(), 2U);
    expect_all_is_booked();
}

// Goal: a block that is replaced takes back what it told, and the same transaction comes again.
TEST_F(Signing, WhatIsUndoneIsIncludedAgain) {
    start();
    fund();
    withdraw();
    ASSERT_TRUE(await_sent(1));
    chain.add_block();
    ASSERT_TRUE(await<instruction::LegIncluded>());
    chain.undo();
    ASSERT_TRUE(await<instruction::LegReorged>());
    const auto from = outside.watch.mark();
    chain.add_block();
    ASSERT_TRUE(await<instruction::LegIncluded>(from));
    EXPECT_TRUE(outside.watch.all<account::WithdrawalPaid>().empty());
    chain.finalise();
    ASSERT_TRUE(await<account::WithdrawalPaid>());
    EXPECT_EQ(outside.watch.all<signing::InclusionUndone>().size(), 1U);
    EXPECT_EQ(chain.transactions_sent(), 1U);
    expect_all_is_booked();
}

// Goal: wherever a node ends between an order and its last word, the next one goes on there: the
// same bytes, one nonce, one effect.
TEST_F(Signing, ANodeThatEndsAnywhereBetweenIsTakenOverThere) {
    start();
    fund();
    chain.set_signer(Signer::unreachable);
    withdraw();
    ASSERT_TRUE(await<signing::IntentTaken>());

    chain.set_signer(Signer::signs);
    chain.set_taking(false);
    start();
    const auto made = outside.watch.await_event<signing::TransactionSigned>();
    ASSERT_TRUE(made.has_value());
    const auto asked = chain.asked_to_sign();

    ASSERT_TRUE(await_sent_again()) << "no node of the chain has it";
    chain.set_taking(true);
    ASSERT_TRUE(await_sent_again()) << "this time it is taken";
    ASSERT_TRUE(await_sent_again()) << "it is known there, which nobody here knows";
    start();
    chain.add_block();
    ASSERT_TRUE(await<signing::TransactionIncluded>());

    // It is final, and whoever wanted it does not hear so.
    outside.journal.decline([](const ledger::Entry& entry) {
        return event_in<instruction::LegFinal>(entry) != nullptr;
    });
    start();
    chain.finalise();
    ASSERT_TRUE(await<signing::NonceFinished>());
    ASSERT_TRUE(outside.watch.await_line("Record declined."));
    outside.journal.decline(nullptr);
    EXPECT_EQ(chain.recounted(), 0U);
    start();
    ASSERT_TRUE(await<account::WithdrawalPaid>());
    EXPECT_EQ(chain.recounted(), 1U);

    EXPECT_EQ(outside.watch.all<signing::IntentTaken>().size(), 1U);
    EXPECT_EQ(outside.watch.all<signing::TransactionSigned>().size(), 1U);
    EXPECT_EQ(chain.asked_to_sign(), asked);
    for (const auto& sent : chain.sent()) EXPECT_EQ(sent.raw, made->raw);
    EXPECT_EQ(outside.watch.all<account::WithdrawalPaid>().size(), 1U);
    expect_all_is_booked();
}

// Goal: what comes after its deadline in the chain's own time gets no nonce and no signature.
TEST_F(Signing, WhatComesTooLateIsNeverSigned) {
    start();
    fund();
    chain.go_ahead(base::seconds(3'600));
    withdraw();
    const auto failed = outside.watch.await_event<instruction::LegFailed>();
    ASSERT_TRUE(failed.has_value());
    EXPECT_EQ(failed->reason, ShardRefusal::expired);
    EXPECT_EQ(failed->block, 0U) << "no block has ever held it";
    EXPECT_EQ(chain.asked_to_sign(), 0U);
    EXPECT_TRUE(outside.watch.all<signing::IntentTaken>().empty());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
