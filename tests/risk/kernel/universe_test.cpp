#include "risk/kernel/universe.hpp"

#include "risk/kernel/limits.hpp"
#include "risk/kernel/scenarios.hpp"
#include "risk/kernel/surface.hpp"
#include "risk/kernel/value.hpp"
#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <string>

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

TEST(Universe, IsAcceptedAsItIs) {
    EXPECT_TRUE(faults_of(a_small_universe()).empty());
    EXPECT_TRUE(faults_of(sample_universe({})).empty());
}

// Goal: whatever number a file may bring, nothing that is none passes the door.
TEST(Universe, IsRefusedWhereANumberIsNone) {
    const auto refuses = [](std::string_view path, const std::function<void(Universe&)>& harm) {
        auto universe = a_small_universe();
        harm(universe);
        const auto faults = faults_of(universe);
        ASSERT_FALSE(faults.empty()) << path;
        EXPECT_NE(faults.front().path.find(path), std::string::npos) << faults.front().path;
        EXPECT_FALSE(build_surface(1, universe).has_value());
    };
    for (const double bad : {nan, -nan, infinity, -infinity, -.5, 1e300}) {
        for (auto member : {&Underlying::spot, &Underlying::range, &Underlying::volatility_day}) {
            refuses("underlyings[0]", [&](Universe& x) { x.underlyings[0].*member = bad; });
        }
        for (auto member :
             {&Wrapper::price, &Wrapper::basis, &Wrapper::half_spread, &Wrapper::volatility_day,
              &Wrapper::volume_day_usd, &Wrapper::haircut_initial, &Wrapper::haircut_maintenance,
              &Wrapper::peg_down, &Wrapper::peg_up, &Wrapper::premium, &Wrapper::open_interest_usd,
              &Wrapper::open_interest_low_usd, &Wrapper::open_interest_high_usd,
              &Wrapper::oracle_age_s, &Wrapper::oracle_heartbeat_s}) {
            refuses("wrappers[1]", [&](Universe& x) { x.wrappers[1].*member = bad; });
        }
        for (auto member : {&Protocol::default_year, &Protocol::loss_given_default}) {
            refuses("protocols[0]", [&](Universe& x) { x.protocols[0].*member = bad; });
        }
        for (auto member : {&Instrument::strike, &Instrument::forward, &Instrument::volatility,
                            &Instrument::days}) {
            refuses("instruments[4]", [&](Universe& x) { x.instruments[4].*member = bad; });
        }
        refuses("instruments[3].entry", [&](Universe& x) { x.instruments[3].entry = bad; });
        refuses("instruments[6].mark", [&](Universe& x) { x.instruments[6].mark = bad; });
        refuses("core[0]", [&](Universe& x) {
            x.core = core_scenarios(x);
            x.core[0].damp = bad;
        });
        if (bad == -.5) continue;  // As a move it is one.
        refuses("core[0]", [&](Universe& x) {
            x.core = core_scenarios(x);
            x.core[0].moves[0] = bad;
        });
    }
}

