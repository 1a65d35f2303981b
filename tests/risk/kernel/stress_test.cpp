#include "risk/kernel/stress.hpp"

#include "risk/kernel/house.hpp"
#include "risk/kernel/scenarios.hpp"
#include "risk/kernel/value.hpp"
#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

// The stress book against figures computed by hand, and the house's laws.

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

// Accounts, and pointers to them as a house takes them.
struct Clients {
    SurfacePointer surface;
    std::vector<Account> held;

    [[nodiscard]] std::vector<const Account*> all() const {
        std::vector<const Account*> pointers;
        pointers.reserve(held.size());
        for (const auto& account : held) pointers.push_back(&account);
        return pointers;
    }
    [[nodiscard]] StressBook stress(const StressTerms& terms = {}) const {
        return *stress_book_of(*surface, all(), terms);
    }
};

StressLine line_of(const StressBook& book, std::string_view name) {
    for (const auto& line : book.lines) {
        if (line.name == name) return line;
    }
    ADD_FAILURE() << "no line " << name;
    return {};
}

// Three clients with 10 USD each: long 1 coin at 100 on credit, short 1 perpetual, 2 synthetics.
Clients three_clients() {
    Clients clients{.surface = surface_of(a_small_universe()), .held = {}};
    const auto& s = *clients.surface;
    clients.held.push_back(account_of(clients.surface, {of(s, "COIN", 1), of(s, "USD", -90)}));
    clients.held.push_back(account_of(clients.surface, {of(s, "PERP", -1), of(s, "USD", 10)}));
    clients.held.push_back(account_of(clients.surface, {of(s, "SYN", 2), of(s, "USD", -190)}));
    return clients;
}

TEST(Stress, OfCoinsAtZeroTakesAllOfThem) {
    const auto line = line_of(three_clients().stress(), stress_coins);
    // 100 - 10 of the coin, nothing of the short, 200 - 10 of the synthetics.
    EXPECT_EQ(line.by_client, (std::vector<double>{90, 0, 190}));
    EXPECT_EQ(line.loss, 280);
    EXPECT_EQ(line.largest, 190);
    EXPECT_EQ(line.two_largest, 280);
    EXPECT_TRUE(line.is_complete());
}

TEST(Stress, OfOneProtocolIsItsShortfall) {
    const auto clients = three_clients();
    const auto line = line_of(clients.stress(), stress_protocol);
    // ISSUER takes half of 200, less 10 of equity; VENUE a tenth of 100, which equity covers.
    EXPECT_EQ(line.by_client, (std::vector<double>{0, 0, 90}));
    EXPECT_EQ(line.worst, "ISSUER");
    EXPECT_EQ(line.states, 2U);
    EXPECT_EQ(line.loss, look_at_house(clients.all(), {})->shortfalls[0]);
}

TEST(Stress, OfEveryProtocolAddsTheirParts) {
    Clients clients{.surface = surface_of(a_small_universe()), .held = {}};
    const auto& s = *clients.surface;
    clients.held.push_back(
        account_of(clients.surface, {of(s, "SYN", 2), of(s, "PERP", -4), of(s, "USD", -190)}));
    const auto line = line_of(clients.stress(), stress_protocols);
    // Half of 200 and a tenth of 400, less 10.
    EXPECT_NEAR(line.loss, 130, 1e-12);
}

// Each takes its share of what the other leaves: no token loses more than it is worth.
TEST(Stress, OfTwoProtocolsOfOneTokenLeavesNothingBelowZero) {
    auto universe = a_small_universe();
    universe.protocols[1].loss_given_default = .9;
    universe.protocols[1].depegs = {{WrapperId{1}}};
    universe.instruments[2].protocols.push_back(ProtocolId{1});
    Clients clients{.surface = surface_of(universe), .held = {}};
    clients.held.push_back(account_of(
        clients.surface, {of(*clients.surface, "SYN", 1), of(*clients.surface, "USD", -90)}));
    // 1 - .5·.1 of 100, less 10.
    EXPECT_NEAR(line_of(clients.stress(), stress_protocols).loss, 85, 1e-12);
}

TEST(Stress, OfAFrozenOracleMovesByItsDeviations) {
    const auto clients = three_clients();
    const auto line =
        line_of(clients.stress({.oracle_frozen_hours = 96, .paths = {}}), stress_oracle);
    // Two days' worth of 2.33 deviations: a coin of .01 a day, its forms of .04 each alone.
    const double alone = 2.33 * 2 * .04;
    EXPECT_NEAR(line.by_client[0], 100 * -std::expm1(-alone) - 10, 1e-9);
    EXPECT_NEAR(line.by_client[1], 100 * std::expm1(alone) - 10, 1e-9);
    EXPECT_NEAR(line.by_client[2], 200 * -std::expm1(-alone) - 10, 1e-9);
    EXPECT_EQ(line.states, 8U);
    EXPECT_EQ(line.worst, "SYN -17.0 %");
    const auto none = clients.stress({.oracle_frozen_hours = 0, .paths = {}});
    EXPECT_EQ(line_of(none, stress_oracle).loss, 0);
}

