#include "risk/kernel/credit.hpp"

#include "base/check.hpp"
#include "risk/kernel/normal.hpp"
#include "risk/kernel/universe.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk::kernel {
namespace {

// Of a grid: a loss of exactly three cells must not become four because it was divided.
constexpr double cell_slack = 1e-9;

// How many cells a loss takes, rounded up.
std::size_t cells_of(double loss, const LossGrid& grid) {
    if (loss <= 0 || grid.cell <= 0) return 0;
    return static_cast<std::size_t>(std::ceil(loss / grid.cell - cell_slack));
}

}  // namespace

double default_within(double default_year, double days) {
    return 1 - std::pow(1 - default_year, days / days_a_year);
}

double worst_case_default(const OneFactor& of, double confidence) {
    return default_given(of, -normal_quantile(confidence));
}

double default_given(const OneFactor& of, double factor) {
    return normal_cdf((normal_quantile(of.chance) - std::sqrt(of.correlation) * factor) /
                      std::sqrt(1 - of.correlation));
}

double LossDistribution::at_most(double usd) const {
    if (!(usd >= 0)) return 0;  // What is no number pays for nothing.
    double sum = 0;
    for (std::size_t i = 0; i < chances.size(); ++i) {
        if (static_cast<double>(i) * cell > usd * (1 + cell_slack)) break;
        sum += chances[i];
    }
    return std::min(1.0, sum);
}

double LossDistribution::mean() const {
    double sum = 0;
    for (std::size_t i = 0; i < chances.size(); ++i) {
        sum += static_cast<double>(i) * cell * chances[i];
    }
    return sum;
}

LossGrid grid_of(std::span<const Exposure> exposures, std::size_t cells) {
    CHECK(cells > 0, "a grid has cells");
    double total = 0;
    for (const auto& exposure : exposures) total += exposure.loss;
    return {.cell = total / static_cast<double>(cells), .cells = cells};
}

LossDistribution independent_losses(std::span<const Exposure> exposures, const LossGrid& grid) {
    CHECK(grid.cells > 0, "a grid has cells");
    LossDistribution result{.cell = grid.cell, .chances = {1}};
    for (const auto& exposure : exposures) {
        const auto step = cells_of(exposure.loss, grid);
        auto& chances = result.chances;
        const auto before = chances.size();
        chances.resize(before + step, 0);
        // From above, so that no entry counts the same loss twice.
        for (std::size_t i = chances.size(); i-- > 0;) {
            const double stays = i < before ? chances[i] * (1 - exposure.chance) : 0;
            const double moves = i >= step ? chances[i - step] * exposure.chance : 0;
            chances[i] = step == 0 ? chances[i] : stays + moves;
        }
    }
    return result;
}

LossDistribution one_factor_losses(std::span<const Exposure> exposures, double correlation,
                                   const LossGrid& grid) {
    // Simpson's rule over ten deviations: the integrand is smooth and next to nothing outside.
    constexpr int panels = 800;
    constexpr double end = 10;
    constexpr double width = 2 * end / panels;
    LossDistribution result{.cell = grid.cell, .chances = {}};
    double weights = 0;
    std::vector<Exposure> given(exposures.begin(), exposures.end());
    for (int i = 0; i <= panels; ++i) {
        const double factor = -end + width * i;
        const double simpson = i == 0 || i == panels ? 1 : i % 2 == 1 ? 4 : 2;
        const double weight = simpson * normal_density(factor);
        for (std::size_t k = 0; k < given.size(); ++k) {
            given[k].chance = default_given({exposures[k].chance, correlation}, factor);
        }
        const auto conditional = independent_losses(given, grid);
        result.chances.resize(conditional.chances.size(), 0);
        for (std::size_t k = 0; k < conditional.chances.size(); ++k) {
            result.chances[k] += weight * conditional.chances[k];
        }
        weights += weight;
    }
    for (auto& chance : result.chances) chance /= weights;
    return result;
}

}  // namespace crossclear::risk::kernel
