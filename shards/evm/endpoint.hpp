#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Where a node answers.

namespace crossclear::shards::evm {

/// An URL taken apart. Its path is often a secret: only `name` is ever shown.
struct Endpoint {
    bool is_websocket{};
    bool is_secure{};
    std::string host;  ///< A name or an address; one of IPv6 without its brackets.
    std::uint16_t port{};
    std::string target;  ///< Path and query, at least `/`.

    /// Scheme, host and port.
    [[nodiscard]] std::string name() const;
    /// Host and port as HTTP's header has them.
    [[nodiscard]] std::string authority() const;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Reads `http://`, `https://`, `ws://` or `wss://`, a host, and perhaps a port, a path and a
/// query. Nothing where it is anything else, or has a user or a fragment.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view url);

}  // namespace crossclear::shards::evm
