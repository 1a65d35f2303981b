#include "risk/history/estimate.hpp"

#include "tests/risk/history/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace crossclear::risk::history {
namespace {

using testing::hour;
using testing::walked;

Estimator fed(const History& history, const EstimateTerms& terms = {}) {
    Estimator estimator(terms);
    for (const auto& row : history.rows) {
        if (row.prices[0]) estimator.add({row.at, *row.prices[0]});
    }
    return estimator;
}

Estimate estimate_of(const History& history, const EstimateTerms& terms = {}) {
    const auto estimate = fed(history, terms).estimate(history.rows.back().at);
    EXPECT_TRUE(estimate.has_value());
    return estimate ? *estimate : Estimate{};
}

// The same walk at other volatilities, one after the other.
History in_phases(const std::vector<std::pair<std::size_t, double>>& phases, std::uint64_t seed) {
    History all{.columns = {"BTC"}, .rows = {}};
    double price = 100;
    for (const auto& [days, volatility] : phases) {
        const auto part =
            walked({{.name = "BTC", .price = price, .volatility_day = volatility}}, days, ++seed);
        for (const auto& row : part.rows) {
            all.rows.push_back({hour(static_cast<std::int64_t>(all.rows.size())), row.prices, {}});
        }
        price = *all.rows.back().prices[0];
        all.rows.pop_back();
    }
    return all;
}

TEST(RankQuantile, IsAnEntryThatEnoughDoNotExceed) {
    const std::vector<double> ten{4, 1, 10, 3, 2, 9, 5, 8, 7, 6};
    const struct {
        double share;
        double entry;
    } table[] = {{1, 10}, {.995, 10}, {.91, 10}, {.9, 9}, {.5, 5}, {.1, 1}, {.01, 1}};
    for (const auto& row : table) EXPECT_EQ(rank_quantile(ten, row.share), row.entry) << row.share;
    EXPECT_EQ(rank_quantile({3}, .5), 3);
    EXPECT_EQ(rank_quantile({2, 2, 2, 5}, .75), 2);
}

// Goal: what can be worked out by hand comes out: one percent a day, for sixty days.
TEST(Estimator, MeasuresASteadyRise) {
    History history{.columns = {"BTC"}, .rows = {}};
    for (int i = 0; i <= 60 * 24; ++i) {
        history.rows.push_back({hour(i), {100 * std::pow(1.01, i / 24.0)}, {}});
    }
    const auto x = estimate_of(history);
    const double variance_day = std::pow(std::log(1.01), 2) / 24;
    EXPECT_NEAR(x.range_past, 1.01 * 1.01 - 1, 1e-12);
    EXPECT_NEAR(x.range_now, 1.01 * 1.01 - 1, 1e-9);
    EXPECT_NEAR(x.volatility_past, std::sqrt(variance_day), 1e-12);
    EXPECT_NEAR(x.volatility_now, std::sqrt(variance_day), 1e-12);
    EXPECT_NEAR(x.worst_rise, 1.01 * 1.01 - 1, 1e-12);
    EXPECT_EQ(x.worst_fall, 0);
    EXPECT_EQ(x.prices, 60U * 24 + 1);
    EXPECT_EQ(x.moves, 58U * 24 + 1);
    EXPECT_NEAR(x.history_days, 60, 1e-9);
    EXPECT_NEAR(x.gap_days_max * 24, 1, 1e-9);
    EXPECT_FALSE(x.is_near_dollar);
    EXPECT_EQ(x.volume_usd, std::nullopt);
}

TEST(Estimator, FindsTheVolatilityThatWasWalked) {
    const std::uint64_t seed = 41;
    SCOPED_TRACE(seed);
    const auto x = estimate_of(walked({{.name = "BTC", .volatility_day = .04}}, 400, seed));
    EXPECT_NEAR(x.volatility_past, .04, .001);
    // A mean of some 33 days.
    EXPECT_NEAR(x.volatility_now, .04, .004);
    // 2.81 deviations of a normal hold 99.5 %; overlapping moves are few that are independent.
    EXPECT_NEAR(x.range_past, 2.81 * .04 * std::sqrt(2.0), .04);
}

// Goal: a return over hours that are missing is one of so many hours, not of one.
TEST(Estimator, IsNotFooledByGaps) {
    const std::uint64_t seed = 42;
    SCOPED_TRACE(seed);
    auto history = walked({{.name = "BTC", .volatility_day = .04}}, 400, seed);
    base::Rng rng(seed);
    for (std::size_t i = 0; i + 1 < history.rows.size(); ++i) {
        if (rng.below(3) != 0) history.rows[i].prices[0].reset();
    }
    const auto x = estimate_of(history);
    EXPECT_NEAR(x.volatility_past, .04, .004);
    EXPECT_NEAR(x.volatility_now, .04, .006);
    EXPECT_GT(x.gap_days_max * 24, 5);
    EXPECT_GT(x.moves, 2'500U);
}

// Goal: in wild times the range is today's, in quiet ones that of all the past.
TEST(Estimator, TakesTheLargerOfThePastAndToday) {
    const std::uint64_t seed = 43;
    SCOPED_TRACE(seed);
    const auto wild_now = estimate_of(in_phases({{300, .02}, {20, .08}}, seed));
    EXPECT_GT(wild_now.range_now, 1.5 * wild_now.range_past);
    EXPECT_EQ(wild_now.range, wild_now.range_now);
    EXPECT_GT(wild_now.volatility_now, 1.5 * wild_now.volatility_past);
    EXPECT_EQ(wild_now.volatility_day, wild_now.volatility_now);
    const auto quiet_now = estimate_of(in_phases({{60, .08}, {300, .02}}, seed));
    EXPECT_GT(quiet_now.range_past, 1.5 * quiet_now.range_now);
    EXPECT_EQ(quiet_now.range, quiet_now.range_past);
    EXPECT_EQ(quiet_now.volatility_day, quiet_now.volatility_past);
}

// Goal: a jump counts in the deviations that were known before it, not in those it made itself.
TEST(Estimator, MeasuresAMoveByTheVolatilityBeforeIt) {
    const std::uint64_t seed = 47;
    SCOPED_TRACE(seed);
    auto history = walked({{.name = "BTC", .volatility_day = .01}}, 60, seed);
    for (std::size_t i = history.rows.size() - 10; i < history.rows.size(); ++i) {
        *history.rows[i].prices[0] *= 1.2;
    }
    const auto x = estimate_of(history, {.confidence = 1});
    EXPECT_NEAR(x.range_past, .2, .05);
    // Thirteen of the deviations before, and a deviation of more than three percent now.
    EXPECT_GT(x.volatility_now, .03);
    EXPECT_GT(x.range_now, .5);
}

TEST(Estimator, SaysWhyItCannot) {
    const auto long_past = walked({{.name = "BTC"}}, 40, 44);
    const auto last = long_past.rows.back().at;
    const auto fault_at = [](const Estimator& estimator, base::Timestamp now) {
        const auto estimate = estimator.estimate(now);
        return estimate ? std::nullopt : std::optional(estimate.error());
    };
    EXPECT_EQ(fault_at(Estimator({}), last), EstimateFault::price_missing);
    EXPECT_EQ(fault_at(fed(long_past), last), std::nullopt);
    EXPECT_EQ(fault_at(fed(long_past), last + span_of(.25)), std::nullopt);
    EXPECT_EQ(fault_at(fed(long_past), last + span_of(.26)), EstimateFault::price_old);
    auto to_zero = fed(long_past);
    to_zero.add({last + span_of(.05), 0});
    EXPECT_EQ(fault_at(to_zero, last + span_of(.05)), EstimateFault::price_zero);
    const auto short_past = walked({{.name = "BTC"}}, 29, 44);
    EXPECT_EQ(fault_at(fed(short_past), short_past.rows.back().at), EstimateFault::history_short);
    Estimator apart({});
    apart.add({hour(0), 1});
    apart.add({hour(24 * 40), 1});
    EXPECT_EQ(fault_at(apart, hour(24 * 40)), EstimateFault::move_missing);
    for (const auto fault :
         {EstimateFault::price_missing, EstimateFault::price_old, EstimateFault::price_zero,
          EstimateFault::history_short, EstimateFault::move_missing}) {
        EXPECT_FALSE(name_of(fault).empty());
    }
}

// Goal: a coin that was worth nothing for a while has fallen by all it was worth, and no more.
TEST(Estimator, LivesThroughAPriceOfZero) {
    auto history = walked({{.name = "BTC"}}, 60, 45);
    for (std::size_t i = 700; i < 720; ++i) history.rows[i].prices[0] = 0;
    const auto x = estimate_of(history);
    EXPECT_EQ(x.worst_fall, 1);
    EXPECT_TRUE(std::isfinite(x.range) && std::isfinite(x.volatility_day));
    EXPECT_GE(x.range, .9);
}

TEST(Estimator, KnowsADollarByItsPrices) {
    History history{.columns = {"UST"}, .rows = {}};
    for (int i = 0; i <= 60 * 24; ++i) {
        history.rows.push_back({hour(i), {i < 50 * 24 ? 1.001 : .25}, {}});
    }
    const auto x = estimate_of(history);
    EXPECT_TRUE(x.is_near_dollar);
    EXPECT_NEAR(x.below_dollar, .75, 1e-12);
    EXPECT_NEAR(x.above_dollar, .001, 1e-12);
}

TEST(Estimator, TakesTheLesserVolume) {
    const auto history = walked({{.name = "BTC"}}, 90, 46);
    const auto last = history.rows.back().at;
    const auto volume = [&](double first_usd, double then_usd) {
        auto estimator = fed(history);
        for (std::size_t i = 0; i < history.rows.size(); ++i) {
            estimator.add_volume(history.rows[i].at, i <= 60 * 24 ? first_usd : then_usd);
        }
        return estimator.estimate(last)->volume_usd;
    };
    EXPECT_NEAR(volume(1e6, 1e6).value(), 24e6, 1);
    EXPECT_NEAR(volume(3e6, 1e6).value(), 24e6, 1);
    EXPECT_NEAR(volume(1e6, 4e6).value(), 48e6, 1);
    auto once = fed(history);
    once.add_volume(last, 1e9);
    EXPECT_EQ(once.estimate(last)->volume_usd, std::nullopt);
}

RC_GTEST_PROP(EstimatorLaws, RangesHoldTheirShareAndKnowNoUnit, ()) {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const double volatility = *rc::gen::inRange(1, 200) / 1'000.0;
    const double confidence = *rc::gen::inRange(900, 1'000) / 1'000.0;
    const double unit = *rc::gen::element(1e-4, 7.0, 1e6);
    const EstimateTerms terms{.confidence = confidence};
    const auto history = walked({{.name = "BTC", .volatility_day = volatility}}, 40, seed);
    const auto x = estimate_of(history, terms);
    std::size_t within = 0;
    std::size_t all = 0;
    for (std::size_t i = 48; i < history.rows.size(); ++i) {
        const double move = *history.rows[i].prices[0] / *history.rows[i - 48].prices[0] - 1;
        if (std::abs(move) <= x.range_past + 1e-15) ++within;
        ++all;
    }
    RC_ASSERT(static_cast<double>(within) >= confidence * static_cast<double>(all) - 1e-6);
    RC_ASSERT(x.range >= x.range_past && x.range >= x.range_now);
    RC_ASSERT(x.volatility_day >= x.volatility_past && x.volatility_day >= x.volatility_now);
    auto other = history;
    for (auto& row : other.rows) *row.prices[0] *= unit;
    const auto y = estimate_of(other, terms);
    RC_ASSERT(std::abs(y.range - x.range) <= 1e-6 * x.range);
    RC_ASSERT(std::abs(y.volatility_day - x.volatility_day) <= 1e-6 * x.volatility_day);
    // More confidence, no less range.
    const auto wider = estimate_of(history, {.confidence = 1});
    RC_ASSERT(wider.range >= x.range);
    RC_ASSERT(wider.range_past == std::max(x.worst_fall, x.worst_rise));
}

}  // namespace
}  // namespace crossclear::risk::history
