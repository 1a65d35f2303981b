#include "risk/parameters.hpp"

#include "tests/risk/universe.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary
using kernel::Universe;

TEST(RiskParameters, GiveEveryListedAssetItsPlace) {
    auto universe = the_universe();
    // What is not listed may stand between, and is left out.
    universe.instruments.insert(universe.instruments.begin(), universe.instruments[2]);
    universe.instruments.front().name = "WBTC";
    const auto parameters = try_parameters(universe);
    ASSERT_TRUE(parameters);
    const auto listing = a_listing();
    for (std::size_t i = 0; i < listing.assets.size(); ++i) {
        const base::AssetId asset{static_cast<std::uint16_t>(i)};
        const auto place = (*parameters)->instrument(asset);
        EXPECT_EQ((*parameters)->universe().instrument(place).name, listing.assets[i].symbol);
    }
    EXPECT_EQ((*parameters)->universe().instruments.size(), listing.assets.size());
    EXPECT_EQ((*parameters)->cash(), (*parameters)->instrument(usd));
    EXPECT_EQ((*parameters)->half_spread_ppb(sbtc), 2'000'000);
    EXPECT_EQ((*parameters)->half_spread_ppb(usd), 0);
    EXPECT_EQ((*parameters)->coin(kernel::UnderlyingId{0}), btc);
    EXPECT_EQ((*parameters)->coin(kernel::UnderlyingId{1}), eth);
}

TEST(RiskParameters, DrawTheScenariosThatTheUniverseLeavesOut) {
    const auto parameters = try_parameters(the_universe());
    ASSERT_TRUE(parameters);
    EXPECT_FALSE((*parameters)->universe().core.empty());
    EXPECT_EQ((*parameters)->universe().simulated.size(), 2U);
    auto given = the_universe();
    given.core = {{.name = "still"}};
    given.simulated = {{.name = "still"}};
    const auto kept = try_parameters(given);
    ASSERT_TRUE(kept);
    EXPECT_EQ((*kept)->universe(), given);
}

// What is added up over nodes is told by positions in the universe.
TEST(RiskParameters, HaveAFingerprintOfWhatShortfallsAreToldBy) {
    const auto of = [](const std::function<void(Universe&)>& change) {
        auto universe = the_universe();
        change(universe);
        return (*try_parameters(universe))->fingerprint();
    };
    const auto same = of([](Universe&) {});
    EXPECT_EQ(of([](Universe&) {}), same);
    EXPECT_EQ(of([](Universe& x) { x.wrappers[0].half_spread = .01; }), same);
    EXPECT_NE(of([](Universe& x) { x.underlyings[0].range = .17; }), same);
    EXPECT_NE(of([](Universe& x) { x.simulation.count = 4; }), same);
    EXPECT_NE(of([](Universe& x) {
                  x.protocols.push_back(x.protocols.front());
                  x.protocols.back().name = "tether";
              }),
              same);
}

struct Misfit {
    const char* what;
    std::function<void(Universe&)> break_it;
    const char* path;
    const char* says;
};

TEST(RiskParameters, AreRefusedWhereTheyDoNotFitTheListing) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const Misfit table[] = {
        {"no place", [](Universe& u) { u.instruments.pop_back(); }, "instruments",
         "expected ETH-PERP, which is listed"},
        {"another name", [](Universe& u) { u.instruments[3].name = "SBTC"; }, "instruments",
         "expected sBTC"},
        {"another kind", [](Universe& u) { u.instruments[2].kind = kernel::Kind::synthetic; },
         "instruments[2]", "expected kind spot"},
        {"another coin", [](Universe& u) { u.instruments[2].wrapper = kernel::WrapperId{3}; },
         "instruments[2]", "follows BTC"},
        {"a coin for a dollar",
         [](Universe& u) {
             u.wrappers[0].underlying = {};
             u.instruments[1].wrapper = kernel::WrapperId{1};
         },
         "instruments[1]", "follows the dollar, not BTC"},
        {"a price for two", [](Universe& u) { u.instruments[3].wrapper = kernel::WrapperId{1}; },
         "instruments[3]", "the mark of BTC is"},
        {"nobody fails", [](Universe& u) { u.instruments[3].protocols = {}; }, "instruments[3]",
         "expected synthetix among"},
        {"another venue", [](Universe& u) { u.instruments[5].venue = kernel::ProtocolId{0}; },
         "instruments[5]", "expected venue among"},
        {"an entry", [](Universe& u) { u.instruments[5].entry = 2; }, "instruments[5]",
         "expected no entry"},
        {"half a spread too wide", [](Universe& u) { u.wrappers[2].half_spread = .6; },
         "instruments[3]", "half_spread is at most 0.5"},
        {"what the kernel refuses", [](Universe& u) { u.underlyings[0].range = nan; },
         "underlyings[0].range", "expected a number"},
    };
    for (const auto& row : table) {
        auto universe = the_universe();
        row.break_it(universe);
        const auto parameters = try_parameters(universe);
        ASSERT_FALSE(parameters) << row.what;
        const auto& faults = parameters.error();
        EXPECT_TRUE(std::any_of(faults.begin(), faults.end(),
                                [&](const auto& fault) {
                                    return fault.path == row.path &&
                                           fault.says.find(row.says) != std::string::npos;
                                }))
            << row.what << ": " << faults.front().path << ": " << faults.front().says;
    }
}

TEST(RiskParameters, WantCashEvenWhereNoneIsListed) {
    auto listing = a_listing();
    listing.assets.erase(listing.assets.begin());
    listing.instruments.clear();
    auto universe = the_universe();
    universe.instruments.erase(universe.instruments.begin());
    const auto parameters =
        Parameters::of(listing, {.universe = universe, .mark_age_max = base::seconds(60)});
    ASSERT_FALSE(parameters);
    EXPECT_EQ(parameters.error().front().says, "expected one of the kind cash");
}

}  // namespace
}  // namespace crossclear::risk
