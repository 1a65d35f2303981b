#include "ledger/netting/machine.hpp"
#include "ledger/netting/shortfall.hpp"
#include "tests/ledger/netting/builders.hpp"

#include <gtest/gtest.h>

// When a task is called off because what it was opened for has gone, and what the house may do
// about tokens that a shard has lost.

namespace crossclear::ledger::netting::call_off {
namespace {

using namespace builders;
using base::Amount;

constexpr base::AssetId eth{1};
constexpr base::ShardId here{0};

// Needs `need` ETH with a band of 10, of which its open task has filled `hedged` so far.
Exposure an_exposure(std::int64_t need, std::int64_t hedged = 0) {
    return Exposure{.base = eth,
                    .instrument = {},
                    .shard = here,
                    .is_contract = false,
                    .settlement = usdc,
                    .need = Amount{need},
                    .need_before = Amount{need},
                    .overdue = {},
                    .band = Amount{10},
                    .task_max = Amount{1'000},
                    .mark = {},
                    .bound_buy = {},
                    .bound_sell = {},
                    .cost_at_bound = Amount{2'100},
                    .notional_cents_of_max = 200'000,
                    .given_on_shard = Amount{100'000},
                    .base_on_shard = Amount{100'000},
                    .position = {},
                    .position_max = {},
                    .hedged = Amount{hedged},
                    .whole_before = {}};
}

Balance a_look(Exposure exposure) {
    return Balance{
        .cover = {CoverLine{
                      .asset = usdc, .backing = Amount{100'000}, .reserve = {}, .partitions = {}},
                  CoverLine{
                      .asset = eth, .backing = Amount{100'000}, .reserve = {}, .partitions = {}}},
        .exposures = {exposure},
        .is_market_orderly = true,
        .now = {}};
}

// A house with one open task, number 1.
State a_house_that_hedges(std::int64_t quantity) {
    State state = a_house();
    run(state, a_look(an_exposure(quantity)));
    EXPECT_EQ(state.hedges.at(1).quantity, Amount{quantity});
    return state;
}

// The same need at two looks in a row.
Balance two_looks(std::int64_t need, std::int64_t hedged = 0) {
    auto exposure = an_exposure(need, hedged);
    exposure.whole_before = Amount{need + hedged};
    return a_look(exposure);
}

struct Turn {
    const char* claim;
    std::int64_t quantity;
    std::int64_t need;
    std::int64_t hedged;
    bool is_called_off;
};

TEST(NettingCallOff, FollowsWhatIsWantedOfTheTask) {
    const Turn turns[] = {
        {"nothing has changed", 100, 100, 0, false},
        {"its own fills change nothing", 100, 40, 60, false},
        {"more came in", 100, 130, 0, false},
        {"flow within the band", 100, 90, 0, false},
        {"beyond the band", 100, 89, 0, true},
        {"beyond the band, half filled", 100, 39, 50, true},
        {"turned around", 100, -30, 0, true},
        {"overfilled within the band", 100, -10, 100, false},
        {"a sale, nothing has changed", -100, -100, 0, false},
        {"a sale, its own fills change nothing", -100, -40, -60, false},
        {"a sale, within the band", -100, -90, 0, false},
        {"a sale, beyond the band", -100, -89, 0, true},
        {"a sale that turned around", -100, 30, -50, true},
    };
    for (const auto& turn : turns) {
        SCOPED_TRACE(turn.claim);
        State state = a_house_that_hedges(turn.quantity);
        run(state, two_looks(turn.need, turn.hedged));
        EXPECT_EQ(state.called_off.contains(1), turn.is_called_off);
    }
}

// Partitions report one after the other: what is new may be half of two trades that cancel.
TEST(NettingCallOff, TakesTwoLooksInARow) {
    State state = a_house_that_hedges(100);
    run(state, a_look(an_exposure(20)));
    EXPECT_TRUE(state.called_off.empty()) << "the task was not open at the look before";
    auto exposure = an_exposure(20);
    exposure.whole_before = Amount{100};
    run(state, a_look(exposure));
    EXPECT_TRUE(state.called_off.empty()) << "all was wanted at the look before";
    run(state, two_looks(20));
    EXPECT_TRUE(state.called_off.contains(1));
}

TEST(NettingCallOff, IsAskedForOnceAndOwedUntilTheTaskEnds) {
    State state = a_house_that_hedges(100);
    const auto events = run(state, two_looks(20));
    ASSERT_EQ(events.size(), 1U);
    const Effect call_off = CallOffHedge{1};
    EXPECT_EQ(effects_of(state, events.front()), std::vector<Effect>{call_off});
    EXPECT_EQ(outstanding(state).back(), call_off);
    EXPECT_TRUE(run(state, two_looks(20)).empty());

    run(state, CloseHedge{.number = 1, .filled = Amount{5}, .at = {}});
    EXPECT_TRUE(outstanding(state).empty());
}

// Goal: no turn leads to another: what is left is hedged by a task that fits, and that one stays.
TEST(NettingCallOff, DoesNotFlap) {
    State state = a_house_that_hedges(100);
    run(state, two_looks(60));
    run(state, CloseHedge{.number = 1, .filled = {}, .at = {}});
    run(state, a_look(an_exposure(60)));
    EXPECT_EQ(state.hedges.at(2).quantity, Amount{60});
    for (const std::int64_t need : {60, 50, 60, 70, 55}) run(state, two_looks(need));
    EXPECT_TRUE(state.called_off.empty());
}

// 100 on the shard, of which a task has reserved 30 and withdrawals 20; 60 of 100 are promised.
Remedies remedies(std::int64_t missing, std::int64_t suspended = 0, std::int64_t capital = 1'000) {
    State state = a_house();
    state.hedges[1] = HedgeOpened{.number = 1,
                                  .instrument = {},
                                  .base = eth,
                                  .shard = here,
                                  .quantity = Amount{-30},
                                  .given_asset = eth,
                                  .reserved = Amount{30},
                                  .mark = {},
                                  .notional_cents = 0,
                                  .at = {}};
    state.granted[{base::PartitionId{0}, eth}] = Amount{30};
    state.departures[{base::AccountId{17}, 1}] = {
        .asset = eth, .amount = Amount{20}, .shard = here};
    return look(
        state,
        {.shard = here, .asset = eth, .missing = Amount{missing}, .suspended = Amount{suspended}},
        {.on_shard = Amount{100},
         .capital = Amount{capital},
         .cover = CoverLine{.asset = eth, .backing = Amount{100}, .reserve = {}, .partitions = {}},
         .is_current = true});
}

TEST(NettingShortfall, IsBookedFromWhatNobodyHasReserved) {
    EXPECT_TRUE(remedies(50).is_bookable);
    EXPECT_FALSE(remedies(51).is_bookable);
    EXPECT_TRUE(remedies(-5).is_bookable);
}

TEST(NettingShortfall, IsBorneByCapitalWhileClientsStayCovered) {
    EXPECT_TRUE(remedies(40).is_bearable);
    EXPECT_FALSE(remedies(41).is_bearable);
    EXPECT_FALSE(remedies(30, 11).is_bearable);
    EXPECT_FALSE(remedies(30, 0, 29).is_bearable);
    EXPECT_TRUE(remedies(30, 0, 30).is_bearable);
}

TEST(NettingShortfall, WaitsForFiguresThatKnowOfEverything) {
    EXPECT_EQ(look(a_house(), {}, {}), Remedies{});
}

}  // namespace
}  // namespace crossclear::ledger::netting::call_off
