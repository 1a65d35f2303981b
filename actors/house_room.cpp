#include "actors/house_room.hpp"

#include "base/wide.hpp"

#include <algorithm>
#include <string>

namespace crossclear::actors {
namespace {

// Two figures are rounded by themselves.
constexpr std::int64_t house_rounding_cents = 2;

std::int64_t shortfall_of(const risk::MarginDetail& detail, const std::string& protocol) {
    const auto found =
        std::find_if(detail.failures.begin(), detail.failures.end(),
                     [&](const auto& failure) { return failure.protocol == protocol; });
    return found == detail.failures.end() ? 0 : found->shortfall_cents;
}

// Whether a loss grows by more than the equity that a step costs.
bool grows(std::int64_t before, std::int64_t after, std::int64_t cost) {
    return base::Wide{after} > base::Wide{before} + cost + house_rounding_cents;
}

// Whether what some protocol past its limit costs the broker grows by it; so too where nobody
// knows.
bool adds_to_any(std::uint32_t past, const risk::Model& model, const risk::Surface& surface,
                 const HouseStep& step) {
    const auto was = model.detail(surface, step.before.portfolio);
    const auto then = model.detail(surface, step.after.portfolio);
    if (!was || !then) return true;
    const auto& protocols = surface.parameters().universe().protocols;
    for (std::size_t p = 0; p < protocols.size(); ++p) {
        if ((past >> p & 1U) == 0) continue;
        const auto& name = protocols[p].name;
        if (grows(shortfall_of(*was, name), shortfall_of(*then, name), step.cost_cents)) {
            return true;
        }
    }
    return false;
}

// What the account's worst stress takes beyond its equity, in USD cents. 0 as well where the broker
// has no such limit, or its home has not told it yet, and where the portfolio is too small to come
// near it. Nothing where nobody knows.
std::optional<std::int64_t> stress_of(const Broker& broker, const risk::Model& model,
                                      const risk::Surface& surface, const Judged& judged) {
    const auto limit = broker.house.client_max_cents();
    if (limit == 0) return 0;
    const auto& margin = judged.margin;
    // No state takes more, with what closing it costs, how events may end, and what is owed
    // already.
    const double most =
        static_cast<double>(margin.gross_cents) * (1 + surface.parameters().largest_multiple()) +
        static_cast<double>(margin.part(risk::Part::LC)) +
        static_cast<double>(margin.part(risk::Part::EV)) +
        std::max(0.0, -static_cast<double>(margin.equity_cents));
    if (most <= static_cast<double>(limit)) return 0;
    const auto stress = model.stress_loss(surface, judged.portfolio);
    if (!stress) return std::nullopt;
    return *stress;
}

}  // namespace

bool has_cap_room(const Broker& broker, const base::Listing& listing,
                  base::InstrumentId instrument) {
    const bool is_in_kind = listing.instrument(instrument).kind == base::InstrumentKind::in_kind;
    if (is_in_kind && broker.house.is_unsettled_full()) return false;
    const auto full = broker.house.shards_full();
    if (full == 0) return true;
    const auto venues = listing.venues_of(instrument);
    return venues.empty() || (full >> venues.front().v & 1U) == 0;
}

bool is_protocol_full(const Broker& broker, const base::Listing& listing,
                      base::InstrumentId instrument) {
    const auto full = broker.house.protocols_full();
    if (full == 0) return false;
    const auto& name = listing.asset(listing.instrument(instrument).base).protocol;
    const auto protocol = broker.parameters->universe().find_protocol(name);
    return protocol && (full >> protocol->v & 1U) != 0;
}

bool has_house_room(const Broker& broker, const risk::Model& model, const risk::Surface& surface,
                    const HouseStep& step) {
    const auto past = broker.house.protocols_past();
    if (past != 0 && adds_to_any(past, model, surface, step)) return false;
    const auto stress = stress_of(broker, model, surface, step.after);
    if (!stress) return false;
    if (*stress <= broker.house.client_max_cents()) return true;
    const auto before = stress_of(broker, model, surface, step.before);
    return before && !grows(*before, *stress, step.cost_cents);
}

}  // namespace crossclear::actors
