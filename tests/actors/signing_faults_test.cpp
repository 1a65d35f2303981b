#include "tests/support/actors/signed_town.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

// What stops a signing lane, what lets it go on, and what orders come to that revert.

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
using ledger::Chart;
using ledger::ShardRefusal;
using Altered = ScriptedChain::Altered;
using Signer = ScriptedChain::Signer;
namespace account = ledger::account;
namespace hedge = ledger::hedge;
namespace instruction = ledger::instruction;
namespace signing = ledger::signing;

// A leg of a client's withdrawal: what a house posts as margin is elsewhere.
const auto is_payment = [](const ledger::Entry&, const auto& leg) { return leg.shard == uniswap; };

class SigningFaults : public SignedTown {
protected:
    template <class Event>
    [[nodiscard]] std::size_t count() const {
        return outside.watch.all<Event>().size();
    }
    // Whoever scrapes is told this reason, or none.
    [[nodiscard]] bool shows(signing::Halt halt) {
        bool is_shown = true;
        for (const auto one :
             {signing::Halt::nonce_used_elsewhere, signing::Halt::signer_altered,
              signing::Halt::signer_refuses, signing::Halt::other_chain,
              signing::Halt::final_block_replaced, signing::Halt::contract_changed}) {
            const auto gauge =
                figures().signing_lane_halted.with({"alpha", "uniswap", signing::name_of(one)});
            if (gauge.value() != (one == halt ? 1 : 0)) is_shown = false;
        }
        return is_shown;
    }
    [[nodiscard]] double signer_faults(const char* fault) {
        return figures().signer_faults_total.with({"alpha", "uniswap", fault}).value();
    }
    // The host has done all that it has heard of so far.
    void await_host() { EXPECT_EQ(session().refusal_code(resume_of(alpha, uniswap, "")), -32602); }
    // What happens after which the host has been at work: one more line like it.
    template <class Happens>
    [[nodiscard]] bool await_after(const char* line, Happens happens) {
        const auto before = outside.watch.lines_with(line);
        happens();
        if (!outside.watch.await_line(line, before + 1)) return false;
        await_host();
        return true;
    }
    [[nodiscard]] bool restart_until(const char* line) {
        stop();
        return await_after(line, [&] { start(); });
    }

    // It halts for this reason. What it has asked for and sent by then is all, until it goes on.
    [[nodiscard]] bool await_halted(signing::Halt reason) {
        const auto halted = outside.watch.await_event<signing::LaneHalted>();
        asked_ = chain.asked_to_sign();
        sent_ = chain.sent().size();
        return halted && halted->reason == reason;
    }
    void expect_still_halted(signing::Halt reason) {
        EXPECT_TRUE(outside.watch.await([&] { return shows(reason); }));
        EXPECT_EQ(count<signing::LaneHalted>(), 1U);
        EXPECT_EQ(count<signing::LaneResumed>(), 0U);
        EXPECT_EQ(chain.asked_to_sign(), asked_);
        EXPECT_EQ(chain.sent().size(), sent_);
    }
    void resume() {
        const auto resumed =
            session().expect<actors::LaneResumed>(resume_of(alpha, uniswap, "it is mended"));
        EXPECT_EQ(resumed.given_up, 0U);
    }
    // Each order has had one nonce, one signature and one effect, and none of it while the lane
    // stood still.
    void expect_each_once(std::size_t orders) {
        EXPECT_TRUE(await_paid(orders));
        EXPECT_EQ(count<signing::IntentTaken>(), orders);
        EXPECT_EQ(count<signing::TransactionSigned>(), orders);
        EXPECT_EQ(count<signing::NonceFinished>(), orders);
        EXPECT_EQ(chain.asked_to_sign(), orders);
        EXPECT_EQ(chain.transactions_sent(), orders);
        EXPECT_TRUE(outside.watch.await([&] { return shows(signing::Halt::none); }));
        bool is_halted = false;
        for (const auto& seen : outside.watch.seen()) {
            const auto is = [&](auto event) {
                return event_in<decltype(event)>(seen.entry) != nullptr;
            };
            if (is(signing::LaneHalted{})) is_halted = true;
            if (is(signing::LaneResumed{})) is_halted = false;
            const bool is_work = is(signing::IntentTaken{}) || is(signing::TransactionPlanned{}) ||
                                 is(signing::TransactionSigned{});
            EXPECT_FALSE(is_halted && is_work) << "while the lane stands still";
        }
        expect_all_is_booked();
    }

private:
    std::size_t asked_{};
    std::size_t sent_{};
};

