#include "shards/evm/remote_signer.hpp"

#include "base/check.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace crossclear::shards::evm {
namespace {

// Errors that say nothing of what was asked: it failed within (JSON-RPC 2.0), and it took too long
// (geth, and so Clef). What wants fewer questions has a fault of its own.
constexpr std::int64_t passing_codes[] = {-32603, -32002};

// Web3Signer gives the bytes alone, geth and Clef beside the transaction that they stand for.
std::optional<Bytes> raw_in(const boost::json::value& given) {
    const auto* object = given.if_object();
    const auto* text = object == nullptr ? &given : object->if_contains("raw");
    if (text == nullptr || !text->is_string()) return std::nullopt;
    return parse_hex(text->get_string());
}

}  // namespace

boost::json::object signing_request(const ledger::signing::Sign& asked,
                                    const ledger::signing::Address& key) {
    const auto transaction = transaction_of(asked);
    return {{"from", to_hex(key)},
            {"to", to_hex(transaction.to)},
            {"gas", to_quantity(transaction.gas_limit)},
            {"maxFeePerGas", to_quantity(transaction.fee_max)},
            {"maxPriorityFeePerGas", to_quantity(transaction.tip_max)},
            {"nonce", to_quantity(transaction.nonce)},
            {"value", to_quantity(transaction.value)},
            {"data", to_hex(transaction.data)},
            {"chainId", to_quantity(transaction.chain_id)},
            {"type", "0x2"}};
}

SignFault sign_fault_of(const RpcError& error) {
    switch (error.fault) {
        case RpcFault::refused: {
            const auto* const end = std::end(passing_codes);
            const bool is_passing = std::find(std::begin(passing_codes), end, error.code) != end;
            return is_passing ? SignFault::unreachable : SignFault::refused;
        }
        case RpcFault::unreachable:
        case RpcFault::timed_out:
        case RpcFault::limited:
        case RpcFault::malformed:
        case RpcFault::disagreeing:
            return SignFault::unreachable;
    }
    UNREACHABLE("an unlisted fault");
}

RemoteSigner::RemoteSigner(boost::asio::io_context& io, RpcOptions options,
                           const ledger::signing::Address& key)
    : key_(key), client_(io, std::move(options)) {}

void RemoteSigner::sign(const ledger::signing::Sign& asked, Done done) {
    client_.call({.method = "eth_signTransaction", .params = {signing_request(asked, key_)}},
                 [asked, key = key_, done = std::move(done)](const RpcResult& given) {
                     if (!given) {
                         return done(base::Failure{NotSigned{.fault = sign_fault_of(given.error()),
                                                             .says = given.error().message}});
                     }
                     const auto raw = raw_in(*given);
                     if (!raw) return done(base::Failure{NotSigned{.fault = SignFault::altered}});
                     done(compare_signed(asked, key, *raw));
                 });
}

}  // namespace crossclear::shards::evm
