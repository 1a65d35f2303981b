#pragma once

#include "base/ids.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
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

/// Where to trade, by which key and for whom.
struct CarryOptions {
    std::string address;
    std::uint16_t port{};
    std::string key_id;
    std::string secret;
    base::AccountId account;
    std::uint64_t seed{};             ///< Of command ids.
    std::function<bool()> is_wanted;  ///< Asked every few milliseconds; false ends it.
};

/// Asks what buying one sBTC on margin would need, and what selling one BTC-PERP would; makes both
/// trades, the second once the first is cleared, and asks what they need together. What is not
/// decided is sent again under its id. Waits for each answer, ten seconds at most.
/// **Thread:** any but the one that runs `io`, which has to run.
[[nodiscard]] CarryReport make_carry(boost::asio::io_context& io, const CarryOptions& options);

}  // namespace crossclear::app
