#include "risk/kernel/surface.hpp"

#include "risk/kernel/credit.hpp"
#include "risk/kernel/scenarios.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace crossclear::risk::kernel {
namespace {

constexpr double seconds_a_day = 86'400;

// A holding of these can lose what it is worth and no more; whoever holds only such is never asked
// for more than that.
bool may_cap(Kind kind) {
    switch (kind) {
        case Kind::cash:
        case Kind::spot:
        case Kind::synthetic:
        case Kind::stable:
        case Kind::lp2:
        case Kind::lp3:
        case Kind::deposit:
        case Kind::binary:
        case Kind::option:
            return true;
        case Kind::perpetual:
        case Kind::future:
        case Kind::inverse_perpetual:
        case Kind::debt:
            return false;
    }
    UNREACHABLE("an unlisted kind");
}

bool has_haircut(Kind kind) {
    return kind == Kind::spot || kind == Kind::synthetic || kind == Kind::stable || is_lp(kind) ||
           kind == Kind::deposit || kind == Kind::debt;
}

WrapperCharge charge_of(const Universe& universe, const Wrapper& x) {
    const auto& model = universe.model;
    const double overdue_days =
        std::max(0.0, x.oracle_age_s - x.oracle_heartbeat_s) / seconds_a_day;
    const double span = x.open_interest_high_usd - x.open_interest_low_usd;
    const double filled =
        span > 0 ? std::clamp((x.open_interest_usd - x.open_interest_low_usd) / span, 0.0, 1.0) : 0;
    return {.basis = x.basis,
            .half_spread = x.half_spread,
            .impact = model.impact * x.volatility_day / std::sqrt(x.volume_day_usd),
            .oracle = model.oracle_quantile * x.volatility_day * std::sqrt(overdue_days),
            .concentration = std::max(0.0, 1 - range_of(universe, x)) * filled};
}

ProtocolWeight weight_of(const ModelParameters& model, const Protocol& x) {
    const double soon = default_within(x.default_year, model.protocol_days);
    return {.worst_case = worst_case_default({soon, model.asset_correlation}, model.confidence),
            .default_year = x.default_year,
            .unexpected =
                worst_case_default({x.default_year, model.asset_correlation}, model.confidence) -
                x.default_year};
}

std::vector<double> correlation_of(const Universe& universe) {
    const auto n = universe.protocols.size();
    std::vector<double> matrix(n * n, universe.model.failure_correlation);
    for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] = 1;
    for (const auto& x : universe.correlations) {
        matrix[x.a.v * n + x.b.v] = x.value;
        matrix[x.b.v * n + x.a.v] = x.value;
    }
    return matrix;
}

}  // namespace

/// Fills a surface; afterwards nobody can write to it.
class SurfaceBuilder {
public:
    explicit SurfaceBuilder(Surface& surface)
        : surface_(surface), universe_(surface.universe_), now_(market_now(universe_)) {}

    std::vector<UniverseFault> run() {
        surface_.stride_ = surface_.simulated_begin() + padded(universe_.simulated.size());
        surface_.pnl_ = AlignedArray(universe_.instruments.size() * surface_.stride_);
        for (const auto& wrapper : universe_.wrappers) {
            surface_.charges_.push_back(charge_of(universe_, wrapper));
        }
        for (const auto& protocol : universe_.protocols) {
            surface_.weights_.push_back(weight_of(universe_.model, protocol));
        }
        surface_.correlation_ = correlation_of(universe_);
        for (const auto& scenario : universe_.core)
            markets_.push_back(market_in(universe_, scenario));
        for (const auto& scenario : universe_.simulated) {
            markets_.push_back(market_in(universe_, scenario));
        }
        gather_moves();
        for (std::uint16_t i = 0; i < universe_.protocols.size(); ++i) {
            failed_.push_back(market_failed(universe_, ProtocolId{i}));
        }
        for (std::uint16_t i = 0; i < universe_.instruments.size(); ++i) add(InstrumentId{i});
        return std::move(faults_);
    }

private:
    void add(InstrumentId id) {
        const auto& x = universe_.instrument(id);
        surface_.rows_.push_back(row_of(id, x));
        const double value = surface_.rows_.back().value;
        if (x.kind == Kind::option) {
            fill_option(id, x, value);
        } else {
            fill(id, x, value);
        }
        add_failures(x, value);
        const double* row = surface_.pnl(id);
        const bool is_finite =
            std::isfinite(value) &&
            std::all_of(row, row + surface_.stride_, [](double pnl) { return std::isfinite(pnl); });
        if (is_finite) return;
        faults_.push_back({fmt::format("instruments[{}]", id.v),
                           fmt::format("the value of '{}' leaves the numbers", x.name)});
    }

    const Scenario& scenario(std::size_t i) const {
        const auto core = universe_.core.size();
        return i < core ? universe_.core[i] : universe_.simulated[i - core];
    }
    std::size_t column(std::size_t i) const {
        const auto core = universe_.core.size();
        return i < core ? i : surface_.simulated_begin() + i - core;
    }
    double* pnl(InstrumentId id) { return surface_.pnl_.data() + id.v * surface_.stride_; }

    void fill(InstrumentId id, const Instrument& x, double value) {
        double* row = pnl(id);
        for (std::size_t i = 0; i < markets_.size(); ++i) {
            const double then = value_of(universe_, x, markets_[i]);
            row[column(i)] = scenario(i).damp * (then - value);
        }
    }

