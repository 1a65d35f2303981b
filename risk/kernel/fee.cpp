#include "risk/kernel/fee.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk::kernel {
namespace {

constexpr double loading = 1.25;
constexpr double cost_of_capital_year = .12;

base::Result<RiskBorne, Fault> borne_after(const Account& account, const Change& change) {
    const auto margin = account.what_if(change);
    if (!margin) return base::Failure{margin.error()};
    const auto market = account.market_loss_day(change);
    if (!market) return base::Failure{market.error()};
    return risk_borne(account.surface(), *margin, *market);
}

}  // namespace

double RiskBorne::fee_day() const noexcept {
    return loading * expected_loss_day + cost_of_capital_year * unexpected_loss / days_a_year;
}

RiskBorne risk_borne(const Surface& surface, const Margin& margin, double market_loss_day) {
    RiskBorne borne{.expected_loss_day = market_loss_day};
    const auto weights = surface.weights();
    for (std::size_t p = 0; p < weights.size(); ++p) {
        const double shortfall = margin.shortfall(p);
        borne.expected_loss_day += weights[p].default_year * shortfall / days_a_year;
        borne.unexpected_loss += weights[p].unexpected * shortfall;
    }
    return borne;
}

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): before and after, in this order everywhere
double risk_fee(const RiskBorne& before, const RiskBorne& after, double holding_days) noexcept {
    return std::max(after.fee_day() - before.fee_day(),
                    after.expected_loss_day - before.expected_loss_day) *
           holding_days;
}

base::Result<TradeFee, Fault> trade_fee(const Account& account, const Change& change,
                                        const FeeProfile& profile) {
    // A maximum would take the other side of what is no number.
    if (!is_fee(profile.floor_share) ||
        !std::all_of(profile.holding_days.begin(), profile.holding_days.end(), is_fee)) {
        return base::Failure{Fault::not_a_fee};
    }
    const auto before = borne_after(account, {});
    if (!before) return base::Failure{before.error()};
    const auto after = borne_after(account, change);
    if (!after) return base::Failure{after.error()};
    TradeFee fee{.before = *before, .after = *after};
    double bought = 0;
    double sold = 0;
    for (const auto& leg : change.legs()) {
        const auto& row = account.surface().row(leg.instrument);
        if (row.kind == Kind::cash || leg.quantity == 0) continue;
        (leg.quantity > 0 ? bought : sold) += std::abs(leg.quantity) * row.notional;
        fee.holding_days =
            std::max(fee.holding_days, profile.holding_days[static_cast<std::size_t>(row.kind)]);
    }
    fee.floor = profile.floor_share * std::max(bought, sold);
    fee.total = std::max(fee.floor, risk_fee(*before, *after, fee.holding_days));
    if (!std::isfinite(fee.total)) return base::Failure{Fault::not_finite};
    return fee;
}

}  // namespace crossclear::risk::kernel
