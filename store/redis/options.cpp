#include "store/redis/options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace crossclear::store {
namespace {

base::Failure<StoreError> malformed(std::string_view text) {
    return base::Failure{StoreError{
        .fault = StoreFault::endpoint_malformed,
        .subject = std::string(text),
        .expected = "unix:/path, host:port, redis://host:port or rediss://host:port",
        .found = "something else",
        .remedy = "Correct the endpoint; name and password have settings of their own."}};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (status != std::errc{} || end != text.data() + text.size() || port == 0) return {};
    return port;
}

}  // namespace

base::Result<Endpoint, StoreError> parse_endpoint(std::string_view text) {
    const std::string_view whole = text;
    if (text.starts_with("unix:")) text.remove_prefix(5);
    if (text.starts_with('/') && text.find('\0') == std::string_view::npos) {
        return Endpoint{.socket_path = std::string(text)};
    }
    if (whole.starts_with("unix:")) return malformed(whole);
    const bool is_tls = text.starts_with("rediss://");
    if (is_tls || text.starts_with("redis://")) text.remove_prefix(is_tls ? 9 : 8);

    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return malformed(whole);
    std::string_view host = text.substr(0, colon);
    const auto port = parse_port(text.substr(colon + 1));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!port || host.empty() || host.find_first_of("@/ []") != std::string_view::npos) {
        return malformed(whole);
    }
    Endpoint endpoint{.host = std::string(host), .port = *port};
    if (is_tls) endpoint.tls.emplace();
    return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
    if (!endpoint.socket_path.empty()) return "unix:" + endpoint.socket_path;
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    const std::string_view scheme = endpoint.tls ? "rediss" : "redis";
    return is_ipv6 ? fmt::format("{}://[{}]:{}", scheme, endpoint.host, endpoint.port)
                   : fmt::format("{}://{}:{}", scheme, endpoint.host, endpoint.port);
}

}  // namespace crossclear::store
