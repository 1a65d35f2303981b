#include "ledger/netting/machine.hpp"
#include "tests/ledger/netting/builders.hpp"

#include <gtest/gtest.h>

// Goal: what has left within an hour and a day is known whatever is restarted, for it is part of
// the house's state; and what may leave is never promised twice.

namespace crossclear::ledger::netting {
namespace {

using base::Amount;
using builders::usdc;

constexpr base::AssetId other_asset{1};
constexpr base::ShardId this_shard{0};
constexpr base::ShardId that_shard{1};
constexpr base::Timestamp midday{43'200'000'000};
constexpr base::Duration an_hour = base::seconds(3'600);
constexpr base::Duration a_day = base::seconds(86'400);

// Of 1,000 held: a quarter may leave in an hour, 600 in a day, and 200 lie on each shard.
ReviewDeparture a_review(std::uint32_t number, std::int64_t amount, base::Timestamp at = midday) {
    return {.withdrawal = {.account = base::AccountId{17}, .number = number},
            .departure = {.asset = usdc, .amount = Amount{amount}, .shard = this_shard},
            .holdings = Amount{1'000},
            .suspended = {},
            .on_shard = Amount{200},
            .in_flight = {},
            .hedged = {},
            .is_current = true,
            .hour_max = base::Ppm{250'000},
            .day_max = base::Ppm{600'000},
            .at = at};
}

ReviewDeparture elsewhere(ReviewDeparture review) {
    review.departure.shard = that_shard;
    return review;
}

std::optional<Reject> refusal_of(const State& state, const ReviewDeparture& review) {
    const auto decision = decide(state, review);
    if (decision) return std::nullopt;
    return decision.error();
}

void approve(State& state, const ReviewDeparture& review) {
    ASSERT_EQ(refusal_of(state, review), std::nullopt);
    builders::run(state, review);
}

void close(State& state, std::uint32_t number) {
    const auto over = a_review(number, 1).withdrawal;
    builders::run(state, CloseDeparture{.withdrawal = over, .at = midday});
}

// Goal: what may leave is not moved elsewhere meanwhile, nor hedged with.
TEST(Departure, WhatMayLeaveIsNobodyElses) {
    State state = builders::a_house();
    approve(state, a_review(1, 150));
    const LevelShards level{.lines = {{that_shard, usdc, Amount{5}, Amount{10}, Amount{100}},
                                      {this_shard, usdc, Amount{220}, Amount{10}, Amount{50}}},
                            .now = {}};
    const auto moved = [&] {
        const auto events = decide(state, level);
        return events->empty() ? Amount{} : std::get<MoveOpened>(events->front()).amount;
    };
    EXPECT_EQ(moved(), Amount{20});
    close(state, 1);
    EXPECT_EQ(moved(), Amount{95});
}

TEST(Departure, TheHoursShareLeavesAndNoMore) {
    State state = builders::a_house();
    approve(state, elsewhere(a_review(1, 150)));
    EXPECT_EQ(refusal_of(state, a_review(2, 100)), std::nullopt);
    EXPECT_EQ(refusal_of(state, a_review(2, 101)), Reject::gate_is_closed);
    auto other = a_review(2, 101);
    other.departure.asset = other_asset;
    EXPECT_EQ(refusal_of(state, other), std::nullopt) << "each asset by itself";
}

TEST(Departure, WhatHasLeftCountsForAnHourAndAStepAtMost) {
    State state = builders::a_house();
    approve(state, a_review(1, 150));
    close(state, 1);
    EXPECT_EQ(refusal_of(state, a_review(2, 101, midday + an_hour)), Reject::gate_is_closed);
    EXPECT_EQ(refusal_of(state, a_review(2, 101, midday + an_hour + gate_step)), std::nullopt);
}

TEST(Departure, TheDaysShareLeavesAndNoMore) {
    State state = builders::a_house();
    for (std::uint32_t number = 1; number <= 3; ++number) {
        approve(state, a_review(number, 200, midday + base::seconds(7'200 * number)));
        close(state, number);
    }
    const auto later = midday + base::seconds(7'200 * 6);
    EXPECT_EQ(refusal_of(state, a_review(4, 1, later)), Reject::gate_is_closed);
    const auto next_day = midday + base::seconds(7'200) + a_day + gate_step;
    EXPECT_EQ(refusal_of(state, a_review(4, 200, next_day)), std::nullopt);
    EXPECT_EQ(refusal_of(state, a_review(4, 201, next_day)), Reject::gate_is_closed)
        << "400 of the day before still count";
}

TEST(Departure, WhatLeftLongerAgoIsNotRemembered) {
    State state = builders::a_house();
    approve(state, a_review(1, 150));
    close(state, 1);
    approve(state, a_review(2, 1, midday + a_day + gate_step));
    EXPECT_EQ(state.outflows.size(), 1U);
}

// Goal: what still counts is not forgotten, to the last step.
TEST(Departure, WhatStillCountsIsRemembered) {
    State state = builders::a_house();
    for (std::uint32_t number = 1; number <= 3; ++number) {
        approve(state, a_review(number, 199, midday + base::seconds(7'200 * number)));
        close(state, number);
    }
    const auto next_day = midday + base::seconds(7'200) + a_day;
    EXPECT_EQ(refusal_of(state, a_review(4, 4, next_day)), Reject::gate_is_closed);
    approve(state, a_review(4, 3, next_day));
    EXPECT_EQ(refusal_of(state, a_review(5, 1, next_day)), Reject::gate_is_closed);
}

TEST(Departure, NothingLeavesWhileTokensAreMissing) {
    const State state = builders::a_house();
    auto review = a_review(1, 1);
    review.suspended = Amount{1};
    EXPECT_EQ(refusal_of(state, review), Reject::gate_is_closed);
    review.suspended = Amount{-1};
    EXPECT_EQ(refusal_of(state, review), std::nullopt) << "a surplus is no reason";
}

TEST(Departure, NothingIsCoveredTwice) {
    State state = builders::a_house();
    approve(state, a_review(1, 120));
    EXPECT_EQ(leaving(state, this_shard, usdc), Amount{120});
    EXPECT_EQ(refusal_of(state, a_review(2, 80)), std::nullopt);
    EXPECT_EQ(refusal_of(state, a_review(2, 81)), Reject::departure_not_covered);
    EXPECT_EQ(refusal_of(state, elsewhere(a_review(2, 130))), std::nullopt) << "another shard";
    close(state, 1);
    EXPECT_EQ(leaving(state, this_shard, usdc), Amount{0});
    EXPECT_EQ(refusal_of(state, a_review(2, 130)), std::nullopt);
}

// Goal: nor does it leave with what a task may still take there.
TEST(Departure, WhatATaskMayTakeDoesNotLeave) {
    State state = builders::a_house();
    builders::run(
        state, builders::a_balance({builders::a_line(usdc, 100'000)}, {builders::an_exposure(50)}));
    ASSERT_EQ(state.hedges.size(), 1U);
    EXPECT_EQ(state.hedges.begin()->second.reserved, Amount{105});
    EXPECT_EQ(refusal_of(state, a_review(1, 95)), std::nullopt);
    EXPECT_EQ(refusal_of(state, a_review(1, 96)), Reject::departure_not_covered);
    EXPECT_EQ(refusal_of(state, elsewhere(a_review(1, 200))), std::nullopt) << "another shard";
    auto other = a_review(1, 200);
    other.departure.asset = other_asset;
    EXPECT_EQ(refusal_of(state, other), std::nullopt) << "another asset";
    // 21 of the 50 that it buys are paid, for whatever price: for the others it may need 61.
    auto later = a_review(1, 139);
    later.hedged = {{state.hedges.begin()->first, Amount{21}}};
    EXPECT_EQ(refusal_of(state, later), std::nullopt);
    later.departure.amount = Amount{140};
    EXPECT_EQ(refusal_of(state, later), Reject::departure_not_covered);
    builders::run(state, CloseHedge{.number = state.hedges.begin()->first, .filled = {}, .at = {}});
    EXPECT_EQ(refusal_of(state, a_review(1, 200)), std::nullopt);
}

// Goal: nor with what a move may still take, and what it has sent is not kept for it once more.
TEST(Departure, WhatAMoveHasNotSentDoesNotLeave) {
    State state = builders::a_house();
    builders::run(state,
                  LevelShards{.lines = {{that_shard, usdc, Amount{5}, Amount{10}, Amount{85}},
                                        {this_shard, usdc, Amount{200}, Amount{10}, Amount{50}}},
                              .now = {}});
    ASSERT_EQ(state.moves.size(), 1U);
    EXPECT_EQ(state.moves.begin()->second.amount, Amount{80});
    EXPECT_EQ(refusal_of(state, a_review(1, 120)), std::nullopt);
    EXPECT_EQ(refusal_of(state, a_review(1, 121)), Reject::departure_not_covered);
    auto review = a_review(1, 120);
    review.on_shard = Amount{170};
    review.in_flight = Amount{30};
    EXPECT_EQ(refusal_of(state, review), std::nullopt);
    review.departure.amount = Amount{121};
    EXPECT_EQ(refusal_of(state, review), Reject::departure_not_covered);
    // What is on its way beside it is no room for more.
    review.in_flight = Amount{100};
    review.departure.amount = Amount{170};
    EXPECT_EQ(refusal_of(state, review), std::nullopt);
    review.departure.amount = Amount{171};
    EXPECT_EQ(refusal_of(state, review), Reject::departure_not_covered);
}

TEST(Departure, FiguresThatAreBehindCoverNothing) {
    auto review = a_review(1, 1);
    review.is_current = false;
    EXPECT_EQ(refusal_of(builders::a_house(), review), Reject::departure_not_covered);
}

TEST(Departure, ARepeatCountsOnceAndIsLookedAtAgain) {
    State state = builders::a_house();
    approve(state, a_review(1, 150));
    EXPECT_EQ(refusal_of(state, a_review(1, 150)), std::nullopt) << "its answer may be lost";
    EXPECT_TRUE(builders::run(state, a_review(1, 150)).empty());
    EXPECT_EQ(refusal_of(state, elsewhere(a_review(2, 100))), std::nullopt);
    auto again = a_review(1, 150);
    again.suspended = Amount{1};
    EXPECT_EQ(refusal_of(state, again), Reject::gate_is_closed);
}

TEST(Departure, NothingIsNoDeparture) {
    EXPECT_EQ(refusal_of(builders::a_house(), a_review(1, 0)), Reject::amount_must_be_positive);
}

// The news that a withdrawal is over may be lost with a node.
TEST(Departure, AfterARestartOnlyOpenWithdrawalsAreReservedFor) {
    State state = builders::a_house();
    approve(state, a_review(1, 100));
    approve(state, a_review(2, 50));
    builders::run(state, KeepDepartures{.open = {a_review(2, 1).withdrawal}, .at = midday});
    EXPECT_EQ(leaving(state, this_shard, usdc), Amount{50});
    EXPECT_EQ(refusal_of(state, elsewhere(a_review(3, 101))), Reject::gate_is_closed)
        << "what left stays counted";
}

}  // namespace
}  // namespace crossclear::ledger::netting
