#include "risk/history/coverage.hpp"

#include "base/check.hpp"
#include "risk/kernel/normal.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace crossclear::risk::history {
namespace {

constexpr double significance = .05;

double as_double(std::size_t count) { return static_cast<double>(count); }

// The logarithm of (1-p)^misses · p^hits; what never happened has no weight, whatever its chance.
double log_likelihood(double chance, std::size_t hits, std::size_t misses) {
    const double hit = hits == 0 ? 0 : as_double(hits) * std::log(chance);
    return hit + (misses == 0 ? 0 : as_double(misses) * std::log1p(-chance));
}

double share(std::size_t hits, std::size_t misses) {
    const auto all = hits + misses;
    return all == 0 ? 0 : as_double(hits) / as_double(all);
}

// Of one degree of freedom: the square of a standard normal.
LikelihoodRatio ratio_of(double claimed, double found) {
    // Rounding may leave less than nothing where both are alike.
    const double statistic = std::max(0.0, -2 * (claimed - found));
    return {.statistic = statistic,
            .p_value = std::erfc(std::sqrt(statistic) / std::numbers::sqrt2)};
}

}  // namespace

LikelihoodRatio kupiec(const Exceptions& found) {
    CHECK(found.windows > 0 && found.count <= found.windows, "exceptions are among windows");
    CHECK(found.chance > 0 && found.chance < 1, "a chance is within 0 and 1");
    const auto misses = found.windows - found.count;
    return ratio_of(log_likelihood(found.chance, found.count, misses),
                    log_likelihood(share(found.count, misses), found.count, misses));
}

bool is_too_many(const Exceptions& found) {
    const double limit = std::pow(kernel::normal_quantile(1 - significance / 2), 2);
    return as_double(found.count) > found.chance * as_double(found.windows) &&
           kupiec(found).statistic > limit;
}

Transitions transitions_of(const std::vector<bool>& exceptions) {
    Transitions x;
    for (std::size_t i = 1; i < exceptions.size(); ++i) {
        if (exceptions[i - 1]) {
            ++(exceptions[i] ? x.bad_bad : x.bad_quiet);
        } else {
            ++(exceptions[i] ? x.quiet_bad : x.quiet_quiet);
        }
    }
    return x;
}

LikelihoodRatio christoffersen(const Transitions& x) {
    const auto hits = x.quiet_bad + x.bad_bad;
    const auto misses = x.quiet_quiet + x.bad_quiet;
    const double alike = log_likelihood(share(hits, misses), hits, misses);
    const double apart =
        log_likelihood(share(x.quiet_bad, x.quiet_quiet), x.quiet_bad, x.quiet_quiet) +
        log_likelihood(share(x.bad_bad, x.bad_quiet), x.bad_bad, x.bad_quiet);
    return ratio_of(alike, apart);
}

LikelihoodRatio both_of(const LikelihoodRatio& frequency, const LikelihoodRatio& independence) {
    const double statistic = frequency.statistic + independence.statistic;
    return {.statistic = statistic, .p_value = std::exp(-statistic / 2)};
}

double coverage_of(const Exceptions& found) {
    CHECK(found.windows > 0, "a share is one of some windows");
    return 1 - as_double(found.count) / as_double(found.windows);
}

}  // namespace crossclear::risk::history
