#include "app/config.hpp"
#include "app/service.hpp"
#include "tests/support/app/example_config.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace crossclear::app {
namespace {

using tests::example_with;

TEST(BrokerProfile, MayHaveCaps) {
    const auto config = parse_config(
        example_with("brokers:", "    hedge:",
                     "    caps: {unsettled_usd: 5, "
                     "shards: [{shard: perpetuals, exposure_usd: 7, orders_per_second: 3}],\n"
                     "           protocols: [{protocol: synthetix, exposure_usd: 9}]}\n"
                     "    hedge:"),
        "capped.yaml");
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    const auto context = context_of(*config);
    const auto& caps = context->broker(base::BrokerId{0}).profile.caps;
    EXPECT_EQ(caps.unsettled_cents, 5'00);
    ASSERT_EQ(caps.shards.size(), 1U);
    EXPECT_EQ(caps.shards.begin()->second.exposure_cents, 7'00);
    EXPECT_EQ(caps.shards.begin()->second.orders_per_second, 3U);
    EXPECT_EQ(caps.shards.begin()->second.unsettled_cents, 0);
    EXPECT_TRUE(context->broker(base::BrokerId{1}).profile.caps.shards.empty());
    EXPECT_EQ(caps.protocols.at("synthetix"), 9'00);
    EXPECT_FALSE(parse_config(example_with("brokers:", "    hedge:",
                                           "    caps: {shards: [], protocols: [{protocol: tera, "
                                           "exposure_usd: 9}]}\n    hedge:"),
                              "unknown.yaml"))
        << "nothing that is listed has that protocol";
    EXPECT_FALSE(parse_config(example_with("brokers:", "    hedge:",
                                           "    caps: {shards: [], protocols: [{protocol: circle, "
                                           "exposure_usd: 9}]}\n    hedge:"),
                              "money.yaml"))
        << "nobody could be refused anything";
    EXPECT_FALSE(parse_config(example_with("brokers:", "    hedge:",
                                           "    caps: {shards: [{shard: perpetuals}, {shard: "
                                           "perpetuals}]}\n    hedge:"),
                              "twice.yaml"))
        << "a shard has one cap";
    // What was read is what is written and read again.
    const auto again = parse_config(dump_config(*config), "again.yaml");
    ASSERT_TRUE(again.has_value()) << to_string(again.error());
    EXPECT_EQ(dump_config(*again), dump_config(*config));
}

TEST(BrokerProfile, ExpectsSomeDaysOfEachKind) {
    const auto config = parse_config(
        example_with("brokers:", "{in_kind: 10, linear_perpetual: 10,", "{in_kind: 3,"),
        "days.yaml");
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    const auto context = context_of(*config);
    const auto& days = context->broker(base::BrokerId{0}).profile.holding_days;
    EXPECT_EQ(days, (std::array<std::uint32_t, base::instrument_kinds>{3, 10, 10, 10, 10}));
}

TEST(BrokerProfile, MayTakeOnlyWhatReducesRisk) {
    const auto config = parse_config(
        example_with("brokers:", "is_close_only: false", "is_close_only: true"), "closing.yaml");
    ASSERT_TRUE(config.has_value()) << to_string(config.error());
    const auto context = context_of(*config);
    EXPECT_TRUE(context->broker(base::BrokerId{0}).profile.is_close_only);
    EXPECT_FALSE(context->broker(base::BrokerId{1}).profile.is_close_only);
}

}  // namespace
}  // namespace crossclear::app
