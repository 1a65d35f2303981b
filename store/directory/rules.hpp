#pragma once

#include "store/directory/directory.hpp"

#include <cstdint>
#include <string>

/// What every directory asks of a beat before it looks at anything else.

namespace crossclear::store {

/// Why this beat cannot be taken by a cluster of so many partitions; empty if it can.
/// **Requires:** what `Beat` requires.
[[nodiscard]] std::string refusal_of(const Beat& beat, std::uint16_t partition_count);

}  // namespace crossclear::store
