#include "app/audit.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/shadow.hpp"
#include "store/memory/memory_journal.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

// Goal: an audit holds every snapshot against the log, and needs no more than both where the log
// was trimmed.

namespace crossclear::app {
namespace {

namespace journal = ledger::journal;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string town = "test";
constexpr base::PartitionId home{0};
constexpr base::EntityId home_core{.kind = base::EntityKind::partition, .id = 0, .sub = 0};
constexpr journal::Fence owner{.epoch = 1, .nonce = {1}};

/// A journal of one partition with one account, a record a command.
struct Kept {
    Kept() {
        store.prepare(home, owner, [](const journal::PrepareOutcome&) {});
        keep_entries({{home_core, ledger::EpochStarted{.epoch = 1, .at = tests::world::now}}});
        keep(tests::a_deposit(1, tests::world::usdc, 1'000, ledger::Finality::seen));
        keep(tests::a_deposit(1, tests::world::usdc, 1'000, ledger::Finality::final));
        keep(tests::a_trade(1, tests::world::eth, 5, 10));
    }

    void keep(const ledger::account::Command& command) {
        std::vector<ledger::Entry> entries;
        for (auto& event : tests::run(live, command)) {
            entries.push_back({base::entity_of(live.id), std::move(event)});
        }
        keep_entries(entries);
    }

    void keep_entries(const std::vector<ledger::Entry>& entries) {
        auto record = journal::next_record(town, home, last, 1, tests::payload_of(entries));
        const auto expected = std::exchange(last, record.head);
        shadow.fold(last, entries);
        store.append(
            {.partition = home, .fence = owner, .expected = expected, .record = std::move(record)},
            [](const journal::AppendOutcome&) {});
    }

    void store_state(const base::EntityId& entity, std::string state) {
        store_at(last, entity, std::move(state));
    }
    void store_at(const journal::Head& at, const base::EntityId& entity, std::string state) {
        store.store_snapshot(home, owner, {.entity = entity, .at = at, .state = std::move(state)},
                             [](const journal::StoreSnapshotOutcome&) {});
    }
    void store_all() {
        const auto entity = base::entity_of(live.id);
        store_state(entity, journal::encode_entity(*shadow.find(entity)));
        store_state(home_core, journal::encode_core(shadow.core()));
    }
    void trim() {
        store.trim(home, owner, last, [](const journal::TrimOutcome&) {});
    }
    [[nodiscard]] AuditReport audited() { return audit(store, town, 1, {}); }

    ledger::account::State live = tests::an_account();
    journal::Head last;
    ledger::Shadow shadow{home, 1};
    store::MemoryJournal store{town};
};

TEST(AuditSnapshots, AreComparedWithTheLog) {
    Kept kept;
    kept.store_all();
    kept.keep(tests::a_withdrawal(2, tests::world::usdc, 100));
    const auto report = kept.audited();
    EXPECT_THAT(report.violations, IsEmpty());
    EXPECT_EQ(report.snapshots, 2U);
    EXPECT_EQ(report.records, 5U);
}

TEST(AuditSnapshots, OneThatSaysSomethingElseIsAFault) {
    Kept kept;
    // With a payment under way: at rest the house's side, which is not here, would be missed.
    kept.keep(tests::a_withdrawal(2, tests::world::usdc, 100));
    kept.store_all();
    auto other = kept.live;
    other.version += 1;
    kept.store_state(base::entity_of(other.id), journal::encode_state(other));
    const auto report = kept.audited();
    ASSERT_THAT(report.violations, SizeIs(1));
    EXPECT_THAT(report.verdict(), HasSubstr("is not what the log says"));
}

TEST(AuditSnapshots, OneThatIsGoneOrDamagedIsAFault) {
    Kept kept;
    kept.store_all();
    kept.store.forget_snapshot(home, base::entity_of(kept.live.id));
    EXPECT_THAT(kept.audited().verdict(), HasSubstr("there is no snapshot of account/"));
    kept.store_all();
    kept.store.damage_snapshot(home, home_core);
    EXPECT_THAT(kept.audited().verdict(), HasSubstr("fails its checksum"));
}

// What the log says of a snapshot it does not reach, or of another log's, is nothing.
TEST(AuditSnapshots, OneThatIsNotOfThisLogIsAFault) {
    const auto entity = base::entity_of(Kept{}.live.id);
    Kept ahead;
    ahead.store_all();
    auto later = ahead.last;
    later.seq += 1;
    ahead.store_at(later, entity, journal::encode_entity(*ahead.shadow.find(entity)));
    EXPECT_THAT(ahead.audited().verdict(), HasSubstr("account/0-17 is ahead of the log"));
    Kept ahead_itself;
    ahead_itself.store_all();
    ahead_itself.store_at(later, home_core, journal::encode_core(ahead_itself.shadow.core()));
    EXPECT_THAT(ahead_itself.audited().verdict(), HasSubstr("partition/0 is ahead of the log"));
    Kept other;
    other.store_all();
    auto elsewhere = other.last;
    elsewhere.head[0] ^= 1U;
    other.store_at(elsewhere, entity, journal::encode_entity(*other.shadow.find(entity)));
    EXPECT_THAT(other.audited().verdict(), HasSubstr("account/0-17 is of another log"));
}

// Goal: an audit of what somebody else has written ends.
TEST(AuditSnapshots, ARegisterOfMachinesThatNeverWereIsGivenUp) {
    Kept kept;
    kept.store_all();
    auto core = kept.shadow.core();
    const base::EntityId first{.kind = base::EntityKind::hedge, .id = 1, .sub = 0};
    ASSERT_TRUE(core.machines.known.insert_run(first, std::uint64_t{1} << 40));
    kept.store_state(home_core, journal::encode_core(core));
    EXPECT_THAT(kept.audited().verdict(), HasSubstr("1000 machines of its register have no"));
}

TEST(AuditSnapshots, OneOfAMachineThatNeverWasIsAFault) {
    Kept kept;
    kept.store_all();
    const auto stranger = base::entity_of(tests::another_account());
    auto core = kept.shadow.core();
    core.machines.known.insert(stranger);
    kept.store_state(home_core, journal::encode_core(core));
    auto state = kept.live;
    state.id = tests::another_account();
    kept.store_state(stranger, journal::encode_state(state));
    EXPECT_THAT(kept.audited().violations,
                Contains(HasSubstr("is of a machine that the log does not know")));
}

TEST(AuditSnapshots, OneThatCannotBeReadIsAFault) {
    Kept kept;
    kept.store_all();
    kept.store_state(base::entity_of(kept.live.id), "nonsense");
    EXPECT_THAT(kept.audited().violations, Contains(HasSubstr("cannot be read")));
}

TEST(AuditSnapshots, StandForWhatWasTrimmed) {
    Kept kept;
    kept.store_all();
    kept.trim();
    kept.keep(tests::a_withdrawal(2, tests::world::usdc, 100));
    const auto report = kept.audited();
    EXPECT_THAT(report.violations, IsEmpty());
    EXPECT_EQ(report.accounts, 1U);
    EXPECT_EQ(report.records, 1U);
    EXPECT_THAT(report.notes, SizeIs(1));
    EXPECT_EQ(*verify_journal(kept.store, town, home), 2U);
    std::ostringstream dumped;
    EXPECT_EQ(dump_journal(kept.store, town, home, dumped), std::nullopt);
    EXPECT_THAT(dumped.str(), HasSubstr("account.WithdrawalHeld"));
}

TEST(AuditSnapshots, ATrimmedLogWithoutThemIsAFault) {
    Kept kept;
    kept.store_all();
    kept.trim();
    auto core = kept.shadow.core();
    kept.store.forget_snapshot(home, home_core);
    EXPECT_THAT(kept.audited().verdict(), HasSubstr("no snapshot of the partition says"));
    // One from before the base says too little; those of machines are then nobody's.
    auto early = kept.last;
    early.seq = 1;
    kept.store_at(early, home_core, journal::encode_core(core));
    EXPECT_THAT(kept.audited().violations,
                Contains(HasSubstr("no snapshot of the partition says")));
}

}  // namespace
}  // namespace crossclear::app
