#include "app/config.hpp"
#include "app/service.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace crossclear::app {
namespace {

TEST(Config, ABrokerMayHaveAUniverseOfItsOwn) {
    auto config = demo_config({});
    config.brokers[1].universe = config.universe;
    config.brokers[1].universe->underlyings[0].range = .4;
    EXPECT_TRUE(faults_of(config).empty());
    const auto again = parse_config(dump_config(config), "again.yaml");
    ASSERT_TRUE(again.has_value()) << to_string(again.error());
    EXPECT_EQ(again->brokers[0].universe, std::nullopt);
    EXPECT_EQ(again->brokers[1].universe, config.brokers[1].universe);
    EXPECT_EQ(dump_config(*again), dump_config(config));
    const auto context = context_of(*again);
    const auto range_of = [&](std::uint16_t id) {
        return context->broker(base::BrokerId{id}).parameters->universe().underlyings[0].range;
    };
    EXPECT_EQ(range_of(0), .16);
    EXPECT_EQ(range_of(1), .4);
    config.brokers[1].universe->underlyings[0].range = 1.5;
    const auto faults = faults_of(config);
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults.front().path, "brokers[1].universe.underlyings[0].range");
}

}  // namespace
}  // namespace crossclear::app
