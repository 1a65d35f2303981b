#include "app/audit_history.hpp"

#include "app/audit_checks.hpp"
#include "tests/support/builders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

// Goal: whatever happens once is known by each of its events: told twice, or ended in two ways,
// it is a fault, and told of something else it is none.

namespace crossclear::app {
namespace {

namespace account = ledger::account;
namespace hedge = ledger::hedge;
namespace instruction = ledger::instruction;
namespace netting = ledger::netting;
namespace signing = ledger::signing;
namespace withdrawal = ledger::withdrawal;
using base::Amount;
using ledger::Entry;
using ledger::EpochStarted;
using ledger::Finality;
using ::testing::HasSubstr;

constexpr base::PartitionId looked_at{0};
constexpr base::BrokerId the_broker{0};
const base::AccountId the_client = base::account_id(the_broker, 17);
const base::AccountId other_client = tests::another_account();
constexpr base::EntityId of_partition{.kind = base::EntityKind::partition, .id = 0, .sub = 0};

Entry at_account(account::Event event) { return {base::entity_of(the_client), std::move(event)}; }
Entry at_house(netting::Event event) {
    return {base::entity_of(base::EntityKind::netting, the_broker), std::move(event)};
}
Entry at_task(hedge::Event event) {
    return {base::entity_of(base::EntityKind::hedge, the_broker, 1), std::move(event)};
}
Entry at_duty(instruction::Event event) {
    return {base::entity_of(base::EntityKind::instruction, the_broker, 1), std::move(event)};
}
Entry at_withdrawal(withdrawal::Event event) {
    return {{.kind = base::EntityKind::withdrawal, .id = the_client.v, .sub = 1}, std::move(event)};
}

/// A record after another, each of its epoch.
struct Told {
    explicit Told(std::uint64_t first = 1) { begin(first); }

    void begin(std::uint64_t next) {
        epoch = next;
        say({{of_partition, EpochStarted{.epoch = epoch, .at = {}}}});
    }
    void say(const std::vector<Entry>& entries) {
        ledger::journal::Record record;
        record.head.seq = ++seq;
        record.head.record_epoch = epoch;
        is_sound = history.note(record, entries);
    }
    [[nodiscard]] std::vector<Invariant> broken() const {
        std::vector<Invariant> all;
        for (const auto invariant : all_invariants()) {
            if (!findings.of(invariant).violations.empty()) all.push_back(invariant);
        }
        return all;
    }

