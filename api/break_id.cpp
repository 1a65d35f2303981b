#include "api/break_id.hpp"

#include <fmt/format.h>

#include <charconv>

namespace crossclear::api {
namespace {

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number number{};
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// What stands before the next slash; `text` goes on after it.
std::string_view next_part(std::string_view& text) {
    const auto end = std::min(text.find('/'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

}  // namespace

std::string break_text(const actors::BreakId& id, const base::Listing& listing) {
    return fmt::format("{}/{}/{}/{}", id.broker.v, listing.shard(id.shard).symbol,
                       listing.asset(id.asset).symbol, id.block);
}

std::optional<actors::BreakId> parse_break(std::string_view text, const base::Listing& listing) {
    const auto broker = whole_number<std::uint16_t>(next_part(text));
    const auto shard = listing.find_shard(next_part(text));
    const auto asset = listing.find_asset(next_part(text));
    const auto block = whole_number<std::uint64_t>(text);
    if (!broker || !shard || !asset || !block) return std::nullopt;
    return actors::BreakId{base::BrokerId{*broker}, *shard, *asset, *block};
}

}  // namespace crossclear::api
