#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

constexpr base::PartitionId first{0};
constexpr base::PartitionId second{1};

// Goal: flow that cancels is never sent anywhere, wherever in the cluster its two sides live.
TEST(Netting, BuysAndSellsThatCancelAreNotHedged) {
    Outside outside;
    House house(outside, {.band_usd = 100'000});
    const auto buyer = account_in(first);
    const auto seller = account_in(second);
    const auto client = house.client({buyer, seller});
    outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
    outside.deposit(uniswap, seller, eth, 20 * one_eth);

    for (int i = 0; i < 5; ++i) {
        (void)client->expect<actors::TradeCleared>(trade_of(seller, eth_swap, -2 * one_eth));
        (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, 2 * one_eth));
    }
    const auto is_settled = [](const ledger::Entry& entry, const account::ClaimsCovered& covered) {
        return entry.entity.kind == base::EntityKind::account && covered.asset == eth &&
               covered.parts.back().trade == 5 && covered.parts.back().is_last;
    };
    EXPECT_TRUE(outside.watch.await_event<account::ClaimsCovered>(is_settled).has_value());

    EXPECT_TRUE(outside.watch.all<netting::HedgeOpened>().empty());
    EXPECT_EQ(house.figures(alpha).hedged_cents, 0);
    EXPECT_EQ(outside.account(buyer).holdings.at(eth).free, Amount{10 * one_eth});
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a task whose need has gone is called off, not finished and hedged back. Its shard makes no
// blocks meanwhile, so that what was sent cannot end before.
TEST(Netting, CallsATaskOffWhoseNeedHasGone) {
    Outside outside;
    House house(outside, {.hedge_spread = base::seconds(10)});
    const auto buyer = account_in(first);
    const auto seller = account_in(second);
    const auto client = house.client({buyer, seller});
    outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
    outside.deposit(uniswap, seller, eth, 20 * one_eth);
    auto faults = outside.world->faults(uniswap);
    faults.is_paused = true;
    outside.world->set_faults(uniswap, faults);

    (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, 20 * one_eth));
    const auto opened = outside.watch.await_event<netting::HedgeOpened>();
    ASSERT_TRUE(opened.has_value());
    (void)client->expect<actors::TradeCleared>(trade_of(seller, eth_swap, -20 * one_eth));
    const auto off = outside.watch.await_event<netting::HedgeCalledOff>();
    ASSERT_TRUE(off.has_value());
    EXPECT_EQ(off->number, opened->number);
    EXPECT_TRUE(outside.watch.await_event<ledger::hedge::HedgeCancelled>().has_value());

    faults.is_paused = false;
    outside.world->set_faults(uniswap, faults);
    EXPECT_TRUE(outside.watch.await_event<netting::HedgeClosed>().has_value());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: whoever kept the hash can check the schedule, and a restart does not make it forgotten,
// though the records that told of it are gone.
TEST(Netting, PublishesWhatATaskHasCommittedToAndRevealsItAfterwards) {
    const actors::Channel channel{
        .kind = actors::Channel::Kind::transparency, .account = {}, .asset = {}, .broker = alpha};
    const auto is_about = [](bool is_revealed, bool is_snapshot) {
        return [=](const actors::Publication& publication) {
            const auto* news = std::get_if<std::vector<actors::HedgeNews>>(&publication.body);
            return news != nullptr && publication.is_snapshot == is_snapshot && !news->empty() &&
                   news->front().revealed.has_value() == is_revealed;
        };
    };
    Outside outside;
    std::string hash;
    {
        House house(outside, {.snapshot_every = base::milliseconds(20), .is_log_trimmed = true});
        const auto buyer = account_in(first);
        const auto client = house.client({buyer});
        client->follow(channel);
        outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
        (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, 20 * one_eth));
        const auto committed = outside.watch.await_publication(is_about(false, false));
        ASSERT_NE(committed, nullptr);
        hash = std::get<std::vector<actors::HedgeNews>>(committed->body).front().hash;
        const auto revealed = outside.watch.await_publication(is_about(true, false));
        ASSERT_NE(revealed, nullptr);
        const auto& news = std::get<std::vector<actors::HedgeNews>>(revealed->body).front();
        EXPECT_EQ(news.hash, hash);
        ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>().has_value());
        ASSERT_TRUE(outside.await_round(base::home_of(alpha, partitions)));
    }
    House house(outside);
    const auto client = house.client({});
    client->follow(channel);
    const auto snapshot = outside.watch.await_publication(is_about(true, true));
    ASSERT_NE(snapshot, nullptr);
    EXPECT_EQ(std::get<std::vector<actors::HedgeNews>>(snapshot->body).front().hash, hash);
}

}  // namespace
}  // namespace crossclear::tests
