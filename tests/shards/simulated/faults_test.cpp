#include "shards/simulated/chain.hpp"
#include "tests/shards/sample.hpp"

#include <gtest/gtest.h>

#include <map>

namespace crossclear::shards::simulated {
namespace {

using namespace sample;  // NOLINT(google-build-using-namespace): the vocabulary of these tests.
using ledger::Finality;
using ledger::OrderNotice;

constexpr std::uint32_t always = 1'000'000;

TEST(ChainFaults, LosesARequestWithoutTakingIt) {
    SampleChain sample{parameters(swaps)};
    sample.chain.set_faults({.lost_request_ppm = always});
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(sample.chain.submit(swap_order(1, 5), at(0))));
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::unseen);
}

TEST(ChainFaults, LosesAnAnswerAfterTakingTheOrder) {
    SampleChain sample{parameters(swaps)};
    sample.chain.set_faults({.lost_answer_ppm = always});
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(sample.chain.submit(swap_order(1, 5), at(0))));
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(sample.chain.ask(ref(1))));
    sample.chain.set_faults({});
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::seen);
}

TEST(ChainFaults, DropsAnAcceptedOrderWhichMayComeAgain) {
    SampleChain sample{parameters(swaps)};
    sample.chain.set_faults({.drop_ppm = always});
    EXPECT_TRUE(std::holds_alternative<Accepted>(sample.chain.submit(swap_order(1, 5), at(0))));
    sample.run_to(9);
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::unseen);
    sample.chain.set_faults({});
    EXPECT_TRUE(std::holds_alternative<Accepted>(sample.chain.submit(swap_order(1, 5), at(9))));
    sample.run_to(20);
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::final);
}

TEST(ChainFaults, RefusesForEverOnceRefused) {
    SampleChain sample{parameters(swaps)};
    sample.chain.set_faults({.refuse_ppm = always});
    EXPECT_TRUE(std::holds_alternative<Refused>(sample.chain.submit(swap_order(1, 5), at(0))));
    sample.chain.set_faults({});
    EXPECT_TRUE(std::holds_alternative<Refused>(sample.chain.submit(swap_order(1, 5), at(1))));
    sample.run_to(9);
    ASSERT_EQ(sample.records.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<Tombstone>(sample.records[0]));
}

