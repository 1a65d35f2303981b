#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
using ledger::Finality;
namespace account = ledger::account;
namespace netting = ledger::netting;

// Nobody's home: there nothing but the client is at work.
constexpr base::PartitionId bystanders{2};

// Goal: what an account has not booked is not taken for booked. It knows the first deposit of this
// chain with another amount.
TEST(Deposits, OneThatItsAccountRefusesStaysInTransit) {
    Outside outside;
    const auto client = account_in(bystanders);
    const Amount other{one_usdc};
    outside.write(bystanders, {{base::entity_of(client),
                                account::Event{account::DepositNoted{.deposit = 1,
                                                                     .shard = synthetix,
                                                                     .asset = usdc,
                                                                     .amount = other,
                                                                     .finality = Finality::seen,
                                                                     .change = {.asset = usdc,
                                                                                .seen = other,
                                                                                .free = {},
                                                                                .unsettled = {},
                                                                                .held = {},
                                                                                .recv = {}},
                                                                     .at = {}}}}});
    House house(outside);
    const Amount amount{5 * one_usdc};
    ASSERT_TRUE(outside.world->deposit(synthetix, client, usdc, amount).has_value());
    const auto is_final = [](const auto&, const netting::DepositRecorded& deposit) {
        return deposit.finality == Finality::final;
    };
    ASSERT_TRUE(outside.watch.await_event<netting::DepositRecorded>(is_final).has_value());

    // The next one takes the same road: once it is booked, so would the first have been.
    outside.deposit(synthetix, client, usdc, 7 * one_usdc);
    const auto is_next = [](const auto&, const netting::DepositAcknowledged& deposit) {
        return deposit.deposit == 2;
    };
    ASSERT_TRUE(outside.watch.await_event<netting::DepositAcknowledged>(is_next).has_value());
    const auto acknowledged = outside.watch.all<netting::DepositAcknowledged>();
    EXPECT_TRUE(std::none_of(acknowledged.begin(), acknowledged.end(),
                             [](const auto& deposit) { return deposit.deposit == 1; }));
    EXPECT_EQ(outside.balance(alpha, ledger::Chart::transit, usdc), -4 * one_usdc);
    // Told by each of its words, and not in between.
    const auto told = outside.watch.lines_with("An account refused a deposit");
    EXPECT_GE(told, 1U);
    EXPECT_LE(told, 4U);
}

}  // namespace
}  // namespace crossclear::tests
