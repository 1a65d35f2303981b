#include "tests/support/actors/one_of.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;

// Nobody's home: there nothing but the client is at work.
constexpr base::PartitionId quiet{2};
constexpr base::PartitionId quiet_too{3};

// How often a command became an event.
std::size_t times_novated(const Outside& outside, base::CommandId id) {
    std::size_t times = 0;
    for (const auto& trade : outside.watch.all<account::TradeNovated>()) {
        times += trade.cause == id ? 1U : 0U;
    }
    return times;
}

// A rich client of alpha in a quiet partition.
base::AccountId rich_client(Outside& outside) {
    const auto client = account_in(quiet);
    outside.deposit(uniswap, client, usdc, 100'000 * one_usdc);
    return client;
}

// Goal: an owner that was overtaken can no longer write, so it may no longer answer either.
TEST(Durability, AFencedNodeLosesThePartitionAndAnswersNotOwner) {
    Outside outside;
    House house(outside);
    const auto buyer = rich_client(outside);
    const auto client = house.client({buyer, account_in(quiet_too)});

    ASSERT_NO_FATAL_FAILURE(take_away(outside, quiet));
    const auto records = outside.store.records_of(quiet).size();

    const auto trade = trade_of(buyer, eth_swap, one_eth);
    const auto code = client->refusal_code(trade);
    // What was under way is in doubt; a partition that is known to be lost has another owner.
    EXPECT_TRUE(code == 11032 || code == 11050) << code;
    ASSERT_TRUE(outside.watch.await_line("A partition belongs to another owner now."));
    EXPECT_EQ(client->refusal_code(trade), 11050);
    EXPECT_EQ(outside.store.records_of(quiet).size(), records);
    EXPECT_EQ(times_novated(outside, trade.id), 0U);
    EXPECT_EQ(client->refusal_code(actors::GetAccount{account_in(quiet_too)}), 0);
}

bool is_unavailable(const actors::Answer& answer) {
    const auto* refusal = std::get_if<actors::Refusal>(&answer);
    return refusal != nullptr && refusal->code == 11070;
}

TEST(Durability, AnAppendWithoutOutcomeIsSentAgainAndAnsweredOnce) {
    Outside outside;
    House house(outside);
    const auto buyer = rich_client(outside);
    const auto client = house.client({buyer});
    for (const auto fault :
         {store::AppendFault::lost_after_write, store::AppendFault::lost_before_write}) {
        outside.store.fail_next_append(fault);
        const auto trade = trade_of(buyer, eth_swap, one_eth);
        // The append that fails may be another one of its partition: then the door says so.
        auto answer = client->ask(trade);
        while (is_unavailable(answer)) answer = client->ask(trade);
        const auto* cleared = std::get_if<actors::TradeCleared>(&answer);
        ASSERT_NE(cleared, nullptr);
        EXPECT_FALSE(cleared->is_repeat);
        EXPECT_EQ(times_novated(outside, trade.id), 1U);
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
}

TEST(Durability, AJournalThatDeclinesRefusesAtTheDoorAndLosesNothing) {
    Outside outside;
    House house(outside);
    const auto buyer = account_in(quiet);
    outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
    const auto client = house.client({buyer});

    outside.store.set_trouble("the disk is full");
    const auto held = trade_of(buyer, eth_swap, one_eth);
    auto answer = client->send(held);
    ASSERT_TRUE(outside.watch.await_line("The journal declines to append. partition=2"));
    EXPECT_FALSE(house.node().readiness().is_ready);
    const auto refused = trade_of(buyer, eth_swap, one_eth);
    EXPECT_EQ(client->refusal_code(refused), 11070);

    outside.store.set_trouble("");
    ASSERT_EQ(answer.wait_for(Watch::patience), std::future_status::ready);
    EXPECT_TRUE(std::holds_alternative<actors::TradeCleared>(answer.get()));
    EXPECT_FALSE(client->expect<actors::TradeCleared>(refused).is_repeat);
    EXPECT_EQ(times_novated(outside, held.id), 1U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

TEST(Durability, AnIdleAccountSleepsInASnapshotAndComesBackEqual) {
    Outside outside;
    House house(outside, {.idle_after = base::milliseconds(100),
                          .snapshot_every = base::milliseconds(50),
                          .machines_kept = 0});
    const auto buyer = rich_client(outside);
    const auto client = house.client({buyer});
    const auto trade = trade_of(buyer, eth_swap, one_eth);
    const auto first_answer = client->expect<actors::TradeCleared>(trade);
    const auto covered = [](const auto&, const account::ClaimsCovered& event) {
        return event.asset == eth;
    };
    ASSERT_TRUE(outside.watch.await_event<account::ClaimsCovered>(covered).has_value());
    const auto name = base::to_string(base::entity_of(buyer));
    ASSERT_TRUE(outside.watch.await_line("An account sleeps. account=" + base::to_string(buyer)));
    ASSERT_TRUE(outside.await_stored(quiet));
    EXPECT_GE(outside.watch.lines_with("Snapshot stored. " + name), 1U);

    const auto again = client->expect<actors::TradeCleared>(trade);
    EXPECT_GE(outside.watch.lines_with("Snapshot read. " + name), 1U);
    EXPECT_TRUE(again.is_repeat);
    EXPECT_EQ(again.number, first_answer.number);
    EXPECT_EQ(again.price, first_answer.price);
    const auto view = client->expect<actors::AccountView>(actors::GetAccount{buyer});
    EXPECT_EQ(view.sequence, outside.account(buyer).version);
}

// Goal: nothing but the journal and the shards is needed to go on.
TEST(Durability, ANewNodeGoesOnWhereTheOldOneStopped) {
    Outside outside;
    base::AccountId buyer = account_in(quiet);
    const auto trade = trade_of(buyer, sbtc_swap, one_sbtc);
    actors::TradeCleared before;
    {
        // Slices are spread so widely that the node ends before the hedge does.
        House house(outside, {.hedge_spread = base::seconds(2)});
        outside.deposit(synthetix, buyer, usdc, 100'000 * one_usdc);
        const auto client = house.client({buyer});
        before = client->expect<actors::TradeCleared>(trade);
        ASSERT_TRUE(outside.watch.await_event<ledger::hedge::HedgeCommitted>().has_value());
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
    const auto state = outside.account(buyer);
    {
        House house(outside);
        const auto client = house.client({buyer});
        const auto after = client->expect<actors::TradeCleared>(trade);
        EXPECT_TRUE(after.is_repeat);
        EXPECT_EQ(after.number, before.number);
        EXPECT_EQ(after.price, before.price);
        EXPECT_EQ(after.sequence, before.sequence);
        EXPECT_GE(client->expect<actors::AccountView>(actors::GetAccount{buyer}).sequence,
                  state.version);
        const auto settled = [](const auto&, const account::ClaimsCovered& event) {
            return event.asset == sbtc && event.parts.back().is_last;
        };
        EXPECT_TRUE(outside.watch.await_event<account::ClaimsCovered>(settled).has_value());
    }
    EXPECT_EQ(outside.watch.all<ledger::hedge::HedgeCommitted>().size(), 1U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
