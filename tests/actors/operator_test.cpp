#include "tests/support/actors/house.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace crossclear::tests {
namespace {

using namespace town;
using base::Amount;
using ledger::Chart;
namespace account = ledger::account;
namespace instruction = ledger::instruction;
namespace reconcile = ledger::reconcile;
namespace withdrawal = ledger::withdrawal;

const auto holder = account_in(base::PartitionId{1});

actors::LaneView lane_of(Client& by, base::ShardId shard) {
    const auto view = by.expect<actors::LanesView>(actors::Request{actors::GetBreaks{}});
    const auto found = std::find_if(view.lanes.begin(), view.lanes.end(), [&](const auto& lane) {
        return lane.broker == alpha && lane.shard == shard;
    });
    return found == view.lanes.end() ? actors::LaneView{} : *found;
}

actors::ResolveBreak resolution(const actors::BreakId& of, actors::Resolution resolution) {
    return {.id = cancel_of(holder, 1).id,
            .of = of,
            .resolution = resolution,
            .reason = "the protocol was robbed",
            .received_at = {}};
}

actors::PauseShard pause_of(base::ShardId shard, bool is_paused) {
    return {
        .id = cancel_of(holder, 1).id, .shard = shard, .is_paused = is_paused, .received_at = {}};
}

// Where in the order of what became durable the first event stands that fits.
template <class Event, class Fits>
std::size_t place_of(const Watch& watch, Fits fits) {
    const auto seen = watch.seen();
    const auto found = std::find_if(seen.begin(), seen.end(), [&](const Seen& one) {
        const auto* event = event_in<Event>(one.entry);
        return event != nullptr && fits(one.entry, *event);
    });
    return static_cast<std::size_t>(found - seen.begin());
}

const auto is_alphas = [](const ledger::Entry& entry, const auto&) {
    return base::broker_of(entry.entity) == alpha;
};

const auto is_any = [](const auto&, const auto&) { return true; };
const auto is_payment = [](const auto&, const auto& leg) {
    return leg.order == ledger::OrderKind::pay_out;
};

// Goal: tokens that a protocol has lost stop their lane until a person has said who bears them;
// then everything goes on, and withdrawals no sooner than somebody does.
TEST(Operator, ResolvesALossAndTheLaneGoesOn) {
    Outside outside;
    House house(outside);
    const auto by = house.client({holder});
    outside.deposit(uniswap, holder, usdc, 1'000 * one_usdc);
    outside.world->fail_protocol(uniswap, usdc, base::Ppm{100'000});
    ASSERT_TRUE(outside.watch.await_event<reconcile::LaneFrozen>(is_alphas).has_value());

    const auto frozen = lane_of(*by, uniswap);
    EXPECT_TRUE(frozen.is_frozen);
    ASSERT_EQ(frozen.breaks.size(), 1U);
    const auto& open = frozen.breaks.front();
    EXPECT_EQ(open.kind, "unexplained_outflow");
    ASSERT_TRUE(open.sides.has_value());
    EXPECT_EQ(open.difference, base::must_subtract(open.sides->shard_held, open.sides->book_held));
    const auto loss = -open.difference.v;
    EXPECT_GT(loss, 0);

    // This one is approved and cannot leave: nobody knew of SUSPENSE yet.
    const auto one =
        by->expect<actors::WithdrawalTaken>(withdrawal_of(holder, usdc, 100 * one_usdc, uniswap));
    ASSERT_TRUE(outside.watch.await_event<withdrawal::WithdrawalApproved>().has_value());

    const auto suspend = resolution(open.id, actors::Resolution::suspended);
    const auto settled = by->expect<actors::BreakSettled>(actors::OperatorRequest{suspend});
    EXPECT_FALSE(settled.is_frozen);
    EXPECT_FALSE(settled.is_repeat);
    EXPECT_TRUE(by->expect<actors::BreakSettled>(actors::OperatorRequest{suspend}).is_repeat);
    EXPECT_EQ(outside.balance(alpha, Chart::suspense, usdc), loss);
    const auto is_paid = [&](const auto&, const account::WithdrawalPaid& paid) {
        return paid.number == one.number;
    };
    ASSERT_TRUE(outside.watch.await_event<account::WithdrawalPaid>(is_paid).has_value())
        << "the lane is open again";

    const auto other =
        by->expect<actors::WithdrawalTaken>(withdrawal_of(holder, usdc, 100 * one_usdc, uniswap));
    for (int i = 0; i < 3; ++i) {  // Each takes longer than the withdrawal's delay.
        (void)by->expect<actors::LanesView>(actors::OperatorRequest{actors::Reconcile{uniswap}});
    }
    const auto suspended = lane_of(*by, uniswap);
    EXPECT_FALSE(suspended.is_frozen) << "the book follows the shard: no new break";
    ASSERT_EQ(suspended.breaks.size(), 1U);
    EXPECT_EQ(suspended.breaks.front().state, "suspended");
    const auto bear = resolution(suspended.breaks.front().id, actors::Resolution::borne);
    (void)by->expect<actors::BreakSettled>(actors::OperatorRequest{bear});

    const auto is_second = [&](const ledger::Entry& entry, const auto&) {
        return entry.entity.id == holder.v && entry.entity.sub == other.number;
    };
    ASSERT_TRUE(outside.watch.await_event<withdrawal::WithdrawalCompleted>(is_second).has_value());
    const auto is_borne = [](const auto&, const reconcile::BreakResolved& event) {
        return event.borne > Amount{0};
    };
    EXPECT_LT(place_of<reconcile::BreakResolved>(outside.watch, is_borne),
              place_of<withdrawal::WithdrawalApproved>(outside.watch, is_second))
        << "gated until somebody bore the loss";
    EXPECT_EQ(outside.balance(alpha, Chart::suspense, usdc), 0);
    EXPECT_TRUE(lane_of(*by, uniswap).breaks.empty());
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: what an operator has decided outlives the node, and nothing is decided twice.
TEST(Operator, ABreakAndItsResolutionOutliveTheNode) {
    Outside outside;
    actors::BreakId of;
    {
        House house(outside);
        outside.deposit(uniswap, holder, usdc, 1'000 * one_usdc);
        outside.world->fail_protocol(uniswap, usdc, base::Ppm{100'000});
        ASSERT_TRUE(outside.watch.await_event<reconcile::LaneFrozen>(is_alphas).has_value());
        of = lane_of(*house.client({}), uniswap).breaks.at(0).id;
    }
    const auto bear = resolution(of, actors::Resolution::borne);
    const auto late = resolution(of, actors::Resolution::suspended);
    {
        House house(outside);
        const auto by = house.client({holder});
        EXPECT_TRUE(lane_of(*by, uniswap).is_frozen);
        // Sent, and kept by the lane until the break is resolved.
        (void)by->expect<actors::WithdrawalTaken>(
            withdrawal_of(holder, usdc, 100 * one_usdc, uniswap));
        ASSERT_TRUE(outside.watch.await_event<instruction::LegSent>(is_payment).has_value());
        for (int i = 0; i < 3; ++i) {  // Each takes some blocks.
            (void)by->expect<actors::LanesView>(
                actors::OperatorRequest{actors::Reconcile{uniswap}});
        }
        EXPECT_FALSE(by->expect<actors::BreakSettled>(actors::OperatorRequest{bear}).is_frozen);
        ASSERT_TRUE(outside.watch.await_event<account::WithdrawalPaid>().has_value());
        EXPECT_LT(place_of<reconcile::BreakResolved>(outside.watch, is_any),
                  place_of<instruction::LegFinal>(outside.watch, is_payment));
    }
    House house(outside);
    const auto by = house.client({});
    EXPECT_FALSE(lane_of(*by, uniswap).is_frozen);
    EXPECT_TRUE(by->expect<actors::BreakSettled>(actors::OperatorRequest{bear}).is_repeat);
    EXPECT_EQ(by->refusal_code(actors::OperatorRequest{late}), -32602) << "it is closed";
    EXPECT_EQ(outside.watch.all<reconcile::BreakResolved>().size(), 1U);
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a paused shard gets no new risk, whoever reduces his is served, and a restart forgets
// nothing.
TEST(Operator, APausedShardTakesNoNewRisk) {
    Outside outside;
    const auto pause = pause_of(uniswap, true);
    {
        House house(outside, {.snapshot_every = base::milliseconds(20)});
        const auto by = house.client({holder});
        outside.deposit(uniswap, holder, usdc, 100'000 * one_usdc);
        outside.deposit(uniswap, holder, eth, 5 * one_eth);
        EXPECT_FALSE(by->expect<actors::ShardPauseSet>(actors::OperatorRequest{pause}).is_repeat);
        EXPECT_TRUE(by->expect<actors::ShardPauseSet>(actors::OperatorRequest{pause}).is_repeat);
        EXPECT_EQ(by->refusal_code(trade_of(holder, eth_swap, one_eth)), 11030);
        EXPECT_EQ(by->refusal_code(withdrawal_of(holder, usdc, one_usdc, uniswap)), 11030);
        (void)by->expect<actors::TradeCleared>(trade_of(holder, eth_swap, -one_eth));
        (void)by->expect<actors::TradeCleared>(trade_of(holder, sbtc_swap, one_sbtc / 10));
        ASSERT_TRUE(outside.await_round(base::home_of(alpha, partitions)));
    }
    House house(outside);
    const auto by = house.client({holder});
    EXPECT_TRUE(lane_of(*by, uniswap).is_paused);
    EXPECT_EQ(by->refusal_code(trade_of(holder, eth_swap, one_eth)), 11030);
    (void)by->expect<actors::ShardPauseSet>(actors::OperatorRequest{pause_of(uniswap, false)});
    EXPECT_TRUE(by->expect<actors::ShardPauseSet>(actors::OperatorRequest{pause}).is_repeat);
    (void)by->expect<actors::TradeCleared>(trade_of(holder, eth_swap, one_eth));
    EXPECT_EQ(outside.audit(), std::nullopt);
}

// Goal: a node that has missed the end of a pause takes trades again by itself, and one that has
// missed its beginning takes none.
TEST(Operator, APauseAndItsEndAreSaidAgain) {
    Outside outside;
    House house(outside);
    const auto by = house.client({holder});
    auto& board = house.node().context().paused;
    const auto await_on_board = [&](bool is_paused) {
        return outside.watch.await([&] { return board.is_paused(alpha, uniswap) == is_paused; });
    };
    board.hear(alpha, uniswap, true);
    EXPECT_TRUE(await_on_board(false));
    (void)by->expect<actors::ShardPauseSet>(actors::OperatorRequest{pause_of(uniswap, true)});
    board.hear(alpha, uniswap, false);
    EXPECT_TRUE(await_on_board(true));
}

TEST(Operator, SeesPartitionsAndTheNode) {
    Outside outside;
    House house(outside);
    const auto by = house.client({});
    const auto view =
        by->expect<actors::PartitionsView>(actors::OperatorRequest{actors::GetPartitions{}});
    ASSERT_EQ(view.partitions.size(), std::size_t{partitions});
    for (const auto& line : view.partitions) EXPECT_EQ(line.phase, "running");
    const auto nodes = by->expect<actors::NodesView>(actors::OperatorRequest{actors::GetNodes{}});
    ASSERT_EQ(nodes.nodes.size(), 1U);
    EXPECT_EQ(nodes.nodes.front().partitions_running, std::uint64_t{partitions});
}

}  // namespace
}  // namespace crossclear::tests
