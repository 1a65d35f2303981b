#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crossclear::shards::simulated {

/// Where a world listens: a unix socket if `path` is set, else a host and a port.
struct Endpoint {
    std::string path{};
    std::string host{};
    std::uint16_t port{};

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Reads a path with a slash in it, or `host:port`, an IPv6 host in brackets. Nothing for any other
/// text, for port 0 and for a path that is too long for a socket.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

/// The text that `parse_endpoint` reads.
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

}  // namespace crossclear::shards::simulated
