#include "shards/evm/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace crossclear::shards::evm {
namespace {

constexpr std::uint16_t plain_port = 80;
constexpr std::uint16_t secure_port = 443;
constexpr std::size_t url_length_max = 2'048;

struct Scheme {
    std::string_view text;
    bool is_websocket;
    bool is_secure;
};
constexpr Scheme schemes[] = {{"http://", false, false},
                              {"https://", false, true},
                              {"ws://", true, false},
                              {"wss://", true, true}};

// A target may have whatever may stand in a request's first line.
bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stopped != end || port == 0) return std::nullopt;
    return port;
}

// Host and port, `[::1]:8545`.
bool read_authority(std::string_view text, Endpoint& into) {
    if (text.find('@') != std::string_view::npos) return false;
    auto port_at = text.rfind(':');
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return false;
        into.host = text.substr(1, end - 1);
        port_at = end + 1 == text.size() ? std::string_view::npos : end + 1;
        if (port_at != std::string_view::npos && text[port_at] != ':') return false;
    } else {
        into.host = text.substr(0, port_at);
        if (into.host.find(':') != std::string::npos) return false;
    }
    if (port_at == std::string_view::npos) return !into.host.empty();
    const auto port = parse_port(text.substr(port_at + 1));
    if (port) into.port = *port;
    return port && !into.host.empty();
}

bool is_address_of_six(const std::string& host) { return host.find(':') != std::string::npos; }

}  // namespace

std::string Endpoint::authority() const {
    return fmt::format("{0}{2}{1}:{3}", is_address_of_six(host) ? "[" : "",
                       is_address_of_six(host) ? "]" : "", host, port);
}

std::string Endpoint::name() const {
    const auto scheme =
        std::find_if(std::begin(schemes), std::end(schemes), [this](const Scheme& one) {
            return one.is_websocket == is_websocket && one.is_secure == is_secure;
        });
    return std::string(scheme->text) + authority();
}

std::optional<Endpoint> parse_endpoint(std::string_view url) {
    if (url.size() > url_length_max || !is_plain(url)) return std::nullopt;
    if (url.find('#') != std::string_view::npos) return std::nullopt;
    for (const auto& scheme : schemes) {
        if (!url.starts_with(scheme.text)) continue;
        url.remove_prefix(scheme.text.size());
        Endpoint endpoint{.is_websocket = scheme.is_websocket,
                          .is_secure = scheme.is_secure,
                          .host = {},
                          .port = scheme.is_secure ? secure_port : plain_port,
                          .target = "/"};
        const auto path_at = url.find_first_of("/?");
        if (path_at != std::string_view::npos) {
            endpoint.target = url.substr(path_at);
            if (!endpoint.target.starts_with('/')) endpoint.target.insert(0, "/");
        }
        if (!read_authority(url.substr(0, path_at), endpoint)) return std::nullopt;
        return endpoint;
    }
    return std::nullopt;
}

}  // namespace crossclear::shards::evm
