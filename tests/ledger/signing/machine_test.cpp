#include "ledger/signing/machine.hpp"

#include "base/limits.hpp"
#include "tests/ledger/signing/builders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::ledger::signing {
namespace {

using namespace builders;
using base::Timestamp;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t n = first_nonce;

template <class E>
const E& only(const std::vector<Event>& events) {
    EXPECT_EQ(events.size(), 1U);
    return std::get<E>(events.at(0));
}

State sent() { return after({an_intent(1), a_signature(n)}); }
State included() { return after({an_intent(1), a_signature(n), an_inclusion(n, 50)}); }

TEST(SigningOpen, BeginsWhereTheKeyStands) {
    EXPECT_EQ(after({}).next_nonce, n);
    State state = after({});
    EXPECT_THAT(run(state, an_opening()), IsEmpty()) << "each start says so again";
}

TEST(SigningOpen, DoesNotShareAKey) {
    OpenLane busy = an_opening();
    busy.pending_nonce = n + 1;
    EXPECT_EQ(refusal_of(a_lane(), busy), Reject::key_is_in_use);
}

TEST(SigningOpen, GoesToNoOtherChain) {
    OpenLane other = an_opening();
    other.chain_id = 1;
    EXPECT_EQ(refusal_of(after({}), other), Reject::chain_is_another);
    other = an_opening();
    other.genesis = hash_of(2);
    EXPECT_EQ(refusal_of(after({}), other), Reject::chain_is_another);
}

TEST(SigningOpen, ChangesItsKeyOnceNothingIsUnfinished) {
    OpenLane rotated = an_opening();
    rotated.key = {9};
    rotated.final_nonce = rotated.pending_nonce = 0;
    EXPECT_EQ(refusal_of(sent(), rotated), Reject::key_has_unfinished);
    State state = after({an_intent(1), a_signature(n), an_inclusion(n, 50), a_final(50, n + 1)});
    run(state, rotated);
    EXPECT_EQ(state.next_nonce, 0U);
    EXPECT_EQ(state.key, rotated.key);
}

TEST(SigningIntent, GetsTheNextNonceAndIsSigned) {
    State state = after({an_intent(1)});
    EXPECT_EQ(nonce_of(state, ref_of(1)), n);
    EXPECT_THAT(outstanding(state), ElementsAre(Effect{Sign{.nonce = n,
                                                            .number = 0,
                                                            .chain_id = 31'337,
                                                            .to = {2},
                                                            .data = "call",
                                                            .gas_limit = 90'000,
                                                            .fees = usual}}));
    run(state, an_intent(2));
    EXPECT_EQ(nonce_of(state, ref_of(2)), n + 1);
}

TEST(SigningIntent, HasOneNonceHoweverOftenItIsAskedFor) {
    State state = after({an_intent(1)});
    EXPECT_THAT(run(state, an_intent(1)), IsEmpty());
    TakeIntent other = an_intent(1);
    other.body = 99;
    EXPECT_EQ(refusal_of(state, other), Reject::ref_reused_with_other_body);
}

TEST(SigningIntent, IsRefusedWhereItCannotBeTaken) {
    EXPECT_EQ(refusal_of(a_lane(), an_intent(1)), Reject::lane_is_not_open);
    TakeIntent bad = an_intent(1);
    bad.data.assign(base::limits::signing_call_bytes_max + 1, 'x');
    EXPECT_EQ(refusal_of(after({}), bad), Reject::call_is_too_long);
    bad = an_intent(1);
    bad.fees = {.tip_wei = 2, .fee_wei = 1};
    EXPECT_EQ(refusal_of(after({}), bad), Reject::fees_are_inverted);
    State full = after({});
    for (std::uint32_t i = 0; i < base::limits::signing_slots_max; ++i) run(full, an_intent(i));
    EXPECT_EQ(refusal_of(full, an_intent(1'000)), Reject::lane_is_full);
}

// Goal: nothing is sent that the journal does not have.
TEST(SigningSend, SendsWhatIsWrittenDownAndNothingElse) {
    State state = sent();
    EXPECT_THAT(outstanding(state),
                ElementsAre(Effect{Broadcast{
                    .nonce = n, .number = 0, .hash = signed_hash(n, 0), .raw = "raw 5.0"}}));
    NoteSigned other = a_signature(n);
    other.hash = hash_of(77);
    other.raw = "another signature over the same fields";
    EXPECT_EQ(refusal_of(state, other), Reject::transaction_differs);
    EXPECT_THAT(run(state, a_signature(n)), IsEmpty());
    EXPECT_EQ(refusal_of(state, a_signature(n, 1)), Reject::no_such_transaction);
    EXPECT_EQ(refusal_of(state, a_signature(n + 1)), Reject::no_such_transaction);
}

TEST(SigningReplace, OffersATenthMoreOfBothAndWhatTheMarketAsks) {
    State state = sent();
    const auto planned = only<TransactionPlanned>(run(state, a_dearer_market()));
    EXPECT_EQ(planned.purpose, Purpose::effect);
    EXPECT_EQ(planned.fees, (Fees{.tip_wei = 111, .fee_wei = 12'000}));
    EXPECT_THAT(run(state, a_dearer_market(900'000'000)), IsEmpty()) << "it is not signed yet";
    run(state, a_signature(n, 1));
    EXPECT_THAT(outstanding(state),
                ElementsAre(Effect{Broadcast{
                    .nonce = n, .number = 1, .hash = signed_hash(n, 1), .raw = "raw 5.1"}}));
    EXPECT_TRUE(state.slots.at(n).transactions.front().raw.empty()) << "its hash is enough";
}

TEST(SigningReplace, WaitsItsTimeAndLeavesWhatOffersEnough) {
    State state = sent();
    EXPECT_THAT(run(state, a_dearer_market(29'999'999)), IsEmpty());
    Review cheap = a_dearer_market();
    cheap.enough = usual;
    EXPECT_THAT(run(state, cheap), IsEmpty()) << "it is slow, not stuck";
    State done = included();
    EXPECT_THAT(run(done, a_dearer_market()), IsEmpty());
}

TEST(SigningReplace, NeverExceedsItsCap) {
    State state = sent();
    Review review = a_dearer_market();
    review.offer.fee_wei = 90'000;
    const auto planned = only<TransactionPlanned>(run(state, review));
    EXPECT_EQ(planned.fees.fee_wei, most.fee_wei);
    run(state, a_signature(n, 1));
    review.enough.fee_wei = 90'000;
    review.at = Timestamp{500'000'000};
    EXPECT_THAT(run(state, review), IsEmpty());
    EXPECT_TRUE(is_at_limit(state.slots.at(n), most));
}

TEST(SigningReplace, CountsItsTransactions) {
    State state = after({an_intent(1), a_signature(n)});
    Review review = a_dearer_market();
    review.max = {.tip_wei = 1'000'000, .fee_wei = 1'000'000'000};
    review.enough.fee_wei = 900'000'000;
    for (std::uint32_t i = 1; i < base::limits::signing_transactions_max; ++i) {
        review.at = review.at + base::seconds(40);
        ASSERT_EQ(run(state, review).size(), 1U) << i;
        run(state, a_signature(n, i));
    }
    review.at = review.at + base::seconds(40);
    EXPECT_THAT(run(state, review), IsEmpty());
}

// Goal: a cancel that was sent decides nothing; the one that is in a block does.
TEST(SigningCancel, FollowsADeadlineAndTakesThePlaceOfNothingUntilItIsFinal) {
    State state = sent();
    Review late = a_dearer_market(deadline.us + 1);
    const auto planned = only<TransactionPlanned>(run(state, late));
    EXPECT_EQ(planned.purpose, Purpose::cancel);
    EXPECT_EQ(planned.why, ShardRefusal::expired);
    const auto owed = outstanding(state);
    ASSERT_EQ(owed.size(), 2U);
    EXPECT_EQ(std::get<Sign>(owed[0]).to, state.key);
    EXPECT_TRUE(std::get<Sign>(owed[0]).data.empty());
    EXPECT_EQ(std::get<Sign>(owed[0]).gas_limit, 50'000U) << "as the chain has it";
    run(state, a_signature(n, 1));
    // The effect was faster.
    run(state, an_inclusion(n, 60, 0));
    EXPECT_EQ(only<NonceFinished>(run(state, a_final(60, n + 1))).number, 0U);
}

TEST(SigningCancel, FillsTheNonceOfWhatTheSignerForbids) {
    State state = after({an_intent(1), an_intent(2)});
    const auto events =
        run(state,
            NoteSignerRefused{.nonce = n, .number = 0, .cancel_gas = 50'000, .at = Timestamp{20}});
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(std::get<TransactionPlanned>(events[1]).purpose, Purpose::cancel);
    EXPECT_EQ(std::get<TransactionPlanned>(events[1]).why, ShardRefusal::unsupported);
    EXPECT_THAT(
        run(state,
            NoteSignerRefused{.nonce = n, .number = 0, .cancel_gas = 50'000, .at = Timestamp{21}}),
        IsEmpty());
}

TEST(SigningCancel, ThatIsForbiddenTooHaltsTheLaneUntilTheSignerIsAskedAgain) {
    State state = after(
        {an_intent(1), NoteSignerRefused{.nonce = n, .number = 0, .cancel_gas = 50'000, .at = {}},
         NoteSignerRefused{.nonce = n, .number = 1, .cancel_gas = 50'000, .at = {}}});
    EXPECT_EQ(state.halt, Halt::signer_refuses);
    EXPECT_THAT(outstanding(state), IsEmpty());
    const auto events = run(
        state, ResumeLane{.final_block = 60, .final_nonce = n, .reason = "rule added", .at = {}});
    EXPECT_EQ(effects_of(state, events.back()), outstanding(state));
    ASSERT_EQ(outstanding(state).size(), 1U);
    EXPECT_EQ(std::get<Sign>(outstanding(state).front()).number, 1U);
}

TEST(SigningReplace, ThatIsForbiddenLeavesTheFirstOnItsWay) {
    State state = sent();
    run(state, a_dearer_market());
    run(state, NoteSignerRefused{.nonce = n, .number = 1, .cancel_gas = 50'000, .at = {}});
    EXPECT_EQ(state.halt, Halt::none);
    EXPECT_THAT(outstanding(state),
                ElementsAre(Effect{Broadcast{
                    .nonce = n, .number = 0, .hash = signed_hash(n, 0), .raw = "raw 5.0"}}));
    EXPECT_THAT(run(state, a_dearer_market(900'000'000)), IsEmpty());
}

TEST(SigningInclusion, IsTakenBackWithItsBlock) {
    State state = included();
    EXPECT_THAT(outstanding(state), IsEmpty());
    EXPECT_THAT(run(state, NoteUndone{.nonce = n, .block_hash = hash_of(3), .at = {}}), IsEmpty());
    const auto events =
        run(state, NoteUndone{.nonce = n, .block_hash = hash_of(900'050), .at = {}});
    only<InclusionUndone>(events);
    EXPECT_EQ(effects_of(state, events.front()), outstanding(state)) << "it is sent again";
    EXPECT_EQ(outstanding(state).size(), 1U);
}

TEST(SigningInclusion, InAnotherBlockUndoesTheFirst) {
    State state = included();
    EXPECT_THAT(run(state, an_inclusion(n, 50)), IsEmpty());
    EXPECT_EQ(run(state, an_inclusion(n, 51)).size(), 2U);
    EXPECT_EQ(refusal_of(state, an_inclusion(n + 9, 51)), Reject::hash_is_not_ours);
}

TEST(SigningFinal, FinishesInTheOrderOfNonces) {
    State state = after({an_intent(1), an_intent(2), a_signature(n), a_signature(n + 1),
                         an_inclusion(n, 50), an_inclusion(n + 1, 52)});
    EXPECT_THAT(run(state, a_final(49, n)), IsEmpty());
    EXPECT_EQ(only<NonceFinished>(run(state, a_final(51, n + 1))).nonce, n);
    EXPECT_EQ(only<NonceFinished>(run(state, a_final(52, n + 2))).nonce, n + 1);
    EXPECT_TRUE(state.slots.empty());
}

// Goal: the one thing that frees a nonce for another effect is a final transaction that is not
// ours, and even then an operator looks first.
TEST(SigningHalt, ANonceUsedElsewhereStopsTheLane) {
    State state = after({an_intent(1), an_intent(2), a_signature(n), a_signature(n + 1)});
    const auto halted = only<LaneHalted>(run(state, a_final(60, n + 1)));
    EXPECT_EQ(halted.reason, Halt::nonce_used_elsewhere);
    EXPECT_EQ(halted.nonce, n);
    EXPECT_THAT(outstanding(state), IsEmpty());
    EXPECT_EQ(refusal_of(state, an_intent(3)), Reject::lane_is_halted);
    EXPECT_EQ(refusal_of(state, a_dearer_market()), Reject::lane_is_halted);
    EXPECT_THAT(run(state, a_final(61, n + 1)), IsEmpty()) << "said once";
    EXPECT_EQ(
        refusal_of(state,
                   ResumeLane{.final_block = 60, .final_nonce = n + 1, .reason = "", .at = {}}),
        Reject::reason_is_missing);

    const auto events =
        run(state,
            ResumeLane{.final_block = 60, .final_nonce = n + 1, .reason = "an old tool", .at = {}});
    EXPECT_EQ(std::get<NonceForfeited>(events.front()).nonce, n);
    EXPECT_EQ(nonce_of(state, ref_of(1)), std::nullopt);
    EXPECT_EQ(nonce_of(state, ref_of(2)), n + 1) << "its nonce is still its own";
    run(state, an_intent(1));
    EXPECT_EQ(nonce_of(state, ref_of(1)), n + 2);
    EXPECT_EQ(
        refusal_of(state,
                   ResumeLane{.final_block = 60, .final_nonce = n, .reason = "again", .at = {}}),
        Reject::lane_is_not_halted);
}

TEST(SigningHalt, ANonceAheadOfUsIsUsedElsewhereToo) {
    State state = after({});
    EXPECT_EQ(only<LaneHalted>(run(state, a_final(60, n + 3))).nonce, n);
    run(state,
        ResumeLane{
            .final_block = 60, .final_nonce = n + 3, .reason = "a test of the key", .at = {}});
    EXPECT_EQ(state.next_nonce, n + 3);
}

TEST(SigningHalt, OursThatAreFinalAreFinishedBeforeItGoesOn) {
    State state = after({an_intent(1), a_signature(n), an_inclusion(n, 50),
                         HaltLane{.reason = Halt::signer_altered, .nonce = n, .at = {}}});
    const ResumeLane resume{.final_block = 49, .final_nonce = n + 1, .reason = "looked", .at = {}};
    EXPECT_EQ(refusal_of(state, resume), Reject::final_is_behind);
    only<NonceFinished>(run(state, a_final(50, n + 1)));
    run(state, resume);
    EXPECT_EQ(state.halt, Halt::none);
}

// Goal: a nonce that others have used keeps those behind it from being finished, and the operator
// from nothing.
TEST(SigningHalt, OursBehindOneUsedElsewhereAreFinishedWhenItGoesOn) {
    State state =
        after({an_intent(1), an_intent(2), an_intent(3), a_signature(n), a_signature(n + 1),
               a_signature(n + 2), an_inclusion(n + 1, 50), an_inclusion(n + 2, 70)});
    EXPECT_EQ(only<LaneHalted>(run(state, a_final(60, n + 2))).nonce, n);
    const auto events = run(
        state,
        ResumeLane{.final_block = 60, .final_nonce = n + 2, .reason = "a copied key", .at = {}});
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(std::get<NonceForfeited>(events[0]).nonce, n);
    EXPECT_EQ(std::get<NonceFinished>(events[1]).nonce, n + 1);
    EXPECT_EQ(std::get<NonceFinished>(events[1]).block, 50U);
    EXPECT_EQ(outcome_of(state, ref_of(1)), nullptr);
    ASSERT_NE(outcome_of(state, ref_of(2)), nullptr);
    EXPECT_EQ(nonce_of(state, ref_of(3)), n + 2) << "its block is not final yet";
    EXPECT_EQ(only<NonceFinished>(run(state, a_final(70, n + 3))).nonce, n + 2);
}

TEST(SigningHalt, TheFirstReasonStands) {
    State state = after({HaltLane{.reason = Halt::other_chain, .nonce = 0, .at = {}}});
    EXPECT_THAT(run(state, HaltLane{.reason = Halt::contract_changed, .nonce = 0, .at = {}}),
                IsEmpty());
    EXPECT_EQ(state.halt, Halt::other_chain);
}

// Goal: who was not told how its order ended, because we died in between, can still ask.
TEST(SigningOutcome, IsRemembered) {
    State state = after({an_intent(1), an_intent(2), a_signature(n), a_signature(n + 1),
                         an_inclusion(n, 50), an_inclusion(n + 1, 51)});
    run(state, a_final(50, n + 1));
    const Outcome* outcome = outcome_of(state, ref_of(1));
    ASSERT_NE(outcome, nullptr);
    EXPECT_EQ(*outcome, (Outcome{.ref = ref_of(1),
                                 .body = 1,
                                 .nonce = n,
                                 .block = 50,
                                 .hash = signed_hash(n, 0),
                                 .purpose = Purpose::effect,
                                 .why = ShardRefusal::none}));
    EXPECT_EQ(outcome_of(state, ref_of(2)), nullptr) << "its block is not final";
    EXPECT_THAT(run(state, an_intent(1)), IsEmpty()) << "it has ended: no second nonce";
    auto other = an_intent(1);
    other.body = 99;
    EXPECT_EQ(refusal_of(state, other), Reject::ref_reused_with_other_body);
}

TEST(SigningOutcome, OfTheOldestIsForgotten) {
    State state = after({});
    constexpr auto orders = static_cast<std::uint32_t>(base::limits::signing_outcomes_max) + 1;
    for (std::uint32_t i = 0; i < orders; ++i) {
        run(state, an_intent(i));
        run(state, a_signature(n + i));
        run(state, an_inclusion(n + i, 50 + i));
        run(state, a_final(50 + i, n + i + 1));
    }
    EXPECT_EQ(outcome_of(state, ref_of(0)), nullptr);
    EXPECT_NE(outcome_of(state, ref_of(1)), nullptr);
    EXPECT_NE(outcome_of(state, ref_of(orders - 1)), nullptr);
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

TEST(SigningFees, AreReplacedWithoutOverflow) {
    EXPECT_EQ(replacement_of({.tip_wei = 0, .fee_wei = 100}), (Fees{.tip_wei = 1, .fee_wei = 111}));
    constexpr auto top = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(replacement_of({.tip_wei = top - 1, .fee_wei = top}),
              (Fees{.tip_wei = top, .fee_wei = top}));
}

TEST(SigningBody, TellsOrdersApart) {
    ShardOrder order;
    const auto same = body_hash(order);
    order.quantity = base::Amount{1};
    EXPECT_NE(body_hash(order), same);
    order = {};
    order.destination = "0x1";
    EXPECT_NE(body_hash(order), same);
}

}  // namespace
}  // namespace crossclear::ledger::signing
