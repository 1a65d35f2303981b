#include "ledger/withdrawal/machine.hpp"

#include "tests/support/event_round_trip.hpp"
#include "tests/support/machine_laws.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::ledger::withdrawal {
namespace {

using base::Amount;
using base::Timestamp;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::AccountId account = base::account_id(base::BrokerId{0}, 17);
constexpr base::EntityId own_id{.kind = base::EntityKind::withdrawal, .id = account.v, .sub = 2};
constexpr base::EntityId instruction_id{
    .kind = base::EntityKind::instruction, .id = account.v, .sub = 2};

/// Due at 100.
StartWithdrawal a_start() {
    return StartWithdrawal{.account = account,
                           .number = 2,
                           .asset = base::AssetId{3},
                           .amount = Amount{50},
                           .shard = base::ShardId{1},
                           .destination = "0xabc",
                           .not_before = Timestamp{100},
                           .at = Timestamp{10}};
}

Review a_review(std::int64_t now = 100) {
    return Review{.now = Timestamp{now}, .is_gate_open = true, .is_covered = true};
}

NoteInstruction settled() {
    return NoteInstruction{
        .is_settled = true, .reason = ShardRefusal::none, .block = 8, .at = Timestamp{200}};
}

NoteInstruction refused() {
    return NoteInstruction{
        .is_settled = false, .reason = ShardRefusal::unsupported, .block = 0, .at = Timestamp{200}};
}

State unstarted() { return State{.id = own_id}; }

std::vector<Event> run(State& state, const Command& command) {
    const Decision decision = decide(state, command);
    EXPECT_TRUE(decision.has_value()) << name_of(decision.error());
    for (const Event& event : *decision) apply(state, event);
    return *decision;
}

State after(const std::vector<Command>& commands) {
    State state = unstarted();
    for (const Command& command : commands) run(state, command);
    return state;
}

State queued() { return after({a_start()}); }
State approved() { return after({a_start(), a_review()}); }
State completed() { return after({a_start(), a_review(), settled()}); }
State cancelled() { return after({a_start(), CancelWithdrawal{.at = Timestamp{20}}}); }

TEST(WithdrawalStart, QueuesAndAsksForAReviewAfterItsDelay) {
    EXPECT_THAT(outstanding(queued()), ElementsAre(Effect{ReviewAt{.at = Timestamp{100}}}));
}

TEST(WithdrawalStart, AddsNothingWhenItComesAgain) {
    State state = queued();
    StartWithdrawal again = a_start();
    again.at = Timestamp{11};
    EXPECT_THAT(run(state, again), IsEmpty());
}

TEST(WithdrawalReview, ApprovesOnceDueOpenAndCovered) {
    State state = queued();
    EXPECT_THAT(run(state, a_review()), ElementsAre(Event{WithdrawalApproved{Timestamp{100}}}));
}

TEST(WithdrawalReview, AsksForOneInstructionUnderItsOwnNumber) {
    EXPECT_THAT(outstanding(approved()),
                ElementsAre(Effect{OpenInstruction{.instruction = instruction_id,
                                                   .withdrawal = own_id,
                                                   .asset = base::AssetId{3},
                                                   .amount = Amount{50},
                                                   .shard = base::ShardId{1},
                                                   .destination = "0xabc"}}));
}

TEST(WithdrawalReview, ApprovesOnlyOnce) {
    State state = approved();
    EXPECT_THAT(run(state, a_review(101)), IsEmpty());
}

TEST(WithdrawalReview, DoesNotReviveWhatWasCancelled) {
    State state = cancelled();
    EXPECT_THAT(run(state, a_review()), IsEmpty());
}

TEST(WithdrawalEnd, IsPaidWhenItsInstructionSettled) {
    State state = approved();
    EXPECT_THAT(run(state, settled()),
                ElementsAre(Event{WithdrawalCompleted{.block = 8, .at = Timestamp{200}}}));
    EXPECT_THAT(outstanding(state),
                ElementsAre(Effect{TellPaid{.account = account, .number = 2, .block = 8}}));
}

TEST(WithdrawalEnd, IsDroppedWhenItsInstructionWasCompensated) {
    State state = approved();
    EXPECT_THAT(run(state, refused()),
                ElementsAre(Event{
                    WithdrawalDropped{.reason = ShardRefusal::unsupported, .at = Timestamp{200}}}));
    EXPECT_THAT(outstanding(state),
                ElementsAre(Effect{TellDropped{
                    .account = account, .number = 2, .reason = ShardRefusal::unsupported}}));
}

TEST(WithdrawalEnd, IsToldUntilTheAccountHasBookedIt) {
    State state = completed();
    EXPECT_THAT(run(state, settled()), IsEmpty());
    EXPECT_THAT(run(state, AcknowledgeEnd{}), ElementsAre(Event{EndAcknowledged{}}));
    EXPECT_THAT(outstanding(state), IsEmpty());
    EXPECT_THAT(run(state, AcknowledgeEnd{}), IsEmpty());
}

TEST(WithdrawalCancel, DropsWhatWasNotApproved) {
    State state = queued();
    EXPECT_THAT(
        run(state, CancelWithdrawal{.at = Timestamp{20}}),
        ElementsAre(Event{WithdrawalDropped{.reason = ShardRefusal::none, .at = Timestamp{20}}}));
}

TEST(WithdrawalCancel, AddsNothingTheSecondTime) {
    State state = cancelled();
    EXPECT_THAT(run(state, CancelWithdrawal{.at = Timestamp{21}}), IsEmpty());
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

// In order of precedence: each command also breaks a later rule where it can.
TEST(WithdrawalReject, IsGivenForEachBrokenCondition) {
    const Refusal refusals[] = {
        {Reject::started_differently, queued(),
         changed(a_start(), [](auto& c) { c.amount = Amount{0}; })},
        {Reject::identity_must_match, unstarted(),
         changed(a_start(), [](auto& c) { c.number = 3, c.amount = Amount{0}; })},
        {Reject::identity_must_match, unstarted(),
         changed(a_start(), [](auto& c) { c.account.v += 1; })},
        {Reject::amount_must_be_positive, unstarted(),
         changed(a_start(), [](auto& c) { c.amount = Amount{0}, c.destination.clear(); })},
        {Reject::destination_is_missing, unstarted(),
         changed(a_start(), [](auto& c) { c.destination.clear(); })},
        {Reject::withdrawal_is_not_started, unstarted(), a_review()},
        {Reject::withdrawal_is_not_started, unstarted(), settled()},
        {Reject::withdrawal_is_not_started, unstarted(), CancelWithdrawal{}},
        {Reject::withdrawal_is_not_started, unstarted(), AcknowledgeEnd{}},
        {Reject::not_yet_due, queued(),
         changed(a_review(99), [](auto& c) { c.is_gate_open = false; })},
        {Reject::gate_is_closed, queued(),
         changed(a_review(), [](auto& c) { c.is_gate_open = false, c.is_covered = false; })},
        {Reject::not_covered, queued(), changed(a_review(), [](auto& c) { c.is_covered = false; })},
        {Reject::already_approved, approved(), CancelWithdrawal{}},
        {Reject::already_ended, completed(), CancelWithdrawal{}},
        {Reject::instruction_was_not_asked_for, queued(), settled()},
        {Reject::ended_differently, completed(), refused()},
        {Reject::ended_differently, cancelled(), settled()},
        {Reject::not_ended_yet, queued(), AcknowledgeEnd{}},
        {Reject::not_ended_yet, approved(), AcknowledgeEnd{}},
    };
    for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(name_of(refusal.reject));
        const Decision decision = decide(refusal.state, refusal.command);
        ASSERT_FALSE(decision.has_value());
        EXPECT_EQ(decision.error(), refusal.reject) << name_of(decision.error());
    }
}

struct WithdrawalTraits : tests::MachineTraits<State, Command, Event, Effect> {
    static base::EntityId entity() {
        return {.kind = base::EntityKind::withdrawal, .id = 1, .sub = 1};
    }
    static std::string encode(const Event& event) { return tests::payload_of(entity(), event); }
    static Event decode(const std::string& payload) { return tests::event_of<Event>(payload); }
    static State initial() { return unstarted(); }

    static Command random_command(base::Rng& rng, const State&) {
        const Timestamp now{static_cast<std::int64_t>(rng.below(200))};
        switch (rng.below(6)) {
            case 0:
                return a_start();
            case 1:
            case 2:
                return Review{
                    .now = now, .is_gate_open = rng.below(3) > 0, .is_covered = rng.below(3) > 0};
            case 3:
                return rng.below(2) == 0 ? settled() : refused();
            case 4:
                if (rng.below(8) == 0) return CancelWithdrawal{.at = now};
                return a_review(now.us);
            default:
                return AcknowledgeEnd{};
        }
    }

    /// Found from the phase alone, not by asking `outstanding`.
    static bool is_answered(const State& state, const Effect& effect) {
        if (std::holds_alternative<ReviewAt>(effect)) return state.phase != Phase::queued;
        if (std::holds_alternative<OpenInstruction>(effect)) {
            return state.phase != Phase::approved;
        }
        return state.is_acknowledged;
    }
};

MACHINE_LAWS(Withdrawal, WithdrawalTraits);

}  // namespace
}  // namespace crossclear::ledger::withdrawal
