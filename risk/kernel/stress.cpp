#include "risk/kernel/stress.hpp"

#include "base/check.hpp"
#include "risk/kernel/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace crossclear::risk::kernel {
namespace {

using Maybe = std::optional<double>;

constexpr double hours_a_day = 24;

double beyond(double loss, double equity) noexcept {
    const double short_by = loss - equity;
    return short_by <= 0 ? 0 : short_by;  // A NaN stays one.
}

// How far a price can move that nobody has seen for so long, up or down.
double frozen_move(const ModelParameters& model, double hours, double side, double volatility_day) {
    return std::expm1(side * model.oracle_quantile * std::sqrt(hours / hours_a_day) *
                      volatility_day);
}

// The worst of many states, which are added one after the other.
class Tally {
public:
    Tally(std::string_view name, std::size_t clients) {
        line_.name = name;
        line_.by_client.assign(clients, 0);
        line_.unknown.assign(clients, 0);
    }

    void add(std::string_view state, std::span<const Maybe> shortfalls) {
        ++line_.states;
        double sum = 0;
        double first = 0;
        double second = 0;
        for (std::size_t i = 0; i < shortfalls.size(); ++i) {
            if (!shortfalls[i]) {
                ++line_.unknown[i];
                continue;
            }
            const double usd = *shortfalls[i];
            is_finite_ = is_finite_ && std::isfinite(usd);
            sum += usd;
            second = std::max(second, std::min(first, usd));
            first = std::max(first, usd);
            line_.by_client[i] = std::max(line_.by_client[i], usd);
        }
        line_.largest = std::max(line_.largest, first);
        line_.two_largest = std::max(line_.two_largest, first + second);
        if (sum > line_.loss) {
            line_.loss = sum;
            line_.worst = state;
        }
        if (first > most_) {
            most_ = first;
            worst_of_one_ = state;
        }
        if (first + second > most_of_two_) {
            most_of_two_ = first + second;
            worst_of_two_ = state;
        }
    }

    [[nodiscard]] bool is_finite() const noexcept { return is_finite_; }
    [[nodiscard]] const StressLine& line() const noexcept { return line_; }
    // The line where only the largest one or two do not pay.
    [[nodiscard]] StressLine line_of(std::string_view name, bool are_two) const {
        auto line = line_;
        line.name = name;
        line.loss = are_two ? line.two_largest : line.largest;
        line.worst = are_two ? worst_of_two_ : worst_of_one_;
        return line;
    }

private:
    StressLine line_;
    bool is_finite_{true};
    double most_{};
    double most_of_two_{};
    std::string worst_of_one_;
    std::string worst_of_two_;
};

// A market of which not all has to be known.
struct PartlyKnown {
    MarketState market;
    std::vector<bool> knows_price;   // By wrapper,
    std::vector<bool> knows_factor;  // and by coin.
};

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

// Answers for all accounts; what several of them hold is valued once a state.
class Stressed {
public:
    Stressed(const Surface& surface, std::span<const Account* const> accounts)
        : surface_(surface), universe_(surface.universe()), accounts_(accounts) {
        std::vector<bool> held(surface.instruments(), false);
        for (const auto* account : accounts) {
            CHECK(&account->surface() == &surface, "accounts of one house stand on one surface");
            for (const auto& position : account->positions()) held[position.instrument.v] = true;
        }
        for (std::size_t i = 0; i < held.size(); ++i) {
            if (held[i]) held_.push_back(InstrumentId{static_cast<std::uint16_t>(i)});
        }
    }

    [[nodiscard]] std::optional<Fault> ask_margins() {
        for (const auto* account : accounts_) {
            auto margin = account->margin();
            if (!margin) return margin.error();
            margins_.push_back(*std::move(margin));
        }
        return std::nullopt;
    }

    [[nodiscard]] Tally tally(std::string_view name) const { return {name, accounts_.size()}; }

    // One more state of a stress, by full revaluation.
    void revalue(Tally& tally, std::string_view label, const PartlyKnown& state) const {
        std::vector<Maybe> changes(surface_.instruments());
        for (const auto id : held_) {
            const auto& x = universe_.instrument(id);
            if (!is_known(universe_, x, state)) continue;
            changes[id.v] = value_of(universe_, x, state.market) - surface_.row(id).value;
        }
        std::vector<Maybe> shortfalls;
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            const auto pnl = pnl_of(*accounts_[i], changes);
            shortfalls.push_back(pnl ? Maybe(beyond(-*pnl, margins_[i].equity)) : std::nullopt);
        }
        tally.add(label, shortfalls);
    }

    [[nodiscard]] Tally coins_at_zero() const {
        auto result = tally(stress_coins);
        Scenario scenario;
        scenario.moves.assign(universe_.underlyings.size(), -1);
        scenario.volatility = VolatilityState::up;
        revalue(result, stress_coins, all_known(universe_, scenario));
        return result;
    }

    [[nodiscard]] Tally one_protocol() const {
        auto result = tally(stress_protocol);
        for (std::size_t p = 0; p < universe_.protocols.size(); ++p) {
            std::vector<Maybe> shortfalls;
            shortfalls.reserve(margins_.size());
            for (const auto& margin : margins_) shortfalls.emplace_back(margin.shortfall(p));
            result.add(universe_.protocols[p].name, shortfalls);
        }
        return result;
    }