// Goal: after a final block was replaced nothing is signed or sent until an operator has looked.
// What a block holds meanwhile is booked all the same.
TEST_F(SigningFaults, AFinalBlockThatIsReplacedStopsTheLane) {
    start();
    fund();
    withdraw();
    ASSERT_TRUE(await_sent(1));
    conclude();
    ASSERT_TRUE(await_paid(1));
    withdraw();
    ASSERT_TRUE(await_sent(2));
    // Nobody here has heard of the block that holds it.
    chain.set_telling(false);
    chain.add_block();
    chain.replace_final_block();
    ASSERT_TRUE(await_halted(signing::Halt::final_block_replaced));
    ASSERT_TRUE(await_after("Chain makes a call of an order.", [&] { withdraw(); }));
    expect_still_halted(signing::Halt::final_block_replaced);

    ASSERT_TRUE(restart_until("Chain is followed."));
    expect_still_halted(signing::Halt::final_block_replaced);
    EXPECT_EQ(session().refusal_code(resume_of(alpha, uniswap, "it is mended")), 11031)
        << "what is final is not known yet";
    chain.finalise();
    ASSERT_TRUE(await_after("Chain makes a call of an order.", [&] { chain.set_telling(true); }));
    EXPECT_TRUE(await_paid(2));
    expect_still_halted(signing::Halt::final_block_replaced);

    resume();
    ASSERT_TRUE(await_sent(3));
    conclude();
    expect_each_once(3);
}

// Goal: on a chain with another id, or another first block, nothing is signed or sent, also once it
// is the right one again, until an operator has looked.
TEST_F(SigningFaults, AnotherChainStopsTheLane) {
    start();
    fund();
    withdraw();
    ASSERT_TRUE(await_sent(1));
    chain.set_identity(8, "genesis");
    start();
    ASSERT_TRUE(await_halted(signing::Halt::other_chain));
    const auto from = outside.watch.mark();
    withdraw();
    ASSERT_TRUE(outside.watch.await_event<instruction::LegSent>(is_payment, from).has_value());
    ASSERT_TRUE(await_after("Chain says which it is.", [] {}));
    expect_still_halted(signing::Halt::other_chain);

    chain.set_identity(7, "another genesis");
    ASSERT_TRUE(restart_until("Chain says which it is."));
    EXPECT_EQ(session().refusal_code(resume_of(alpha, uniswap, "it is mended")), 11031)
        << "it is another one still";
    expect_still_halted(signing::Halt::other_chain);

    ASSERT_TRUE(
        await_after("Chain makes a call of an order.", [&] { chain.set_identity(7, "genesis"); }));
    expect_still_halted(signing::Halt::other_chain);
    resume();
    ASSERT_TRUE(await_sent(2));
    conclude();
    expect_each_once(2);
}

// Goal: an order of which the vault tells what cannot be is not booked. Nothing more is signed or
// sent until an operator has looked, and then it is booked once, as it was.
TEST_F(SigningFaults, AVaultThatTellsWhatCannotBeStopsTheLane) {
    start();
    fund();
    withdraw();
    ASSERT_TRUE(await_sent(1));
    chain.set_credible(false);
    conclude();
    ASSERT_TRUE(await_halted(signing::Halt::contract_changed));
    ASSERT_TRUE(await_after("Chain makes a call of an order.", [&] { withdraw(); }));
    expect_still_halted(signing::Halt::contract_changed);

    ASSERT_TRUE(restart_until("Chain makes a call of an order."));
    ASSERT_TRUE(outside.watch.await([&] { return chain.recounted() > 0; }));
    await_host();
    expect_still_halted(signing::Halt::contract_changed);
    EXPECT_EQ(count<account::WithdrawalPaid>(), 0U);

    chain.set_credible(true);
    resume();
    ASSERT_TRUE(await_sent(2));
    conclude();
    expect_each_once(2);
}

