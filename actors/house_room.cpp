#include "actors/house_room.hpp"

#include <algorithm>
#include <string>

namespace crossclear::actors {
namespace {

// Each is rounded by itself.
constexpr std::int64_t house_rounding_cents = 1;

// What a protocol's failure would take of an account; zeros where that is nothing.
risk::ProtocolFailure failure_of(const risk::MarginDetail& detail, const std::string& protocol) {
    const auto found =
        std::find_if(detail.failures.begin(), detail.failures.end(),
                     [&](const auto& failure) { return failure.protocol == protocol; });
    return found == detail.failures.end() ? risk::ProtocolFailure{} : *found;
}

// A trade that only costs its spread takes from equity, and so adds to what a failure takes beyond
// it; but not to what the failure takes.
bool adds_to(const risk::ProtocolFailure& before, const risk::ProtocolFailure& after) {
    return after.loss_cents > before.loss_cents + house_rounding_cents &&
           after.shortfall_cents > before.shortfall_cents + house_rounding_cents;
}

// Whether what some protocol past its limit costs the broker grows by it; so too where nobody
// knows.
bool adds_to_any(std::uint32_t past, const risk::Model& model, const risk::Surface& surface,
                 const risk::Portfolio& before, const risk::Portfolio& after) {
    const auto was = model.detail(surface, before);
    const auto then = model.detail(surface, after);
    if (!was || !then) return true;
    const auto& protocols = surface.parameters().universe().protocols;
    for (std::size_t p = 0; p < protocols.size(); ++p) {
        if ((past >> p & 1U) == 0) continue;
        const auto& name = protocols[p].name;
        if (adds_to(failure_of(*was, name), failure_of(*then, name))) return true;
    }
    return false;
}

}  // namespace

std::optional<std::int64_t> stress_of(const Broker& broker, const risk::Model& model,
                                      const risk::Surface& surface, const Judged& judged) {
    const auto limit = broker.house.client_max_cents.load(std::memory_order_relaxed);
    if (limit == 0) return 0;
    const auto& margin = judged.margin;
    // No state takes more, with what closing it costs.
    const double most =
        static_cast<double>(margin.gross_cents) * (1 + surface.parameters().largest_multiple()) +
        static_cast<double>(margin.part(risk::Part::LC));
    if (most <= static_cast<double>(limit)) return 0;
    const auto stress = model.stress_loss(surface, judged.portfolio);
    if (!stress) return std::nullopt;
    return *stress;
}

bool has_house_room(const Broker& broker, const risk::Model& model, const risk::Surface& surface,
                    const Judged& before, const Judged& after) {
    const auto past = broker.house.protocols_past.load(std::memory_order_relaxed);
    if (past != 0 && adds_to_any(past, model, surface, before.portfolio, after.portfolio)) {
        return false;
    }
    const auto stress = stress_of(broker, model, surface, after);
    if (!stress) return false;
    if (*stress <= broker.house.client_max_cents.load(std::memory_order_relaxed)) return true;
    const auto stress_before = stress_of(broker, model, surface, before);
    return stress_before && *stress <= *stress_before;
}

}  // namespace crossclear::actors
