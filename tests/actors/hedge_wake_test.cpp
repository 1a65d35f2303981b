#include "actors/hedge_actor.hpp"
#include "ledger/hedge/machine.hpp"
#include "tests/support/actors/house.hpp"
#include "tests/support/actors/lone_home.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
namespace hedge = ledger::hedge;

/// A task that buys two slices of ETH, a minute apart, and may go on for two.
class LoneHedge : public LoneHome {
protected:
    LoneHedge() : LoneHome(base::entity_of(base::EntityKind::hedge, alpha, 1)) {}

    void begin(base::Timestamp first) {
        state_.id = id;
        follow(
            hedge::PlanHedge{.instrument = eth_swap,
                             .shard = uniswap,
                             .is_contract = false,
                             .base = eth,
                             .settlement = usdc,
                             .gas_asset = eth,
                             .quantity = Amount{2},
                             .bound = base::Price{one_dollar},
                             .slices = {{Amount{1}, first}, {Amount{1}, first + base::seconds(60)}},
                             .cost_max = {Amount{one_usdc}, Amount{one_usdc}},
                             .salt = 7,
                             .deadline = first + base::seconds(120),
                             .at = first});
    }
    void follow(const hedge::Command& command) {
        const auto decision = hedge::decide(state_, command);
        ASSERT_TRUE(decision.has_value());
        for (const auto& event : *decision) hedge::apply(state_, event);
    }
    void host() { spawn<actors::HedgeHost>(std::move(state_)); }

private:
    hedge::State state_;
};

// Goal: while a shard is away nobody is busy with waiting. What was not sent by the deadline is not
// sent any more, and the task ends with the last of its orders.
TEST_F(LoneHedge, WaitsForItsOrdersAfterTheDeadline) {
    const auto now = base::wall_clock_now();
    begin(now);
    follow(hedge::Advance{.now = now});
    pass(base::seconds(121));
    host();
    tell(actors::Resume{});
    const auto sent = next_sent();
    EXPECT_EQ(sent.ref.number, 1U);
    for (int i = 0; i < 3; ++i) tell(actors::Wake{});
    ledger::OrderNotice included;
    included.ref = sent.ref;
    included.finality = ledger::Finality::included;
    included.block = 8;
    tell(included);
    // It has heard of all of this.
    (void)take();
    EXPECT_EQ(sent_by_now(), 0U);
}

TEST_F(LoneHedge, AWakeThatComesEarlyIsStillOwed) {
    begin(base::wall_clock_now() + base::milliseconds(100));
    host();
    tell(actors::Wake{});
    EXPECT_EQ(take().entries.size(), 1U) << "the first slice leaves";
}

}  // namespace
}  // namespace crossclear::tests
