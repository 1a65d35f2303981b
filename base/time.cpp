#include "base/time.hpp"

#include <chrono>

namespace crossclear::base {

Timestamp wall_clock_now() noexcept {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return Timestamp{std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

}  // namespace crossclear::base
