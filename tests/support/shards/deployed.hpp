#pragma once

#include "shards/evm/deployment.hpp"
#include "tests/support/shards/anvil.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Real chains with everything on them: deploy/chain/site.mjs, run for one test.

namespace crossclear::tests {

/// When chains make blocks.
enum class Blocks : std::uint8_t {
    at_once,     ///< One for each transaction.
    when_asked,  ///< By `DeployedSite::mine` alone.
};

/// Chains, alone with their test. What was deployed to them is final.
class DeployedSite {
public:
    /// Why there can be none here, for GTEST_SKIP; empty where there can.
    [[nodiscard]] static std::string obstacle();

    /// Starts a chain for each of the shipped descriptions: `synthetix`, `aave-uniswap`, `augur`.
    /// Nodes keep the states of so many blocks; 0: all. Takes some seconds.
    /// **Requires:** no obstacle.
    explicit DeployedSite(const std::vector<std::string>& shards, Blocks blocks = Blocks::at_once,
                          std::uint64_t states = 0);
    DeployedSite(const DeployedSite&) = delete;
    DeployedSite& operator=(const DeployedSite&) = delete;
    /// Ends the chains.
    ~DeployedSite();

    /// What is where, in the order of the shards.
    [[nodiscard]] const std::vector<shards::evm::ChainSite>& chains() const;
    /// One of them. **Requires:** it was started.
    [[nodiscard]] const shards::evm::ChainSite& chain(std::string_view shard) const;
    /// The file as site.mjs has written it.
    [[nodiscard]] std::string file() const;
    /// Asks one of the chains.
    [[nodiscard]] Asker& asker(std::string_view shard);
    /// Makes blocks.
    void mine(std::string_view shard, std::uint64_t blocks = 1);
    /// From now on. What waits goes into a block.
    void make_blocks(std::string_view shard, Blocks when);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace crossclear::tests
