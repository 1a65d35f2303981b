#include "app/config.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

// A world of real chains: what it is told, and what would keep it from working.

namespace crossclear::app {
namespace {

Config config_on_chains() {
    auto config = demo_config({});
    put_demo_on_chains(config, "/etc/crossclear/site.json");
    auto& signer = config.world.chains.signers.front();
    signer.development_key.clear();
    signer.url = "https://signer.internal:9000";
    return config;
}

TEST(ConfigOfChains, KeepsWhatFeesMayBe) {
    auto config = config_on_chains();
    EXPECT_EQ(faults_of(config), std::vector<ConfigFault>{});
    EXPECT_EQ(config.world.chains.tip_min_gwei, 1U);
    config.world.chains.fee_max_gwei = 90;
    config.world.chains.tip_max_gwei = 7;
    config.world.chains.tip_min_gwei = 0;
    const auto text = dump_config(config);
    EXPECT_NE(text.find("tip_min_gwei: 0"), std::string::npos) << text;
    const auto read = parse_config(text, "dump");
    ASSERT_TRUE(read.has_value()) << to_string(read.error());
    EXPECT_EQ(read->world.chains.fee_max_gwei, 90U);
    EXPECT_EQ(read->world.chains.tip_max_gwei, 7U);
    EXPECT_EQ(read->world.chains.tip_min_gwei, 0U);
}

TEST(ConfigOfChains, ContradictionsAreRefused) {
    struct Row {
        std::function<void(ChainsConfig&)> make;
        const char* path;
        const char* says;
    };
    const Row rows[] = {
        {[](ChainsConfig& c) { c.tip_max_gwei = c.fee_max_gwei + 1; }, "world.tip_max_gwei",
         "exceeds fee_max_gwei"},
        {[](ChainsConfig& c) { c.tip_min_gwei = c.tip_max_gwei + 1; }, "world.tip_min_gwei",
         "exceeds tip_max_gwei"},
        {[](ChainsConfig& c) { c.signers[0].certificate = "/c.pem"; }, "world.signers[0]", "both"},
        {[](ChainsConfig& c) {
             c.signers[0].certificate = "/nonexistent.pem";
             c.signers[0].key = "/nonexistent.key";
         },
         "world.signers[0].certificate", "found /nonexistent.pem: No such file"},
        {[](ChainsConfig& c) { c.signers[0].authority = "/dev/null"; },
         "world.signers[0].authority", "found /dev/null: no certificate in it"},
        {[](ChainsConfig& c) {
             c.endpoints = {{.shard = base::ShardId{0},
                             .urls = {"https://node.internal:8545"},
                             .authority = "/nonexistent.pem"}};
         },
         "world.endpoints[0].authority", "found /nonexistent.pem: No such file"},
    };
    for (const auto& row : rows) {
        auto config = config_on_chains();
        row.make(config.world.chains);
        auto faults = faults_of(config);
        if (faults.empty()) faults = faults_of_files(config);
        ASSERT_EQ(faults.size(), 1U) << row.path << to_string({.file = "it", .faults = faults});
        EXPECT_EQ(faults.front().path, row.path);
        EXPECT_NE(faults.front().says.find(row.says), std::string::npos) << faults.front().says;
    }
}

// Goal: whoever starts the service is led to the line to correct.
TEST(ConfigOfChains, AFileThatCannotBeUsedIsNamedByItsLine) {
    auto config = config_on_chains();
    config.world.chains.signers[0].certificate = "/dev/null";
    config.world.chains.signers[0].key = "/nonexistent.key";
    const auto text = dump_config(config);
    EXPECT_TRUE(parse_config(text, "it.yaml").has_value()) << "who does not start it";
    const auto refused = parse_config(text, "it.yaml", NamedFiles::looked_at);
    ASSERT_FALSE(refused.has_value());
    const auto& fault = refused.error().faults.front();
    EXPECT_EQ(fault.path, "world.signers[0].certificate");
    EXPECT_EQ(fault.says,
              "expected a PEM file of our certificate, valid today, found /dev/null: none in it");
    const auto at = text.find("certificate: /dev/null");
    ASSERT_NE(at, std::string::npos) << text;
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(at);
    EXPECT_EQ(fault.line, 1 + std::count(text.begin(), end, '\n'));
}

}  // namespace
}  // namespace crossclear::app
