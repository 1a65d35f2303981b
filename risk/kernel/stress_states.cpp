#include "risk/kernel/stress_states.hpp"

#include "base/check.hpp"
#include "risk/kernel/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace crossclear::risk::kernel {

/// A market of which not all has to be known.
struct PartlyKnown {
    MarketState market;
    std::vector<bool> knows_price;   // By wrapper,
    std::vector<bool> knows_factor;  // and by coin.
};

namespace {

constexpr double hours_a_day = 24;
constexpr double nobody_knows = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t stresses_max = 31;  // A bit each.

double beyond(double loss, double equity) noexcept {
    const double short_by = loss - equity;
    return short_by <= 0 ? 0 : short_by;  // A NaN stays one.
}

float rounded_up(double usd) {
    const auto nearest = static_cast<float>(usd);
    return static_cast<double>(nearest) >= usd
               ? nearest
               : std::nextafter(nearest, std::numeric_limits<float>::infinity());
}

bool is_known(const Universe& universe, const Instrument& x, const PartlyKnown& state) {
    switch (x.kind) {
        case Kind::cash:
        case Kind::binary:
            return true;
        case Kind::spot:
        case Kind::synthetic:
        case Kind::stable:
        case Kind::perpetual:
        case Kind::future:
        case Kind::deposit:
        case Kind::debt:
            return state.knows_price[x.wrapper.v];
        case Kind::inverse_perpetual:
            return state.knows_price[x.wrapper.v] &&
                   state.knows_factor[universe.wrapper(x.wrapper).underlying->v];
        case Kind::lp2:
        case Kind::lp3:
            return state.knows_price[x.wrapper.v] && state.knows_price[x.quote.v];
        case Kind::option:
            return state.knows_factor[x.underlying.v];
    }
    UNREACHABLE("an unlisted kind");
}

PartlyKnown all_known(const Universe& universe, const Scenario& scenario) {
    return {.market = market_in(universe, scenario),
            .knows_price = std::vector<bool>(universe.wrappers.size(), true),
            .knows_factor = std::vector<bool>(universe.underlyings.size(), true)};
}

PartlyKnown market_on(const Universe& universe, const PricePath& path, std::size_t moment) {
    Scenario still;
    still.volatility = VolatilityState::up;
    auto state = all_known(universe, still);
    const auto& coins = path.underlyings[moment];
    const auto& wrappers = path.wrappers[moment];
    CHECK(coins.size() == universe.underlyings.size(), "a path has every coin");
    CHECK(wrappers.size() == universe.wrappers.size(), "a path has every wrapper");
    for (std::size_t u = 0; u < coins.size(); ++u) {
        state.knows_factor[u] = coins[u].has_value();
        state.market.factors[u] = coins[u].value_or(1);
        state.market.log_factors[u] = std::log(state.market.factors[u]);
    }
    for (std::size_t w = 0; w < wrappers.size(); ++w) {
        state.knows_price[w] = wrappers[w].has_value();
        state.market.prices[w] = universe.wrappers[w].price * wrappers[w].value_or(1);
    }
    return state;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): named where they are declared
double frozen_move(const ModelParameters& model, double hours, double side, double volatility_day) {
    return std::expm1(side * model.oracle_quantile * std::sqrt(hours / hours_a_day) *
                      volatility_day);
}

/// Fills the states; afterwards nobody can write to them.
class StressBuilder {
public:
    StressBuilder(StressStates& states, const StressTerms& terms)
        : states_(states),
          terms_(terms),
          surface_(*states.surface_),
          universe_(surface_.universe()) {}

    std::optional<Fault> run() {
        add_coins_at_zero();
        add_protocols();
        add_frozen_oracle();
        add_defaults();
        for (const auto& path : terms_.paths) add_path(path);
        if (states_.count() > std::numeric_limits<std::uint16_t>::max() ||
            states_.stresses_.size() > stresses_max ||
            markets_.size() * surface_.instruments() > limits::matrix_max) {
            return Fault::out_of_range;
        }
        return value_all();
    }

private:
    void begin(std::string_view name, StressOf of = StressOf::everyone) {
        states_.stresses_.push_back(
            {.name = std::string(name), .of = of, .begin = states_.count(), .count = 0});
    }
    void add(std::string name) {
        states_.names_.push_back(std::move(name));
        ++states_.stresses_.back().count;
    }
    void add(std::string name, PartlyKnown market) {
        states_.revalued_.push_back(states_.count());
        markets_.push_back(std::move(market));
        add(std::move(name));
    }