    AuditFindings findings;
    HistoryChecks history{looked_at, findings};
    std::uint64_t epoch{};
    std::uint64_t seq{};
    bool is_sound{};
};

std::vector<Invariant> broken_by(const std::vector<Entry>& entries) {
    Told told;
    for (const auto& entry : entries) told.say({entry});
    EXPECT_EQ(told.is_sound, told.broken().empty()) << "what is not sound is not folded";
    return told.broken();
}

account::TradeNovated a_matched_trade(std::int64_t quantity, std::uint64_t match) {
    account::TradeNovated trade;
    trade.is_contract = true;
    trade.quantity = Amount{quantity};
    trade.match = match;
    trade.counterparty = other_client;
    return trade;
}

void expect_once(Invariant invariant, const std::vector<Entry>& entries) {
    for (const auto& entry : entries) {
        SCOPED_TRACE(ledger::name_of(entry.event));
        EXPECT_TRUE(broken_by({entry}).empty());
        EXPECT_EQ(broken_by({entry, entry}), std::vector{invariant});
    }
}

void expect_one_of(Invariant invariant, const std::vector<std::pair<Entry, Entry>>& ends) {
    for (const auto& [one, other] : ends) {
        SCOPED_TRACE(std::string{ledger::name_of(one.event)} + ", " + ledger::name_of(other.event));
        EXPECT_EQ(broken_by({one, other}), std::vector{invariant});
    }
}

TEST(AuditHistory, LiquidationsAnswerNobody) {
    account::TradeNovated trade;
    trade.is_liquidation = true;
    EXPECT_TRUE(broken_by({at_account(trade), at_account(trade)}).empty());
    trade.is_liquidation = false;
    EXPECT_FALSE(broken_by({at_account(trade), at_account(trade)}).empty());
}

TEST(AuditHistory, EveryAnswerOfACommandIsGivenOnce) {
    const auto cause = tests::an_id(5);
    account::TradeNovated trade;
    trade.cause = cause;
    account::CommandRefused refused;
    refused.cause = cause;
    account::WithdrawalHeld held;
    held.cause = cause;
    account::CancelRequested asked;
    asked.cause = cause;
    account::TransferSent sent;
    sent.cause = cause;
    account::MatchReserved reserved;
    reserved.cause = cause;
    const std::vector<Entry> answers{at_account(trade), at_account(refused), at_account(held),
                                     at_account(asked), at_account(sent),    at_account(reserved)};
    expect_once(Invariant::one_answer_an_id, answers);
    for (const auto& answer : answers) {
        EXPECT_TRUE(broken_by({answer, {base::entity_of(other_client), answer.event}}).empty())
            << "ids are an account's own";
    }
    expect_one_of(Invariant::one_answer_an_id, {{answers[0], answers[1]}});
}

TEST(AuditHistory, EveryEndOfAClientsSagaComesOnce) {
    const std::vector<Entry> ends{
        at_account(account::WithdrawalPaid{.number = 1, .asset = {}, .amount = {}, .block = 1}),
        at_account(
            account::WithdrawalReturned{.number = 1, .asset = {}, .amount = {}, .reason = {}}),
        at_account(account::TransferDelivered{.number = 1, .to = other_client, .at = {}}),
        at_account(account::TransferReturned{
            .number = 1, .to = other_client, .asset = {}, .amount = {}, .reason = {}, .at = {}}),
        at_account(account::TransferReceived{
            .from = other_client, .number = 1, .asset = {}, .amount = {}, .at = {}}),
        at_account(
            account::TransferDeclined{.from = other_client, .number = 1, .reason = {}, .at = {}}),
        at_account(a_matched_trade(5, 1)),
        at_account(account::MatchAborted{.number = 1,
                                         .seller = other_client,
                                         .changes = {},
                                         .reason = {},
                                         .is_declined = false,
                                         .at = {}}),
        at_account(a_matched_trade(-5, 1)),
        at_account(
            account::MatchDeclined{.buyer = other_client, .number = 1, .reason = {}, .at = {}}),
        at_account(
            account::MatchReleased{.buyer = other_client, .number = 1, .changes = {}, .at = {}}),
    };
    expect_once(Invariant::sagas_end_once, ends);
    expect_one_of(Invariant::sagas_end_once, {{ends[0], ends[1]},
                                              {ends[2], ends[3]},
                                              {ends[4], ends[5]},
                                              {ends[6], ends[7]},
                                              {ends[8], ends[9]},
                                              {ends[8], ends[10]}});
    EXPECT_TRUE(broken_by({ends[0], ends[2], ends[4], ends[6], ends[8]}).empty())
        << "withdrawals, transfers and matched trades, given and taken, are numbered apart";
}

TEST(AuditHistory, NumbersOfOneSenderAreNotThoseOfAnother) {
    account::TransferReceived received;
    received.number = 1;
    received.from = other_client;
    auto of_another = received;
    of_another.from = base::account_id(the_broker, 99);
    auto next = received;
    next.number = 2;
    EXPECT_TRUE(
        broken_by({at_account(received), at_account(of_another), at_account(next)}).empty());
}

TEST(AuditHistory, AContractHasOneLastPrice) {
    const auto fixed = [](std::uint16_t contract) {
        return at_house(netting::PriceFixed{.contract = {contract}, .price = {2}, .at = {}});
    };
    expect_once(Invariant::sagas_end_once, {fixed(1), fixed(2)});
}

// Goal: a position that ended at a price which its house has not fixed is a fault, at rest.
TEST(AuditHistory, EveryPositionEndsAtTheLastPrice) {
    const auto violations = [](std::int64_t fixed, std::int64_t paid, bool is_at_rest = true) {
        account::ContractExpired expired;
        expired.contract = {5};
        expired.price = {paid};
        AuditFindings findings;
        HistoryChecks history{looked_at, findings};
        ledger::journal::Record record;
        record.head.seq = 1;
        EXPECT_TRUE(history.note(record, {at_account(expired)}));
        ledger::Partition partition;
        const auto house = base::entity_of(base::EntityKind::netting, the_broker);
        partition.houses[house].expiries[{5}] = {.phase = netting::PricePhase::fixed,
                                                 .price = {fixed}};
        SagaChecks sagas;
        sagas.add(partition);
        sagas.add(history);
        AuditReport report;
        sagas.finish(is_at_rest, report);
        return report.violations;
    };
    EXPECT_TRUE(violations(7, 7).empty());
    EXPECT_THAT(violations(7, 8), testing::ElementsAre(HasSubstr("a position ended at 8")));
    EXPECT_TRUE(violations(7, 8, false).empty()) << "the house was read before it fixed it";
}

TEST(AuditHistory, EveryEndOfTheBrokersSagasComesOnce) {
    const std::vector<Entry> ends{
        at_house(netting::HedgeClosed{.number = 1, .filled = {}, .notional_cents = 0, .at = {}}),
        at_house(netting::MoveClosed{.number = 1, .is_settled = true, .at = {}}),
        at_task(hedge::HedgeFinished{}),
        at_duty(instruction::InstructionEnded{}),
        at_withdrawal(withdrawal::WithdrawalCompleted{}),
        at_withdrawal(withdrawal::WithdrawalDropped{}),
    };
    expect_once(Invariant::sagas_end_once, ends);
    expect_one_of(Invariant::sagas_end_once, {{ends[4], ends[5]}});
    EXPECT_TRUE(broken_by({ends[0], ends[1], ends[2], ends[3], ends[4]}).empty());
}

TEST(AuditHistory, EveryEffectOfAShardHappensOnce) {
    account::DepositNoted noted;
    noted.deposit = 1;
    noted.finality = Finality::final;
    netting::DepositRecorded recorded;
    recorded.deposit = 1;
    recorded.account = the_client;
    recorded.finality = Finality::final;
    netting::VenueVariation variation;
    variation.number = 1;
    hedge::SliceFilled filled;
    filled.number = 1;
    hedge::SliceFailed failed;
    failed.number = 1;
    instruction::LegFinal done;
    done.leg = 1;
    done.attempt = 2;
    instruction::LegFailed undone;
    undone.leg = 1;
    undone.attempt = 2;
    expect_once(Invariant::effects_happen_once,
                {at_account(noted), at_house(recorded), at_house(variation), at_task(filled),
                 at_task(failed), at_duty(done), at_duty(undone)});
    auto done_again = done;
    done_again.attempt = 3;
    expect_one_of(Invariant::effects_happen_once, {{at_task(filled), at_task(failed)},
                                                   {at_duty(done), at_duty(undone)},
                                                   {at_duty(done), at_duty(done_again)}});

    auto elsewhere = noted;
    elsewhere.shard = base::ShardId{1};
    auto recorded_elsewhere = recorded;
    recorded_elsewhere.shard = base::ShardId{1};
    auto seen = noted;
    seen.finality = Finality::seen;
    auto earlier = undone;
    earlier.attempt = 1;
    EXPECT_TRUE(broken_by({at_account(noted), at_account(elsewhere), at_account(seen),
                           at_account(seen), at_house(recorded), at_house(recorded_elsewhere),
                           at_duty(earlier), at_duty(done)})
                    .empty());
}

TEST(AuditHistory, AnEpochBeginsWhereItSaysSoAndNowhereElse) {
    const std::vector owners{Invariant::owners_go_on};
    Told in_between;
    in_between.say({{of_partition, EpochStarted{.epoch = 1, .at = {}}}});
    EXPECT_EQ(in_between.broken(), owners) << "none begins here";
    Told late;
    late.epoch = 2;
    late.say({at_task(hedge::HedgeFinished{}), {of_partition, EpochStarted{.epoch = 2, .at = {}}}});
    EXPECT_EQ(late.broken(), owners) << "it is not the first";
    Told other;
    other.epoch = 2;
    other.say({{of_partition, EpochStarted{.epoch = 3, .at = {}}}});
    EXPECT_EQ(other.broken(), owners) << "it says another";
    Told empty;
    empty.epoch = 2;
    empty.say({});
    EXPECT_EQ(empty.broken(), owners);
    EXPECT_FALSE(empty.is_sound);
    Told falling{2};
    falling.epoch = 1;
    falling.say({});
    EXPECT_EQ(falling.broken(), std::vector{Invariant::promises_hold});
    Told rising;
    rising.begin(4);
    rising.say({});
    EXPECT_TRUE(rising.broken().empty());
}

TEST(AuditHistory, ANonceThatIsGivenOrSpentTwiceIsAFault) {
    const auto at_lane = [](signing::Event event) {
        return Entry{base::entity_of(base::EntityKind::signing, the_broker, base::ShardId{1}),
                     std::move(event)};
    };
    const auto about = [&](auto event) {
        event.nonce = 5;
        return at_lane(event);
    };
    const auto opened = about(signing::LaneOpened{});
    const auto taken = about(signing::IntentTaken{});
    const auto finished = about(signing::NonceFinished{});
    const auto forfeited = about(signing::NonceForfeited{});
    const std::vector once{Invariant::effects_happen_once};
    const auto broken_by = [](const std::vector<Entry>& entries) {
        Told told;
        told.say(entries);
        return told.broken();
    };
    EXPECT_TRUE(broken_by({opened, taken, finished}).empty());
    EXPECT_EQ(broken_by({opened, taken, taken}), once);
    EXPECT_EQ(broken_by({opened, taken, finished, finished}), once);
    EXPECT_EQ(broken_by({opened, taken, finished, forfeited}), once);
    EXPECT_TRUE(broken_by({opened, taken, finished, opened, taken, finished}).empty())
        << "another key counts from its own";
}

TEST(AuditHistory, AnOrderOfAnInstructionLongPastItsDeadlineIsAFault) {
    const auto deadline = tests::world::now;
    const auto id = base::entity_of(base::EntityKind::instruction, the_broker, 1);
    const auto the_lane =
        base::entity_of(base::EntityKind::reconcile, the_broker, base::ShardId{2});
    ledger::Partition partition;
    auto& duty = partition.instructions[id];
    duty.id = id;
    duty.phase = instruction::Phase::open;
    duty.terms.legs.resize(1);
    duty.terms.legs.front().shard = base::ShardId{2};
    duty.legs.resize(1);
    duty.legs.front().status = instruction::LegStatus::sent;
    duty.legs.front().deadline = deadline;
    const auto found = [&](base::Duration after) {
        Told told;
        told.say({{the_lane, ledger::reconcile::Event{ledger::reconcile::Reconciled{
                                 .block = 1, .breaks_open = 0, .at = deadline + after}}}});
        check_deadlines(partition, told.history, told.findings);
        return told.findings.of(Invariant::nothing_is_overdue).violations;
    };
    EXPECT_TRUE(found(base::seconds(600)).empty()) << "its receipt may still come";
    ASSERT_EQ(found(base::seconds(601)).size(), 1U);
    EXPECT_THAT(found(base::seconds(601)).front(), HasSubstr("leg 1 of instruction/0-1"));
    partition.reconcilers[the_lane].is_lane_paused = true;
    EXPECT_TRUE(found(base::seconds(601)).empty()) << "somebody has stopped the lane";
    partition.reconcilers.clear();
    duty.legs.front().status = instruction::LegStatus::ready;
    EXPECT_TRUE(found(base::seconds(601)).empty()) << "nothing is under way";
}

}  // namespace
}  // namespace crossclear::app
