#include "shards/simulated/outside.hpp"

#include "tests/shards/outside.hpp"

#include <gtest/gtest.h>

#include <atomic>

// What the port promises, of the world in this process and of one behind a socket alike.

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.
using ledger::Finality;
using ledger::OrderKind;
using ledger::ShardRefusal;

enum class Way { inside, unix_socket, tcp };

class Outside : public testing::TestWithParam<Way> {
protected:
    Outside() : world(running_world()) {
        if (GetParam() == Way::inside) return;
        const Endpoint anywhere{.path = {}, .host = "127.0.0.1", .port = 0};
        server = served(*world, GetParam() == Way::tcp ? anywhere : folder.endpoint());
        remote = connected(remote_options(server->endpoint()));
    }

    OutsideWorld& outside() {
        return remote == nullptr ? static_cast<OutsideWorld&>(*world) : *remote;
    }
    void set_faults(base::ShardId shard, const Faults& faults) {
        if (remote == nullptr) return world->set_faults(shard, faults);
        EXPECT_TRUE(remote->set_faults(shard, faults));
    }

    Folder folder;
    std::unique_ptr<SimulatedWorld> world;
    std::unique_ptr<WorldServer> server;
    std::unique_ptr<RemoteWorld> remote;
};

TEST_P(Outside, TakesAnOrderAndTellsOfItUntilItIsFinal) {
    Listener ear{outside(), swaps};
    EXPECT_TRUE(std::holds_alternative<Accepted>(ear.submit(in_time(swap_order(1, one_eth)))));
    const auto notice = ear.wait_until_final(ref(1));
    EXPECT_EQ(notice.refusal, ShardRefusal::none);
    EXPECT_EQ(notice.received.v, one_eth);
    const auto told = ear.only<ledger::OrderNotice>();
    EXPECT_EQ(told.front().finality, Finality::included);
    EXPECT_EQ(std::get<ledger::OrderNotice>(ear.ask(ref(1))), notice);
}

TEST_P(Outside, TakesAReferenceOnce) {
    Listener ear{outside(), swaps};
    const auto order = in_time(move_order(1, OrderKind::pay_out, swaps, usdc, 500));
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(std::holds_alternative<Accepted>(ear.submit(order)));
    }
    ear.wait_until_final(ref(1));
    EXPECT_TRUE(std::holds_alternative<Accepted>(ear.submit(order)));
    EXPECT_EQ(std::get<Balances>(ear.balances()).lines[0].held.v, 1'000'000 * one_usdc - 500);
}

TEST_P(Outside, RefusesTheOrderOfAnotherBroker) {
    Listener ear{outside(), swaps, beta};
    const auto answer = ear.submit(in_time(swap_order(1, one_eth)));
    ASSERT_TRUE(std::holds_alternative<Refused>(answer));
    EXPECT_EQ(std::get<Refused>(answer).why, ShardRefusal::unsupported);
}

TEST_P(Outside, KnowsNothingOfWhatItNeverSaw) {
    const Listener ear{outside(), swaps};
    EXPECT_EQ(std::get<ledger::OrderNotice>(ear.ask(ref(9))), ledger::OrderNotice{.ref = ref(9)});
}

