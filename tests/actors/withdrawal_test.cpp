#include "actors/withdrawal_actor.hpp"
#include "tests/support/actors/house.hpp"
#include "tests/support/actors/lone_home.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;
namespace withdrawal = ledger::withdrawal;

const auto payee = account_in(base::PartitionId{1});

// Goal: until it is sent a withdrawal is the client's to take back, and a repeat says the same.
TEST(Withdrawal, IsTakenBackBeforeItIsSent) {
    Outside outside;
    House house(outside, {.withdrawal_delay = base::seconds(600)});
    const auto session = house.client({payee});
    outside.deposit(uniswap, payee, usdc, 1'000 * one_usdc);
    const auto taken = session->expect<actors::WithdrawalTaken>(
        withdrawal_of(payee, usdc, 400 * one_usdc, uniswap));

    const auto cancel = cancel_of(payee, taken.number);
    const auto once = session->expect<actors::WithdrawalCancelled>(cancel);
    EXPECT_FALSE(once.is_repeat);
    EXPECT_EQ(outside.account(payee).holdings.at(usdc).free, Amount{1'000 * one_usdc});

    const auto again = session->expect<actors::WithdrawalCancelled>(cancel);
    EXPECT_TRUE(again.is_repeat);
    EXPECT_EQ(again.sequence, once.sequence);
    auto other_body = cancel;
    other_body.number += 1;
    EXPECT_EQ(session->refusal_code(other_body), 11010);
    EXPECT_EQ(session->refusal_code(cancel_of(payee, taken.number)), 11040) << "it has ended";
    EXPECT_EQ(session->refusal_code(cancel_of(payee, 99)), -32602) << "there never was one";
    EXPECT_TRUE(
        session->expect<actors::WithdrawalsView>(actors::GetWithdrawals{payee}).open.empty());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: nothing leaves on prices of long ago where what stays may lose more than it is worth; who
// only holds needs no price.
TEST(Withdrawal, NeedsFreshPricesOfAContract) {
    const auto ahead = std::make_shared<std::atomic<std::int64_t>>(0);
    Outside outside;
    House house(outside,
                {.now = [ahead] { return base::wall_clock_now() + base::seconds(ahead->load()); }});
    const auto saver = account_in(base::PartitionId{2});
    const auto session = house.client({payee, saver});
    for (const auto account : {payee, saver}) {
        outside.deposit(uniswap, account, usdc, 100'000 * one_usdc);
    }
    (void)session->expect<actors::TradeCleared>(trade_of(payee, btc_perp, one_contract / 10));
    *ahead = 700;
    EXPECT_EQ(session->refusal_code(withdrawal_of(payee, usdc, one_usdc, uniswap)), 11022);
    (void)session->expect<actors::WithdrawalTaken>(withdrawal_of(saver, usdc, one_usdc, uniswap));
    *ahead = 0;
    (void)session->expect<actors::WithdrawalTaken>(withdrawal_of(payee, usdc, one_usdc, uniswap));
}

// Goal: tokens that may be on their way are not given back as well.
TEST(Withdrawal, IsNotTakenBackOnceItMayBeOnItsWay) {
    Outside outside;
    House house(outside);
    const auto session = house.client({payee});
    outside.deposit(uniswap, payee, usdc, 1'000 * one_usdc);
    auto faults = outside.world->faults(uniswap);
    faults.is_paused = true;  // It takes nothing in, so that the payment cannot end.
    outside.world->set_faults(uniswap, faults);
    const auto taken = session->expect<actors::WithdrawalTaken>(
        withdrawal_of(payee, usdc, 400 * one_usdc, uniswap));
    ASSERT_TRUE(outside.watch.await_event<withdrawal::WithdrawalApproved>().has_value());

    const auto cancel = cancel_of(payee, taken.number);
    EXPECT_EQ(session->refusal_code(cancel), 11040);
    EXPECT_EQ(session->refusal_code(cancel), 11040);
    EXPECT_EQ(outside.watch.all<account::CancelRefused>().size(), 1U);

    faults.is_paused = false;
    outside.world->set_faults(uniswap, faults);
    ASSERT_TRUE(outside.watch.await_event<account::WithdrawalPaid>().has_value());
    EXPECT_EQ(session->refusal_code(cancel), 11040);
    EXPECT_EQ(outside.account(payee).holdings.at(usdc).free, Amount{600 * one_usdc});
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a restart does not begin the gate's hour anew. A payment in another asset shows that the
// one which has to wait was looked at.
TEST(Withdrawal, WhatLeftBeforeARestartStillCounts) {
    Outside outside;
    const base::Ppm a_little_of_it{100};  // Of some millions of USDC: enough for one of two.
    const auto holdings = [&] { return outside.balance(alpha, ledger::Chart::nostro, usdc); };
    std::int64_t half = 0;
    {
        House house(outside, {.withdrawal_gate_hour = a_little_of_it});
        const auto session = house.client({payee});
        outside.deposit(uniswap, payee, usdc, 10'000 * one_usdc);
        outside.deposit(uniswap, payee, eth, 10 * one_eth);
        half = holdings() / 10'000 * 6 / 10;
        session->expect<actors::WithdrawalTaken>(withdrawal_of(payee, usdc, half, uniswap));
        ASSERT_TRUE(outside.watch.await_event<account::WithdrawalPaid>().has_value());
        EXPECT_TRUE(outside.watch.await_event<netting::DepartureClosed>().has_value())
            << "nothing is reserved on the shard for what has left";
    }
    House house(outside, {.withdrawal_gate_hour = a_little_of_it});
    const auto session = house.client({payee});
    const auto waits =
        session->expect<actors::WithdrawalTaken>(withdrawal_of(payee, usdc, half, uniswap));
    const auto passes =
        session->expect<actors::WithdrawalTaken>(withdrawal_of(payee, eth, 1'000, uniswap));
    ASSERT_TRUE(outside.watch
                    .await_event<account::WithdrawalPaid>(
                        [&](const auto&, const auto& paid) { return paid.number == passes.number; })
                    .has_value());
    const auto open = session->expect<actors::WithdrawalsView>(actors::GetWithdrawals{payee}).open;
    ASSERT_EQ(open.size(), 1U);
    EXPECT_EQ(open.front().number, waits.number);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: what a node reserved on a shard and never heard the end of is free after the next start.
TEST(Withdrawal, WhatIsOverIsNotReservedForAfterARestart) {
    Outside outside;
    const netting::DepartureApproved left{.account = payee,
                                          .number = 1,
                                          .asset = usdc,
                                          .amount = Amount{one_usdc},
                                          .shard = uniswap,
                                          .at = base::wall_clock_now()};
    outside.write(base::home_of(alpha, partitions),
                  {{base::entity_of(base::EntityKind::netting, alpha), netting::Event{left}}});
    House house(outside);
    const auto closed = outside.watch.await_event<netting::DepartureClosed>();
    ASSERT_TRUE(closed.has_value());
    EXPECT_EQ(closed->account, payee);
}

/// A withdrawal that may be on its way.
class LoneWithdrawal : public LoneHome {
protected:
    LoneWithdrawal() : LoneHome({.kind = base::EntityKind::withdrawal, .id = payee.v, .sub = 1}) {
        withdrawal::State state;
        state.id = id;
        withdrawal::apply(state, withdrawal::WithdrawalQueued{.account = payee,
                                                              .number = 1,
                                                              .asset = usdc,
                                                              .amount = Amount{5},
                                                              .shard = uniswap,
                                                              .destination = "0x1",
                                                              .not_before = {},
                                                              .at = {}});
        withdrawal::apply(state, withdrawal::WithdrawalApproved{});
        spawn<actors::WithdrawalHost>(std::move(state));
    }
};

// Goal: an account that knows needs less cover; the house must not see that in figures that still
// show the tokens. So the house is told first.
TEST_F(LoneWithdrawal, TellsTheHouseOfItsEndBeforeTheAccount) {
    actors::InstructionEnded paid;
    paid.report.instruction = id;
    paid.report.outcome = ledger::instruction::Outcome::settled;
    tell(paid);
    write(7);
    const auto over = next<actors::ReviewDone>();
    EXPECT_EQ(over.withdrawal, id);
    EXPECT_EQ(over.sequence, 7U);
    EXPECT_EQ(said_to, base::entity_of(base::EntityKind::netting, alpha));
    EXPECT_FALSE(has_ordered());
    const auto order = next_order();
    EXPECT_EQ(order.account, payee);
    EXPECT_TRUE(std::holds_alternative<account::PayWithdrawal>(order.command));
}

}  // namespace
}  // namespace crossclear::tests
