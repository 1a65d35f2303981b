#include "risk/kernel/house.hpp"
#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

// What clients would leave unpaid, summed without the clients.

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

Shortfalls shortfalls_of(const Account& account) {
    return *kernel::shortfalls_of(account, *account.margin());
}

HouseSums sums_of(const std::vector<Shortfalls>& clients) {
    HouseSums sums;
    for (const auto& client : clients) sums.add(client);
    return sums;
}

TEST(HouseSums, AreTheTotalAndTheTwoLargestOfEachScenario) {
    const auto sums = sums_of({{.scenarios = {{0, 5}, {2, 1}}, .protocols = {{1, 4}}},
                               {.scenarios = {{2, 7}}, .protocols = {}},
                               {.scenarios = {{2, 3}}, .protocols = {{0, 1}, {1, 2}}}});
    EXPECT_EQ(sums.scenarios, (std::vector<HouseSums::Line>{{5, 5, 0}, {}, {11, 7, 3}}));
    EXPECT_EQ(sums.protocols, (std::vector<double>{1, 6}));
    EXPECT_EQ(sums_of({{}}), HouseSums{}) << "who leaves nothing unpaid adds nothing";
}

// One coin at 100: bought on credit it loses 10 in the worst of its range and 50 where its issuer
// fails, against an equity of 4.
TEST(HouseSums, OfAClientAreWhatItLosesBeyondItsEquity) {
    const auto surface = surface_of(a_small_universe());
    const auto client =
        shortfalls_of(account_of(surface, {of(*surface, "SYN", 1), of(*surface, "USD", -96)}));
    ASSERT_FALSE(client.scenarios.empty());
    double most = 0;
    for (const auto& at : client.scenarios) most = std::max(most, at.usd);
    EXPECT_GE(most, 10 - 4);
    EXPECT_EQ(client.protocols, (std::vector<Shortfalls::At>{{0, 46}}));
    EXPECT_EQ(shortfalls_of(account_of(surface, {of(*surface, "SYN", 1)})), Shortfalls{});
}

// Figures that nobody knows are no shortfall of zero.
TEST(HouseSums, OfAnotherUniverseHaveNoReport) {
    const auto surface = surface_of(a_small_universe());
    const auto fault_of = [&](const HouseSums& sums, double waterfall) {
        return look_at_house(*surface, sums, {.waterfall_usd = waterfall}).error();
    };
    HouseSums protocols;
    protocols.protocols.assign(surface->universe().protocols.size() + 1, 1);
    EXPECT_EQ(fault_of(protocols, 1), Fault::out_of_range);
    HouseSums scenarios;
    scenarios.scenarios.resize(surface->core_count() + surface->simulated_count() + 1);
    EXPECT_EQ(fault_of(scenarios, 1), Fault::out_of_range);
    EXPECT_EQ(fault_of({}, infinity), Fault::not_finite);
    HouseSums broken;
    broken.scenarios.push_back({nan, nan, nan});
    EXPECT_EQ(fault_of(broken, 1), Fault::not_finite);
}

// Partitions may be looked at one by one.
RC_GTEST_PROP(HouseSums, OfGroupsJoinToThoseOfAll, ()) {
    HouseSums whole;
    HouseSums joined;
    const auto groups = *rc::gen::inRange(1, 4);
    for (int group = 0; group < groups; ++group) {
        HouseSums sums;
        for (int i = 0; i < *rc::gen::inRange(0, 4); ++i) {
            Shortfalls client;
            // Whole dollars: their sums do not depend on their order.
            for (std::uint16_t at = 0; at < 6; ++at) {
                const double usd = *rc::gen::inRange(0, 100);
                if (usd > 0) client.scenarios.push_back({at, usd});
                if (usd > 50) client.protocols.push_back({at, usd});
            }
            sums.add(client);
            whole.add(client);
        }
        joined.add(sums);
    }
    RC_ASSERT(joined == whole);
}

RC_GTEST_PROP(HouseSums, SayWhatTheClientsSay, ()) {
    std::vector<Account> held;
    held.reserve(3);
    HouseSums sums;
    for (int i = 0; i < 3; ++i) {
        held.push_back(account_of(a_surface(), any_positions()));
        sums.add(shortfalls_of(held.back()));
    }
    const std::vector<const Account*> accounts{&held[0], &held[1], &held[2]};
    const HouseTerms terms{.waterfall_usd = 1e5, .cells = 64};
    const auto of_accounts = look_at_house(accounts, terms);
    const auto of_sums = look_at_house(*a_surface(), sums, terms);
    RC_ASSERT(of_accounts.has_value() && of_sums.has_value());
    RC_ASSERT(of_accounts->solvency_probability == of_sums->solvency_probability);
    RC_ASSERT(of_accounts->expected_loss == of_sums->expected_loss);
    RC_ASSERT(std::abs(of_sums->cover1 - *cover(accounts, 1)) <= 1e-9 * (1 + of_sums->cover1));
    RC_ASSERT(std::abs(of_sums->cover2 - *cover(accounts, 2)) <= 1e-9 * (1 + of_sums->cover2));
    RC_ASSERT(of_accounts->shortfalls == of_sums->shortfalls);
}

}  // namespace
}  // namespace crossclear::risk::kernel