// Each number of the model is refused under its own name.
TEST(Universe, NamesTheNumberOfTheModelThatIsNone) {
    using Model = ModelParameters;
    const std::vector<std::pair<double Model::*, std::string>> numbers{
        {&Model::volatility_up, "volatility_up"},
        {&Model::volatility_down, "volatility_down"},
        {&Model::volatility_power_short, "volatility_power_short"},
        {&Model::volatility_power_long, "volatility_power_long"},
        {&Model::volatility_days_min, "volatility_days_min"},
        {&Model::volatility_up_min, "volatility_up_min"},
        {&Model::tail_cover, "tail_cover"},
        {&Model::shortfall_confidence, "shortfall_confidence"},
        {&Model::maintenance_of_market, "maintenance_of_market"},
        {&Model::maintenance_of_liquidity, "maintenance_of_liquidity"},
        {&Model::maintenance_of_shorts, "maintenance_of_shorts"},
        {&Model::maintenance_of_protocols, "maintenance_of_protocols"},
        {&Model::funding, "funding"},
        {&Model::short_option_minimum, "short_option_minimum"},
        {&Model::impact, "impact"},
        {&Model::oracle_quantile, "oracle_quantile"},
        {&Model::gain_share, "gain_share"},
        {&Model::venue_share, "venue_share"},
        {&Model::asset_correlation, "asset_correlation"},
        {&Model::confidence, "confidence"},
        {&Model::protocol_days, "protocol_days"},
        {&Model::failure_correlation, "failure_correlation"}};
    for (const auto& [member, name] : numbers) {
        for (const double bad : {nan, infinity, -infinity, -.1, 1e9}) {
            auto universe = a_small_universe();
            universe.model.*member = bad;
            const auto faults = faults_of(universe);
            ASSERT_EQ(faults.size(), 1U) << name << ' ' << bad;
            EXPECT_EQ(faults.front().path, "model." + name);
        }
    }
    using Simulated = Simulation;
    for (auto member : {&Simulated::degrees_of_freedom, &Simulated::correlation, &Simulated::days,
                        &Simulated::volatility_up_above}) {
        for (const double bad : {nan, infinity, -.1, 1e9}) {
            auto universe = a_small_universe();
            universe.simulation.*member = bad;
            EXPECT_EQ(faults_of(universe).size(), 1U) << bad;
        }
    }
    for (const double bad : {nan, infinity, 0.0, -1.1, 101.0}) {
        auto universe = a_small_universe();
        universe.model.tails[2] = bad;
        EXPECT_EQ(faults_of(universe).size(), 1U) << bad;
    }
}

TEST(Universe, IsRefusedWhereItContradictsItself) {
    const auto says = [](const std::function<void(Universe&)>& harm) {
        auto universe = a_small_universe();
        harm(universe);
        const auto faults = faults_of(universe);
        return faults.empty() ? "" : faults.front().path + ": " + faults.front().says;
    };
    const auto expired = says([](Universe& x) { x.instruments[4].days = -1; });
    EXPECT_NE(expired.find("expired"), std::string::npos) << expired;
    const auto twice = says([](Universe& x) { x.instruments[1].name = "USD"; });
    EXPECT_NE(twice.find("given twice"), std::string::npos) << twice;
    EXPECT_NE(says([](Universe& x) { x.instruments[1].wrapper = WrapperId{9}; }), "");
    EXPECT_NE(says([](Universe& x) { x.instruments[2].protocols = {ProtocolId{9}}; }), "");
    EXPECT_NE(says([](Universe& x) { x.instruments[3].venue = ProtocolId{9}; }), "");
    EXPECT_NE(says([](Universe& x) { x.wrappers[0].underlying = UnderlyingId{1}; }), "");
    EXPECT_NE(says([](Universe& x) { x.wrappers[0].haircut_maintenance = .03; }), "");
    EXPECT_NE(says([](Universe& x) { x.protocols[0].depegs = {{WrapperId{9}}}; }), "");
    EXPECT_NE(says([](Universe& x) { x.instruments[7].outcomes = 3; }), "");
    EXPECT_NE(says([](Universe& x) { x.instruments[7].outcome = 2; }), "");
    EXPECT_NE(says([](Universe& x) { x.simulation.count = 3; }), "");
    EXPECT_NE(says([](Universe& x) { x.correlations = {{ProtocolId{0}, ProtocolId{0}, .5}}; }), "");
    EXPECT_NE(says([](Universe& x) { x.instruments.clear(); }), "");
    EXPECT_NE(says([](Universe& x) { x.wrappers.resize(limits::wrappers_max + 1); }), "");
    for (const auto& name : {std::string(65, 'x'), std::string("\x1b[2J"), std::string("\xff")}) {
        EXPECT_NE(says([&](Universe& x) { x.wrappers[0].name = name; }), "") << name;
        EXPECT_NE(says([&](Universe& x) { x.core = {{.name = name}}; }), "") << name;
    }
    EXPECT_EQ(says([](Universe& x) { x.core = {{.name = ""}}; }), "");
    EXPECT_NE(says([](Universe& x) { x.instruments[6].event.clear(); }), "");
    // What a failure takes, it takes once.
    EXPECT_NE(says([](Universe& x) { x.protocols[0].depegs.push_back({WrapperId{1}, .1}); }), "");
    EXPECT_NE(says([](Universe& x) { x.instruments[2].protocols.push_back(ProtocolId{0}); }), "");
    EXPECT_NE(says([](Universe& x) { x.correlations.assign(2, {ProtocolId{0}, ProtocolId{1}}); }),
              "");
    EXPECT_NE(says([](Universe& x) {
                  x.correlations = {{ProtocolId{0}, ProtocolId{1}, .1},
                                    {ProtocolId{1}, ProtocolId{0}, .1}};
              }),
              "");
    // Netted with another coin, an option would hide that coin's exposure.
    EXPECT_NE(says([](Universe& x) {
                  x.underlyings.push_back({.name = "OTHER", .spot = 1, .range = .1});
                  x.wrappers[2].underlying = UnderlyingId{1};
              }).find("follows the option's coin"),
              std::string::npos);
    EXPECT_NE(says([](Universe& x) { x.instruments[1].venue = ProtocolId{1}; }), "");
    EXPECT_NE(says([](Universe& x) {
                  x.instruments[1].kind = Kind::lp2;
                  x.instruments[1].liquidity = 1;
              }).find("another token"),
              std::string::npos);
}

