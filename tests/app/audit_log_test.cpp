#include "app/audit_log.hpp"

#include "app/audit.hpp"
#include "app/audit_instances.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Goal: whatever an instance hands out, an audit finds what does not follow, and says which
// invariant that breaks: no store is trusted to have looked itself.

namespace crossclear::app {
namespace {

namespace journal = ledger::journal;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string place = "test";
constexpr base::PartitionId walked{0};
constexpr base::EntityId of_walked{.kind = base::EntityKind::partition, .id = 0, .sub = 0};

/// An instance that hands out what it was given.
class Handed final : public journal::Journal {
public:
    void promised(base::PartitionId, std::function<void(journal::PromisedOutcome)> done) override {
        journal::Promised promise;
        promise.epoch = epoch;
        if (!records.empty()) promise.last = records.back().head;
        done(promise);
    }
    void prepare(base::PartitionId, const journal::Fence&,
                 std::function<void(journal::PrepareOutcome)>) override {}
    void append(journal::Append, std::function<void(journal::AppendOutcome)>) override {}
    void read(base::PartitionId, std::uint64_t from, std::size_t,
              std::function<void(journal::ReadOutcome)> done) override {
        journal::ReadRecords read;
        for (const auto& record : records) {
            if (record.head.seq >= from) read.records.push_back(record);
        }
        const bool is_end = read.records.empty();
        done(read);
        if (is_end && grows) std::exchange(grows, nullptr)();
    }
    void confirm(base::PartitionId, const journal::Fence&,
                 std::function<void(journal::ConfirmOutcome)>) override {}
    void store_snapshot(base::PartitionId, const journal::Fence&, journal::EntitySnapshot,
                        std::function<void(journal::StoreSnapshotOutcome)>) override {}
    void read_snapshot(base::PartitionId, base::EntityId,
                       std::function<void(journal::ReadSnapshotOutcome)> done) override {
        journal::SnapshotRead read;
        if (core.at.seq > 0) read.found.push_back(core);
        done(read);
    }
    void trim(base::PartitionId, const journal::Fence&, const journal::Head&,
              std::function<void(journal::TrimOutcome)>) override {}
    [[nodiscard]] std::string trouble() const override { return {}; }

    // Also what no owner would write.
    void add(std::uint64_t under, const std::string& payload = journal::begin_payload()) {
        const auto last = records.empty() ? journal::Head{} : records.back().head;
        journal::Record record;
        record.head.seq = last.seq + 1;
        record.head.record_epoch = under;
        record.head.head =
            journal::chain_digest(place, walked, under, record.head.seq, last.head, payload);
        record.payload = payload;
        records.push_back(record);
    }

    std::vector<journal::Record> records;
    journal::EntitySnapshot core{.entity = of_walked, .at = {}, .state = {}};
    std::uint64_t epoch{9};
    std::function<void()> grows{};  ///< Happens once its end was read.
};

/// A log of one account, a record a command.
class OfAccount {
public:
    explicit OfAccount(Handed& log) : log_(log) {
        keep({of_walked, ledger::EpochStarted{.epoch = 1, .at = {}}});
    }
    void run(const ledger::account::Command& command) {
        for (auto& event : tests::run(live_, command)) {
            keep({base::entity_of(live_.id), std::move(event)});
        }
    }

private:
    void keep(const ledger::Entry& entry) { log_.add(1, tests::payload_of({entry})); }

    Handed& log_;
    ledger::account::State live_ = tests::an_account();
};

std::optional<WalkFault> walked_through(Handed& from) {
    return walk(from, place, walked, [](const auto&, const auto&, bool) {});
}

TEST(AuditLog, AnEpochThatFallsBreaksAPromise) {
    Handed from;
    for (const std::uint64_t epoch : {2U, 3U, 3U}) from.add(epoch);
    EXPECT_FALSE(walked_through(from).has_value());
    from.add(2);
    const auto fault = walked_through(from);
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->breaks, Invariant::promises_hold);
    EXPECT_THAT(fault->says, HasSubstr("record 4: is of epoch 2, after one of epoch 3"));
}

TEST(AuditLog, WhatDoesNotFollowBreaksThePrefix) {
    Handed altered;
    Handed gap;
    for (Handed* one : {&altered, &gap}) {
        for (int i = 0; i < 4; ++i) one->add(2);
    }
    altered.records[2].payload += '\1';
    gap.records.erase(gap.records.begin() + 1);
    for (Handed* one : {&altered, &gap}) {
        const auto fault = walked_through(*one);
        ASSERT_TRUE(fault.has_value());
        EXPECT_EQ(fault->breaks, Invariant::one_prefix);
        EXPECT_THAT(fault->says, HasSubstr("record 3: does not follow record"));
    }
}

TEST(AuditLog, ARecordThatCannotBeReadIsNotPassedOver) {
    Handed from;
    from.add(2);
    from.add(2, "nonsense");
    const auto fault = walked_through(from);
    ASSERT_TRUE(fault.has_value());
    EXPECT_THAT(fault->says, HasSubstr("partition 0 record 2: "));
}

// Goal: a log that was trimmed needs a snapshot of the record it begins with, or of a later one.
TEST(AuditLog, ASnapshotOfTheRecordBeforeTheBaseDoesNotCoverIt) {
    Handed instance;
    for (int i = 0; i < 4; ++i) instance.add(2);
    const auto before = instance.records[1].head;
    instance.records.erase(instance.records.begin(), instance.records.begin() + 2);
    ChosenLog chosen;
    chosen.partition = walked;
    for (const auto& record : instance.records) chosen.heads.push_back(record.head);
    const auto found = [&](const journal::Head& at) {
        instance.core.at = at;
        AuditFindings findings;
        check_instances(place, chosen, {{"redis-1", &instance}}, 1, findings);
        return findings.of(Invariant::trims_are_covered).violations;
    };
    EXPECT_THAT(found(instance.records[0].head), IsEmpty());
    EXPECT_THAT(found(instance.records[1].head), IsEmpty());
    EXPECT_EQ(found(before).size(), 1U);
    EXPECT_EQ(found({}).size(), 1U);
}

TEST(AuditLog, AMatchedTradeThatOnlyItsSellerHasClearedIsAFault) {
    Handed log;
    OfAccount seller(log);
    seller.run(tests::a_deposit(1, tests::world::eth, 100, ledger::Finality::final));
    seller.run(tests::a_sale(7, 10, 20));
    seller.run(ledger::account::ConcludeMatch{.buyer = tests::another_account(),
                                              .number = 7,
                                              .is_committed = true,
                                              .at = tests::world::now,
                                              .settle_by = tests::world::settle_by});
    const auto report = audit(log, place, 1, {.is_at_rest = true, .history = {}});
    EXPECT_THAT(report.violations,
                Contains(HasSubstr("match 7 of 0-18 is cleared for its seller alone")));
}

// Goal: beside a service, what one partition has sent meanwhile is no fault of another.
TEST(AuditLog, ALogThatGrowsWhileItIsReadIsNotAtRest) {
    Handed log;
    OfAccount receiver(log);
    receiver.run(tests::a_deposit(1, tests::world::eth, 100, ledger::Finality::seen));
    const auto first = audit(log, place, 1, {});
    EXPECT_TRUE(first.is_at_rest);
    EXPECT_THAT(first.verdict(), HasSubstr("booked on one side only"));
    log.grows = [&log] { log.add(1); };
    const auto second = audit(log, place, 1, {});
    EXPECT_FALSE(second.is_at_rest);
    EXPECT_THAT(second.violations, IsEmpty());
}

}  // namespace
}  // namespace crossclear::app
