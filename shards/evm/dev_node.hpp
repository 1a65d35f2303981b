#pragma once

#include "base/result.hpp"
#include "shards/evm/json_rpc.hpp"
#include "shards/evm/rpc_client.hpp"
#include "shards/evm/words.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

/// A chain of tests and demos, whose node signs for accounts that everybody knows.

namespace crossclear::shards::evm {

/// What one of the node's accounts is to call.
struct DevCall {
    Address from;
    Address to;
    Bytes data;
};

/// What has become of a transaction.
enum class Fate : std::uint8_t {
    waiting,    ///< For a block.
    succeeded,  ///< In its block,
    reverted,   ///< and this too.
    gone,       ///< The node has none of it: a block may have been taken back.
};

/// Asks one node, one question after the other. **Thread:** only one; questions block it until they
/// are answered, or until `is_over`.
class DevNode {
public:
    /// **Requires:** `url` can be parsed, `is_over` outlives it.
    DevNode(const std::string& url, const std::atomic<bool>& is_over);

    /// What came of a question.
    [[nodiscard]] RpcResult ask(std::string method, boost::json::array params);
    /// What a view says, at `latest`, `pending` or `finalized`.
    [[nodiscard]] base::Result<Bytes, RpcError> view(const Address& to, const Bytes& call,
                                                     const char* tag = "latest");
    /// The number that a view says. **Errors:** `malformed` where it is none.
    [[nodiscard]] base::Result<Uint256, RpcError> number(const Address& to, const Bytes& call,
                                                         const char* tag = "latest");
    /// Whether a call would do, after all that waits for a block. **Errors:** `refused` with what
    /// the contract said as its data.
    [[nodiscard]] base::Result<void, RpcError> try_out(const DevCall& call);
    /// Sends a transaction; its hash. Not idempotent: the node chooses the nonce.
    [[nodiscard]] base::Result<Hash, RpcError> send(const DevCall& call);
    /// What has become of a transaction; it is waiting where nobody says.
    [[nodiscard]] Fate fate_of(const Hash& transaction);
    /// The newest final block's number.
    [[nodiscard]] base::Result<std::uint64_t, RpcError> final_block();

private:
    boost::asio::io_context io_;
    RpcClient client_;
    const std::atomic<bool>& is_over_;
};

}  // namespace crossclear::shards::evm