// J is the root of a quadratic form, which must not be that of a negative number.
TEST(Universe, IsRefusedWithCorrelationsThatNothingCanHave) {
    auto universe = sample_universe({.wrappers = 6, .protocols = 3, .instruments = 10});
    universe.model.failure_correlation = 0;
    universe.correlations = {{ProtocolId{0}, ProtocolId{1}, .9},
                             {ProtocolId{1}, ProtocolId{2}, .9}};
    ASSERT_EQ(faults_of(universe).size(), 1U);
    EXPECT_EQ(faults_of(universe).front().path, "correlations");
    universe.correlations.push_back({ProtocolId{0}, ProtocolId{2}, .9});
    EXPECT_TRUE(faults_of(universe).empty());
}

TEST(Scenarios, AreAsManyAsSaid) {
    const auto two = core_scenarios(sample_universe({}));
    EXPECT_EQ(two.size(), 63U + 6 + 21);
    // Its one synthetic falls and cannot rise; no perpetual of it has a premium: one shift.
    const auto one = core_scenarios(a_small_universe());
    EXPECT_EQ(one.size(), 27U + 18 + 6 + 3);
    std::set<std::string> names;
    for (const auto& scenario : two) {
        EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name;
        EXPECT_GT(scenario.damp, 0);
        EXPECT_LE(scenario.damp, 1);
    }
}

TEST(Scenarios, OfASeedAreTheSameAndOfAnotherNot) {
    auto universe = sample_universe({});
    const auto once = simulated_scenarios(universe);
    EXPECT_EQ(once, simulated_scenarios(universe));
    universe.simulation.seed = 2;
    EXPECT_NE(once, simulated_scenarios(universe));
}

