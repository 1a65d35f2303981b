#include "app/history_file.hpp"

#include "app/risk_history_report.hpp"
#include "app/universe_file.hpp"
#include "risk/history/backtest.hpp"
#include "risk/history/calibrate.hpp"
#include "risk/history/limits.hpp"
#include "tests/risk/history/support.hpp"
#include "tests/support/app/vectors.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace crossclear::app {
namespace {

namespace history = risk::history;
using HistoryFault = PriceError::Kind;

// A file of its own for each test, gone with it.
class HistoryFileTest : public ::testing::Test {
protected:
    HistoryFileTest() {
        const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
        path_ = std::filesystem::temp_directory_path() /
                (std::string("crossclear-history-") + test->name() + ".csv");
    }
    ~HistoryFileTest() override { std::filesystem::remove(path_); }

    auto load(const std::string& text, HistoryOptions options = {}) {
        std::ofstream(path_, std::ios::binary) << text;
        options.path = path_;
        return load_history(options);
    }

    PriceError error_of(const std::string& text, const HistoryOptions& options = {}) {
        const auto found = load(text, options);
        EXPECT_FALSE(found.has_value()) << text;
        return found ? PriceError{} : found.error();
    }

    std::filesystem::path path_;
};

base::Timestamp at(const char* text) { return parse_hour(text).value(); }

TEST_F(HistoryFileTest, GivesRowsWithWhatTheyHave) {
    const auto found = load(
        "hour_utc,BTC,BTC_volume_musd,ETH\n"
        "2022-05-07T00:00Z,36000.5,120.25,\n"
        "2022-05-07T02:00Z,,,2686\n");
    ASSERT_TRUE(found.has_value()) << found.error().says;
    EXPECT_EQ(found->columns, (std::vector<std::string>{"BTC", "ETH"}));
    using Maybe = std::vector<std::optional<double>>;
    EXPECT_EQ(found->rows,
              (std::vector<history::Row>{{at("2022-05-07T00:00Z"), Maybe{36'000.5, std::nullopt},
                                          Maybe{120'250'000, std::nullopt}},
                                         {at("2022-05-07T02:00Z"), Maybe{std::nullopt, 2'686},
                                          Maybe{std::nullopt, std::nullopt}}}));
}

TEST_F(HistoryFileTest, GivesTheColumnsAndHoursThatAreAskedFor) {
    const std::string text =
        "hour_utc,BTC,ETH,UST\n"
        "2022-05-07T00:00Z,1,2,3\n"
        "2022-05-07T01:00Z,4,5,6\n"
        "2022-05-07T02:00Z,7,8,9\n";
    const auto found = load(text, {.path = {},
                                   .from = "2022-05-07T01:00Z",
                                   .until = "2022-05-07T02:00Z",
                                   .columns = {"UST", "BTC"}});
    ASSERT_TRUE(found.has_value()) << found.error().says;
    EXPECT_EQ(found->columns, (std::vector<std::string>{"UST", "BTC"}));
    ASSERT_EQ(found->rows.size(), 1U);
    EXPECT_EQ(found->rows[0].prices, (std::vector<std::optional<double>>{6, 4}));
    EXPECT_TRUE(found->rows[0].volumes_usd.empty());
}

TEST_F(HistoryFileTest, RefusesWhatIsWrongByItsLine) {
    std::string many = "hour_utc";
    for (std::size_t i = 0; i <= history::limits::columns_max; ++i) many += fmt::format(",C{}", i);
    const std::string row = "2022-05-07T00:00Z,1\n";
    const struct {
        std::string text;
        HistoryFault kind;
        int line;
        std::string says;
    } table[] = {
        {"", HistoryFault::unreadable, 0, "cannot be read"},
        {"BTC,hour_utc\n", HistoryFault::header_malformed, 1, "hour_utc"},
        {"hour_utc\n", HistoryFault::column_missing, 1, "no column of prices"},
        {"hour_utc,BTC,\n", HistoryFault::header_malformed, 1, "names of 1 to 64"},
        {"hour_utc," + std::string(65, 'x') + "\n", HistoryFault::header_malformed, 1,
         "names of 1 to 64"},
        {"hour_utc,BTC,BTC\n", HistoryFault::header_malformed, 1, "'BTC' twice"},
        {many + "\n", HistoryFault::too_large, 1, "65 columns"},
        {"hour_utc,BTC\n" + row + "2022-05-07T01:00Z\n", HistoryFault::row_width, 3, "1 cells"},
        {"hour_utc,BTC\n" + row + row, HistoryFault::hour_not_later, 3, "not later"},
        {"hour_utc,BTC\n2022-05-07T00:00Z,nan\n", HistoryFault::price_malformed, 2,
         "no price of BTC"},
        {"hour_utc,BTC\n2022-05-07T00:00Z,-1\n", HistoryFault::price_malformed, 2,
         "no price of BTC"},
        {"hour_utc,BTC\n", HistoryFault::range_empty, 0, "no row"},
    };
    for (const auto& bad : table) {
        const auto error = error_of(bad.text);
        EXPECT_EQ(error.kind, bad.kind) << error.says;
        EXPECT_EQ(error.line, bad.line) << error.says;
        EXPECT_NE(error.says.find(bad.says), std::string::npos) << error.says;
        EXPECT_NE(error.says.find(path_.string()), std::string::npos) << error.says;
    }
    const auto missing =
        error_of("hour_utc,BTC\n" + row, {.path = {}, .from = {}, .until = {}, .columns = {"ETH"}});
    EXPECT_EQ(missing.kind, HistoryFault::column_missing);
    EXPECT_NE(missing.says.find("there are BTC"), std::string::npos) << missing.says;
    EXPECT_EQ(
        load_history({.path = "/nowhere", .from = {}, .until = {}, .columns = {}}).error().kind,
        HistoryFault::unreadable);
}

TEST(HourText, IsReadBackAsTheSameHour) {
    for (const char* text : {"1970-01-01T00:00Z", "2022-05-07T01:30Z", "2024-02-29T23:59Z",
                             "1969-12-31T23:00Z", "9999-12-31T00:00Z"}) {
        EXPECT_EQ(hour_text(at(text)), text);
    }
}

// Goal: what calibrate writes is read as what it meant, by the same strict reader as any universe.
TEST(CalibratedProfile, IsLoadedAsItWasMeant) {
    const auto past = history::testing::walked(
        {{.name = "BTC", .price = 60'000},
         {.name = "ETH", .price = 3'000},
         {.name = "USDC", .price = 1, .volatility_day = 1e-4, .common = 0}},
        100, 81);
    history::Calibrator calibrator(past.columns, past.columns, {});
    for (const auto& row : past.rows) calibrator.add(row);
    CalibrationReport report{.prices = "prices.csv",
                             .calibration = calibrator.calibration(past.rows.back().at),
                             .profile = {}};
    report.profile = history::universe_of(report.calibration);
    const auto read = parse_universe(profile_of(report), "profile.yaml");
    ASSERT_TRUE(read.has_value()) << to_string(read.error());
    EXPECT_EQ(*read, report.profile);
}

// Goal of the issue: calibrated on the past only, IM covers at least 99 % of two-day losses of
// long, short and hedged portfolios in BTC and ETH, and Kupiec does not find too many exceptions.
TEST(RealPast, IsCoveredByMarginsThatKnewOnlyWhatCameBefore) {
    const auto path = vectors::shared() / "data/market_hourly.csv";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    const auto past =
        load_history({.path = path, .from = {}, .until = {}, .columns = {"BTC", "ETH"}});
    ASSERT_TRUE(past.has_value()) << past.error().says;
    const auto results = history::backtest(*past, history::default_portfolios(past->columns), {});
    ASSERT_TRUE(results.has_value()) << results.error().says;
    ASSERT_EQ(results->size(), 6U);
    for (const auto& result : *results) {
        const auto found = history::findings_of(result, .99);
        EXPECT_GT(found.exceptions.windows, 450U) << result.name;
        EXPECT_TRUE(found.passes()) << result.name << ": " << found.exceptions.count;
        // Not bought with a margin that nobody could pay.
        EXPECT_LT(found.share_mean, .4) << result.name;
    }
}

}  // namespace
}  // namespace crossclear::app
