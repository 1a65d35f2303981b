#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace account = ledger::account;
namespace netting = ledger::netting;

// Goal: what a client wins on a contract the venue pays to the broker, and the two meet in VM.
TEST(Contracts, VariationReachesBothSidesAndMeetsInTheMiddle) {
    Outside outside;
    House house(outside);
    const auto trader = account_in(base::PartitionId{1});
    const auto client = house.client({trader});
    outside.deposit(perpetuals, trader, usdc, 100'000 * one_usdc);
    // The venue takes margin before it takes positions.
    ASSERT_TRUE(outside.watch.await_event<netting::MoveClosed>().has_value());

    (void)client->expect<actors::TradeCleared>(trade_of(trader, btc_perp, one_contract));
    const auto closed = [](const auto&, const netting::HedgeClosed& event) {
        return event.filled == Amount{one_contract};
    };
    ASSERT_TRUE(outside.watch.await_event<netting::HedgeClosed>(closed).has_value());
    EXPECT_EQ(outside.balance(alpha, ledger::Chart::vpos, btc_contract), one_contract);

    const auto before = outside.watch.mark();
    house.set_price(btc_contract, 31'000);
    // A thousand, less the spreads of a trade that was not settled before.
    const auto gain = [](const auto&, const auto& event) {
        return event.change >= Amount{900 * one_usdc};
    };
    EXPECT_TRUE(outside.watch.await_event<account::VariationSettled>(gain, before).has_value());
    EXPECT_TRUE(outside.watch.await_event<netting::VenueVariation>(gain, before).has_value());
    // The client's gain is a claim until it is covered.
    const auto settled = [](const auto&, const account::ClaimsCovered& event) {
        return event.asset == usdc;
    };
    EXPECT_TRUE(outside.watch.await_event<account::ClaimsCovered>(settled, before).has_value());
    const auto vm = outside.balance(alpha, ledger::Chart::vm, usdc);
    EXPECT_LT(std::abs(vm), 100 * one_usdc) << "only spreads are left in the middle";
    EXPECT_EQ(outside.audit(), std::nullopt);
}

}  // namespace
}  // namespace crossclear::tests
