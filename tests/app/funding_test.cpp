#include "app/funding.hpp"

#include "app/config.hpp"
#include "app/demo.hpp"

#include <gtest/gtest.h>

namespace crossclear::app {
namespace {

constexpr base::Ppm a_thousandth{1'000};

base::AssetId asset_of(const base::Listing& listing, std::string_view symbol) {
    for (std::size_t i = 0; i < listing.assets.size(); ++i) {
        if (listing.assets[i].symbol == symbol) return {static_cast<std::uint16_t>(i)};
    }
    ADD_FAILURE() << symbol << " is not listed";
    return {};
}

// A market in which a perpetual stands at `dollars`, `hours` after the epoch.
struct Market {
    base::Listing listing = demo_config({}).listing;
    base::AssetId usdc = asset_of(listing, "USDC");
    base::AssetId btc = asset_of(listing, "BTC-PERP");
    base::AssetId eth = asset_of(listing, "ETH-PERP");

    [[nodiscard]] PriceTick tick(std::int64_t hours, std::int64_t dollars) const {
        return {.at = {hours * 3'600'000'000},
                .points = {{usdc, one_dollar}, {btc, base::Price{dollars * one_dollar.v}}}};
    }
};

TEST(FundingMeter, LongsPayAShareOfThePriceADay) {
    const Market market;
    FundingMeter meter{a_thousandth};
    meter.advance(market.listing, market.tick(0, 10'000));
    EXPECT_EQ(meter.indices().at(market.btc), base::Price{0});
    meter.advance(market.listing, market.tick(24, 10'000));
    EXPECT_EQ(meter.indices().at(market.btc), base::Price{10 * one_dollar.v});
    meter.advance(market.listing, market.tick(36, 20'000));
    EXPECT_EQ(meter.indices().at(market.btc), base::Price{20 * one_dollar.v});
    EXPECT_EQ(meter.indices().at(market.eth), base::Price{0}) << "it has no price";
    EXPECT_EQ(meter.indices().count(market.usdc), 0U);
}

TEST(FundingMeter, WithoutARateThereIsNoIndex) {
    const Market market;
    FundingMeter meter{base::Ppm{0}};
    meter.advance(market.listing, market.tick(0, 10'000));
    meter.advance(market.listing, market.tick(24, 10'000));
    EXPECT_TRUE(meter.indices().empty());
}

// Goal: what a price is in dollars is worth more of a settlement token that is worth less.
TEST(FundingMeter, CountsInTheSettlementToken) {
    const Market market;
    auto tick = market.tick(0, 10'000);
    tick.points.front().price = base::Price{one_dollar.v / 2};
    FundingMeter meter{a_thousandth};
    meter.advance(market.listing, tick);
    tick.at = {86'400'000'000};
    meter.advance(market.listing, tick);
    EXPECT_EQ(meter.indices().at(market.btc), base::Price{20 * one_dollar.v});
}

}  // namespace
}  // namespace crossclear::app
