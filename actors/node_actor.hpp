#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <vector>

namespace crossclear::actors {

/// The node's own clockwork: runs the cycles that no single partition owns.
class NodeHost : public NodeActor::base {
public:
    NodeHost(caf::actor_config& config, const Context* context,
             std::vector<PartitionActor> partitions);

    NodeActor::behavior_type make_behavior() override;

private:
    const Context* context_;
    std::vector<PartitionActor> partitions_;
};

}  // namespace crossclear::actors