    void add_coins_at_zero() {
        begin(stress_coins);
        Scenario scenario;
        scenario.moves.assign(universe_.underlyings.size(), -1);
        scenario.volatility = VolatilityState::up;
        add(std::string(stress_coins), all_known(universe_, scenario));
    }

    void add_protocols() {
        begin(stress_protocol);
        states_.protocols_begin_ = states_.count();
        for (const auto& protocol : universe_.protocols) add(protocol.name);
        begin(stress_protocols);
        states_.all_protocols_ = states_.count();
        add(std::string(stress_protocols));
    }

    void add_frozen_oracle() {
        begin(stress_oracle);
        const auto both_ways = [&](const std::string& name, double volatility, auto scenario_of) {
            for (const double side : {-1.0, 1.0}) {
                const double move =
                    frozen_move(universe_.model, terms_.oracle_frozen_hours, side, volatility);
                add(fmt::format("{} {:+.1f} %", name, 100 * move),
                    all_known(universe_, scenario_of(move)));
            }
        };
        for (std::size_t u = 0; u < universe_.underlyings.size(); ++u) {
            const auto& coin = universe_.underlyings[u];
            both_ways(coin.name + " in every form", coin.volatility_day, [&](double move) {
                Scenario scenario;
                scenario.moves.assign(universe_.underlyings.size(), 0);
                scenario.moves[u] = move;
                return scenario;
            });
        }
        for (std::size_t w = 0; w < universe_.wrappers.size(); ++w) {
            const auto& wrapper = universe_.wrappers[w];
            both_ways(wrapper.name, wrapper.volatility_day, [&](double move) {
                Scenario scenario;
                scenario.pegs.assign(universe_.wrappers.size(), 0);
                scenario.pegs[w] = move;
                return scenario;
            });
        }
    }

    // Every scenario of the surface, with what closing costs there; the same for one and for two.
    void add_defaults() {
        begin(stress_default, StressOf::largest);
        states_.scenarios_begin_ = states_.count();
        for (const auto& scenario : universe_.core) add(scenario.name);
        for (std::size_t s = 0; s < surface_.simulated_count(); ++s) {
            add(fmt::format("simulated {}", s));
        }
        auto both = states_.stresses_.back();
        both.name = stress_defaults;
        both.of = StressOf::two_largest;
        states_.stresses_.push_back(std::move(both));
    }

    void add_path(const PricePath& path) {
        CHECK(path.underlyings.size() == path.moments.size(), "a path has its coins at any moment");
        CHECK(path.wrappers.size() == path.moments.size(), "and its wrappers");
        begin(path.name);
        for (std::size_t t = 0; t < path.moments.size(); ++t) {
            add(path.moments[t], market_on(universe_, path, t));
        }
    }

    std::optional<Fault> value_all() {
        const auto all_failed = market_where_all_failed();
        const auto size = surface_.instruments() * markets_.size();
        states_.changes_.reserve(size);
        states_.is_unknown_.reserve(size);
        for (std::size_t i = 0; i < surface_.instruments(); ++i) {
            const InstrumentId id{static_cast<std::uint16_t>(i)};
            const auto& x = universe_.instrument(id);
            const double value = surface_.row(id).value;
            const auto value_in = valuer_of(x);
            for (const auto& state : markets_) {
                const bool is_known_then = is_known(universe_, x, state);
                const double change = is_known_then ? value_in(state.market) - value : 0;
                if (!std::isfinite(change)) return Fault::not_finite;
                states_.changes_.push_back(change);
                states_.is_unknown_.push_back(is_known_then ? 0 : 1);
            }
            states_.all_failed_.push_back(effect_of_all(id, all_failed));
        }
        return std::nullopt;
    }

