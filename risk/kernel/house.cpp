#include "risk/kernel/house.hpp"

#include "base/check.hpp"
#include "base/rng.hpp"
#include "risk/kernel/normal.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace crossclear::risk::kernel {
namespace {

// The mean over the coins of each simulated scenario's log move, with mean 0 and deviation 1.
std::vector<double> standardised_moves(const Universe& universe) {
    std::vector<double> moves;
    for (const auto& scenario : universe.simulated) {
        double sum = 0;
        // A coin that falls to nothing has no logarithm; this is further than any simulated move.
        constexpr double least_factor = 1e-3;
        for (const double move : scenario.moves) sum += std::log(std::max(least_factor, 1 + move));
        const auto count = std::max<std::size_t>(1, scenario.moves.size());
        moves.push_back(sum / static_cast<double>(count));
    }
    const auto n = static_cast<double>(moves.size());
    const double mean = std::accumulate(moves.begin(), moves.end(), 0.0) / n;
    double squares = 0;
    for (const double move : moves) squares += (move - mean) * (move - mean);
    const double deviation = std::sqrt(squares / n);
    for (auto& move : moves) move = deviation > 0 ? (move - mean) / deviation : 0;
    return moves;
}

double shortfall(double pnl, double equity) noexcept {
    const double loss = -pnl - equity;
    return loss <= 0 ? 0 : loss;  // A NaN stays one.
}

double largest_of(std::vector<double>& shortfalls, std::size_t count) {
    std::sort(shortfalls.begin(), shortfalls.end(), std::greater<>{});
    double sum = 0;
    for (std::size_t i = 0; i < count && i < shortfalls.size(); ++i) {
        sum += std::max(0.0, shortfalls[i]);
    }
    return sum;
}

base::Result<std::vector<double>, Fault> equities_of(std::span<const Account* const> accounts) {
    std::vector<double> equities;
    for (const auto* account : accounts) {
        CHECK(&account->surface() == &accounts.front()->surface(),
              "accounts of one house stand on one surface");
        const auto margin = account->margin();
        if (!margin) return base::Failure{margin.error()};
        equities.push_back(margin->equity);
    }
    return equities;
}

// Calls `visit(column)` for every scenario's column of a row.
template <class Visit>
void each_column(const Surface& surface, Visit visit) {
    for (std::size_t i = 0; i < surface.core_count(); ++i) visit(i);
    for (std::size_t i = 0; i < surface.simulated_count(); ++i) {
        visit(surface.simulated_begin() + i);
    }
}

// The largest sum of `count` shortfalls of one scenario, one or two.
double cover_of(const HouseSums& sums, bool are_two) {
    double most = 0;
    for (const auto& line : sums.scenarios) {
        most = std::max(most, line.largest + (are_two ? line.second : 0));
    }
    return most;
}

// P(loss <= waterfall), averaged over the simulated scenarios, and the loss expected.
void add_solvency(HouseReport& report, const Surface& surface, const HouseSums& sums,
                  const HouseTerms& terms) {
    const auto& universe = surface.universe();
    std::vector<Exposure> exposures;
    exposures.reserve(report.shortfalls.size());
    for (const double loss : report.shortfalls) exposures.push_back({0, loss});
    const auto grid = grid_of(exposures, terms.cells);
    const auto moves = standardised_moves(universe);
    base::Rng rng(terms.seed);
    for (std::size_t s = 0; s < moves.size(); ++s) {
        const std::size_t index = surface.core_count() + s;
        const double market = index < sums.scenarios.size() ? sums.scenarios[index].total : 0;
        const double own = normal_quantile(rng.uniform() * (1 - 0x1.0p-52) + 0x1.0p-53);
        const double factor = std::sqrt(.5) * moves[s] + std::sqrt(.5) * own;
        for (std::size_t p = 0; p < exposures.size(); ++p) {
            exposures[p].chance = default_given(
                {surface.weights()[p].default_year, universe.model.asset_correlation}, factor);
        }
        const auto losses = independent_losses(exposures, grid);
        report.solvency_probability += losses.at_most(terms.waterfall_usd - market);
        report.expected_loss += market + losses.mean();
    }
    report.solvency_probability /= static_cast<double>(moves.size());
    report.expected_loss /= static_cast<double>(moves.size());
}

}  // namespace

double cover(std::span<const std::vector<double>> shortfalls, std::size_t count) {
    double most = 0;
    for (const auto& scenario : shortfalls) {
        auto row = scenario;
        most = std::max(most, largest_of(row, count));
    }
    return most;
}

