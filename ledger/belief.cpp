#include "ledger/belief.hpp"

#include "base/saturated.hpp"
#include "base/wide.hpp"

#include <algorithm>

namespace crossclear::ledger {
namespace {

using base::Amount;
using base::Price;
using base::Wide;

// What is sold for more than so many times its bound is a mistake of somebody's. What is bought
// has what it may cost for a bound, and may fall as deep as it likes.
constexpr int better_max = 10;

}  // namespace

Belief belief_from(const HeldThere& held) {
    const auto within = [](Wide figure) {
        return base::saturated(std::clamp(figure, Wide{0}, Wide{figure_max.v}));
    };
    const Wide gas = std::max(Wide{held.gas_held.v}, Wide{0}) + held.gas_reserve.v;
    return {.gas_max = within(gas),
            .received_max = within(Wide{figure_max.v} - held.received_held.v),
            .scales = std::nullopt};
}

bool is_price_credible(const TradeFigures& trade, const Belief::Scales& scales) {
    if (trade.quantity.v == 0) return trade.cash.v == 0 && trade.price.v >= 0;
    if (trade.price.v <= 0) return false;
    const bool is_worse = trade.is_buy ? trade.price > trade.bound : trade.price < trade.bound;
    if (is_worse) return false;
    if (trade.is_contract) return trade.cash.v == 0;
    const Wide best = Wide{std::max<std::int64_t>(trade.bound.v, 1)} * better_max;
    if (!trade.is_buy && trade.price.v > best) return false;

    const Price below{trade.price.v - 1};
    const Price above{trade.price.v == INT64_MAX ? INT64_MAX : trade.price.v + 1};
    const auto least =
        base::notional(trade.quantity, scales.base, below, scales.settlement, base::Rounding::down);
    if (!least || Wide{trade.cash.v} < Wide{least->v} - 1) return false;
    const auto most =
        base::notional(trade.quantity, scales.base, above, scales.settlement, base::Rounding::up);
    return !most || Wide{trade.cash.v} <= Wide{most->v} + 1;
}

}  // namespace crossclear::ledger
