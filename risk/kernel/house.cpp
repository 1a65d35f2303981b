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

// What all accounts know of themselves, asked once.
struct Book {
    std::vector<double> equity;
    std::vector<double> protocol_shortfall;  // ΣSF
};

base::Result<Book, Fault> book_of(std::span<const Account* const> accounts) {
    Book book;
    for (const auto* account : accounts) {
        CHECK(&account->surface() == &accounts.front()->surface(),
              "accounts of one house stand on one surface");
        const auto margin = account->margin();
        if (!margin) return base::Failure{margin.error()};
        book.equity.push_back(margin->equity);
        book.protocol_shortfall.resize(margin->protocol_count, 0);
        for (std::size_t p = 0; p < margin->protocol_count; ++p) {
            book.protocol_shortfall[p] += margin->shortfall(p);
        }
    }
    return book;
}

// Calls `visit(column)` for every scenario's column of a row.
template <class Visit>
void each_column(const Surface& surface, Visit visit) {
    for (std::size_t i = 0; i < surface.core_count(); ++i) visit(i);
    for (std::size_t i = 0; i < surface.simulated_count(); ++i) {
        visit(surface.simulated_begin() + i);
    }
}

double cover_of(std::span<const Account* const> accounts, const Book& book, std::size_t count) {
    double most = 0;
    std::vector<double> shortfalls(accounts.size());
    each_column(accounts.front()->surface(), [&](std::size_t column) {
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            shortfalls[i] = shortfall(accounts[i]->pnl()[column], book.equity[i]);
        }
        most = std::max(most, largest_of(shortfalls, count));
    });
    return most;
}

// P(loss <= waterfall), averaged over the simulated scenarios, and the loss expected.
void add_solvency(HouseReport& report, std::span<const Account* const> accounts, const Book& book,
                  const HouseTerms& terms) {
    const auto& surface = accounts.front()->surface();
    const auto& universe = surface.universe();
    std::vector<Exposure> exposures;
    for (const double loss : book.protocol_shortfall) exposures.push_back({0, loss});
    const auto grid = grid_of(exposures, terms.cells);
    const auto moves = standardised_moves(universe);
    base::Rng rng(terms.seed);
    for (std::size_t s = 0; s < moves.size(); ++s) {
        double market = 0;
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            market += shortfall(accounts[i]->pnl()[surface.simulated_begin() + s], book.equity[i]);
        }
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
    const auto book = book_of(accounts);
    if (!book) return base::Failure{book.error()};
    return cover_of(accounts, *book, count);
}

base::Result<HouseReport, Fault> look_at_house(std::span<const Account* const> accounts,
                                               const HouseTerms& terms) {
    HouseReport report;
    if (!std::isfinite(terms.waterfall_usd)) return base::Failure{Fault::not_finite};
    if (accounts.empty()) {
        report.solvency_probability = terms.waterfall_usd >= 0 ? 1 : 0;
        return report;
    }
    const auto book = book_of(accounts);
    if (!book) return base::Failure{book.error()};
    add_solvency(report, accounts, *book, terms);
    report.cover1 = cover_of(accounts, *book, 1);
    report.cover2 = cover_of(accounts, *book, 2);
    report.shortfalls = book->protocol_shortfall;
    const bool is_finite = std::isfinite(report.solvency_probability) &&
                           std::isfinite(report.expected_loss) && std::isfinite(report.cover2);
    if (!is_finite) return base::Failure{Fault::not_finite};
    return report;
}

}  // namespace crossclear::risk::kernel
