#pragma once

#include "base/rng.hpp"
#include "risk/history/prices.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

/// Made-up prices, the same for one seed on every machine.

namespace crossclear::risk::history::testing {

inline constexpr base::Timestamp begin{1'617'566'400'000'000};  // 2021-04-04T20:00Z.
inline constexpr std::int64_t us_an_hour = 3'600'000'000;

/// The moment so many hours after the first.
constexpr base::Timestamp hour(std::int64_t hours) {
    return begin + base::Duration{hours * us_an_hour};
}

/// A standard normal by Box and Muller.
inline double normal(base::Rng& rng) {
    const double radius = std::sqrt(-2 * std::log(1 - rng.uniform()));
    return radius * std::cos(2 * std::numbers::pi * rng.uniform());
}

/// How one made-up coin walks: by the hour, some part of it with all others.
struct Walk {
    std::string name;
    double price{100};
    double volatility_day{.03};
    double common{.9};  ///< Correlation with the common factor.
};

/// So many days of hourly prices.
inline History walked(const std::vector<Walk>& walks, std::size_t days, std::uint64_t seed) {
    base::Rng rng(seed);
    History history;
    std::vector<double> prices;
    for (const auto& walk : walks) {
        history.columns.push_back(walk.name);
        prices.push_back(walk.price);
    }
    for (std::size_t i = 0; i <= days * 24; ++i) {
        Row row{.at = hour(static_cast<std::int64_t>(i)), .prices = {}, .volumes_usd = {}};
        const double factor = normal(rng);
        for (std::size_t w = 0; w < walks.size(); ++w) {
            const auto& walk = walks[w];
            const double own = std::sqrt(1 - walk.common * walk.common) * normal(rng);
            row.prices.emplace_back(prices[w]);
            prices[w] *=
                std::exp(walk.volatility_day / std::sqrt(24.0) * (walk.common * factor + own));
        }
        history.rows.push_back(std::move(row));
    }
    return history;
}

}  // namespace crossclear::risk::history::testing