// Goal: whatever a chain is accused of while it is followed stops the lane, is its reason, and is
// followed anew. The first reason stands.
TEST_F(SigningFaults, EachFaultOfAChainStopsTheLane) {
    start();
    ASSERT_TRUE(outside.watch.await_line("Chain is followed."));
    for (const auto reason : {signing::Halt::other_chain, signing::Halt::contract_changed,
                              signing::Halt::final_block_replaced}) {
        const auto from = outside.watch.mark();
        ASSERT_TRUE(await_after("Chain is followed.", [&] { chain.fail(reason); }));
        const auto halted = outside.watch.await_event<signing::LaneHalted>(from);
        ASSERT_TRUE(halted.has_value());
        EXPECT_EQ(halted->reason, reason);
        EXPECT_TRUE(outside.watch.await([&] { return shows(reason); }));
        if (reason != signing::Halt::final_block_replaced) {
            ASSERT_TRUE(await_after("Chain is followed.", [&] { resume(); }));
        }
    }
    ASSERT_TRUE(await_after("Chain is followed.", [&] { chain.fail(signing::Halt::other_chain); }));
    EXPECT_EQ(count<signing::LaneHalted>(), 3U);
    EXPECT_TRUE(shows(signing::Halt::final_block_replaced));
}

// Goal: whatever a signer alters is found out, counted, and neither written nor sent.
TEST_F(SigningFaults, EachTimeASignerAltersSomethingIsCounted) {
    start();
    fund();
    chain.set_signer(Signer::alters);
    double times = 0;
    for (const auto altered : {Altered::recipient, Altered::value, Altered::fee, Altered::key}) {
        chain.set_altered(altered);
        const auto from = outside.watch.mark();
        if (times == 0) {
            withdraw();
        } else {
            resume();
        }
        const auto halted = outside.watch.await_event<signing::LaneHalted>(from);
        ASSERT_TRUE(halted.has_value());
        EXPECT_EQ(halted->reason, signing::Halt::signer_altered);
        EXPECT_EQ(signer_faults("altered"), ++times);
        ASSERT_TRUE(outside.watch.await([&] { return shows(signing::Halt::signer_altered); }));
    }
    EXPECT_EQ(count<signing::TransactionSigned>(), 0U);
    EXPECT_TRUE(chain.sent().empty());
    EXPECT_EQ(signer_faults("refused"), 0);
    EXPECT_EQ(signer_faults("unreachable"), 0);

    chain.set_signer(Signer::signs);
    resume();
    ASSERT_TRUE(await_sent(1));
    conclude();
    EXPECT_TRUE(await_paid(1));
    EXPECT_EQ(signer_faults("altered"), times);
    expect_all_is_booked();
}

// Goal: a signer that is away, and one that refuses, are counted as that.
TEST_F(SigningFaults, EachTimeASignerDoesNotSignIsCounted) {
    start();
    fund();
    chain.set_signer(Signer::unreachable);
    withdraw();
    ASSERT_TRUE(outside.watch.await_line("A signer does not answer.", 2));
    EXPECT_EQ(signer_faults("refused"), 0);
    chain.set_signer(Signer::refuses_orders);
    ASSERT_TRUE(await<signing::TransactionRefused>());
    EXPECT_GE(signer_faults("unreachable"), 2);
    EXPECT_EQ(signer_faults("refused"), 1);
    EXPECT_EQ(signer_faults("altered"), 0);
}

// Goal: what reverted has cost its gas and nothing else, and is tried again as another order.
TEST_F(SigningFaults, APaymentThatRevertsIsTriedAgainAsAnotherOrder) {
    start();
    fund();
    const auto gas = outside.balance(alpha, Chart::gas, eth);
    chain.set_reverting(true);
    withdraw();
    ASSERT_TRUE(await_sent(1));
    chain.add_block();
    ASSERT_TRUE(await<signing::TransactionIncluded>());
    EXPECT_EQ(count<instruction::LegFailed>(), 0U) << "it is not final";
    chain.set_reverting(false);
    chain.finalise();
    const auto failed = outside.watch.await_event<instruction::LegFailed>();
    ASSERT_TRUE(failed.has_value());
    EXPECT_EQ(failed->reason, ShardRefusal::reverted);
    EXPECT_EQ(failed->attempt, 1U);
    EXPECT_GT(failed->block, 0U);
    EXPECT_GT(failed->gas, Amount{0});
    EXPECT_EQ(outside.balance(alpha, Chart::gas, eth), gas + failed->gas.v);

    ASSERT_TRUE(await_sent(2));
    const auto taken = outside.watch.all<signing::IntentTaken>();
    ASSERT_EQ(taken.size(), 2U);
    EXPECT_NE(taken.front().ref, taken.back().ref);
    EXPECT_EQ(taken.front().ref.origin, taken.back().ref.origin);
    conclude();
    EXPECT_TRUE(await_paid(1));
    const auto final = outside.watch.await_event<instruction::LegFinal>(is_payment);
    ASSERT_TRUE(final.has_value());
    EXPECT_EQ(final->attempt, 2U);
    EXPECT_EQ(outside.balance(alpha, Chart::gas, eth), gas + failed->gas.v + final->gas.v);
    expect_all_is_booked();
}

