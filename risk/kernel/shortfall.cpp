#include "risk/kernel/shortfall.hpp"

#include "base/check.hpp"
#include "risk/kernel/normal.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace crossclear::risk::kernel {
namespace {

// N(1 - alpha) is not quite an integer where it should be one: 10·(1 - 0.8) is 1.9999999999999996.
constexpr double integer_slack = 1e-9;

}  // namespace

Tail Tail::of(std::size_t count, double confidence) {
    CHECK(confidence > 0 && confidence < 1, "a confidence leaves a tail");
    double size = static_cast<double>(count) * (1 - confidence);
    const double nearest = std::round(size);
    if (nearest > 0 && std::abs(size - nearest) < integer_slack) size = nearest;
    const double full = std::floor(size);
    return {.full = static_cast<std::size_t>(full), .part = size - full, .size = size};
}

double expected_shortfall(std::span<double> losses, double confidence) {
    CHECK(!losses.empty(), "there are losses to look at");
    // Comparisons would hide a NaN, and put the others anywhere.
    for (const double loss : losses) {
        if (!std::isfinite(loss)) return std::numeric_limits<double>::quiet_NaN();
    }
    return mean_of_tail(losses, Tail::of(losses.size(), confidence)).mean;
}

TailMean mean_of_tail(std::span<double> largest, const Tail& tail) {
    CHECK(!largest.empty(), "there are losses to look at");
    const auto wanted = std::min(largest.size(), tail.full + 1);
    const auto end = largest.begin() + static_cast<std::ptrdiff_t>(wanted);
    std::nth_element(largest.begin(), end - 1, largest.end(), std::greater<>{});
    // Added in one order whatever order they came in: the same losses give the same bits.
    std::sort(largest.begin(), end, std::greater<>{});
    double sum = 0;
    for (std::size_t i = 0; i < tail.full && i < largest.size(); ++i) sum += largest[i];
    if (tail.full < largest.size()) sum += tail.part * largest[tail.full];
    return {.mean = sum / tail.size, .quantile = largest[wanted - 1]};
}

double shortfall_bound(std::span<const double> losses, double confidence, double threshold) {
    CHECK(!losses.empty(), "there are losses to look at");
    double excess = 0;
    for (const double loss : losses) {
        const double over = loss - threshold;
        // In this form a NaN stays one.
        excess += over <= 0 ? 0 : over;
    }
    return threshold + excess / (static_cast<double>(losses.size()) * (1 - confidence));
}

double expected_shortfall(const Normal& losses, double confidence) {
    CHECK(confidence > 0 && confidence < 1, "a confidence leaves a tail");
    return losses.mean +
           losses.deviation * normal_density(normal_quantile(confidence)) / (1 - confidence);
}

}  // namespace crossclear::risk::kernel
