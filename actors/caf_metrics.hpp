#pragma once

#include "metrics/registry.hpp"

#include <caf/fwd.hpp>

#include <vector>

namespace crossclear::actors {

/// What CAF counts of its own, in the words of our registry: names with `_` for what Prometheus
/// does not take, and `_total` where CAF sums. **Requires:** a system that has not ended.
[[nodiscard]] std::vector<metrics::Family> caf_families(caf::actor_system& system);

}  // namespace crossclear::actors