// Goal: the same where nobody hears of it before a restart: it is read from its receipt.
TEST_F(SigningFaults, WhatRevertedIsToldAfterARestartToo) {
    start();
    fund();
    chain.set_reverting(true);
    withdraw();
    ASSERT_TRUE(await_sent(1));
    outside.journal.decline([](const ledger::Entry& entry) {
        return event_in<instruction::LegFailed>(entry) != nullptr;
    });
    conclude();
    ASSERT_TRUE(await<signing::NonceFinished>());
    ASSERT_TRUE(outside.watch.await_line("Record declined."));
    stop();
    outside.journal.decline(nullptr);
    chain.set_reverting(false);
    start();
    const auto failed = outside.watch.await_event<instruction::LegFailed>();
    ASSERT_TRUE(failed.has_value());
    EXPECT_EQ(failed->reason, ShardRefusal::reverted);
    EXPECT_GT(failed->gas, Amount{0});
    EXPECT_EQ(chain.recounted(), 1U);
    ASSERT_TRUE(await_sent(2));
    conclude();
    EXPECT_TRUE(await_paid(1));
    EXPECT_EQ(count<instruction::LegFailed>(), 1U);
    expect_all_is_booked();
}

// Goal: a hedge of which all reverted has cost its gas, and what it was for is hedged by another.
TEST_F(SigningFaults, AHedgeThatRevertsIsFollowedByAnother) {
    start();
    fund();
    const auto gas = outside.balance(alpha, Chart::gas, eth);
    chain.set_reverting(true);
    (void)session().expect<actors::TradeCleared>(trade_of(client, eth_swap, 20 * one_eth));
    const auto committed = outside.watch.await_event<hedge::HedgeCommitted>();
    ASSERT_TRUE(committed.has_value());
    const auto slices = committed->slices.size();
    ASSERT_TRUE(await_sent(slices));
    const auto from = outside.watch.mark();
    chain.add_block();
    chain.set_reverting(false);
    chain.finalise();
    const auto finished = outside.watch.await_event<hedge::HedgeFinished>(from);
    ASSERT_TRUE(finished.has_value());
    EXPECT_EQ(finished->outcome, hedge::HedgeOutcome::unfilled);
    Amount paid;
    const auto failed = outside.watch.all<hedge::SliceFailed>();
    EXPECT_EQ(failed.size(), slices);
    for (const auto& one : failed) {
        EXPECT_EQ(one.reason, ShardRefusal::reverted);
        EXPECT_GT(one.gas, Amount{0});
        paid = base::must_add(paid, one.gas);
    }
    EXPECT_EQ(outside.balance(alpha, Chart::gas, eth), gas + paid.v);

    const auto again = outside.watch.await_event<hedge::HedgeCommitted>(from);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->quantity, committed->quantity);
    ASSERT_TRUE(await_sent(slices + again->slices.size()));
    conclude();
    const auto is_covered = [](const ledger::Entry&, const account::ClaimsCovered& covered) {
        return covered.asset == eth && covered.parts.back().is_last;
    };
    EXPECT_TRUE(outside.watch.await_event<account::ClaimsCovered>(is_covered).has_value());
    EXPECT_EQ(count<signing::IntentTaken>(), slices + again->slices.size());
    EXPECT_EQ(count<hedge::SliceFailed>(), slices);
    expect_all_is_booked();
}

}  // namespace
}  // namespace crossclear::tests
