#include "risk/kernel/value.hpp"

#include "base/check.hpp"
#include "risk/kernel/pools.hpp"
#include "risk/kernel/scenarios.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk::kernel {
namespace {

double entry_of(const Universe& universe, const Instrument& instrument) {
    return instrument.entry > 0 ? instrument.entry : universe.wrapper(instrument.wrapper).price;
}

// The coin in which an inverse perpetual is settled, at its own price.
double coin_price(const Universe& universe, const Instrument& instrument,
                  const MarketState& state) {
    const auto coin = *universe.wrapper(instrument.wrapper).underlying;
    return universe.underlying(coin).spot * state.factors[coin.v];
}

double inverse_value(const Universe& universe, const Instrument& x, const MarketState& state) {
    const double price = state.prices[x.wrapper.v];
    if (price <= 0) return -x.face_usd;
    const double coin = coin_price(universe, x, state);
    const double share = coin / entry_of(universe, x) - coin / price;
    return x.face_usd * std::max(-1.0, share);
}

double option_value(const Universe& universe, const Instrument& x, const MarketState& state) {
    const OptionRow row(universe.model, x, state.volatility);
    return row.at(state.factors[x.underlying.v], state.log_factors[x.underlying.v]);
}

// The strike of what is left of an option; below zero for a call that is one by now.
double strike_left(const Instrument& x) {
    const double left = 1 - x.averaged;
    return left > 0 ? (x.strike - x.averaged * x.average) / left : x.strike;
}

Black76 terms_left(const ModelParameters& model, const Instrument& x, VolatilityState state) {
    CHECK(x.kind == Kind::option, "only an option has the terms of one");
    const double years = x.days / days_a_year;
    return {.type = x.type,
            .forward = x.forward,
            .strike = std::max(0.0, strike_left(x)),
            .years = years,
            .volatility = volatility_in(model, {x.volatility, x.days}, state),
            .discount = std::exp(-x.rate * years)};
}

PriceRange range_of_pool(const Instrument& x) {
    return {.liquidity = x.liquidity, .low = x.price_low, .high = x.price_high};
}

Exposures one_of(WrapperId wrapper, double usd) {
    return {.list = {{{wrapper, usd}, {}}}, .count = 1};
}

double at_or_zero(const std::vector<double>& list, std::size_t i) {
    return list.empty() ? 0 : list[i];
}

}  // namespace

MarketState market_now(const Universe& universe) { return market_in(universe, {}); }

MarketState market_in(const Universe& universe, const Scenario& scenario) {
    MarketState state{
        .prices = {}, .factors = {}, .log_factors = {}, .volatility = scenario.volatility};
    for (std::size_t u = 0; u < universe.underlyings.size(); ++u) {
        const double factor = std::max(0.0, 1 + at_or_zero(scenario.moves, u));
        state.factors.push_back(factor);
        state.log_factors.push_back(std::log(factor));
    }
    for (std::size_t w = 0; w < universe.wrappers.size(); ++w) {
        const auto& wrapper = universe.wrappers[w];
        const double factor = wrapper.underlying ? state.factors[wrapper.underlying->v] : 1;
        state.prices.push_back(
            std::max(0.0, wrapper.price * factor * (1 + at_or_zero(scenario.pegs, w)) *
                              (1 + at_or_zero(scenario.premiums, w))));
    }
    return state;
}

MarketState market_failed(const Universe& universe, ProtocolId id) {
    const auto& protocol = universe.protocol(id);
    Scenario scenario;
    scenario.pegs.assign(universe.wrappers.size(), 0);
    for (const auto& depeg : protocol.depegs) {
        scenario.pegs[depeg.wrapper.v] -= protocol.loss_given_default * depeg.share;
    }
    return market_in(universe, scenario);
}

