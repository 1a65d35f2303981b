#pragma once

#include "tests/support/actors/house.hpp"
#include "tests/support/actors/scripted_desk.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

/// A town in which alpha's orders on uniswap are signed.

namespace crossclear::tests {

/// An operator lets a signing lane go on.
[[nodiscard]] inline actors::OperatorRequest resume_of(base::BrokerId broker, base::ShardId shard,
                                                       std::string reason) {
    return actors::ResumeLane{.id = cancel_of(town::account_in(base::PartitionId{1}), 1).id,
                              .broker = broker,
                              .shard = shard,
                              .reason = std::move(reason),
                              .received_at = {}};
}

/// One node after the other, one client, and the chain between them. A withdrawal is an order.
class SignedTown : public ::testing::Test {
protected:
    // A node in the place of the one before it.
    void start() {
        stop();
        house_.emplace(outside, chain.in_place());
        session_ = house_->client({client});
    }
    void stop() {
        session_.reset();
        house_.reset();
    }
    Client& session() { return *session_; }
    [[nodiscard]] metrics::ShardInstruments& figures() {
        return house_->node().context().instruments->shards;
    }
    void fund() { outside.deposit(town::uniswap, client, town::usdc, 100'000 * town::one_usdc); }
    void withdraw() {
        (void)session().expect<actors::WithdrawalTaken>(
            withdrawal_of(client, town::usdc, 400 * town::one_usdc, town::uniswap));
    }
    [[nodiscard]] bool await_sent(std::size_t transactions) {
        return outside.watch.await([&] { return chain.transactions_sent() >= transactions; });
    }
    // The next node sends something, be it what was sent before.
    [[nodiscard]] bool await_sent_again() {
        stop();
        const auto before = chain.sent().size();
        start();
        return outside.watch.await([&] { return chain.sent().size() > before; });
    }
    template <class Event>
    [[nodiscard]] bool await(std::size_t from = 0) {
        return outside.watch.await_event<Event>(from).has_value();
    }
    // So many withdrawals are paid, and no more.
    [[nodiscard]] bool await_paid(std::size_t withdrawals) {
        using Paid = ledger::account::WithdrawalPaid;
        const auto paid = [&] { return outside.watch.all<Paid>().size(); };
        return outside.watch.await([&] { return paid() >= withdrawals; }) && paid() == withdrawals;
    }
    // The next block holds what was sent, and is final.
    void conclude() {
        chain.add_block();
        chain.finalise();
    }
    // The books agree with the shard, and with each other.
    void expect_all_is_booked() {
        chain.show_balances();
        const auto lanes = session().expect<actors::LanesView>(
            actors::OperatorRequest{actors::Reconcile{town::uniswap}});
        EXPECT_FALSE(lanes.lanes.empty());
        for (const auto& lane : lanes.lanes) EXPECT_TRUE(lane.breaks.empty());
        EXPECT_TRUE(outside.watch.all<ledger::reconcile::BreakOpened>().empty());
        EXPECT_EQ(outside.audit(), std::nullopt);
    }

    const base::AccountId client{town::account_in(base::PartitionId{1})};
    Outside outside;
    ScriptedChain chain{outside, town::uniswap, town::alpha};

private:
    std::optional<House> house_;
    std::unique_ptr<Client> session_;
};

}  // namespace crossclear::tests
