#include "actors/netting_actor.hpp"
#include "tests/support/actors/house.hpp"

#include <caf/all.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace netting = ledger::netting;

/// A house whose journal and whose partition are the test's own, so that the test says when what
/// becomes durable, and when the house hears of it. Its context is another node's.
class LoneHouse : public ::testing::Test {
protected:
    LoneHouse() {
        const actors::HomeParts parts{
            .context = &elsewhere.node().context(),
            .entity = id,
            .journal = caf::actor_cast<actors::JournalActor>(journal),
            .home = caf::actor_cast<actors::PartitionActor>(home),
            .doors = [door = caf::actor_cast<actors::DoorActor>(home)](auto) { return door; }};
        netting::State state;
        state.id = id;
        state.partitions = partitions;
        house = system.spawn<actors::NettingHost>(parts, std::move(state));
    }
    ~LoneHouse() override { caf::anon_send_exit(house, caf::exit_reason::kill); }

    void tell(actors::HomeNews news) { caf::anon_send(house, actors::ToHome{id, std::move(news)}); }
    // The home partition's figures as of a record: what is on uniswap. Elsewhere there is plenty.
    void report(std::uint64_t sequence, std::int64_t on_uniswap) {
        actors::PartitionReport report{.broker = alpha,
                                       .partition = base::home_of(alpha, partitions),
                                       .sequence = sequence,
                                       .assets = {},
                                       .shards = {},
                                       .hedged = {}};
        report.shards.push_back(line(synthetix, 10'000));
        report.shards.push_back(line(uniswap, on_uniswap));
        tell(report);
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
    // What the house writes next becomes durable in this record.
    void write(std::uint64_t sequence) {
        journal->receive(
            [&](const actors::Append& append) {
                caf::anon_send(append.from, actors::Durable{append.number, sequence});
            },
            caf::after(std::chrono::seconds{30}) >> [] { ADD_FAILURE() << "nothing is written"; });
    }
    // What it says to the rest of its home next, of this kind.
    template <class News>
    News next() {
        News found{};
        bool is_found = false;
        while (!is_found) {
            bool is_late = false;
            home->receive(
                [&](const actors::ToHome& message) {
                    const auto* news = std::get_if<News>(&message.news);
                    is_found = news != nullptr;
                    if (!is_found) return;
                    found = *news;
                    said_to = message.entity;
                },
                caf::after(std::chrono::seconds{30}) >> [&] { is_late = true; });
            if (is_late) {
                ADD_FAILURE() << "nothing is said";
                return found;
            }
        }
        return found;
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
    const base::EntityId id = base::entity_of(base::EntityKind::netting, alpha);
    Outside outside;
    House elsewhere{outside};
    caf::actor_system_config config;
    caf::actor_system system{config};
    caf::scoped_actor journal{system};
    caf::scoped_actor home{system};
    actors::HomeActor house;
    base::EntityId said_to;  // By the last of what it said.

private:
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

}  // namespace
}  // namespace crossclear::tests
