#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "ledger/shadow.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace crossclear::actors {

/// Keeps a partition's snapshots: follows what is committed, stores what changed, and says where a
/// machine stands when it is wanted again.
///
/// A round begins when the log has grown enough or long enough ago. It notes the core as it is,
/// stores every machine that changed since its snapshot, each with one write, and then the core. So
/// the core's snapshot at record Q says: every machine's own snapshot holds all that happened to it
/// up to Q, and nothing before Q is needed to go on.
///
/// Where the log is trimmed, what was stored is first folded once more: from the core of the round
/// before and the records as the store has them. Only if both are equal the records are dropped.
class SnapshotHost : public SnapshotActor::base {
public:
    SnapshotHost(caf::actor_config& config, const Context* context, base::PartitionId partition,
                 PartitionActor owner, JournalActor journal,
                 std::shared_ptr<ledger::Shadow> shadow);

    SnapshotActor::behavior_type make_behavior() override;
    void on_exit() override;

private:
    // A machine that is folded from the log, because its snapshot is gone.
    struct Refold {
        ledger::EntityState state;
        std::uint64_t next{1};
        std::uint64_t until{};
    };
    struct Round {
        ledger::journal::Head at;
        std::uint64_t events{};  ///< Folded until then.
        std::string core;
        std::deque<base::EntityId> open;
        std::set<base::EntityId> loading;  ///< Stored once they are here.
        std::size_t under_way{};
        bool is_core_due{};  ///< All machines are stored: the core is written, then checked.
    };

    void on_committed(const Committed& committed);
    void on_wanted(const WantMachine& want);
    void answer(const base::EntityId& entity);

    void load(const base::EntityId& entity);
    void read(const base::EntityId& entity);
    void end_read();
    void on_found(const SnapshotFound& found);
    void complete(ledger::EntityState state, std::uint64_t at);
    void refold(const base::EntityId& entity, const std::string& why);
    void read_history(const base::EntityId& entity);
    void on_history(const HistoryFound& found);
    void lose(const std::string& why);

    void on_tick();
    [[nodiscard]] bool is_tail_long() const;
    void begin_round();
    void go_on();
    void store_machine(const base::EntityId& entity);
    void store(const base::EntityId& entity, const ledger::journal::Head& at, std::string state);
    void on_kept(const SnapshotKept& kept);
    void check_core();
    void on_checked(const ledger::journal::ReadOutcome& outcome);
    void trim();
    void on_trimmed(const TrimDone& message);
    void end_round();
    void publish() const;

    [[nodiscard]] PartitionStatus& status() const { return *context_->status[partition_.v]; }
    [[nodiscard]] base::EntityId self() const {
        return {.kind = base::EntityKind::partition, .id = partition_.v, .sub = 0};
    }

    const Context* context_;
    base::PartitionId partition_;
    PartitionActor owner_;
    JournalActor journal_;
    std::shared_ptr<ledger::Shadow> shadow_;
    std::uint64_t core_at_{};      ///< Where the stored core is true.
    std::uint64_t core_events_{};  ///< Folded here until then.
    base::Timestamp core_stored_at_;
    std::uint64_t base_{};               ///< Where the log was trimmed to since the start; else 0.
    std::set<base::EntityId> wanted_;    ///< By the partition, and not here yet.
    std::set<base::EntityId> ended_;     ///< Over, and wanted all the same.
    std::set<base::EntityId> loading_;   ///< Being read from the store, or about to be.
    std::deque<base::EntityId> unread_;  ///< Of these, still to be asked for.
    std::size_t reads_{};                ///< Under way.
    std::map<base::EntityId, Refold> refolds_;
    std::optional<Round> round_;
    std::optional<ledger::Core> checked_;  ///< As the latest round before left it.
    ledger::journal::Head checked_at_;
};

}  // namespace crossclear::actors
