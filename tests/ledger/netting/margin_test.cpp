#include "ledger/netting/machine.hpp"
#include "tests/ledger/netting/builders.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace crossclear::ledger::netting {
namespace {

using namespace builders;
using base::Amount;

constexpr base::AssetId contract{1};
constexpr base::ShardId venue{2};
constexpr MarginPolicy policy{.venue = venue,
                              .asset = usdc,
                              .floor = Amount{100},
                              .share = base::Ppm{200'000},
                              .slack = base::Ppm{250'000}};

// Posts so much and lets it arrive.
State a_house_with(std::int64_t posted) {
    State state = a_house();
    run(state, Found{.lines = {{venue, usdc, Amount{posted}, Source::capital}},
                     .margins = {{venue, usdc, Amount{posted}}},
                     .at = {}});
    run(state, CloseMove{.number = state.numbers, .is_settled = true, .at = {}});
    return state;
}

KeepMargins a_look(std::int64_t value, std::int64_t due = 0, std::int64_t backing = 10'000) {
    return KeepMargins{
        .lines =
            {{.policy = policy, .value = Amount{value}, .due = Amount{due}, .held = Amount{5'000}}},
        .cover = {{.asset = usdc, .backing = Amount{backing}, .reserve = {}, .partitions = {}}},
        .now = {}};
}

RecordVariations settled(std::vector<std::int64_t> changes, std::uint64_t number = 1) {
    RecordVariations command{.shard = venue, .lines = {}, .at = {}};
    for (const auto change : changes) {
        command.lines.push_back({.notice = {.shard = venue,
                                            .number = number++,
                                            .instrument = {},
                                            .change = Amount{change},
                                            .closed = {},
                                            .block = 1},
                                 .contract = contract,
                                 .settlement = usdc});
    }
    return command;
}

Amount posted_in(const State& state) {
    const auto found = state.posted.find({venue, usdc});
    return found == state.posted.end() ? Amount{} : found->second;
}

MoveOpened only_move(const std::vector<Event>& events) {
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? MoveOpened{} : std::get<MoveOpened>(events.front());
}

TEST(VenueMargin, IsFilledUpBeforeItRunsOut) {
    State state = a_house_with(200);
    // A fifth of 1,250 is 250: 200 is within a quarter of it, and what the venue is due is not.
    EXPECT_TRUE(run(state, a_look(1'250)).empty());
    const auto move = only_move(run(state, a_look(1'250, 50)));
    EXPECT_EQ(move.purpose, instruction::Purpose::post_margin);
    EXPECT_EQ(move.amount, Amount{100});
    EXPECT_TRUE(run(state, a_look(9'000)).empty()) << "one move at a time";
    EXPECT_EQ(posted_in(state), Amount{200}) << "on its way it bears nothing";
    run(state, CloseMove{.number = move.number, .is_settled = true, .at = {}});
    EXPECT_EQ(posted_in(state), Amount{300});
}

TEST(VenueMargin, SurplusIsTakenBackAndNeverBelowTheFloor) {
    State state = a_house_with(1'000);
    const auto move = only_move(run(state, a_look(0)));
    EXPECT_EQ(move.purpose, instruction::Purpose::take_margin);
    EXPECT_EQ(move.amount, Amount{900});
    EXPECT_EQ(posted_in(state), Amount{100}) << "what is on its way out bears nothing";
    run(state, CloseMove{.number = move.number, .is_settled = false, .at = {}});
    EXPECT_EQ(posted_in(state), Amount{1'000}) << "the venue refused: it is still there";
}

// Goal: a venue that refuses is not asked again at every look, across restarts as well: the waits
// are folded from the events. One success ends them.
TEST(VenueMargin, AVenueThatRefusesIsLeftAloneForLongerEachTime) {
    State state = a_house_with(200);
    base::Timestamp now = base::Timestamp{} + base::seconds(1'000);
    const auto look = [&] {
        auto command = a_look(9'000);
        command.now = now;
        return run(state, command);
    };
    const auto close = [&](bool is_settled) {
        run(state, CloseMove{.number = state.numbers, .is_settled = is_settled, .at = now});
    };
    for (const std::int64_t wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
        ASSERT_EQ(look().size(), 1U) << "before a wait of " << wait;
        close(false);
        now = now + base::seconds(wait) - base::milliseconds(1);
        EXPECT_TRUE(look().empty()) << "within a wait of " << wait;
        now = now + base::milliseconds(1);
    }
    ASSERT_EQ(look().size(), 1U);
    close(true);
    EXPECT_TRUE(state.refusals.empty());
}

TEST(VenueMargin, MovesNothingWithinTheSlack) {
    State state = a_house_with(120);
    EXPECT_TRUE(run(state, a_look(500)).empty());
    EXPECT_TRUE(run(state, a_look(750)).empty());
}

TEST(VenueMargin, TakesNothingThatIsPromisedToClients) {
    State state = a_house_with(100);
    EXPECT_EQ(only_move(run(state, a_look(5'000, 0, 40))).amount, Amount{40});
    State poor = a_house_with(100);
    EXPECT_TRUE(run(poor, a_look(5'000, 0, 0)).empty());
    // What is moved is reserved until it has arrived.
    State state_of_two = a_house_with(100);
    const auto line = a_look(5'000).cover.front();
    const auto before = promised(state_of_two, line);
    run(state_of_two, a_look(5'000));
    EXPECT_EQ(*promised(state_of_two, line), base::must_add(*before, Amount{900}));
}

// Goal: POSTED is never negative in any record, whatever the order in which receipts come.
TEST(VenueMargin, ALossWaitsForTheMarginItWasTakenFrom) {
    State state = a_house_with(100);
    const auto top_up = only_move(run(state, a_look(1'000)));
    EXPECT_EQ(decide(state, settled({-150})).error(), Reject::variation_ahead_of_margin);
    run(state, CloseMove{.number = top_up.number, .is_settled = true, .at = {}});
    EXPECT_EQ(run(state, settled({-150})).size(), 1U);
    EXPECT_EQ(posted_in(state), Amount{50});
}

TEST(VenueMargin, ALossIsRecordedTogetherWithTheGainThatBearsIt) {
    State state = a_house_with(100);
    EXPECT_TRUE(is_transient(decide(state, settled({-150})).error()));
    EXPECT_EQ(run(state, settled({-150, 80, -60})).size(), 2U) << "and not what is beyond it";
    EXPECT_EQ(posted_in(state), Amount{30});
    EXPECT_EQ(state.variations.at(venue), 2U);
}

TEST(VenueMargin, ALiquidationIsBookedAsItIs) {
    State state = a_house_with(100);
    auto command = settled({-100});
    command.lines.front().notice.closed = Amount{-7};
    const auto events = run(state, command);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<VenueVariation>(events.front()).closed, Amount{-7});
    EXPECT_EQ(posted_in(state), Amount{0});
}

Bearing a_bearing(std::int64_t posted, std::int64_t value, std::int64_t own) {
    return {.posted = Amount{posted},
            .share = base::Ppm{200'000},
            .value = Amount{value},
            .own = Amount{own},
            .unit = Amount{2},
            .units = Amount{1}};
}

TEST(VenueMargin, BearsTwiceWhatTheShareAsksFor) {
    EXPECT_EQ(position_max_of(a_bearing(0, 0, 0)), Amount{0});
    EXPECT_EQ(position_max_of(a_bearing(100, 0, 0)), Amount{500});
    EXPECT_EQ(position_max_of(a_bearing(100, 600, 200)), Amount{300}) << "others keep theirs";
    EXPECT_EQ(position_max_of(a_bearing(100, 4'000, 2'000)), Amount{250}) << "all shrink alike";
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(position_max_of(a_bearing(most, 1, 1)), Amount{most / 2});
}

// A contract at a venue, priced at 2, with `position` there.
Balance a_hedge_of(std::int64_t position, std::int64_t need, std::int64_t position_max) {
    Exposure exposure{};
    exposure.base = contract;
    exposure.shard = venue;
    exposure.is_contract = true;
    exposure.need = Amount{need};
    exposure.need_before = Amount{need};
    exposure.band = Amount{10};
    exposure.task_max = Amount{1'000};
    exposure.notional_cents_of_max = 200'000;
    exposure.position = Amount{position};
    exposure.position_max = Amount{position_max};
    return Balance{.cover = {}, .exposures = {exposure}, .is_market_orderly = true, .now = {}};
}

Amount quantity_of(const std::vector<Event>& events) {
    return events.empty() ? Amount{} : std::get<HedgeOpened>(events.front()).quantity;
}

TEST(VenueMargin, NoPositionGrowsBeyondWhatItBears) {
    State state = a_house();
    EXPECT_TRUE(run(state, a_hedge_of(0, 300, 0)).empty()) << "nothing is posted yet";
    EXPECT_EQ(quantity_of(run(state, a_hedge_of(0, 300, 120))), Amount{120});
}

TEST(VenueMargin, APositionShrinksWhereItsMarginHasShrunk) {
    State state = a_house();
    EXPECT_EQ(quantity_of(run(state, a_hedge_of(-300, 0, 120))), Amount{180});
    State other = a_house();
    EXPECT_EQ(quantity_of(run(other, a_hedge_of(300, 50, 120))), Amount{-180});
}

// The spread of its own purchase already brings a position that is as large as its margin bears
// below that; what is sold then is bought again as soon as the margin is there.
TEST(VenueMargin, APositionNeitherShrinksNorGrowsWhileItsMarginIsFilledUp) {
    State state = a_house();
    run(state, Found{.lines = {{venue, usdc, Amount{60}, Source::capital}},
                     .margins = {{venue, usdc, Amount{60}}},
                     .at = {}});
    EXPECT_TRUE(run(state, a_hedge_of(-300, 0, 120)).empty());
    EXPECT_TRUE(run(state, a_hedge_of(300, 50, 120)).empty());
    run(state, CloseMove{.number = state.numbers, .is_settled = true, .at = {}});
    EXPECT_EQ(quantity_of(run(state, a_hedge_of(300, 50, 120))), Amount{-180});
}

}  // namespace
}  // namespace crossclear::ledger::netting
