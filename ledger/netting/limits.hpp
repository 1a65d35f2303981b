#pragma once

#include "ledger/belief.hpp"

namespace crossclear::ledger::netting {

/// Of one asset, what a broker's capital may sum to, and likewise all deposits it ever takes: the
/// books of its home hold both together in 64 bits.
inline constexpr base::Amount paid_in_max{figure_max};

}  // namespace crossclear::ledger::netting