TEST(ChainFaults, DelaysSubmissions) {
    SampleChain sample{parameters(swaps)};
    sample.chain.set_faults({.submission_latency_max = base::seconds(1'000)});
    EXPECT_TRUE(std::holds_alternative<Accepted>(sample.chain.submit(swap_order(1, 5), at(0))));
    sample.run_to(1'010);
    EXPECT_GT(sample.asked(ref(1)).block, 2U);
}

TEST(ChainFaults, RepeatsAndReordersNotices) {
    SampleChain sample{parameters(swaps)};
    sample.chain.set_faults({.duplicate_notice_ppm = always});
    ASSERT_TRUE(std::holds_alternative<Accepted>(sample.chain.submit(swap_order(1, 5), at(0))));
    for (int second = 1; second < 10; ++second) sample.run_to(second);
    EXPECT_EQ(sample.heard<OrderNotice>().size(), 6U);

    sample.told.clear();
    for (std::uint32_t number = 2; number < 30; ++number) {
        sample.chain.set_faults({.reorder_notice_ppm = 500'000});
        (void)sample.chain.submit(swap_order(number, 5), at(8 + number));
        sample.run_to(9 + number);
    }
    std::uint64_t newest = 0;
    bool is_reordered = false;
    for (const auto& notice : sample.heard<OrderNotice>()) {
        if (notice.finality != Finality::included) continue;
        is_reordered = is_reordered || notice.block < newest;
        newest = std::max(newest, notice.block);
    }
    EXPECT_TRUE(is_reordered);
}

TEST(ChainFaults, PausesAndResumes) {
    SampleChain sample{parameters(swaps)};
    sample.run_to(3);
    sample.chain.set_faults({.is_paused = true});
    EXPECT_TRUE(std::holds_alternative<Accepted>(sample.chain.submit(swap_order(1, 5), at(3))));
    sample.run_to(50);
    EXPECT_EQ(sample.chain.head_height(), 3U);
    EXPECT_TRUE(sample.chain.health().is_paused);
    sample.chain.set_faults({});
    sample.run_to(51);
    EXPECT_EQ(sample.chain.head_height(), 51U);
    EXPECT_EQ(sample.asked(ref(1)).block, 51U);
}

TEST(ChainFaults, PausesByItselfForSomeBlocks) {
    SampleChain sample{parameters(swaps)};
    (void)sample.chain.submit(swap_order(1, 5), at(0));
    sample.chain.set_faults({.pause_ppm = always, .pause_blocks = 3});
    sample.run_to(1);
    EXPECT_TRUE(sample.chain.health().is_paused);
    sample.chain.set_faults({});
    sample.run_to(4);
    EXPECT_EQ(sample.asked(ref(1)).block, 4U);
}

// Goal: what happened while nobody could hear it is told when they can.
TEST(ChainFaults, TellsMissedInflowsWhenReachableAgain) {
    SampleChain sample{parameters(swaps)};
    sample.chain.set_faults({.is_unreachable = true});
    ASSERT_TRUE(sample.chain.deposit(base::account_id(alpha, 4), usdc, base::Amount{5}, at(0)));
    sample.run_to(100);
    EXPECT_TRUE(sample.told.empty());
    EXPECT_FALSE(sample.chain.health().is_reachable);
    EXPECT_TRUE(std::holds_alternative<NoAnswer>(sample.chain.balances(alpha)));
    sample.chain.set_faults({});
    sample.collect();
    ASSERT_EQ(sample.heard<ledger::DepositNotice>().size(), 1U);
    EXPECT_EQ(sample.heard<ledger::DepositNotice>()[0].finality, Finality::final);
}

TEST(ChainFaults, ReorganisesBelowFinalityAndReappears) {
    SampleChain sample{parameters(swaps)};
    ASSERT_TRUE(sample.chain.deposit(base::account_id(alpha, 4), usdc, base::Amount{5}, at(0)));
    (void)sample.chain.submit(swap_order(1, one_eth), at(0));
    sample.run_to(1);
    sample.chain.set_faults({.reorg_ppm = always});
    sample.run_to(2);
    sample.chain.set_faults({});
    sample.run_to(20);

    const auto deposits = sample.heard<ledger::DepositNotice>();
    ASSERT_EQ(deposits.size(), 5U);
    EXPECT_EQ(deposits[1].finality, Finality::unseen);
    EXPECT_EQ(deposits[2].finality, Finality::included);
    EXPECT_EQ(deposits[2].id, deposits[0].id);
    EXPECT_GT(deposits[2].block, deposits[0].block);
    EXPECT_EQ(deposits[4].finality, Finality::final);
    EXPECT_EQ(sample.heard<OrderNotice>()[1].finality, Finality::unseen);
    EXPECT_EQ(sample.chain.final_book().balance(vault_of(alpha), usdc).v,
              1'000'000 * one_usdc + 5 - sample.asked(ref(1)).given.v);
}

TEST(ChainFaults, LosesWhatVanishesInAReorganisation) {
    SampleChain sample{parameters(swaps)};
    ASSERT_TRUE(sample.chain.deposit(base::account_id(alpha, 4), usdc, base::Amount{5}, at(0)));
    (void)sample.chain.submit(swap_order(1, one_eth), at(0));
    sample.run_to(1);
    sample.chain.set_faults({.reorg_ppm = always, .vanish_ppm = always});
    sample.run_to(2);
    sample.chain.set_faults({});
    sample.run_to(20);
    EXPECT_EQ(sample.heard<ledger::DepositNotice>().back().finality, Finality::unseen);
    EXPECT_EQ(sample.asked(ref(1)).finality, Finality::unseen);
    EXPECT_EQ(sample.chain.final_book().balance(vault_of(alpha), usdc).v, 1'000'000 * one_usdc);

    // Whoever missed the notice hears it from a rescan: it must not wait for ever.
    sample.told.clear();
    sample.chain.rescan(alpha, 0);
    sample.collect();
    ASSERT_EQ(sample.heard<ledger::DepositNotice>().size(), 1U);
    EXPECT_EQ(sample.heard<ledger::DepositNotice>()[0].finality, Finality::unseen);
}

// Goal: under frequent reorganisations no final notice is ever taken back.
TEST(ChainFaults, NeverTakesBackWhatIsFinal) {
    SampleChain sample{parameters(swaps, 99)};
    sample.chain.set_faults({.reorg_ppm = 300'000, .vanish_ppm = 200'000});
    std::map<base::OrderRef, OrderNotice> final_ones;
    std::size_t heard_before = 0;
    int undone = 0;
    for (std::uint32_t second = 0; second < 400; ++second) {
        (void)sample.chain.submit(swap_order(second % 300, second % 2 == 0 ? 5 : -5), at(second));
        sample.run_to(second + 1);
        const auto heard = sample.heard<OrderNotice>();
        for (; heard_before < heard.size(); ++heard_before) {
            const auto& notice = heard[heard_before];
            undone += notice.finality == Finality::unseen ? 1 : 0;
            EXPECT_FALSE(final_ones.contains(notice.ref)) << "seed 99, second " << second;
            if (notice.finality == Finality::final) final_ones.emplace(notice.ref, notice);
        }
    }
    EXPECT_GT(undone, 20);
    EXPECT_GT(final_ones.size(), 200U);
}

}  // namespace
}  // namespace crossclear::shards::simulated
