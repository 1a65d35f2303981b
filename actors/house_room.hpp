#pragma once

#include "actors/context.hpp"
#include "ledger/account/state.hpp"
#include "risk/margin.hpp"
#include "risk/surface.hpp"

#include <cstdint>

/// Whether a broker's house has room for what an account would add to what it can lose.

namespace crossclear::actors {

/// Whether the broker's caps leave room for a trade, as its home said last: for claims where it is
/// one in kind, and on the shard where the instrument is traded.
[[nodiscard]] bool has_cap_room(const Broker& broker, const base::Listing& listing,
                                base::InstrumentId instrument);

/// Whether what the protocol behind an instrument's base issues or hosts is at its cap.
[[nodiscard]] bool is_protocol_full(const Broker& broker, const base::Listing& listing,
                                    base::InstrumentId instrument);

/// A portfolio with its margin.
struct Judged {
    const risk::Portfolio& portfolio;
    const risk::Margin& margin;
};

/// What an account would do: trade, or give tokens away.
struct HouseStep {
    Judged before;
    Judged after;
    /// Equity that it may cost, in USD cents: a trade loses its spread, which is no risk.
    std::int64_t cost_cents{};
};

/// Whether the broker's limits let an account do it: what stands past its limit must not grow by
/// it. Whether the broker is reduce-only is not asked here.
[[nodiscard]] bool has_house_room(const Broker& broker, const risk::Model& model,
                                  const risk::Surface& surface, const HouseStep& step);

}  // namespace crossclear::actors
