#include "actors/netting_actor.hpp"
#include "tests/support/actors/lone_home.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace netting = ledger::netting;

/// A house that the test looks around with, and tells what its partition does.
class LoneHouse : public LoneHome {
protected:
    LoneHouse() : LoneHome(base::entity_of(base::EntityKind::netting, alpha)) {
        netting::State state;
        state.id = id;
        state.partitions = partitions;
        spawn<actors::NettingHost>(std::move(state));
    }

    // The home partition's figures as of a record: what is on uniswap. Elsewhere there is plenty.
    void report(std::uint64_t sequence, std::int64_t on_uniswap) {
        auto figures = figures_of(base::home_of(alpha, partitions), sequence);
        figures.shards.push_back(line(synthetix, 10'000));
        figures.shards.push_back(line(uniswap, on_uniswap));
        tell(figures);
    }
    // A partition's figures: trades with clients have brought it so much.
    void report_result(base::PartitionId partition, std::int64_t conv) {
        auto figures = figures_of(partition, 10);
        figures.assets[usdc].conv = Amount{conv};
        if (partition == base::home_of(alpha, partitions)) {
            figures.shards.push_back(line(uniswap, 500));
        }
        tell(figures);
    }
    // The names of what it writes next.
    std::vector<std::string> take_events() {
        std::vector<std::string> names;
        for (const auto& entry : take().entries) names.emplace_back(name_of(entry.event));
        return names;
    }
    void ask(std::uint32_t number, std::int64_t amount) {
        tell(actors::ReviewAsk{.withdrawal = payment(number),
                               .asset = usdc,
                               .amount = Amount{amount},
                               .shard = uniswap});
    }
    [[nodiscard]] static base::EntityId payment(std::uint32_t number) {
        return {.kind = base::EntityKind::withdrawal, .id = payer.v, .sub = number};
    }
    // 400 of the 500 on uniswap have left for good, and the figures do not know.
    void let_most_leave() {
        report(10, 500);
        ask(1, 400);
        write(11);
        ASSERT_TRUE(next<actors::ReviewAnswer>().is_covered);
        tell(actors::ReviewDone{payment(1), 12});
    }
    // Something that the figures have to know before the house decides more.
    void decide_in(std::uint64_t sequence) {
        tell(a_deposit(sequence));
        write(sequence);
    }
    [[nodiscard]] static ledger::DepositNotice a_deposit(std::uint64_t number) {
        return {.id = number,
                .shard = synthetix,
                .account = payer,
                .asset = usdc,
                .amount = Amount{1},
                .finality = ledger::Finality::seen};
    }
    [[nodiscard]] static actors::ShortfallAsk a_shortfall(std::int64_t missing) {
        return {.reconciler = base::entity_of(base::EntityKind::reconcile, alpha, uniswap),
                .shortfall = {.shard = uniswap,
                              .asset = usdc,
                              .missing = Amount{missing},
                              .suspended = Amount{}}};
    }

    static inline const base::AccountId payer = account_in(base::PartitionId{1});

private:
    static actors::PartitionReport figures_of(base::PartitionId partition, std::uint64_t sequence) {
        return {.broker = alpha,
                .partition = partition,
                .sequence = sequence,
                .assets = {},
                .shards = {},
                .hedged = {}};
    }
    static actors::PartitionReport::ShardLine line(base::ShardId shard, std::int64_t nostro) {
        return {.shard = shard,
                .asset = usdc,
                .nostro = Amount{nostro},
                .inflight_out = {},
                .suspense = {},
                .position = {},
                .posted = {}};
    }
};

// Goal: tokens that have left do not leave again because the figures still show them.
TEST_F(LoneHouse, ApprovesNoWithdrawalOnFiguresOlderThanWhatItDecided) {
    ASSERT_NO_FATAL_FAILURE(let_most_leave());
    ask(2, 300);
    const auto early = next<actors::ReviewAnswer>();
    EXPECT_TRUE(early.is_gate_open);
    EXPECT_FALSE(early.is_covered);

    report(12, 100);
    write(13);
    ask(2, 300);
    EXPECT_FALSE(next<actors::ReviewAnswer>().is_covered);
    ask(3, 100);
    write(14);
    EXPECT_TRUE(next<actors::ReviewAnswer>().is_covered);
}

// Goal: nobody is sent away to ask again later; who asks waits for figures, and not longer.
TEST_F(LoneHouse, AWithdrawalWaitsForTheFiguresThatItIsReviewedOn) {
    report(10, 500);
    decide_in(11);
    ask(1, 300);
    report(10, 500);
    report(11, 200);
    EXPECT_FALSE(next<actors::ReviewAnswer>().is_covered) << "by the older figures it was";
    decide_in(12);
    ask(2, 200);
    report(12, 200);
    write(13);
    EXPECT_TRUE(next<actors::ReviewAnswer>().is_covered);
}

// Goal: many that leave hold up neither each other nor the house.
TEST_F(LoneHouse, WhatLeavesIsPromisedOnceAndHoldsNobodyUp) {
    report(10, 500);
    for (std::uint32_t number = 1; number <= 3; ++number) ask(number, 200);
    write(11);
    EXPECT_TRUE(next<actors::ReviewAnswer>().is_covered);
    write(12);
    EXPECT_TRUE(next<actors::ReviewAnswer>().is_covered);
    EXPECT_FALSE(next<actors::ReviewAnswer>().is_covered) << "of what two had left";
    tell(actors::ReviewDone{payment(1), 13});
    ask(4, 200);
    EXPECT_FALSE(next<actors::ReviewAnswer>().is_covered) << "the figures may show what has left";
    report(13, 300);
    write(14);
    ask(5, 100);
    write(15);
    EXPECT_TRUE(next<actors::ReviewAnswer>().is_covered);
}

// Goal: who is called off while it waits reserves nothing.
TEST_F(LoneHouse, AWithdrawalThatEndsWhileItWaitsIsNotReviewed) {
    report(10, 500);
    decide_in(11);
    ask(1, 500);
    tell(actors::ReviewDone{payment(1), 11});
    report(11, 500);
    ask(2, 500);
    write(12);
    EXPECT_TRUE(next<actors::ReviewAnswer>().is_covered);
    EXPECT_EQ(said_to, payment(2));
}

// Goal: missing tokens are not written off twice because the figures still show others.
TEST_F(LoneHouse, JudgesAShortfallOnlyByFiguresThatKnowWhatItDecided) {
    ASSERT_NO_FATAL_FAILURE(let_most_leave());
    tell(a_shortfall(300));
    report(12, 100);
    tell(actors::Wake{});
    EXPECT_FALSE(next<actors::ShortfallAnswer>().remedies.is_bookable);
}

// Goal: nothing is decided on figures that still show what has left, promised or not.
TEST_F(LoneHouse, ActsOnNoFiguresThatDoNotKnowWhatHasLeft) {
    report(10, 500);
    ask(1, 100);
    write(11);
    ASSERT_TRUE(next<actors::ReviewAnswer>().is_covered);
    tell(actors::ReviewDone{payment(1), 12});
    tell(a_shortfall(300));
    report(12, 100);
    write(13);
    tell(actors::Wake{});
    EXPECT_FALSE(next<actors::ShortfallAnswer>().remedies.is_bookable) << "by figure 10 it was";
}

TEST_F(LoneHouse, ActsOnNoFiguresThatWillHaveToKnowMore) {
    report(10, 500);
    tell(a_deposit(11));
    tell(a_shortfall(300));
    write(11);
    report(11, 100);
    tell(actors::Wake{});
    EXPECT_FALSE(next<actors::ShortfallAnswer>().remedies.is_bookable) << "by figure 10 it was";
}

// Goal: what the house could not begin for old figures it begins with the next ones.
TEST_F(LoneHouse, ActsAsSoonAsFiguresKnowEnough) {
    report(10, 500);
    decide_in(11);
    tell(a_shortfall(300));
    tell(actors::Wake{});
    report(10, 500);
    report(11, 100);
    EXPECT_FALSE(next<actors::ShortfallAnswer>().remedies.is_bookable) << "by figure 10 it was";
}

// Goal: after a start it believes no figures that were told before.
TEST_F(LoneHouse, AfterAStartNoOlderFiguresCount) {
    ASSERT_NO_FATAL_FAILURE(let_most_leave());
    tell(actors::Resume{});
    write(13);  // It is founded,
    write(14);  // and lets go of a withdrawal that is no more.
    ask(2, 300);
    report(13, 500);
    report(14, 100);
    EXPECT_FALSE(next<actors::ReviewAnswer>().is_covered) << "by figure 13 it was";
}

// Goal: a result that is on its way into the books is not taken for one that is still missing.
TEST_F(LoneHouse, BooksAResultOnce) {
    for (std::uint16_t other = 0; other < partitions; ++other) {
        report_result(base::PartitionId{other}, 50);
    }
    pass(base::seconds(1));
    tell(actors::Wake{});
    EXPECT_EQ(take_events(), std::vector<std::string>{"netting.ResultBooked"});
    pass(base::seconds(1));
    tell(actors::Wake{});
    ask(1, 100);
    EXPECT_EQ(take_events(), std::vector<std::string>{"netting.DepartureApproved"});
}

}  // namespace
}  // namespace crossclear::tests
