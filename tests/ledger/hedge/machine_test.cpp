#include "ledger/hedge/machine.hpp"

#include "base/limits.hpp"
#include "ledger/journal/chain.hpp"
#include "tests/ledger/hedge/builders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace crossclear::ledger::hedge {
namespace {

using namespace builders;
using testing::ElementsAre;
using testing::IsEmpty;

template <class Wanted>
std::size_t count(const std::vector<Event>& events) {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(),
                      [](const Event& event) { return std::holds_alternative<Wanted>(event); }));
}

TEST(HedgePlan, PublishesTheHashOfItsScheduleAndSalt) {
    const State state = planned();
    EXPECT_EQ(state.terms.commitment, journal::sha256(schedule_text(task, state.terms)));
}

TEST(HedgePlan, CommitsToAnotherHashUnderAnotherSalt) {
    PlanHedge plan = a_plan();
    plan.salt = 8;
    EXPECT_NE(planned().terms.commitment, planned(plan).terms.commitment);
}

TEST(HedgePlan, WritesItsScheduleAsTheSameTextForEver) {
    EXPECT_EQ(schedule_text(task, planned().terms),
              "crossclear hedge schedule 1\ntask hedge/0-12\ninstrument 4\nshard 1\nquantity 100\n"
              "bound 5000\ndeadline_us 60\nslice 60 at_us 10\nslice 40 at_us 20\n"
              "salt 0000000000000007\n");
}

