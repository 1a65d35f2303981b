#include "ledger/account/room.hpp"

#include "ledger/account/balances.hpp"
#include "ledger/account/machine.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/extremes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace crossclear::tests {
namespace {

using namespace ledger::account;
using base::Amount;

const Decision does_not_fit{base::Failure{Reject::notional_out_of_range}};

ConcludeMatch committed_by(base::AccountId buyer, std::uint64_t number) {
    return {.buyer = buyer,
            .number = number,
            .is_committed = true,
            .at = world::now,
            .settle_by = world::settle_by};
}

NoteDeposit more_usdc(std::int64_t amount) {
    return a_deposit(99, world::usdc, amount, ledger::Finality::seen);
}

EndTransfer sent_back(std::uint64_t number) {
    return {.number = number, .reason = Reject::receiver_unknown, .at = world::now};
}

// Goal: the buyer's account has committed for both: nothing that came in between may keep the
// seller from booking its side.
TEST(Room, IsKeptForWhatASaleWillBring) {
    State state = an_account().with_free(world::eth, 100).with_free(world::usdc, int64_max - 50);
    run(state, a_sale(1, 10, 40));  // 40, less a fee of 1.
    EXPECT_EQ(decide(state, more_usdc(12)), does_not_fit);
    EXPECT_FALSE(run(state, more_usdc(11)).empty());
    run(state, committed_by(another_account(), 1));
    EXPECT_EQ(usdc_of(state).unsettled, Amount{39});
    EXPECT_EQ(state.sale_ends.at(another_account()).trade, 1U);
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

TEST(Room, ThatASaleDoesNotHaveDeclinesIt) {
    State state = an_account().with_free(world::eth, 100).with_free(world::usdc, int64_max - 50);
    run(state, a_sale(1, 10, 40));
    auto second = a_sale(1, 10, 13);
    second.buyer = base::account_id(base::BrokerId{0}, 19);
    run(state, second);
    EXPECT_EQ(outcome_of(state, second), Reject::notional_out_of_range);
    second.number = 2;
    second.terms.cash = Amount{12};
    run(state, second);
    EXPECT_EQ(outcome_of(state, second), Reject::none);
}

// Goal: a debt that a sale would have paid may be gone when it is cleared.
TEST(Room, IsKeptForAllOfASaleWhateverTheAccountOwes) {
    State state = an_account().with_free(world::eth, 100).with_debt(30);
    run(state, a_sale(1, 10, 40));
    ledger::BalanceChange most;
    most.asset = world::usdc;
    most.free = Amount{int64_max - 39};
    EXPECT_TRUE(has_room(state, most));
    most.free = Amount{int64_max - 38};
    EXPECT_FALSE(has_room(state, most));
}

TEST(Room, IsKeptForWhatABuyerWillGet) {
    State state = an_account().with_free(world::usdc, 100).with_free(world::eth, int64_max - 10);
    EXPECT_EQ(reason_of(decide(state, a_match(1, 11, 20))), Reject::notional_out_of_range);
    run(state, a_match(1, 10, 20));
    EXPECT_EQ(reason_of(decide(state, a_trade(2, world::eth, 1, 2))),
              Reject::notional_out_of_range);
    run(state,
        HearMatch{
            .number = 1, .reason = Reject::none, .at = world::now, .settle_by = world::settle_by});
    EXPECT_EQ(eth_of(state).unsettled, Amount{10});
}

TEST(Room, IsGivenUpWithTheReservation) {
    State state = an_account().with_free(world::eth, 100).with_free(world::usdc, int64_max - 50);
    run(state, a_sale(1, 10, 40));
    auto given_up = committed_by(another_account(), 1);
    given_up.is_committed = false;
    run(state, given_up);
    EXPECT_FALSE(run(state, more_usdc(50)).empty());
}

// Goal: what nobody took comes back, whatever has arrived since.
TEST(Room, IsKeptForATransferThatMayComeBack) {
    State state = an_account().with_free(world::eth, int64_max);
    run(state, a_transfer(1, world::eth, 10));
    EXPECT_EQ(decide(state, a_deposit(99, world::eth, 1, ledger::Finality::seen)), does_not_fit);
    auto arrival = an_arrival(1, world::eth, 1);
    run(state, arrival);
    EXPECT_EQ(outcome_of(state, arrival), Reject::notional_out_of_range);
    run(state, sent_back(1));
    EXPECT_EQ(eth_of(state).free, Amount{int64_max});
    EXPECT_EQ(check_invariants(state), std::nullopt);
}

TEST(Room, IsNotKeptForATransferThatHasArrived) {
    State state = an_account().with_free(world::eth, int64_max);
    run(state, a_transfer(1, world::eth, 10));
    run(state, EndTransfer{.number = 1, .reason = Reject::none, .at = world::now});
    EXPECT_FALSE(run(state, a_deposit(99, world::eth, 10, ledger::Finality::seen)).empty());
}

TEST(Room, OfAPositionIsKeptEitherWay) {
    State state = an_account().with_free(world::usdc, 100).with_contract(-int64_max + 10, 0);
    auto sale = a_sale(1, 10, 20);
    sale.terms.is_contract = true;
    sale.terms.base = world::eth_perp;
    run(state, sale);
    EXPECT_EQ(outcome_of(state, sale), Reject::none);
    EXPECT_EQ(reason_of(decide(state, a_contract_trade(2, -1, 2))), Reject::notional_out_of_range);
    const auto down = [&](std::int64_t quantity, std::int64_t settled_value) {
        return has_room(
            state, world::eth_perp,
            Contract{.quantity = Amount{quantity}, .settled_value = Amount{settled_value}});
    };
    EXPECT_TRUE(down(-int64_max + 10, -int64_max + 20));
    EXPECT_FALSE(down(-int64_max + 9, 0));
    EXPECT_FALSE(down(0, -int64_max + 19)) << "a sale lowers the value that is settled";
    EXPECT_TRUE(down(int64_max, int64_max));
    run(state, committed_by(another_account(), 1));
    EXPECT_EQ(state.contracts.at(world::eth_perp).quantity, Amount{-int64_max});
}

// Goal: at the edge of what 64 bits hold, whatever else happens, all that was agreed can be
// booked whenever its word comes.
RC_GTEST_PROP(Room, OfAllThatIsAgreedIsThereWhenItsWordComes, ()) {
    base::Rng rng{*rc::gen::arbitrary<std::uint64_t>()};
    const auto edge = int64_max - 600;
    State state = an_account()
                      .with_free(world::usdc, int64_max - 2'000)
                      .with_free(world::eth, int64_max - 900)
                      .with_contract(rng.below(2) == 0 ? edge : -edge, 0);
    bool was_short = false;
    for (int i = 0; i < 150; ++i) {
        const auto command = random_account_command(rng, state);
        const auto decision = decide(state, command);
        was_short = was_short || decision == does_not_fit;
        if (decision) {
            for (const auto& event : *decision) ledger::account::apply(state, event);
        }
        const auto breach = check_invariants(state);
        RC_ASSERT(!breach);
        for (const auto& [buyer, sale] : state.sales) {
            RC_ASSERT(decide(state, committed_by(buyer, sale.number)).has_value());
        }
        for (const auto& [number, transfer] : state.transfers) {
            RC_ASSERT(decide(state, sent_back(number)).has_value());
        }
    }
    RC_CLASSIFY(was_short, "something did not fit");
}

}  // namespace
}  // namespace crossclear::tests
