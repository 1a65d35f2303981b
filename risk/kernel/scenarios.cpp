#include "risk/kernel/scenarios.hpp"

#include "base/rng.hpp"
#include "risk/kernel/normal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

namespace crossclear::risk::kernel {
namespace {

constexpr int lockstep_steps = 4;
constexpr std::array volatility_states{VolatilityState::down, VolatilityState::flat,
                                       VolatilityState::up};

// Every coin moves by the same share of its range.
std::vector<double> lockstep(const Universe& universe, double share) {
    std::vector<double> moves;
    for (const auto& coin : universe.underlyings) moves.push_back(share * coin.range);
    return moves;
}

void add_lockstep(const Universe& universe, std::vector<Scenario>& out) {
    for (int step = -lockstep_steps; step <= lockstep_steps; ++step) {
        for (const auto state : volatility_states) {
            out.push_back({.name = fmt::format("lock{}/{} v{}", step, lockstep_steps,
                                               static_cast<int>(state)),
                           .moves = lockstep(universe, static_cast<double>(step) / lockstep_steps),
                           .volatility = state});
        }
    }
}

// One coin at `share` of its range, the others at `others` of theirs.
std::vector<double> apart(const Universe& universe, std::size_t coin, double share, double others) {
    auto moves = lockstep(universe, others);
    moves[coin] = share * universe.underlyings[coin].range;
    return moves;
}

void add_apart(const Universe& universe, std::vector<Scenario>& out) {
    for (std::size_t coin = 0; coin < universe.underlyings.size(); ++coin) {
        const auto& name = universe.underlyings[coin].name;
        for (const double side : {-1.0, 1.0}) {
            for (const auto state : volatility_states) {
                const auto add = [&](double share, double others, std::string_view how) {
                    out.push_back({.name = fmt::format("{}{:+g} {} v{}", name, share, how,
                                                       static_cast<int>(state)),
                                   .moves = apart(universe, coin, share, others),
                                   .volatility = state});
                };
                add(side, 0, "others0");
                add(side, side / 2, "othershalf");
                add(side / 2, -side / 2, "div");
            }
        }
    }
}

void add_tails(const Universe& universe, std::vector<Scenario>& out) {
    double largest = 0;
    for (const auto& coin : universe.underlyings) largest = std::max(largest, coin.range);
    if (largest == 0) return;
    for (const double tail : universe.model.tails) {
        std::vector<double> moves;
        for (const auto& coin : universe.underlyings) {
            moves.push_back(tail < 0 ? tail : tail * coin.range / largest);
        }
        out.push_back(
            {.name = fmt::format("tail{:+}", tail),
             .moves = std::move(moves),
             .volatility = VolatilityState::up,
             .damp = std::min(1.0, universe.model.tail_cover * largest / std::abs(tail))});
    }
}

// What happens to wrappers beside the coins' moves, seven times in the demo's universe.
struct Shift {
    std::string name;
    std::vector<double> pegs;
    std::vector<double> premiums;
};

bool is_synthetic(const Wrapper& wrapper) {
    return wrapper.underlying && (wrapper.peg_down > 0 || wrapper.peg_up > 0);
}
bool is_stable(const Wrapper& wrapper) {
    return !wrapper.underlying && (wrapper.peg_down > 0 || wrapper.peg_up > 0);
}

std::string lowered(std::string text) {
    for (auto& letter : text) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return text;
}

void add_shift(std::vector<Shift>& out, Shift shift) {
    const auto is_still = [](const std::vector<double>& list) {
        return std::all_of(list.begin(), list.end(), [](double x) { return x == 0; });
    };
    if (!is_still(shift.pegs) || !is_still(shift.premiums)) out.push_back(std::move(shift));
}

std::vector<Shift> shifts_of(const Universe& universe) {
    const auto& wrappers = universe.wrappers;
    const auto each = [&wrappers](auto of) {
        std::vector<double> list;
        for (const auto& wrapper : wrappers) list.push_back(of(wrapper));
        return list;
    };
    std::vector<Shift> shifts;
    for (const double side : {-1.0, 1.0}) {
        add_shift(shifts, {.name = fmt::format("synpeg{:g}", side),
                           .pegs = each([side](const Wrapper& x) {
                               if (!is_synthetic(x)) return 0.0;
                               return side < 0 ? -x.peg_down : x.peg_up;
                           }),
                           .premiums = {}});
        add_shift(shifts,
                  {.name = fmt::format("prem{:g}", side),
                   .pegs = {},
                   .premiums = each([side](const Wrapper& x) { return side * x.premium; })});
    }
    add_shift(shifts,
              {.name = "stables",
               .pegs = each([](const Wrapper& x) { return is_stable(x) ? -x.peg_down : 0.0; }),
               .premiums = {}});
    for (std::size_t i = 0; i < wrappers.size(); ++i) {
        if (!is_stable(wrappers[i]) || wrappers[i].peg_up == 0) continue;
        for (const double move : {-wrappers[i].peg_down, wrappers[i].peg_up}) {
            std::vector<double> pegs(wrappers.size(), 0);
            pegs[i] = move;
            add_shift(shifts, {.name = lowered(wrappers[i].name) + (move < 0 ? "-" : "+"),
                               .pegs = std::move(pegs),
                               .premiums = {}});
        }
    }
    return shifts;
}

void add_pegs(const Universe& universe, std::vector<Scenario>& out) {
    const auto shifts = shifts_of(universe);
    for (const double share : {0.0, -.5, .5}) {
        for (const auto& shift : shifts) {
            out.push_back({.name = fmt::format("{} m{:g}", shift.name, share),
                           .moves = lockstep(universe, share),
                           .pegs = shift.pegs,
                           .premiums = shift.premiums});
        }
    }
}

// Standard normals by inversion: one draw of the generator each, whatever came before.
double draw_normal(base::Rng& rng) {
    constexpr double half_step = 0x1.0p-54;  // Never 0, never 1.
    return normal_quantile(rng.uniform() * (1 - 2 * half_step) + half_step);
}

// A gamma variate of unit scale. Source: Marsaglia and Tsang, "A simple method for generating gamma
// variables", ACM TOMS 26 (2000). **Requires:** shape >= 1.
double draw_gamma(base::Rng& rng, double shape) {
    const double d = shape - 1.0 / 3;
    const double c = 1 / std::sqrt(9 * d);
    for (;;) {
        const double x = draw_normal(rng);
        const double v = std::pow(1 + c * x, 3);
        const double u = rng.uniform();
        if (v > 0 && std::log(u > 0 ? u : 0x1.0p-53) < .5 * x * x + d - d * v + d * std::log(v)) {
            return d * v;
        }
    }
}

Scenario simulated(const Universe& universe, const std::vector<double>& logs) {
    Scenario scenario;
    for (const double log : logs) scenario.moves.push_back(std::expm1(log));
    const bool is_wild =
        !logs.empty() && std::abs(logs.front()) > universe.simulation.volatility_up_above;
    scenario.volatility = is_wild ? VolatilityState::up : VolatilityState::flat;
    return scenario;
}

}  // namespace

std::vector<Scenario> core_scenarios(const Universe& universe) {
    std::vector<Scenario> out;
    add_lockstep(universe, out);
    add_apart(universe, out);
    add_tails(universe, out);
    add_pegs(universe, out);
    return out;
}

std::vector<Scenario> simulated_scenarios(const Universe& universe) {
    const auto& terms = universe.simulation;
    const double nu = terms.degrees_of_freedom;
    base::Rng rng(terms.seed);
    std::vector<Scenario> out;
    while (out.size() < terms.count) {
        const double common = draw_normal(rng);
        // Degrees of freedom above two give a shape above one; the last factor makes the variance
        // of the t one, so that the coins keep the volatility that was asked for.
        const double chi_squared = 2 * draw_gamma(rng, nu / 2);
        const double stretch = std::sqrt(nu / chi_squared) * std::sqrt((nu - 2) / nu);
        std::vector<double> logs;
        for (const auto& coin : universe.underlyings) {
            const double normal = std::sqrt(terms.correlation) * common +
                                  std::sqrt(1 - terms.correlation) * draw_normal(rng);
            // Beyond e^±6, a factor of 400, no price goes in days; the door knows no such move.
            const double log = coin.volatility_day * std::sqrt(terms.days) * stretch * normal;
            logs.push_back(std::clamp(log, -6.0, 6.0));
        }
        out.push_back(simulated(universe, logs));
        for (auto& log : logs) log = -log;
        out.push_back(simulated(universe, logs));
    }
    return out;
}

double volatility_in(const ModelParameters& model, const OptionTerm& term, VolatilityState state) {
    if (state == VolatilityState::flat) return term.volatility;
    constexpr double pivot_days = 30;
    const double power =
        term.days <= pivot_days ? model.volatility_power_short : model.volatility_power_long;
    const double k = std::pow(pivot_days / std::max(term.days, model.volatility_days_min), power);
    if (state == VolatilityState::up) {
        return std::max(model.volatility_up_min, term.volatility * (1 + model.volatility_up * k));
    }
    return term.volatility * std::max(0.0, 1 - model.volatility_down * k);
}

}  // namespace crossclear::risk::kernel
