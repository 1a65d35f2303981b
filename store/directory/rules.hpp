#pragma once

#include "store/directory/directory.hpp"

#include <cstdint>
#include <string>

/// What every directory asks of a beat before it looks at anything else, and when the next is due.

namespace crossclear::store {

/// Why this beat cannot be taken by a cluster of so many partitions; empty if it can.
/// **Requires:** what `Beat` requires.
[[nodiscard]] std::string refusal_of(const Beat& beat, std::uint16_t partition_count);

/// How long to wait for the next beat: `every`, unless another node's time ends before, which is
/// then seen at once. Whoever hears nothing of the others waits for `every`.
[[nodiscard]] base::Duration wait_after(const BeatOutcome& outcome, base::Duration every);

}  // namespace crossclear::store