TEST(Stress, OfDefaultsClosesTheLargestClients) {
    const auto clients = three_clients();
    const auto book = clients.stress();
    const auto one = line_of(book, stress_default);
    const auto two = line_of(book, stress_defaults);
    EXPECT_EQ(one.loss, one.largest);
    EXPECT_EQ(two.loss, two.two_largest);
    EXPECT_EQ(one.states, clients.surface->core_count() + clients.surface->simulated_count());
    // With the cost of closing it, never below what cover has.
    EXPECT_GE(one.loss, *cover(clients.all(), 1));
    EXPECT_GE(two.loss, *cover(clients.all(), 2));
    EXPECT_GE(two.loss, one.loss);
    const auto& third = clients.held[2];
    const double worst = *std::min_element(third.pnl().begin(), third.pnl().end());
    EXPECT_NEAR(one.by_client[2], -worst + third.margin()->liquidity - 10, 1e-9);
}

using PathRow = std::vector<std::optional<double>>;

PricePath a_path(const std::vector<PathRow>& coins, std::vector<PathRow> wrappers) {
    PricePath path{
        .name = "a week", .moments = {}, .underlyings = coins, .wrappers = std::move(wrappers)};
    for (std::size_t t = 0; t < coins.size(); ++t)
        path.moments.push_back("hour " + std::to_string(t));
    return path;
}

TEST(Stress, OnAPathIsTheWorstMomentOfIt) {
    const auto path = a_path({{1.0}, {.5}, {2.0}}, {{1.0, 1.0, 1.0}, {.5, .25, .5}, {2, 2, 2}});
    const auto line = line_of(three_clients().stress({.paths = {path}}), "a week");
    // Long loses 50 in hour 1, short 100 in hour 2, synthetics 150 in hour 1; each had 10.
    EXPECT_EQ(line.by_client, (std::vector<double>{40, 90, 140}));
    EXPECT_EQ(line.loss, 180);
    EXPECT_EQ(line.two_largest, 180);
    EXPECT_EQ(line.worst, "hour 1");
    EXPECT_TRUE(line.is_complete());
}

TEST(Stress, OnAPathOfWhichNothingIsKnownHasNoLoss) {
    const auto path =
        a_path({{1.0}, {.5}}, {{1.0, std::nullopt, 1.0}, {.5, std::nullopt, std::nullopt}});
    const auto line = line_of(three_clients().stress({.paths = {path}}), "a week");
    EXPECT_FALSE(line.is_complete());
    EXPECT_EQ(line.unknown, (std::vector<std::size_t>{0, 1, 2}));
    EXPECT_EQ(line.states, 2U);
    EXPECT_EQ(line.loss, 40);
    const auto empty = three_clients().stress({.paths = {a_path({}, {})}});
    EXPECT_FALSE(line_of(empty, "a week").is_complete());
}

// An option follows its coin, an inverse perpetual also its own price, a pool both of its legs.
TEST(Stress, KnowsWhatAnInstrumentIsMadeOf) {
    const auto surface = surface_of(a_small_universe());
    Clients clients{.surface = surface, .held = {}};
    for (const auto* name : {"USD", "YES", "CALL", "PERP"}) {
        clients.held.push_back(account_of(surface, {of(*surface, name, 1)}));
    }
    const auto no_coin = a_path({{std::nullopt}}, {{1.0, 1.0, 1.0}});
    EXPECT_EQ(line_of(clients.stress({.paths = {no_coin}}), "a week").unknown,
              (std::vector<std::size_t>{0, 0, 1, 0}));
    const auto no_wrapper = a_path({{1.0}}, {{1.0, 1.0, std::nullopt}});
    EXPECT_EQ(line_of(clients.stress({.paths = {no_wrapper}}), "a week").unknown,
              (std::vector<std::size_t>{0, 0, 0, 1}));
}

TEST(Stress, OfAnEmptyBookIsNothing) {
    const Clients nobody{.surface = a_surface(), .held = {}};
    const Clients empty{.surface = a_surface(), .held = {Account(a_surface())}};
    for (const auto* clients : {&nobody, &empty}) {
        const auto book = clients->stress();
        EXPECT_EQ(book.lines.size(), 6U);
        for (const auto& line : book.lines) {
            EXPECT_EQ(line.loss, 0) << line.name;
            EXPECT_EQ(line.two_largest, 0) << line.name;
            EXPECT_EQ(line.worst, "") << line.name;
            EXPECT_TRUE(line.is_complete()) << line.name;
        }
    }
    EXPECT_TRUE(nobody.stress().by_client().empty());
    EXPECT_EQ(empty.stress().by_client(), std::vector<double>{0});
}

