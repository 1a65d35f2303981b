#include "base/limits.hpp"
#include "base/rng.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/shadow.hpp"
#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace town;
namespace account = ledger::account;
namespace journal = ledger::journal;
using ledger::Shadow;

// Nobody's home: there nothing but the client is at work.
constexpr base::PartitionId calm{2};
constexpr base::PartitionId calm_too{3};

base::AccountId client_with_tokens(Outside& outside, base::PartitionId partition) {
    const auto client = account_in(partition);
    outside.deposit(uniswap, client, usdc, 100'000 * one_usdc);
    return client;
}

// What the clients of a short day leave in the journals: all machines have something to tell.
void live_a_day(Outside& outside) {
    House house(outside);
    const auto buyer = client_with_tokens(outside, calm);
    const auto other = client_with_tokens(outside, calm_too);
    const auto client = house.client({buyer, other});
    client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, 3 * one_eth));
    client->expect<actors::TradeCleared>(trade_of(other, btc_perp, one_contract / 10));
    client->expect<actors::TradeCleared>(trade_of(buyer, sbtc_swap, one_sbtc / 2));
    const auto covered = [](const auto&, const account::ClaimsCovered& event) {
        return event.asset == eth;
    };
    ASSERT_TRUE(outside.watch.await_event<account::ClaimsCovered>(covered).has_value());
    static_cast<void>(client->ask(withdrawal_of(buyer, usdc, 100 * one_usdc, uniswap)));
    ASSERT_TRUE(outside.watch.await_event<account::WithdrawalPaid>().has_value());
    client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, -one_eth));
    ASSERT_TRUE(outside.watch.await_event<ledger::hedge::HedgeFinished>().has_value());
    ASSERT_TRUE(outside.watch.await_event<ledger::withdrawal::EndAcknowledged>().has_value());
    ASSERT_TRUE(outside.watch.await_event<ledger::reconcile::Reconciled>().has_value());
}

// A log with the state of every machine after every record.
struct Told {
    std::vector<std::pair<journal::Head, std::vector<ledger::Entry>>> records;
    std::vector<std::string> cores;  // By record; the first is before any.
    std::map<base::EntityId, std::map<std::uint64_t, std::string>> states;

    explicit Told(const Outside& outside, base::PartitionId partition) {
        Shadow all(partition, partitions);
        cores.push_back(journal::encode_core(all.core()));
        for (const auto& record : outside.store.records_of(partition)) {
            auto entries = journal::decode_payload(record.payload);
            CHECK(entries.has_value(), "what was appended can be read");
            all.fold(record.head, *entries);
            cores.push_back(journal::encode_core(all.core()));
            for (const auto& entry : *entries) {
                const auto* state = all.find(entry.entity);
                if (state == nullptr) continue;
                states[entry.entity][record.head.seq] = journal::encode_entity(*state);
            }
            records.emplace_back(record.head, std::move(*entries));
        }
    }
    // As its snapshot at record `seq` would have it.
    [[nodiscard]] ledger::EntityState state_at(const base::EntityId& entity,
                                               std::uint64_t seq) const {
        const auto after = states.at(entity).upper_bound(seq);
        auto state = journal::decode_entity(entity, std::prev(after)->second);
        CHECK(state.has_value(), "what was encoded can be decoded");
        return std::move(*state);
    }
};

