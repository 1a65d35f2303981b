#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "bench/lane_meter.hpp"
#include "ledger/journal/port.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// How long orders of instructions took, and how much of that was ours.

namespace crossclear::bench {

/// One order that a chain has made final, on the wall clock. Each moment is the latest that it can
/// have been where only that is known, and `handed` the earliest.
struct OrderTimes {
    base::EntityId lane;            ///< The machine of the signing lane.
    base::Timestamp handed;         ///< Decided to be sent: before that was durable.
    base::Timestamp left;           ///< Its transaction had left for the node.
    base::Timestamp block;          ///< The node had the block with it,
    base::Timestamp final_block;    ///< and the one that made that final.
    base::Timestamp told_included;  ///< Who wanted it had been told, and had taken note.
    base::Timestamp told_final;

    /// What it took besides the chain until it was told as included, and as final.
    [[nodiscard]] base::Duration ours_included() const;
    [[nodiscard]] base::Duration ours_final() const;
};

/// What was seen beside the journal.
struct OutsideTimes {
    std::map<MeteredShard::Hash, base::Timestamp> left;  ///< By transaction.
    std::map<base::ShardId, BlockWatch::Seen> blocks;
    std::uint64_t final_after{2};  ///< So many blocks more make one final.
};

/// Reads them from the journal. An order that lacks a moment is left out, and counted.
struct OrdersRead {
    std::vector<OrderTimes> orders;
    std::uint64_t incomplete{};
};
/// **Errors:** why the journal cannot be read.
[[nodiscard]] base::Result<OrdersRead, std::string> read_orders(ledger::journal::Journal& from,
                                                                const std::string& cluster,
                                                                std::uint16_t partitions,
                                                                const OutsideTimes& outside);

}  // namespace crossclear::bench
