#pragma once

#include "base/time.hpp"

#include <chrono>

namespace crossclear::actors {

/// A span in the words of timers.
[[nodiscard]] constexpr std::chrono::microseconds as_chrono(base::Duration duration) {
    return std::chrono::microseconds(duration.us);
}

/// Whether a span has passed since a moment of the wall clock. A clock that was set back says
/// nothing of how long ago that was: then it has, or what is due every second would rest for as
/// long as the clock had been ahead.
[[nodiscard]] constexpr bool has_passed(base::Duration span, base::Timestamp since,
                                        base::Timestamp now) {
    return now < since || now - since >= span;
}

}  // namespace crossclear::actors
