#include "actors/node_actor.hpp"

#include <chrono>

namespace crossclear::actors {

NodeHost::NodeHost(caf::actor_config& config, const Context* context,
                   std::vector<PartitionActor> partitions)
    : NodeActor::base(config), context_(context), partitions_(std::move(partitions)) {}

NodeActor::behavior_type NodeHost::make_behavior() {
    const std::chrono::microseconds every(context_->options.variation_every.us);
    delayed_send(this, every, VariationCycle{});
    return {
        [this, every](VariationCycle) {
            for (const auto& partition : partitions_) send(partition, VariationCycle{});
            delayed_send(this, every, VariationCycle{});
        },
    };
}

}  // namespace crossclear::actors
