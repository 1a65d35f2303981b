#include "app/prices.hpp"

#include "base/decimal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace crossclear::app {
namespace {

constexpr base::AssetId usd{0};
constexpr base::AssetId usdc{1};
constexpr base::AssetId btc{2};
constexpr base::AssetId luna{3};
constexpr base::AssetId ust{4};

base::Listing a_listing() {
    using Kind = base::AssetKind;
    base::Listing listing;
    listing.assets = {{"USD", 2, Kind::cash, "", ""},
                      {"USDC", 6, Kind::stable, "", "circle"},
                      {"BTC", 8, Kind::spot, "BTC", ""},
                      {"LUNA-PERP", 6, Kind::contract, "LUNA", "venue"},
                      {"UST", 6, Kind::stable, "", "terra"}};
    return listing;
}

base::Price price(const char* text) {
    return base::Price{*base::parse_decimal(text, base::price_scale)};
}

base::Timestamp hour(const char* text) { return parse_hour(text).value(); }

// A file of its own for each test, gone with it.
class CsvPricesTest : public ::testing::Test {
protected:
    CsvPricesTest() {
        const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
        path_ = std::filesystem::temp_directory_path() /
                (std::string("crossclear-prices-") + test->name() + ".csv");
    }
    ~CsvPricesTest() override { std::filesystem::remove(path_); }

    auto open(const std::string& text, CsvOptions options = {}) {
        std::ofstream(path_, std::ios::binary) << text;
        options.path = path_;
        if (options.columns.empty()) options.columns = {"", "", "BTC", "LUNA", "UST"};
        return open_csv_prices(a_listing(), options);
    }

    PriceError error_of(const std::string& text, const CsvOptions& options = {}) {
        const auto source = open(text, options);
        EXPECT_FALSE(source.has_value()) << text;
        return source ? PriceError{} : source.error();
    }

