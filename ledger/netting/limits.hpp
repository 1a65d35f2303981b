#pragma once

#include "base/amount.hpp"

#include <cstdint>

namespace crossclear::ledger::netting {

/// Of one asset, what a broker's capital may sum to, and likewise all deposits it ever takes: the
/// books of its home hold both together in 64 bits.
inline constexpr base::Amount paid_in_max{INT64_MAX / 2};

}  // namespace crossclear::ledger::netting
