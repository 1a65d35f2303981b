#pragma once

#include "actors/context.hpp"
#include "actors/gateway.hpp"
#include "metrics/registry.hpp"

#include <memory>
#include <string>
#include <vector>

namespace crossclear::actors {

/// A node: the actor system, one host per partition, the oracle, and the door for clients.
///
/// Starts by taking over every partition; requests are refused with a reason until they are read.
/// The context's parts must outlive the node.
class Node : public Gateway {
public:
    /// Starts the actors.
    [[nodiscard]] static std::unique_ptr<Node> start(std::unique_ptr<Context> context);

    /// The parts it was started from, for reports.
    [[nodiscard]] virtual const Context& context() const = 0;
    /// Publishes marks from inside the process, as an oracle client would.
    virtual void publish_marks(const PublishMarks& marks) = 0;
    /// Refuses new requests from now on (11060); what is under way goes on.
    virtual void drain() = 0;
    /// Appends that are not durable yet, over all partitions.
    [[nodiscard]] virtual std::size_t appends_waiting() const = 0;
    /// What the actor system counts of its own, for a scrape.
    [[nodiscard]] virtual std::vector<metrics::Family> actor_families() = 0;
};

}  // namespace crossclear::actors
