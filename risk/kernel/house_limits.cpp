#include "risk/kernel/house_limits.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk::kernel {
namespace {

// Sums that were made twice differ by their rounding, which is no risk that an order adds.
constexpr double rounding_share = 1e-9;

bool is_within(double usd, double limit) noexcept {
    // Written so that what is no number is past any limit.
    return usd <= limit && std::isfinite(limit);
}

double figure_before(const HouseFigures& before, const LimitBreach& breach) {
    switch (breach.kind) {
        case LimitKind::cover2:
            return before.cover2;
        case LimitKind::protocol:
            return before.protocols[breach.index];
        case LimitKind::client:
            return before.clients[breach.index];
    }
    UNREACHABLE("an unlisted limit");
}

bool forbids(const LimitBreach& breach, const HouseFigures& before) {
    // Nothing is known of what is no number, not even that it did not grow.
    if (breach.kind == LimitKind::cover2 || !std::isfinite(breach.usd)) return true;
    const double room = rounding_share * std::max(1.0, std::abs(breach.limit_usd));
    return !(breach.usd <= figure_before(before, breach) + room);
}

}  // namespace

HouseFigures figures_of(double waterfall_usd, const HouseReport& report, const StressBook& stress) {
    return {.waterfall = waterfall_usd,
            .cover2 = report.cover2,
            .protocols = report.shortfalls,
            .clients = stress.by_client()};
}

std::vector<LimitBreach> breaches_of(const HouseFigures& figures, const HouseLimits& limits) {
    std::vector<LimitBreach> breaches;
    const auto look = [&breaches](LimitKind kind, std::size_t index, double usd, double limit) {
        if (!is_within(usd, limit)) breaches.push_back({kind, index, usd, limit});
    };
    look(LimitKind::cover2, 0, figures.cover2, figures.waterfall);
    const double of_protocol = limits.protocol_share * figures.waterfall;
    for (std::size_t p = 0; p < figures.protocols.size(); ++p) {
        look(LimitKind::protocol, p, figures.protocols[p], of_protocol);
    }
    const double of_client = limits.client_share * figures.waterfall;
    for (std::size_t c = 0; c < figures.clients.size(); ++c) {
        look(LimitKind::client, c, figures.clients[c], of_client);
    }
    return breaches;
}

HouseDecision verdict_of(const HouseAcceptance& order, const HouseLimits& limits) {
    const auto& [before, after, is_unwind] = order;
    CHECK(before.protocols.size() == after.protocols.size(), "an order changes no protocols");
    CHECK(before.clients.size() == after.clients.size(), "an order changes no clients");
    for (const auto& breach : breaches_of(after, limits)) {
        if (!forbids(breach, before)) continue;
        return {is_unwind ? HouseVerdict::unwinding : HouseVerdict::refused, breach};
    }
    return {HouseVerdict::accepted, std::nullopt};
}

}  // namespace crossclear::risk::kernel
