#pragma once

#include "base/time.hpp"

#include <chrono>

namespace crossclear::actors {

/// A span in the words of timers.
[[nodiscard]] constexpr std::chrono::microseconds as_chrono(base::Duration duration) {
    return std::chrono::microseconds(duration.us);
}

}  // namespace crossclear::actors
