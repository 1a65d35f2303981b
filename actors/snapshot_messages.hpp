#pragma once

#include "base/ids.hpp"
#include "ledger/entity.hpp"
#include "ledger/event.hpp"
#include "ledger/journal/port.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <memory>
#include <vector>

/// Messages about what a partition has committed and stored. The rules are those of messages.hpp.

namespace crossclear::actors {

/// From the journal host: one record is durable.
struct Committed {
    ledger::journal::Head last;
    std::shared_ptr<const std::vector<ledger::Entry>> entries;
};
/// From the partition: where a machine stands. Answered with MachineBack.
struct WantMachine {
    base::EntityId entity;
    bool is_ended_told{};  ///< It is over, and where it stands is wanted all the same.
};
/// From the store: a machine's snapshot.
struct SnapshotFound {
    base::EntityId entity;
    ledger::journal::ReadSnapshotOutcome outcome;
};
/// From the store: a page of the log, for a machine whose snapshot is gone.
struct HistoryFound {
    base::EntityId entity;
    ledger::journal::ReadOutcome outcome;
};
/// From the store: whether a snapshot was kept.
struct SnapshotKept {
    base::EntityId entity;
    std::uint64_t seq{};
    ledger::journal::Fence fence;  ///< Under which it was to be kept.
    ledger::journal::StoreSnapshotOutcome outcome;
};
/// From the store: whether the log was trimmed.
struct TrimDone {
    std::uint64_t seq{};
    ledger::journal::Fence fence;
    ledger::journal::TrimOutcome outcome;
};
/// From the keeper to itself.
struct SnapshotTick {};

using SnapshotActor =
    caf::typed_actor<caf::result<void>(Committed), caf::result<void>(WantMachine),
                     caf::result<void>(SnapshotFound), caf::result<void>(HistoryFound),
                     caf::result<void>(SnapshotKept), caf::result<void>(TrimDone),
                     caf::result<void>(SnapshotTick)>;

/// From the keeper to the partition: a machine as the log says it is.
struct MachineBack {
    base::EntityId entity;
    bool is_over{};  ///< It has nothing left to do; then there is no state, unless asked for.
    std::shared_ptr<ledger::EntityState> state;
};
/// From the keeper to the journal host: what was to be kept or trimmed under this fence was refused
/// for another one.
struct KeeperFenced {
    ledger::journal::Fence fence;
    ledger::journal::Fenced by;
};
/// From the store to the journal host: the partition's own snapshot.
struct CoreFound {
    ledger::journal::ReadSnapshotOutcome outcome;
};
/// From the journal host to the partition: the log is read, verified and owned.
struct Recovered {
    SnapshotActor snapshots;
    std::vector<base::EntityId> open;    ///< Home machines that are not over.
    std::vector<base::EntityId> ended;   ///< Each broker's latest hedges that are over.
    std::vector<base::AccountId> owing;  ///< Accounts with something under way.
    std::size_t accounts{};
    std::size_t claims{};  ///< Open ones.
};

}  // namespace crossclear::actors

// Apart from the block of messages.hpp, which has the first numbers.
CAF_BEGIN_TYPE_ID_BLOCK(crossclear_snapshots, caf::first_custom_type_id + 200)
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::Committed))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::WantMachine))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::SnapshotFound))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::HistoryFound))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::SnapshotKept))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::TrimDone))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::SnapshotTick))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::MachineBack))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::CoreFound))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::Recovered))
CAF_ADD_TYPE_ID(crossclear_snapshots, (crossclear::actors::KeeperFenced))
CAF_END_TYPE_ID_BLOCK(crossclear_snapshots)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::WantMachine)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SnapshotFound)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::HistoryFound)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SnapshotKept)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::TrimDone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::SnapshotTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::MachineBack)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::CoreFound)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::KeeperFenced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(crossclear::actors::Recovered)
