#pragma once

#include "actors/gateway.hpp"
#include "base/listing.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace crossclear::api {

/// `<broker number>/<shard>/<asset>/<block>`, as operators read and write it.
[[nodiscard]] std::string break_text(const actors::BreakId& id, const base::Listing& listing);
/// Nothing where it is malformed or names what is not listed.
[[nodiscard]] std::optional<actors::BreakId> parse_break(std::string_view text,
                                                         const base::Listing& listing);

}  // namespace crossclear::api
