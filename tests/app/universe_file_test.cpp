#include "app/universe_file.hpp"

#include "app/yaml.hpp"
#include "base/rng.hpp"
#include "risk/kernel/sample.hpp"
#include "risk/kernel/scenarios.hpp"
#include "risk/kernel/surface.hpp"
#include "risk/kernel/value.hpp"
#include "tests/support/app/vectors.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

const std::filesystem::path demo_path =
    std::filesystem::path(CROSSCLEAR_SOURCE_DIR) / "deploy/risk/demo.yaml";

std::string text_in(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

kernel::Universe the_demo() {
    const auto universe = load_universe(demo_path);
    EXPECT_TRUE(universe.has_value()) << to_string(universe.error());
    return *universe;
}

std::optional<kernel::Universe> the_compact_demo() {
    const auto path = vectors::shared() / "vectors/demo_universe.json";
    if (!std::filesystem::exists(path)) return std::nullopt;
    const auto universe = load_universe(path);
    EXPECT_TRUE(universe.has_value()) << to_string(universe.error());
    return *universe;
}

TEST(UniverseFile, IsWrittenAsItIsRead) {
    for (const auto& universe : {the_demo(), kernel::sample_universe({})}) {
        const auto text = dump_universe(universe);
        const auto again = parse_universe(text, "again.yaml");
        ASSERT_TRUE(again.has_value()) << to_string(again.error());
        EXPECT_EQ(*again, universe);
        EXPECT_EQ(dump_universe(*again), text);
    }
}

TEST(UniverseFile, OfBothFormsIsTheSame) {
    auto compact = the_compact_demo();
    if (!compact) GTEST_SKIP() << "the shared vectors are not there";
    auto demo = the_demo();
    // The compact form has its scenarios, and not the instruments that the demo adds.
    compact->core.clear();
    compact->simulated.clear();
    demo.instruments.resize(compact->instruments.size());
    EXPECT_EQ(demo.underlyings, compact->underlyings);
    EXPECT_EQ(demo.wrappers, compact->wrappers);
    EXPECT_EQ(demo.protocols, compact->protocols);
    EXPECT_EQ(demo.instruments, compact->instruments);
    EXPECT_EQ(demo, *compact);
}

// Goal: what a universe leaves out is generated as those who specified it did.
TEST(UniverseFile, CoreScenariosAreThoseOfTheSpecification) {
    const auto compact = the_compact_demo();
    if (!compact) GTEST_SKIP() << "the shared vectors are not there";
    const auto generated = kernel::core_scenarios(*compact);
    ASSERT_EQ(generated.size(), compact->core.size());
    for (std::size_t i = 0; i < generated.size(); ++i) {
        const auto& given = compact->core[i];
        EXPECT_NEAR(generated[i].damp, given.damp, 1e-12) << given.name;
        EXPECT_EQ(generated[i].volatility, given.volatility) << given.name;
        const auto ours = kernel::market_in(*compact, generated[i]);
        const auto theirs = kernel::market_in(*compact, given);
        for (std::size_t w = 0; w < ours.prices.size(); ++w) {
            EXPECT_NEAR(ours.prices[w], theirs.prices[w], 1e-9 * theirs.prices[w]) << given.name;
        }
    }
}

// Goal: a file that somebody's editor or disk has harmed is refused with a reason, or is a universe
// that a surface stands on; nothing in between, and no crash.
TEST(UniverseFile, HarmedIsRefusedOrStillAUniverse) {
    constexpr std::string_view letters = "0123456789.-+eE:,{}[]\"'#\n \tnaify&*!|";
    const std::uint64_t seed = 20'262;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    base::Rng rng(seed);
    const auto good = text_in(demo_path);
    int accepted = 0;
    for (int i = 0; i < 300; ++i) {
        auto text = good;
        for (auto slips = 1 + rng.below(3); slips > 0; --slips) {
            const auto at = rng.below(text.size());
            if (rng.below(3) == 0) {
                text.erase(at, 1 + rng.below(20));
            } else {
                text[at] = letters[rng.below(letters.size())];
            }
        }
        const auto universe = parse_universe(text, "harmed.yaml");
        if (!universe) {
            EXPECT_FALSE(universe.error().faults.empty());
            continue;
        }
        ++accepted;
        auto fewer = *universe;
        fewer.simulation.count = 2;
        EXPECT_TRUE(kernel::build_surface(1, fewer).has_value());
        (void)parse_portfolio(text, "harmed.yaml", *universe);
    }
    // Slips in comments and digits pass, most others do not.
    EXPECT_GT(accepted, 30);
    EXPECT_LT(accepted, 270);
}

std::string faults_in(const std::string& text) {
    const auto universe = parse_universe(text, "x.json");
    return universe ? "" : to_string(universe.error());
}

TEST(UniverseFile, InCompactFormIsReadStrictly) {
    const auto path = vectors::shared() / "vectors/demo_universe.json";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    const auto good = text_in(path);
    EXPECT_EQ(faults_in(good), "");
    const auto says = [&good](const std::string& from, const std::string& to) {
        auto text = good;
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return faults_in(text.replace(at, from.size(), to));
    };
    const auto expect = [&says](const std::string& from, const std::string& to,
                                const std::string& fault) {
        const auto found = says(from, to);
        EXPECT_NE(found.find(fault), std::string::npos) << from << " -> " << to << ": " << found;
    };
    expect("\"alpha\": 0.975, ", "", "'alpha' is missing");
    expect("\"alpha\": 0.975", "\"alpha\": 0.975, \"beta\": 1", "params.beta: unknown key");
    expect("\"alpha\": 0.975", "\"alpha\": 0.975, \"alpha\": 0.9", "given twice");
    expect("\"alpha\": 0.975", "\"alpha\": \"0.975\"", "expected a number");
    expect("\"alpha\": 0.975", "\"alpha\": NaN", "expected a number");
    expect("\"alpha\": 0.975", "\"alpha\": 1e999", "expected a number");
    expect("\"alpha\": 0.975", "\"alpha\": 2", "model.shortfall_confidence");
    expect("\"f_im\": 1.0", "\"f_im\": 0.5", "from 1 to 1");
    expect("60000.0, 0.0, 0.0003", "60000.0, 0.0003", "expected 8 entries");
    expect("('MAKER', 'CIRCLE')", "MAKER-CIRCLE", "two protocols as a key");
    expect("\"kind\": \"spot\"", "\"kind\": \"gold\"", "'gold' is no kind");
    expect("\"cp\": \"C\"", "\"cp\": \"X\"", "C or P");
    expect("\"u\": \"BTC\"", "\"u\": \"XRP\"", "no such underlying");
    expect("\"dte\": 30.0", "\"dte\": -3", "expired");
    expect("\"protocols\": [\"CIRCLE\"]", "\"protocols\": [\"NOBODY\"]", "no such protocol");
    expect("\"vol\": -1", "\"vol\": 0.5", "expected a whole number");
    expect("\"vol\": -1", "\"vol\": 2", "from -1 to 1");
    expect("\"outcome\": 1", "\"outcome\": 0.9", "expected a whole number");
    expect("\"n\": 2", "\"n\": 2.5", "expected a whole number");
    // What the door says has its line as well.
    expect("\"core_scenarios\": [{", "\n\n\"core_scenarios\": [\n{\"d\": 2,", "x.json:4: core");
    expect("\"d\": 1.0", "\"d\": 1.5", "core[0].damp");
    EXPECT_NE(faults_in(good.substr(0, good.size() / 2)), "");
    EXPECT_NE(faults_in("{}").find("'params' is missing"), std::string::npos);
    EXPECT_NE(faults_in("").find("expected one document"), std::string::npos);
}

// Goal: a few bytes do not stand for gigabytes: no value is another one, said again.
TEST(UniverseFile, HoldsNoAliases) {
    auto text = text_in(demo_path);
    const auto above = text.substr(0, text.find("range: 0.20"));
    const auto line = 1 + std::count(above.begin(), above.end(), '\n');
    text.replace(text.find("range: 0.16"), 11, "range: &r 0.16");
    text.replace(text.find("range: 0.20"), 11, "range: *r");
    const auto found = faults_in(text);
    EXPECT_EQ(found, fmt::format("x.json:{}: expected a value of its own, found an alias\n", line));
    EXPECT_NE(faults_in(R"({"params": &p {}, "instruments": *p})").find("an alias"),
              std::string::npos);
    const auto portfolio = parse_portfolio("{BTC: &q 1, ETH: *q}", "p", the_demo());
    ASSERT_FALSE(portfolio.has_value());
    EXPECT_NE(to_string(portfolio.error()).find("p:1: "), std::string::npos);
    // Named and never repeated, a value is itself.
    EXPECT_TRUE(parse_portfolio("{BTC: &q 1}", "p", the_demo()).has_value());
}

// Goal: what is too long is refused before it is read: lists are multiplied with each other.
TEST(UniverseFile, ReadsNoListThatIsTooLong) {
    std::string wrappers = "wrappers:\n";
    std::string rows;
    for (std::size_t i = 0; i <= kernel::limits::wrappers_max; ++i) {
        wrappers += "  - {}\n";
        rows += fmt::format("{}\"{}\": []", i == 0 ? "" : ", ", i);
    }
    const auto yaml = faults_in("underlyings: []\n" + wrappers);
    EXPECT_NE(yaml.find("x.json:3: wrappers: more than 64 entries"), std::string::npos) << yaml;
    EXPECT_EQ(yaml.find("wrappers[0]"), std::string::npos) << yaml;
    const auto compact = faults_in("{\"params\": {\"wrap\": {" + rows + "}}}");
    EXPECT_NE(compact.find("params.wrap: more than 64 entries"), std::string::npos) << compact;
    EXPECT_EQ(compact.find("expected 8 entries"), std::string::npos) << compact;
}

TEST(UniverseFile, TellsSomeFaultsAndThatThereAreMore) {
    std::string text;
    for (int i = 0; i < 1'000; ++i) text += fmt::format("key{}: 1\n", i);
    const auto universe = parse_universe(text, "x");
    ASSERT_FALSE(universe.has_value());
    EXPECT_EQ(universe.error().faults.size(), yaml_faults_max + 1);
    const auto portfolio = parse_portfolio(text, "x", the_demo());
    ASSERT_FALSE(portfolio.has_value());
    EXPECT_EQ(portfolio.error().faults.size(), yaml_faults_max + 1);
    EXPECT_EQ(portfolio.error().faults.back().says, "and more that are not told");
}

TEST(UniverseFile, IsNoEndlessDeviceAndNoAbyss) {
    const auto endless = load_universe("/dev/zero");
    ASSERT_FALSE(endless.has_value());
    EXPECT_NE(to_string(endless.error()).find("larger than 4 MiB"), std::string::npos);
    for (const char* open : {"[", "{a: ", "- ", "? "}) {
        std::string deep;
        for (int i = 0; i < 100'000; ++i) deep += open;
        EXPECT_FALSE(parse_universe(deep, "x").has_value()) << open;
        EXPECT_FALSE(parse_portfolio(deep, "x", the_demo()).has_value()) << open;
    }
}

TEST(PortfolioFile, IsReadStrictly) {
    const auto demo = the_demo();
    const auto good = parse_portfolio("{\"BTC\": 1.5, \"USD\": -2}", "p", demo);
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(*good, (std::vector<kernel::Position>{{*demo.find_instrument("BTC"), 1.5},
                                                    {*demo.find_instrument("USD"), -2}}));
    for (const char* wrong :
         {"{BTC: '1'}",    "{BTC: !!str 1}", "{BTC: !x 1}", "{BTC: 0x10}",  "{BTC: 1_000}",
          "{BTC: inf}",    "{BTC: .nan}",    "{BTC: 1e16}", "{BTC: 1e999}", "{BTC: 1e-999}",
          "{BTC: +1}",     "{BTC: }",        "{BTC: [1]}",  "{BTC: {}}",    "{BTC: 1, BTC: 1}",
          "{btc: 1}",      "{[BTC]: 1}",     "{BTC: 1} {}", "BTC",          "[]",
          "--- {}\n--- {}"}) {
        const auto positions = parse_portfolio(wrong, "p", demo);
        EXPECT_FALSE(positions.has_value()) << wrong;
        EXPECT_TRUE(positions.has_value() || !positions.error().faults.empty()) << wrong;
    }
    EXPECT_TRUE(parse_portfolio("{}", "p", demo)->empty());
}

}  // namespace
}  // namespace crossclear::app
