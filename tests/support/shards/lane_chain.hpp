#pragma once

#include "base/listing.hpp"
#include "ledger/words.hpp"
#include "shards/evm/abi.hpp"
#include "shards/evm/blocks.hpp"
#include "tests/support/shards/deployed.hpp"
#include "tests/support/shards/lane_host.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A real chain with alpha's vault on it, and the host of its lane.

namespace crossclear::tests {

/// What is listed there.
namespace listed {
inline constexpr base::AssetId usdc{0};
inline constexpr base::AssetId eth{1};
inline constexpr base::AssetId sbtc{2};
inline constexpr base::ShardId synthetix{0};
inline constexpr base::ShardId augur{1};
inline constexpr base::InstrumentId bitcoin{0};
}  // namespace listed

inline constexpr std::int64_t million = 1'000'000;  ///< Units of USDC in one.

/// For tests of a ChainShard. Blocks are made when they are asked for; a block is final once two
/// more are there, and safe with one.
class LaneChain : public ::testing::Test {
protected:
    static constexpr std::string_view shard_name = "synthetix";

    void SetUp() override;
    /// What no news may do, none did.
    void TearDown() override;
    void end_host();

    /// Deploys, also to others that there are ways to. A node keeps so many states; 0: all.
    void deploy(std::vector<std::string> others = {}, std::uint64_t states = 0);
    /// As an app configures it, through these endpoints or the chain's own two.
    [[nodiscard]] shards::evm::ChainShardOptions options(std::vector<std::string> urls = {}) const;
    /// Deploys, hosts and follows.
    void start();
    /// Hosts anew, and begins with what was sent.
    void restart(const std::vector<SignedOrder>& sent);

    /// Orders, each with a reference of its own.
    [[nodiscard]] ledger::ShardOrder payment(std::int64_t units);
    [[nodiscard]] ledger::ShardOrder purchase(std::int64_t quantity);
    [[nodiscard]] ledger::ShardOrder expired();
    /// Signed, sent and waiting in the node's pool.
    [[nodiscard]] SignedOrder send(const ledger::ShardOrder& order);
    /// The same bytes once more, until they wait there.
    void send_again(const SignedOrder& sent);

    /// The node's word.
    [[nodiscard]] Asker& node() { return site->asker(shard_name); }
    [[nodiscard]] std::uint64_t head();
    [[nodiscard]] shards::evm::Header header(std::uint64_t number);
    [[nodiscard]] std::optional<shards::evm::Receipt> receipt(const SignedOrder& sent);
    [[nodiscard]] base::Amount native(std::uint64_t block);
    [[nodiscard]] shards::evm::Uint256 view(const shards::evm::Address& to,
                                            const shards::evm::Bytes& call, std::uint64_t block);
    /// What the vault counts as its own, raw.
    [[nodiscard]] shards::evm::Uint256 held(std::string_view token, std::uint64_t block);
    /// Makes blocks; the node has them when it returns.
    void mine(std::uint64_t blocks = 1);
    /// Whether the host has heard of the newest block there is.
    [[nodiscard]] bool hears_of_head();
    /// A transaction of an account of the node's, for the next block; its hash.
    boost::json::value call(const shards::evm::Address& from, const shards::evm::Address& to,
                            const shards::evm::Bytes& data);
    /// A client's deposit, for the next block. **Requires:** `approve_deposits` before.
    void deposit(base::AccountId account, std::int64_t units);
    [[nodiscard]] shards::evm::Bytes deposit_call(base::AccountId account, std::int64_t units);
    void approve_deposits();
    [[nodiscard]] const shards::evm::Address& client() { return chain().clients.front(); }
    [[nodiscard]] const shards::evm::ChainSite& chain() { return site->chain(shard_name); }
    [[nodiscard]] const shards::evm::SiteVault& vault() { return *chain().vault("alpha"); }

    std::optional<DeployedSite> site;
    std::optional<LaneHost> host;
    std::uint64_t orders{};
};

}  // namespace crossclear::tests
