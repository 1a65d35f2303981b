#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <type_traits>
#include <variant>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;

const auto giver = account_in(base::PartitionId{1});
const auto taker = account_in(base::PartitionId{2});
const auto nobody = account_in(base::PartitionId{3}, 1);

Amount free_of(const Outside& outside, base::AccountId id) {
    const auto state = outside.account(id);
    const auto found = state.holdings.find(usdc);
    return found == state.holdings.end() ? Amount{} : found->second.free;
}

void expect_whole(const Outside& outside) {
    EXPECT_EQ(outside.balance(alpha, ledger::Chart::transit, usdc), 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Both accounts have 1,000 USDC for good, and their deposits are out of TRANSIT.
void fund(Outside& outside) {
    outside.deposit(uniswap, giver, usdc, 1'000 * one_usdc);
    outside.deposit(uniswap, taker, usdc, 1'000 * one_usdc);
}

TEST(Transfer, ArrivesInAnotherPartition) {
    Outside outside;
    House house(outside);
    fund(outside);
    const auto session = house.client({giver, taker});
    const auto gift = transfer_of(giver, taker, usdc, 400 * one_usdc);
    const auto taken = session->expect<actors::TransferTaken>(gift);
    EXPECT_FALSE(taken.is_repeat);
    ASSERT_TRUE(outside.watch.await_event<account::TransferDelivered>().has_value());
    EXPECT_EQ(free_of(outside, giver), Amount{600 * one_usdc});
    EXPECT_EQ(free_of(outside, taker), Amount{1'400 * one_usdc});

    const auto again = session->expect<actors::TransferTaken>(gift);
    EXPECT_TRUE(again.is_repeat);
    EXPECT_EQ(again.number, taken.number);
    auto other_body = gift;
    other_body.amount.v += 1;
    EXPECT_EQ(session->refusal_code(other_body), 11010);
    const auto shown = session->expect<actors::TransfersView>(actors::GetTransfers{giver});
    ASSERT_EQ(shown.transfers.size(), 1U);
    EXPECT_EQ(shown.transfers.front().state, "delivered");

    // What arrived is settled there: it can be given on.
    const auto mark = outside.watch.mark();
    (void)session->expect<actors::TransferTaken>(transfer_of(taker, giver, usdc, 1'400 * one_usdc));
    ASSERT_TRUE(outside.watch.await_event<account::TransferDelivered>(mark).has_value());
    EXPECT_EQ(free_of(outside, giver), Amount{2'000 * one_usdc});
    expect_whole(outside);
}

TEST(Transfer, ArrivesInTheSamePartition) {
    Outside outside;
    House house(outside);
    const auto neighbour = account_in(base::PartitionId{1}, 1);
    fund(outside);
    outside.deposit(uniswap, neighbour, usdc, 1 * one_usdc);
    const auto session = house.client({giver});
    (void)session->expect<actors::TransferTaken>(
        transfer_of(giver, neighbour, usdc, 1'000 * one_usdc));
    ASSERT_TRUE(outside.watch.await_event<account::TransferDelivered>().has_value());
    EXPECT_EQ(free_of(outside, neighbour), Amount{1'001 * one_usdc});
    expect_whole(outside);
}

// Goal: what nobody takes comes back, and its cover with it.
TEST(Transfer, ComesBackFromAnAccountThatNobodyHas) {
    Outside outside;
    House house(outside);
    fund(outside);
    const auto session = house.client({giver});
    (void)session->expect<actors::TransferTaken>(
        transfer_of(giver, nobody, usdc, 1'000 * one_usdc));
    ASSERT_TRUE(outside.watch.await_event<account::TransferReturned>().has_value());
    EXPECT_EQ(free_of(outside, giver), Amount{1'000 * one_usdc});
    const auto shown = session->expect<actors::TransfersView>(actors::GetTransfers{giver});
    EXPECT_EQ(shown.transfers.front().state, "returned");
    EXPECT_EQ(shown.transfers.front().reason, "receiver_unknown");
    expect_whole(outside);
}

TEST(Transfer, IsRefusedBeyondWhatIsFreeAndBeyondTheBroker) {
    Outside outside;
    House house(outside);
    fund(outside);
    const auto session = house.client({giver});
    EXPECT_EQ(session->refusal_code(transfer_of(giver, taker, usdc, 1'001 * one_usdc)), 11021);
    EXPECT_EQ(session->refusal_code(transfer_of(giver, giver, usdc, one_usdc)), 11012);
    const auto foreign = account_in(base::PartitionId{2}, 0, beta);
    EXPECT_EQ(session->refusal_code(transfer_of(giver, foreign, usdc, one_usdc)), 11012);
    EXPECT_EQ(session->refusal_code(transfer_of(taker, giver, usdc, one_usdc)), 13011);
}

// The records of one transfer, in order.
bool is_step(const ledger::Entry& entry, int step) {
    const auto is = [&]<class Event>(std::type_identity<Event>) {
        return event_in<Event>(entry) != nullptr;
    };
    switch (step) {
        case 0:
            return is(std::type_identity<account::TransferSent>{});
        case 1:
            return is(std::type_identity<account::TransferReceived>{}) ||
                   is(std::type_identity<account::TransferDeclined>{});
        default:
            return is(std::type_identity<account::TransferDelivered>{}) ||
                   is(std::type_identity<account::TransferReturned>{});
    }
}

// A transfer whose node is killed while this record cannot be written, and the next node.
void expect_whole_after_kill(base::AccountId receiver, int step) {
    SCOPED_TRACE("killed before record " + std::to_string(step));
    const bool is_taken = receiver == taker;
    const auto gift = transfer_of(giver, receiver, usdc, one_usdc);
    Outside outside;
    std::future<actors::Answer> answer;
    {
        House house(outside);
        fund(outside);
        outside.journal.decline([step](const auto& entry) { return is_step(entry, step); });
        const auto session = house.client({giver});
        answer = session->send(gift);
        ASSERT_TRUE(outside.watch.await_line("Record declined."));
    }
    const auto early = given_by_now(answer);
    EXPECT_FALSE(step == 0 && early && std::holds_alternative<actors::TransferTaken>(*early))
        << "nothing was written";
    outside.journal.decline(nullptr);
    House house(outside);
    const auto session = house.client({giver});
    const auto taken = session->expect<actors::TransferTaken>(gift);
    EXPECT_EQ(taken.number, 1U);
    EXPECT_EQ(taken.is_repeat, step > 0);
    ASSERT_TRUE(outside.watch.await([&] {
        return outside.account(giver).transfers.at(1).state != account::TransferState::pending;
    }));
    EXPECT_EQ(free_of(outside, giver), Amount{(is_taken ? 999 : 1'000) * one_usdc});
    EXPECT_EQ(free_of(outside, taker), Amount{(is_taken ? 1'001 : 1'000) * one_usdc});
    EXPECT_EQ(outside.watch.all<account::TransferReceived>().size(), is_taken ? 1U : 0U);
    EXPECT_EQ(outside.watch.all<account::TransferDeclined>().size(), is_taken ? 0U : 1U);
    expect_whole(outside);
}

// Goal: wherever the node is killed, the next one ends what is under way, once.
TEST(Transfer, EndsOnceWhereverTheNodeIsKilled) {
    for (int step = 0; step < 3; ++step) expect_whole_after_kill(taker, step);
}

TEST(Transfer, ComesBackOnceWhereverTheNodeIsKilled) {
    for (int step = 0; step < 3; ++step) expect_whole_after_kill(nobody, step);
}

// Goal: nobody asks again after the restart but the sender itself.
TEST(Transfer, GoesOnAfterARestartWithoutItsClient) {
    Outside outside;
    {
        House house(outside);
        fund(outside);
        outside.journal.decline([](const auto& entry) { return is_step(entry, 1); });
        const auto session = house.client({giver});
        (void)session->expect<actors::TransferTaken>(transfer_of(giver, taker, usdc, one_usdc));
        ASSERT_TRUE(outside.watch.await_line("Record declined."));
    }
    outside.journal.decline(nullptr);
    House house(outside);
    ASSERT_TRUE(outside.watch.await_event<account::TransferDelivered>().has_value());
    EXPECT_EQ(free_of(outside, taker), Amount{1'001 * one_usdc});
    expect_whole(outside);
}

}  // namespace
}  // namespace crossclear::tests