    // What an option's states share is computed once.
    [[nodiscard]] std::function<double(const MarketState&)> valuer_of(const Instrument& x) const {
        if (x.kind != Kind::option) {
            return [this, &x](const MarketState& market) { return value_of(universe_, x, market); };
        }
        const auto row = [&](VolatilityState state) {
            return OptionRow(universe_.model, x, state);
        };
        const std::array rows{row(VolatilityState::down), row(VolatilityState::flat),
                              row(VolatilityState::up)};
        return [rows, coin = x.underlying.v](const MarketState& market) {
            const auto state = static_cast<std::size_t>(static_cast<int>(market.volatility) + 1);
            return rows.at(state).at(market.factors[coin], market.log_factors[coin]);
        };
    }

    // Each failure takes its share of what the others leave of a price.
    [[nodiscard]] MarketState market_where_all_failed() const {
        Scenario scenario;
        scenario.pegs.assign(universe_.wrappers.size(), 0);
        for (const auto& protocol : universe_.protocols) {
            for (const auto& depeg : protocol.depegs) {
                auto& peg = scenario.pegs[depeg.wrapper.v];
                peg = (1 + peg) * (1 - protocol.loss_given_default * depeg.share) - 1;
            }
        }
        return market_in(universe_, scenario);
    }

    [[nodiscard]] FailureEffect effect_of_all(InstrumentId id, const MarketState& market) const {
        const auto& x = universe_.instrument(id);
        const double value = surface_.row(id).value;
        double left = 1;
        for (const auto protocol : x.protocols) {
            left *= 1 - universe_.protocol(protocol).loss_given_default;
        }
        FailureEffect effect;
        effect.change = value_of(universe_, x, market) - value;
        if (!x.protocols.empty()) {
            effect.change = std::min(effect.change, -(1 - left) * std::max(0.0, value));
        }
        // As if its venue failed alone: an instrument has one.
        for (const auto& alone : surface_.failures(id)) effect.venue += alone.venue;
        return effect;
    }

