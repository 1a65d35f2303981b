#include "api/channels.hpp"

#include "base/check.hpp"

#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace crossclear::api {
namespace {

using Kind = actors::Channel::Kind;

constexpr std::string_view account_prefix = "account.";
constexpr std::string_view marks_prefix = "marks.";
constexpr std::string_view shards_name = "shards.health";
constexpr std::string_view broker_prefix = "broker.";
constexpr std::string_view transparency_suffix = ".transparency";

constexpr std::array<std::pair<std::string_view, Kind>, 4> account_streams{{
    {"trades", Kind::trades},
    {"settlements", Kind::settlements},
    {"balances", Kind::balances},
    {"margin", Kind::margin},
}};

// broker.<number>.transparency
std::optional<actors::Channel> parse_broker_channel(std::string_view name) {
    if (!name.ends_with(transparency_suffix)) return std::nullopt;
    name.remove_prefix(broker_prefix.size());
    if (name.size() <= transparency_suffix.size()) return std::nullopt;
    name.remove_suffix(transparency_suffix.size());
    actors::Channel channel{.kind = Kind::transparency, .account = {}, .asset = {}, .broker = {}};
    const auto [end, status] =
        std::from_chars(name.data(), name.data() + name.size(), channel.broker.v);
    const bool is_spelt_once = name.size() == 1 || name.front() != '0';
    if (status != std::errc{} || end != name.data() + name.size() || !is_spelt_once) {
        return std::nullopt;
    }
    return channel;
}

// What an instrument trades; or an asset that none does, as what others are paid in.
std::optional<base::AssetId> marked_asset(std::string_view symbol, const base::Listing& listing) {
    if (const auto instrument = listing.find_instrument(symbol)) {
        return listing.instrument(*instrument).base;
    }
    const auto asset = listing.find_asset(symbol);
    return asset && !listing.instrument_of(*asset) ? asset : std::nullopt;
}

}  // namespace

std::optional<actors::Channel> parse_channel(std::string_view name, const base::Listing& listing) {
    if (name == shards_name)
        return actors::Channel{.kind = Kind::shards, .account = {}, .asset = {}};
    if (name.starts_with(marks_prefix)) {
        const auto asset = marked_asset(name.substr(marks_prefix.size()), listing);
        if (!asset) return std::nullopt;
        return actors::Channel{.kind = Kind::marks, .account = {}, .asset = *asset};
    }
    if (name.starts_with(broker_prefix)) return parse_broker_channel(name);
    if (!name.starts_with(account_prefix)) return std::nullopt;
    const auto rest = name.substr(account_prefix.size());
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto account = base::parse_account_id(rest.substr(0, dot));
    if (!account) return std::nullopt;
    for (const auto& [stream, kind] : account_streams) {
        if (rest.substr(dot + 1) == stream) {
            return actors::Channel{.kind = kind, .account = *account, .asset = {}};
        }
    }
    return std::nullopt;
}

std::string name_of(const actors::Channel& channel, const base::Listing& listing) {
    if (channel.kind == Kind::shards) return std::string{shards_name};
    if (channel.kind == Kind::transparency) {
        std::string name{broker_prefix};
        name += std::to_string(channel.broker.v);
        name += transparency_suffix;
        return name;
    }
    if (channel.kind == Kind::marks) {
        const auto instrument = listing.instrument_of(channel.asset);
        return std::string{marks_prefix} + (instrument ? listing.instrument(*instrument).symbol
                                                       : listing.asset(channel.asset).symbol);
    }
    for (const auto& [stream, kind] : account_streams) {
        if (channel.kind != kind) continue;
        std::string name{account_prefix};
        name += base::to_string(channel.account);
        name += '.';
        name += stream;
        return name;
    }
    UNREACHABLE("an unlisted channel");
}

bool is_private(const actors::Channel& channel) noexcept {
    return channel.kind != Kind::marks && channel.kind != Kind::shards &&
           channel.kind != Kind::transparency;
}

bool is_coalesced(const actors::Channel& channel) noexcept {
    return channel.kind == Kind::marks || channel.kind == Kind::margin;
}

}  // namespace crossclear::api
