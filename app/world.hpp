#pragma once

#include "actors/context.hpp"
#include "app/config.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "shards/simulated/outside.hpp"
#include "shards/simulated/world.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

/// The simulated outside world of a configuration: in this process, or served by another.

namespace crossclear::app {

/// Where the simulated chains keep their files.
[[nodiscard]] std::filesystem::path shards_directory(const Config& config);

/// The world that a service talks to, inside or remote as configured. A remote one that does not
/// answer yet is connected to in the background: until then its shards are unreachable.
/// **Errors:** one sentence with the remedy; for a remote world only that it turned us away.
[[nodiscard]] base::Result<std::unique_ptr<shards::simulated::OutsideWorld>, std::string>
reach_world(const Config& config, const actors::Log& log);

/// Runs the world of a configuration alone until `is_told_to_stop`.
/// **Errors:** one sentence with the remedy.
[[nodiscard]] base::Result<void, std::string> run_world(
    const Config& config, const actors::Log& log, const std::function<bool()>& is_told_to_stop);

/// One transfer of a client, as a command line spells it.
struct DepositText {
    std::string shard;
    std::string account;
    std::string asset;
    std::string amount;
};

/// Sends a client's tokens to its broker in the world that another process runs.
/// **Errors:** one sentence.
[[nodiscard]] base::Result<void, std::string> deposit(const Config& config,
                                                      const DepositText& text);

}  // namespace crossclear::app