    StressStates& states_;
    const StressTerms& terms_;
    const Surface& surface_;
    const Universe& universe_;
    std::vector<PartlyKnown> markets_;
};

void StressSums::add(const ClientStress& client) {
    for (const auto& [state, usd] : client.states) {
        if (state >= states.size()) states.resize(std::size_t{state} + 1);
        states[state].add(static_cast<double>(usd));
    }
    for (std::size_t i = 0; i < stresses_max; ++i) {
        if ((client.unknown >> i & 1U) == 0) continue;
        if (i >= unknown.size()) unknown.resize(i + 1);
        ++unknown[i];
    }
}

void StressSums::add(const StressSums& group) {
    states.resize(std::max(states.size(), group.states.size()));
    unknown.resize(std::max(unknown.size(), group.unknown.size()));
    for (std::size_t i = 0; i < group.states.size(); ++i) states[i].add(group.states[i]);
    for (std::size_t i = 0; i < group.unknown.size(); ++i) unknown[i] += group.unknown[i];
}

base::Result<std::shared_ptr<const StressStates>, Fault> StressStates::of(
    const Surface& surface, const StressTerms& terms) {
    // Written so that NaN is refused as well.
    if (!(terms.oracle_frozen_hours >= 0)) return base::Failure{Fault::not_finite};
    const std::shared_ptr<StressStates> made(new StressStates(surface));
    if (const auto fault = StressBuilder(*made, terms).run()) return base::Failure{*fault};
    return std::shared_ptr<const StressStates>(made);
}

base::Result<std::vector<double>, Fault> StressStates::least(const Account& account,
                                                             const Margin& margin) const {
    CHECK(&account.surface() == surface_, "an account is stressed on its own surface");
    std::vector<double> all(count());
    const auto columns = revalued_.size();
    std::vector<double> pnl(columns);
    double lost = 0;
    double gained = 0;
    for (const auto& [id, quantity] : account.positions()) {
        const double* row = changes_.data() + id.v * columns;
        for (std::size_t c = 0; c < columns; ++c) pnl[c] += quantity * row[c];
        const double change = quantity * all_failed_[id.v].change;
        lost += (change < 0 ? -change : 0) + std::abs(quantity) * all_failed_[id.v].venue;
        gained += change > 0 ? change : 0;
    }
    for (std::size_t c = 0; c < columns; ++c) all[revalued_[c]] = beyond(-pnl[c], margin.equity);
    for (std::size_t p = 0; p < surface_->universe().protocols.size(); ++p) {
        all[protocols_begin_ + p] = margin.shortfall(p);
    }
    const double loss = lost - surface_->universe().model.gain_share * gained;
    all[all_protocols_] = beyond(loss <= 0 ? 0 : loss, margin.equity);
    const auto closed_in = [&](std::size_t state, std::size_t column) {
        all[state] = beyond(margin.liquidity - account.pnl()[column], margin.equity);
    };
    for (std::size_t s = 0; s < surface_->core_count(); ++s) closed_in(scenarios_begin_ + s, s);
    for (std::size_t s = 0; s < surface_->simulated_count(); ++s) {
        closed_in(scenarios_begin_ + surface_->core_count() + s, surface_->simulated_begin() + s);
    }
    if (!std::all_of(all.begin(), all.end(), [](double usd) { return std::isfinite(usd); })) {
        return base::Failure{Fault::not_finite};
    }
    return all;
}

template <class Visit>
void StressStates::each_unknown(const Account& account, Visit visit) const {
    const auto columns = revalued_.size();
    for (std::size_t c = 0; c < columns; ++c) {
        const auto& held = account.positions();
        const bool is_unknown = std::any_of(held.begin(), held.end(), [&](const auto& position) {
            return is_unknown_[position.instrument.v * columns + c] != 0;
        });
        if (is_unknown) visit(revalued_[c]);
    }
}

base::Result<std::vector<double>, Fault> StressStates::shortfalls(const Account& account,
                                                                  const Margin& margin) const {
    auto all = least(account, margin);
    if (all) each_unknown(account, [&](std::size_t state) { (*all)[state] = nobody_knows; });
    return all;
}

base::Result<ClientStress, Fault> StressStates::of_client(const Account& account,
                                                          const Margin& margin) const {
    const auto all = least(account, margin);
    if (!all) return base::Failure{all.error()};
    ClientStress client;
    for (std::size_t s = 0; s < all->size(); ++s) {
        if ((*all)[s] > 0) {
            client.states.push_back({static_cast<std::uint16_t>(s), rounded_up((*all)[s])});
        }
    }
    each_unknown(account, [&](std::size_t state) {
        for (std::size_t i = 0; i < stresses_.size(); ++i) {
            const auto& stress = stresses_[i];
            const bool is_in = state >= stress.begin && state < stress.begin + stress.count;
            if (is_in) client.unknown |= std::uint32_t{1} << i;
        }
    });
    return client;
}

base::Result<std::vector<StressFigure>, Fault> StressStates::figures(const StressSums& sums) const {
    if (sums.states.size() > count() || sums.unknown.size() > stresses_.size()) {
        return base::Failure{Fault::out_of_range};
    }
    std::vector<StressFigure> all;
    for (std::size_t i = 0; i < stresses_.size(); ++i) {
        const auto& stress = stresses_[i];
        StressFigure figure{.name = stress.name, .worst = {}, .states = stress.count};
        if (i < sums.unknown.size()) figure.clients_unknown = sums.unknown[i];
        const auto end = std::min(stress.begin + stress.count, sums.states.size());
        for (std::size_t s = stress.begin; s < end; ++s) {
            const auto& line = sums.states[s];
            const double two = line.largest + line.second;
            const double loss = stress.of == StressOf::everyone  ? line.total
                                : stress.of == StressOf::largest ? line.largest
                                                                 : two;
            figure.largest = std::max(figure.largest, line.largest);
            figure.two_largest = std::max(figure.two_largest, two);
            if (loss <= figure.loss) continue;
            figure.loss = loss;
            figure.worst = names_[s];
        }
        all.push_back(std::move(figure));
    }
    return all;
}

}  // namespace crossclear::risk::kernel
