#include "ledger/reconcile/doubt.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crossclear::ledger::reconcile {
namespace {

using base::Amount;
using base::Timestamp;

constexpr base::AssetId usdc{0};
constexpr base::AssetId eth{1};  // Pays for gas.
constexpr base::AssetId sbtc{2};
constexpr base::AssetId perp{3};
constexpr base::InstrumentId sbtc_swap{0};
constexpr base::InstrumentId btc_perp{1};
constexpr base::ShardId here{0};

// When the compared block was made.
constexpr Timestamp block_at{1'000};
constexpr Timestamp later{1'001};
constexpr Timestamp earlier{999};
constexpr BlockTerms terms_of_block{.at = block_at, .gas_max = Amount{7}};

base::Listing a_listing() {
    return {.assets = {{"USDC", 6, base::AssetKind::stable, "", "circle"},
                       {"ETH", 9, base::AssetKind::spot, "ETH", ""},
                       {"sBTC", 8, base::AssetKind::synthetic, "BTC", "synthetix"},
                       {"BTC-PERP", 6, base::AssetKind::contract, "BTC", "perps"}},
            .instruments = {{"sBTC", base::InstrumentKind::in_kind, sbtc, usdc},
                            {"BTC-PERP", base::InstrumentKind::linear_perpetual, perp, usdc}},
            .shards = {{"synthetix", {usdc, eth, sbtc, perp}, {sbtc_swap, btc_perp}, eth, true}}};
}

ShardOrder transfer(OrderKind kind, std::int64_t usdc_amount, Timestamp deadline = later) {
    ShardOrder order;
    order.shard = here;
    order.kind = kind;
    order.asset = usdc;
    order.amount = Amount{usdc_amount};
    order.deadline = deadline;
    return order;
}

// Of so many hundred millionths, at 60,000 dollars at worst.
ShardOrder trade(OrderKind kind, std::int64_t quantity) {
    ShardOrder order;
    order.shard = here;
    order.kind = kind;
    order.instrument = kind == OrderKind::swap ? sbtc_swap : btc_perp;
    order.quantity = Amount{quantity};
    order.bound = base::Price{60'000'000'000'000};
    order.deadline = later;
    return order;
}

// By how much the shard has more than the book.
Line a_line(base::AssetId asset, std::int64_t held, std::int64_t posted = 0,
            std::int64_t position = 0) {
    Line line;
    line.asset = asset;
    line.book_held = Amount{5'000};
    line.shard_held = Amount{5'000 + held};
    line.shard_posted = Amount{posted};
    line.shard_position = Amount{position};
    return line;
}

Explanation explain(const Line& line, const std::vector<ShardOrder>& orders) {
    std::vector<OrderUnderWay> under_way;
    for (const auto& order : orders) under_way.push_back({.order = order});
    return explanation_of(line, under_way, a_listing(), terms_of_block);
}

TEST(ReconcileDoubt, NoOrderExplainsNothing) {
    EXPECT_EQ(explain(a_line(usdc, -1), {}), Explanation::none);
    EXPECT_EQ(explain(a_line(usdc, 1), {}), Explanation::none);
}

struct Case {
    const char* claim;
    Line line;
    std::vector<ShardOrder> orders;
    bool is_explained;
};

void expect_all(const std::vector<Case>& cases) {
    for (const auto& [claim, line, orders, is_explained] : cases) {
        EXPECT_EQ(explain(line, orders) == Explanation::orders, is_explained) << claim;
    }
}

TEST(ReconcileDoubt, ATransferMovesNoMoreThanItsAmountAndOnlyItsAsset) {
    const auto pay = transfer(OrderKind::pay_out, 40);
    const auto bridge = transfer(OrderKind::bridge_out, 2);
    expect_all({{"all of it", a_line(usdc, -40), {pay}, true},
                {"a part: another receipt is booked", a_line(usdc, -7), {pay}, true},
                {"more", a_line(usdc, -41), {pay}, false},
                {"the other way", a_line(usdc, 1), {pay}, false},
                {"two of them", a_line(usdc, -42), {pay, bridge}, true},
                {"more than two of them", a_line(usdc, -43), {pay, bridge}, false},
                {"another asset", a_line(sbtc, -1), {pay}, false}});
}

TEST(ReconcileDoubt, MarginMovesBetweenTheAddressAndTheVenue) {
    const auto post = transfer(OrderKind::post_margin, 40);
    const auto take = transfer(OrderKind::take_margin, 40);
    expect_all({{"posted", a_line(usdc, -40, 40), {post}, true},
                {"not taken", a_line(usdc, 40, -40), {post}, false},
                {"taken", a_line(usdc, 40, -40), {take}, true},
                {"more is taken", a_line(usdc, 40, -41), {take}, false}});
}

TEST(ReconcileDoubt, ASwapGivesAtMostItsBoundAndReceivesAtMostItsQuantity) {
    const auto purchase = trade(OrderKind::swap, 1'000);  // For 60 cents at most.
    const auto sale = trade(OrderKind::swap, -1'000);
    expect_all({{"bought", a_line(sbtc, 1'000), {purchase}, true},
                {"more is bought", a_line(sbtc, 1'001), {purchase}, false},
                {"gone instead", a_line(sbtc, -1), {purchase}, false},
                {"paid", a_line(usdc, -600'000), {purchase}, true},
                {"more is paid", a_line(usdc, -600'001), {purchase}, false},
                {"sold", a_line(sbtc, -1'000), {sale}, true},
                {"more is sold", a_line(sbtc, -1'001), {sale}, false},
                {"what a sale fetches has no bound", a_line(usdc, 900'000'000'000), {sale}, true},
                {"a sale pays nothing", a_line(usdc, -1), {sale}, false}});
}

TEST(ReconcileDoubt, AContractChangesItsPositionAndTheMarginAtItsVenue) {
    const auto buy = trade(OrderKind::contract, 1'000);
    expect_all({{"the position", a_line(perp, 0, 0, 1'000), {buy}, true},
                {"a larger one", a_line(perp, 0, 0, 1'001), {buy}, false},
                {"the other way", a_line(perp, 0, 0, -1), {buy}, false},
                {"the margin", a_line(usdc, 0, -777), {buy}, true},
                {"not what is at the address", a_line(usdc, -1), {buy}, false}});
}

TEST(ReconcileDoubt, EachOrderMayHaveCostGasUpToItsMost) {
    const auto pay = transfer(OrderKind::pay_out, 40);
    expect_all({{"gas", a_line(eth, -7), {pay}, true},
                {"more than one pays", a_line(eth, -8), {pay}, false},
                {"of two of them", a_line(eth, -14), {pay, pay}, true},
                {"nobody pays us gas", a_line(eth, 1), {pay}, false}});
    const BlockTerms unknown{.at = block_at, .gas_max = Amount{INT64_MAX}};
    EXPECT_EQ(explanation_of(a_line(eth, -1'000'000), {{.order = pay}}, a_listing(), unknown),
              Explanation::orders)
        << "no most is known";
}

// Goal: what cannot happen any more has happened: only its receipt is missing.
TEST(ReconcileDoubt, AnOrderThatIsTooLateInTheBlockExplainsByAMissingReceipt) {
    const auto late = transfer(OrderKind::pay_out, 40, earlier);
    const auto in_time = transfer(OrderKind::pay_out, 2, block_at);
    EXPECT_EQ(explain(a_line(usdc, -40), {late}), Explanation::late_orders);
    EXPECT_EQ(explain(a_line(usdc, -41), {late}), Explanation::none);
    EXPECT_EQ(explain(a_line(usdc, -2), {late, in_time}), Explanation::orders);
    EXPECT_EQ(explain(a_line(usdc, -42), {late, in_time}), Explanation::late_orders);
    const OrderUnderWay told{.order = late, .is_ended = true};
    EXPECT_EQ(explanation_of(a_line(usdc, -40), {told}, a_listing(), terms_of_block),
              Explanation::orders)
        << "its receipt is on its way";
}

// Goal: sums over many orders of any size are sums.
TEST(ReconcileDoubt, TheLargestFiguresAndManyOrdersDoNotOverflow) {
    auto huge = trade(OrderKind::swap, INT64_MAX);
    huge.bound = base::Price{INT64_MAX};
    auto line = a_line(usdc, 0);
    line.shard_held = Amount{-INT64_MAX};
    line.book_held = Amount{INT64_MAX};
    EXPECT_EQ(explain(line, std::vector(2'000, huge)), Explanation::orders);
    std::swap(line.shard_held, line.book_held);
    EXPECT_EQ(explain(line, std::vector(2'000, huge)), Explanation::none);
}

}  // namespace
}  // namespace crossclear::ledger::reconcile
