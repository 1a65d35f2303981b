#pragma once

#include "risk/parameters.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

/// Risk parameters of the small towns that actors and simulation run in.

namespace crossclear::tests {

/// Of USDC, ETH, sBTC and BTC-PERP: a range, a half spread and haircuts, and next to nothing else,
/// so that figures can be computed by hand. Few scenarios are drawn, and marks are good for ten
/// minutes. `change` may make it another universe. **Requires:** a listing of these four, and
/// besides only of futures and outcomes.
[[nodiscard]] std::shared_ptr<const risk::Parameters> town_parameters(
    const base::Listing& listing, const std::function<void(risk::kernel::Universe&)>& change = {});

/// Where open interest in a contract or token begins to cost, and where it has become dear.
struct OpenInterestCap {
    std::string wrapper{};
    std::int64_t low_usd{};
    std::int64_t high_usd{};
};

/// A change for `town_parameters`: what all have open of one wrapper is charged for.
[[nodiscard]] std::function<void(risk::kernel::Universe&)> with_cap(const OpenInterestCap& cap);

}  // namespace crossclear::tests
