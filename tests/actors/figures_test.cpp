#include "tests/support/actors/one_of.hpp"
#include "tests/support/actors/scripted_desk.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

// What is told of homes that move.

namespace crossclear::tests {
namespace {

using namespace town;

// Goal: an alert that fired where a home was ends there once the home is elsewhere, and a break is
// counted once, wherever its home has been.
TEST(Figures, OfAHomeEndWhereItHasLeft) {
    Outside outside(2);  // A home in each.
    ScriptedChain chain{outside, synthetix, beta};
    OneOf one(outside, "one", chain.in_place());
    const auto await_running = [&](OneOf& node, std::size_t count) {
        return outside.watch.await([&] { return node.house.partitions_running() == count; });
    };
    ASSERT_TRUE(await_running(one, 2));
    for (const auto broker : {alpha, beta}) {
        outside.deposit(uniswap, base::account_id(broker, 1), usdc, 1'000 * one_usdc);
    }
    outside.world->fail_protocol(uniswap, usdc, base::Ppm{100'000});
    const auto await_breaks = [&](OneOf& node, double count) {
        const auto gauge = node.house.node().context().instruments->reconciliation.breaks.with(
            {"uniswap", "USDC"});
        return outside.watch.await([&] { return gauge.value() == count; });
    };
    ASSERT_TRUE(await_breaks(one, 2)) << "one of each broker";

    auto two = std::make_unique<OneOf>(outside, "two", chain.in_place());
    ASSERT_TRUE(await_running(*two, 1) && await_running(one, 1));
    ASSERT_EQ(two->house.node().context().status.at(1)->phase.load(),
              actors::PartitionStatus::Phase::running)
        << "beta's home is the one that moves";
    EXPECT_TRUE(await_breaks(*two, 1));
    EXPECT_TRUE(await_breaks(one, 1));
    EXPECT_TRUE(outside.watch.await([&] { return one.house.figures(beta).breaks_open == 0; }));
    const std::string of_it = "{broker=\"beta\"";
    for (const std::string figure :
         {"shard_circuit_state", "shard_head_age_seconds", "shard_block_height", "tx_pending",
          "last_reconciliation_timestamp_seconds", "oldest_unsettled_seconds", "cover2_ratio",
          "tx_nonce_gap", "signing_lane_halted", "signer_balance_native"}) {
        const auto is_told_by = [&, series = "\ncrossclear_" + figure + of_it](OneOf& node) {
            return node.house.scrape().find(series) != std::string::npos;
        };
        EXPECT_TRUE(outside.watch.await([&] { return is_told_by(*two); })) << figure;
        EXPECT_TRUE(outside.watch.await([&] { return !is_told_by(one); })) << figure;
    }

    two.reset();
    ASSERT_TRUE(await_running(one, 2));
    EXPECT_TRUE(await_breaks(one, 2));
    EXPECT_TRUE(outside.watch.await([&] { return one.house.figures(beta).breaks_open == 1; }));
    EXPECT_TRUE(outside.watch.await([&] {
        return one.house.scrape().find("\ncrossclear_shard_head_age_seconds" + of_it) !=
               std::string::npos;
    }));
}

}  // namespace
}  // namespace crossclear::tests
