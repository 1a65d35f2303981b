#include "shards/evm/key_signer.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace crossclear::shards::evm {

KeySigner::KeySigner(boost::asio::io_context& io, const Key& key) : io_(io), key_(key) {}

ledger::signing::Address KeySigner::key() const { return key_.address().bytes; }

void KeySigner::sign(const ledger::signing::Sign& asked, Done done) {
    // Compared as if it were somebody else's: what leaves has been read back once.
    auto result = compare_signed(asked, key(), raw_bytes(key_.sign(transaction_of(asked))));
    boost::asio::post(io_, [done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
    });
}

}  // namespace crossclear::shards::evm
