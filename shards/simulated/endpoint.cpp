#include "shards/simulated/endpoint.hpp"

#include <sys/un.h>

#include <charconv>
#include <system_error>

namespace crossclear::shards::simulated {

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    if (text.find('/') != std::string_view::npos) {
        // The kernel's field ends with a zero.
        if (text.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
        return Endpoint{.path = std::string{text}, .host = {}, .port = 0};
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto host = text.substr(0, colon);
    const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    const bool has_colon = host.find(':') != std::string_view::npos;
    if (host.empty() || has_colon != is_bracketed) return std::nullopt;
    const auto digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto* end = digits.data() + digits.size();
    const auto [at, status] = std::from_chars(digits.data(), end, port);
    if (status != std::errc{} || at != end || port == 0) return std::nullopt;
    return Endpoint{.path = {}, .host = std::string{host}, .port = port};
}

std::string to_string(const Endpoint& endpoint) {
    if (!endpoint.path.empty()) return endpoint.path;
    const bool is_bracketed = endpoint.host.find(':') != std::string::npos;
    const auto host = is_bracketed ? "[" + endpoint.host + "]" : endpoint.host;
    return host + ":" + std::to_string(endpoint.port);
}

}  // namespace crossclear::shards::simulated