void expect_equal_from(const Told& told, std::size_t from, base::PartitionId partition,
                       std::uint64_t seed) {
    base::Rng rng{seed};
    const auto at = from == 0 ? journal::Head{} : told.records[from - 1].first;
    auto core = journal::decode_core(told.cores[from]);
    ASSERT_TRUE(core) << core.error().what;
    std::vector<base::EntityId> known;
    core->machines.known.for_each([&known](const auto& entity) { known.push_back(entity); });
    auto tail =
        from == 0 ? Shadow(partition, partitions) : Shadow(std::move(*core), partitions, at);
    // A machine's snapshot is as old as the core, or newer, and read before or after the tail.
    const auto complete = [&](const base::EntityId& entity, std::uint64_t until) {
        const auto seq = at.seq + rng.below(until - at.seq + 1);
        tail.complete(told.state_at(entity, seq), seq);
    };
    const auto half = from + (told.records.size() - from) / 2;
    for (std::size_t i = from; i < told.records.size(); ++i) {
        if (i == half) {
            for (const auto& entity : known) {
                if (rng.below(2) == 0) complete(entity, tail.last().seq);
            }
        }
        tail.fold(told.records[i].first, told.records[i].second);
    }
    for (const auto& entity : known) {
        if (tail.find(entity) == nullptr) complete(entity, tail.last().seq);
    }
    ASSERT_EQ(journal::encode_core(tail.core()), told.cores.back()) << from << ", seed " << seed;
    for (const auto& [entity, states] : told.states) {
        const auto* state = tail.find(entity);
        ASSERT_NE(state, nullptr) << base::to_string(entity) << ", seed " << seed;
        ASSERT_EQ(journal::encode_entity(*state), states.rbegin()->second)
            << base::to_string(entity) << " from " << from << ", seed " << seed;
    }
    ASSERT_EQ(tail.fault(), std::nullopt);
}

// Goal: wherever a snapshot was taken, what comes out in the end is the same, byte for byte.
TEST(Snapshots, FoldedWithTheTailAreTheWholeLog) {
    Outside outside;
    live_a_day(outside);
    std::set<base::EntityKind> kinds;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        const base::PartitionId partition{i};
        const Told told(outside, partition);
        for (const auto& [entity, states] : told.states) kinds.insert(entity.kind);
        for (std::size_t from = 0; from <= told.records.size(); ++from) {
            expect_equal_from(told, from, partition, from + std::uint64_t{1'000} * i);
            if (HasFatalFailure()) return;
        }
    }
    EXPECT_EQ(kinds.size(), 6U) << "every machine that has a state is in it";
}

// Goal: the register wakes whoever has something left to do, and nobody else.
TEST(Snapshots, TheRegisterAgreesWithTheMachines) {
    Outside outside;
    live_a_day(outside);
    for (std::uint16_t i = 0; i < partitions; ++i) {
        const auto whole = outside.replayed(base::PartitionId{i});
        const Told told(outside, base::PartitionId{i});
        const auto core = journal::decode_core(told.cores.back());
        ASSERT_TRUE(core);
        std::set<base::EntityId> open;
        for (const auto& [id, task] : whole.hedges) {
            if (!ledger::is_over(whole, task)) open.insert(id);
        }
        for (const auto& [id, duty] : whole.instructions) {
            if (!ledger::is_over(whole, duty)) open.insert(id);
        }
        for (const auto& [id, payment] : whole.withdrawals) {
            if (!ledger::is_over(payment)) open.insert(id);
        }
        EXPECT_EQ(core->machines.open, open) << i;
        std::set<ledger::HeldWithdrawal> held;
        for (const auto& [id, client] : whole.accounts) {
            for (const auto& [number, kept] : client.withdrawals) held.insert({id, number});
        }
        EXPECT_EQ(core->machines.held, held) << i;
    }
}

// Goal: a start needs the snapshots and the tail, and nothing that was trimmed.
TEST(Snapshots, ANewNodeStartsFromATrimmedLog) {
    Outside outside;
    base::AccountId buyer;
    const auto trade = trade_of(account_in(calm), eth_swap, one_eth);
    actors::TradeCleared before;
    {
        House house(outside, {.snapshot_every = base::milliseconds(50), .is_log_trimmed = true});
        buyer = client_with_tokens(outside, calm);
        const auto client = house.client({buyer});
        before = client->expect<actors::TradeCleared>(trade);
        ASSERT_TRUE(outside.await_stored(calm));
        client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
        ASSERT_TRUE(outside.await_trimmed(calm));
    }
    ASSERT_GT(outside.store.records_of(calm).front().head.seq, 1U);
    House house(outside);
    const auto client = house.client({buyer});
    const auto after = client->expect<actors::TradeCleared>(trade);
    EXPECT_TRUE(after.is_repeat);
    EXPECT_EQ(after.number, before.number);
    EXPECT_EQ(after.price, before.price);
    EXPECT_EQ(client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth)).number, 3U);
    EXPECT_EQ(outside.watch.lines_with("A partition's snapshot cannot be used"), 0U);
    EXPECT_EQ(outside.watch.lines_with("A partition is stopped"), 0U);
}

