#include "tests/support/actors/one_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;

base::AccountId rich_in(Outside& outside, base::PartitionId partition) {
    const auto account = account_in(partition);
    outside.deposit(uniswap, account, usdc, 100'000 * one_usdc);
    return account;
}

TEST(Cluster, ANodeThatIsAloneAmongOthersOwnsEverything) {
    Outside outside;
    OneOf only(outside, "only");
    await_shares(outside, {&only.house});
    const auto buyer = rich_in(outside, base::PartitionId{2});
    const auto client = only.house.client({buyer});
    (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
}

// Goal: any node accepts any client; whatever the way, the owner answers and its news arrive.
TEST(Cluster, AnyNodeTakesAnyTrade) {
    Outside outside;
    OneOf one(outside, "one");
    OneOf two(outside, "two");
    await_shares(outside, {&one.house, &two.house});
    one.house.set_price(eth, 2'000);

    for (const auto* door : {&one, &two}) {
        for (std::uint16_t i = 0; i < partitions; ++i) {
            const auto buyer = account_in(base::PartitionId{i}, door == &one ? 0 : 1);
            outside.deposit(uniswap, buyer, usdc, 100'000 * one_usdc);
            const auto client = const_cast<House&>(door->house).client({buyer});
            client->follow({.kind = actors::Channel::Kind::trades, .account = buyer, .asset = {}});
            const auto cleared =
                client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
            EXPECT_EQ(cleared.number, 1U);
            EXPECT_NE(outside.watch.await_publication([&](const auto& news) {
                return news.channel.account == buyer && !news.is_snapshot;
            }),
                      nullptr);
        }
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: who comes later knows what has been published before, funding too.
TEST(Cluster, ANodeThatComesIsToldTheIndexOfFunding) {
    Outside outside;
    OneOf one(outside, "one");
    await_shares(outside, {&one.house});
    one.house.set_funding(btc_contract, base::Price{-7 * one_dollar});
    OneOf two(outside, "two");
    await_shares(outside, {&one.house, &two.house});
    EXPECT_TRUE(outside.watch.await([&] {
        const auto surface = two.house.node().context().broker(alpha).surface.load();
        return surface != nullptr &&
               surface->funding_index(btc_contract) == base::Price{-7 * one_dollar};
    }));
}

// Goal: a node that comes takes its share without a client noticing more than a pause.
TEST(Cluster, PartitionsAreHandedOverUnderLoadWithoutARefusal) {
    Outside outside;
    OneOf one(outside, "one");
    await_shares(outside, {&one.house});
    std::vector<base::AccountId> buyers;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        buyers.push_back(rich_in(outside, base::PartitionId{i}));
    }
    const auto client = one.house.client({buyers.begin(), buyers.end()});

    std::vector<std::future<actors::Answer>> answers;
    const auto trade_all = [&](int rounds) {
        for (int i = 0; i < rounds; ++i) {
            for (const auto buyer : buyers) {
                answers.push_back(client->send(trade_of(buyer, eth_swap, one_eth / 100)));
            }
        }
    };
    trade_all(20);
    OneOf two(outside, "two");
    for (int i = 0; i < 20; ++i) {
        trade_all(5);
        answers.back().wait();
    }
    await_shares(outside, {&one.house, &two.house});
    trade_all(20);
    for (auto& answer : answers) {
        ASSERT_EQ(answer.wait_for(Watch::patience), std::future_status::ready);
        const auto told = answer.get();
        const auto* refusal = std::get_if<actors::Refusal>(&told);
        EXPECT_EQ(refusal, nullptr) << refusal->reason << ": " << refusal->hint;
    }
    EXPECT_GT(two.house.partitions_running(), 0U);
    for (const auto buyer : buyers) EXPECT_EQ(outside.account(buyer).trades_count, 140U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a node that is gone is replaced once its leases have run out, and what it answered stands.
TEST(Cluster, TheOthersTakeOverFromANodeThatIsGone) {
    Outside outside;
    OneOf one(outside, "one");
    auto two = std::make_unique<OneOf>(outside, "two");
    await_shares(outside, {&one.house, &two->house});
    std::vector<base::AccountId> buyers;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        buyers.push_back(rich_in(outside, base::PartitionId{i}));
    }
    const auto client = one.house.client({buyers.begin(), buyers.end()});
    for (const auto buyer : buyers) {
        (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
        client->follow({.kind = actors::Channel::Kind::trades, .account = buyer, .asset = {}});
    }
    two.reset();
    for (const auto buyer : buyers) {
        const auto cleared =
            client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
        EXPECT_EQ(cleared.number, 2U);
        EXPECT_NE(outside.watch.await_publication([&](const auto& news) {
            const auto* trades = std::get_if<actors::TradesView>(&news.body);
            return news.channel.account == buyer && trades != nullptr && !trades->trades.empty() &&
                   trades->trades.front().number == 2;
        }),
                  nullptr)
            << "whoever follows is told by the new owner";
    }
    EXPECT_EQ(one.house.partitions_running(), std::size_t{partitions});
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a transfer finds its way between nodes, and goes on when the one of them that has the
// receiver is gone.
TEST(Cluster, TransfersGoFromNodeToNodeAndOutliveOne) {
    Outside outside;
    OneOf one(outside, "one");
    auto two = std::make_unique<OneOf>(outside, "two");
    await_shares(outside, {&one.house, &two->house});
    std::vector<base::AccountId> accounts;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        accounts.push_back(rich_in(outside, base::PartitionId{i}));
    }
    const auto client = one.house.client({accounts.begin(), accounts.end()});
    const auto give_around = [&] {
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            const auto to = accounts[(i + 1) % accounts.size()];
            (void)client->expect<actors::TransferTaken>(
                transfer_of(accounts[i], to, usdc, 90'000 * one_usdc));
        }
    };
    const auto have_ended = [&] {
        return std::all_of(accounts.begin(), accounts.end(), [&](const auto giver) {
            const auto state = outside.account(giver);
            return std::all_of(
                state.transfers.begin(), state.transfers.end(), [](const auto& transfer) {
                    return transfer.second.state == account::TransferState::delivered;
                });
        });
    };
    give_around();
    ASSERT_TRUE(outside.watch.await(have_ended));
    give_around();
    two.reset();
    ASSERT_TRUE(outside.watch.await(have_ended));
    for (const auto giver : accounts) {
        const auto state = outside.account(giver);
        EXPECT_EQ(state.transfers_count, 2U);
        EXPECT_EQ(state.holdings.at(usdc).free, Amount{100'000 * one_usdc});
    }
    EXPECT_EQ(outside.balance(alpha, ledger::Chart::transit, usdc), 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: matched trades between accounts on different nodes are cleared on both or on neither, also
// when one of the nodes goes in the middle of them.
TEST(Cluster, GiveUpsGoFromNodeToNodeAndOutliveOne) {
    Outside outside;
    OneOf one(outside, "one");
    auto two = std::make_unique<OneOf>(outside, "two");
    await_shares(outside, {&one.house, &two->house});
    std::vector<base::AccountId> accounts;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        accounts.push_back(rich_in(outside, base::PartitionId{i}));
    }
    const auto venue = one.house.client({accounts.begin(), accounts.end()});
    const auto match_around = [&](std::size_t i) {
        return actors::SubmitMatchedTrade{.account = accounts[i],
                                          .seller = accounts[(i + 1) % accounts.size()],
                                          .id = trade_of(accounts[i], btc_perp, 1).id,
                                          .instrument = btc_perp,
                                          .quantity = Amount{one_contract / 10},
                                          .price = base::Price{30'000 * one_dollar},
                                          .received_at = base::wall_clock_now()};
    };
    std::size_t cleared = 0;
    for (std::size_t i = 0; i < accounts.size(); ++i) {
        (void)venue->expect<actors::MatchedTradeCleared>(match_around(i));
        ++cleared;
    }
    std::vector<actors::SubmitMatchedTrade> asked;
    std::vector<std::future<actors::Answer>> answers;
    for (std::size_t i = 0; i < accounts.size(); ++i) {
        asked.push_back(match_around(i));
        answers.push_back(venue->send(asked.back()));
    }
    two.reset();
    for (std::size_t i = 0; i < accounts.size(); ++i) {
        auto answer = answers[i].get();
        const auto is_open = [&] {
            const auto* refusal = std::get_if<actors::Refusal>(&answer);
            return refusal != nullptr && refusal->retryable;
        };
        while (is_open()) answer = venue->ask(asked[i]);
        const auto* refusal = std::get_if<actors::Refusal>(&answer);
        EXPECT_TRUE(refusal == nullptr || refusal->reason == "match_timed_out") << refusal->reason;
        cleared += refusal == nullptr ? 1 : 0;
    }
    const auto are_over = [&] {
        return std::all_of(accounts.begin(), accounts.end(), [&](const auto id) {
            const auto state = outside.account(id);
            return state.matches.empty() && state.sales.empty();
        });
    };
    ASSERT_TRUE(outside.watch.await(are_over));
    std::uint64_t trades = 0;
    std::int64_t position = 0;
    for (const auto id : accounts) {
        const auto state = outside.account(id);
        trades += state.trades_count;
        const auto held = state.contracts.find(btc_contract);
        position += held == state.contracts.end() ? 0 : held->second.quantity.v;
    }
    EXPECT_EQ(trades, 2 * cleared);
    EXPECT_EQ(position, 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: an operator's pause holds wherever a client trades, also on a node that came later; and so
// does its end.
TEST(Cluster, APauseHoldsOnEveryNode) {
    Outside outside;
    OneOf one(outside, "one");
    await_shares(outside, {&one.house});
    std::vector<base::AccountId> buyers;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        buyers.push_back(rich_in(outside, base::PartitionId{i}));
    }
    const auto client = one.house.client({buyers.begin(), buyers.end()});
    const auto set_pause = [&](bool is_paused) {
        (void)client->expect<actors::ShardPauseSet>(
            actors::OperatorRequest{actors::PauseShard{.id = cancel_of(buyers.front(), 1).id,
                                                       .shard = uniswap,
                                                       .is_paused = is_paused,
                                                       .received_at = {}}});
    };
    set_pause(true);
    OneOf two(outside, "two");
    await_shares(outside, {&one.house, &two.house});
    const auto await_on_both = [&](bool is_paused) {
        return outside.watch.await([&, is_paused] {
            for (auto* house : {&one.house, &two.house}) {
                const auto& board = house->node().context().paused;
                if (board.is_paused(alpha, uniswap) != is_paused) return false;
            }
            return true;
        });
    };
    const auto codes = [&] {
        std::set<std::int32_t> found;
        for (const auto buyer : buyers) {
            found.insert(client->refusal_code(trade_of(buyer, eth_swap, one_eth / 100)));
        }
        return found;
    };
    ASSERT_TRUE(await_on_both(true));
    EXPECT_EQ(codes(), (std::set{11030}));
    set_pause(false);
    ASSERT_TRUE(await_on_both(false));
    EXPECT_EQ(codes(), (std::set{0}));
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a second process of one name finds out; the first one goes on.
TEST(Cluster, TwoNodesOfOneNameAreToldSo) {
    Outside outside;
    OneOf first(outside, "same");
    await_shares(outside, {&first.house});
    OneOf second(outside, "same");
    EXPECT_TRUE(outside.watch.await(
        [&] { return !second.house.node().context().node.load().trouble.empty(); }));
    EXPECT_FALSE(second.house.node().readiness().is_ready);
    EXPECT_EQ(second.house.partitions_running(), 0U);
    const auto buyer = rich_in(outside, base::PartitionId{2});
    const auto client = first.house.client({buyer});
    (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
}

// Goal: who cannot say that it lives still owns what it owns, until another one has taken it.
TEST(Cluster, ANodeThatIsCutOffIsFencedAndComesBack) {
    Outside outside;
    OneOf one(outside, "one");
    OneOf two(outside, "two");
    await_shares(outside, {&one.house, &two.house});
    const auto buyer = rich_in(outside, base::PartitionId{2});
    const auto other = rich_in(outside, base::PartitionId{3});

    two.directory->set_trouble("cut off by the test");
    ASSERT_TRUE(outside.watch.await(
        [&] { return one.house.partitions_running() == std::size_t{partitions}; }));
    const auto client = one.house.client({buyer, other});
    (void)client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
    (void)client->expect<actors::TradeCleared>(trade_of(other, eth_swap, one_eth));
    two.directory->set_trouble("");
    await_shares(outside, {&one.house, &two.house});
    const auto late = two.house.client({buyer, other});
    EXPECT_EQ(late->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth)).number, 2U);
    EXPECT_EQ(late->expect<actors::TradeCleared>(trade_of(other, eth_swap, one_eth)).number, 2U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: who hears that another one owns a partition lets go of it, also with nothing to write that
// would be fenced, and says that it is well.
TEST(Cluster, ANodeThatWasReplacedLetsGoAndIsReady) {
    Outside outside;
    OneOf one(outside, "one");
    OneOf two(outside, "two");
    await_shares(outside, {&one.house, &two.house});
    // What the other one has then it keeps, by number: half of it is not the half that it had.
    one.directory->set_trouble("cut off by the test");
    ASSERT_TRUE(outside.watch.await(
        [&] { return two.house.partitions_running() == std::size_t{partitions}; }));
    one.directory->set_trouble("");
    await_shares(outside, {&one.house, &two.house});
    const auto is_ready = [&] {
        return one.house.node().readiness().is_ready && two.house.node().readiness().is_ready;
    };
    EXPECT_TRUE(outside.watch.await(is_ready));
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
