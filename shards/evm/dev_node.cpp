#include "shards/evm/dev_node.hpp"

#include "shards/evm/blocks.hpp"
#include "shards/evm/endpoint.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace crossclear::shards::evm {
namespace {

using base::Failure;

// More than any call of ours takes. Estimates are of a state that is another one by the next block.
constexpr std::uint64_t dev_gas = 3'000'000;

RpcOptions only(const std::string& url) {
    RpcOptions options;
    options.endpoints = {*parse_endpoint(url)};
    return options;
}

RpcError not_understood() {
    return {.fault = RpcFault::malformed,
            .code = 0,
            .message = "another answer than the question has",
            .data = {},
            .may_have_happened = false};
}

boost::json::object request_of(const DevCall& call) {
    return {{"from", to_hex(call.from)},
            {"to", to_hex(call.to)},
            {"data", to_hex(call.data)},
            {"gas", to_quantity(dev_gas)}};
}

}  // namespace

DevNode::DevNode(const std::string& url, const std::atomic<bool>& is_over)
    : client_(io_, only(url)), is_over_(is_over) {}

RpcResult DevNode::ask(std::string method, boost::json::array params) {
    // It may be answered after nobody waits any more.
    const auto given = std::make_shared<std::optional<RpcResult>>();
    client_.call({.method = std::move(method), .params = std::move(params)},
                 [given](RpcResult result) { *given = std::move(result); });
    while (!given->has_value() && !is_over_) {
        if (io_.stopped()) io_.restart();
        io_.run_one_for(std::chrono::milliseconds(20));
    }
    if (given->has_value()) return **given;
    return Failure{RpcError{}};
}

base::Result<Bytes, RpcError> DevNode::view(const Address& to, const Bytes& call, const char* tag) {
    const boost::json::object request{{"to", to_hex(to)}, {"data", to_hex(call)}};
    const auto said = ask("eth_call", {request, tag});
    if (!said) return Failure{said.error()};
    const auto* text = said->if_string();
    auto bytes = text == nullptr ? std::nullopt : parse_hex(*text);
    if (!bytes) return Failure{not_understood()};
    return *std::move(bytes);
}

base::Result<Uint256, RpcError> DevNode::number(const Address& to, const Bytes& call,
                                                const char* tag) {
    const auto said = view(to, call, tag);
    if (!said) return Failure{said.error()};
    if (said->size() != Hash::size) return Failure{not_understood()};
    return from_bytes(*said);
}

base::Result<void, RpcError> DevNode::try_out(const DevCall& call) {
    const auto said = ask("eth_call", {request_of(call), "pending"});
    if (!said) return Failure{said.error()};
    return {};
}

base::Result<Hash, RpcError> DevNode::send(const DevCall& call) {
    const auto said = ask("eth_sendTransaction", {request_of(call)});
    if (!said) return Failure{said.error()};
    const auto* text = said->if_string();
    const auto hash = text == nullptr ? std::nullopt : parse_fixed<Hash>(*text);
    if (!hash) return Failure{not_understood()};
    return *hash;
}

Fate DevNode::fate_of(const Hash& transaction) {
    const auto said = ask("eth_getTransactionReceipt", {to_hex(transaction)});
    if (!said) return Fate::waiting;
    const auto receipt = said->is_null() ? std::nullopt : parse_receipt(*said);
    if (receipt) return receipt->is_success ? Fate::succeeded : Fate::reverted;
    const auto known = ask("eth_getTransactionByHash", {to_hex(transaction)});
    return known && known->is_null() ? Fate::gone : Fate::waiting;
}

base::Result<std::uint64_t, RpcError> DevNode::final_block() {
    const auto said = ask("eth_getBlockByNumber", {"finalized", false});
    if (!said) return Failure{said.error()};
    const auto header = parse_header(*said);
    if (!header) return Failure{not_understood()};
    return header->number;
}

}  // namespace crossclear::shards::evm
