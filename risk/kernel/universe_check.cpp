#include "risk/kernel/limits.hpp"
#include "risk/kernel/universe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

// The door of the kernel: whatever passes here is finite and in range, so that nothing behind it
// has to ask again before it computes.

namespace crossclear::risk::kernel {
namespace {

struct Bounds {
    double min{};
    double max{};
};

constexpr Bounds share_bounds{0, 1};
constexpr Bounds price_bounds{0, limits::price_max};
constexpr Bounds usd_bounds{0, limits::usd_max};
constexpr Bounds volatility_bounds{0, limits::volatility_max};
constexpr Bounds days_bounds{0, limits::days_max};
// Open at both ends, or as good as: neither 0 nor 1 is a chance that a quantile can be taken of.
constexpr Bounds chance_bounds{1e-12, 1 - 1e-12};
constexpr Bounds positive_bounds{1e-12, limits::price_max};
constexpr Bounds move_bounds{-1, 1'000};

// Names go to terminals and into JSON as they are.
bool is_printable(std::string_view name) {
    return name.size() <= limits::name_length_max &&
           std::all_of(name.begin(), name.end(), [](char x) { return x >= ' ' && x <= '~'; });
}

class Checker {
public:
    explicit Checker(const Universe& universe) : universe_(universe) {}

    std::vector<UniverseFault> run() {
        check_counts();
        if (!faults_.empty()) return std::move(faults_);
        each("underlyings", universe_.underlyings, &Checker::check_underlying);
        each("wrappers", universe_.wrappers, &Checker::check_wrapper);
        each("protocols", universe_.protocols, &Checker::check_protocol);
        each("instruments", universe_.instruments, &Checker::check_instrument);
        for (std::size_t i = 0; i < universe_.correlations.size(); ++i) {
            check_correlation(fmt::format("correlations[{}]", i), universe_.correlations[i]);
        }
        check_model();
        check_simulation();
        check_events();
        check_scenarios("core", universe_.core);
        check_scenarios("simulated", universe_.simulated);
        if (faults_.empty()) check_definiteness();
        return std::move(faults_);
    }

private:
    void complain(std::string path, std::string says) {
        faults_.push_back({std::move(path), std::move(says)});
    }

    // Comparisons with NaN are false, so that it is refused with the rest.
    void number(const std::string& path, std::string_view field, double value, Bounds bounds) {
        if (value >= bounds.min && value <= bounds.max) return;
        complain(fmt::format("{}.{}", path, field),
                 fmt::format("expected a number from {:g} to {:g}, found {:g}", bounds.min,
                             bounds.max, value));
    }

    template <class Named>
    void each(std::string_view list, const std::vector<Named>& items,
              void (Checker::*check)(const std::string&, const Named&)) {
        std::set<std::string_view> names;
        for (std::size_t i = 0; i < items.size(); ++i) {
            const auto path = fmt::format("{}[{}]", list, i);
            check_name(path + ".name", items[i].name);
            if (!names.insert(items[i].name).second) {
                complain(path + ".name", fmt::format("'{}' is given twice", items[i].name));
            }
            (this->*check)(path, items[i]);
        }
    }

    void check_name(const std::string& path, const std::string& name) {
        if (!name.empty() && is_printable(name)) return;
        complain(path, fmt::format("expected a name of 1 to {} printable ASCII characters",
                                   limits::name_length_max));
    }

    void at_most(std::string_view list, std::size_t size, std::size_t max) {
        if (size > max) complain(std::string(list), fmt::format("more than {} entries", max));
    }

    void check_counts() {
        at_most("underlyings", universe_.underlyings.size(), limits::underlyings_max);
        at_most("wrappers", universe_.wrappers.size(), limits::wrappers_max);
        at_most("protocols", universe_.protocols.size(), limits::protocols_max);
        at_most("instruments", universe_.instruments.size(), limits::instruments_max);
        at_most("core", universe_.core.size(), limits::core_scenarios_max);
        at_most("simulated", universe_.simulated.size(), limits::simulated_scenarios_max);
        at_most("model.tails", universe_.model.tails.size(), limits::tails_max);
        at_most("correlations", universe_.correlations.size(), limits::correlations_max);
        if (universe_.instruments.empty()) complain("instruments", "expected at least one");
    }

    void check_underlying(const std::string& path, const Underlying& x) {
        number(path, "spot", x.spot, price_bounds);
        number(path, "range", x.range, {1e-6, .999999});
        number(path, "volatility_day", x.volatility_day, volatility_bounds);
    }

    void check_wrapper(const std::string& path, const Wrapper& x) {
        if (x.underlying && x.underlying->v >= universe_.underlyings.size()) {
            complain(path + ".underlying", "names nothing");
        }
        number(path, "price", x.price, price_bounds);
        number(path, "basis", x.basis, share_bounds);
        number(path, "half_spread", x.half_spread, share_bounds);
        number(path, "volatility_day", x.volatility_day, volatility_bounds);
        number(path, "volume_day_usd", x.volume_day_usd, {1, limits::usd_max});
        number(path, "haircut_initial", x.haircut_initial, share_bounds);
        number(path, "haircut_maintenance", x.haircut_maintenance, {0, x.haircut_initial});
        number(path, "peg_down", x.peg_down, share_bounds);
        number(path, "peg_up", x.peg_up, {0, 10});
        number(path, "premium", x.premium, share_bounds);
        number(path, "open_interest_usd", x.open_interest_usd, usd_bounds);
        number(path, "open_interest_low_usd", x.open_interest_low_usd, usd_bounds);
        number(path, "open_interest_high_usd", x.open_interest_high_usd, usd_bounds);
        number(path, "oracle_age_s", x.oracle_age_s, {0, 1e9});
        number(path, "oracle_heartbeat_s", x.oracle_heartbeat_s, {0, 1e9});
    }

    void check_protocol(const std::string& path, const Protocol& x) {
        number(path, "default_year", x.default_year, chance_bounds);
        number(path, "loss_given_default", x.loss_given_default, share_bounds);
        std::set<WrapperId> seen;
        for (std::size_t i = 0; i < x.depegs.size(); ++i) {
            const auto inner = fmt::format("{}.depegs[{}]", path, i);
            if (x.depegs[i].wrapper.v >= universe_.wrappers.size()) {
                complain(inner + ".wrapper", "names nothing");
            }
            number(inner, "share", x.depegs[i].share, share_bounds);
            // Twice would fall twice.
            if (!seen.insert(x.depegs[i].wrapper).second) {
                complain(inner + ".wrapper", "this wrapper is given twice");
            }
        }
    }

    void check_wrapper_id(const std::string& path, std::string_view field, WrapperId id) {
        if (id.v >= universe_.wrappers.size()) {
            complain(fmt::format("{}.{}", path, field), "names nothing");
        }
    }

    void check_instrument(const std::string& path, const Instrument& x) {
        if (has_wrapper(x.kind)) check_wrapper_id(path, "wrapper", x.wrapper);
        if (is_lp(x.kind)) {
            check_wrapper_id(path, "quote", x.quote);
            if (x.quote == x.wrapper) complain(path + ".quote", "expected another token");
            number(path, "liquidity", x.liquidity, price_bounds);
        }
        if (is_contract(x.kind)) number(path, "entry", x.entry, price_bounds);
        if (x.kind == Kind::inverse_perpetual) {
            number(path, "face_usd", x.face_usd, positive_bounds);
            check_inverse(path, x);
        }
        if (x.kind == Kind::deposit || x.kind == Kind::debt) {
            number(path, "index", x.index, positive_bounds);
        }
        if (x.kind == Kind::lp3) {
            number(path, "price_low", x.price_low, positive_bounds);
            // Written so that NaN is refused as well.
            if (!(x.price_high > x.price_low && x.price_high <= limits::price_max)) {
                complain(path + ".price_high", "expected a number above price_low");
            }
        }
        if (x.kind == Kind::option) check_option(path, x);
        if (x.kind == Kind::binary) check_binary(path, x);
        std::set<ProtocolId> seen;
        for (const auto protocol : x.protocols) {
            if (protocol.v >= universe_.protocols.size()) {
                complain(path + ".protocols", "names nothing");
            }
            if (!seen.insert(protocol).second) complain(path + ".protocols", "one is given twice");
        }
        if (x.venue && x.venue->v >= universe_.protocols.size()) {
            complain(path + ".venue", "names nothing");
        }
        if (x.venue && !is_contract(x.kind)) {
            complain(path + ".venue", "only perpetuals and futures are traded at a venue");
        }
    }

    // Its value is counted from an entry, which is its mark if none is given: that has to be one.
    void check_inverse(const std::string& path, const Instrument& x) {
        if (x.wrapper.v >= universe_.wrappers.size()) return;
        const auto& wrapper = universe_.wrappers[x.wrapper.v];
        if (!wrapper.underlying) complain(path + ".wrapper", "expected one that follows a coin");
        if (!(wrapper.price >= positive_bounds.min)) {
            complain(path + ".wrapper", "an inverse perpetual has a price above zero");
        }
        if (x.entry != 0) number(path, "entry", x.entry, positive_bounds);
    }

    void check_option(const std::string& path, const Instrument& x) {
        if (x.underlying.v >= universe_.underlyings.size()) {
            complain(path + ".underlying", "names nothing");
        }
        // Its exposure is netted with that of the coin it is hedged with: it has to be its own.
        if (x.wrapper.v < universe_.wrappers.size() &&
            universe_.wrappers[x.wrapper.v].underlying != x.underlying) {
            complain(path + ".wrapper", "expected one that follows the option's coin");
        }
        number(path, "strike", x.strike, price_bounds);
        number(path, "forward", x.forward, price_bounds);
        number(path, "volatility", x.volatility, volatility_bounds);
        number(path, "rate", x.rate, {-1, 1});
        number(path, "half_spread", x.half_spread, {0, .5});
        number(path, "averaged", x.averaged, share_bounds);
        number(path, "average", x.average, price_bounds);
        if (x.days < 0) {
            complain(path + ".days", "expired; expected days to come, or 0 on the last one");
        } else {
            number(path, "days", x.days, days_bounds);
        }
    }

    void check_binary(const std::string& path, const Instrument& x) {
        number(path, "mark", x.mark, share_bounds);
        number(path, "half_spread", x.half_spread, {0, .5});
        check_name(path + ".event", x.event);
        if (x.outcomes < 2 || x.outcomes > limits::outcomes_max) {
            complain(path + ".outcomes", fmt::format("expected 2 to {}", limits::outcomes_max));
        } else if (x.outcome >= x.outcomes) {
            complain(path + ".outcome", fmt::format("expected 0 to {}", x.outcomes - 1));
        }
    }

    // All that is declared of one event agrees.
    void check_events() {
        std::map<std::string_view, const Instrument*> first;
        for (std::size_t i = 0; i < universe_.instruments.size(); ++i) {
            const auto& x = universe_.instruments[i];
            if (x.kind != Kind::binary) continue;
            const auto& other = *first.emplace(x.event, &x).first->second;
            if (x.outcomes == other.outcomes) continue;
            complain(fmt::format("instruments[{}].outcomes", i),
                     fmt::format("'{}' has {} of the same event", other.name, other.outcomes));
        }
    }

    void check_correlation(const std::string& path, const FailureCorrelation& x) {
        if (x.a.v >= universe_.protocols.size()) complain(path + ".a", "names nothing");
        if (x.b.v >= universe_.protocols.size()) complain(path + ".b", "names nothing");
        if (x.a == x.b) complain(path, "expected two protocols");
        // Below zero a second failing protocol would make the first one cheaper.
        number(path, "value", x.value, share_bounds);
        for (const auto& other : universe_.correlations) {
            if (&other == &x) break;
            if ((other.a == x.a && other.b == x.b) || (other.a == x.b && other.b == x.a)) {
                complain(path, "this pair is given twice");
            }
        }
    }

    void check_model() {
        const auto& x = universe_.model;
        const std::string path = "model";
        number(path, "volatility_up", x.volatility_up, {0, 10});
        number(path, "volatility_down", x.volatility_down, share_bounds);
        number(path, "volatility_power_short", x.volatility_power_short, share_bounds);
        number(path, "volatility_power_long", x.volatility_power_long, share_bounds);
        number(path, "volatility_days_min", x.volatility_days_min, {1e-3, 30});
        number(path, "volatility_up_min", x.volatility_up_min, volatility_bounds);
        number(path, "tail_cover", x.tail_cover, share_bounds);
        for (const auto tail : x.tails) {
            if (!(tail >= -1 && tail <= 100) || tail == 0) {
                complain("model.tails",
                         fmt::format("expected moves of -1 to 100 but 0, found {:g}", tail));
            }
        }
        number(path, "shortfall_confidence", x.shortfall_confidence, {.5, .9999});
        number(path, "maintenance_of_market", x.maintenance_of_market, share_bounds);
        number(path, "maintenance_of_liquidity", x.maintenance_of_liquidity, share_bounds);
        number(path, "maintenance_of_shorts", x.maintenance_of_shorts, share_bounds);
        number(path, "maintenance_of_protocols", x.maintenance_of_protocols, share_bounds);
        number(path, "funding", x.funding, share_bounds);
        number(path, "short_option_minimum", x.short_option_minimum, share_bounds);
        number(path, "impact", x.impact, share_bounds);
        number(path, "gain_share", x.gain_share, share_bounds);
        number(path, "venue_share", x.venue_share, share_bounds);
        number(path, "failure_correlation", x.failure_correlation, share_bounds);
        number(path, "oracle_quantile", x.oracle_quantile, {0, 10});
        number(path, "asset_correlation", x.asset_correlation, {0, .99});
        number(path, "confidence", x.confidence, {.5, chance_bounds.max});
        number(path, "protocol_days", x.protocol_days, {1e-3, 365});
    }

    void check_simulation() {
        const auto& x = universe_.simulation;
        if (x.count < 2 || x.count % 2 != 0 || x.count > limits::simulated_scenarios_max) {
            complain("simulation.count", fmt::format("expected an even number from 2 to {}",
                                                     limits::simulated_scenarios_max));
        }
        number("simulation", "degrees_of_freedom", x.degrees_of_freedom, {2.001, 1'000});
        number("simulation", "correlation", x.correlation, {0, 1});
        number("simulation", "days", x.days, {1e-3, 365});
        number("simulation", "volatility_up_above", x.volatility_up_above, {0, 10});
    }

    void numbers(const std::string& path, std::string_view field, const std::vector<double>& list,
                 std::size_t size) {
        if (!list.empty() && list.size() != size) {
            complain(fmt::format("{}.{}", path, field), fmt::format("expected {} numbers", size));
        }
        for (const auto value : list) number(path, field, value, move_bounds);
    }

    void check_scenarios(std::string_view list, const std::vector<Scenario>& scenarios) {
        for (std::size_t i = 0; i < scenarios.size(); ++i) {
            const auto& x = scenarios[i];
            const auto path = fmt::format("{}[{}]", list, i);
            if (!is_printable(x.name)) check_name(path + ".name", x.name);
            numbers(path, "moves", x.moves, universe_.underlyings.size());
            numbers(path, "pegs", x.pegs, universe_.wrappers.size());
            numbers(path, "premiums", x.premiums, universe_.wrappers.size());
            number(path, "damp", x.damp, share_bounds);
        }
    }

    // J is the root of a quadratic form: with an R that is none of any protocols it could be that
    // of a negative number. Cholesky's elimination finds a negative pivot then.
    void check_definiteness() {
        const auto n = universe_.protocols.size();
        std::vector<double> m(n * n, universe_.model.failure_correlation);
        for (std::size_t i = 0; i < n; ++i) m[i * n + i] = 1;
        for (const auto& x : universe_.correlations) {
            m[x.a.v * n + x.b.v] = x.value;
            m[x.b.v * n + x.a.v] = x.value;
        }
        constexpr double slack = 1e-12;
        for (std::size_t k = 0; k < n; ++k) {
            const double pivot = m[k * n + k];
            if (pivot < -slack) return complain("correlations", "no protocols can fail like that");
            for (std::size_t i = k + 1; i < n; ++i) {
                if (pivot <= slack) {
                    if (std::abs(m[i * n + k]) <= slack) continue;
                    return complain("correlations", "no protocols can fail like that");
                }
                const double factor = m[i * n + k] / pivot;
                for (std::size_t j = k + 1; j < n; ++j) m[i * n + j] -= factor * m[k * n + j];
            }
        }
    }

    const Universe& universe_;
    std::vector<UniverseFault> faults_;
};

}  // namespace

std::vector<UniverseFault> faults_of(const Universe& universe) { return Checker(universe).run(); }

}  // namespace crossclear::risk::kernel
