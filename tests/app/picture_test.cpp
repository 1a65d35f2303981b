#include "app/picture.hpp"

#include "app/universe_file.hpp"
#include "risk/kernel/sample.hpp"
#include "risk/kernel/surface.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

using testing::HasSubstr;
using testing::Not;

const std::filesystem::path risk_examples =
    std::filesystem::path(CROSSCLEAR_SOURCE_DIR) / "deploy/risk";

std::string picture_with(const kernel::Universe& universe, const std::string& portfolio) {
    const auto surface = *kernel::build_surface(1, universe);
    const auto positions = parse_portfolio(portfolio, "x", surface->universe());
    EXPECT_TRUE(positions.has_value()) << to_string(positions.error());
    const auto account = *kernel::Account::of(surface, *positions);
    return picture_of(account, *account.margin());
}

std::size_t count_of(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

TEST(Picture, ShowsWhatIsNetted) {
    const auto universe = *load_universe(risk_examples / "demo.yaml");
    const auto svg = picture_with(universe, "{sBTC: 1, BTC-PERP: -1, USD: 5}");
    // Both fall or rise by 16 % and their own premium or peg; together 3,240 at worst.
    EXPECT_THAT(svg, HasSubstr("Together at worst -3,240 USD"));
    EXPECT_THAT(svg, HasSubstr("MR is 3,240 USD and IM 7,327 USD"));
    EXPECT_EQ(count_of(svg, "class=\"leg leg"), 4U);  // Two lines, and their samples.
    // A bar for each of the 90 scenarios.
    EXPECT_EQ(count_of(svg, " z"), 90U);
}

TEST(Picture, OfNothingIsStillOne) {
    const auto universe = *load_universe(risk_examples / "demo.yaml");
    for (const auto* portfolio : {"{}", "{USD: 100}", "{BTC: 1}"}) {
        const auto svg = picture_with(universe, portfolio);
        EXPECT_THAT(svg, HasSubstr("</svg>\n")) << portfolio;
        EXPECT_THAT(svg, Not(HasSubstr("nan"))) << portfolio;
        EXPECT_THAT(svg, Not(HasSubstr("inf "))) << portfolio;
        EXPECT_EQ(count_of(svg, "class=\"leg leg"), 0U) << portfolio;
    }
}

TEST(Picture, KeepsNamesOutOfItsMarkup) {
    auto universe = *load_universe(risk_examples / "demo.yaml");
    for (auto& instrument : universe.instruments) {
        if (instrument.name == "sBTC") instrument.name = "<b>&";
    }
    const auto svg = picture_with(universe, "{\"<b>&\": 1, BTC-PERP: -1}");
    EXPECT_THAT(svg, HasSubstr("&lt;b&gt;&amp;"));
    EXPECT_THAT(svg, Not(HasSubstr("<b>")));
}

TEST(Picture, ShowsTheLargestOfMany) {
    const auto surface =
        *kernel::build_surface(1, kernel::sample_universe({.instruments = 100, .simulated = 64}));
    std::vector<kernel::Position> positions;
    for (std::uint16_t i = 1; i < 9; ++i) positions.push_back({kernel::InstrumentId{i}, 1});
    const auto account = *kernel::Account::of(surface, positions);
    const auto svg = picture_of(account, *account.margin());
    EXPECT_EQ(count_of(svg, "class=\"leg leg"), 8U);
    EXPECT_THAT(svg, HasSubstr("smaller ones"));
}

TEST(Picture, IsWrittenOrSaysWhyNot) {
    const auto written = write_text("/nowhere/at/all.svg", "x");
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error(), "/nowhere/at/all.svg: cannot be written\n");
}

}  // namespace
}  // namespace crossclear::app