base::Result<double, Fault> cover(std::span<const Account* const> accounts, std::size_t count) {
    if (accounts.empty()) return 0.0;
    const auto equities = equities_of(accounts);
    if (!equities) return base::Failure{equities.error()};
    double most = 0;
    std::vector<double> shortfalls(accounts.size());
    each_column(accounts.front()->surface(), [&](std::size_t column) {
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            shortfalls[i] = shortfall(accounts[i]->pnl()[column], (*equities)[i]);
        }
        most = std::max(most, largest_of(shortfalls, count));
    });
    return most;
}

base::Result<Shortfalls, Fault> shortfalls_of(const Account& account, const Margin& margin) {
    Shortfalls found;
    bool is_finite = true;
    std::uint16_t index = 0;
    each_column(account.surface(), [&](std::size_t column) {
        const double usd = shortfall(account.pnl()[column], margin.equity);
        is_finite = is_finite && std::isfinite(usd);
        if (usd > 0) found.scenarios.push_back({index, usd});
        ++index;
    });
    for (std::size_t p = 0; p < margin.protocol_count; ++p) {
        const double usd = margin.shortfall(p);
        is_finite = is_finite && std::isfinite(usd);
        if (usd > 0) found.protocols.push_back({static_cast<std::uint16_t>(p), usd});
    }
    if (!is_finite) return base::Failure{Fault::not_finite};
    return found;
}

void HouseSums::Line::add(double usd) {
    total += usd;
    second = std::max(second, std::min(largest, usd));
    largest = std::max(largest, usd);
}

void HouseSums::Line::add(const Line& group) {
    total += group.total;
    second = std::max({std::min(largest, group.largest), second, group.second});
    largest = std::max(largest, group.largest);
}

void HouseSums::add(const Shortfalls& client) {
    for (const auto& [index, usd] : client.scenarios) {
        if (index >= scenarios.size()) scenarios.resize(std::size_t{index} + 1);
        scenarios[index].add(usd);
    }
    for (const auto& [index, usd] : client.protocols) {
        if (index >= protocols.size()) protocols.resize(std::size_t{index} + 1);
        protocols[index] += usd;
    }
}

void HouseSums::add(const HouseSums& group) {
    if (scenarios.size() < group.scenarios.size()) scenarios.resize(group.scenarios.size());
    if (protocols.size() < group.protocols.size()) protocols.resize(group.protocols.size());
    for (std::size_t i = 0; i < group.scenarios.size(); ++i) {
        scenarios[i].add(group.scenarios[i]);
    }
    for (std::size_t i = 0; i < group.protocols.size(); ++i) protocols[i] += group.protocols[i];
}

base::Result<HouseReport, Fault> look_at_house(const Surface& surface, const HouseSums& sums,
                                               const HouseTerms& terms) {
    HouseReport report;
    if (!std::isfinite(terms.waterfall_usd)) return base::Failure{Fault::not_finite};
    const auto& universe = surface.universe();
    const auto scenarios = surface.core_count() + surface.simulated_count();
    if (sums.scenarios.size() > scenarios || sums.protocols.size() > universe.protocols.size()) {
        return base::Failure{Fault::out_of_range};
    }
    report.shortfalls = sums.protocols;
    report.shortfalls.resize(universe.protocols.size(), 0);
    if (sums == HouseSums{}) {
        report.solvency_probability = terms.waterfall_usd >= 0 ? 1 : 0;
        return report;
    }
    add_solvency(report, surface, sums, terms);
    report.cover1 = cover_of(sums, false);
    report.cover2 = cover_of(sums, true);
    const bool is_finite =
        std::isfinite(report.solvency_probability) && std::isfinite(report.expected_loss) &&
        std::all_of(sums.scenarios.begin(), sums.scenarios.end(), [](const auto& line) {
            return std::isfinite(line.total) && std::isfinite(line.largest + line.second);
        });
    if (!is_finite) return base::Failure{Fault::not_finite};
    return report;
}

base::Result<HouseReport, Fault> look_at_house(std::span<const Account* const> accounts,
                                               const HouseTerms& terms) {
    if (accounts.empty()) {
        if (!std::isfinite(terms.waterfall_usd)) return base::Failure{Fault::not_finite};
        HouseReport report;
        report.solvency_probability = terms.waterfall_usd >= 0 ? 1 : 0;
        return report;
    }
    const auto& surface = accounts.front()->surface();
    HouseSums sums;
    for (const auto* account : accounts) {
        CHECK(&account->surface() == &surface, "accounts of one house stand on one surface");
        const auto margin = account->margin();
        if (!margin) return base::Failure{margin.error()};
        const auto shortfalls = shortfalls_of(*account, *margin);
        if (!shortfalls) return base::Failure{shortfalls.error()};
        sums.add(*shortfalls);
    }
    return look_at_house(surface, sums, terms);
}

}  // namespace crossclear::risk::kernel