// Goal: the draws are what was asked for: opposite pairs, and the volatility and correlation given.
TEST(Scenarios, HaveTheMomentsAskedFor) {
    auto universe = sample_universe({.simulated = 4'096});
    const auto drawn = simulated_scenarios(universe);
    ASSERT_EQ(drawn.size(), 4'096U);
    double squares[2]{};
    double product = 0;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
        const double a = std::log1p(drawn[i].moves[0]);
        const double b = std::log1p(drawn[i].moves[1]);
        squares[0] += a * a;
        squares[1] += b * b;
        product += a * b;
        EXPECT_EQ(drawn[i].volatility == VolatilityState::up, std::abs(a) > .06);
        if (i % 2 == 1) {
            EXPECT_NEAR(a, -std::log1p(drawn[i - 1].moves[0]), 1e-12);
        }
    }
    const double n = static_cast<double>(drawn.size());
    EXPECT_NEAR(std::sqrt(squares[0] / n), .032 * std::sqrt(2), .006);
    EXPECT_NEAR(std::sqrt(squares[1] / n), .042 * std::sqrt(2), .008);
    EXPECT_NEAR(product / std::sqrt(squares[0] * squares[1]), .85, .05);
}

TEST(Scenarios, ShockPricesByTheirProduct) {
    auto universe = a_small_universe();
    const auto market =
        market_in(universe, {.moves = {-.1}, .pegs = {0, -.05, 0}, .premiums = {0, 0, .01}});
    EXPECT_NEAR(market.prices[0], 90, 1e-12);
    EXPECT_NEAR(market.prices[1], 85.5, 1e-12);
    EXPECT_NEAR(market.prices[2], 90.9, 1e-12);
    EXPECT_EQ(market_in(universe, {.moves = {-1}}).prices[0], 0);
}

TEST(Scenarios, MoveVolatilityByTheTerm) {
    const ModelParameters model;
    EXPECT_NEAR(volatility_in(model, {.6, 30}, VolatilityState::up), .9, 1e-12);
    EXPECT_NEAR(volatility_in(model, {.6, 30}, VolatilityState::down), .435, 1e-12);
    EXPECT_NEAR(volatility_in(model, {.1, 30}, VolatilityState::up), .45, 1e-12);
    EXPECT_NEAR(volatility_in(model, {.6, 7.5}, VolatilityState::up),
                .6 * (1 + .5 * std::pow(4, .3)), 1e-12);
    EXPECT_NEAR(volatility_in(model, {.6, 60}, VolatilityState::down),
                .6 * (1 - .275 * std::pow(.5, .13)), 1e-12);
    EXPECT_EQ(volatility_in(model, {.6, .01}, VolatilityState::up),
              volatility_in(model, {.6, 1}, VolatilityState::up));
}

TEST(Value, OfEveryKindHasItsEdges) {
    auto universe = a_small_universe();
    universe.wrappers[0].price = 100;
    const auto value = [&universe](const Instrument& x, const Scenario& scenario) {
        return value_of(universe, x, market_in(universe, scenario));
    };
    const Scenario gone{.moves = {-1}};
    const Scenario half{.moves = {-.5}};
    Instrument x;
    x.kind = Kind::future;
    x.wrapper = WrapperId{2};
    x.entry = 90;
    EXPECT_NEAR(value(x, {}), 10, 1e-12);
    EXPECT_NEAR(value(x, gone), -90, 1e-12);
    x.kind = Kind::inverse_perpetual;
    x.entry = 0;
    x.face_usd = 10;
    EXPECT_NEAR(value(x, {}), 0, 1e-12);
    EXPECT_NEAR(value(x, half), -5, 1e-12);
    EXPECT_EQ(value(x, gone), -10);
    x.entry = 50;
    EXPECT_NEAR(value(x, {}), 10, 1e-12);
    x.kind = Kind::deposit;
    x.wrapper = WrapperId{0};
    x.index = 1.1;
    EXPECT_NEAR(value(x, half), 55, 1e-12);
    x.kind = Kind::debt;
    EXPECT_NEAR(value(x, half), -55, 1e-12);
    x.kind = Kind::binary;
    x.mark = .3;
    EXPECT_EQ(value(x, gone), .3);
    x.kind = Kind::cash;
    EXPECT_EQ(value(x, gone), 1);
}

// Goal: exposures are the slopes of values, for every kind that has one.
TEST(Value, MovesByItsExposures) {
    const auto universe = sample_universe({});
    const auto now = market_now(universe);
    for (const auto& x : universe.instruments) {
        if (x.kind == Kind::option || x.kind == Kind::inverse_perpetual) continue;
        const auto exposures = exposures_of(universe, x);
        double sum = 0;
        for (std::size_t i = 0; i < exposures.count; ++i) {
            const auto& exposure = exposures.list[i];
            sum += exposure.usd;
            auto up = now;
            up.prices[exposure.wrapper.v] *= 1 + 1e-6;
            auto down = now;
            down.prices[exposure.wrapper.v] *= 1 - 1e-6;
            const double slope = (value_of(universe, x, up) - value_of(universe, x, down)) / 2e-6;
            EXPECT_NEAR(slope, exposure.usd, 1e-4 * (1 + std::abs(exposure.usd))) << x.name;
        }
        // What is no contract and no constant is worth what it is exposed to.
        if (!is_contract(x.kind) && x.kind != Kind::cash && x.kind != Kind::binary) {
            EXPECT_NEAR(sum, value_of(universe, x, now), 1e-6 * std::abs(sum)) << x.name;
        }
    }
}

}  // namespace
}  // namespace crossclear::risk::kernel
