#include "risk/history/calibrate.hpp"

#include "risk/kernel/sample.hpp"
#include "risk/kernel/surface.hpp"
#include "tests/risk/history/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace crossclear::risk::history {
namespace {

using testing::walked;

constexpr std::uint64_t calibrate_seed = 51;

Calibration calibrated(const History& history, const EstimateTerms& terms = {}) {
    Calibrator calibrator(history.columns, history.columns, terms);
    for (const auto& row : history.rows) calibrator.add(row);
    return calibrator.calibration(history.rows.back().at);
}

History two_coins_and_a_dollar() {
    auto history = walked({{.name = "BTC", .price = 60'000, .volatility_day = .03},
                           {.name = "ETH", .price = 3'000, .volatility_day = .04},
                           {.name = "USDC", .price = 1, .volatility_day = 1e-4, .common = 0}},
                          200, calibrate_seed);
    return history;
}

TEST(Calibrator, SeesHowAlikeCoinsMove) {
    const auto x = calibrated(two_coins_and_a_dollar());
    ASSERT_EQ(x.assets.size(), 3U);
    EXPECT_FALSE(x.assets[0].is_stable);
    EXPECT_FALSE(x.assets[1].is_stable);
    EXPECT_TRUE(x.assets[2].is_stable);
    // Of coins only: a dollar has no say.
    ASSERT_EQ(x.correlations.size(), 1U);
    EXPECT_EQ(x.correlations[0].a, 0U);
    EXPECT_EQ(x.correlations[0].b, 1U);
    EXPECT_NEAR(x.correlations[0].value, .81, .1);
    EXPECT_EQ(x.correlation, x.correlations[0].value);
}

TEST(Calibrator, LeavesOutWhatDoesNotTradeAndSaysSo) {
    auto history = two_coins_and_a_dollar();
    for (std::size_t i = history.rows.size() - 48; i < history.rows.size(); ++i) {
        history.rows[i].prices[1].reset();
    }
    for (auto& row : history.rows) row.prices[2].reset();
    const auto x = calibrated(history);
    ASSERT_EQ(x.assets.size(), 1U);
    EXPECT_EQ(x.assets[0].name, "BTC");
    ASSERT_EQ(x.left_out.size(), 2U);
    EXPECT_EQ(x.left_out[0].name, "ETH");
    EXPECT_EQ(x.left_out[0].fault, EstimateFault::price_old);
    EXPECT_EQ(x.left_out[0].latest->at, history.rows[history.rows.size() - 49].at);
    EXPECT_EQ(x.left_out[1].fault, EstimateFault::price_missing);
    EXPECT_EQ(x.left_out[1].latest, std::nullopt);
    EXPECT_EQ(x.correlation, std::nullopt);
}

TEST(Calibrator, LooksAtTheColumnsThatAreWanted) {
    const auto history = two_coins_and_a_dollar();
    Calibrator one(history.columns, {"ETH"}, {});
    for (const auto& row : history.rows) one.add(row);
    const auto x = one.calibration(history.rows.back().at);
    ASSERT_EQ(x.assets.size(), 1U);
    EXPECT_EQ(x.assets[0], calibrated(history).assets[1]);
    EXPECT_EQ(one.latest("BTC"), std::nullopt);
    EXPECT_EQ(one.latest("ETH")->price, *history.rows.back().prices[1]);
}

TEST(UniverseOfAPast, MarginsWhatWasEstimated) {
    const auto x = calibrated(two_coins_and_a_dollar());
    const auto universe = universe_of(x);
    EXPECT_TRUE(kernel::faults_of(universe).empty());
    ASSERT_EQ(universe.underlyings.size(), 2U);
    ASSERT_EQ(universe.wrappers.size(), 3U);
    ASSERT_EQ(universe.instruments.size(), 4U);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& estimate = x.assets[i].estimate;
        const auto& coin = universe.underlyings[i];
        EXPECT_EQ(coin.spot, estimate.latest.price);
        // Up, and by less than a hundredth of a percent.
        EXPECT_GE(coin.range, estimate.range - 1e-9);
        EXPECT_LT(coin.range, estimate.range + 1e-4);
        EXPECT_GE(coin.volatility_day, estimate.volatility_day - 1e-9);
        EXPECT_LT(coin.volatility_day, estimate.volatility_day + 1e-4);
        EXPECT_EQ(universe.wrappers[i].underlying,
                  kernel::UnderlyingId{static_cast<std::uint16_t>(i)});
    }
    EXPECT_EQ(universe.instruments[3].kind, kernel::Kind::stable);
    EXPECT_EQ(universe.wrappers[2].underlying, std::nullopt);
    EXPECT_GE(universe.wrappers[2].peg_down, x.assets[2].estimate.below_dollar);
    EXPECT_NEAR(universe.simulation.correlation, *x.correlation, 1e-4);
    EXPECT_TRUE(kernel::build_surface(1, universe).has_value());
}

// Goal: whatever the prices were, the kernel takes the universe: the door has bounds of its own.
TEST(UniverseOfAPast, PassesTheDoorHoweverWildItWas) {
    const struct {
        const char* what;
        double price;
        double volatility_day;
    } table[] = {{"still", 100, 0}, {"tiny", 1e-8, .05}, {"huge", 1e8, .02}, {"wild", 50, 2}};
    for (const auto& row : table) {
        auto history = walked(
            {{.name = "A", .price = row.price, .volatility_day = row.volatility_day},
             {.name = "B", .price = row.price, .volatility_day = row.volatility_day, .common = 0}},
            60, calibrate_seed);
        history.rows.back().prices[0] = row.price;
        history.rows.back().prices[1] = row.price;
        const auto universe = universe_of(calibrated(history));
        for (const auto& fault : kernel::faults_of(universe)) {
            ADD_FAILURE() << row.what << ": " << fault.path << ": " << fault.says;
        }
        EXPECT_TRUE(kernel::build_surface(1, universe).has_value()) << row.what;
    }
}

std::optional<double> no_price(std::string_view) { return std::nullopt; }

TEST(Repriced, MovesWhatFollowsACoin) {
    const auto before = kernel::sample_universe({});
    EXPECT_EQ(repriced(before, no_price), before);
    const auto& coin = before.underlyings[0].name;
    const auto after = repriced(before, [&](std::string_view name) -> std::optional<double> {
        if (name == coin) return before.underlyings[0].spot * 2;
        if (name == before.wrappers[4].name) return 123;
        return std::nullopt;
    });
    EXPECT_EQ(after.underlyings[0].spot, before.underlyings[0].spot * 2);
    EXPECT_EQ(after.underlyings[1], before.underlyings[1]);
    for (std::size_t i = 0; i < before.wrappers.size(); ++i) {
        const auto& wrapper = before.wrappers[i];
        const bool follows = wrapper.underlying == kernel::UnderlyingId{0};
        const double expected = i == 4 ? 123 : wrapper.price * (follows ? 2 : 1);
        EXPECT_EQ(after.wrappers[i].price, expected) << wrapper.name;
    }
    for (std::size_t i = 0; i < before.instruments.size(); ++i) {
        const auto& x = before.instruments[i];
        if (x.kind != kernel::Kind::option) continue;
        const bool follows = x.underlying == kernel::UnderlyingId{0};
        EXPECT_EQ(after.instruments[i].forward, x.forward * (follows ? 2 : 1));
        EXPECT_EQ(after.instruments[i].strike, x.strike);
    }
}

TEST(Recalibrated, KeepsAllThatPricesDoNotTell) {
    auto given = kernel::sample_universe({});
    given.underlyings[0].name = "BTC";
    given.wrappers[2].name = "USDC";
    given.core.push_back({.name = "as it was", .moves = {}});
    const auto x = calibrated(two_coins_and_a_dollar());
    const auto universe = recalibrated(given, x);
    EXPECT_TRUE(kernel::faults_of(universe).empty());
    EXPECT_EQ(universe.protocols, given.protocols);
    EXPECT_EQ(universe.underlyings[1], given.underlyings[1]);
    EXPECT_TRUE(universe.core.empty());
    EXPECT_GE(universe.underlyings[0].range, x.assets[0].estimate.range - 1e-9);
    EXPECT_EQ(universe.underlyings[0].spot, x.assets[0].estimate.latest.price);
    EXPECT_EQ(universe.wrappers[2].price, x.assets[2].estimate.latest.price);
    EXPECT_GE(universe.wrappers[2].peg_down, x.assets[2].estimate.below_dollar);
    EXPECT_EQ(universe.wrappers[2].volume_day_usd, given.wrappers[2].volume_day_usd);
    const double factor =
        universe.underlyings[0].volatility_day / given.underlyings[0].volatility_day;
    for (std::size_t i = 0; i < given.wrappers.size(); ++i) {
        if (given.wrappers[i].underlying != kernel::UnderlyingId{0}) continue;
        EXPECT_DOUBLE_EQ(universe.wrappers[i].volatility_day,
                         given.wrappers[i].volatility_day * factor);
        EXPECT_EQ(universe.wrappers[i].basis, given.wrappers[i].basis);
    }
    EXPECT_EQ(universe.instruments.size(), given.instruments.size());
}

}  // namespace
}  // namespace crossclear::risk::history