    [[nodiscard]] Tally every_protocol() const {
        std::vector<FailureEffect> effects(surface_.instruments());
        const auto market = market_where_all_failed();
        for (const auto id : held_) effects[id.v] = effect_of_all(id, market);
        std::vector<Maybe> shortfalls;
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            double lost = 0;
            double gained = 0;
            for (const auto& [id, quantity] : accounts_[i]->positions()) {
                const double change = quantity * effects[id.v].change;
                lost += (change < 0 ? -change : 0) + std::abs(quantity) * effects[id.v].venue;
                gained += change > 0 ? change : 0;
            }
            const double loss = lost - universe_.model.gain_share * gained;
            shortfalls.emplace_back(beyond(loss <= 0 ? 0 : loss, margins_[i].equity));
        }
        auto result = tally(stress_protocols);
        result.add(stress_protocols, shortfalls);
        return result;
    }

    [[nodiscard]] Tally frozen_oracle(double hours) const {
        auto result = tally(stress_oracle);
        const auto both_ways = [&](const std::string& name, double volatility, auto scenario_of) {
            for (const double side : {-1.0, 1.0}) {
                const double move = frozen_move(universe_.model, hours, side, volatility);
                revalue(result, fmt::format("{} {:+.1f} %", name, 100 * move),
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
        return result;
    }

    // In every scenario of the surface, with what closing it costs.
    [[nodiscard]] Tally defaults() const {
        auto result = tally(stress_default);
        const auto add = [&](std::size_t column, std::string_view name) {
            std::vector<Maybe> shortfalls;
            for (std::size_t i = 0; i < accounts_.size(); ++i) {
                const double loss = margins_[i].liquidity - accounts_[i]->pnl()[column];
                shortfalls.emplace_back(beyond(loss, margins_[i].equity));
            }
            result.add(name, shortfalls);
        };
        for (std::size_t s = 0; s < surface_.core_count(); ++s) add(s, universe_.core[s].name);
        for (std::size_t s = 0; s < surface_.simulated_count(); ++s) {
            add(surface_.simulated_begin() + s, fmt::format("simulated {}", s));
        }
        return result;
    }

    [[nodiscard]] Tally on_path(const PricePath& path) const {
        CHECK(path.underlyings.size() == path.moments.size(), "a path has its coins at any moment");
        CHECK(path.wrappers.size() == path.moments.size(), "and its wrappers");
        auto result = tally(path.name);
        for (std::size_t t = 0; t < path.moments.size(); ++t) {
            revalue(result, path.moments[t], market_on(universe_, path, t));
        }
        return result;
    }

private:
    [[nodiscard]] static Maybe pnl_of(const Account& account, std::span<const Maybe> changes) {
        double pnl = 0;
        for (const auto& [id, quantity] : account.positions()) {
            if (!changes[id.v]) return std::nullopt;
            pnl += quantity * *changes[id.v];
        }
        return pnl;
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

    const Surface& surface_;
    const Universe& universe_;
    std::span<const Account* const> accounts_;
    std::vector<InstrumentId> held_;
    std::vector<Margin> margins_;
};

}  // namespace

bool StressLine::is_complete() const noexcept {
    return states > 0 && std::all_of(unknown.begin(), unknown.end(),
                                     [](std::size_t count) { return count == 0; });
}

std::vector<double> StressBook::by_client() const {
    std::vector<double> worst;
    for (const auto& line : lines) {
        worst.resize(line.by_client.size(), 0);
        for (std::size_t i = 0; i < worst.size(); ++i) {
            worst[i] = std::max(worst[i], line.by_client[i]);
        }
    }
    return worst;
}

double largest_multiple(const Universe& universe, double oracle_frozen_hours) {
    double most = 1;
    auto at_one = universe;
    for (auto& wrapper : at_one.wrappers) wrapper.price = 1;
    const auto look = [&](const Scenario& scenario) {
        for (const double price : market_in(at_one, scenario).prices) {
            most = std::max(most, 1 + scenario.damp * (price - 1));
        }
    };
    for (const auto& scenario : universe.core) look(scenario);
    for (const auto& scenario : universe.simulated) look(scenario);
    const auto look_frozen = [&](double volatility_day) {
        most =
            std::max(most, 1 + frozen_move(universe.model, oracle_frozen_hours, 1, volatility_day));
    };
    for (const auto& coin : universe.underlyings) look_frozen(coin.volatility_day);
    for (const auto& wrapper : universe.wrappers) look_frozen(wrapper.volatility_day);
    return most;
}

base::Result<StressBook, Fault> stress_book_of(const Surface& surface,
                                               std::span<const Account* const> accounts,
                                               const StressTerms& terms) {
    // Written so that NaN is refused as well.
    if (!(terms.oracle_frozen_hours >= 0)) return base::Failure{Fault::not_finite};
    Stressed book(surface, accounts);
    if (const auto fault = book.ask_margins()) return base::Failure{*fault};
    StressBook result;
    bool is_finite = true;
    const auto keep = [&](const Tally& tally) {
        is_finite = is_finite && tally.is_finite();
        result.lines.push_back(tally.line());
    };
    keep(book.coins_at_zero());
    keep(book.one_protocol());
    keep(book.every_protocol());
    keep(book.frozen_oracle(terms.oracle_frozen_hours));
    const auto defaults = book.defaults();
    is_finite = is_finite && defaults.is_finite();
    result.lines.push_back(defaults.line_of(stress_default, false));
    result.lines.push_back(defaults.line_of(stress_defaults, true));
    for (const auto& path : terms.paths) keep(book.on_path(path));
    if (!is_finite) return base::Failure{Fault::not_finite};
    return result;
}

}  // namespace crossclear::risk::kernel
