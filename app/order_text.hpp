#pragma once

#include "base/result.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/surface.hpp"

#include <string>
#include <vector>

/// Orders as the command line gives them.

namespace crossclear::app {

/// Reads legs like `BTC-PERP=-0.5` into one order. **Errors:** in words, with the leg that is
/// wrong.
[[nodiscard]] base::Result<risk::kernel::Change, std::string> read_order(
    const std::vector<std::string>& legs, const risk::kernel::Surface& surface);

}  // namespace crossclear::app