// Goal: netting draws slices and salt anew when it asks again after a restart. What was committed
// first must stand, or the published hash would mean nothing.
TEST(HedgePlan, KeepsTheFirstScheduleWhenTheSameDutyIsDrawnAgain) {
    State state = planned();
    PlanHedge again = a_plan();
    again.slices = {{Amount{100}, Timestamp{11}}};
    again.cost_max = {Amount{1'000}};
    again.salt = 99;
    EXPECT_THAT(run(state, again), IsEmpty());
}

TEST(HedgeAdvance, SendsNothingBeforeItsTime) {
    State state = planned();
    EXPECT_THAT(run(state, Advance{.now = Timestamp{9}}), IsEmpty());
}

TEST(HedgeAdvance, SendsOnlyTheSlicesThatAreDue) {
    State state = planned();
    EXPECT_THAT(run(state, Advance{.now = Timestamp{10}}),
                ElementsAre(Event{SliceSent{.number = 1,
                                            .shard = base::ShardId{1},
                                            .given_asset = dollar,
                                            .given_max = Amount{600},
                                            .at = Timestamp{10}}}));
}

TEST(HedgeAdvance, SendsLateSlicesInTheOrderOfTheSchedule) {
    State state = planned();
    const auto events = run(state, Advance{.now = Timestamp{30}});
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(std::get<SliceSent>(events[0]).number, 1U);
    EXPECT_EQ(std::get<SliceSent>(events[1]).number, 2U);
}

TEST(HedgeAdvance, StillSendsAtItsDeadline) {
    State state = planned();
    EXPECT_EQ(count<SliceSent>(run(state, Advance{.now = Timestamp{60}})), 2U);
}

TEST(HedgeAdvance, EndsUnfilledWhenItWakesAfterItsDeadline) {
    State state = planned();
    EXPECT_THAT(run(state, Advance{.now = Timestamp{61}}),
                ElementsAre(Event{HedgeFinished{
                    .outcome = HedgeOutcome::unfilled, .filled = Amount{0}, .at = Timestamp{61}}}));
}

TEST(HedgeAdvance, WaitsPastTheDeadlineForWhatIsInFlight) {
    State state = sent();
    EXPECT_THAT(run(state, Advance{.now = Timestamp{1'000}}), IsEmpty());
}

// A schedule of before a takeover, of which one slice had left: until that ends there is nothing to
// look at again and again.
TEST(HedgeAdvance, OwesNoWakeAfterItsDeadline) {
    State state = planned();
    EXPECT_EQ(wake_still_owed(state, Timestamp{9}), Timestamp{10});
    run(state, Advance{.now = Timestamp{10}});
    EXPECT_EQ(wake_still_owed(state, Timestamp{15}), Timestamp{20});
    EXPECT_EQ(wake_still_owed(state, Timestamp{61}), std::nullopt);
    EXPECT_EQ(count<HedgeFinished>(run(state, note(a_fill(1, Amount{600}, Amount{60}), 70))), 1U);
}

TEST(HedgeAdvance, PutsNothingInFlightForAContract) {
    State state = planned(a_short_contract());
    const auto events = run(state, Advance{.now = Timestamp{10}});
    EXPECT_EQ(std::get<SliceSent>(events.at(0)).given_max, Amount{0});
}

TEST(HedgeAdvance, PutsTheBaseInFlightForASale) {
    State state = planned(a_sale());
    const auto events = run(state, Advance{.now = Timestamp{10}});
    EXPECT_EQ(std::get<SliceSent>(events.at(0)).given_asset, token);
}

TEST(HedgeNotice, RecordsInclusionOnce) {
    State state = sent();
    EXPECT_THAT(run(state, note(a_notice(1, Finality::included))),
                ElementsAre(Event{SliceIncluded{.number = 1, .block = 8}}));
    EXPECT_THAT(run(state, note(a_notice(1, Finality::safe))), IsEmpty());
}

TEST(HedgeNotice, RecordsThatAnIncludedBlockWasReplaced) {
    State state = sent();
    run(state, note(a_notice(1, Finality::included)));
    EXPECT_THAT(run(state, note(a_notice(1, Finality::unseen, 0))),
                ElementsAre(Event{SliceReorged{.number = 1}}));
}

TEST(HedgeNotice, MovesAnOrderToAnotherBlockByWayOfAReorg) {
    State state = sent();
    run(state, note(a_notice(1, Finality::included, 8)));
    EXPECT_THAT(run(state, note(a_notice(1, Finality::included, 9))),
                ElementsAre(Event{SliceReorged{.number = 1}},
                            Event{SliceIncluded{.number = 1, .block = 9}}));
}

TEST(HedgeNotice, BooksAPurchaseWithTheFiguresOfItsReceipt) {
    State state = sent();
    EXPECT_THAT(run(state, note(a_fill(1, Amount{590}, Amount{60}))),
                ElementsAre(Event{SliceFilled{.number = 1,
                                              .shard = base::ShardId{1},
                                              .block = 8,
                                              .is_contract = false,
                                              .base = token,
                                              .given_asset = dollar,
                                              .given_max = Amount{600},
                                              .given = Amount{590},
                                              .received_asset = token,
                                              .received = Amount{60},
                                              .filled = Amount{60},
                                              .price = base::Price{4'900},
                                              .gas_asset = gas,
                                              .gas = Amount{2},
                                              .at = Timestamp{30}}}));
}

TEST(HedgeNotice, CountsWhatASaleGaveAsNegativeFill) {
    State state = sent(a_sale());
    OrderNotice notice = a_fill(2, Amount{30}, Amount{300});
    std::swap(notice.given_asset, notice.received_asset);
    run(state, note(notice));
    EXPECT_EQ(state.filled, Amount{-30});
}

TEST(HedgeNotice, TakesAContractsFillFromTheNotice) {
    State state = sent(a_short_contract());
    OrderNotice notice = a_notice(1, Finality::final);
    notice.filled = Amount{-25};
    run(state, note(notice));
    EXPECT_EQ(state.filled, Amount{-25});
}

TEST(HedgeNotice, ReleasesWhatARefusedOrderHadInFlight) {
    State state = sent();
    EXPECT_THAT(run(state, note(a_refusal(1))),
                ElementsAre(Event{SliceFailed{.number = 1,
                                              .shard = base::ShardId{1},
                                              .block = 8,
                                              .reason = ShardRefusal::reverted,
                                              .given_asset = dollar,
                                              .given_max = Amount{600},
                                              .gas_asset = gas,
                                              .gas = Amount{1},
                                              .at = Timestamp{30}}}));
}

TEST(HedgeNotice, TreatsARefusalThatIsNotFinalAsUnknown) {
    State state = sent();
    OrderNotice notice = a_refusal(1);
    notice.finality = Finality::seen;
    EXPECT_THAT(run(state, note(notice)), IsEmpty());
}

TEST(HedgeNotice, NeverChangesAFinalWord) {
    State state = sent();
    run(state, note(a_fill(1, Amount{590}, Amount{60})));
    EXPECT_THAT(run(state, note(a_fill(1, Amount{590}, Amount{60}))), IsEmpty());
    EXPECT_THAT(run(state, note(a_notice(1, Finality::included))), IsEmpty());
    EXPECT_THAT(run(state, note(a_notice(1, Finality::unseen, 0))), IsEmpty());
}

TEST(HedgeNotice, IgnoresThatAnUnsentSliceIsUnknown) {
    State state = planned();
    EXPECT_THAT(run(state, note(a_notice(1, Finality::unseen, 0))), IsEmpty());
}

struct Ending {
    const char* claim;
    std::vector<OrderNotice> notices;
    HedgeOutcome outcome;
    Amount filled;
};

TEST(HedgeFinish, SaysHowMuchWasFilledWhenTheLastOrderHasItsFinalWord) {
    const Ending endings[] = {
        {"all of it",
         {a_fill(1, Amount{600}, Amount{60}), a_fill(2, Amount{390}, Amount{40})},
         HedgeOutcome::filled,
         Amount{100}},
        {"a slice in part",
         {a_fill(1, Amount{600}, Amount{60}), a_fill(2, Amount{100}, Amount{10})},
         HedgeOutcome::partly_filled,
         Amount{70}},
        {"a slice refused",
         {a_refusal(1), a_fill(2, Amount{390}, Amount{40})},
         HedgeOutcome::partly_filled,
         Amount{40}},
        {"nothing", {a_refusal(2), a_refusal(1)}, HedgeOutcome::unfilled, Amount{0}},
    };
    for (const Ending& ending : endings) {
        SCOPED_TRACE(ending.claim);
        State state = sent();
        EXPECT_EQ(count<HedgeFinished>(run(state, note(ending.notices[0]))), 0U);
        const auto events = run(state, note(ending.notices[1]));
        EXPECT_EQ(events.back(),
                  Event(HedgeFinished{
                      .outcome = ending.outcome, .filled = ending.filled, .at = Timestamp{30}}));
    }
}

TEST(HedgeFinish, ComesWithTheLastReceiptAfterTheDeadline) {
    State state = planned();
    run(state, Advance{.now = Timestamp{10}});
    run(state, Advance{.now = Timestamp{70}});
    EXPECT_EQ(count<HedgeFinished>(run(state, note(a_fill(1, Amount{1}, Amount{1}), 80))), 1U);
}

TEST(HedgeCancel, EndsATaskThatSentNothing) {
    State state = planned();
    EXPECT_THAT(run(state, CancelHedge{.at = Timestamp{5}}),
                ElementsAre(Event{HedgeCancelled{.at = Timestamp{5}}},
                            Event{HedgeFinished{.outcome = HedgeOutcome::unfilled,
                                                .filled = Amount{0},
                                                .at = Timestamp{5}}}));
}

TEST(HedgeCancel, WaitsForWhatWasSentAndSendsNothingMore) {
    State state = planned();
    run(state, Advance{.now = Timestamp{10}});
    EXPECT_EQ(count<HedgeFinished>(run(state, CancelHedge{.at = Timestamp{15}})), 0U);
    EXPECT_THAT(run(state, Advance{.now = Timestamp{25}}), IsEmpty());
    EXPECT_EQ(count<HedgeFinished>(run(state, note(a_refusal(1)))), 1U);
}

TEST(HedgeCancel, AddsNothingTheSecondTime) {
    State state = planned();
    run(state, CancelHedge{.at = Timestamp{5}});
    EXPECT_THAT(run(state, CancelHedge{.at = Timestamp{6}}), IsEmpty());
}

TEST(HedgeEffects, HandOutTheWholeOrderAndTheNextWake) {
    State state = planned();
    const auto events = run(state, Advance{.now = Timestamp{10}});
    ShardOrder order;
    order.ref = {.origin = task, .number = 1};
    order.shard = base::ShardId{1};
    order.kind = OrderKind::swap;
    order.instrument = base::InstrumentId{4};
    order.quantity = Amount{60};
    order.bound = base::Price{5'000};
    order.deadline = Timestamp{60};
    EXPECT_THAT(effects_of(state, events.at(0)),
                ElementsAre(Effect{SendOrder{order}}, Effect{WakeAt{Timestamp{20}}}));
}

TEST(HedgeEffects, WakeAtTheDeadlineWhenTheNextSliceComesTooLate) {
    PlanHedge plan = a_plan();
    plan.slices[1].send_at = Timestamp{90};
    State state = planned(plan);
    run(state, Advance{.now = Timestamp{10}});
    EXPECT_THAT(outstanding(state), testing::Contains(Effect{WakeAt{.at = Timestamp{60}}}));
}

TEST(HedgeEffects, ReportTheEndForEver) {
    State state = planned();
    run(state, CancelHedge{.at = Timestamp{5}});
    EXPECT_THAT(outstanding(state),
                ElementsAre(Effect{ReportFinished{.task = task, .filled = Amount{0}}}));
}

struct Refusal {
    Reject reject;
    State state;
    Command command;
};

template <class Change>
Command changed(PlanHedge plan, Change change) {
    change(plan);
    return plan;
}

template <class Change>
Command changed(OrderNotice notice, Change change) {
    change(notice);
    return note(notice);
}

// In order of precedence: each command also breaks a later rule where it can.
TEST(HedgeReject, IsGivenForEachBrokenCondition) {
    const Refusal refusals[] = {
        {Reject::planned_differently, planned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.quantity = Amount{0}; })},
        {Reject::quantity_must_not_be_zero, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.quantity = Amount{0}, plan.slices = {}; })},
        {Reject::slices_out_of_range, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.slices = {}; })},
        {Reject::slices_out_of_range, unplanned(),
         changed(a_plan(),
                 [](PlanHedge& plan) { plan.slices.resize(base::limits::slices_max + 1); })},
        {Reject::costs_must_match_slices, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.cost_max.pop_back(); })},
        {Reject::costs_must_match_slices, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.cost_max[1] = Amount{0}; })},
        {Reject::costs_must_match_slices, unplanned(),
         changed(a_sale(), [](PlanHedge& plan) { plan.cost_max[1] = Amount{39}; })},
        {Reject::slices_must_share_sign, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.slices[1].quantity = Amount{-40}; })},
        {Reject::slices_must_sum_to_quantity, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.slices[1].quantity = Amount{41}; })},
        {Reject::slices_must_sum_to_quantity, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.slices[1].quantity = Amount{INT64_MAX}; })},
        {Reject::deadline_must_follow, unplanned(),
         changed(a_plan(), [](PlanHedge& plan) { plan.deadline = plan.at; })},
        {Reject::task_is_not_planned, unplanned(), Advance{}},
        {Reject::task_is_not_planned, unplanned(), CancelHedge{}},
        {Reject::task_is_not_planned, unplanned(), note(a_refusal(1))},
    };
    for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(name_of(refusal.reject));
        const Decision decision = decide(refusal.state, refusal.command);
        ASSERT_FALSE(decision.has_value());
        EXPECT_EQ(decision.error(), refusal.reject);
    }
}

