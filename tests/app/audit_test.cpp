#include "app/audit_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Goal: what an audit claims is what it looked at: each of its checks finds its fault, and nothing
// where there is none.

namespace crossclear::app {
namespace {

using base::Amount;
using ledger::Chart;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr base::BrokerId broker{1};
constexpr base::ShardId shard{2};
constexpr base::AssetId asset{3};
const base::EntityId reconciler = base::entity_of(base::EntityKind::reconcile, broker, shard);

AuditReport finished(const ledger::Partition& partition, bool is_at_rest) {
    CrossChecks checks;
    checks.add(partition);
    AuditReport report;
    checks.finish(is_at_rest, report);
    return report;
}

ledger::Partition with_balance(Chart account, std::int64_t amount) {
    ledger::Partition partition;
    partition.book.trial[{broker, account, {}, asset}] = amount;
    return partition;
}

TEST(Audit, AMessageBookedOnOneSideIsAFaultOnlyAtRest) {
    const auto partition = with_balance(Chart::transit, 7);
    EXPECT_THAT(finished(partition, false).violations, IsEmpty());
    const auto report = finished(partition, true);
    ASSERT_THAT(report.violations, SizeIs(1));
    EXPECT_THAT(report.verdict(), HasSubstr("booked on one side only (7)"));
}

TEST(Audit, MoreSettledThanHeldIsAFaultOnlyAtRest) {
    auto partition = with_balance(Chart::nostro, 10);
    partition.book.trial[{broker, Chart::held, {}, asset}] = -11;
    // What the account machines say agrees with the books here, so that this alone is wrong.
    EXPECT_THAT(finished(partition, false).violations, IsEmpty());
    EXPECT_THAT(finished(partition, true).verdict(), HasSubstr("more is promised as settled"));
}

TEST(Audit, ALossPaidTwiceIsAFaultOnlyAtRest) {
    EXPECT_THAT(finished(with_balance(Chart::loss, 7), true).violations, IsEmpty())
        << "beyond the waterfall";
    const auto partition = with_balance(Chart::loss, -7);
    EXPECT_THAT(finished(partition, false).violations, IsEmpty());
    EXPECT_THAT(finished(partition, true).verdict(), HasSubstr("more is paid for defaults"));
}

TEST(Audit, WhatHasNotEndedIsWork) {
    ledger::Partition partition;
    EXPECT_FALSE(has_work(partition));
    auto& withdrawal = partition.withdrawals[reconciler];
    EXPECT_TRUE(has_work(partition));
    withdrawal.is_acknowledged = true;
    EXPECT_FALSE(has_work(partition));
    auto& house = partition.houses[base::entity_of(base::EntityKind::netting, broker)];
    auto& deposit = house.deposits[{shard, 1}];
    EXPECT_TRUE(has_work(partition));
    deposit.is_acknowledged = true;
    EXPECT_FALSE(has_work(partition));
}

/// A partition that is home to one reconciled shard, where the books say `held`.
struct Compared {
    // NOLINTNEXTLINE(bugprone-easily-swappable-parameters): most tests name one of them
    explicit Compared(std::int64_t held, int looks = 6) {
        partition.reconcilers[reconciler].id = reconciler;
        auto& book = partition.book.shards[{broker, shard}];
        book.now[asset].held = held;
        for (int i = 0; i < looks; ++i) book.looks.push_back(static_cast<std::uint64_t>(100 + i));
    }

    AuditReport against(std::int64_t held) {
        AuditReport report;
        compare_with_shards(
            partition,
            [&](base::BrokerId of, base::ShardId on,
                std::uint64_t block) -> base::Result<shards::Balances, std::string> {
                EXPECT_EQ(of, broker);
                EXPECT_EQ(on, shard);
                asked_for = block;
                return shards::Balances{
                    .block = block,
                    .lines = {
                        {.asset = asset, .held = Amount{held}, .posted = {}, .position = {}}}};
            },
            report);
        return report;
    }

    ledger::Partition partition;
    std::uint64_t asked_for{};
};

TEST(Audit, BooksThatDifferFromTheShardsOwnLogAreAFault) {
    Compared compared{500};
    const auto same = compared.against(500);
    EXPECT_THAT(same.violations, IsEmpty());
    EXPECT_EQ(same.shard_lines, 1U);
    EXPECT_EQ(compared.asked_for, 100U);
    EXPECT_THAT(compared.against(499).verdict(),
                HasSubstr("broker 1 shard 2 asset 3 at block 100: what is held is 499 by the "
                          "shard's own log and 500 in the books"));
}

TEST(Audit, AnOpenBreakOfTheSameSizeIsKnownAndAnotherSizeIsNot) {
    Compared compared{500};
    compared.partition.reconcilers[reconciler].breaks[asset].difference = Amount{-20};
    EXPECT_THAT(compared.against(480).violations, IsEmpty());
    EXPECT_THAT(compared.against(470).violations, SizeIs(1));
}

TEST(Audit, WhatCannotBeComparedIsSaid) {
    Compared early{500, 5};
    EXPECT_THAT(early.against(0).violations, IsEmpty());
    EXPECT_THAT(early.against(0).notes, SizeIs(1));
    Compared unreadable{500};
    AuditReport report;
    compare_with_shards(
        unreadable.partition,
        [](auto, auto, auto) -> base::Result<shards::Balances, std::string> {
            return base::Failure{std::string{"no such file"}};
        },
        report);
    EXPECT_THAT(report.violations, IsEmpty());
    ASSERT_THAT(report.notes, SizeIs(1));
    EXPECT_THAT(report.notes.front(), HasSubstr("no such file"));
}

}  // namespace
}  // namespace crossclear::app
