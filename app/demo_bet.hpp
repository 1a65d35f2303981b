#pragma once

#include "app/demo_trader.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <string>

/// The demo's bet: a client that buys as much as its margin bears, to be liquidated when the price
/// falls.

namespace crossclear::app {

/// What became of the bet's one order. **Units:** USD cents.
struct BetReport {
    std::string quantity{};        ///< BTC-PERP bought.
    std::int64_t initial_cents{};  ///< IM then.
    std::uint32_t cleared{};
    std::uint32_t refused{};
    std::string why_not{};  ///< Why it was not made; empty where it was.

    /// For people.
    [[nodiscard]] std::string sentence() const;
};

/// Asks what one BTC-PERP needs and buys as many as need nine tenths of `equity_cents`.
/// **Thread:** any but the one that runs `io`, which has to run.
[[nodiscard]] BetReport make_bet(boost::asio::io_context& io, const TraderOptions& options,
                                 std::int64_t equity_cents);

}  // namespace crossclear::app