TEST(HedgeReject, IsGivenForEachNoticeThatContradictsItsOrder) {
    const OrderNotice fill = a_fill(1, Amount{590}, Amount{60});
    State ended = sent();
    run(ended, note(fill));
    const Refusal refusals[] = {
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.ref.origin.id += 1; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.ref.number = 0; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.ref.number = 3; })},
        {{}, planned(), note(fill)},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.given = Amount{601}; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.given = Amount{-1}; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.received = Amount{61}; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.received = Amount{-1}; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.gas = Amount{-1}; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.given_asset = token; })},
        {{}, sent(), changed(fill, [](OrderNotice& n) { n.received_asset = dollar; })},
        {{}, sent(), changed(a_refusal(1), [](OrderNotice& n) { n.given = Amount{1}; })},
        {{}, ended, note(a_refusal(1))},
        {{}, ended, note(a_fill(1, Amount{589}, Amount{60}))},
        {{},
         sent(a_short_contract()),
         changed(a_notice(1, Finality::final), [](OrderNotice& n) { n.filled = Amount{1}; })},
        {{},
         sent(a_short_contract()),
         changed(a_notice(1, Finality::final), [](OrderNotice& n) { n.filled = Amount{-61}; })},
        {{},
         sent(a_short_contract()),
         changed(a_notice(1, Finality::final), [](OrderNotice& n) { n.given = Amount{1}; })},
    };
    for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(&refusal - refusals);
        const Decision decision = decide(refusal.state, refusal.command);
        ASSERT_FALSE(decision.has_value());
        EXPECT_EQ(decision.error(), Reject::notice_contradicts_order);
    }
}

