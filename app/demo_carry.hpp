#pragma once

#include "app/demo_trader.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <string>

/// The demo's levered carry trade: what netting is worth, in one account.

namespace crossclear::app {

/// What the trade needed. **Units:** USD cents.
struct CarryReport {
    std::int64_t long_cents{};      ///< IM if the synthetic alone were bought.
    std::int64_t short_cents{};     ///< IM if the contract alone were sold.
    std::int64_t together_cents{};  ///< IM once both were cleared.
    std::uint32_t cleared{};        ///< Of its two trades.
    std::uint32_t refused{};
    std::string why_not{};  ///< Why it did not come to its end; empty where it did.

    /// For people.
    [[nodiscard]] std::string sentence() const;
};

/// Asks what buying one sBTC on margin would need, and what selling one BTC-PERP would; makes both
/// trades, the second once the first is cleared, and asks what they need together.
/// **Thread:** any but the one that runs `io`, which has to run.
[[nodiscard]] CarryReport make_carry(boost::asio::io_context& io, const TraderOptions& options);

}  // namespace crossclear::app
