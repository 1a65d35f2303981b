#include "app/funding.hpp"

#include "base/wide.hpp"

#include <algorithm>
#include <limits>

namespace crossclear::app {
namespace {

constexpr base::Duration a_day = base::seconds(86'400);

std::optional<base::Price> price_of(const PriceTick& tick, base::AssetId asset) {
    const auto found = std::find_if(tick.points.begin(), tick.points.end(),
                                    [&](const PricePoint& point) { return point.asset == asset; });
    if (found == tick.points.end()) return std::nullopt;
    return found->price;
}

}  // namespace

void FundingMeter::advance(const base::Listing& listing, const PriceTick& tick) {
    if (per_day_.v == 0) return;
    const auto elapsed = last_ ? tick.at - *last_ : base::Duration{};
    last_ = tick.at;
    for (const auto& instrument : listing.instruments) {
        if (instrument.kind != base::InstrumentKind::linear_perpetual) continue;
        auto& index = indices_[instrument.base];
        const auto price = price_in(tick, instrument);
        if (!price) continue;
        const auto paid =
            base::Wide{price->v} * per_day_.v / base::ppm_one * elapsed.us / a_day.us + index.v;
        index.v = static_cast<std::int64_t>(
            std::min<base::Wide>(paid, std::numeric_limits<std::int64_t>::max()));
    }
}

std::optional<base::Price> price_in(const PriceTick& tick, const base::InstrumentInfo& instrument) {
    const auto base = price_of(tick, instrument.base);
    const auto settlement = price_of(tick, instrument.settlement);
    if (!base || !settlement) return std::nullopt;
    const auto price = base::multiply_divide(base->v, base::power_of_ten(base::price_scale),
                                             settlement->v, base::Rounding::down);
    if (!price) return std::nullopt;
    return base::Price{*price};
}

}  // namespace crossclear::app
