#include "app/price_paths.hpp"

#include "app/universe_file.hpp"
#include "tests/support/app/vectors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// One coin, its synthetic, its perpetual, a stablecoin.
kernel::Universe small_universe() {
    const auto universe = parse_universe(R"(
underlyings: [{name: COIN, spot: 100, range: 0.1, volatility_day: 0.01}]
wrappers:
  - {name: COIN, underlying: COIN, price: 100, basis: 0, half_spread: 0, volatility_day: 0.01,
     volume_day_usd: 1e6, haircut_initial: 0, haircut_maintenance: 0}
  - {name: sCOIN, underlying: COIN, price: 90, basis: 0, half_spread: 0, volatility_day: 0.01,
     volume_day_usd: 1e6, haircut_initial: 0, haircut_maintenance: 0}
  - {name: USDC, price: 1, basis: 0, half_spread: 0, volatility_day: 0.01,
     volume_day_usd: 1e6, haircut_initial: 0, haircut_maintenance: 0}
protocols: []
correlations: []
instruments: [{name: COIN, kind: spot, wrapper: COIN}]
)",
                                         "small.yaml");
    EXPECT_TRUE(universe.has_value()) << to_string(universe.error());
    return *universe;
}

// A file of prices that goes with the test.
class PriceFile {
public:
    explicit PriceFile(const std::string& text)
        : path_(std::filesystem::temp_directory_path() /
                ("crossclear-paths-" + std::to_string(::getpid()) + "-" + std::to_string(next_++) +
                 ".csv")) {
        std::ofstream(path_) << text;
    }
    PriceFile(const PriceFile&) = delete;
    PriceFile& operator=(const PriceFile&) = delete;
    ~PriceFile() { std::filesystem::remove(path_); }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    static inline int next_ = 0;
    std::filesystem::path path_;
};

constexpr PathWindow four_hours{
    "four hours", "2022-05-07T00:00Z", "2022-05-07T04:00Z", {"COIN", ""}};

using PathRow = std::vector<std::optional<double>>;

FoundPath path_in(const std::string& text, const ColumnNames& columns = {},
                  const PathWindow& window = four_hours) {
    const PriceFile file(text);
    const auto found = read_price_path(file.path(), window, small_universe(), columns);
    EXPECT_TRUE(found.has_value()) << found.error().says;
    return *found;
}

TEST(PricePaths, AreMultiplesOfWhereTheyBegin) {
    const auto found = path_in(
        "hour_utc,USDC,COIN,sCOIN\n"
        "2022-05-06T23:00Z,1,999,999\n"
        "2022-05-07T00:00Z,0.99,50,40\n"
        "2022-05-07T01:00Z,0.91,25,10\n"
        "2022-05-07T02:00Z,1,0,0\n"
        "2022-05-07T03:00Z,1.01,75,60\n"
        "2022-05-07T04:00Z,1,999,999\n");
    EXPECT_EQ(found.path.name, "four hours");
    EXPECT_THAT(found.path.moments, ElementsAre("2022-05-07T00:00Z", "2022-05-07T01:00Z",
                                                "2022-05-07T02:00Z", "2022-05-07T03:00Z"));
    EXPECT_THAT(found.path.underlyings,
                ElementsAre(PathRow{1}, PathRow{.5}, PathRow{0}, PathRow{1.5}));
    // The stablecoin against a dollar, the others against their first hour.
    EXPECT_THAT(found.path.wrappers, ElementsAre(PathRow{1, 1, .99}, PathRow{.5, .25, .91},
                                                 PathRow{0, 0, 1}, PathRow{1.5, 1.5, 1.01}));
    EXPECT_THAT(found.notes, IsEmpty());
}

TEST(PricePaths, OfTokensWithoutAColumnFollowTheirCoin) {
    const auto found = path_in(
        "hour_utc,COIN\n"
        "2022-05-07T00:00Z,50\n2022-05-07T01:00Z,25\n2022-05-07T02:00Z,25\n2022-05-07T03:00Z,25\n");
    EXPECT_EQ(found.path.wrappers[1], (PathRow{.5, .5, std::nullopt}));
    EXPECT_THAT(found.notes, ElementsAre("the file has no column for USDC",
                                         "without columns of their own, as their coins: sCOIN"));
}

TEST(PricePaths, SayWhatNobodyKnows) {
    const auto found = path_in(
        "hour_utc,COIN,USDC,sCOIN\n"
        "2022-05-07T00:00Z,50,,\n"
        "2022-05-07T01:00Z,,0.9,\n"
        "2022-05-07T02:00Z,25,0.91,\n");
    // Nothing before the first price; afterwards the last one stays.
    EXPECT_THAT(found.path.underlyings, ElementsAre(PathRow{1}, PathRow{1}, PathRow{.5}));
    EXPECT_THAT(found.path.wrappers,
                ElementsAre(PathRow{1, std::nullopt, std::nullopt}, PathRow{1, std::nullopt, .9},
                            PathRow{.5, std::nullopt, .91}));
    EXPECT_THAT(
        found.notes,
        ElementsAre("3 of 4 hours are in the file, from 2022-05-07T00:00Z to "
                    "2022-05-07T02:00Z",
                    "COIN repeats its last price in 1 of 3 hours, where it has none",
                    "sCOIN has no price in it", "USDC has no price before 2022-05-07T01:00Z"));
}

