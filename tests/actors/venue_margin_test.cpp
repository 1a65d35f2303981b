#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
using ledger::Chart;
using ledger::instruction::Purpose;
namespace netting = ledger::netting;

const auto is_post = [](const auto&, const netting::MoveOpened& move) {
    return move.purpose == Purpose::post_margin;
};
const auto is_take = [](const auto&, const netting::MoveOpened& move) {
    return move.purpose == Purpose::take_margin;
};
const auto is_settled = [](const auto&, const netting::MoveClosed& move) {
    return move.is_settled;
};

// Goal: the venue's losses are met from NOSTRO before they eat the margin, and what it no longer
// needs comes back. A fifth of a position of 300,000 is 60,000.
TEST(VenueMargin, FollowsThePositionUpAndDown) {
    Outside outside;
    House house(outside, {.venue_margin_usd = 20'000});
    const auto trader = account_in(base::PartitionId{1});
    const auto client = house.client({trader});
    outside.deposit(perpetuals, trader, usdc, 500'000 * one_usdc);
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>(is_settled).has_value());

    auto from = outside.watch.mark();
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, 10 * one_contract));
    ASSERT_TRUE(outside.watch.await_event<netting::MoveOpened>(is_post, from).has_value());
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>(is_settled, from).has_value());

    from = outside.watch.mark();
    house.set_price(btc_contract, 27'000);
    ASSERT_TRUE(outside.watch.await_event<netting::MoveOpened>(is_post, from).has_value())
        << "30,000 lost of some 60,000: it is filled up again";
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>(is_settled, from).has_value());

    from = outside.watch.mark();
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, -10 * one_contract));
    ASSERT_TRUE(outside.watch.await_event<netting::MoveOpened>(is_take, from).has_value());
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>(is_settled, from).has_value());
    EXPECT_GE(outside.balance(alpha, Chart::posted, usdc), 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Until so many contracts were filled, in however many tasks.
auto fills(std::int64_t contracts) {
    return
        [contracts, sum = std::int64_t{}](const auto&, const netting::HedgeClosed& task) mutable {
            sum += task.filled.v;
            return sum == contracts * one_contract;
        };
}

// Goal: a gap takes all margin and the position with it; the books say so, and the house hedges
// again once there is margin again.
TEST(VenueMargin, ALiquidationIsBookedAndHedgedAgain) {
    Outside outside;
    House house(outside, {.venue_margin_usd = 20'000});
    const auto trader = account_in(base::PartitionId{1});
    const auto client = house.client({trader});
    outside.deposit(perpetuals, trader, usdc, 500'000 * one_usdc);
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>(is_settled).has_value());
    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, 10 * one_contract));
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>(fills(10)).has_value());

    // The venue sees it first: nobody can post anything in time.
    const auto from = outside.watch.mark();
    outside.world->set_price(btc_contract, base::Price{3'000 * one_dollar});
    const auto is_liquidation = [](const auto&, const netting::VenueVariation& variation) {
        return variation.closed == Amount{-10 * one_contract};
    };
    ASSERT_TRUE(
        outside.watch.await_event<netting::VenueVariation>(is_liquidation, from).has_value());
    house.set_price(btc_contract, 3'000);
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>(fills(10), from).has_value());
    EXPECT_EQ(outside.balance(alpha, Chart::vpos, btc_contract), 10 * one_contract);
    EXPECT_GE(outside.balance(alpha, Chart::posted, usdc), 0);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