    std::filesystem::path path_;
};

const std::string header = "hour_utc,BTC,ETH,LUNA,UST\n";

TEST_F(CsvPricesTest, GivesARowAsATickByColumnName) {
    const auto source = open(header + "2022-05-07T00:00Z,36000.5,2686,76.76,0.9997\n");
    const auto tick = (*source)->next();
    ASSERT_TRUE(tick.has_value());
    EXPECT_EQ(*tick, (PriceTick{.at = hour("2022-05-07T00:00Z"),
                                .points = {{usd, price("1")},
                                           {usdc, price("1")},
                                           {btc, price("36000.5")},
                                           {luna, price("76.76")},
                                           {ust, price("0.9997")}}}));
    EXPECT_EQ((*source)->next(), std::nullopt);
    EXPECT_EQ((*source)->next(), std::nullopt);
}

TEST_F(CsvPricesTest, GivesNoPriceForAnEmptyCellAndNullForZero) {
    const auto source = open(header +
                             "2022-05-13T00:00Z,36000,,0.00005,0.25\r\n"
                             "2022-05-13T01:00Z,36000,,,0\r\n");
    static_cast<void>((*source)->next());
    const auto tick = (*source)->next();
    EXPECT_EQ(
        tick->points,
        (std::vector<PricePoint>{
            {usd, price("1")}, {usdc, price("1")}, {btc, price("36000")}, {ust, price("0")}}));
}

TEST_F(CsvPricesTest, GivesNothingForACoinWithoutAColumn) {
    const auto source =
        open("hour_utc,BTC\n2022-05-07T00:00Z,1\n",
             {.path = {}, .from = {}, .until = {}, .columns = {"", "", "", "", ""}});
    EXPECT_EQ((*source)->next()->points,
              (std::vector<PricePoint>{{usd, price("1")}, {usdc, price("1")}, {ust, price("1")}}));
}

// Goal: a stablecoin that is named nowhere still loses its peg if the file says so, and where the
// file is silent about it for a while, nobody takes it for a dollar.
TEST_F(CsvPricesTest, GivesAStablecoinTheColumnOfItsSymbol) {
    const auto source =
        open("hour_utc,USD,USDC,UST\n2022-05-13T00:00Z,2,0.91,0.25\n2022-05-13T01:00Z,2,,0.2\n",
             {.path = {}, .from = {}, .until = {}, .columns = {"", "", "", "", ""}});
    EXPECT_EQ(
        (*source)->next()->points,
        (std::vector<PricePoint>{{usd, price("1")}, {usdc, price("0.91")}, {ust, price("0.25")}}));
    EXPECT_EQ((*source)->next()->points,
              (std::vector<PricePoint>{{usd, price("1")}, {ust, price("0.2")}}));
}

TEST_F(CsvPricesTest, ReadsOnlyItsRange) {
    const std::string text = header +
                             "2022-05-06T23:00Z,bad,,,\n"
                             "2022-05-07T00:00Z,1,,,\n"
                             "2022-05-07T01:00Z,2,,,\n"
                             "2022-05-07T02:00Z,bad,,,\n"
                             "no hour,,,,\n";
    const auto source = open(
        text,
        {.path = {}, .from = "2022-05-07T00:00Z", .until = "2022-05-07T02:00Z", .columns = {}});
    ASSERT_TRUE(source.has_value()) << source.error().says;
    EXPECT_EQ((*source)->next()->at, hour("2022-05-07T00:00Z"));
    EXPECT_EQ((*source)->next()->at, hour("2022-05-07T01:00Z"));
    EXPECT_EQ((*source)->next(), std::nullopt);
}

TEST_F(CsvPricesTest, RefusesWhatIsMalformedByItsLine) {
    using Kind = PriceError::Kind;
    const std::string row = "2022-05-07T00:00Z,1,,,\n";
    const struct {
        std::string text;
        Kind kind;
        int line;
    } table[] = {
        {"", Kind::unreadable, 0},
        {"hour,BTC\n", Kind::header_malformed, 1},
        {"hour_utc,BTC,BTC\n", Kind::header_malformed, 1},
        {"hour_utc,ETH\n", Kind::column_missing, 1},
        {header + row + "2022-05-07T01:00Z,1,,\n", Kind::row_width, 3},
        {header + row + "2022-05-07T01:00Z,1,,,,\n", Kind::row_width, 3},
        {header + row + "\n", Kind::row_width, 3},
        {header + "2022-05-07 00:00,1,,,\n", Kind::hour_malformed, 2},
        {header + "2022-02-30T00:00Z,1,,,\n", Kind::hour_malformed, 2},
        {header + row + row, Kind::hour_not_later, 3},
        {header + "2022-05-07T00:00Z,-1,,,\n", Kind::price_malformed, 2},
        {header + "2022-05-07T00:00Z,nan,,,\n", Kind::price_malformed, 2},
        {header + "2022-05-07T00:00Z,1e5,,,\n", Kind::price_malformed, 2},
        {header + "2022-05-07T00:00Z, 1,,,\n", Kind::price_malformed, 2},
        {header + "2022-05-07T00:00Z,0.0000000001,,,\n", Kind::price_malformed, 2},
        {header + "2022-05-07T00:00Z,1000000000.1,,,\n", Kind::price_malformed, 2},
        {header + "2022-05-07T00:00Z,99999999999999999999,,,\n", Kind::price_malformed, 2},
        {header, Kind::range_empty, 0},
    };
    for (const auto& bad : table) {
        const auto error = error_of(bad.text);
        EXPECT_EQ(error.kind, bad.kind) << bad.text << error.says;
        EXPECT_EQ(error.line, bad.line) << bad.text;
        EXPECT_NE(error.says.find(path_.string()), std::string::npos) << error.says;
    }
}

TEST_F(CsvPricesTest, RefusesAFileOrARangeThatIsNone) {
    using Kind = PriceError::Kind;
    const std::string text = header + "2022-05-07T00:00Z,1,,,\n";
    EXPECT_EQ(error_of(text, {.path = {}, .from = "yesterday", .until = {}, .columns = {}}).kind,
              Kind::range_malformed);
    EXPECT_EQ(
        error_of(text, {.path = {}, .from = "2022-05-08T00:00Z", .until = {}, .columns = {}}).kind,
        Kind::range_empty);
    const auto missing = open_csv_prices(
        a_listing(), {.path = "/nowhere/prices.csv", .from = {}, .until = {}, .columns = {}});
    EXPECT_EQ(missing.error().kind, Kind::unreadable);
}

TEST(Hours, AreReadExactly) {
    EXPECT_EQ(parse_hour("1970-01-01T00:00Z"), base::Timestamp{0});
    EXPECT_EQ(parse_hour("2022-05-07T01:30Z"), base::Timestamp{1'651'887'000'000'000});
    for (const char* text : {"", "2022-05-07T00:00", "2022-13-07T00:00Z", "2022-05-32T00:00Z",
                             "2022-05-07T24:00Z", "2022-05-07T00:60Z", "2022-05-07t00:00Z",
                             "2022-05-07T00:00z", "-022-05-07T00:00Z", "2022-05-07T0a:00Z"}) {
        EXPECT_EQ(parse_hour(text), std::nullopt) << text;
    }
}

// Goal: the days in which a coin fell to nothing are read as they were, gap at the end included.
TEST(RealPrices, OfMay2022ShowLunaFallAndThenGone) {
    const char* shared = std::getenv("CROSSCLEAR_SHARED");
    const auto root = shared != nullptr
                          ? std::filesystem::path(shared)
                          : std::filesystem::path(CROSSCLEAR_SOURCE_DIR) / "../shared";
    const auto path = root / "data/market_hourly.csv";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";

    const auto source = open_csv_prices(a_listing(), {.path = path,
                                                      .from = "2022-05-07T00:00Z",
                                                      .until = "2022-05-14T00:00Z",
                                                      .columns = {"", "", "BTC", "LUNA", "UST"}});
    ASSERT_TRUE(source.has_value()) << source.error().says;
    int ticks = 0;
    std::map<base::AssetId, base::Price> first;
    std::map<base::AssetId, base::Price> last;
    base::Timestamp luna_at;
    while (const auto tick = (*source)->next()) {
        ++ticks;
        for (const auto& point : tick->points) {
            first.emplace(point.asset, point.price);
            last[point.asset] = point.price;
            if (point.asset == luna) luna_at = tick->at;
        }
    }
    EXPECT_EQ(ticks, 7 * 24);
    EXPECT_EQ(first[luna], price("76.76"));
    EXPECT_EQ(first[ust], price("0.9997"));
    EXPECT_EQ(last[luna], price("0.00005"));
    EXPECT_EQ(luna_at, hour("2022-05-13T00:00Z"));
    EXPECT_LT(last[ust], price("0.3"));
}

GeneratorOptions some_walks(std::uint64_t seed) {
    return {.seed = seed,
            .start = hour("2022-05-07T00:00Z"),
            .step = base::seconds(3'600),
            .walks = {{"BTC", price("60000"), base::Ppm{32'000}},
                      {"LUNA", price("80"), base::Ppm{100'000}}}};
}

std::vector<PriceTick> take(PriceSource& source, int count) {
    std::vector<PriceTick> ticks;
    for (int i = 0; i < count; ++i) ticks.push_back(*source.next());
    return ticks;
}

TEST(GeneratedPrices, AreTheSameForOneSeed) {
    const auto one = make_price_generator(a_listing(), some_walks(7));
    const auto same = make_price_generator(a_listing(), some_walks(7));
    const auto other = make_price_generator(a_listing(), some_walks(8));
    const auto ticks = take(*one, 100);
    EXPECT_EQ(ticks, take(*same, 100));
    EXPECT_NE(ticks, take(*other, 100));
    EXPECT_EQ(ticks[0].points, (std::vector<PricePoint>{{usd, price("1")},
                                                        {usdc, price("1")},
                                                        {btc, price("60000")},
                                                        {luna, price("80")},
                                                        {ust, price("1")}}));
    EXPECT_EQ(ticks[1].at, hour("2022-05-07T01:00Z"));
}

// Goal: an option follows a coin and has no price of its own all the same.
TEST(GeneratedPrices, GiveNoneToWhatIsDerived) {
    auto listing = a_listing();
    listing.assets[luna.v] = {"BTC-60C", 6, base::AssetKind::option, "BTC", "venue"};
    const auto tick = make_price_generator(listing, some_walks(7))->next();
    EXPECT_EQ(tick->points.size(), listing.assets.size() - 1);
}

// Goal: 400 days of 24 steps have about the daily volatility that was asked for, 3.2 %.
TEST(GeneratedPrices, MoveAsMuchAsTheyShould) {
    const auto source = make_price_generator(a_listing(), some_walks(7));
    const auto ticks = take(*source, 400 * 24 + 1);
    std::int64_t squares = 0;  // Of daily moves in hundredths of a percent.
    for (std::size_t day = 0; day < 400; ++day) {
        const auto before = ticks[day * 24].points[btc.v].price.v;
        const auto after = ticks[(day + 1) * 24].points[btc.v].price.v;
        const auto move =
            *base::multiply_divide(after - before, 10'000, before, base::Rounding::down);
        squares += move * move;
    }
    EXPECT_GT(squares / 400, 280 * 280);
    EXPECT_LT(squares / 400, 360 * 360);
}

TEST(GeneratedPrices, StayPricesAtAnyVolatility) {
    auto options = some_walks(7);
    options.step = base::seconds(std::int64_t{365} * 86'400);
    options.walks = {{"BTC", base::Price{1}, base::Ppm{1'000'000}},
                     {"LUNA", base::Price{0}, base::Ppm{1'000'000}}};
    const auto source = make_price_generator(a_listing(), options);
    for (const auto& tick : take(*source, 2'000)) {
        EXPECT_GT(tick.points[btc.v].price, base::Price{0});
        EXPECT_LE(tick.points[btc.v].price, risk::price_max);
        EXPECT_EQ(tick.points[luna.v].price, base::Price{0});
    }
}

TEST(Prices, AreThoseThatAConfigurationNames) {
    const base::Timestamp now{1'700'000'000'000'000};
    auto config = demo_config({});
    auto source = open_prices(config, now);
    ASSERT_TRUE(source.has_value());
    const auto tick = (*source)->next();
    EXPECT_EQ(tick->at, now);
    const auto& assets = config.listing.assets;
    EXPECT_EQ(tick->points.size(), std::count_if(assets.begin(), assets.end(), [](const auto& x) {
                  return !base::is_derived(x.kind);
              }));
    config.marks = {};
    EXPECT_EQ(*open_prices(config, now), nullptr);
    config.marks = {.source = MarksConfig::Source::csv,
                    .path = "/nowhere.csv",
                    .from = {},
                    .until = {},
                    .seed = 0,
                    .step = {},
                    .walks = {},
                    .speed = 1};
    EXPECT_EQ(open_prices(config, now).error().kind, PriceError::Kind::unreadable);
}

}  // namespace
}  // namespace crossclear::app