TEST(PricePaths, SayThatAFileDoesNotCoverThem) {
    const auto found = path_in("hour_utc,COIN\n2021-05-07T00:00Z,50\n");
    EXPECT_THAT(found.path.moments, IsEmpty());
    EXPECT_THAT(found.notes, ElementsAre("the file has no hour from 2022-05-07T00:00Z to "
                                         "2022-05-07T04:00Z"));
}

TEST(PricePaths, SayThatTheyAreAboutACoinThatNobodyKnows) {
    const auto found = path_in("hour_utc,COIN\n2022-05-07T00:00Z,50\n", {}, luna_window);
    EXPECT_THAT(found.notes, Contains("the universe does not know LUNA, which this is about"));
    EXPECT_THAT(found.notes, Contains("the universe does not know UST, which this is about"));
}

TEST(PricePaths, TakeTheColumnThatStandsForAnother) {
    const std::string text =
        "hour_utc,COIN,DAI,ONE\n2022-05-07T00:00Z,50,0.8,4\n"
        "2022-05-07T01:00Z,50,0.8,2\n";
    const auto found = path_in(text, {{"USDC", "DAI"}, {"COIN", "ONE"}});
    EXPECT_EQ(found.path.underlyings[1], PathRow{.5});
    EXPECT_EQ(found.path.wrappers[1], (PathRow{.5, .5, .8}));
    const PriceFile file(text);
    const auto none = read_price_path(file.path(), four_hours, small_universe(), {{"USDC", "XYZ"}});
    ASSERT_FALSE(none.has_value());
    EXPECT_EQ(none.error().kind, PriceError::Kind::column_missing);
    EXPECT_THAT(none.error().says, HasSubstr(":1: there is no column XYZ, which stands for USDC"));
    // A coin's price is no dollar's.
    const auto coin = path_in(text, {{"USDC", "COIN"}});
    EXPECT_EQ(coin.path.wrappers[0][2], std::nullopt);
    EXPECT_THAT(coin.notes, Contains(HasSubstr("COIN is no price of USDC")));
}

TEST(PricePaths, OfAFileThatIsNoneAreRefused) {
    struct Case {
        std::string text;
        PriceError::Kind kind;
    };
    const std::vector<Case> cases{
        {"", PriceError::Kind::unreadable},
        {"hour,COIN\n", PriceError::Kind::header_malformed},
        {"hour_utc,COIN,COIN\n", PriceError::Kind::header_malformed},
        {"hour_utc,COIN\n2022-05-07T00:00Z,1,2\n", PriceError::Kind::row_width},
        {"hour_utc,COIN\n2022-05-07T00:00Z,-1\n", PriceError::Kind::price_malformed},
        {"hour_utc,COIN\n2022-05-07T00:00Z,nan\n", PriceError::Kind::price_malformed},
        {"hour_utc,COIN\nyesterday,1\n", PriceError::Kind::hour_malformed},
    };
    for (const auto& one : cases) {
        const PriceFile file(one.text);
        const auto found = read_price_path(file.path(), four_hours, small_universe(), {});
        ASSERT_FALSE(found.has_value()) << one.text;
        EXPECT_EQ(found.error().kind, one.kind) << one.text;
        EXPECT_THAT(found.error().says, HasSubstr(file.path().string()));
    }
}

// The real weeks: what is known of them beyond this project.
class RealWeeks : public testing::Test {
protected:
    void SetUp() override {
        file_ = vectors::shared() / "data/market_hourly.csv";
        if (!std::filesystem::exists(file_)) GTEST_SKIP() << file_ << " is not there";
    }

    // The lowest multiple of a wrapper in a universe where only it is known.
    [[nodiscard]] double lowest(const PathWindow& window, const std::string& name,
                                bool is_coin) const {
        auto universe = small_universe();
        if (is_coin) {
            universe.underlyings[0].name = name;
        } else {
            universe.wrappers[2].name = name;
        }
        const auto found = read_price_path(file_, window, universe, {});
        EXPECT_TRUE(found.has_value()) << found.error().says;
        double least = 1e9;
        for (std::size_t t = 0; t < found->path.moments.size(); ++t) {
            const auto factor =
                is_coin ? found->path.underlyings[t][0] : found->path.wrappers[t][2];
            if (factor) least = std::min(least, *factor);
        }
        return least;
    }

    std::filesystem::path file_;
};

TEST_F(RealWeeks, AreInTheFile) {
    EXPECT_LT(lowest(luna_window, "LUNA", true), 1e-6);
    EXPECT_NEAR(lowest(luna_window, "UST", false), .2458, 1e-3);
    EXPECT_NEAR(lowest(luna_window, "BTC", true), 27'114.84 / 35'995.93, 1e-9);
    EXPECT_NEAR(lowest(ftt_window, "FTT", true), 1.2662 / 23.86, 1e-9);
    // Its first price is below .92 already: measured against that, it would only have risen.
    EXPECT_NEAR(lowest(usdc_window, "USDC", false), .9128, 1e-9);
}

TEST_F(RealWeeks, SayWhereStablecoinsHaveNoPrice) {
    const auto universe = small_universe();
    const auto ftt = read_price_path(file_, ftt_window, universe, {{"COIN", "BTC"}});
    EXPECT_THAT(ftt->notes, Contains("USDC has no price in it"));
    EXPECT_EQ(ftt->path.moments.size(), 216U);
    const auto usdc = read_price_path(file_, usdc_window, universe, {{"COIN", "BTC"}});
    EXPECT_THAT(usdc->notes, Contains("USDC has no price before 2023-03-11T14:00Z"));
}

}  // namespace
}  // namespace crossclear::app