TEST_P(Outside, SaysWhatABrokerHoldsAtAFinalBlock) {
    const Listener ear{outside(), perpetuals, beta};
    const auto balances = std::get<Balances>(ear.balances());
    ASSERT_EQ(balances.lines.size(), 3U);
    EXPECT_EQ(balances.lines[1].asset, eth);
    EXPECT_EQ(balances.lines[1].held.v, 1'000 * one_eth);
    EXPECT_LE(balances.block, ear.health().final_block);
}

TEST_P(Outside, TellsInflowsAgainWhenAsked) {
    {
        Listener first{outside(), swaps};
        ASSERT_TRUE(outside().deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
        first.wait_until_final_deposit(9);
    }
    Listener second{outside(), swaps};
    second.shard->rescan(0);
    EXPECT_EQ(second.wait_until_final_deposit(9).account, base::account_id(alpha, 3));
}

TEST_P(Outside, RefusesADepositOfWhatTheChainDoesNotHave) {
    const auto sent =
        outside().deposit(swaps, base::account_id(alpha, 3), btc_perp_units, base::Amount{9});
    ASSERT_FALSE(sent.has_value());
    ASSERT_TRUE(std::holds_alternative<Refused>(sent.error()));
    EXPECT_EQ(std::get<Refused>(sent.error()).why, ShardRefusal::unsupported);
}

// Goal: the home of a broker moves between nodes, and whoever has it must hear of everything.
TEST_P(Outside, TellsAllWhoListenForABroker) {
    Listener one{outside(), swaps};
    Listener other{outside(), swaps};
    Listener stranger{outside(), swaps, beta};
    // The other's end must not silence the first.
    {
        const Listener passing{outside(), swaps};
    }
    ASSERT_TRUE(std::holds_alternative<Accepted>(other.submit(in_time(swap_order(1, one_eth)))));
    EXPECT_EQ(one.wait_until_final(ref(1)), other.wait_until_final(ref(1)));
    EXPECT_TRUE(stranger.only<ledger::OrderNotice>().empty());
}

TEST_P(Outside, NumbersVariationsInTheOrderInWhichItTellsThem) {
    Listener ear{outside(), perpetuals};
    const auto margin = move_order(1, OrderKind::post_margin, perpetuals, usdc, 100'000 * one_usdc);
    ASSERT_TRUE(std::holds_alternative<Accepted>(ear.submit(in_time(margin))));
    ear.wait_until_final(ref(1));
    ASSERT_TRUE(
        std::holds_alternative<Accepted>(ear.submit(in_time(contract_order(2, 1'000'000)))));
    ear.wait_until_final(ref(2));
    for (std::uint64_t number = 1; number <= 3; ++number) {
        const auto step = static_cast<std::int64_t>(number) * 1'000'000'000;
        outside().set_price(btc_perp_units, base::Price{btc_price.v + step});
        (void)ear.wait_for<ledger::VariationNotice>(
            [&](const auto& notice) { return notice.number == number; });
    }
    std::uint64_t expected = 0;
    for (const auto& told : ear.only<ledger::VariationNotice>()) {
        EXPECT_EQ(told.number, ++expected);
    }
}

TEST_P(Outside, TellsWhatWasMissedWhileItWasUnreachable) {
    Listener ear{outside(), swaps};
    set_faults(swaps, {.is_unreachable = true});
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(ear.submit(in_time(swap_order(1, one_eth)))));
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(ear.ask(ref(1))));
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(ear.balances()));
    EXPECT_FALSE(ear.health().is_reachable);
    ASSERT_TRUE(outside().deposit(swaps, base::account_id(alpha, 3), usdc, base::Amount{9}));
    set_faults(swaps, {});
    EXPECT_TRUE(ear.health().is_reachable);
    ear.wait_until_final_deposit(9);
}

TEST_P(Outside, SaysThatAChainIsPaused) {
    const Listener ear{outside(), swaps};
    EXPECT_FALSE(ear.health().is_paused);
    set_faults(swaps, {.is_paused = true});
    EXPECT_TRUE(ear.health().is_paused);
}

TEST_P(Outside, CallsNobodyBackWhoHasGone) {
    std::atomic<int> calls{};
    for (int i = 0; i < 50; ++i) {
        auto shard = outside().shard(swaps, alpha);
        auto is_gone = std::make_shared<std::atomic<bool>>(false);
        for (int j = 0; j < 20; ++j) {
            shard->health([is_gone, &calls](Health) {
                EXPECT_FALSE(*is_gone);
                ++calls;
            });
        }
        shard.reset();
        *is_gone = true;
    }
    // All of the calls above stand before this one.
    EXPECT_TRUE((Listener{outside(), swaps}.health().is_reachable));
}

INSTANTIATE_TEST_SUITE_P(World, Outside, testing::Values(Way::inside, Way::unix_socket, Way::tcp),
                         [](const auto& instance) {
                             switch (instance.param) {
                                 case Way::inside:
                                     return "Inside";
                                 case Way::unix_socket:
                                     return "UnixSocket";
                                 case Way::tcp:
                                     return "Tcp";
                             }
                             return "";
                         });

}  // namespace
}  // namespace crossclear::shards::simulated
