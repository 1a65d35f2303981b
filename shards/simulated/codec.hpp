#pragma once

#include "base/listing.hpp"
#include "shards/simulated/block.hpp"
#include "shards/simulated/parameters.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Records and parameters as bytes, for the chain's log and its hashes.

namespace crossclear::shards::simulated {

/// One frame's worth: everything that became true together.
[[nodiscard]] std::string encode(const std::vector<Record>& records);

/// Reads `encode` back; nothing if the bytes are not exactly that.
[[nodiscard]] std::optional<std::vector<Record>> decode(std::string_view bytes);

/// What must not change while a log is continued: all parameters but the faults, and what the
/// listing says of this shard. Equal bytes mean equal parameters.
[[nodiscard]] std::string identity_of(const ChainParameters& parameters,
                                      const base::Listing& listing);

}  // namespace crossclear::shards::simulated
