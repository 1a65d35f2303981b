#include "risk/margin.hpp"
#include "tests/risk/universe.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace crossclear::risk {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the tests' own vocabulary

constexpr base::AssetId pool{7};
constexpr base::AssetId lent{8};

base::Listing a_listing_with_shares() {
    auto listing = a_listing();
    listing.assets.push_back({"UNI", 9, base::AssetKind::pool, "", "uniswap"});
    listing.assets.push_back({"aUSDC", 6, base::AssetKind::lending, "", "aave"});
    return listing;
}

// A share of ETH and USDC worth 100 USD at 3,000, and USDC lent of which each is 1.04 by now.
kernel::Universe a_universe_with_shares() {
    auto universe = the_universe();
    for (const char* name : {"uniswap", "aave"}) {
        universe.protocols.push_back(
            {.name = name, .default_year = .01, .loss_given_default = 1, .depegs = {}});
    }
    auto share = an_instrument("UNI", kernel::Kind::lp2, 3, {kernel::ProtocolId{3}});
    share.quote = kernel::WrapperId{0};
    share.liquidity = 50 / std::sqrt(3'000.0);
    universe.instruments.push_back(share);
    auto deposit = an_instrument("aUSDC", kernel::Kind::deposit, 0, {kernel::ProtocolId{4}});
    deposit.index = 1.04;
    universe.instruments.push_back(deposit);
    return universe;
}

auto parameters_with(const kernel::Universe& universe) {
    return Parameters::of(a_listing_with_shares(),
                          {.universe = universe, .mark_age_max = base::seconds(60)});
}

std::shared_ptr<const Surface> a_surface_with_shares(std::vector<Mark> marks) {
    marks.resize(9);
    return *build_surface(3, std::make_shared<base::Listing>(a_listing_with_shares()),
                          *parameters_with(a_universe_with_shares()),
                          {.marks = std::move(marks), .now = at_noon});
}

TEST(DerivedMark, IsWhatItsTokensMakeAndAsOldAsTheOldest) {
    auto marks = the_marks();
    marks[eth.v].at = at_noon - base::seconds(50);
    const auto surface = a_surface_with_shares(marks);
    EXPECT_EQ(surface->mark(pool).price, price("100"));
    EXPECT_EQ(surface->mark(pool).at, at_noon - base::seconds(50));
    EXPECT_EQ(surface->mark(lent).price, price("1.04"));
    EXPECT_TRUE(surface->is_fresh(pool, at_noon));
    EXPECT_FALSE(surface->is_fresh(pool, at_noon + base::seconds(11)));
    marks[eth.v].price = price("750");
    EXPECT_EQ(a_surface_with_shares(marks)->mark(pool).price, price("50")) << "by the root";
    marks[eth.v].price = price("0");
    EXPECT_EQ(a_surface_with_shares(marks)->mark(pool).price, price("0"));
}

TEST(DerivedMark, IsUnknownUntilAllItsTokensAreKnown) {
    auto marks = the_marks();
    marks[eth.v] = {};
    const auto surface = a_surface_with_shares(marks);
    EXPECT_FALSE(surface->mark(pool).is_known);
    EXPECT_TRUE(surface->mark(lent).is_known);
    const Portfolio held{.tokens = {{pool, base::Amount{1}}}, .contracts = {}};
    EXPECT_EQ(make_portfolio_model()->margin(*surface, held).error(), RiskError::mark_missing);
}

// What is published of a share and of a deposit, where the universe asks for it.
base::Result<std::shared_ptr<const Surface>, SurfaceError> try_published(
    std::vector<Mark> indices) {
    auto universe = a_universe_with_shares();
    for (const char* name : {"UNI", "aUSDC"}) {
        universe.instruments.at(universe.find_instrument(name)->v).is_index_published = true;
    }
    auto marks = the_marks();
    marks.resize(9);
    return build_surface(
        3, std::make_shared<base::Listing>(a_listing_with_shares()), *parameters_with(universe),
        {.marks = std::move(marks), .now = at_noon, .indices = std::move(indices)});
}

std::vector<Mark> published(const char* of_pool, const char* of_lent) {
    std::vector<Mark> indices(9);
    indices[pool.v] = {price(of_pool), at_noon - base::seconds(20), true};
    indices[lent.v] = {price(of_lent), at_noon - base::seconds(40), true};
    return indices;
}

TEST(DerivedMark, FollowsItsIndex) {
    const auto surface = *try_published(published("1.02", "1.25"));
    EXPECT_EQ(surface->mark(pool).price, price("102"));
    EXPECT_EQ(surface->mark(lent).price, price("1.25"));
    EXPECT_EQ(surface->mark(lent).at, at_noon - base::seconds(40)) << "as old as the oldest";
    const Portfolio held{.tokens = {{lent, base::Amount{1'000'000}}}, .contracts = {}};
    EXPECT_EQ(make_portfolio_model()->margin(*surface, held)->equity_cents, 125);
}

// Goal: nobody is called or liquidated because a service has just begun and does not know yet.
TEST(DerivedMark, IsUnknownWithoutItsIndex) {
    EXPECT_FALSE((*try_published({}))->mark(pool).is_known);
    auto one = published("1", "1");
    one[lent.v] = {};
    const auto surface = *try_published(one);
    EXPECT_FALSE(surface->mark(lent).is_known);
    EXPECT_TRUE(surface->mark(pool).is_known);
}

TEST(DerivedMark, TakesNoIndexThatWasNotAskedForOrIsNone) {
    auto marks = the_marks();
    marks.resize(9);
    const auto surface =
        *build_surface(3, std::make_shared<base::Listing>(a_listing_with_shares()),
                       *parameters_with(a_universe_with_shares()),
                       {.marks = std::move(marks), .now = at_noon, .indices = published("9", "9")});
    EXPECT_EQ(surface->mark(lent).price, price("1.04"));
    EXPECT_EQ(try_published(published("1", "0")).error(), SurfaceError::indices_not_of_listing);
    EXPECT_EQ(try_published({Mark{}}).error(), SurfaceError::indices_not_of_listing);
}

TEST(DerivedMark, ForgetsWhatWasPublishedOrMadeBefore) {
    auto marks = the_marks();
    marks.push_back({price("12"), at_noon, true});
    EXPECT_EQ(a_surface_with_shares(marks)->mark(pool).price, price("100"));
}

// Shares of 60,000 USD, half of it ETH, and a short of 10 ETH-PERP.
TEST(DerivedMark, LetsAPoolStandBehindAShort) {
    const auto surface = a_surface_with_shares(the_marks());
    const auto margin_of = [&](const Portfolio& portfolio) {
        return *make_portfolio_model()->margin(*surface, portfolio);
    };
    const ContractPosition short_eth{eth_perp, usdc, base::Amount{-10'000'000'000},
                                     base::Amount{-30'000'000'000}};
    const TokenPosition shares{pool, base::Amount{600'000'000'000}};
    const auto together = margin_of({.tokens = {shares}, .contracts = {short_eth}});
    EXPECT_EQ(together.equity_cents, 60'000'00);
    // Worst where ETH is at four times its price: the pool wins 60,000 and the short loses 90,000,
    // of which .77 · .2 / 3 counts. Within the range it is 334.
    EXPECT_EQ(together.part(Part::MR), 1'540'00);
    EXPECT_EQ(margin_of({.tokens = {}, .contracts = {short_eth}}).part(Part::MR), 6'000'00);
    EXPECT_GT(together.part(Part::J), 0) << "uniswap";
}

TEST(DerivedMark, NeedsTokensThatAreListedAndNoMarkOfItsOwn) {
    auto universe = a_universe_with_shares();
    universe.wrappers.push_back(a_wrapper("DAI", {.0002, .005}));
    universe.instruments[7].quote = kernel::WrapperId{6};
    const auto unlisted = parameters_with(universe);
    ASSERT_FALSE(unlisted);
    EXPECT_EQ(unlisted.error().front().path, "instruments[7]");
    EXPECT_EQ(unlisted.error().front().says, "expected tokens that are listed, not DAI");
    universe = a_universe_with_shares();
    universe.instruments[7].kind = kernel::Kind::deposit;
    const auto other = parameters_with(universe);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().front().says, "expected kind lp2 or lp3: so it is listed");
}

}  // namespace
}  // namespace crossclear::risk
