#include "risk/history/calibrate.hpp"

#include "base/check.hpp"
#include "risk/history/limits.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace crossclear::risk::history {
namespace {

constexpr double step = 1e-4;
constexpr double range_max = .9999;

// Up to a hundredth of a percent: what is more or less by less means nothing.
double rounded_up(double value, double max) {
    return std::clamp(std::ceil(value / step - 1e-6) * step, step, max);
}

// Shortest in decimal: 0.1643 instead of 0.16430000000000003.
double tidy(double value) { return std::round(value / step) / (1 / step); }

double shown_range(const Estimate& x) { return tidy(rounded_up(x.range, range_max)); }
double shown_volatility(const Estimate& x) {
    return tidy(rounded_up(x.volatility_day, kernel::limits::volatility_max));
}
double shown_peg_down(const Estimate& x) { return tidy(rounded_up(x.below_dollar, 1)); }
double shown_peg_up(const Estimate& x) { return tidy(rounded_up(x.above_dollar, 10)); }
double shown_volume(double usd) {
    return std::clamp(std::floor(usd), 1.0, kernel::limits::usd_max);
}

kernel::Instrument named(std::string name, kernel::Kind kind, std::size_t wrapper) {
    kernel::Instrument x;
    x.name = std::move(name);
    x.kind = kind;
    x.wrapper = kernel::WrapperId{static_cast<std::uint16_t>(wrapper)};
    return x;
}

void add_stable(kernel::Universe& universe, const AssetEstimate& asset, const StandIns& given) {
    const auto& x = asset.estimate;
    universe.instruments.push_back(
        named(asset.name, kernel::Kind::stable, universe.wrappers.size()));
    kernel::Wrapper wrapper;
    wrapper.name = asset.name;
    wrapper.price = x.latest.price;
    wrapper.basis = given.stable_basis;
    wrapper.half_spread = given.stable_half_spread;
    wrapper.volatility_day = shown_volatility(x);
    wrapper.volume_day_usd = shown_volume(x.volume_usd.value_or(given.volume_day_usd));
    wrapper.haircut_initial = given.stable_haircut_initial;
    wrapper.haircut_maintenance = given.stable_haircut_maintenance;
    wrapper.peg_down = shown_peg_down(x);
    wrapper.peg_up = shown_peg_up(x);
    universe.wrappers.push_back(std::move(wrapper));
}

void add_coin(kernel::Universe& universe, const AssetEstimate& asset, const StandIns& given) {
    const auto& x = asset.estimate;
    universe.instruments.push_back(named(asset.name, kernel::Kind::spot, universe.wrappers.size()));
    kernel::Wrapper wrapper;
    wrapper.name = asset.name;
    wrapper.underlying =
        kernel::UnderlyingId{static_cast<std::uint16_t>(universe.underlyings.size())};
    wrapper.price = x.latest.price;
    wrapper.half_spread = given.half_spread;
    wrapper.volatility_day = shown_volatility(x);
    wrapper.volume_day_usd = shown_volume(x.volume_usd.value_or(given.volume_day_usd));
    wrapper.haircut_initial = given.haircut_initial;
    wrapper.haircut_maintenance = given.haircut_maintenance;
    universe.wrappers.push_back(std::move(wrapper));
    universe.underlyings.push_back({.name = asset.name,
                                    .spot = x.latest.price,
                                    .range = shown_range(x),
                                    .volatility_day = shown_volatility(x)});
}

void set_correlation(kernel::Universe& universe, const Calibration& calibration) {
    if (!calibration.correlation) return;
    universe.simulation.correlation = std::clamp(tidy(*calibration.correlation), 0.0, 1.0);
}

}  // namespace

const AssetEstimate* Calibration::find(std::string_view name) const {
    for (const auto& asset : assets) {
        if (asset.name == name) return &asset;
    }
    return nullptr;
}

Calibrator::Calibrator(const std::vector<std::string>& columns,
                       const std::vector<std::string>& wanted, const EstimateTerms& terms)
    : terms_(terms) {
    CHECK(wanted.size() <= limits::columns_max, "a file is checked for its columns first");
    for (const auto& name : wanted) {
        const auto at = std::find(columns.begin(), columns.end(), name);
        CHECK(at != columns.end(), "what is estimated is a column");
        assets_.push_back({.name = name,
                           .column = static_cast<std::size_t>(at - columns.begin()),
                           .estimator = Estimator(terms)});
    }
    for (std::size_t a = 0; a < assets_.size(); ++a) {
        for (std::size_t b = a + 1; b < assets_.size(); ++b) pairs_.push_back({.a = a, .b = b});
    }
}

