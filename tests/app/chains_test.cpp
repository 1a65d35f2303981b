#include "app/chains.hpp"

#include "shards/evm/desk.hpp"
#include "shards/evm/key.hpp"
#include "tests/support/shards/anvil.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

// The world of real chains, as a service has it, on a chain that is not the one of its file.

namespace crossclear::app {
namespace {

namespace evm = shards::evm;

constexpr std::uint64_t anvils_id = 31'337;
constexpr std::string_view secret =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

constexpr std::string_view site_of_one_chain = R"({{"chains": [
  {{"shard": "synthetix", "url": "{}", "websocket": "{}", "genesis": "{}",
   "deployment": {{"name": "synthetix", "chain_id": {}, "block": 0,
    "tokens": {{"USDC": {{"address": "0x0000000000000000000000000000000000000010", "asset": "USDC",
                        "decimals": 6, "scale": 6, "unit": "1"}}}},
    "venues": {{}},
    "vaults": {{"alpha": {{"address": "0x0000000000000000000000000000000000000071",
                         "operator": "{}", "gas_wanted": 1125873,
                         "code_hash":
                   "0x00000000000000000000000000000000000000000000000000000000000000c1"}}}},
    "roles": {{"admin": "0x00000000000000000000000000000000000000d0",
              "feeder": "0x00000000000000000000000000000000000000d1",
              "relayer": "0x00000000000000000000000000000000000000d2",
              "maker": "0x00000000000000000000000000000000000000d3",
              "oracle": "0x00000000000000000000000000000000000000d4"}},
    "accounts": []}}}}]}})";

// One chain on which nothing is, and the file of one that it may not be.
class ChainsOfAConfig : public ::testing::Test {
protected:
    void SetUp() override {
        if (tests::anvil_program().empty()) GTEST_SKIP() << "CROSSCLEAR_NPM names no anvil";
        anvil_.emplace();
        auto name = (std::filesystem::temp_directory_path() / "crossclear-chains-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override {
        world_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    [[nodiscard]] std::string genesis() {
        tests::Asker asker(anvil_->http_url());
        const auto block = asker.ask("eth_getBlockByNumber", {"0x0", false});
        return std::string(block.at("hash").as_string());
    }
    // The world of a file that says so.
    void reach(std::uint64_t chain_id, const std::string& first_block) {
        const auto key = evm::Key::of(*evm::parse_fixed<evm::Hash>(secret));
        const auto file = folder_ / "site.json";
        std::ofstream(file) << fmt::format(site_of_one_chain, anvil_->http_url(),
                                           anvil_->websocket_url(), first_block, chain_id,
                                           evm::to_hex(key->address()));
        Config config;
        config.listing = {
            .assets = {{"USDC", 6, base::AssetKind::stable, "", "circle"}},
            .instruments = {},
            .shards = {{"synthetix", {base::AssetId{0}}, {}, base::AssetId{0}, false}}};
        config.brokers.resize(1);
        config.brokers.front().name = "alpha";
        config.world.mode = WorldPlace::Mode::chains;
        config.world.chains.site = file;
        auto& signer = config.world.chains.signers.emplace_back();
        signer.broker = "alpha";
        signer.development_key = secret;
        auto reached = reach_chains(
            config,
            [this](actors::LogLevel, std::string_view sentence, const actors::LogFields& fields) {
                const std::scoped_lock lock(mutex_);
                said_ = std::string(sentence);
                for (const auto& [name, value] : fields)
                    said_ += fmt::format(" {}={}", name, value);
            },
            instruments);
        ASSERT_TRUE(reached.has_value()) << reached.error();
        world_ = *std::move(reached);
    }
    // What comes of asking who it is, once or again.
    [[nodiscard]] bool has_identity(int times = 1) {
        const auto seen = world_->shard(base::ShardId{0}, base::BrokerId{0});
        bool is_known = false;
        for (int i = 0; i < times; ++i) {
            std::promise<bool> known;
            seen->desk()->identify([&](const auto& found) { known.set_value(found.has_value()); });
            is_known = known.get_future().get();
        }
        return is_known;
    }
    [[nodiscard]] double faults(std::string_view reason) {
        return instruments.shards.shard_identity_faults_total.with({"alpha", "synthetix", reason})
            .value();
    }
    [[nodiscard]] std::string said() {
        const std::scoped_lock lock(mutex_);
        return said_;
    }

    metrics::Registry registry;
    metrics::Instruments instruments{registry};

private:
    std::optional<tests::Anvil> anvil_;
    std::filesystem::path folder_;
    std::mutex mutex_;
    std::string said_;
    std::unique_ptr<shards::simulated::OutsideWorld> world_;
};

// Goal: whoever watches learns that a chain is not the one configured, without reading a log; what
// is found again and again is one fault.
TEST_F(ChainsOfAConfig, AChainThatIsAnotherIsCountedOnceByReason) {
    const auto first = genesis();
    reach(anvils_id + 1, first);
    EXPECT_FALSE(has_identity(2));
    EXPECT_EQ(faults("other_chain"), 1);
    EXPECT_EQ(said(),
              "A chain is not the one that is configured. shard=synthetix broker=alpha "
              "why=expected chain 31338, found 31337");
    EXPECT_EQ(faults("contract_changed"), 0);

    auto other = first;
    other.back() = other.back() == '0' ? '1' : '0';
    reach(anvils_id, other);
    EXPECT_FALSE(has_identity());
    EXPECT_EQ(faults("other_chain"), 2);
    EXPECT_EQ(faults("contract_changed"), 0);

    // The right chain, and nothing at the vault's address.
    reach(anvils_id, first);
    EXPECT_FALSE(has_identity());
    EXPECT_EQ(faults("other_chain"), 2);
    EXPECT_EQ(faults("contract_changed"), 1);
}

}  // namespace
}  // namespace crossclear::app
