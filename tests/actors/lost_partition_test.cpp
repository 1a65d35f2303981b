#include "tests/support/actors/one_of.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <string>
#include <variant>
#include <vector>

// Goal: a partition may be lost with what it was told, while the one that told it goes on. Whoever
// owes it says it again until it is answered, and nothing is done twice. Each test names one word
// between partitions by the record that it led to, and loses the partition before that is written.

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;
namespace withdrawal = ledger::withdrawal;

constexpr base::PartitionId home_of_alpha{0};
constexpr base::PartitionId with_payee{2};
constexpr base::PartitionId with_other{3};
const auto the_payee = account_in(with_payee);
const auto the_other = account_in(with_other);

template <class Event>
bool is_event(const ledger::Entry& entry) {
    return event_in<Event>(entry) != nullptr;
}

class LostPartition : public ::testing::Test {
protected:
    explicit LostPartition(HouseOptions options = {}) : only(outside, "only", std::move(options)) {
        await_shares(outside, {&only.house});
    }

    // Until the partition is lost, this record is not taken.
    template <class Event>
    void decline() {
        outside.journal.decline(&is_event<Event>);
    }
    // Loses the partition while its owner cannot write what was declined. The only node takes it
    // again, and knows what was written.
    void lose(base::PartitionId partition) {
        ASSERT_TRUE(outside.watch.await_line("Record declined."));
        ASSERT_NO_FATAL_FAILURE(take_away(outside, partition));
        outside.journal.decline(nullptr);
        ASSERT_TRUE(outside.watch.await_line(
            "A partition belongs to another owner now. partition=" + std::to_string(partition.v)));
    }
    template <class Event>
    [[nodiscard]] bool comes() const {
        return outside.watch.await_event<Event>().has_value();
    }
    template <class Event>
    [[nodiscard]] std::size_t times() const {
        return outside.watch.all<Event>().size();
    }
    [[nodiscard]] std::int64_t free_of(base::AccountId id, base::AssetId asset = usdc) const {
        const auto state = outside.account(id);
        const auto found = state.holdings.find(asset);
        return found == state.holdings.end() ? 0 : found->second.free.v;
    }
    void expect_nothing_held(base::AccountId id) const {
        const auto state = outside.account(id);
        for (const auto& [asset, holding] : state.holdings) EXPECT_EQ(holding.held, Amount{});
        EXPECT_TRUE(state.withdrawals.empty());
        EXPECT_TRUE(state.matches.empty());
        EXPECT_TRUE(state.sales.empty());
        EXPECT_EQ(outside.audit(), std::nullopt);
    }
    // Both have 1,000 USDC.
    std::unique_ptr<Client> funded_client() {
        for (const auto id : {the_payee, the_other}) {
            outside.deposit(uniswap, id, usdc, 1'000 * one_usdc);
        }
        return only.house.client({the_payee, the_other});
    }

    Outside outside;
    OneOf only;
};

/// What is asked for does not leave before it can be taken back.
class LostPartitionWithDelay : public LostPartition {
protected:
    LostPartitionWithDelay() : LostPartition({.withdrawal_delay = base::seconds(600)}) {}
};

TEST_F(LostPartition, IsToldAgainThatAWithdrawalIsPaid) {
    const auto client = funded_client();
    decline<account::WithdrawalPaid>();
    (void)client->expect<actors::WithdrawalTaken>(
        withdrawal_of(the_payee, usdc, 400 * one_usdc, uniswap));
    ASSERT_NO_FATAL_FAILURE(lose(with_payee));
    ASSERT_TRUE(comes<account::WithdrawalPaid>()) << "its tokens stay HELD";
    ASSERT_TRUE(comes<withdrawal::EndAcknowledged>());
    EXPECT_EQ(free_of(the_payee), 600 * one_usdc);
    EXPECT_EQ(times<account::WithdrawalPaid>(), 1U);
    expect_nothing_held(the_payee);
}

TEST_F(LostPartitionWithDelay, IsToldAgainThatAWithdrawalIsDropped) {
    const auto client = funded_client();
    const auto taken = client->expect<actors::WithdrawalTaken>(
        withdrawal_of(the_payee, usdc, 400 * one_usdc, uniswap));
    decline<account::WithdrawalReturned>();
    const auto cancel = cancel_of(the_payee, taken.number);
    const auto answer = client->send(cancel);
    ASSERT_NO_FATAL_FAILURE(lose(with_payee));
    ASSERT_TRUE(comes<account::WithdrawalReturned>()) << "its tokens stay HELD";
    ASSERT_TRUE(comes<withdrawal::EndAcknowledged>());
    EXPECT_EQ(client->expect<actors::WithdrawalCancelled>(cancel).number, taken.number);
    EXPECT_EQ(free_of(the_payee), 1'000 * one_usdc);
    EXPECT_EQ(times<account::WithdrawalReturned>(), 1U);
    expect_nothing_held(the_payee);
}

// The home does not repeat this one: the account asks again, and is told again.
TEST_F(LostPartition, IsToldAgainThatItIsTooLateToCancel) {
    const auto client = funded_client();
    auto faults = outside.world->faults(uniswap);
    faults.is_paused = true;
    outside.world->set_faults(uniswap, faults);
    const auto taken = client->expect<actors::WithdrawalTaken>(
        withdrawal_of(the_payee, usdc, 400 * one_usdc, uniswap));
    ASSERT_TRUE(comes<withdrawal::WithdrawalApproved>());
    decline<account::CancelRefused>();
    const auto cancel = cancel_of(the_payee, taken.number);
    const auto answer = client->send(cancel);
    ASSERT_NO_FATAL_FAILURE(lose(with_payee));
    EXPECT_EQ(client->refusal_code(cancel), 11040);
    faults.is_paused = false;
    outside.world->set_faults(uniswap, faults);
    EXPECT_TRUE(comes<account::WithdrawalPaid>());
}

TEST_F(LostPartition, IsToldAgainOfAWithdrawalWhereItIsTheHome) {
    const auto client = funded_client();
    decline<withdrawal::WithdrawalQueued>();
    (void)client->expect<actors::WithdrawalTaken>(
        withdrawal_of(the_payee, usdc, 400 * one_usdc, uniswap));
    ASSERT_NO_FATAL_FAILURE(lose(home_of_alpha));
    ASSERT_TRUE(comes<withdrawal::EndAcknowledged>());
    EXPECT_EQ(times<withdrawal::WithdrawalApproved>(), 1U);
    expect_nothing_held(the_payee);
}

TEST_F(LostPartitionWithDelay, IsToldAgainOfACancelWhereItIsTheHome) {
    const auto client = funded_client();
    const auto taken = client->expect<actors::WithdrawalTaken>(
        withdrawal_of(the_payee, usdc, 400 * one_usdc, uniswap));
    ASSERT_TRUE(comes<withdrawal::WithdrawalQueued>());
    decline<withdrawal::WithdrawalDropped>();
    auto answer = client->send(cancel_of(the_payee, taken.number));
    ASSERT_NO_FATAL_FAILURE(lose(home_of_alpha));
    ASSERT_EQ(answer.wait_for(Watch::patience), std::future_status::ready);
    EXPECT_TRUE(std::holds_alternative<actors::WithdrawalCancelled>(answer.get()));
    ASSERT_TRUE(comes<withdrawal::EndAcknowledged>());
    expect_nothing_held(the_payee);
}

TEST_F(LostPartition, IsToldAgainOfATransfer) {
    const auto client = funded_client();
    decline<account::TransferReceived>();
    (void)client->expect<actors::TransferTaken>(
        transfer_of(the_payee, the_other, usdc, 400 * one_usdc));
    ASSERT_NO_FATAL_FAILURE(lose(with_other));
    ASSERT_TRUE(comes<account::TransferDelivered>());
    EXPECT_EQ(free_of(the_payee), 600 * one_usdc);
    EXPECT_EQ(free_of(the_other), 1'400 * one_usdc);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

TEST_F(LostPartition, IsToldAgainThatATransferHasArrived) {
    const auto client = funded_client();
    decline<account::TransferDelivered>();
    (void)client->expect<actors::TransferTaken>(
        transfer_of(the_payee, the_other, usdc, 400 * one_usdc));
    ASSERT_NO_FATAL_FAILURE(lose(with_payee));
    ASSERT_TRUE(comes<account::TransferDelivered>());
    EXPECT_EQ(times<account::TransferReceived>(), 1U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// The buyer's account has decided: its seller has to follow, however late.
TEST_F(LostPartition, IsToldAgainThatAMatchedTradeIsCleared) {
    const auto venue = funded_client();
    outside.deposit(uniswap, the_other, eth, one_eth);
    outside.journal.decline([](const auto& entry) {
        const auto* trade = event_in<account::TradeNovated>(entry);
        return trade != nullptr && trade->quantity < Amount{};
    });
    const auto answer =
        venue->send(actors::SubmitMatchedTrade{.account = the_payee,
                                               .seller = the_other,
                                               .id = trade_of(the_payee, eth_swap, 1).id,
                                               .instrument = eth_swap,
                                               .quantity = Amount{one_eth / 4},
                                               .price = base::Price{2'010 * one_dollar},
                                               .received_at = base::wall_clock_now()});
    ASSERT_NO_FATAL_FAILURE(lose(with_other));
    ASSERT_TRUE(comes<account::MatchEnded>());
    EXPECT_EQ(times<account::TradeNovated>(), 2U);
    expect_nothing_held(the_payee);
    expect_nothing_held(the_other);
}

TEST_F(LostPartition, IsToldAgainOfADeposit) {
    decline<account::DepositNoted>();
    ASSERT_TRUE(outside.world->deposit(uniswap, the_payee, usdc, Amount{7 * one_usdc}).has_value());
    ASSERT_NO_FATAL_FAILURE(lose(with_payee));
    ASSERT_TRUE(comes<netting::DepositAcknowledged>());
    EXPECT_EQ(free_of(the_payee), 7 * one_usdc);
    EXPECT_EQ(outside.balance(alpha, ledger::Chart::transit, usdc), 0);
}

TEST_F(LostPartition, IsToldAgainOfItsCover) {
    const auto client = funded_client();
    decline<ledger::cover::QuotaArrived>();
    (void)client->expect<actors::TradeCleared>(trade_of(the_payee, eth_swap, one_eth / 4));
    ASSERT_NO_FATAL_FAILURE(lose(with_payee));
    ASSERT_TRUE(comes<account::ClaimsCovered>());
    EXPECT_EQ(free_of(the_payee, eth), one_eth / 4);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a house that was lost with all figures acts on none before it has heard of every partition
// again, also of those in which nothing happens any more: else it would sell what it bought for
// their clients.
TEST_F(LostPartition, HedgesNothingBeforeItKnowsAllPartitionsAgain) {
    for (const auto id : {the_payee, the_other}) {
        outside.deposit(uniswap, id, usdc, 100'000 * one_usdc);
    }
    const auto client = only.house.client({the_payee, the_other});
    (void)client->expect<actors::TradeCleared>(trade_of(the_payee, eth_swap, 10 * one_eth));
    ASSERT_TRUE(comes<netting::HedgeClosed>());
    ASSERT_TRUE(comes<account::ClaimsCovered>());
    const auto runs = "A partition is running. partition=" + std::to_string(home_of_alpha.v);
    const auto times_run = outside.watch.lines_with(runs);
    const auto from = outside.watch.mark();
    // It is lost at its next record.
    ASSERT_NO_FATAL_FAILURE(take_away(outside, home_of_alpha));
    ASSERT_TRUE(outside.watch.await_line(runs, times_run + 1));

    (void)client->expect<actors::TradeCleared>(trade_of(the_other, eth_swap, 5 * one_eth));
    const auto opened = outside.watch.await_event<netting::HedgeOpened>(from);
    ASSERT_TRUE(opened.has_value()) << "it never heard of all";
    EXPECT_EQ(opened->quantity, Amount{5 * one_eth});
    for (const auto& result : outside.watch.all<netting::ResultBooked>()) {
        EXPECT_LT(std::abs(result.conv.v), 1'000 * one_usdc) << "what one partition alone owes";
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
