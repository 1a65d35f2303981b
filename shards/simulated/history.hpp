#pragma once

#include "base/listing.hpp"
#include "base/result.hpp"
#include "shards/port.hpp"
#include "shards/simulated/log.hpp"
#include "shards/simulated/parameters.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace crossclear::shards::simulated {

/// What a broker held at `block`, as the chain's own log tells it: for an audit, without opening
/// the chain, and also beside the process that runs it.
/// **Requires:** a block that is final.
/// **Errors:** those of `Log::read`. **Cost:** reads the whole log.
[[nodiscard]] base::Result<Balances, LogFault> balances_at(const std::filesystem::path& log,
                                                           const ChainParameters& parameters,
                                                           const base::Listing& listing,
                                                           base::BrokerId broker,
                                                           std::uint64_t block);

/// The orders in the blocks of a chain that stand, as its own log tells it.
/// **Errors:** those of `Log::read`. **Cost:** reads the whole log.
[[nodiscard]] base::Result<std::vector<base::OrderRef>, LogFault> orders_in(
    const std::filesystem::path& log, const ChainParameters& parameters,
    const base::Listing& listing);

}  // namespace crossclear::shards::simulated