TEST(Stress, WithoutANumberIsRefused) {
    const auto clients = three_clients();
    for (const double hours : {nan, -1.0, infinity}) {
        const auto book = stress_book_of(*clients.surface, clients.all(),
                                         {.oracle_frozen_hours = hours, .paths = {}});
        ASSERT_FALSE(book.has_value()) << hours;
        EXPECT_EQ(book.error(), Fault::not_finite);
    }
    const auto path = a_path({{infinity}}, {{infinity, infinity, infinity}});
    EXPECT_FALSE(stress_book_of(*clients.surface, clients.all(), {.paths = {path}}).has_value());
}

RC_GTEST_PROP(Stress, FallsAsAClientBringsMoreCash, ()) {
    auto positions = any_positions();
    Clients poor{.surface = a_surface(), .held = {account_of(a_surface(), positions)}};
    positions.push_back({InstrumentId{0}, double(*rc::gen::inRange(0, 100'000))});
    Clients rich{.surface = a_surface(), .held = {account_of(a_surface(), positions)}};
    const auto before = poor.stress();
    const auto after = rich.stress();
    for (std::size_t i = 0; i < before.lines.size(); ++i) {
        RC_ASSERT(after.lines[i].loss <= before.lines[i].loss + 1e-6);
    }
}

RC_GTEST_PROP(Stress, OfTwoIsBetweenOneAndAll, ()) {
    Clients clients{.surface = a_surface(), .held = {}};
    for (int i = 0; i < 3; ++i) {
        clients.held.push_back(account_of(a_surface(), any_positions()));
    }
    const auto book = clients.stress();
    const auto worst = book.by_client();
    for (const auto& line : book.lines) {
        RC_ASSERT(line.largest >= 0);
        RC_ASSERT(line.two_largest >= line.largest);
        RC_ASSERT(line.largest == *std::max_element(line.by_client.begin(), line.by_client.end()));
        for (std::size_t i = 0; i < worst.size(); ++i) RC_ASSERT(worst[i] >= line.by_client[i]);
    }
    RC_ASSERT(line_of(book, stress_defaults).loss >= *cover(clients.all(), 2) - 1e-6);
    // A protocol's part of ΣSF is what the house has of it.
    const auto report = look_at_house(clients.all(), {.cells = 16});
    const double most = *std::max_element(report->shortfalls.begin(), report->shortfalls.end());
    RC_ASSERT(std::abs(line_of(book, stress_protocol).loss - most) <= 1e-6);
}

// So far a price may go: .1 of range in the core, and 2.33 deviations of 4 % in a day.
TEST(Stress, MultipliesNoPriceByMoreThanIsSaid) {
    auto universe = a_small_universe();
    universe.core = core_scenarios(universe);
    universe.simulated.clear();
    EXPECT_NEAR(largest_multiple(universe, {.oracle_frozen_hours = 24 * 36}),
                std::exp(2.33 * 6 * .04), 1e-12);
    EXPECT_GE(largest_multiple(universe, {.oracle_frozen_hours = 0}), 1.1);
    const PricePath path{.name = "up",
                         .moments = {"then"},
                         .underlyings = {{7.0}},
                         .wrappers = {{std::nullopt, 8.0, 7.0}}};
    EXPECT_EQ(largest_multiple(universe, {.paths = {path}}), 8);
    universe.wrappers[0].price = 0;
    EXPECT_GE(largest_multiple(universe, {.oracle_frozen_hours = 0}), 1.1) << "of no price as well";
}

RC_GTEST_PROP(Stress, TakesNoMoreThanTheMultipleOfWhatIsHeld, ()) {
    const auto surface = surface_of(a_small_universe());
    std::vector<Position> positions;
    double gross = 0;
    for (const char* name : {"COIN", "SYN", "PERP", "CALL", "PUT"}) {
        positions.push_back(of(*surface, name, *rc::gen::inRange(-100, 100)));
        const auto& row = surface->row(positions.back().instrument);
        gross += std::abs(positions.back().quantity) * std::max(100.0, std::abs(row.value));
    }
    Clients one{.surface = surface, .held = {account_of(surface, positions)}};
    const double equity = one.held.front().margin()->equity;
    const double most =
        gross * (1 + largest_multiple(surface->universe(), {.oracle_frozen_hours = 24})) +
        one.held.front().margin()->liquidity;
    RC_ASSERT(one.stress().by_client().front() <= most - equity + 1e-6);
}

}  // namespace
}  // namespace crossclear::risk::kernel
