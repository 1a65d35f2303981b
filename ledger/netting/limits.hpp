#pragma once

#include "ledger/belief.hpp"

#include <cstdint>

namespace crossclear::ledger::netting {

/// Of one asset, what a broker's capital may sum to, and likewise all deposits it ever takes: the
/// books of its home hold both together in 64 bits.
inline constexpr base::Amount paid_in_max{figure_max};

/// By so many blocks a deposit may stand lower after a reorganisation than it did before. No chain
/// that is of use replaces more.
inline constexpr std::uint64_t blocks_moved_max = 1'024;

}  // namespace crossclear::ledger::netting
