#include "shards/lane.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace crossclear::shards {
namespace {

using ledger::Finality;
using ledger::OrderNotice;
using ledger::ShardRefusal;

constexpr base::ShardId shard{2};
constexpr base::BrokerId broker{1};

base::Timestamp at(std::int64_t ms) { return base::Timestamp{} + base::milliseconds(ms); }

base::OrderRef ref(std::uint32_t number) {
    return {.origin = base::entity_of(base::EntityKind::hedge, broker, 9), .number = number};
}

ledger::ShardOrder order(std::uint32_t number) {
    return ledger::ShardOrder{
        .ref = ref(number), .shard = shard, .quantity = base::Amount{5}, .deadline = at(60'000)};
}

OrderNotice notice(std::uint32_t number, Finality finality, std::uint64_t block = 0,
                   ShardRefusal refusal = ShardRefusal::none) {
    return OrderNotice{
        .ref = ref(number), .finality = finality, .block = block, .refusal = refusal};
}

Lane a_lane(LaneTerms terms = {}) {
    return Lane{.shard = shard,
                .broker = broker,
                .terms = terms,
                .scope = {.assets = {base::AssetId{0}}, .instruments = {base::InstrumentId{0}}}};
}

template <class Effect>
std::vector<Effect> only(const LaneEffects& effects) {
    std::vector<Effect> found;
    for (const auto& effect : effects) {
        if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
    }
    return found;
}

// What was delivered about orders, as finalities.
std::vector<Finality> delivered(const LaneEffects& effects) {
    std::vector<Finality> found;
    for (const auto& one : only<Deliver>(effects)) {
        found.push_back(std::get<OrderNotice>(one.notice).finality);
    }
    return found;
}

TEST(Lane, NumbersOrdersAndSubmitsThemInOrder) {
    Lane lane = a_lane();
    for (std::uint32_t number = 1; number <= 3; ++number) {
        const auto effects = handle(lane, Enqueue{order(number)}, at(0));
        EXPECT_EQ(effects, (LaneEffects{Submit{.number = number, .order = order(number)}}));
    }
}

TEST(Lane, HoldsOrdersBeyondTheBoundInFifoAndThenDeclines) {
    LaneTerms terms;
    terms.in_flight_max = 1;
    terms.waiting_max = 2;
    Lane lane = a_lane(terms);
    EXPECT_EQ(only<Submit>(handle(lane, Enqueue{order(1)}, at(0))).size(), 1U);
    EXPECT_TRUE(handle(lane, Enqueue{order(2)}, at(0)).empty());
    EXPECT_TRUE(handle(lane, Enqueue{order(3)}, at(0)).empty());
    EXPECT_EQ(handle(lane, Enqueue{order(4)}, at(0)),
              (LaneEffects{Decline{ref(4), LaneRefusal::queue_full}}));
    const auto effects = handle(lane, NoticeArrived{notice(1, Finality::final, 4)}, at(1));
    EXPECT_EQ(only<Submit>(effects), (std::vector<Submit>{{.number = 2, .order = order(2)}}));
    EXPECT_EQ(lane.waiting.size(), 1U);
}

TEST(Lane, HandsOverNoMoreThanItsRateAndAtMostASecondsWorthAtOnce) {
    LaneTerms terms;
    terms.orders_per_second = 2;
    Lane lane = a_lane(terms);
    const auto numbers = [](const LaneEffects& effects) {
        std::vector<std::uint64_t> found;
        for (const auto& one : only<Submit>(effects)) found.push_back(one.number);
        return found;
    };
    using Numbers = std::vector<std::uint64_t>;
    (void)handle(lane, Tick{}, at(3'600'000));  // An hour without an order.
    for (std::uint32_t number = 1; number <= 6; ++number) {
        auto one = order(number);
        one.deadline = at(7'200'000);
        const auto effects = handle(lane, Enqueue{one}, at(3'600'000));
        EXPECT_EQ(numbers(effects), number <= 2 ? Numbers{number} : Numbers{});
    }
    EXPECT_EQ(numbers(handle(lane, Tick{}, at(3'600'499))), Numbers{});
    EXPECT_EQ(numbers(handle(lane, Tick{}, at(3'600'500))), Numbers{3});
    EXPECT_EQ(numbers(handle(lane, Tick{}, at(3'600'750))), Numbers{});
    EXPECT_EQ(numbers(handle(lane, Tick{}, at(3'601'000))), Numbers{4}) << "parts add up";
    EXPECT_EQ(numbers(handle(lane, Tick{}, at(0))), Numbers{}) << "the clock was set back";
    EXPECT_EQ(numbers(handle(lane, Tick{}, at(500))), Numbers{5});
    // What was handed over once goes again as often as it must.
    const auto again = handle(lane, SubmitAnswered{ref(5), NoAnswer{}}, at(501));
    EXPECT_EQ(numbers(again), Numbers{});
    EXPECT_EQ(only<Submit>(handle(lane, Tick{}, at(701))).front().order.ref, ref(5));
    EXPECT_EQ(lane.waiting.size(), 1U);
}

// Goal: what is too late takes no room from what is not.
TEST(Lane, DoesNotCountWhatIsTooLateToItsRate) {
    LaneTerms terms;
    terms.orders_per_second = 1;
    Lane lane = a_lane(terms);
    for (std::uint32_t number = 1; number <= 4; ++number) {
        auto one = order(number);
        if (number > 3) one.deadline = at(3'600'000);
        (void)handle(lane, Enqueue{one}, at(0));
    }
    EXPECT_EQ(lane.waiting.size(), 4U) << "no second has passed";
    const auto effects = handle(lane, Tick{}, at(60'001));
    EXPECT_EQ(only<Submit>(effects).size(), 4U) << "three that are late, and one";
    EXPECT_EQ(lane.room, 0);
}

TEST(Lane, RemembersForAWhileWhichOrdersHaveEnded) {
    LaneTerms terms;
    terms.ended_kept = base::seconds(10);
    Lane lane = a_lane(terms);
    (void)handle(lane, Enqueue{order(1)}, at(0));
    (void)handle(lane, Enqueue{order(2)}, at(0));
    (void)handle(lane, NoticeArrived{notice(1, Finality::final, 4)}, at(1'000));
    (void)handle(lane, SubmitAnswered{ref(2), Refused{ShardRefusal::expired}}, at(2'000));
    EXPECT_EQ(lane.ended, (std::deque<EndedFlight>{{.order = order(1), .at = at(1'000)},
                                                   {.order = order(2), .at = at(2'000)}}));
    (void)handle(lane, Tick{}, at(11'000));
    EXPECT_EQ(lane.ended.size(), 2U);
    (void)handle(lane, Tick{}, at(11'001));
    EXPECT_EQ(lane.ended, (std::deque<EndedFlight>{{.order = order(2), .at = at(2'000)}}));
    (void)handle(lane, Tick{}, at(1'999));
    EXPECT_TRUE(lane.ended.empty()) << "the clock was set back: nobody knows when it was";
}

TEST(Lane, DeclinesWhatIsNotItsOwn) {
    Lane lane = a_lane();
    auto elsewhere = order(1);
    elsewhere.shard = base::ShardId{0};
    auto other_broker = order(1);
    other_broker.ref.origin = base::entity_of(base::EntityKind::hedge, base::BrokerId{0}, 9);
    EXPECT_EQ(handle(lane, Enqueue{elsewhere}, at(0)),
              (LaneEffects{Decline{elsewhere.ref, LaneRefusal::wrong_lane}}));
    EXPECT_EQ(handle(lane, Enqueue{other_broker}, at(0)),
              (LaneEffects{Decline{other_broker.ref, LaneRefusal::wrong_lane}}));
    (void)handle(lane, Enqueue{order(1)}, at(0));
    EXPECT_TRUE(handle(lane, Enqueue{order(1)}, at(0)).empty());
    auto changed = order(1);
    changed.quantity = base::Amount{6};
    EXPECT_EQ(handle(lane, Enqueue{changed}, at(0)),
              (LaneEffects{Decline{ref(1), LaneRefusal::reference_reused_with_other_body}}));
}

// Each row: what arrives about an order that was told as `told`, and what is passed on.
TEST(Lane, PassesOnNewsOnlyAndFinalityNeverBackwards) {
    struct Row {
        const char* what;
        std::vector<OrderNotice> before;
        OrderNotice arrives;
        std::vector<Finality> passed_on;
    };
    using enum Finality;
    const std::vector<Row> rows{
        {"first news", {}, notice(1, included, 5), {included}},
        {"safe after included", {notice(1, included, 5)}, notice(1, safe, 5), {safe}},
        {"repeat", {notice(1, included, 5)}, notice(1, included, 5), {}},
        {"late", {notice(1, safe, 5)}, notice(1, included, 5), {}},
        {"late seen", {notice(1, included, 5)}, notice(1, seen), {}},
        {"reorganised", {notice(1, included, 5)}, notice(1, unseen), {unseen}},
        {"never heard of", {}, notice(1, unseen), {}},
        {"moved, unseen missed", {notice(1, safe, 5)}, notice(1, included, 7), {unseen, included}},
        {"older block, late", {notice(1, included, 7)}, notice(1, included, 5), {}},
        {"final", {notice(1, included, 5)}, notice(1, final, 5), {final}},
        {"final at once", {}, notice(1, final, 5), {final}},
        {"final again", {notice(1, final, 5)}, notice(1, final, 5), {}},
        {"expired", {}, notice(1, final, 9, ShardRefusal::expired), {final}},
        {"about another", {}, notice(2, final, 5), {}},
    };
    for (const Row& row : rows) {
        Lane lane = a_lane();
        (void)handle(lane, Enqueue{order(1)}, at(0));
        for (const auto& one : row.before) (void)handle(lane, NoticeArrived{one}, at(1));
        EXPECT_EQ(delivered(handle(lane, NoticeArrived{row.arrives}, at(2))), row.passed_on)
            << row.what;
    }
}

TEST(Lane, SubmitsTheSameAgainAfterNoAnswerWithBackoff) {
    Lane lane = a_lane();
    (void)handle(lane, Enqueue{order(1)}, at(0));
    EXPECT_TRUE(handle(lane, SubmitAnswered{ref(1), NoAnswer{}}, at(10)).empty());
    EXPECT_TRUE(handle(lane, Tick{}, at(200)).empty());
    EXPECT_EQ(handle(lane, Tick{}, at(210)), (LaneEffects{Submit{.number = 1, .order = order(1)}}));
    (void)handle(lane, SubmitAnswered{ref(1), NoAnswer{}}, at(220));
    EXPECT_TRUE(handle(lane, Tick{}, at(610)).empty());
    EXPECT_EQ(only<Submit>(handle(lane, Tick{}, at(620))).size(), 1U);
    EXPECT_EQ(lane.counters.resubmitted, 2U);
    EXPECT_EQ(backoff_after(lane.terms, 60), lane.terms.backoff_max);
}

TEST(Lane, TakesSilenceForNoAnswer) {
    Lane lane = a_lane();
    (void)handle(lane, Enqueue{order(1)}, at(0));
    (void)handle(lane, Tick{}, at(2'000));
    EXPECT_EQ(lane.counters.unanswered, 1U);
    EXPECT_EQ(only<Submit>(handle(lane, Tick{}, at(2'200))).size(), 1U);
}

// Goal: "not found" concludes nothing. The order is handed over again and stays in flight.
TEST(Lane, AsksWhenQuietAndNeverConcludesFromNotFound) {
    Lane lane = a_lane();
    (void)handle(lane, Enqueue{order(1)}, at(0));
    EXPECT_EQ(delivered(handle(lane, SubmitAnswered{ref(1), Accepted{}}, at(10))),
              std::vector{Finality::seen});
    EXPECT_EQ(handle(lane, Tick{}, at(5'010)), (LaneEffects{Ask{ref(1)}}));
    EXPECT_TRUE(handle(lane, AskAnswered{ref(1), notice(1, Finality::unseen)}, at(5'020)).empty());
    EXPECT_EQ(handle(lane, Tick{}, at(5'030)),
              (LaneEffects{Submit{.number = 1, .order = order(1)}}));
    EXPECT_TRUE(lane.flights.contains(ref(1)));
}

TEST(Lane, LearnsOfAReorganisationByAsking) {
    Lane lane = a_lane();
    (void)handle(lane, Enqueue{order(1)}, at(0));
    (void)handle(lane, NoticeArrived{notice(1, Finality::included, 5)}, at(10));
    (void)handle(lane, Tick{}, at(6'000));
    EXPECT_EQ(delivered(handle(lane, AskAnswered{ref(1), notice(1, Finality::seen)}, at(6'010))),
              std::vector{Finality::unseen});
    (void)handle(lane, Tick{}, at(12'000));
    EXPECT_EQ(
        delivered(handle(lane, AskAnswered{ref(1), notice(1, Finality::final, 8)}, at(12'010))),
        std::vector{Finality::final});
    EXPECT_TRUE(lane.flights.empty());
}

TEST(Lane, EndsAnOrderByATombstone) {
    Lane lane = a_lane();
    (void)handle(lane, Enqueue{order(1)}, at(0));
    const auto effects =
        handle(lane, SubmitAnswered{ref(1), Refused{ShardRefusal::unsupported}}, at(10));
    EXPECT_EQ(effects,
              (LaneEffects{Deliver{notice(1, Finality::final, 0, ShardRefusal::unsupported)}}));
    EXPECT_TRUE(lane.flights.empty());
}

TEST(Lane, BelievesNeitherWhenARefusalContradictsABlock) {
    Lane lane = a_lane();
    (void)handle(lane, Enqueue{order(1)}, at(0));
    (void)handle(lane, NoticeArrived{notice(1, Finality::included, 5)}, at(1));
    EXPECT_EQ(handle(lane, SubmitAnswered{ref(1), Refused{ShardRefusal::expired}}, at(2)),
              (LaneEffects{Ask{ref(1)}}));
    EXPECT_EQ(lane.counters.contradictions, 1U);
}

TEST(Lane, OpensItsBreakerProbesWithOneOrderAndCloses) {
    Lane lane = a_lane();
    for (std::uint32_t number = 1; number <= 5; ++number) {
        (void)handle(lane, Enqueue{order(number)}, at(0));
    }
    LaneEffects effects;
    for (std::uint32_t number = 1; number <= 5; ++number) {
        effects = handle(lane, SubmitAnswered{ref(number), NoAnswer{}}, at(10));
    }
    ASSERT_EQ(only<Report>(effects).size(), 1U);
    EXPECT_EQ(lane.breaker, Breaker::open);
    // Open: nothing is handed over, new or again, but asking goes on.
    EXPECT_TRUE(handle(lane, Enqueue{order(6)}, at(20)).empty());
    effects = handle(lane, Tick{}, at(300));
    EXPECT_TRUE(only<Submit>(effects).empty());
    EXPECT_EQ(only<Ask>(effects).size(), 5U);
    for (std::uint32_t number = 1; number <= 5; ++number) {
        (void)handle(lane, AskAnswered{ref(number), notice(number, Finality::unseen)}, at(310));
    }
    effects = handle(lane, Tick{}, at(10'010));
    EXPECT_EQ(only<Submit>(effects).size(), 1U);
    EXPECT_EQ(lane.breaker, Breaker::half_open);
    effects = handle(lane, SubmitAnswered{*lane.probe, Accepted{}}, at(10'020));
    EXPECT_EQ(lane.breaker, Breaker::closed);
    EXPECT_EQ(only<Submit>(effects).size(), 1U);  // The one that had waited.
}

TEST(Lane, OpensAgainWhenTheProbeIsLost) {
    LaneTerms terms;
    terms.breaker_threshold = 1;
    Lane lane = a_lane(terms);
    (void)handle(lane, Enqueue{order(1)}, at(0));
    (void)handle(lane, SubmitAnswered{ref(1), NoAnswer{}}, at(1));
    (void)handle(lane, NoticeArrived{notice(1, Finality::unseen)}, at(1));
    (void)handle(lane, Tick{}, at(300));
    (void)handle(lane, AskAnswered{ref(1), notice(1, Finality::unseen)}, at(310));
    (void)handle(lane, Tick{}, at(10'001));
    ASSERT_EQ(lane.probe, ref(1));
    (void)handle(lane, SubmitAnswered{ref(1), NoAnswer{}}, at(10'010));
    EXPECT_EQ(lane.breaker, Breaker::open);
    EXPECT_EQ(lane.counters.breaker_opened, 2U);
}

TEST(Lane, PausedOrFrozenSubmitsNothing) {
    Lane lane = a_lane();
    EXPECT_EQ(only<Report>(handle(lane, Hold{.is_paused = true}, at(0))).size(), 1U);
    EXPECT_TRUE(handle(lane, Enqueue{order(1)}, at(0)).empty());
    const Hold both{.is_frozen = true, .is_paused = true};
    EXPECT_EQ(only<Report>(handle(lane, both, at(1))).size(), 1U);
    EXPECT_TRUE(only<Submit>(handle(lane, Hold{.is_frozen = true}, at(2))).empty());
    EXPECT_EQ(only<Submit>(handle(lane, Hold{}, at(3))).size(), 1U);
}

TEST(Lane, ReportsHealthWhenItChanges) {
    Lane lane = a_lane();
    EXPECT_TRUE(
        handle(lane, HealthReported{{.is_reachable = true, .head_block = 4}}, at(0)).empty());
    const auto effects = handle(lane, HealthReported{{.is_reachable = false}}, at(1));
    ASSERT_EQ(only<Report>(effects).size(), 1U);
    EXPECT_FALSE(only<Report>(effects)[0].is_reachable);
}

TEST(Lane, PassesInflowsThrough) {
    Lane lane = a_lane();
    const ledger::VariationNotice variation{.shard = shard, .number = 3};
    EXPECT_EQ(handle(lane, NoticeArrived{variation}, at(0)), (LaneEffects{Deliver{variation}}));
}

// Goal: a shard speaks of itself, of what it lists, and to machines of its lane's broker. What it
// says of anything else reaches nobody.
TEST(Lane, DistrustsWhatIsNoneOfItsShards) {
    const base::ShardId other{static_cast<std::uint16_t>(shard.v + 1)};
    const auto ours = base::entity_of(base::EntityKind::instruction, broker, 7);
    const auto theirs = base::entity_of(
        base::EntityKind::instruction, base::BrokerId{static_cast<std::uint16_t>(broker.v + 1)}, 7);
    const auto arrival = [](base::EntityId origin) {
        return ledger::ArrivalNotice{.ref = {.origin = origin, .number = 1'001}, .shard = shard};
    };
    Lane lane = a_lane();
    EXPECT_EQ(only<Deliver>(handle(lane, NoticeArrived{arrival(ours)}, at(0))).size(), 1U);
    const ledger::ShardNotice foreign[] = {
        ledger::VariationNotice{.shard = other, .number = 3},
        ledger::VariationNotice{.shard = shard, .number = 3, .instrument = base::InstrumentId{9}},
        ledger::DepositNotice{.id = 1, .shard = other},
        ledger::DepositNotice{.id = 1, .shard = shard, .asset = base::AssetId{UINT16_MAX}},
        arrival(theirs),
        arrival({.kind = base::EntityKind::partition, .id = 1, .sub = 0}),
    };
    for (const auto& told : foreign) {
        SCOPED_TRACE(&told - foreign);
        const auto effects = handle(lane, NoticeArrived{told}, at(0));
        EXPECT_EQ(only<Distrust>(effects).size(), 1U);
        EXPECT_TRUE(only<Deliver>(effects).empty());
    }
}

// Goal: a refusal without a reason would read as an order that took effect, and an answer about
// another order would end that one.
TEST(Lane, DistrustsAnswersThatCannotBe) {
    Lane lane = a_lane();
    (void)handle(lane, Enqueue{order(1)}, at(0));
    (void)handle(lane, Enqueue{order(2)}, at(0));
    const auto refused = handle(lane, SubmitAnswered{ref(1), Refused{ShardRefusal::none}}, at(0));
    EXPECT_EQ(only<Distrust>(refused).size(), 1U);
    EXPECT_TRUE(only<Deliver>(refused).empty());
    const auto answered = handle(lane, AskAnswered{ref(2), notice(1, Finality::final, 5)}, at(0));
    EXPECT_EQ(only<Distrust>(answered).size(), 1U);
    EXPECT_TRUE(only<Deliver>(answered).empty());
    EXPECT_EQ(lane.flights.size(), 2U);
}

}  // namespace
}  // namespace crossclear::shards
