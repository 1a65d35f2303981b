#pragma once

#include "actors/gateway.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Channels by name: `account.0-17.trades`, `marks.BTC-PERP`, `shards.health`.

namespace crossclear::api {

/// The channel of a name, and the name of a channel. Nothing where the name is of none, or names
/// what is not listed.
[[nodiscard]] std::optional<actors::Channel> parse_channel(std::string_view name,
                                                           const base::Listing& listing);
[[nodiscard]] std::string name_of(const actors::Channel& channel, const base::Listing& listing);

/// Whether following it needs an authenticated session.
[[nodiscard]] bool is_private(const actors::Channel& channel) noexcept;
/// Whether only the newest message matters, so that a slow client may miss those between.
[[nodiscard]] bool is_coalesced(const actors::Channel& channel) noexcept;

}  // namespace crossclear::api
