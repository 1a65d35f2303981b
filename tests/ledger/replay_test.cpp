#include "ledger/replay.hpp"

#include "tests/support/builders.hpp"

#include <gtest/gtest.h>

namespace crossclear::ledger {
namespace {

using base::Amount;
using tests::world::eth;
using tests::world::usdc;

constexpr base::BrokerId house_broker{0};
const base::EntityId house = base::entity_of(base::EntityKind::netting, house_broker);

Entry opened(std::uint64_t number) {
    netting::HedgeOpened task;
    task.number = number;
    task.base = eth;
    return {house, netting::Event{task}};
}

Entry closed(std::uint64_t number) {
    netting::HedgeClosed end;
    end.number = number;
    return {house, netting::Event{end}};
}

Partition a_partition() {
    Partition partition;
    partition.partitions = 1;
    return partition;
}

TEST(Replay, FoldsMachinesAndBooksFromTheSameEvents) {
    account::State live = tests::an_account();
    auto partition = a_partition();
    const auto entity = base::entity_of(live.id);
    const auto keep = [&](const account::Command& command) {
        for (const auto& event : tests::run(live, command)) replay(partition, {entity, event});
    };
    keep(tests::a_deposit(1, usdc, 1'000, Finality::seen));
    keep(tests::a_deposit(1, usdc, 1'000, Finality::final));
    keep(tests::a_trade(1, eth, 5, 10));
    keep(tests::a_withdrawal(2, usdc, 100));
    EXPECT_EQ(partition.accounts.at(live.id), live);
    EXPECT_EQ(-balance(partition.book, house_broker, Chart::unsettled, eth), 5);
    EXPECT_EQ(-balance(partition.book, house_broker, Chart::held, usdc), 100);
    EXPECT_EQ(fault_of(partition), std::nullopt);
}

TEST(Replay, RemembersTheLatestEpoch) {
    auto partition = a_partition();
    const base::EntityId self{.kind = base::EntityKind::partition, .id = 0, .sub = 0};
    replay(partition, {self, EpochStarted{.epoch = 3, .at = {}}});
    EXPECT_EQ(partition.epoch, 3U);
}

// A finished task is kept until its house has heard of it, or its fills would count as residual.
TEST(Replay, AHedgeIsOverOnceItsHouseHasClosedIt) {
    auto partition = a_partition();
    replay(partition, opened(4));
    hedge::State task;
    task.id = base::entity_of(base::EntityKind::hedge, house_broker, 4);
    EXPECT_FALSE(is_over(partition, task));
    task.phase = hedge::Phase::finished;
    EXPECT_FALSE(is_over(partition, task));
    replay(partition, closed(4));
    EXPECT_TRUE(is_over(partition, task));
}

TEST(Replay, ABreachNamesItsMachine) {
    auto partition = a_partition();
    replay(partition, opened(1));
    replay(partition, opened(2));
    const auto fault = fault_of(partition);
    ASSERT_TRUE(fault.has_value());
    EXPECT_NE(fault->find(base::to_string(house)), std::string::npos) << *fault;
}

}  // namespace
}  // namespace crossclear::ledger