// A client whose account and partition were stored, and whose node has ended.
base::AccountId stored_client(Outside& outside, const actors::SubmitTrade& trade, bool is_trimmed) {
    House house(outside, {.snapshot_every = base::milliseconds(50), .is_log_trimmed = is_trimmed});
    const auto buyer = client_with_tokens(outside, calm);
    const auto client = house.client({buyer});
    client->expect<actors::TradeCleared>(trade);
    EXPECT_TRUE(outside.await_stored(calm));
    client->expect<actors::TradeCleared>(trade_of(buyer, eth_swap, one_eth));
    EXPECT_TRUE(is_trimmed ? outside.await_trimmed(calm) : outside.await_stored(calm));
    return buyer;
}

TEST(Snapshots, ADamagedOneIsFoldedFromTheLog) {
    Outside outside;
    const auto trade = trade_of(account_in(calm), eth_swap, one_eth);
    const auto buyer = stored_client(outside, trade, false);
    outside.store.damage_snapshot(calm, base::entity_of(buyer));
    {
        House house(outside);
        EXPECT_TRUE(house.client({buyer})->expect<actors::TradeCleared>(trade).is_repeat);
        EXPECT_GE(outside.watch.lines_with("A snapshot cannot be used"), 1U);
    }
    outside.store.damage_snapshot(calm,
                                  {.kind = base::EntityKind::partition, .id = calm.v, .sub = 0});
    House house(outside);
    EXPECT_TRUE(house.client({buyer})->expect<actors::TradeCleared>(trade).is_repeat);
    EXPECT_GE(outside.watch.lines_with("A partition's snapshot cannot be used"), 1U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: whoever reads a long log gives its worker back in between. Those wait for it who tell other
// nodes that this one lives; where they did in vain, no node ever finished a takeover.
TEST(Snapshots, ALogIsReadAFewRecordsAtOnce) {
    Outside outside;
    const auto trade = trade_of(account_in(calm), eth_swap, one_eth);
    const auto buyer = stored_client(outside, trade, false);
    outside.store.damage_snapshot(calm, base::entity_of(buyer));
    outside.store.damage_snapshot(calm,
                                  {.kind = base::EntityKind::partition, .id = calm.v, .sub = 0});
    House house(outside);
    EXPECT_TRUE(house.client({buyer})->expect<actors::TradeCleared>(trade).is_repeat);
    EXPECT_GE(outside.journal.asked_max(), 1U);
    EXPECT_LE(outside.journal.asked_max(), 64U);
}

// Goal: journals of before, which have snapshots of idle accounts and none of their partition, open
// as they are.
TEST(Snapshots, AJournalWithThoseOfAccountsAloneIsReadFromItsFirstRecord) {
    Outside outside;
    const auto trade = trade_of(account_in(calm), eth_swap, one_eth);
    base::AccountId buyer;
    {
        House house(outside);
        buyer = client_with_tokens(outside, calm);
        house.client({buyer})->expect<actors::TradeCleared>(trade);
    }
    const journal::Fence fence{.epoch = 50, .nonce = {1}};
    outside.store.prepare(calm, fence, [](const journal::PrepareOutcome&) {});
    outside.store.store_snapshot(calm, fence,
                                 {.entity = base::entity_of(buyer),
                                  .at = outside.store.records_of(calm).back().head,
                                  .state = journal::encode_state(outside.account(buyer))},
                                 [](const journal::StoreSnapshotOutcome&) {});
    House house(outside);
    EXPECT_TRUE(house.client({buyer})->expect<actors::TradeCleared>(trade).is_repeat);
    EXPECT_EQ(outside.watch.lines_with("A partition's snapshot cannot be used"), 0U);
    EXPECT_EQ(outside.watch.lines_with("A snapshot cannot be used"), 0U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Another owner's promise, and a snapshot of the partition at a record beyond the log's end. Where
// it `writes`, that record is there.
void store_ahead(Outside& outside, std::uint64_t epoch, bool writes) {
    const journal::Fence fence{.epoch = epoch, .nonce = {7}};
    const auto last = outside.store.records_of(calm).back().head;
    const auto next = journal::next_record("test", calm, last, epoch, journal::begin_payload());
    outside.store.prepare(calm, fence, [](const journal::PrepareOutcome&) {});
    if (writes) {
        outside.store.append({.partition = calm, .fence = fence, .expected = last, .record = next},
                             [](const journal::AppendOutcome&) {});
    }
    const base::EntityId core{.kind = base::EntityKind::partition, .id = calm.v, .sub = 0};
    outside.store.store_snapshot(calm, fence, {.entity = core, .at = next.head, .state = "later"},
                                 [](const journal::StoreSnapshotOutcome&) {});
}

// Goal: a machine that is wanted while a round reads back what it stored changes nothing about the
// round. It had the core stored and read back twice, and the partition took that for damage.
TEST(Snapshots, AMachineWantedWhileARoundIsCheckedLeavesItAlone) {
    Outside outside;
    const auto trade = trade_of(account_in(calm), eth_swap, one_eth);
    const auto buyer = stored_client(outside, trade, true);
    House house(outside, {.snapshot_every = base::milliseconds(50), .is_log_trimmed = true});
    const auto other = account_in(calm, 1);
    const auto client = house.client({buyer, other});
    ASSERT_TRUE(outside.await_stored(calm));
    outside.journal.hold_reads();
    const auto asked = "Records asked for. partition=" + std::to_string(calm.v);
    const auto before = outside.watch.lines_with(asked);
    static_cast<void>(client->ask(trade_of(other, eth_swap, one_eth)));
    ASSERT_TRUE(outside.watch.await_line(asked, before + 1));
    EXPECT_TRUE(client->expect<actors::TradeCleared>(trade).is_repeat);
    outside.journal.release_reads();
    ASSERT_TRUE(outside.await_trimmed(calm));
    EXPECT_EQ(outside.watch.lines_with("A partition is stopped"), 0U);
    EXPECT_EQ(client->refusal_code(actors::GetAccount{buyer}), 0);
}

// Goal: a tail stays short in events too. An owner that finds a long one stores what it says with
// the next record, also of machines that nobody has wanted since, of which it knows only what is
// new.
TEST(Snapshots, ALongTailIsStoredAfterATakeover) {
    Outside outside;
    std::vector<base::AccountId> buyers;
    {
        House house(outside, {.snapshot_every = base::milliseconds(50)});
        for (std::uint64_t nth = 0; nth < base::limits::snapshots_in_flight_max + 4; ++nth) {
            buyers.push_back(account_in(calm, nth));
            outside.deposit(uniswap, buyers.back(), usdc, 10'000 * one_usdc);
        }
        ASSERT_TRUE(outside.await_stored(calm));
    }
    std::vector<actors::SubmitTrade> trades;
    {
        House house(outside);
        const auto client = house.client({buyers.begin(), buyers.end()});
        for (const auto& buyer : buyers) {
            trades.push_back(trade_of(buyer, eth_swap, one_eth));
            client->expect<actors::TradeCleared>(trades.back());
        }
    }
    {
        const base::EntityId core{.kind = base::EntityKind::partition, .id = calm.v, .sub = 0};
        const auto line = "Snapshot stored. " + base::to_string(core);
        const auto before = outside.watch.lines_with(line);
        House house(outside, {.snapshot_events = buyers.size()});
        house.client({buyers.front()})
            ->expect<actors::TradeCleared>(trade_of(buyers.front(), eth_swap, one_eth));
        ASSERT_TRUE(outside.watch.await_line(line, before + 1));
    }
    std::set<base::EntityId> stored;
    for (const auto& snapshot : outside.store.snapshots_of(calm)) {
        if (snapshot.entity.kind != base::EntityKind::account) continue;
        const auto state = journal::decode_entity(snapshot.entity, snapshot.state);
        const auto* client = state ? std::get_if<ledger::account::State>(&*state) : nullptr;
        if (client != nullptr && client->trades_count > 0) stored.insert(snapshot.entity);
    }
    EXPECT_EQ(stored.size(), buyers.size()) << "with what the tail said";
    House house(outside);
    const auto client = house.client({buyers.begin(), buyers.end()});
    for (const auto& trade : trades) {
        EXPECT_TRUE(client->expect<actors::TradeCleared>(trade).is_repeat);
    }
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: whoever wakes a crowd, as a takeover does, leaves the connections to the appends of others;
// and each of the crowd has its turn.
TEST(Snapshots, ACrowdIsReadAFewAtATime) {
    constexpr std::size_t at_once = base::limits::snapshot_reads_in_flight_max;
    Outside outside;
    std::vector<base::AccountId> crowd;
    {
        House house(outside, {.snapshot_every = base::milliseconds(50)});
        for (std::uint64_t nth = 0; nth < at_once + 8; ++nth) {
            crowd.push_back(account_in(calm, nth));
            outside.deposit(uniswap, crowd.back(), usdc, 10'000 * one_usdc);
        }
        ASSERT_TRUE(outside.await_stored(calm));
    }
    House house(outside);
    outside.journal.hold_machines(calm);
    const auto client = house.client({crowd.begin(), crowd.end()});
    std::vector<std::future<actors::Answer>> answers;
    answers.reserve(crowd.size());
    for (const auto& account : crowd) {
        answers.push_back(client->send(trade_of(account, eth_swap, one_eth)));
    }
    ASSERT_TRUE(outside.watch.await([&] { return outside.journal.machines_held() >= at_once; }));
    // Another partition's clients do not notice, and by then whatever is wanted was asked for.
    const auto other = client_with_tokens(outside, calm_too);
    house.client({other})->expect<actors::TradeCleared>(trade_of(other, eth_swap, one_eth));
    EXPECT_EQ(outside.journal.machines_held(), at_once);
    outside.journal.release_machines();
    for (auto& answer : answers) {
        EXPECT_TRUE(std::holds_alternative<actors::TradeCleared>(answer.get()));
    }
}

// Goal: an owner that is overtaken while it reads takes the other's snapshot for what it is, and
// not for a log that lost its end.
TEST(Snapshots, OneThatARivalStoredMeanwhileIsNotABrokenLog) {
    Outside outside;
    stored_client(outside, trade_of(account_in(calm), eth_swap, one_eth), false);
    outside.journal.before_core(calm, [&outside] { store_ahead(outside, 99, true); });
    House house(outside, {.name = "a", .directory = &outside.directory});
    ASSERT_TRUE(outside.watch.await_line("A partition belongs to another owner now."));
    EXPECT_EQ(outside.watch.lines_with("A partition is stopped"), 0U);
}

TEST(Snapshots, OneBeyondTheLogsEndStopsItsPartition) {
    Outside outside;
    stored_client(outside, trade_of(account_in(calm), eth_swap, one_eth), false);
    store_ahead(outside, 99, false);
    House house(outside, {.name = "a", .directory = &outside.directory});
    ASSERT_TRUE(outside.watch.await_line("A partition is stopped"));
}

// Goal: an account whose money nobody can tell is not an empty account.
TEST(Snapshots, OneThatIsGoneAndTrimmedStopsItsPartition) {
    Outside outside;
    const auto trade = trade_of(account_in(calm), eth_swap, one_eth);
    const auto buyer = stored_client(outside, trade, true);
    outside.store.forget_snapshot(calm, base::entity_of(buyer));
    House house(outside);
    const auto other = account_in(calm_too);
    const auto client = house.client({buyer, other});
    static_cast<void>(client->ask(trade));
    ASSERT_TRUE(outside.watch.await_line("A partition is stopped"));
    EXPECT_EQ(client->refusal_code(trade), 11031);
    EXPECT_EQ(client->refusal_code(actors::GetAccount{other}), 0);
}

// Goal: an owner that was replaced lets go, also where nothing but its keeper of snapshots writes.
TEST(Snapshots, AKeeperThatIsFencedTellsItsJournal) {
    Outside outside;
    outside.store.hold_snapshots(true);
    House house(outside, {.snapshot_every = base::milliseconds(50)});
    static_cast<void>(house.client({account_in(calm)}));
    const journal::Fence rival{.epoch = 50, .nonce = {1}};
    outside.store.prepare(calm, rival, [](const journal::PrepareOutcome&) {});
    EXPECT_TRUE(outside.watch.await_line("A partition belongs to another owner now"));
    EXPECT_EQ(outside.store.records_of(calm).back().head.record_epoch, 1U);
}

}  // namespace
}  // namespace crossclear::tests
