#pragma once

#include "base/amount.hpp"
#include "base/wide.hpp"

#include <algorithm>
#include <cstdint>

/// Figures over many accounts, told in 64 bits: for looking at and for limits, never for booking.

namespace crossclear::base {

/// The amount nearest to `value`. One at either end means "so much or more", and has a counterpart
/// of the other sign.
[[nodiscard]] constexpr Amount saturated(Wide value) {
    constexpr Wide most = INT64_MAX;
    return Amount{static_cast<std::int64_t>(std::clamp(value, -most, most))};
}

/// Whether a saturated figure stands at an end: it must not be booked.
[[nodiscard]] constexpr bool is_off_scale(Amount figure) {
    return magnitude(figure).v == INT64_MAX;
}

}  // namespace crossclear::base
