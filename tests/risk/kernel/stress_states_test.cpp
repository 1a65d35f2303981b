#include "risk/kernel/stress_states.hpp"

#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

// The states of the stress book: sums without the clients say what the book says of all of them.

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

// One in which nobody knows the synthetic at first, and the coin is down by half then.
StressTerms a_path(const Surface& surface) {
    PricePath path{
        .name = "a bad day", .moments = {"noon", "night"}, .underlyings = {}, .wrappers = {}};
    const auto& universe = surface.universe();
    for (const double coin : {.9, .5}) {
        path.underlyings.emplace_back(universe.underlyings.size(), coin);
        path.wrappers.emplace_back(universe.wrappers.size(), coin);
    }
    path.wrappers[0].at(1) = std::nullopt;
    return {.oracle_frozen_hours = 24, .paths = {std::move(path)}};
}

std::shared_ptr<const StressStates> states_of(const Surface& surface, const StressTerms& terms) {
    return *StressStates::of(surface, terms);
}

ClientStress stress_of(const StressStates& states, const Account& account) {
    return *states.of_client(account, *account.margin());
}

TEST(StressStates, OfAClientAreThoseThatTakeMoreThanItsEquity) {
    const auto surface = surface_of(a_small_universe());
    const auto states = states_of(*surface, {});
    // 100 on 90 of credit.
    const auto client = stress_of(
        *states, account_of(surface, {of(*surface, "COIN", 1), of(*surface, "USD", -90)}));
    ASSERT_FALSE(client.states.empty());
    EXPECT_EQ(states->name(client.states.front().state), stress_coins);
    EXPECT_EQ(client.states.front().usd, 90);
    EXPECT_EQ(client.unknown, 0U);
    const auto paid = stress_of(*states, account_of(surface, {of(*surface, "COIN", 1)}));
    EXPECT_EQ(paid, ClientStress{});
}

TEST(StressStates, SayOfWhomNothingIsKnown) {
    const auto surface = surface_of(a_small_universe());
    const auto terms = a_path(*surface);
    const auto states = states_of(*surface, terms);
    StressSums sums;
    sums.add(stress_of(*states,
                       account_of(surface, {of(*surface, "SYN", 1), of(*surface, "USD", -90)})));
    sums.add(stress_of(*states,
                       account_of(surface, {of(*surface, "COIN", 1), of(*surface, "USD", -90)})));
    const auto figures = *states->figures(sums);
    ASSERT_EQ(figures.back().name, "a bad day");
    EXPECT_EQ(figures.back().clients_unknown, 1U);
    EXPECT_EQ(figures.back().states, 2U);
    EXPECT_EQ(figures.back().worst, "night");
    // 50 - 10 of the coin and as much of the synthetic.
    EXPECT_EQ(figures.back().loss, 80);
    EXPECT_EQ(figures.front().clients_unknown, 0U);
}

// Goal: nobody escapes a path by a trifle of something that it does not know.
TEST(StressStates, CountWhatIsKnownBesideWhatIsNot) {
    const auto surface = surface_of(a_small_universe());
    auto terms = a_path(*surface);
    terms.paths.front().wrappers[1].at(1) = std::nullopt;
    const auto states = states_of(*surface, terms);
    const auto client =
        stress_of(*states, account_of(surface, {of(*surface, "COIN", 1), of(*surface, "SYN", .0001),
                                                of(*surface, "USD", -90)}));
    EXPECT_NE(client.unknown, 0U);
    EXPECT_EQ(states->name(client.states.back().state), "night");
    EXPECT_NEAR(static_cast<double>(client.states.back().usd), 40, .02);
}

TEST(StressStates, OfOthersAreRefused) {
    const auto surface = surface_of(a_small_universe());
    const auto states = states_of(*surface, {});
    StressSums sums;
    sums.states.resize(states->count() + 1);
    EXPECT_EQ(states->figures(sums).error(), Fault::out_of_range);
    EXPECT_EQ(states->figures(StressSums{})->front().loss, 0);
    EXPECT_EQ(
        StressStates::of(*surface, {.oracle_frozen_hours = std::nan(""), .paths = {}}).error(),
        Fault::not_finite);
}

// Goal: however clients are grouped, the sums say what the book of all of them says.
RC_GTEST_PROP(StressStates, SumsSayWhatTheBookSays, ()) {
    const auto surface = surface_of(a_small_universe());
    const auto terms = a_path(*surface);
    const auto states = states_of(*surface, terms);
    std::vector<Account> accounts;
    for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
        const auto units = [] { return *rc::gen::inRange(-50, 50) / 10.0; };
        accounts.push_back(account_of(
            surface, {of(*surface, "COIN", units()), of(*surface, "SYN", units()),
                      of(*surface, "PERP", units()), of(*surface, "USD", 20 * units())}));
    }
    std::vector<const Account*> all;
    StressSums whole;
    std::vector<StressSums> groups(2);
    for (std::size_t i = 0; i < accounts.size(); ++i) {
        all.push_back(&accounts[i]);
        groups[i % 2].add(stress_of(*states, accounts[i]));
    }
    for (const auto& group : groups) whole.add(group);
    const auto book = *stress_book_of(*surface, all, terms);
    const auto figures = *states->figures(whole);
    RC_ASSERT(figures.size() == book.lines.size());
    for (std::size_t i = 0; i < figures.size(); ++i) {
        const auto& line = book.lines[i];
        const auto& figure = figures[i];
        RC_ASSERT(figure.name == line.name);
        RC_ASSERT(figure.states == line.states);
        const double rounding = 1e-6 * (1 + line.loss);  // Rounded up once a client.
        RC_ASSERT(figure.loss >= line.loss - 1e-9);
        RC_ASSERT(figure.largest >= line.largest - 1e-9);
        // The book counts nothing where something is unknown, the sums what is known.
        if (line.is_complete()) {
            RC_ASSERT(figure.loss <= line.loss + rounding);
            RC_ASSERT(figure.largest <= line.largest + rounding);
            RC_ASSERT(std::abs(figure.two_largest - line.two_largest) <= rounding);
        }
        const auto unknown = std::count_if(line.unknown.begin(), line.unknown.end(),
                                           [](std::size_t count) { return count > 0; });
        RC_ASSERT(figure.clients_unknown == static_cast<std::uint64_t>(unknown));
    }
}

}  // namespace
}  // namespace crossclear::risk::kernel
