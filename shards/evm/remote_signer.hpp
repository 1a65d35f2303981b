#pragma once

#include "shards/evm/rpc_client.hpp"
#include "shards/evm/signer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

/// A signer that is another process, which keeps the key and its own rules of what it signs:
/// Web3Signer, Clef, or a node with an unlocked key.
///
/// The problem: whoever answers may be wrong, or somebody else. The idea: `eth_signTransaction`,
/// and nothing of the answer counts but the bytes, which are compared field by field. The subtle
/// thing is what no answer means: a refusal ends an order, so only the signer's own word is one.

namespace crossclear::shards::evm {

/// What is asked for, as `eth_signTransaction` has it.
[[nodiscard]] boost::json::object signing_request(const ledger::signing::Sign& asked,
                                                  const ledger::signing::Address& key);

/// What an error means to the lane. `refused` is the signer's own word that it will not; where it
/// failed, wants fewer questions or took too long it is `unreachable`, as where no answer came.
[[nodiscard]] SignFault sign_fault_of(const RpcError& error);

/// Asks for signatures. Endpoints are replicas of one signer, all with the same key.
class RemoteSigner final : public Signer {
public:
    /// **Requires:** `io` outlives it, and an endpoint.
    RemoteSigner(boost::asio::io_context& io, RpcOptions options,
                 const ledger::signing::Address& key);

    [[nodiscard]] ledger::signing::Address key() const override { return key_; }
    /// A result that holds no bytes is `altered` as well: whoever gives it is no signer.
    void sign(const ledger::signing::Sign& asked, Done done) override;

private:
    const ledger::signing::Address key_;
    RpcClient client_;
};

}  // namespace crossclear::shards::evm
