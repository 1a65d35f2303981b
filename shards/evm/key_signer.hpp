#pragma once

#include "shards/evm/key.hpp"
#include "shards/evm/signer.hpp"

#include <boost/asio/io_context.hpp>

/// A signer whose key is in this process, for development and tests.

namespace crossclear::shards::evm {

/// Signs whatever it is asked to, at once, and the same transaction always with the same bytes.
class KeySigner final : public Signer {
public:
    /// **Requires:** `io` outlives it.
    KeySigner(boost::asio::io_context& io, const Key& key);

    [[nodiscard]] ledger::signing::Address key() const override;
    void sign(const ledger::signing::Sign& asked, Done done) override;

private:
    boost::asio::io_context& io_;
    const Key key_;
};

}  // namespace crossclear::shards::evm
