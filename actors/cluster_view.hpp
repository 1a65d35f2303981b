#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// How partitions and nodes stand, for operators. Part of gateway.hpp.

namespace crossclear::actors {

/// How one partition stands.
struct PartitionLine {
    base::PartitionId partition;
    std::string phase;  ///< recovering, running, lost, broken,
                        ///< elsewhere, unowned.
    std::uint64_t epoch{};
    std::uint64_t sequence{};  ///< Of the latest durable record.
    std::uint64_t appends_waiting{};
    bool is_stuck{};  ///< The journal does not take what waits.
};
/// All of them, by number.
struct PartitionsView {
    std::vector<PartitionLine> partitions;
};
/// One process of the cluster.
struct NodeLine {
    std::string name;  ///< Empty: it is alone.
    std::string cluster;
    std::uint64_t partitions_running{};  ///< Of others not known here: 0.
    std::uint64_t partitions{};
    std::string trouble;  ///< Of its journal; empty: none.
    base::Timestamp at;
};
/// Those of the cluster; the one that answers first.
struct NodesView {
    std::vector<NodeLine> nodes;
};

}  // namespace crossclear::actors
