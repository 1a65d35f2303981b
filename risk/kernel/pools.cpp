#include "risk/kernel/pools.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace crossclear::risk::kernel {

double constant_product_value(double root_k, const PairPrices& prices) {
    // Two roots: the product of two small prices could vanish before its root is taken.
    return 2 * root_k * std::sqrt(prices.a) * std::sqrt(prices.b);
}

PairAmounts amounts_of(const PriceRange& range, double price) {
    const double low = std::sqrt(range.low);
    const double high = std::sqrt(range.high);
    const double root = std::clamp(std::sqrt(price), low, high);
    return {.a = range.liquidity * (1 / root - 1 / high), .b = range.liquidity * (root - low)};
}

double range_value(const PriceRange& range, const PairPrices& prices) {
    if (prices.b <= 0) return 0;
    const auto amounts = amounts_of(range, prices.a / prices.b);
    return amounts.a * prices.a + amounts.b * prices.b;
}

double liquidity_for(const PriceRange& range, double price, const PairAmounts& amounts) {
    const double low = std::sqrt(range.low);
    const double high = std::sqrt(range.high);
    const double root = std::clamp(std::sqrt(price), low, high);
    const auto none = std::numeric_limits<double>::infinity();
    const double by_a = root < high ? amounts.a / (1 / root - 1 / high) : none;
    const double by_b = root > low ? amounts.b / (root - low) : none;
    return std::min(by_a, by_b);
}

double impermanent_loss(double ratio) { return 1 - 2 * std::sqrt(ratio) / (1 + ratio); }

double amount_out(const PoolSwap& swap) {
    const double in = swap.amount_in * (1 - swap.fee);
    return swap.reserve_out * in / (swap.reserve_in + in);
}

}  // namespace crossclear::risk::kernel
