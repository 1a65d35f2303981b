#pragma once

#include "actors/context.hpp"
#include "actors/gateway.hpp"
#include "base/ids.hpp"

#include <optional>

namespace crossclear::actors {

/// Why a partition takes no requests just now, if so: nothing was decided, the same id may be sent
/// again. **Thread:** any.
[[nodiscard]] std::optional<Refusal> refusal_at_door(const Context& context,
                                                     base::PartitionId partition);
/// Why a request that waited inside is given back undecided: its partition was dropped.
[[nodiscard]] Refusal refusal_of_dropped(const Context& context, base::PartitionId partition);

}  // namespace crossclear::actors
