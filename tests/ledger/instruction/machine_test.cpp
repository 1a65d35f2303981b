#include "ledger/instruction/machine.hpp"

#include "base/limits.hpp"
#include "tests/ledger/instruction/builders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::ledger::instruction {
namespace {

using namespace builders;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(InstructionNumbers, NameLegAndAttemptInBothDirections) {
    EXPECT_EQ(order_number(16, 999), 16'999U);
    EXPECT_EQ(leg_of(order_number(16, 999)), 16U);
    EXPECT_EQ(attempt_of(order_number(16, 999)), 999U);
}

TEST(InstructionCreate, AsksToBeAdvancedAtOnce) {
    EXPECT_THAT(outstanding(created(a_payment())), ElementsAre(Effect{WakeAt{Timestamp{1}}}));
}

TEST(InstructionCreate, AddsNothingWhenTheSameDutyComesAgain) {
    State state = sent(a_payment());
    CreateInstruction again = a_payment();
    again.attempts_max = 9;
    again.at = Timestamp{99};
    EXPECT_THAT(run(state, again), IsEmpty());
}

TEST(InstructionAdvance, SendsTheFirstLegWithADeadlineOfItsOwn) {
    State state = created(a_payment());
    EXPECT_THAT(run(state, Advance{.now = Timestamp{10}}),
                ElementsAre(Event{LegSent{.leg = 1,
                                          .attempt = 1,
                                          .order = OrderKind::pay_out,
                                          .shard = here,
                                          .asset = token,
                                          .amount = Amount{50},
                                          .deadline = Timestamp{110},
                                          .at = Timestamp{10}}}));
}

// Goal: an order past its deadline whose fate nobody told may still have taken effect.
TEST(InstructionAdvance, MakesNoAttemptWhileOneIsUnknown) {
    State state = sent(a_payment());
    EXPECT_THAT(run(state, Advance{.now = Timestamp{1'000'000}}), IsEmpty());
}

TEST(InstructionAdvance, TriesAgainUnderAnotherReferenceOnceTheShardSaysExpired) {
    const State state = sent_and_told(a_payment(), refusal(1'001, ShardRefusal::expired));
    const ShardOrder order = order_of(state, 1);
    EXPECT_EQ(order.ref.number, 1'002U);
    EXPECT_EQ(order.deadline, Timestamp{150});
}

TEST(InstructionAdvance, SendsNoOrderForAnArrival) {
    State state = sent(a_move());
    run(state, success(1'001));
    EXPECT_THAT(run(state, Advance{.now = Timestamp{50}}), IsEmpty());
}

TEST(InstructionNotice, FollowsInclusionAndReorg) {
    State state = sent(a_payment());
    EXPECT_THAT(run(state, notice_of(1'001, Finality::included)),
                ElementsAre(Event{LegIncluded{.leg = 1, .attempt = 1, .block = 8}}));
    EXPECT_THAT(run(state, notice_of(1'001, Finality::safe)), IsEmpty());
    EXPECT_THAT(run(state, notice_of(1'001, Finality::seen)),
                ElementsAre(Event{LegReorged{.leg = 1, .attempt = 1}}));
    EXPECT_THAT(run(state, notice_of(1'001, Finality::unseen)), IsEmpty());
}

TEST(InstructionNotice, SettlesWithItsLastLeg) {
    State state = sent(a_payment());
    EXPECT_THAT(run(state, success(1'001)),
                ElementsAre(Event{LegFinal{.leg = 1,
                                           .attempt = 1,
                                           .kind = LegKind::order,
                                           .order = OrderKind::pay_out,
                                           .shard = here,
                                           .from_shard = here,
                                           .asset = token,
                                           .amount = Amount{50},
                                           .block = 8,
                                           .gas_asset = gas,
                                           .gas = Amount{2},
                                           .at = Timestamp{30}}},
                            Event{ended(Outcome::settled, ShardRefusal::none)}));
}

TEST(InstructionNotice, ReleasesAFailedAttemptWithItsGas) {
    State state = sent(a_payment());
    EXPECT_THAT(run(state, refusal(1'001)),
                ElementsAre(Event{LegFailed{.leg = 1,
                                            .attempt = 1,
                                            .order = OrderKind::pay_out,
                                            .shard = here,
                                            .asset = token,
                                            .amount = Amount{50},
                                            .block = 8,
                                            .reason = ShardRefusal::reverted,
                                            .gas_asset = gas,
                                            .gas = Amount{2},
                                            .at = Timestamp{30}}}));
}

TEST(InstructionNotice, NeverChangesAFinalWord) {
    State state = sent_and_told(a_payment(), refusal(1'001));
    EXPECT_THAT(run(state, refusal(1'001)), IsEmpty());
    EXPECT_THAT(run(state, notice_of(1'001, Finality::included)), IsEmpty());
    run(state, success(1'002));
    EXPECT_THAT(run(state, success(1'002)), IsEmpty());
    EXPECT_THAT(run(state, notice_of(1'002, Finality::unseen)), IsEmpty());
}

TEST(InstructionArrival, SettlesAMoveAndNamesWhereTheTokensCameFrom) {
    State state = sent(a_move());
    run(state, success(1'001));
    EXPECT_THAT(run(state, arrival()),
                ElementsAre(Event{LegFinal{.leg = 2,
                                           .attempt = 0,
                                           .kind = LegKind::arrival,
                                           .order = OrderKind::bridge_out,
                                           .shard = there,
                                           .from_shard = here,
                                           .asset = token,
                                           .amount = Amount{50},
                                           .block = 90,
                                           .gas_asset = gas,
                                           .gas = Amount{0},
                                           .at = Timestamp{40}}},
                            Event{ended(Outcome::settled, ShardRefusal::none, 40)}));
    EXPECT_THAT(run(state, arrival()), IsEmpty());
}

TEST(InstructionArrival, WaitsUntilItIsFinal) {
    State state = sent(a_move());
    run(state, success(1'001));
    NoteArrival note = arrival();
    note.notice.finality = Finality::safe;
    EXPECT_THAT(run(state, note), IsEmpty());
}

struct Ending {
    const char* claim;
    CreateInstruction created;
    std::vector<NoteOrder> told;
    Outcome outcome;
    ShardRefusal reason;
};

TEST(InstructionEnd, FollowsFromTheFinalLegsAndTheLastRefusal) {
    const Ending endings[] = {
        {"attempts run out before the pivot",
         a_payment(),
         {refusal(1'001), refusal(1'002), refusal(1'003, ShardRefusal::expired)},
         Outcome::compensated,
         ShardRefusal::expired},
        {"a balance does not grow by asking again",
         a_payment(),
         {refusal(1'001, ShardRefusal::insufficient_balance)},
         Outcome::compensated,
         ShardRefusal::insufficient_balance},
        {"unsupported stays unsupported",
         a_payment(),
         {refusal(1'001, ShardRefusal::unsupported)},
         Outcome::compensated,
         ShardRefusal::unsupported},
        {"a failed protocol stays failed",
         a_payment(),
         {refusal(1'001, ShardRefusal::protocol_failed)},
         Outcome::compensated,
         ShardRefusal::protocol_failed},
        {"after the pivot every attempt is used",
         two_orders(),
         {success(1'001), refusal(2'001, ShardRefusal::insufficient_balance), refusal(2'002),
          refusal(2'003)},
         Outcome::manual,
         ShardRefusal::reverted},
        {"a later attempt settles it",
         two_orders(),
         {refusal(1'001), success(1'002), success(2'001)},
         Outcome::settled,
         ShardRefusal::none},
    };
    for (const Ending& ending : endings) {
        SCOPED_TRACE(ending.claim);
        State state = created(ending.created);
        std::vector<Event> last;
        for (const NoteOrder& note : ending.told) {
            EXPECT_EQ(state.phase, Phase::open);
            run(state, Advance{.now = Timestamp{10}});
            last = run(state, note);
        }
        EXPECT_EQ(last.back(), Event(ended(ending.outcome, ending.reason)));
        EXPECT_THAT(run(state, Advance{.now = Timestamp{99}}), IsEmpty());
    }
}

TEST(InstructionEffects, HandOutTheWholeOrder) {
    const State state = sent(a_payment());
    ShardOrder order;
    order.ref = {.origin = own_id, .number = 1'001};
    order.shard = here;
    order.kind = OrderKind::pay_out;
    order.asset = token;
    order.amount = Amount{50};
    order.destination = "0xabc";
    order.deadline = Timestamp{110};
    EXPECT_THAT(outstanding(state), ElementsAre(Effect{SendOrder{order}}));
}

TEST(InstructionEffects, ReportTheEndToTheBeneficiary) {
    State state = sent(a_payment());
    run(state, success(1'001));
    EXPECT_THAT(outstanding(state), ElementsAre(Effect{ReportEnded{.instruction = own_id,
                                                                   .beneficiary = withdrawal_id,
                                                                   .outcome = Outcome::settled,
                                                                   .reason = ShardRefusal::none,
                                                                   .block = 8}}));
}

TEST(InstructionEffects, OweNothingWhileAnArrivalIsAwaited) {
    State state = sent(a_move());
    run(state, success(1'001));
    EXPECT_THAT(outstanding(state), IsEmpty());
}

struct Refusal {
    Reject reject;
    State state;
    Command command;
};

template <class AnyCommand, class Change>
Command changed(AnyCommand command, Change change) {
    change(command);
    return command;
}

void expect_refused(const Refusal& refused) {
    SCOPED_TRACE(name_of(refused.reject));
    const Decision decision = decide(refused.state, refused.command);
    ASSERT_FALSE(decision.has_value());
    EXPECT_EQ(decision.error(), refused.reject) << name_of(decision.error());
}

TEST(InstructionReject, IsGivenForEachBrokenShape) {
    const auto break_lifetime = [](auto& c) { c.order_lifetime = {}, c.attempts_max = 0; };
    const Refusal refusals[] = {
        {Reject::created_differently, created(a_payment()), a_move()},
        {Reject::legs_out_of_range, uncreated(), an_instruction(Purpose::move, {})},
        {Reject::legs_out_of_range, uncreated(),
         an_instruction(Purpose::move, std::vector<Leg>(base::limits::instruction_legs_max + 1))},
        {Reject::leg_is_incomplete, uncreated(),
         changed(a_payment(), [](auto& c) { c.legs[0].amount = Amount{0}; })},
        {Reject::leg_is_incomplete, uncreated(),
         changed(a_payment(), [](auto& c) { c.legs[0].destination.clear(); })},
        {Reject::leg_is_incomplete, uncreated(),
         changed(a_payment(), [](auto& c) { c.legs[0].order = OrderKind::swap; })},
        {Reject::leg_is_incomplete, uncreated(),
         changed(a_move(), [](auto& c) { c.legs[0].to_shard = here; })},
        {Reject::legs_must_fit_purpose, uncreated(),
         changed(a_payment(), [](auto& c) { c.purpose = Purpose::move; })},
        {Reject::legs_must_fit_purpose, uncreated(),
         changed(a_move(), [](auto& c) { c.legs.pop_back(); })},
        {Reject::legs_must_fit_purpose, uncreated(),
         changed(a_move(), [](auto& c) { c.legs.erase(c.legs.begin()); })},
        {Reject::legs_must_fit_purpose, uncreated(),
         changed(a_move(), [](auto& c) { c.legs[1].amount = Amount{49}; })},
        {Reject::first_leg_must_be_pivot, uncreated(),
         changed(two_orders(),
                 [](auto& c) {
                     c.legs[0].is_pivot = false, c.legs[1].is_pivot = true;
                     c.order_lifetime = {};
                 })},
        {Reject::lifetime_must_be_positive, uncreated(), changed(a_payment(), break_lifetime)},
        {Reject::attempts_out_of_range, uncreated(),
         changed(a_payment(), [](auto& c) { c.attempts_max = 0; })},
        {Reject::attempts_out_of_range, uncreated(),
         changed(a_payment(), [](auto& c) { c.attempts_max = 1'000; })},
    };
    for (const Refusal& refused : refusals) expect_refused(refused);
}

TEST(InstructionReject, IsGivenForEachImpossibleNotice) {
    State moved = sent(a_move());
    run(moved, success(1'001));
    const auto wrong = Reject::notice_contradicts_order;
    const auto astray = Reject::arrival_contradicts_leg;
    const Refusal refusals[] = {
        {Reject::instruction_is_not_created, uncreated(), Advance{}},
        {Reject::instruction_is_not_created, uncreated(), success(1'001)},
        {Reject::instruction_is_not_created, uncreated(), arrival()},
        {wrong, sent(a_payment()),
         changed(success(1'001), [](auto& c) { c.notice.ref.origin.id += 1; })},
        {wrong, sent(a_payment()), success(1)},
        {wrong, sent(a_payment()), success(1'000)},
        {wrong, sent(a_payment()), success(1'002)},
        {wrong, created(a_payment()), success(1'001)},
        {wrong, moved, success(2'001)},
        {wrong, sent(a_payment()),
         changed(success(1'001), [](auto& c) { c.notice.given = Amount{49}; })},
        {wrong, sent(a_payment()),
         changed(success(1'001), [](auto& c) { c.notice.gas = Amount{-1}; })},
        {wrong, sent(a_payment()),
         changed(refusal(1'001), [](auto& c) { c.notice.given = Amount{50}; })},
        {wrong, sent_and_told(a_payment(), refusal(1'001)), success(1'001)},
        {wrong, moved, refusal(1'001)},
        {astray, moved, arrival(Amount{49})},
        {astray, moved, changed(arrival(), [](auto& c) { c.notice.asset = gas; })},
        {astray, moved, changed(arrival(), [](auto& c) { c.notice.shard = here; })},
        {astray, moved, changed(arrival(), [](auto& c) { c.notice.ref.number = 1'002; })},
        {astray, moved, changed(arrival(), [](auto& c) { c.notice.ref.number = 2'001; })},
        {astray, moved, changed(arrival(), [](auto& c) { c.notice.ref.origin.id += 1; })},
        {astray, created(a_move()), arrival()},
        {astray, sent(a_payment()), arrival()},
        {Reject::arrival_before_departure, sent(a_move()), arrival()},
    };
    for (const Refusal& refused : refusals) expect_refused(refused);
}

}  // namespace
}  // namespace crossclear::ledger::instruction
