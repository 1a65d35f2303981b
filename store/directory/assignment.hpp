#pragma once

#include "store/directory/directory.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Who should own which partition. A pure function: nodes that see the same agree without a word.

namespace crossclear::store {

/// By partition, the name of the member that should own it; all empty if nobody lives.
///
/// Members' shares differ by at most one. Holders keep what they hold as far as their shares allow,
/// so that no other balanced assignment moves fewer partitions. Whoever pursues the result, in any
/// order and however far, meets the same result again: it changes with the members only.
/// **Cost:** linear in partitions and members, but for a logarithm.
[[nodiscard]] std::vector<std::string> assign(const View& view, std::uint16_t partitions);

}  // namespace crossclear::store
