#include "risk/kernel/normal.hpp"

#include "base/check.hpp"

#include <boost/math/special_functions/erf.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace crossclear::risk::kernel {
namespace {

constexpr double root_two_pi = 2.506628274631000502;
constexpr double rational_end = 7.07106781186547;  // Beyond it a continued fraction is better.
constexpr double underflow_end = 37;               // exp(-x²/2) is next to nothing.

// N(-x) / exp(-x²/2) for x >= 0.
double tail_ratio(double x) noexcept {
    if (x < rational_end) {
        double above = 3.52624965998911e-02 * x + 0.700383064443688;
        above = above * x + 6.37396220353165;
        above = above * x + 33.912866078383;
        above = above * x + 112.079291497871;
        above = above * x + 221.213596169931;
        above = above * x + 220.206867912376;
        double below = 8.83883476483184e-02 * x + 1.75566716318264;
        below = below * x + 16.064177579207;
        below = below * x + 86.7807322029461;
        below = below * x + 296.564248779674;
        below = below * x + 637.333633378831;
        below = below * x + 793.826512519948;
        below = below * x + 440.413735824752;
        return above / below;
    }
    double fraction = x + 0.65;
    for (const double step : {4.0, 3.0, 2.0, 1.0}) fraction = x + step / fraction;
    return 1 / (fraction * root_two_pi);
}

}  // namespace

double normal_density(double x) noexcept { return std::exp(-.5 * x * x) / root_two_pi; }

double normal_cdf(double x, double exponential) noexcept {
    const double far = std::abs(x);
    if (far > underflow_end) return x > 0 ? 1 : 0;
    const double tail = exponential * tail_ratio(far);
    return x > 0 ? 1 - tail : tail;
}

double normal_cdf(double x) noexcept {
    if (std::isnan(x)) return x;
    return normal_cdf(x, std::exp(-.5 * x * x));
}

double normal_quantile(double p) {
    CHECK(p >= 0 && p <= 1, "a chance is a part of one");
    if (p == 0) return -std::numeric_limits<double>::infinity();
    if (p == 1) return std::numeric_limits<double>::infinity();
    return -std::numbers::sqrt2 * boost::math::erfc_inv(2 * p);
}

double bivariate_normal_cdf(const NormalPair& at) {
    CHECK(at.correlation >= -1 && at.correlation <= 1, "a correlation is from -1 to 1");
    const auto [x, y, rho] = at;
    // So far out a coordinate decides nothing, or everything.
    if (x < -underflow_end || y < -underflow_end) return 0;
    if (x > underflow_end) return normal_cdf(y);
    if (y > underflow_end) return normal_cdf(x);
    if (rho == 1) return normal_cdf(std::fmin(x, y));
    if (rho == -1) return std::fmax(0, normal_cdf(x) - normal_cdf(-y));

    // With rho = sin(angle) the integrand of Plackett's integral is smooth up to both ends. Many
    // short panels of five points each reach the accuracy for any rho below one.
    constexpr std::array<double, 5> points{-0.9061798459386640, -0.5384693101056831, 0,
                                           0.5384693101056831, 0.9061798459386640};
    constexpr std::array<double, 5> weights{0.2369268850561891, 0.4786286704993665,
                                            0.5688888888888889, 0.4786286704993665,
                                            0.2369268850561891};
    constexpr int panels = 64;
    const double half = std::asin(rho) / (2 * panels);
    double sum = 0;
    for (int panel = 0; panel < panels; ++panel) {
        for (std::size_t i = 0; i < points.size(); ++i) {
            const double angle = half * (2 * panel + 1 + points[i]);
            const double sine = std::sin(angle);
            const double cosine_squared = 1 - sine * sine;
            sum += weights[i] * std::exp((sine * x * y - .5 * (x * x + y * y)) / cosine_squared);
        }
    }
    const double joint = normal_cdf(x) * normal_cdf(y) + half * sum / (2 * std::numbers::pi);
    return std::fmin(1, std::fmax(0, joint));
}

}  // namespace crossclear::risk::kernel
