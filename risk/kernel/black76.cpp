#include "risk/kernel/black76.hpp"

#include "risk/kernel/normal.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk::kernel {
namespace {

// Below this a deviation changes no price by as much as rounding does, and 1/deviation overflows.
constexpr double deviation_min = 1e-12;

double intrinsic(OptionType type, double discount, double forward, double strike) noexcept {
    const double gain = type == OptionType::call ? forward - strike : strike - forward;
    return discount * std::max(0.0, gain);
}

}  // namespace

Black76Row::Black76Row(const Black76& terms) : terms_(terms) {
    deviation_ = terms.volatility * std::sqrt(std::max(0.0, terms.years));
    is_intrinsic_ = !(deviation_ > deviation_min) || terms.forward <= 0 || terms.strike <= 0;
    if (!is_intrinsic_) log_moneyness_ = std::log(terms.forward / terms.strike);
}

double Black76Row::at(double factor, double log_factor) const noexcept {
    const double forward = terms_.forward * factor;
    if (is_intrinsic_ || forward <= 0) {
        return intrinsic(terms_.type, terms_.discount, forward, terms_.strike);
    }
    const double log_ratio = log_moneyness_ + log_factor;
    const double d1 = log_ratio / deviation_ + .5 * deviation_;
    const double d2 = d1 - deviation_;
    // F·φ(d1) = K·φ(d2): the second exponential follows from the first, where that is not lost.
    const double first = std::exp(-.5 * d1 * d1);
    const double second =
        first > 1e-200 ? first * forward / terms_.strike : std::exp(-.5 * d2 * d2);
    const double sign = terms_.type == OptionType::call ? 1 : -1;
    const double value = sign * (forward * normal_cdf(sign * d1, first) -
                                 terms_.strike * normal_cdf(sign * d2, second));
    return terms_.discount * std::max(0.0, value);
}

double value_of(const Black76& terms) { return Black76Row(terms).at(1, 0); }

double delta_of(const Black76& terms) {
    const double deviation = terms.volatility * std::sqrt(std::max(0.0, terms.years));
    double share = 0;  // N(d1)
    if (!(deviation > deviation_min) || terms.forward <= 0 || terms.strike <= 0) {
        // At the money on the last day either one-sided slope will do; the middle is both.
        share = terms.forward > terms.strike ? 1 : terms.forward < terms.strike ? 0 : .5;
    } else {
        share = normal_cdf(std::log(terms.forward / terms.strike) / deviation + .5 * deviation);
    }
    return terms.discount * (terms.type == OptionType::call ? share : share - 1);
}

}  // namespace crossclear::risk::kernel