void Calibrator::add(const Row& row) {
    std::vector<const Move*> moves(assets_.size());
    std::vector<std::optional<Move>> held(assets_.size());
    for (std::size_t i = 0; i < assets_.size(); ++i) {
        auto& [name, column, estimator] = assets_[i];
        if (!row.volumes_usd.empty()) {
            if (const auto usd = row.volumes_usd.at(column)) estimator.add_volume(row.at, *usd);
        }
        const auto price = row.prices.at(column);
        if (!price) continue;
        estimator.add({.at = row.at, .price = *price});
        held[i] = estimator.latest_move();
        if (held[i]) moves[i] = &*held[i];
    }
    for (auto& pair : pairs_) {
        const auto* a = moves[pair.a];
        const auto* b = moves[pair.b];
        if (a == nullptr || b == nullptr || a->from != b->from) continue;
        pair.ab += a->log * b->log;
        pair.aa += a->log * a->log;
        pair.bb += b->log * b->log;
    }
}

std::optional<Quote> Calibrator::latest(std::string_view name) const {
    for (const auto& asset : assets_) {
        if (asset.name == name) return asset.estimator.latest();
    }
    return std::nullopt;
}

Calibration Calibrator::calibration(base::Timestamp now) const {
    Calibration x{.at = now,
                  .terms = terms_,
                  .assets = {},
                  .left_out = {},
                  .correlations = {},
                  .correlation = {}};
    std::vector<std::optional<std::size_t>> places(assets_.size());
    for (std::size_t i = 0; i < assets_.size(); ++i) {
        const auto& asset = assets_[i];
        auto estimate = asset.estimator.estimate(now);
        if (!estimate) {
            x.left_out.push_back({.name = asset.name,
                                  .fault = estimate.error(),
                                  .latest = asset.estimator.latest()});
            continue;
        }
        if (!estimate->is_near_dollar) places[i] = x.assets.size();
        x.assets.push_back({.name = asset.name,
                            .is_stable = estimate->is_near_dollar,
                            .estimate = *std::move(estimate)});
    }
    double sum = 0;
    for (const auto& pair : pairs_) {
        if (!places[pair.a] || !places[pair.b] || !(pair.aa > 0 && pair.bb > 0)) continue;
        // The root of each: their product may be too small for a double.
        const double value = pair.ab / std::sqrt(pair.aa) / std::sqrt(pair.bb);
        x.correlations.push_back(
            {.a = *places[pair.a], .b = *places[pair.b], .value = std::clamp(value, -1.0, 1.0)});
        sum += x.correlations.back().value;
    }
    if (!x.correlations.empty()) x.correlation = sum / static_cast<double>(x.correlations.size());
    return x;
}

kernel::Universe universe_of(const Calibration& calibration, const StandIns& stand_ins) {
    kernel::Universe universe;
    kernel::Instrument cash;
    cash.name = "USD";
    universe.instruments.push_back(std::move(cash));
    for (const auto& asset : calibration.assets) {
        if (asset.is_stable) {
            add_stable(universe, asset, stand_ins);
        } else {
            add_coin(universe, asset, stand_ins);
        }
    }
    universe.simulation.days = calibration.terms.horizon_days;
    set_correlation(universe, calibration);
    return universe;
}

kernel::Universe repriced(kernel::Universe universe, const PriceOf& price_of) {
    std::vector<double> factors;
    for (auto& coin : universe.underlyings) {
        const auto price = price_of(coin.name);
        factors.push_back(price && coin.spot > 0 ? *price / coin.spot : 1);
        if (price) coin.spot = *price;
    }
    for (auto& wrapper : universe.wrappers) {
        if (const auto price = price_of(wrapper.name)) {
            wrapper.price = *price;
        } else if (wrapper.underlying) {
            wrapper.price *= factors[wrapper.underlying->v];
        }
    }
    for (auto& instrument : universe.instruments) {
        if (instrument.kind != kernel::Kind::option) continue;
        instrument.forward *= factors[instrument.underlying.v];
    }
    return universe;
}

kernel::Universe recalibrated(kernel::Universe universe, const Calibration& calibration) {
    universe = repriced(std::move(universe), [&](std::string_view name) -> std::optional<double> {
        const auto* asset = calibration.find(name);
        if (asset == nullptr) return std::nullopt;
        return asset->estimate.latest.price;
    });
    std::vector<double> factors;
    for (auto& coin : universe.underlyings) {
        const auto* asset = calibration.find(coin.name);
        const double before = coin.volatility_day;
        if (asset != nullptr) {
            coin.range = shown_range(asset->estimate);
            coin.volatility_day = shown_volatility(asset->estimate);
        }
        factors.push_back(before > 0 ? coin.volatility_day / before : 1);
    }
    for (auto& wrapper : universe.wrappers) {
        const auto* asset = calibration.find(wrapper.name);
        if (asset == nullptr) {
            if (!wrapper.underlying) continue;
            wrapper.volatility_day =
                std::min(wrapper.volatility_day * factors[wrapper.underlying->v],
                         kernel::limits::volatility_max);
            continue;
        }
        const auto& x = asset->estimate;
        wrapper.volatility_day = shown_volatility(x);
        if (x.volume_usd) wrapper.volume_day_usd = shown_volume(*x.volume_usd);
        if (wrapper.underlying) continue;
        wrapper.peg_down = shown_peg_down(x);
        wrapper.peg_up = shown_peg_up(x);
    }
    set_correlation(universe, calibration);
    universe.core.clear();
    universe.simulated.clear();
    return universe;
}

}  // namespace crossclear::risk::history
