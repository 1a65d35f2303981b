#include "app/chains.hpp"
#include "shards/evm/key_signer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

// What is said of a broker's signer before any chain is asked.

namespace crossclear::app {
namespace {

namespace evm = shards::evm;

constexpr const char* development_key =
    "0x00000000000000000000000000000000000000000000000000000000000000d1";

// One chain with one token and the vaults of two brokers, of the same key.
std::string site_text() {
    const auto key = evm::Key::of(*evm::parse_fixed<evm::Hash>(development_key));
    const auto vault = [&](int number) {
        return fmt::format(
            R"({{"address": "0x{:040x}", "operator": "{}", "gas_wanted": 1125873,
                 "code_hash": "0x{:064x}"}})",
            number, evm::to_checksummed(key->address()), number);
    };
    const auto role = [](int number) { return fmt::format("\"0x{:040x}\"", number); };
    return fmt::format(
        R"({{"chains": [{{"shard": "uniswap", "url": "http://127.0.0.1:1",
          "websocket": "ws://127.0.0.1:1", "genesis": "0x{:064x}",
          "deployment": {{"name": "uniswap", "chain_id": 31001, "block": 75,
            "tokens": {{"USDC": {{"address": {}, "asset": "USDC", "decimals": 6, "scale": 6,
                                  "unit": "1"}}}},
            "venues": {{}}, "vaults": {{"alpha": {}, "beta": {}}}, "bridge": {},
            "roles": {{"admin": {}, "feeder": {}, "relayer": {}, "maker": {}, "oracle": {}}},
            "accounts": []}}}}]}})",
        161, role(16), vault(113), vault(114), role(97), role(208), role(209), role(210), role(211),
        role(212));
}

struct Line {
    actors::LogLevel level{};
    std::string sentence;
    actors::LogFields fields;
};

// What is logged where these sign.
std::vector<Line> lines_of(const std::vector<SignerConfig>& signers) {
    const auto site = std::filesystem::temp_directory_path() /
                      fmt::format("crossclear-chains-test-{}.json", ::getpid());
    std::ofstream(site) << site_text();
    Config config;
    config.listing.assets = {{"USDC", 6, base::AssetKind::stable, "", "circle"}};
    config.listing.shards = {{"uniswap", {base::AssetId{0}}, {}, base::AssetId{0}, false}};
    for (const auto& signer : signers) config.brokers.emplace_back().name = signer.broker;
    config.world.mode = WorldPlace::Mode::chains;
    config.world.chains.site = site;
    config.world.chains.signers = signers;
    metrics::Registry registry;
    metrics::Instruments instruments{registry};
    std::vector<Line> lines;
    const auto world = reach_chains(
        config,
        [&](actors::LogLevel level, std::string_view sentence, const actors::LogFields& fields) {
            lines.push_back({level, std::string(sentence), fields});
        },
        instruments);
    std::filesystem::remove(site);
    EXPECT_TRUE(world.has_value()) << world.error();
    return lines;
}

SignerConfig in_process(std::string name) {
    return {.broker = std::move(name),
            .development_key = development_key,
            .url = {},
            .certificate = {},
            .key = {},
            .authority = {}};
}

SignerConfig remote(std::string name) {
    auto signer = in_process(std::move(name));
    signer.development_key.clear();
    signer.url = "https://signer.internal:9000";
    return signer;
}

// Goal: a file made for a test does not serve for more without anybody being told, of each broker.
TEST(Chains, WarnOfEachKeyThatIsInThisProcess) {
    const auto lines = lines_of({in_process("alpha"), in_process("beta")});
    ASSERT_EQ(lines.size(), 2U);
    for (const auto& line : lines) {
        EXPECT_EQ(line.level, actors::LogLevel::warning);
        EXPECT_EQ(line.sentence,
                  "A broker's key is in this process: whoever reads its memory or configuration "
                  "has it.");
    }
    EXPECT_EQ(lines[0].fields, (actors::LogFields{{"broker", "alpha"}}));
    EXPECT_EQ(lines[1].fields, (actors::LogFields{{"broker", "beta"}}));
}

TEST(Chains, SayNothingOfKeysThatAreElsewhere) {
    EXPECT_TRUE(lines_of({remote("alpha"), remote("beta")}).empty());
    const auto lines = lines_of({remote("alpha"), in_process("beta")});
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].fields, (actors::LogFields{{"broker", "beta"}}));
}

}  // namespace
}  // namespace crossclear::app