OptionRow::OptionRow(const ModelParameters& model, const Instrument& option, VolatilityState state)
    : left_(1 - option.averaged), terms_(terms_left(model, option, state)), row_(terms_) {
    const bool is_call = option.type == OptionType::call;
    if (left_ <= 0) {
        left_ = 0;
        const double won =
            is_call ? option.average - option.strike : option.strike - option.average;
        known_ = terms_.discount * std::max(0.0, won);
    } else if (is_call) {
        known_ = terms_.discount * left_ * std::max(0.0, -strike_left(option));
    }
}

double OptionRow::exposure() const noexcept { return left_ * delta_of(terms_) * terms_.forward; }

double value_of(const Universe& universe, const Instrument& x, const MarketState& state) {
    switch (x.kind) {
        case Kind::cash:
            return 1;
        case Kind::spot:
        case Kind::synthetic:
        case Kind::stable:
            return state.prices[x.wrapper.v];
        case Kind::perpetual:
        case Kind::future:
            return state.prices[x.wrapper.v] - entry_of(universe, x);
        case Kind::inverse_perpetual:
            return inverse_value(universe, x, state);
        case Kind::option:
            return option_value(universe, x, state);
        case Kind::lp2:
            return constant_product_value(x.liquidity,
                                          {state.prices[x.wrapper.v], state.prices[x.quote.v]});
        case Kind::lp3:
            return range_value(range_of_pool(x),
                               {state.prices[x.wrapper.v], state.prices[x.quote.v]});
        case Kind::deposit:
            return x.index * state.prices[x.wrapper.v];
        case Kind::debt:
            return -x.index * state.prices[x.wrapper.v];
        case Kind::binary:
            return x.mark;
    }
    UNREACHABLE("an unlisted kind");
}

Exposures exposures_of(const Universe& universe, const Instrument& x) {
    const auto now = market_now(universe);
    const auto value = [&] { return value_of(universe, x, now); };
    switch (x.kind) {
        case Kind::cash:
        case Kind::binary:
            return {};
        case Kind::spot:
        case Kind::synthetic:
        case Kind::stable:
        case Kind::deposit:
        case Kind::debt:
            return one_of(x.wrapper, value());
        case Kind::perpetual:
        case Kind::future:
            return one_of(x.wrapper, now.prices[x.wrapper.v]);
        case Kind::inverse_perpetual:
            return one_of(x.wrapper,
                          x.face_usd * coin_price(universe, x, now) / now.prices[x.wrapper.v]);
        case Kind::option:
            return one_of(x.wrapper,
                          OptionRow(universe.model, x, VolatilityState::flat).exposure());
        case Kind::lp2:
            return {.list = {{{x.wrapper, value() / 2}, {x.quote, value() / 2}}}, .count = 2};
        case Kind::lp3: {
            // The pool rebalances where it loses nothing by it: each leg counts what is held of it.
            const double a = now.prices[x.wrapper.v];
            const double b = now.prices[x.quote.v];
            if (b <= 0) return {};
            const auto held = amounts_of(range_of_pool(x), a / b);
            return {.list = {{{x.wrapper, held.a * a}, {x.quote, held.b * b}}}, .count = 2};
        }
    }
    UNREACHABLE("an unlisted kind");
}

double notional_of(const Universe& universe, const Instrument& x) {
    switch (x.kind) {
        case Kind::cash:
            return 0;
        case Kind::perpetual:
        case Kind::future:
            return universe.wrapper(x.wrapper).price;
        case Kind::inverse_perpetual:
            return x.face_usd;
        case Kind::option:
            return universe.underlying(x.underlying).spot;
        case Kind::spot:
        case Kind::synthetic:
        case Kind::stable:
        case Kind::lp2:
        case Kind::lp3:
        case Kind::deposit:
        case Kind::debt:
        case Kind::binary:
            return std::abs(value_of(universe, x, market_now(universe)));
    }
    UNREACHABLE("an unlisted kind");
}

}  // namespace crossclear::risk::kernel
