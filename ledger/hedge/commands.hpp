#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/belief.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <variant>
#include <vector>

/// What may be asked of one hedge task.

namespace crossclear::ledger::hedge {

/// One order of the schedule: how much, when at the earliest.
struct Slice {
    base::Amount quantity;  ///< Signed, same sign as the task.
    base::Timestamp send_at;

    friend bool operator==(const Slice&, const Slice&) = default;
};

/// Opens the task with its whole schedule. Sent by the netting host, which drew the slices and the
/// salt; only the hash of both is published before the task ends.
struct PlanHedge {
    base::InstrumentId instrument;
    base::ShardId shard;
    bool is_contract{};
    base::AssetId base;        ///< What is bought or sold.
    base::AssetId settlement;  ///< What is paid or received.
    base::AssetId gas_asset;
    base::Amount quantity;               ///< Signed: positive buys.
    base::Price bound;                   ///< Worst price per unit.
    std::vector<Slice> slices;           ///< 1 to limits::slices_max, summing to `quantity`.
    std::vector<base::Amount> cost_max;  ///< Per slice: what it may give at most, of what is given.
    std::uint64_t salt{};
    base::Timestamp deadline;  ///< No slice is sent after it; each order carries it to the shard.
    base::Timestamp at;
};

/// The time has come to look at the schedule. Sent by the host's timer; sends due slices, expires.
struct Advance {
    base::Timestamp now;
};

/// What the shard tells about one slice. Sent by the lane; repeats add nothing.
struct NoteOrder {
    OrderNotice notice;
    base::Timestamp at;
    Belief belief{};
};

/// The rest is not wanted any more; what was sent is waited for. Sent by netting.
struct CancelHedge {
    base::Timestamp at;
};

using Command = std::variant<PlanHedge, Advance, NoteOrder, CancelHedge>;

}  // namespace crossclear::ledger::hedge
