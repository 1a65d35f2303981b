#pragma once

#include "actors/context.hpp"
#include "app/config.hpp"
#include "base/result.hpp"
#include "metrics/instruments.hpp"
#include "shards/simulated/outside.hpp"

#include <memory>
#include <string>

namespace crossclear::app {

/// The real chains of a configuration: each broker's vault and key on each as a shard. What is
/// wrong with a chain itself is told later, by the log and by its lane; chains may be away now.
/// **Requires:** `config.world.mode` is `chains`.
/// **Errors:** one sentence: what does not fit in the file of the site, a listing or a signer.
[[nodiscard]] base::Result<std::unique_ptr<shards::simulated::OutsideWorld>, std::string>
reach_chains(const Config& config, const actors::Log& log, metrics::Instruments& instruments);

/// Whom the vaults of its chains pay: the first client that was given tokens there. Empty where
/// there are no chains, or nobody.
[[nodiscard]] std::string payee_of(const Config& config);

}  // namespace crossclear::app
