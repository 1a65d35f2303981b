#pragma once

#include "app/audit_invariants.hpp"
#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/event.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/replay.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// What an audit holds against a partition's events before it folds them.
///
/// Machines and books check what they are told and stop the process where it cannot be; an audit
/// must say what is wrong and go on. So every record is looked at here first, and one that breaks
/// an invariant is not folded, nor is anything after it.

namespace crossclear::app {

/// The history of one partition, record by record.
class HistoryChecks {
public:
    HistoryChecks(base::PartitionId partition, AuditFindings& findings)
        : id_(partition), findings_(findings) {}

    /// Looks at a record. Returns whether it may be folded.
    [[nodiscard]] bool note(const ledger::journal::Record& record,
                            const std::vector<ledger::Entry>& entries);
    /// What came before is not there to be looked at.
    void begin_at(const ledger::journal::Head& base) { epoch_ = base.record_epoch; }

    /// Every order that left for a shard.
    [[nodiscard]] const std::set<base::OrderRef>& sent() const { return sent_; }
    /// When a broker's shard was last compared with the books.
    [[nodiscard]] const std::map<base::EntityId, base::Timestamp>& looks() const { return looks_; }

    /// The buyer's account of a matched trade and its number there.
    using Match = std::pair<base::AccountId, std::uint64_t>;
    /// Matched trades that were cleared here: on their buyer's account, and on the seller's.
    [[nodiscard]] const std::set<Match>& bought() const { return bought_; }
    [[nodiscard]] const std::set<Match>& sold() const { return sold_; }

    /// A broker's contract, and a price at which a position in it ended.
    using End = std::tuple<base::BrokerId, base::AssetId, base::Price>;
    /// All there were.
    [[nodiscard]] const std::set<End>& ends() const { return ends_; }

private:
    // One thing that may happen once: a kind of it, whose, and its numbers.
    using Once = std::tuple<std::string_view, base::EntityId, std::uint64_t, std::uint64_t>;

    void check_epoch(const ledger::journal::Record& record,
                     const std::vector<ledger::Entry>& entries);
    void check(const ledger::Entry& entry);
    void check(const base::EntityId& entity, const ledger::account::Event& event);
    void check(const base::EntityId& entity, const ledger::netting::Event& event);
    void check(const base::EntityId& entity, const ledger::hedge::Event& event);
    void check(const base::EntityId& entity, const ledger::instruction::Event& event);
    void check(const base::EntityId& entity, const ledger::withdrawal::Event& event);
    void check(const base::EntityId& entity, const ledger::reconcile::Event& event);
    void check(const base::EntityId& entity, const ledger::signing::Event& event);
    void check(const base::EntityId&, const ledger::cover::Event&) {}
    void check(const base::EntityId&, const ledger::EpochStarted&) {}
    void once(Invariant invariant, const Once& what);
    void answer(const base::EntityId& account, base::CommandId cause);
    void blame(Invariant invariant, const std::string& what);

    base::PartitionId id_;
    AuditFindings& findings_;
    std::uint64_t epoch_{};  // Of the record before.
    std::uint64_t seq_{};    // Of the record that is looked at.
    bool is_sound_{true};
    std::set<Once> happened_;
    std::set<std::pair<base::EntityId, base::CommandId>> answered_;
    std::set<base::OrderRef> sent_;
    std::set<Match> bought_;
    std::set<Match> sold_;
    std::set<End> ends_;
    std::map<base::EntityId, base::Timestamp> looks_;
    std::map<base::EntityId, std::uint64_t> keys_;  // How many a signing lane has had.
};

/// What is under way although its shard has been heard of long after its deadline.
void check_deadlines(const ledger::Partition& partition, const HistoryChecks& history,
                     AuditFindings& findings);

}  // namespace crossclear::app