    // As above, with what three states of volatility share computed once.
    void fill_option(InstrumentId id, const Instrument& x, double value) {
        const auto row_in = [&](VolatilityState state) {
            return OptionRow(universe_.model, x, state);
        };
        const std::array rows{row_in(VolatilityState::down), row_in(VolatilityState::flat),
                              row_in(VolatilityState::up)};
        double* row = pnl(id);
        for (const auto& move : moves_[x.underlying.v]) {
            row[move.column] = move.damp * (rows[move.state].at(move.factor, move.log) - value);
        }
    }

    void add_failures(const Instrument& x, double value) {
        for (std::size_t p = 0; p < failed_.size(); ++p) {
            const auto& protocol = universe_.protocols[p];
            double change = value_of(universe_, x, failed_[p]) - value;
            const bool is_named =
                std::find(x.protocols.begin(), x.protocols.end(),
                          ProtocolId{static_cast<std::uint16_t>(p)}) != x.protocols.end();
            if (is_named) {
                change = std::min(change, -protocol.loss_given_default * std::max(0.0, value));
            }
            const bool is_venue = x.venue && x.venue->v == p;
            const double venue = is_venue
                                     ? universe_.model.venue_share * protocol.loss_given_default *
                                           notional_of(universe_, x)
                                     : 0;
            if (change == 0 && venue == 0) continue;
            surface_.failures_.push_back({.protocol = ProtocolId{static_cast<std::uint16_t>(p)},
                                          .change = change,
                                          .venue = venue});
        }
        surface_.failure_begins_.push_back(surface_.failures_.size());
    }

    Row row_of(InstrumentId id, const Instrument& x) {
        Row row;
        row.kind = x.kind;
        row.value = value_of(universe_, x, now_);
        row.notional = notional_of(universe_, x);
        if (has_haircut(x.kind)) {
            const double size = std::abs(row.value);
            const auto& first = universe_.wrapper(x.wrapper);
            const auto& second = is_lp(x.kind) ? universe_.wrapper(x.quote) : first;
            row.haircut_initial = size * (first.haircut_initial + second.haircut_initial) / 2;
            row.haircut_maintenance =
                size * (first.haircut_maintenance + second.haircut_maintenance) / 2;
        }
        row.exposures = exposures_of(universe_, x);
        row.is_funded = x.kind == Kind::perpetual;
        row.may_cap = may_cap(x.kind);
        row.outcome = x.outcome;
        if (x.kind == Kind::option) row.group = series_of(id, x);
        if (x.kind == Kind::binary) row.group = event_of(id, x);
        return row;
    }

    std::uint32_t series_of(InstrumentId id, const Instrument& x) {
        const auto key = std::make_tuple(x.underlying.v, x.days, x.strike, x.type);
        const auto next = static_cast<std::uint32_t>(surface_.groups_.size());
        const auto [at, is_new] = series_.emplace(key, next);
        if (is_new) {
            surface_.groups_.push_back({.kind = x.kind,
                                        .members = {},
                                        .minimum_usd = universe_.model.short_option_minimum *
                                                       universe_.underlying(x.underlying).spot *
                                                       (1 - x.averaged)});
        }
        surface_.groups_[at->second].members.push_back(id);
        return at->second;
    }

    std::uint32_t event_of(InstrumentId id, const Instrument& x) {
        const auto next = static_cast<std::uint32_t>(surface_.groups_.size());
        const auto [at, is_new] = events_.emplace(x.event, next);
        if (is_new) {
            surface_.groups_.push_back({.kind = x.kind, .members = {}, .outcomes = x.outcomes});
        }
        surface_.groups_[at->second].members.push_back(id);
        return at->second;
    }

    // All that an option looks at in one scenario, in a row: they are read a thousand times.
    struct Move {
        double factor{};
        double log{};
        double damp{};
        std::size_t column{};
        std::size_t state{};
    };

    void gather_moves() {
        moves_.resize(universe_.underlyings.size());
        for (std::size_t i = 0; i < markets_.size(); ++i) {
            const auto& market = markets_[i];
            for (std::size_t u = 0; u < moves_.size(); ++u) {
                moves_[u].push_back(
                    {.factor = market.factors[u],
                     .log = market.log_factors[u],
                     .damp = scenario(i).damp,
                     .column = column(i),
                     .state = static_cast<std::size_t>(static_cast<int>(market.volatility) + 1)});
            }
        }
    }

    Surface& surface_;
    const Universe& universe_;
    MarketState now_;
    std::vector<std::vector<Move>> moves_;
    std::vector<MarketState> markets_;
    std::vector<MarketState> failed_;
    std::map<std::tuple<std::uint16_t, double, double, OptionType>, std::uint32_t> series_;
    std::map<std::string, std::uint32_t> events_;
    std::vector<UniverseFault> faults_;
};

Surface::Surface(std::uint64_t number, Universe universe)
    : number_(number), universe_(std::move(universe)) {}

base::Result<std::shared_ptr<const Surface>, std::vector<UniverseFault>> build_surface(
    std::uint64_t number, Universe universe) {
    auto faults = faults_of(universe);
    if (!faults.empty()) return base::Failure{std::move(faults)};
    if (universe.core.empty()) universe.core = core_scenarios(universe);
    if (universe.simulated.empty()) universe.simulated = simulated_scenarios(universe);
    const auto columns = padded(universe.core.size()) + padded(universe.simulated.size());
    if (universe.instruments.size() * columns > limits::matrix_max) {
        faults.push_back({"instruments", fmt::format("times {} scenarios are too many", columns)});
        return base::Failure{std::move(faults)};
    }
    // The constructor is private: nobody else makes one that is not filled.
    std::shared_ptr<Surface> surface(new Surface(number, std::move(universe)));
    faults = SurfaceBuilder(*surface).run();
    if (!faults.empty()) return base::Failure{std::move(faults)};
    return std::shared_ptr<const Surface>(std::move(surface));
}

}  // namespace crossclear::risk::kernel
