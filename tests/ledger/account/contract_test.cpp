#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;

TEST(AccountContract, ATradeMovesTheFeeAndAMemoAndIsSettledAtOnce) {
    State state = an_account().with_free(world::usdc, 100);
    const auto events = run(state, a_contract_trade(1, 10, 20));

    EXPECT_EQ(holding_of(state, world::usdc).free, Amount{99});
    EXPECT_FALSE(state.holdings.contains(world::eth_perp));
    const Contract contract{.quantity = Amount{10}, .settled_value = Amount{20}};
    EXPECT_EQ(state.contracts.at(world::eth_perp), contract);
    EXPECT_EQ(std::get<TradeNovated>(events.at(0)).cash, Amount{-20});
    EXPECT_EQ(state.trades.at(1).state, TradeState::settled);
}

TEST(AccountContract, AShortPositionNeedsNoHolding) {
    State state = an_account().with_free(world::usdc, 100);
    run(state, a_contract_trade(1, -10, 20));

    const Contract contract{.quantity = Amount{-10}, .settled_value = Amount{-20}};
    EXPECT_EQ(state.contracts.at(world::eth_perp), contract);
}

TEST(AccountContract, AGainIsCreditedAsAClaimOfVariation) {
    State state = an_account().with_contract(10, 20);
    run(state, a_settlement_at(base::Price{3'000'000'000}));

    const Claim claim{.trade = 0, .amount = Amount{10}, .settle_by = world::settle_by};
    ASSERT_EQ(holding_of(state, world::usdc).claims.size(), 1U);
    EXPECT_EQ(holding_of(state, world::usdc).claims.front(), claim);
    EXPECT_EQ(state.contracts.at(world::eth_perp).settled_value, Amount{30});
}

TEST(AccountContract, ALossIsBookedWhateverTheClientHolds) {
    State state = an_account().with_contract(10, 20).with_free(world::usdc, 3);
    run(state, a_settlement_at(base::Price{1'000'000'000}));

    EXPECT_EQ(holding_of(state, world::usdc).free, Amount{0});
    EXPECT_EQ(holding_of(state, world::usdc).recv, Amount{7});
}

TEST(AccountContract, TheValueRoundsAgainstTheClientLongOrShort) {
    State owner = an_account().with_contract(1, 0);
    const auto gain = run(owner, a_settlement_at(base::Price{1'900'000'000}));
    EXPECT_EQ(std::get<VariationSettled>(gain.at(0)).change, Amount{1});
    State debtor = an_account().with_contract(-1, 0);
    const auto loss = run(debtor, a_settlement_at(base::Price{1'900'000'000}));
    EXPECT_EQ(std::get<VariationSettled>(loss.at(0)).change, Amount{-2});
}

TEST(AccountContract, ASecondSettlementAtTheSameMarkIsNothing) {
    State state = an_account().with_contract(10, 20);
    run(state, a_settlement_at(base::Price{3'000'000'000}));
    EXPECT_EQ(decide(state, a_settlement_at(base::Price{3'000'000'000})),
              Decision{std::vector<Event>{}});
}

TEST(AccountContract, AClosedPositionSettlesItsRestAndIsForgotten) {
    State state = an_account().with_free(world::usdc, 100).with_contract(10, 20);
    run(state, a_contract_trade(1, -10, 25));
    const Contract closed{.quantity = Amount{0}, .settled_value = Amount{-5}};
    EXPECT_EQ(state.contracts.at(world::eth_perp), closed);
    run(state, a_settlement_at(world::mark));

    EXPECT_TRUE(state.contracts.empty());
    EXPECT_EQ(holding_of(state, world::usdc).unsettled, Amount{5});
}

TEST(AccountContract, APositionClosedWithoutARestIsForgottenAtOnce) {
    State state = an_account().with_free(world::usdc, 100).with_contract(10, 20);
    run(state, a_contract_trade(1, -10, 20));
    EXPECT_TRUE(state.contracts.empty());
}

TEST(AccountContract, SettlesNothingWithoutAPosition) {
    const State state = an_account();
    EXPECT_EQ(decide(state, a_settlement_at(world::mark)), Decision{std::vector<Event>{}});
}

// Goal: zero is a price. What died there is paid for, once, and there is nothing to say after that.
TEST(AccountContract, SettlesAtZero) {
    State state = an_account().with_free(world::usdc, 100).with_contract(10, 20);
    run(state, a_settlement_at(base::Price{0}));
    EXPECT_EQ(holding_of(state, world::usdc).free, Amount{80});
    EXPECT_EQ(state.contracts.begin()->second.settled_value, Amount{0});
    EXPECT_EQ(decide(state, a_settlement_at(base::Price{0})), Decision{std::vector<Event>{}});
}

// Goal: who is long pays how far the index has moved since the position stood at one, and who is
// short is paid it. What was before is no affair of theirs.
TEST(AccountContract, FundingIsPaidFromTheFirstIndexThatIsHeard) {
    State state = an_account().with_free(world::usdc, 100).with_contract(10, 20);
    const auto first = run(state, a_funding_up_to(7'000'000'000));
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(std::get<FundingSettled>(first.front()).change, Amount{0});
    run(state, a_funding_up_to(8'500'000'000));
    EXPECT_EQ(holding_of(state, world::usdc).free, Amount{85});
    EXPECT_EQ(state.contracts.at(world::eth_perp).settled_value, Amount{20});
    EXPECT_EQ(decide(state, a_funding_up_to(8'500'000'000)), Decision{std::vector<Event>{}});
    run(state, a_funding_up_to(-1'500'000'000));
    EXPECT_EQ(holding_of(state, world::usdc).unsettled, Amount{100});

    State seller = an_account().with_contract(-10, -20);
    run(seller, a_funding_up_to(0));
    run(seller, a_funding_up_to(1'500'000'000));
    EXPECT_EQ(holding_of(seller, world::usdc).unsettled, Amount{15});
}

// Goal: settled in many parts it is what it is in one, to the unit, however each of them rounds.
TEST(AccountContract, FundingInPartsIsFundingInOne) {
    for (const std::int64_t quantity : {3, -3}) {
        State one = an_account().with_contract(quantity, 0).with_free(world::usdc, 1'000);
        State other = one;
        for (State* state : {&one, &other}) run(*state, a_funding_up_to(-333'333'333));
        run(one, a_funding_up_to(5'777'777'777));
        const std::vector<std::int64_t> way{-1, 123'456'789, 4'000'000'001, 2, 5'777'777'777};
        for (const auto index : way) run(other, a_funding_up_to(index));
        const auto sum = [](const State& state) {
            const auto& held = holding_of(state, world::usdc);
            return held.free.v + held.unsettled.v;
        };
        EXPECT_EQ(sum(other), sum(one)) << quantity;
        EXPECT_EQ(sum(one), quantity > 0 ? 1'000 - 18 : 1'000 + 18) << "18.33, within a unit";
    }
}

// Goal: who adds to a position pays for what is added from now on; who closes it begins anew.
TEST(AccountContract, FundingStaysWithThePositionUntilItIsClosed) {
    State state = an_account().with_free(world::usdc, 200).with_contract(10, 20);
    run(state, a_funding_up_to(1'000'000'000));
    run(state, a_contract_trade(1, 10, 20));
    EXPECT_EQ(state.contracts.at(world::eth_perp).funding, base::Price{1'000'000'000});
    run(state, a_settlement_at(world::mark));
    EXPECT_EQ(state.contracts.at(world::eth_perp).funding, base::Price{1'000'000'000});
    run(state, a_contract_trade(2, -20, 45));
    ASSERT_TRUE(state.contracts.contains(world::eth_perp)) << "its last variation is open";
    EXPECT_EQ(state.contracts.at(world::eth_perp).funding, std::nullopt);
    EXPECT_EQ(decide(state, a_funding_up_to(9'000'000'000)), Decision{std::vector<Event>{}});
    run(state, a_settlement_at(world::mark));
    EXPECT_TRUE(state.contracts.empty());
}

TEST(AccountContract, RefusesFundingOutOfRange) {
    State state = an_account().with_contract(int64_max, 0);
    run(state, a_funding_up_to(0));
    EXPECT_EQ(decide(state, a_funding_up_to(int64_max)),
              Decision{base::Failure{Reject::notional_out_of_range}});
    auto odd = a_funding_up_to(1'000'000'000);
    odd.contract_scale = 40;
    EXPECT_EQ(decide(state, odd), Decision{base::Failure{Reject::notional_out_of_range}});
}

TEST(AccountContract, EndsAtItsLastPriceOnce) {
    State state = an_account().with_free(world::usdc, 100).with_contract(10, 20);
    const auto events = run(state, an_end_at(base::Price{1'500'000'000}));
    ASSERT_EQ(events.size(), 1U);
    const auto& expired = std::get<ContractExpired>(events.front());
    EXPECT_EQ(expired.quantity, Amount{10});
    EXPECT_EQ(expired.change, Amount{-5});
    EXPECT_EQ(holding_of(state, world::usdc).free, Amount{95});
    EXPECT_TRUE(state.contracts.empty());
    EXPECT_EQ(decide(state, an_end_at(base::Price{9'000'000'000})), Decision{std::vector<Event>{}});
}

// Goal: what has nothing to settle ends all the same, or it would be there for ever.
TEST(AccountContract, EndsWhereItsPriceHasNotMoved) {
    State state = an_account().with_contract(-10, -20);
    const auto events = run(state, an_end_at(world::mark));
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(std::get<ContractExpired>(events.front()).change, Amount{0});
    EXPECT_TRUE(state.contracts.empty());
}

// Goal: an outcome that did not come true is worth nothing: who has sold it keeps what it got.
TEST(AccountContract, EndsAtZero) {
    State state = an_account().with_contract(-10, -20);
    run(state, an_end_at(base::Price{0}));
    EXPECT_EQ(holding_of(state, world::usdc).unsettled, Amount{20});
    State owner = an_account().with_free(world::usdc, 100).with_contract(10, 20);
    run(owner, an_end_at(base::Price{0}));
    EXPECT_EQ(holding_of(owner, world::usdc).free, Amount{80});
}

TEST(AccountContract, RefusesAnEndBelowZeroOrOutOfRange) {
    const State state = an_account().with_contract(int64_max, -int64_max);
    EXPECT_EQ(decide(state, an_end_at(base::Price{-1})),
              Decision{base::Failure{Reject::price_is_stale}});
    EXPECT_EQ(decide(state, an_end_at(world::mark)),
              Decision{base::Failure{Reject::notional_out_of_range}});
}

TEST(AccountContract, RefusesASettlementWithoutAMarkOrOutOfRange) {
    const State state = an_account().with_contract(int64_max, -int64_max);
    EXPECT_EQ(decide(state, a_settlement_at(base::Price{-1})),
              Decision{base::Failure{Reject::price_is_stale}});
    EXPECT_EQ(decide(state, a_settlement_at(world::mark)),
              Decision{base::Failure{Reject::notional_out_of_range}});
    EXPECT_EQ(decide(state, a_settlement_at(base::Price{1'000'000'000})),
              Decision{base::Failure{Reject::notional_out_of_range}});
    auto wide = a_settlement_at(world::mark);
    wide.settlement_scale = -1;
    EXPECT_EQ(decide(state, wide), Decision{base::Failure{Reject::notional_out_of_range}});
}

}  // namespace
}  // namespace crossclear::tests
