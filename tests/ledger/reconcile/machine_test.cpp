#include "ledger/reconcile/machine.hpp"

#include "base/limits.hpp"
#include "ledger/belief.hpp"
#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace crossclear::ledger::reconcile {
namespace {

using base::Amount;
using base::Timestamp;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::EntityId own_id =
    base::entity_of(base::EntityKind::reconcile, base::BrokerId{0}, base::ShardId{1});
constexpr base::AssetId token{3};
constexpr base::AssetId dollar{1};

/// The shard holds this much more than the book.
Line a_line(std::int64_t held, base::AssetId asset = token) {
    Line line;
    line.asset = asset;
    line.shard_held = Amount{1'000 + held};
    line.book_held = Amount{1'000};
    return line;
}

Line explained(Line line) {
    line.explanation = Explanation::orders;
    return line;
}

Line of_late_orders(Line line) {
    line.explanation = Explanation::late_orders;
    return line;
}

Line with_posted(Line line, std::int64_t posted) {
    line.shard_posted = Amount{posted};
    return line;
}

Line with_position(Line line, std::int64_t position) {
    line.shard_position = Amount{position};
    return line;
}

Compare at_block(std::uint64_t block, std::vector<Line> lines) {
    return Compare{.block = block, .lines = std::move(lines), .at = Timestamp{5}};
}

base::CommandId an_id(std::uint64_t n) {
    return base::make_command_id(Timestamp{static_cast<std::int64_t>(n) * 1'000}, 0, n << 16);
}

// About the break that was opened in block 7; everything can be booked and borne.
ResolveBreak resolve(base::AssetId asset = token, Resolution resolution = Resolution::explained,
                     std::uint64_t id = 1) {
    return ResolveBreak{.id = an_id(id + asset.v * 1'000),
                        .asset = asset,
                        .block = 7,
                        .resolution = resolution,
                        .reason = "paid back",
                        .at = Timestamp{9},
                        .difference = Amount{-5},
                        .is_of_tokens = true,
                        .is_bookable = true,
                        .is_bearable = true};
}

PauseLane pause(std::uint64_t id, bool is_paused = true) {
    return PauseLane{.id = an_id(id), .is_paused = is_paused, .at = Timestamp{9}};
}

BreakResolved resolved(const ResolveBreak& command, std::int64_t booked, std::int64_t borne) {
    return BreakResolved{.cause = command.id,
                         .body = body_hash(command),
                         .asset = command.asset,
                         .shard = base::ShardId{1},
                         .resolution = command.resolution,
                         .booked = Amount{booked},
                         .borne = Amount{borne},
                         .reason = command.reason,
                         .block = command.block,
                         .at = command.at};
}

State fresh() { return State{.id = own_id}; }

std::vector<Event> run(State& state, const Command& command) {
    const Decision decision = decide(state, command);
    EXPECT_TRUE(decision.has_value()) << name_of(decision.error());
    for (const Event& event : *decision) apply(state, event);
    return *decision;
}

State after(const std::vector<Command>& commands) {
    State state = fresh();
    for (const Command& command : commands) run(state, command);
    return state;
}

Reconciled reconciled(std::uint64_t block, std::uint32_t breaks_open) {
    return Reconciled{.block = block, .breaks_open = breaks_open, .at = Timestamp{5}};
}

TEST(ReconcileCompare, SaysHowFarItHasComeWhenBothSidesAgree) {
    State state = fresh();
    EXPECT_THAT(run(state, at_block(7, {a_line(0)})), ElementsAre(Event{reconciled(7, 0)}));
}

TEST(ReconcileCompare, AddsNothingForTheSameBlock) {
    State state = after({at_block(7, {a_line(0)})});
    EXPECT_THAT(run(state, at_block(7, {a_line(-5)})), IsEmpty());
}

struct Finding {
    const char* claim;
    Line line;
    BreakKind kind;
    std::int64_t difference;
};

TEST(ReconcileCompare, NamesTheKindAndSizeOfABreak) {
    const Finding findings[] = {
        {"explained, whatever its sign", explained(a_line(-5)), BreakKind::timing, -5},
        {"without its receipt", of_late_orders(a_line(-5)), BreakKind::missing_receipt, -5},
        {"received without its receipt", of_late_orders(a_line(5)), BreakKind::missing_receipt, 5},
        {"more than booked", a_line(5), BreakKind::unknown_inflow, 5},
        {"less than booked", a_line(-5), BreakKind::unexplained_outflow, -5},
        {"posted where held agrees", with_posted(a_line(0), 4), BreakKind::unknown_inflow, 4},
        {"position where both agree", with_position(a_line(0), -3), BreakKind::unexplained_outflow,
         -3},
        {"held before posted", with_posted(a_line(5), 4), BreakKind::unknown_inflow, 5},
        {"held before position", with_position(a_line(-5), -3), BreakKind::unexplained_outflow, -5},
        {"dust cannot hide an outflow", with_posted(a_line(1), -400),
         BreakKind::unexplained_outflow, -400},
    };
    for (const Finding& finding : findings) {
        SCOPED_TRACE(finding.claim);
        State state = fresh();
        const auto events = run(state, at_block(7, {finding.line}));
        EXPECT_EQ(events.front(), Event(BreakOpened{.asset = token,
                                                    .kind = finding.kind,
                                                    .difference = Amount{finding.difference},
                                                    .block = 7,
                                                    .at = Timestamp{5}}));
        const bool is_outflow = finding.kind == BreakKind::unexplained_outflow;
        EXPECT_EQ(state.is_lane_frozen, is_outflow);
    }
}

TEST(ReconcileCompare, FreezesTheLaneOnce) {
    State state = fresh();
    EXPECT_THAT(
        run(state, at_block(7, {a_line(-5), a_line(-6, dollar)})),
        ElementsAre(testing::VariantWith<BreakOpened>(testing::_),
                    Event{LaneFrozen{.asset = token, .at = Timestamp{5}}},
                    testing::VariantWith<BreakOpened>(testing::_), Event{reconciled(7, 2)}));
}

TEST(ReconcileCompare, LeavesABreakThatStaysTheSameAlone) {
    State state = after({at_block(7, {a_line(5)})});
    EXPECT_THAT(run(state, at_block(8, {a_line(5)})), ElementsAre(Event{reconciled(8, 1)}));
}

TEST(ReconcileCompare, TurnsAnExplainedBreakThatLastsIntoAnOutflow) {
    State state = after({at_block(7, {explained(a_line(-5))})});
    EXPECT_THAT(run(state, at_block(8, {a_line(-5)})),
                ElementsAre(Event{BreakChanged{.asset = token,
                                               .kind = BreakKind::unexplained_outflow,
                                               .difference = Amount{-5},
                                               .block = 8,
                                               .at = Timestamp{5}}},
                            Event{LaneFrozen{.asset = token, .at = Timestamp{5}}},
                            Event{reconciled(8, 1)}));
}

TEST(ReconcileCompare, ClosesTimingAndInflowWhenBothSidesAgreeAgain) {
    for (const Line& line : {explained(a_line(-5)), of_late_orders(a_line(-5)), a_line(5)}) {
        State state = after({at_block(7, {line})});
        EXPECT_THAT(run(state, at_block(8, {a_line(0)})),
                    ElementsAre(Event{BreakClosed{
                                    .asset = token, .reason = "", .block = 8, .at = Timestamp{5}}},
                                Event{reconciled(8, 0)}));
    }
}

// Goal: what left without an explanation and came back is still a case for a person.
TEST(ReconcileCompare, KeepsAnOutflowOpenAndTheLaneFrozenWhateverTheFiguresSayLater) {
    for (const Line& line : {a_line(0), a_line(5), explained(a_line(-5))}) {
        State state = after({at_block(7, {a_line(-5)})});
        run(state, at_block(8, {line}));
        EXPECT_EQ(state.breaks.at(token).kind, BreakKind::unexplained_outflow);
        EXPECT_TRUE(state.is_lane_frozen);
    }
}

TEST(ReconcileCompare, LeavesAssetsThatAreNotListedAlone) {
    State state = after({at_block(7, {a_line(5)})});
    run(state, at_block(8, {a_line(0, dollar)}));
    EXPECT_TRUE(state.breaks.contains(token));
}

TEST(ReconcileResolve, ClosesTheBreakAndThawsTheLaneWithTheLastOutflow) {
    State state = after({at_block(7, {a_line(-5), a_line(-6, dollar)})});
    EXPECT_THAT(run(state, resolve(token)), ElementsAre(Event{resolved(resolve(token), 0, 0)}));
    EXPECT_THAT(run(state, resolve(dollar)),
                ElementsAre(testing::VariantWith<BreakResolved>(testing::_),
                            Event{LaneThawed{.at = Timestamp{9}}}));
}

TEST(ReconcileResolve, BooksWhatIsMissingUntilSomebodyBearsIt) {
    State state = after({at_block(7, {a_line(-5)})});
    const auto suspend = resolve(token, Resolution::suspended);
    EXPECT_THAT(run(state, suspend), ElementsAre(Event{resolved(suspend, -5, 0)},
                                                 Event{LaneThawed{.at = Timestamp{9}}}));
    EXPECT_EQ(state.suspended.at(token).missing, Amount{5});

    const auto bear = resolve(token, Resolution::borne, 2);
    EXPECT_THAT(run(state, bear), ElementsAre(Event{resolved(bear, 0, 5)}));
    EXPECT_TRUE(state.suspended.empty());
    EXPECT_EQ(decide(state, resolve(token, Resolution::borne, 3)),
              Decision{base::Failure{Reject::no_such_break}});
}

TEST(ReconcileResolve, BearsABreakAndWhatWasSuspendedBeforeAtOnce) {
    State state = after({at_block(6, {a_line(-2)}),
                         [] {
                             auto command = resolve(token, Resolution::suspended);
                             command.block = 6;
                             command.difference = Amount{-2};
                             return command;
                         }(),
                         at_block(7, {a_line(-5)})});
    const auto bear = resolve(token, Resolution::borne, 2);
    EXPECT_THAT(run(state, bear),
                ElementsAre(Event{resolved(bear, -5, 7)}, Event{LaneThawed{.at = Timestamp{9}}}));
    EXPECT_TRUE(state.suspended.empty());
}

TEST(ReconcileResolve, BooksAnInflowWhateverTheMeans) {
    State state = after({at_block(7, {a_line(5)})});
    auto gain = resolve(token, Resolution::borne);
    gain.difference = Amount{5};
    gain.is_bookable = gain.is_bearable = false;
    EXPECT_THAT(run(state, gain), ElementsAre(Event{resolved(gain, 5, -5)}));
}

TEST(ReconcileResolve, IsIdempotentAndNamesOneBreakOnly) {
    State state = after({at_block(7, {a_line(-5)})});
    const auto command = resolve(token, Resolution::suspended);
    run(state, command);
    run(state, at_block(8, {a_line(-5)}));
    EXPECT_EQ(decide(state, command), Decision{std::vector<Event>{}});
    EXPECT_EQ(decide(state, resolve(token, Resolution::explained, 4)),
              Decision{base::Failure{Reject::no_such_break}});
    EXPECT_TRUE(state.is_lane_frozen) << "the later break is another one";
}

TEST(ReconcilePause, StopsTheLaneApartFromBreaks) {
    State state = after({pause(1), at_block(7, {a_line(-5)})});
    EXPECT_THAT(outstanding(state),
                ElementsAre(Effect{SetLane{.is_frozen = true, .is_paused = true}}));
    run(state, resolve());
    EXPECT_THAT(outstanding(state), ElementsAre(Effect{SetLane{.is_paused = true}}));
    const auto events = run(state, pause(2, false));
    EXPECT_THAT(effects_of(state, events.front()), ElementsAre(Effect{SetLane{}}));
    EXPECT_EQ(decide(state, pause(1)), Decision{std::vector<Event>{}}) << "a late copy";
}

TEST(ReconcileResolve, OpensAgainWhereTheSidesStillDisagree) {
    State state = after({at_block(7, {a_line(-5)}), resolve()});
    run(state, at_block(8, {a_line(-5)}));
    EXPECT_TRUE(state.is_lane_frozen);
}

TEST(ReconcileEffects, TellTheLaneHowItStandsOnceItWasFrozen) {
    EXPECT_THAT(outstanding(after({at_block(7, {a_line(5)})})), IsEmpty());
    EXPECT_THAT(outstanding(after({at_block(7, {a_line(-5)})})),
                ElementsAre(Effect{SetLane{.is_frozen = true}}));
    EXPECT_THAT(outstanding(after({at_block(7, {a_line(-5)}), resolve()})),
                ElementsAre(Effect{SetLane{}}));
}

struct Refusal {
    Reject reject;
    State state;
    Command command;
};

std::vector<Line> many_broken_lines() {
    std::vector<Line> lines;
    for (std::size_t i = 0; i <= base::limits::breaks_open_max; ++i) {
        lines.push_back(a_line(1, base::AssetId{static_cast<std::uint16_t>(i)}));
    }
    return lines;
}

Line an_immense_line() {
    Line line = a_line(0);
    line.shard_position = Amount{INT64_MIN};
    line.book_position = Amount{1};
    return line;
}

// Goal: what is missing is told as a loss; the one difference without a negative is out of range,
// also where it is what is suspended already that leads there.
TEST(ReconcileReject, ADifferenceHasANegative) {
    Line line = a_line(0);
    line.shard_held = Amount{INT64_MIN};
    line.book_held = Amount{0};
    EXPECT_EQ(after({at_block(7, {line})}).breaks.at(token).kind, BreakKind::incredible);
    line.shard_held = figure_max;
    State state = after({at_block(7, {line})});
    state.suspended[token] = {.missing = Amount{-INT64_MAX}, .block = 6, .at = {}};
    auto command = resolve(token, Resolution::suspended);
    command.difference = figure_max;
    EXPECT_EQ(decide(state, command), Decision{base::Failure{Reject::difference_out_of_range}});
}

// Goal: what a shard tells and cannot be stops its lane until an operator has said why, once,
// whatever the figures look like later.
TEST(ReconcileDistrust, FreezesTheLaneUntilAnOperatorHasLooked) {
    State state = after({at_block(7, {a_line(0)})});
    const auto first = run(state, Distrust{.asset = token, .at = Timestamp{8}});
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(std::get<BreakOpened>(first[0]).kind, BreakKind::incredible);
    EXPECT_TRUE(state.is_lane_frozen);
    EXPECT_THAT(run(state, Distrust{.asset = token, .at = Timestamp{9}}), IsEmpty());
    run(state, at_block(8, {a_line(0)}));
    EXPECT_TRUE(state.is_lane_frozen) << "both agree again, and nobody has said why";
    run(state, at_block(9, {a_line(5)}));
    EXPECT_EQ(state.breaks.at(token).kind, BreakKind::incredible);
    EXPECT_EQ(state.breaks.at(token).difference, Amount{5});
    run(state, resolve());
    EXPECT_FALSE(state.is_lane_frozen);
    EXPECT_TRUE(state.breaks.empty());
}

TEST(ReconcileDistrust, TakesOverABreakThatIsOpen) {
    State state = after({at_block(7, {a_line(5)})});
    const auto events = run(state, Distrust{.asset = token, .at = Timestamp{8}});
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(std::get<BreakChanged>(events[0]).difference, Amount{5});
    EXPECT_TRUE(state.is_lane_frozen);
    State leaking = after({at_block(7, {a_line(-5)})});
    EXPECT_THAT(run(leaking, Distrust{.asset = token, .at = Timestamp{8}}), IsEmpty());
    EXPECT_EQ(leaking.breaks.at(token).kind, BreakKind::unexplained_outflow);
}

// Goal: a figure that no books hold keeps nobody from comparing the others.
TEST(ReconcileDistrust, IsWhatFiguresBeyondTheBooksGet) {
    State state = fresh();
    run(state, at_block(7, {an_immense_line(), a_line(5, dollar)}));
    EXPECT_EQ(state.breaks.at(token).kind, BreakKind::incredible);
    EXPECT_EQ(state.breaks.at(token).difference, Amount{0});
    EXPECT_EQ(state.breaks.at(dollar).kind, BreakKind::unknown_inflow);
    EXPECT_EQ(state.block, 7U);
    EXPECT_TRUE(state.is_lane_frozen);
}

// In order of precedence: each command also breaks a later rule where it can.
TEST(ReconcileReject, IsGivenForEachBrokenCondition) {
    const State broken = after({at_block(7, {a_line(-5)})});
    State with_floor = fresh();
    with_floor.floor = an_id(1);
    const auto without = [](auto change) {
        auto command = resolve(token, Resolution::borne);
        change(command);
        return command;
    };
    const Refusal refusals[] = {
        {Reject::block_went_backwards, after({at_block(7, {})}),
         at_block(6, {a_line(0), a_line(0)})},
        {Reject::asset_listed_twice, fresh(), at_block(7, {an_immense_line(), a_line(0)})},
        {Reject::too_many_breaks, fresh(), at_block(7, many_broken_lines())},
        {Reject::id_reused_with_other_body, after({at_block(7, {a_line(-5)}), resolve()}),
         without([](auto& c) { c.reason = ""; })},
        {Reject::reason_is_missing, fresh(), without([](auto& c) { c.reason = ""; })},
        {Reject::no_such_break, fresh(), without([](auto& c) { c.is_of_tokens = false; })},
        {Reject::difference_is_not_of_tokens, broken,
         without([](auto& c) { c.is_of_tokens = c.is_bookable = c.is_bearable = false; })},
        {Reject::difference_has_changed, broken, without([](auto& c) {
             c.difference = Amount{-4};
             c.is_bookable = c.is_bearable = false;
         })},
        {Reject::tokens_are_promised, broken,
         without([](auto& c) { c.is_bookable = c.is_bearable = false; })},
        {Reject::loss_is_not_bearable, broken, without([](auto& c) { c.is_bearable = false; })},
        {Reject::id_too_old, with_floor, pause(1)},
    };
    for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(name_of(refusal.reject));
        const Decision decision = decide(refusal.state, refusal.command);
        ASSERT_FALSE(decision.has_value());
        EXPECT_EQ(decision.error(), refusal.reject) << name_of(decision.error());
    }
}

struct ReconcileTraits : tests::MachineTraits<State, Command, Event, Effect> {
    static base::EntityId entity() { return own_id; }
    static std::string encode(const Event& event) { return tests::payload_of(entity(), event); }
    static Event decode(const std::string& payload) { return tests::event_of<Event>(payload); }
    static State initial() { return fresh(); }

    static Line random_line(base::Rng& rng, base::AssetId asset) {
        const auto difference = [&rng] {
            if (rng.below(3) > 0) return std::int64_t{0};
            return static_cast<std::int64_t>(rng.below(10)) - 2;
        };
        Line line =
            with_position(with_posted(a_line(difference(), asset), difference()), difference());
        line.explanation = static_cast<Explanation>(rng.below(3));
        return line;
    }

    static ResolveBreak random_resolution(base::Rng& rng, const State& state, base::AssetId asset,
                                          std::uint64_t id) {
        constexpr Resolution all[] = {Resolution::explained, Resolution::suspended,
                                      Resolution::borne};
        auto command = resolve(asset, all[rng.below(3)], id);
        if (const auto open = state.breaks.find(asset); open != state.breaks.end()) {
            command.block = open->second.opened_block;
            if (rng.below(8) > 0) command.difference = open->second.difference;
        } else if (const auto old = state.suspended.find(asset); old != state.suspended.end()) {
            command.block = old->second.block;
        }
        command.is_bookable = rng.below(4) > 0;
        command.is_bearable = rng.below(4) > 0;
        return command;
    }

    static Command random_command(base::Rng& rng, const State& state) {
        const base::AssetId asset{static_cast<std::uint16_t>(rng.below(4))};
        const std::uint64_t id = rng.below(1'000);
        if (rng.below(8) == 0) return pause(id, rng.below(2) == 0);
        if (rng.below(16) == 0) return Distrust{.asset = asset, .at = Timestamp{6}};
        if (rng.below(4) == 0) return random_resolution(rng, state, asset, id);
        std::vector<Line> lines;
        for (std::uint16_t i = 0; i < 4; ++i) {
            if (rng.below(4) > 0) lines.push_back(random_line(rng, base::AssetId{i}));
        }
        const std::uint64_t back = rng.below(8) == 0 ? 1 : 0;
        return at_block(std::max(state.block, back) - back + rng.below(3), std::move(lines));
    }

    /// Found from the breaks and the pause: a word to the lane stands until the other is true.
    static bool is_answered(const State& state, const Effect& effect) {
        const bool leaks =
            std::any_of(state.breaks.begin(), state.breaks.end(),
                        [](const auto& entry) { return stops_lane(entry.second.kind); });
        return std::get<SetLane>(effect) !=
               SetLane{.is_frozen = leaks, .is_paused = state.is_lane_paused};
    }
};

MACHINE_LAWS(Reconcile, ReconcileTraits);

}  // namespace
}  // namespace crossclear::ledger::reconcile
