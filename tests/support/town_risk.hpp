#pragma once

#include "risk/parameters.hpp"

#include <functional>
#include <memory>

/// Risk parameters of the small towns that actors and simulation run in.

namespace crossclear::tests {

/// Of USDC, ETH, sBTC and BTC-PERP: a range, a half spread and haircuts, and next to nothing else,
/// so that figures can be computed by hand. Few scenarios are drawn, and marks are good for ten
/// minutes. `change` may make it another universe. **Requires:** a listing of these four.
[[nodiscard]] std::shared_ptr<const risk::Parameters> town_parameters(
    const base::Listing& listing, const std::function<void(risk::kernel::Universe&)>& change = {});

}  // namespace crossclear::tests
