#include "risk/history/backtest.hpp"

#include "risk/kernel/sample.hpp"
#include "tests/risk/history/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace crossclear::risk::history {
namespace {

using testing::hour;
using testing::walked;

constexpr std::uint64_t backtest_seed = 61;

History two_coins(std::size_t days, std::uint64_t of = backtest_seed) {
    return walked({{.name = "BTC", .price = 60'000, .volatility_day = .03},
                   {.name = "ETH", .price = 3'000, .volatility_day = .04}},
                  days, of);
}

std::vector<PortfolioResult> results_of(const History& history, const BacktestTerms& terms = {},
                                        const kernel::Universe* fixed = nullptr) {
    const auto results = backtest(history, default_portfolios(history.columns), terms, fixed);
    EXPECT_TRUE(results.has_value()) << (results ? "" : results.error().says);
    return results ? *results : std::vector<PortfolioResult>{};
}

BacktestFault fault_of(const History& history, const std::vector<TestPortfolio>& portfolios,
                       const BacktestTerms& terms = {}, const kernel::Universe* fixed = nullptr) {
    const auto results = backtest(history, portfolios, terms, fixed);
    EXPECT_FALSE(results.has_value());
    return results ? BacktestFault{} : results.error();
}

kernel::Universe fixed_universe(double range) {
    Calibration calibration;
    for (const auto& [name, price] : {std::pair{"BTC", 60'000.0}, std::pair{"ETH", 3'000.0}}) {
        AssetEstimate asset;
        asset.name = name;
        asset.estimate.latest.price = price;
        asset.estimate.range = range;
        asset.estimate.volatility_day = range / 5;
        calibration.assets.push_back(asset);
    }
    return universe_of(calibration);
}

TEST(DefaultPortfolios, AreLongShortAndAgainstEachOther) {
    const auto list = default_portfolios({"BTC", "ETH"});
    std::vector<std::string> names;
    for (const auto& portfolio : list) names.push_back(portfolio.name);
    EXPECT_EQ(names, (std::vector<std::string>{"long BTC", "short BTC", "long ETH", "short ETH",
                                               "BTC against ETH", "ETH against BTC"}));
    EXPECT_EQ(list[4].legs, (std::vector<TestLeg>{{"BTC", 10'000, true}, {"ETH", -10'000, true}}));
}

TEST(Backtest, HasWindowsThatFollowEachOther) {
    const auto results = results_of(two_coins(121));
    ASSERT_EQ(results.size(), 6U);
    for (const auto& result : results) {
        ASSERT_EQ(result.windows.size(), 15U) << result.name;
        EXPECT_EQ(result.left_out, 0U);
        for (std::size_t i = 0; i < result.windows.size(); ++i) {
            const auto days = 90 + 2 * static_cast<std::int64_t>(i);
            EXPECT_EQ(result.windows[i].from, hour(24 * days));
            EXPECT_EQ(result.windows[i].to, hour(24 * (days + 2)));
            EXPECT_FALSE(result.windows[i].is_cut_short);
        }
    }
}

// Goal: what is lost is what the prices of the file say, on either side.
TEST(Backtest, TakesLossesFromThePrices) {
    const auto history = two_coins(121);
    const auto results = results_of(history);
    for (std::size_t i = 0; i < results[0].windows.size(); ++i) {
        const auto at = (90 + 2 * i) * 24;
        const auto rise = [&](std::size_t coin) {
            return *history.rows[at + 48].prices[coin] / *history.rows[at].prices[coin] - 1;
        };
        EXPECT_NEAR(results[0].windows[i].loss, -10'000 * rise(0), 1e-6);
        EXPECT_NEAR(results[1].windows[i].loss, 10'000 * rise(0), 1e-6);
        EXPECT_NEAR(results[2].windows[i].loss, -10'000 * rise(1), 1e-6);
        EXPECT_NEAR(results[4].windows[i].loss, 10'000 * (rise(1) - rise(0)), 1e-6);
        EXPECT_NEAR(results[4].windows[i].gross, 20'000, 1e-6);
        EXPECT_GT(results[0].windows[i].initial, results[0].windows[i].market);
    }
}

// Goal: nothing looks ahead. Whatever becomes of prices after a moment, the windows that have ended
// by then are the same to the last bit, and so are the margins of those that have begun.
TEST(Backtest, NeverLooksAhead) {
    const auto history = two_coins(200);
    const auto before = results_of(history);
    for (const std::int64_t day : {100, 137, 160}) {
        auto changed = history;
        base::Rng rng(backtest_seed + static_cast<std::uint64_t>(day));
        for (auto& row : changed.rows) {
            if (row.at <= hour(24 * day)) continue;
            for (auto& price : row.prices) *price *= .3 + 1.5 * rng.uniform();
        }
        const auto after = results_of(changed);
        ASSERT_EQ(after.size(), before.size());
        for (std::size_t p = 0; p < before.size(); ++p) {
            std::size_t ended = 0;
            bool is_any_later_margin_another = false;
            for (std::size_t i = 0; i < before[p].windows.size(); ++i) {
                const auto& was = before[p].windows[i];
                const auto& is = after[p].windows[i];
                if (was.to <= hour(24 * day)) {
                    ++ended;
                    EXPECT_EQ(was, is) << before[p].name << " " << i;
                } else if (was.from <= hour(24 * day)) {
                    EXPECT_EQ(was.initial, is.initial) << before[p].name << " " << i;
                    EXPECT_NE(was.loss, is.loss);
                } else {
                    is_any_later_margin_another |= was.initial != is.initial;
                }
            }
            EXPECT_EQ(ended, static_cast<std::size_t>(day - 90) / 2);
            EXPECT_TRUE(is_any_later_margin_another) << "the change can be seen at all";
        }
        // A file that ends there knows as much of what was before.
        auto shorter = history;
        std::erase_if(shorter.rows, [day](const Row& row) { return row.at > hour(24 * day); });
        const auto cut = results_of(shorter);
        for (std::size_t p = 0; p < before.size(); ++p) {
            for (std::size_t i = 0; i < cut[p].windows.size(); ++i) {
                EXPECT_EQ(cut[p].windows[i], before[p].windows[i]);
            }
        }
    }
}

// Goal: a universe that is given is never changed: as many USD need as much, whatever was before.
TEST(Backtest, OfAFixedUniverseNeverCalibrates) {
    const auto universe = fixed_universe(.2);
    const auto results = results_of(two_coins(60), {.warm_up_days = 0}, &universe);
    for (const auto& result : results) {
        ASSERT_EQ(result.windows.size(), 30U);
        for (const auto& window : result.windows) {
            EXPECT_NEAR(window.initial, result.windows[0].initial, 1e-6 * window.initial);
        }
    }
    EXPECT_NEAR(results[0].windows[0].market, 2'000, 1e-6);
}

TEST(Backtest, FailsAMarginThatIsTooSmall) {
    const auto small = fixed_universe(.02);
    const auto results = results_of(two_coins(120), {.warm_up_days = 0}, &small);
    const auto found = findings_of(results[0], .99);
    EXPECT_GT(found.exceptions.count, 5U);
    EXPECT_GE(found.of_market.count, found.exceptions.count);
    EXPECT_FALSE(found.is_covered);
    EXPECT_TRUE(found.is_too_often);
    EXPECT_FALSE(found.passes());
    const auto& worst = results[0].windows[found.worst];
    for (const auto& window : results[0].windows) {
        EXPECT_LE(window.loss / window.initial, worst.loss / worst.initial);
    }
    const auto large = fixed_universe(.5);
    for (const auto& result : results_of(two_coins(120), {.warm_up_days = 0}, &large)) {
        const auto fine = findings_of(result, .99);
        EXPECT_EQ(fine.exceptions.count, 0U);
        EXPECT_TRUE(fine.passes());
        EXPECT_GT(fine.share_mean, .2);
    }
}

// Goal: the rule covers what it says where prices walk as nothing says they will.
TEST(Backtest, OfAWalkIsCovered) {
    for (std::uint64_t i = 0; i < 3; ++i) {
        const auto results = results_of(two_coins(700, 71 + i));
        for (const auto& result : results) {
            const auto found = findings_of(result, .99);
            EXPECT_EQ(found.exceptions.windows, 305U);
            EXPECT_TRUE(found.passes())
                << "seed " << 71 + i << ", " << result.name << ": " << found.exceptions.count;
        }
    }
}

// Goal: a coin that dies within a window takes its loss with it, and later windows say that they
// are not there.
TEST(Backtest, CountsTheLossOfACoinThatStopsTrading) {
    auto history = two_coins(130);
    const auto dies = 100 * 24 + 20;
    for (std::size_t i = dies - 5; i < history.rows.size(); ++i) {
        if (i > dies) {
            history.rows[i].prices[1].reset();
        } else {
            *history.rows[i].prices[1] *= .01;
        }
    }
    const auto results = results_of(history);
    const auto& btc = results[0];
    const auto& eth = results[2];
    EXPECT_EQ(btc.windows.size(), 20U);
    EXPECT_EQ(btc.left_out, 0U);
    ASSERT_EQ(eth.windows.size(), 6U);
    EXPECT_EQ(eth.left_out, 14U);
    const auto& last = eth.windows.back();
    EXPECT_TRUE(last.is_cut_short);
    EXPECT_EQ(last.to, hour(static_cast<std::int64_t>(dies)));
    EXPECT_TRUE(last.is_exception());
    EXPECT_GT(last.loss, 9'800);
    EXPECT_EQ(results[4].left_out, 14U);
    // A coin that is gone is no reason to margin the other one differently in what has begun.
    EXPECT_EQ(btc.windows[5].initial, results_of(two_coins(130))[0].windows[5].initial);
}

TEST(Backtest, LeavesOutAWindowWithoutAPriceAtItsStart) {
    auto history = two_coins(130);
    // Ten hours around the start of the sixth window, and a few that do not matter.
    for (std::size_t i = 100 * 24 - 8; i <= 100 * 24 + 1; ++i) history.rows[i].prices[0].reset();
    for (std::size_t i = 110 * 24 - 3; i <= 110 * 24 + 2; ++i) history.rows[i].prices[0].reset();
    history.rows.erase(history.rows.begin() + 120 * 24);
    const auto results = results_of(history);
    EXPECT_EQ(results[0].left_out, 1U);
    EXPECT_EQ(results[0].windows.size(), 19U);
    EXPECT_EQ(results[2].left_out, 0U);
    EXPECT_EQ(results[4].left_out, 1U);
    EXPECT_EQ(results[4].windows.size(), 19U);
    // Nor is a universe that is given asked for a margin at a price that is not there.
    const auto universe = fixed_universe(.2);
    const auto fixed = results_of(history, {}, &universe);
    for (std::size_t i = 0; i < results.size(); ++i) {
        EXPECT_EQ(fixed[i].left_out, results[i].left_out) << results[i].name;
        EXPECT_EQ(fixed[i].windows.size(), results[i].windows.size()) << results[i].name;
    }
}

TEST(Backtest, OfAPerpetualLosesFromItsMarkAtTheStart) {
    auto universe = fixed_universe(.2);
    kernel::Wrapper perpetual = universe.wrappers[0];
    perpetual.name = "BTC-PERP";
    perpetual.price *= 1.001;
    perpetual.premium = .015;
    universe.wrappers.push_back(perpetual);
    kernel::Instrument x;
    x.name = "BTC-PERP";
    x.kind = kernel::Kind::perpetual;
    x.wrapper = kernel::WrapperId{2};
    universe.instruments.push_back(x);
    const auto history = two_coins(20);
    const auto results =
        backtest(history, {{"short", {{"BTC-PERP", -2, false}}}}, {.warm_up_days = 0}, &universe);
    ASSERT_TRUE(results.has_value()) << results.error().says;
    const auto& windows = results->front().windows;
    ASSERT_EQ(windows.size(), 10U);
    for (std::size_t i = 0; i < windows.size(); ++i) {
        const double from = *history.rows[i * 48].prices[0];
        const double to = *history.rows[(i + 1) * 48].prices[0];
        EXPECT_NEAR(windows[i].loss, 2 * 1.001 * (to - from), 1e-6);
        EXPECT_NEAR(windows[i].gross, 2 * 1.001 * from, 1e-6);
    }
}

TEST(Backtest, SaysWhyThereIsNone) {
    using Kind = BacktestFault::Kind;
    const auto history = two_coins(120);
    const auto portfolios = default_portfolios({"BTC"});
    EXPECT_EQ(fault_of(history, {{"gold", {{"GOLD", 1, false}}}}).kind, Kind::instrument_unknown);
    EXPECT_EQ(fault_of(two_coins(91), portfolios).kind, Kind::history_short);
    EXPECT_EQ(fault_of({.columns = {"BTC"}, .rows = {}}, portfolios).kind, Kind::history_short);
    auto empty = history;
    for (auto& row : empty.rows) row.prices[0].reset();
    EXPECT_EQ(fault_of(empty, portfolios).kind, Kind::history_short);
    EXPECT_EQ(fault_of(history, portfolios, {.horizon_days = 1e-5}).kind, Kind::history_long);
    const auto universe = kernel::sample_universe({});
    const auto of_kind = [&](kernel::Kind kind) {
        const auto found = std::find_if(universe.instruments.begin(), universe.instruments.end(),
                                        [kind](const auto& x) { return x.kind == kind; });
        return std::vector<TestPortfolio>{{"one", {{found->name, 1, false}}}};
    };
    EXPECT_EQ(fault_of(history, {{"x", {{"GOLD", 1, false}}}}, {}, &universe).kind,
              Kind::instrument_unknown);
    EXPECT_EQ(fault_of(history, of_kind(kernel::Kind::option), {}, &universe).kind,
              Kind::instrument_unpriced);
    EXPECT_EQ(fault_of(history, of_kind(kernel::Kind::binary), {}, &universe).kind,
              Kind::instrument_unpriced);
    // Its coins are C0 and C1, of which the file knows nothing.
    EXPECT_EQ(fault_of(history, of_kind(kernel::Kind::spot), {}, &universe).kind,
              Kind::column_missing);
    EXPECT_EQ(still_wrappers(history, of_kind(kernel::Kind::stable), universe).size(), 1U);
    auto broken = fixed_universe(.2);
    broken.underlyings[0].range = 2;
    EXPECT_EQ(fault_of(history, portfolios, {}, &broken).kind, Kind::margin_missing);
}

TEST(Backtest, TellsHowFarItIs) {
    std::size_t calls = 0;
    std::size_t latest = 0;
    const auto results = backtest(two_coins(121), default_portfolios({"BTC"}), {}, nullptr,
                                  [&](std::size_t done, std::size_t all) {
                                      ++calls;
                                      latest = done;
                                      EXPECT_EQ(all, 15U);
                                  });
    EXPECT_TRUE(results.has_value());
    EXPECT_EQ(calls, 15U);
    EXPECT_EQ(latest, 15U);
}

}  // namespace
}  // namespace crossclear::risk::history
