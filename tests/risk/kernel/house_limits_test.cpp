#include "risk/kernel/house_limits.hpp"

#include "tests/risk/kernel/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace crossclear::risk::kernel {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

// A waterfall of 1,000: 250 of each protocol and 100 of each client are within.
HouseFigures within() {
    return {.waterfall = 1'000, .cover2 = 1'000, .protocols = {250, 0}, .clients = {100, 0}};
}

TEST(HouseLimits, AtTheLimitIsWithin) {
    EXPECT_TRUE(breaches_of(within(), {}).empty());
    EXPECT_TRUE(breaches_of({}, {}).empty());
}

TEST(HouseLimits, NameWhatIsPastThem) {
    struct Case {
        const char* says;
        HouseFigures figures;
        LimitBreach breach;
    };
    const std::vector<Case> cases{
        {"cover-2 beyond the waterfall",
         {.waterfall = 1'000, .cover2 = 1'001, .protocols = {0}, .clients = {0}},
         {LimitKind::cover2, 0, 1'001, 1'000}},
        {"the second protocol",
         {.waterfall = 1'000, .cover2 = 0, .protocols = {250, 251}, .clients = {0}},
         {LimitKind::protocol, 1, 251, 250}},
        {"the third client",
         {.waterfall = 1'000, .cover2 = 0, .protocols = {0}, .clients = {0, 100, 101}},
         {LimitKind::client, 2, 101, 100}},
        {"no waterfall at all",
         {.waterfall = 0, .cover2 = 0, .protocols = {0}, .clients = {1}},
         {LimitKind::client, 0, 1, 0}},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(breaches_of(one.figures, {}), std::vector<LimitBreach>{one.breach}) << one.says;
    }
}

TEST(HouseLimits, ComeFromTheProfile) {
    const HouseLimits strict{.protocol_share = .1, .client_share = .02};
    EXPECT_EQ(breaches_of(within(), strict),
              (std::vector<LimitBreach>{{LimitKind::protocol, 0, 250, 100},
                                        {LimitKind::client, 0, 100, 20}}));
    const HouseLimits lax{.protocol_share = 1, .client_share = 1};
    EXPECT_TRUE(
        breaches_of({.waterfall = 1'000, .cover2 = 0, .protocols = {999}, .clients = {999}}, lax)
            .empty());
}

TEST(HouseLimits, ArePassedByWhatIsNoNumber) {
    for (const double wrong : {nan, infinity}) {
        auto figures = within();
        figures.clients[1] = wrong;
        ASSERT_EQ(breaches_of(figures, {}).size(), 1U);
        EXPECT_EQ(verdict_of({within(), figures, false}, {}).verdict, HouseVerdict::refused);
        // Nor does it matter that it was none before.
        EXPECT_EQ(verdict_of({figures, figures, false}, {}).verdict, HouseVerdict::refused);
    }
    auto figures = within();
    figures.waterfall = nan;
    EXPECT_FALSE(breaches_of(figures, {}).empty());
    EXPECT_EQ(verdict_of({within(), figures, false}, {}).verdict, HouseVerdict::refused);
}

TEST(HouseLimits, RefuseNewRiskAndLeaveUnwindsOpen) {
    struct Case {
        const char* says;
        HouseFigures before;
        HouseFigures after;
        bool is_unwind;
        HouseVerdict verdict;
    };
    auto more = within();
    more.protocols = {260, 0};
    auto most = within();
    most.protocols = {270, 0};
    auto other = more;
    other.protocols[1] = 10;
    auto client = within();
    client.clients = {101, 0};
    auto reduce_only = within();
    reduce_only.cover2 = 1'001;
    auto less = reduce_only;
    less.cover2 = 1'000.5;
    const std::vector<Case> cases{
        {"within", within(), within(), false, HouseVerdict::accepted},
        {"up to beyond a protocol's limit", within(), more, false, HouseVerdict::refused},
        {"beyond it and further", more, most, false, HouseVerdict::refused},
        {"beyond it and back a little", most, more, false, HouseVerdict::accepted},
        {"beyond it and as it was", more, more, false, HouseVerdict::accepted},
        {"beyond it, and more of another", more, other, false, HouseVerdict::accepted},
        {"an unwind that adds to it", more, most, true, HouseVerdict::unwinding},
        {"up to beyond a client's limit", within(), client, false, HouseVerdict::refused},
        {"cover-2 past the waterfall: nothing new", reduce_only, reduce_only, false,
         HouseVerdict::refused},
        {"not even what lowers it and is no unwind", reduce_only, less, false,
         HouseVerdict::refused},
        {"but unwinds", reduce_only, less, true, HouseVerdict::unwinding},
        {"back within", reduce_only, within(), false, HouseVerdict::accepted},
    };
    for (const auto& one : cases) {
        const auto decision = verdict_of({one.before, one.after, one.is_unwind}, {});
        EXPECT_EQ(decision.verdict, one.verdict) << one.says;
        EXPECT_EQ(decision.because.has_value(), one.verdict != HouseVerdict::accepted) << one.says;
    }
    // A sum that was made twice may differ in its last bits.
    auto rounded = more;
    rounded.protocols[0] += 1e-9;
    EXPECT_EQ(verdict_of({more, rounded, false}, {}).verdict, HouseVerdict::accepted);
}

// Real positions through the whole of it: who sells part of what is too much is let through, who
// buys more is not.
TEST(HouseLimits, LookAtRealBooks) {
    const auto surface = surface_of(a_small_universe());
    const auto figures_with = [&](double synthetics) {
        const auto account = account_of(
            surface, {of(*surface, "SYN", synthetics), of(*surface, "USD", 10 - 100 * synthetics)});
        const std::vector<const Account*> accounts{&account};
        const double waterfall = 400;
        return figures_of(waterfall, *look_at_house(accounts, {.waterfall_usd = waterfall}),
                          *stress_book_of(*surface, accounts, {}));
    };
    const HouseLimits limits{.protocol_share = .25, .client_share = 1};
    // ISSUER takes 50 of each, less 10 of equity: 2 are within 100, 3 are not.
    EXPECT_EQ(figures_with(2).protocols[0], 90);
    EXPECT_EQ(figures_with(3).protocols[0], 140);
    const auto bought = verdict_of({figures_with(2), figures_with(3), false}, limits);
    EXPECT_EQ(bought.verdict, HouseVerdict::refused);
    EXPECT_EQ(bought.because->kind, LimitKind::protocol);
    EXPECT_EQ(verdict_of({figures_with(3), figures_with(2.5), false}, limits).verdict,
              HouseVerdict::accepted);
}

// With more to pay losses with, no breach appears, and nothing that passed is refused.
RC_GTEST_PROP(HouseLimits, AreWiderWithALargerWaterfall, ()) {
    const auto usd = [] { return static_cast<double>(*rc::gen::inRange(0, 1'000)); };
    HouseFigures before{.waterfall = usd(),
                        .cover2 = usd(),
                        .protocols = {usd(), usd()},
                        .clients = {usd(), usd()}};
    HouseFigures after{.waterfall = before.waterfall,
                       .cover2 = usd(),
                       .protocols = {usd(), usd()},
                       .clients = {usd(), usd()}};
    const bool is_unwind = *rc::gen::arbitrary<bool>();
    const auto count = breaches_of(after, {}).size();
    const auto verdict = verdict_of({before, after, is_unwind}, {}).verdict;
    RC_ASSERT(!is_unwind || verdict != HouseVerdict::refused);
    const double more = usd();
    before.waterfall += more;
    after.waterfall += more;
    RC_ASSERT(breaches_of(after, {}).size() <= count);
    if (verdict != HouseVerdict::accepted) return;
    RC_ASSERT(verdict_of({before, after, is_unwind}, {}).verdict == HouseVerdict::accepted);
}

// One protocol, no shared factor: what it takes is lost with exactly its chance.
TEST(House, IsSolventUnlessWhatItCannotPayFails) {
    auto universe = a_small_universe();
    universe.model.asset_correlation = 0;
    const auto surface = surface_of(universe);
    const auto account = account_of(surface, {of(*surface, "SYN", 2), of(*surface, "USD", -100)});
    const auto poor = account_of(surface, {of(*surface, "SYN", 2), of(*surface, "USD", -190)});
    const std::vector<const Account*> accounts{&account, &poor};
    const auto at = [&](double waterfall) {
        return look_at_house(accounts, {.waterfall_usd = waterfall})->solvency_probability;
    };
    // ISSUER fails within a year with 5 %. It takes 100 of each: all that the first has, and 90
    // more than the second has.
    EXPECT_NEAR(look_at_house(accounts, {})->shortfalls[0], 90, 1e-12);
    EXPECT_NEAR(at(1'000), 1, 1e-12);
    EXPECT_NEAR(at(89), .95, 1e-9);
}

}  // namespace
}  // namespace crossclear::risk::kernel
