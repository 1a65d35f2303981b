#pragma once

#include "actors/context.hpp"
#include "actors/messages.hpp"

#include <functional>

namespace crossclear::actors {

/// What every host of a home machine is given: where it lives and whom it can reach.
struct HomeParts {
    const Context* context{};
    base::EntityId entity;
    JournalActor journal;
    PartitionActor home;  ///< The partition this host belongs to: routes to its neighbours.
    std::function<DoorActor(base::PartitionId)> doors;  ///< To every partition, wherever it is.

    /// The way to the partition that holds an account.
    [[nodiscard]] DoorActor door_of(base::AccountId account) const {
        return doors(base::partition_of(account, context->partitions));
    }
    /// Whom the machine works for.
    [[nodiscard]] base::BrokerId broker() const { return base::broker_of(entity); }
};

}  // namespace crossclear::actors
