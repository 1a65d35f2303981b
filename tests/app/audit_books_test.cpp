#include "app/audit_checks.hpp"
#include "tests/support/builders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

// Goal: every figure of a machine is held against the books, every kind of work is seen, and what
// two partitions say of one thing is compared. One figure is wrong at a time.

namespace crossclear::app {
namespace {

namespace account = ledger::account;
namespace instruction = ledger::instruction;
using base::Amount;
using ledger::Chart;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr base::BrokerId house_of{1};
constexpr base::ShardId here{2};
constexpr base::ShardId there{3};
constexpr base::AssetId token{4};
const base::AccountId holder = base::account_id(house_of, 17);
const base::EntityId duty_of_house = base::entity_of(base::EntityKind::instruction, house_of, 1);
const base::EntityId that_lane = base::entity_of(base::EntityKind::reconcile, house_of, here);

std::vector<std::string> faults_of(const ledger::Partition& partition) {
    CrossChecks checks;
    checks.add(partition);
    AuditReport report;
    checks.finish(false, report);
    return report.violations;
}

void book(ledger::Partition& partition, Chart chart, std::int64_t amount, base::ShardId at = {}) {
    partition.book.trial[{house_of, chart, at, token}] += amount;
}

TEST(AuditBooks, EveryBalanceOfAnAccountIsHeldAgainstTheBooks) {
    struct Of {
        Chart chart;
        Amount account::Holding::* balance;
        int side;
    };
    for (const auto& [chart, balance, side] :
         {Of{Chart::free, &account::Holding::free, -1},
          Of{Chart::unsettled, &account::Holding::unsettled, -1},
          Of{Chart::seen, &account::Holding::seen, -1},
          Of{Chart::held, &account::Holding::held, -1},
          Of{Chart::recv, &account::Holding::recv, 1}}) {
        SCOPED_TRACE(ledger::name_of(chart));
        ledger::Partition partition;
        partition.accounts[holder].holdings[token].*balance = Amount{7};
        book(partition, chart, 6 * side);
        EXPECT_THAT(faults_of(partition), ElementsAre(HasSubstr(ledger::name_of(chart))));
        book(partition, chart, side);
        EXPECT_THAT(faults_of(partition), IsEmpty());
    }
}

TEST(AuditBooks, AContractOfAnAccountIsHeldAgainstTheBooksAndTheHouse) {
    ledger::Partition partition;
    partition.accounts[holder].contracts[token].quantity = Amount{7};
    EXPECT_THAT(faults_of(partition), ElementsAre(HasSubstr("accounts hold 7 of CPOS")));
    book(partition, Chart::cpos, -7);
    EXPECT_THAT(faults_of(partition), ElementsAre(HasSubstr("do not cancel (-7)")));
    book(partition, Chart::hbook, 7);
    EXPECT_THAT(faults_of(partition), IsEmpty());
}

TEST(AuditBooks, WhatReceiptsLeftOnAShardIsHeldAgainstTheBooks) {
    struct Of {
        Chart chart;
        base::Wide ledger::ShardHolding::* line;
        const char* named;
    };
    for (const auto& [chart, line, named] :
         {Of{Chart::nostro, &ledger::ShardHolding::held, "what is held is 6"},
          Of{Chart::inflight_out, &ledger::ShardHolding::held, "what is held is 6"},
          Of{Chart::inflight_hedge, &ledger::ShardHolding::held, "what is held is 6"},
          Of{Chart::posted, &ledger::ShardHolding::posted, "margin is 6"},
          Of{Chart::vpos, &ledger::ShardHolding::position, "the position is 6"}}) {
        SCOPED_TRACE(ledger::name_of(chart));
        ledger::Partition partition;
        partition.book.shards[{house_of, here}].now[token].*line = 7;
        book(partition, chart, 6, here);
        EXPECT_THAT(faults_of(partition), ElementsAre(HasSubstr(named)));
        book(partition, chart, 1, here);
        EXPECT_THAT(faults_of(partition), IsEmpty());
    }
}

/// An instruction whose first leg has come so far.
instruction::State& a_duty(ledger::Partition& partition, ledger::OrderKind order,
                           instruction::LegStatus status) {
    auto& duty = partition.instructions[duty_of_house];
    duty.id = duty_of_house;
    duty.phase = instruction::Phase::open;
    duty.terms.legs.push_back({.kind = instruction::LegKind::order,
                               .order = order,
                               .shard = here,
                               .to_shard = there,
                               .asset = token,
                               .amount = Amount{7},
                               .destination = {},
                               .is_pivot = true});
    duty.legs.push_back({.status = status});
    return duty;
}

// Goal: what is on its way is known to be, and only until it is there.
TEST(AuditBooks, TokensBetweenTwoShardsAreOnNeither) {
    ledger::Partition partition;
    auto& duty = a_duty(partition, ledger::OrderKind::bridge_out, instruction::LegStatus::final);
    duty.terms.legs.push_back(duty.terms.legs.front());
    duty.terms.legs.back().kind = instruction::LegKind::arrival;
    duty.legs.push_back({});
    partition.book.shards[{house_of, here}].now[token].held = 3;
    book(partition, Chart::nostro, 3, here);
    book(partition, Chart::inflight_out, 7, here);
    EXPECT_THAT(faults_of(partition), IsEmpty());
    duty.legs.back().status = instruction::LegStatus::final;
    EXPECT_THAT(faults_of(partition), ElementsAre(HasSubstr("what is held is 10")));
    duty.legs.front().status = instruction::LegStatus::sent;
    duty.legs.back().status = instruction::LegStatus::ready;
    EXPECT_THAT(faults_of(partition), ElementsAre(HasSubstr("what is held is 10")));
}

TEST(AuditBooks, MarginOnItsWayOutOfAVenueIsThereByReceipts) {
    ledger::Partition partition;
    auto& duty = a_duty(partition, ledger::OrderKind::take_margin, instruction::LegStatus::sent);
    partition.book.shards[{house_of, here}].now[token].posted = 10;
    book(partition, Chart::posted, 3, here);
    book(partition, Chart::inflight_hedge, 7, here);
    EXPECT_THAT(faults_of(partition), IsEmpty());
    duty.legs.front().status = instruction::LegStatus::included;
    EXPECT_THAT(faults_of(partition), IsEmpty());
    duty.legs.front().status = instruction::LegStatus::final;
    EXPECT_EQ(faults_of(partition).size(), 2U);
}

/// Books of one shard that say nothing, reconciled often enough.
struct Empty {
    Empty() {
        partition.reconcilers[that_lane].id = that_lane;
        partition.book.shards[{house_of, here}].looks = {1, 2, 3, 4, 5, 6};
    }
    AuditReport against(const shards::Balances::Line& line) {
        AuditReport report;
        compare_with_shards(
            partition,
            [&](base::BrokerId, base::ShardId,
                std::uint64_t block) -> base::Result<shards::Balances, std::string> {
                return shards::Balances{.block = block, .lines = {line}};
            },
            report);
        return report;
    }
    ledger::Partition partition;
};

TEST(AuditBooks, EveryFigureOfAShardsLineIsCompared) {
    Empty books;
    const shards::Balances::Line none{.asset = token, .held = {}, .posted = {}, .position = {}};
    auto other = none;
    other.held = Amount{5};
    EXPECT_THAT(books.against(other).violations, ElementsAre(HasSubstr("what is held is 5")));
    other = none;
    other.posted = Amount{5};
    EXPECT_THAT(books.against(other).violations, ElementsAre(HasSubstr("margin is 5")));
    other = none;
    other.position = Amount{5};
    EXPECT_THAT(books.against(other).violations, ElementsAre(HasSubstr("the position is 5")));
    EXPECT_THAT(books.against(none).violations, IsEmpty());
}

TEST(AuditBooks, AShardWithOrdersUnderWayIsNotCompared) {
    Empty books;
    a_duty(books.partition, ledger::OrderKind::pay_out, instruction::LegStatus::sent);
    const auto report =
        books.against({.asset = token, .held = Amount{5}, .posted = {}, .position = {}});
    EXPECT_THAT(report.violations, IsEmpty());
    EXPECT_THAT(report.notes, ElementsAre(HasSubstr("orders are under way")));
}

TEST(AuditBooks, WhatAnAccountIsOwedIsWork) {
    const auto is_work = [](auto change) {
        ledger::Partition partition;
        change(partition.accounts[holder]);
        return has_work(partition);
    };
    using account::State;
    EXPECT_FALSE(is_work([](State&) {}));
    EXPECT_TRUE(is_work([](State& state) { state.withdrawals[1]; }));
    EXPECT_TRUE(is_work([](State& state) { state.matches[1]; }));
    EXPECT_TRUE(is_work([](State& state) { state.sales[holder]; }));
    EXPECT_TRUE(is_work([](State& state) { state.transfers[1]; }));
    EXPECT_FALSE(is_work(
        [](State& state) { state.transfers[1].state = account::TransferState::delivered; }));
}

TEST(AuditBooks, WhatAHouseHasOpenIsWork) {
    const auto is_work = [](auto change) {
        ledger::Partition partition;
        change(partition.houses[base::entity_of(base::EntityKind::netting, house_of)]);
        return has_work(partition);
    };
    using ledger::netting::State;
    EXPECT_FALSE(is_work([](State&) {}));
    EXPECT_TRUE(is_work([](State& state) { state.hedges[1]; }));
    EXPECT_TRUE(is_work([](State& state) { state.moves[1]; }));
    ledger::Partition partition;
    a_duty(partition, ledger::OrderKind::pay_out, instruction::LegStatus::sent);
    EXPECT_TRUE(has_work(partition));
}

TEST(AuditBooks, ALedgerThatDoesNotSumToZeroIsAFault) {
    ledger::Partition partition;
    book(partition, Chart::nostro, 5, here);
    AuditFindings findings;
    check_books(partition, findings);
    EXPECT_THAT(findings.of(Invariant::postings_balance).violations,
                ElementsAre(HasSubstr("sums to 5")));
    book(partition, Chart::free, -5);
    AuditFindings balanced;
    check_books(partition, balanced);
    EXPECT_THAT(balanced.of(Invariant::postings_balance).violations, IsEmpty());
    EXPECT_THAT(balanced.of(Invariant::nothing_is_overdrawn).violations,
                ElementsAre(HasSubstr("with a quota of 0")))
        << "nobody granted its cover";
}

TEST(AuditBooks, AWithdrawalThatHasEndedAndIsHeldOnIsAFaultAtRest) {
    ledger::Partition partition;
    partition.accounts[holder].withdrawals[1];
    auto& withdrawal =
        partition.withdrawals[{.kind = base::EntityKind::withdrawal, .id = holder.v, .sub = 1}];
    withdrawal.terms.account = holder;
    withdrawal.terms.number = 1;
    const auto faults = [&](bool is_at_rest) {
        SagaChecks sagas;
        sagas.add(partition);
        AuditReport report;
        sagas.finish(is_at_rest, report);
        return report.violations;
    };
    EXPECT_THAT(faults(true), IsEmpty()) << "it is not over";
    withdrawal.is_acknowledged = true;
    EXPECT_THAT(faults(false), IsEmpty());
    EXPECT_THAT(faults(true), ElementsAre(HasSubstr("withdrawal 1 of 1-17 has ended")));
    partition.accounts[holder].withdrawals.clear();
    EXPECT_THAT(faults(true), IsEmpty());
}

}  // namespace
}  // namespace crossclear::app
