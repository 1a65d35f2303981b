#include "base/limits.hpp"
#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;

// The homes of both brokers, both sides of a byte's half, and the last.
constexpr std::uint16_t some_of_many[] = {0, 1, 2, 77, 127, 128, 200, 254, 255};

// Goal: the most partitions there may be are as good as four. One house sums them all up, grants
// cover to each, and a second start reads every one of them again.
TEST(Partitions, TheMostThereMayBeRunAndClear) {
    constexpr auto many = base::limits::partitions_max;
    Outside outside{many};
    std::set<base::AccountId> buyers;
    for (const auto number : some_of_many) {
        buyers.insert(
            account_in(base::PartitionId{number}, 0, number % 3 == 0 ? beta : alpha, many));
    }
    std::map<base::AccountId, actors::SubmitTrade> trades;
    std::map<base::AccountId, std::uint64_t> sequences;
    {
        House house(outside);
        EXPECT_EQ(house.partitions_running(), many);
        const auto client = house.client(buyers);
        for (const auto buyer : buyers) outside.deposit(uniswap, buyer, usdc, 10'000 * one_usdc);
        for (const auto buyer : buyers) {
            const auto trade = trade_of(buyer, eth_swap, one_eth);
            const auto cleared = client->expect<actors::TradeCleared>(trade);
            EXPECT_EQ(cleared.number, 1U);
            EXPECT_FALSE(cleared.is_repeat);
            trades.emplace(buyer, trade);
            sequences.emplace(buyer, cleared.sequence);
        }
        for (const auto buyer : buyers) {
            const auto is_settled = [&](const ledger::Entry& entry, const auto& covered) {
                return entry.entity == base::entity_of(buyer) && covered.asset == eth &&
                       covered.parts.back().is_last;
            };
            ASSERT_TRUE(outside.watch.await_event<account::ClaimsCovered>(is_settled).has_value())
                << base::to_string(buyer);
        }
    }
    for (const auto buyer : buyers) {
        EXPECT_EQ(outside.account(buyer).holdings.at(eth).free, Amount{one_eth});
    }
    EXPECT_EQ(outside.audit(), std::nullopt);

    House again(outside);
    EXPECT_EQ(again.partitions_running(), many);
    const auto client = again.client(buyers);
    for (const auto& [buyer, trade] : trades) {
        const auto first_answer = client->expect<actors::TradeCleared>(trade);
        EXPECT_TRUE(first_answer.is_repeat);
        EXPECT_EQ(first_answer.sequence, sequences.at(buyer));
        (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, -one_eth / 2));
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