// At a price of 9.9 a unit, which is no worse than the bound, with gas of 2.
NoteOrder believed(OrderNotice notice) {
    notice.price = base::Price{9'900'000'000};
    NoteOrder command = note(notice);
    command.belief = {
        .gas_max = Amount{2}, .received_max = Amount{1'000}, .scales = Belief::Scales{}};
    return command;
}

State priced(PlanHedge plan) {
    plan.bound = base::Price{(plan.quantity.v > 0 ? 10'000'000'000 : 9'000'000'000)};
    return sent(plan);
}

OrderNotice sold(Amount given, Amount received) {
    OrderNotice notice = a_fill(1, given, received);
    std::swap(notice.given_asset, notice.received_asset);
    return notice;
}

// Goal: what no shard can have done and no books can hold is not booked, and is told as such.
TEST(HedgeReject, IsGivenForFiguresThatNobodyCanBelieve) {
    const auto changed_by = [](NoteOrder command, auto change) {
        change(command);
        return command;
    };
    const NoteOrder bought = believed(a_fill(1, Amount{594}, Amount{60}));
    const NoteOrder sale = believed(sold(Amount{60}, Amount{594}));
    EXPECT_TRUE(decide(priced(a_plan()), bought).has_value());
    EXPECT_TRUE(decide(priced(a_sale()), sale).has_value());
    const Refusal refusals[] = {
        {{}, priced(a_plan()), changed_by(bought, [](auto& c) { c.notice.gas = Amount{3}; })},
        {{}, priced(a_plan()), changed_by(bought, [](auto& c) { c.notice.gas.v = INT64_MAX; })},
        {{},
         priced(a_plan()),
         changed_by(believed(a_refusal(1)), [](auto& c) { c.notice.gas.v = INT64_MAX; })},
        {{}, priced(a_plan()), changed_by(bought, [](auto& c) { c.notice.price = {}; })},
        {{}, priced(a_plan()), changed_by(bought, [](auto& c) { c.notice.price.v = INT64_MIN; })},
        {{}, priced(a_plan()), changed_by(bought, [](auto& c) { c.notice.given = Amount{300}; })},
        {{}, priced(a_plan()), changed_by(bought, [](auto& c) { c.notice.received = {}; })},
        {{},
         priced(a_plan()),
         changed_by(bought, [](auto& c) { c.belief.received_max = Amount{59}; })},
        {{}, priced(a_sale()), changed_by(sale, [](auto& c) { c.notice.received = {}; })},
        {{}, priced(a_sale()), changed_by(sale, [](auto& c) { c.notice.received = Amount{700}; })},
        {{},
         priced(a_sale()),
         changed_by(sale,
                    [](auto& c) {
                        c.belief = {};
                        c.notice.received.v = INT64_MAX;
                    })},
    };
    for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(&refusal - refusals);
        const Decision decision = decide(refusal.state, refusal.command);
        ASSERT_FALSE(decision.has_value());
        EXPECT_EQ(decision.error(), Reject::figures_incredible);
        EXPECT_TRUE(accuses_shard(decision.error()));
    }
}

}  // namespace
}  // namespace crossclear::ledger::hedge
