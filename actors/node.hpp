#pragma once

#include "actors/context.hpp"
#include "actors/gateway.hpp"
#include "actors/stepper.hpp"
#include "base/result.hpp"
#include "metrics/registry.hpp"

#include <memory>
#include <string>
#include <vector>

namespace crossclear::actors {

/// A node: the actor system, a door to each partition, the oracle, and the gateway for clients.
///
/// Alone, it starts by taking over every partition; among others, it owns its share of them and
/// finds the way to the rest. Requests wait, or are refused with a reason, while nobody owns what
/// they are for. The context's parts must outlive the node.
class Node : public Gateway {
public:
    /// Starts the actors. **Errors:** one sentence, where it cannot listen for other nodes.
    [[nodiscard]] static base::Result<std::unique_ptr<Node>, std::string> start(
        std::unique_ptr<Context> context);

    /// The parts it was started from, for reports.
    [[nodiscard]] virtual const Context& context() const = 0;
    /// Publishes marks from inside the process, as an oracle client would.
    virtual void publish_marks(const PublishMarks& marks) = 0;
    /// Refuses new requests from now on (11060); what is under way goes on.
    virtual void drain() = 0;
    /// Hands every partition over to the other nodes, if there are any, and leaves them.
    virtual void leave() = 0;
    /// Partitions that this node owns or is reading.
    [[nodiscard]] virtual std::size_t partitions_owned() const = 0;
    /// Whether this is the one node that does what only one should: it owns the first partition.
    [[nodiscard]] virtual bool leads() const = 0;
    /// Appends that are not durable yet, over all partitions.
    [[nodiscard]] virtual std::size_t appends_waiting() const = 0;
    /// The hand on its actors; null unless the options' scheduler is `testing`.
    [[nodiscard]] virtual Stepper* stepper() = 0;
    /// What the actor system counts of its own, for a scrape.
    [[nodiscard]] virtual std::vector<metrics::Family> actor_families() = 0;
};

}  // namespace crossclear::actors
