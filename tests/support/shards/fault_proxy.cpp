#include "tests/support/shards/fault_proxy.hpp"

#include "base/check.hpp"
#include "base/rng.hpp"
#include "shards/evm/endpoint.hpp"
#include "shards/evm/json_rpc.hpp"
#include "shards/evm/keccak.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/transaction.hpp"
#include "shards/evm/words.hpp"
#include "tests/support/shards/scripted_node.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace crossclear::tests {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
namespace evm = shards::evm;
using asio::ip::tcp;
using beast::error_code;

constexpr std::chrono::seconds node_patience{30};
constexpr std::string_view gateway_page =
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n";

// What a node is asked and says, on a connection of its own: one that is kept might be closed by
// now, and whoever then asks again has asked twice. Nothing where no answer came.
std::optional<Script> ask_node(const evm::Endpoint& node, const std::string& text) {
    asio::io_context io;
    error_code error;
    const auto found = tcp::resolver{io}.resolve(node.host, std::to_string(node.port), error);
    if (error) return std::nullopt;
    beast::tcp_stream stream{io};
    stream.expires_after(node_patience);
    const auto then = [&](error_code of, const auto&...) { error = of; };
    const auto is_done = [&] {
        io.restart();
        io.run();
        return !error;
    };

    stream.async_connect(found, then);
    if (!is_done()) return std::nullopt;
    http::request<http::string_body> request{http::verb::post, node.target, 11};
    request.set(http::field::host, node.authority());
    request.set(http::field::content_type, "application/json");
    request.keep_alive(false);
    request.body() = text;
    request.prepare_payload();
    http::async_write(stream, request, then);
    if (!is_done()) return std::nullopt;
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(evm::rpc_answer_bytes_max);
    http::async_read(stream, buffer, parser, then);
    if (!is_done()) return std::nullopt;
    auto answer = parser.release();
    return Script{.status = answer.result_int(), .body = std::move(answer.body())};
}

// A fault of a whole message: what comes instead of what the node said.
struct MessageFault {
    std::uint32_t ChainFaults::* rate;
    std::uint64_t ChainFaultCounts::* count;
    bool is_handed_on;
    Script (*instead_of)(Script said);
};

Script no_answer(Script) { return {.is_refused = true}; }
Script silence(Script) { return {.is_silent = true}; }
Script limited(Script) { return {.status = 429, .body = "too many requests"}; }
Script bad_gateway(Script) { return {.status = 502, .body = std::string(gateway_page)}; }
Script half_of(Script said) {
    said.is_cut = true;
    return said;
}

constexpr std::array message_faults{
    MessageFault{&ChainFaults::lost_request_ppm, &ChainFaultCounts::lost_requests, false,
                 no_answer},
    MessageFault{&ChainFaults::limited_ppm, &ChainFaultCounts::limited, false, limited},
    MessageFault{&ChainFaults::bad_gateway_ppm, &ChainFaultCounts::bad_gateways, false,
                 bad_gateway},
    MessageFault{&ChainFaults::late_bad_gateway_ppm, &ChainFaultCounts::late_bad_gateways, true,
                 bad_gateway},
    MessageFault{&ChainFaults::silent_answer_ppm, &ChainFaultCounts::silent_answers, true, silence},
    MessageFault{&ChainFaults::lost_answer_ppm, &ChainFaultCounts::lost_answers, true, no_answer},
    MessageFault{&ChainFaults::cut_answer_ppm, &ChainFaultCounts::cut_answers, true, half_of},
};

// One call of a message, and what was drawn for it.
struct ProxiedCall {
    json::object asked;
    std::string method;
    json::value params;
    evm::Bytes raw;  // Of a send.
    bool is_dropped{};
    bool is_stale{};
    bool is_hidden{};
    bool has_other_hash{};
    std::string own_answer;  // Where it is not handed on.
};

ProxiedCall call_of(const json::object& asked, const ChainFaults& faults, base::Rng& chance) {
    ProxiedCall call{.asked = asked,
                     .method = {},
                     .params = {},
                     .raw = {},
                     .is_dropped = chance.chance_ppm(faults.dropped_send_ppm),
                     .is_stale = chance.chance_ppm(faults.stale_ppm),
                     .is_hidden = chance.chance_ppm(faults.hidden_receipt_ppm),
                     .has_other_hash = chance.chance_ppm(faults.other_hash_ppm),
                     .own_answer = {}};
    const auto* method = asked.if_contains("method");
    if (method != nullptr && method->is_string()) call.method = method->get_string();
    if (const auto* params = asked.if_contains("params")) call.params = *params;
    const auto* list = call.params.if_array();
    if (call.method != "eth_sendRawTransaction" || list == nullptr || list->empty()) return call;
    const auto* text = list->front().if_string();
    if (text != nullptr) call.raw = evm::parse_hex(*text).value_or(evm::Bytes{});
    return call;
}

// Of how many blocks logs are asked for, where it is from one height to another; else 0.
std::uint64_t blocks_of_logs(const ProxiedCall& call) {
    const auto* list = call.params.if_array();
    const bool is_filter = call.method == "eth_getLogs" && list != nullptr && !list->empty() &&
                           list->front().is_object();
    if (!is_filter) return 0;
    const auto height = [&](const char* name) {
        const auto* text = list->front().get_object().if_contains(name);
        return text != nullptr && text->is_string() ? evm::parse_quantity64(text->get_string())
                                                    : std::optional<std::uint64_t>{};
    };
    const auto first = height("fromBlock");
    const auto last = height("toBlock");
    return first && last && *last >= *first ? *last - *first + 1 : 0;
}

// The calls of a text; none where it is nothing of the kind, and goes on as it is.
std::vector<ProxiedCall> calls_in(const json::value& text, const ChainFaults& faults,
                                  base::Rng& chance) {
    if (const auto* one = text.if_object()) return {call_of(*one, faults, chance)};
    const auto* several = text.if_array();
    if (several == nullptr) return {};
    std::vector<ProxiedCall> calls;
    for (const auto& one : *several) {
        if (one.is_object()) calls.push_back(call_of(one.get_object(), faults, chance));
    }
    return calls;
}

json::value parsed(const std::string& text) {
    error_code error;
    auto value = json::parse(text, error);
    return error ? json::value{} : value;
}

// Whether what a node says to it changes as the chain goes on.
bool can_be_stale(const ProxiedCall& call) {
    if (call.method != "eth_getBlockByNumber") {
        return call.method == "eth_getTransactionReceipt" ||
               call.method == "eth_getTransactionCount" || call.method == "eth_getLogs";
    }
    const auto* list = call.params.if_array();
    if (list == nullptr || list->empty()) return false;
    return list->front() == "latest" || list->front() == "safe" || list->front() == "finalized";
}

bool is_of_a_block(const ProxiedCall& call) {
    return call.method == "eth_getBlockByNumber" || call.method == "eth_getBlockByHash";
}

// As geth reckons: a tenth more, rounded down, and more at all.
bool is_enough_more(const evm::Uint256& offered, const evm::Uint256& before) {
    return offered > before && offered >= before * 110 / 100;
}

}  // namespace

struct FaultProxy::State {
    // What is looked at of a transaction that waits.
    struct Pooled {
        evm::Hash hash;
        evm::Uint256 tip_max;
        evm::Uint256 fee_max;
    };

    State(const std::string& node_url, std::uint64_t of_chance)
        : node(evm::parse_endpoint(node_url).value_or(evm::Endpoint{})),
          seed(of_chance),
          chance(of_chance),
          front([this](const std::string& text) { return answer(text); }) {}

    Script answer(const std::string& text) {
        auto [now, drawing] = begin();
        if (now.is_down) {
            count(&ChainFaultCounts::turned_away);
            return no_answer({});
        }
        const MessageFault* fault = nullptr;
        for (const auto& one : message_faults) {
            if (drawing.chance_ppm(now.*one.rate) && fault == nullptr) fault = &one;
        }
        const bool is_repeated = drawing.chance_ppm(now.repeated_ppm);
        Script said;
        if (fault == nullptr || fault->is_handed_on)
            said = hand_on(text, now, drawing, is_repeated);
        if (fault == nullptr) return said;
        count(fault->count);
        return fault->instead_of(std::move(said));
    }

    // What goes wrong now, and a generator for this message alone.
    std::pair<ChainFaults, base::Rng> begin() {
        const std::lock_guard lock{mutex};
        ++counts.messages;
        return {faults, base::Rng{chance.next()}};
    }

    void count(std::uint64_t ChainFaultCounts::* of) {
        const std::lock_guard lock{mutex};
        ++(counts.*of);
    }

    Script hand_on(const std::string& text, const ChainFaults& now, base::Rng& drawing,
                   bool is_repeated) {
        const auto asked = parsed(text);
        auto calls = calls_in(asked, now, drawing);
        // Whether a nonce is taken is seen, and changed, by one send at a time.
        std::unique_lock in_turn{pool_mutex, std::defer_lock};
        if (std::any_of(calls.begin(), calls.end(), [](auto& call) { return !call.raw.empty(); })) {
            in_turn.lock();
        }
        json::array rest;
        json::array own;
        for (auto& call : calls) {
            call.own_answer = own_answer_to(call, now);
            if (call.own_answer.empty()) {
                rest.push_back(call.asked);
            } else {
                own.push_back(json::parse(call.own_answer));
            }
        }
        if (!own.empty() && asked.is_object()) return {.body = calls.front().own_answer};
        if (!own.empty() && rest.empty()) return {.body = json::serialize(own)};

        const auto handed_on = own.empty() ? text : json::serialize(rest);
        auto said = ask_node(node, handed_on);
        if (is_repeated) {
            count(&ChainFaultCounts::repeated);
            said = ask_node(node, handed_on);
        }
        if (!said) return no_answer({});
        return spoilt(std::move(*said), calls, own, now);
    }

    // The node's answers with those of our own, and what is stale or a lie; untouched if none is.
    Script spoilt(Script said, const std::vector<ProxiedCall>& calls, const json::array& own,
                  const ChainFaults& now) {
        auto answers = parsed(said.body);
        bool is_changed = !own.empty();
        if (auto* one = answers.if_object()) {
            is_changed = spoil(*one, calls, now);
        } else if (auto* several = answers.if_array()) {
            for (auto& each : *several) {
                if (each.is_object() && spoil(each.get_object(), calls, now)) is_changed = true;
            }
            several->insert(several->end(), own.begin(), own.end());
        } else {
            return said;
        }
        if (is_changed) said.body = json::serialize(answers);
        return said;
    }

    // Whether the answer is another one now.
    bool spoil(json::object& answer, const std::vector<ProxiedCall>& calls,
               const ChainFaults& now) {
        const auto* id = answer.if_contains("id");
        auto* result = answer.if_contains("result");
        if (id == nullptr || result == nullptr) return false;
        const auto call = std::find_if(calls.begin(), calls.end(), [&](const ProxiedCall& one) {
            const auto* asked = one.asked.if_contains("id");
            return asked != nullptr && *asked == *id && one.own_answer.empty();
        });
        if (call == calls.end()) return false;
        if (!call->raw.empty()) note_in_pool(call->raw);
        const std::lock_guard lock{mutex};
        bool is_changed = can_be_stale(*call) && set_back(*result, *call, now.stale_answers);
        if (call->is_hidden && call->method == "eth_getTransactionReceipt" && !result->is_null()) {
            *result = nullptr;
            ++counts.hidden_receipts;
            is_changed = true;
        }
        auto* block = is_of_a_block(*call) ? result->if_object() : nullptr;
        auto* hash = block == nullptr ? nullptr : block->if_contains("hash");
        if (call->has_other_hash && hash != nullptr && hash->is_string()) {
            *hash = evm::to_hex(evm::keccak256(std::string_view(hash->get_string())));
            ++counts.other_hashes;
            is_changed = true;
        }
        return is_changed;
    }

    // Remembers what is true, and puts what was so before in its place if that was drawn.
    bool set_back(json::value& result, const ProxiedCall& call, std::size_t answers) {
        auto& before = said_before[call.method + json::serialize(call.params)];
        const auto truth = result;
        if (call.is_stale && !before.empty()) {
            result = before[before.size() - std::min(answers, before.size())];
        }
        before.push_back(truth);
        if (before.size() > stale_answers_max) before.pop_front();
        if (result == truth) return false;
        ++counts.stale;
        return true;
    }

    // What is said to a call that is not handed on; empty for one that is.
    std::string own_answer_to(const ProxiedCall& call, const ChainFaults& now) {
        constexpr std::int64_t server_error = -32'000;
        constexpr std::int64_t limit_exceeded = -32'005;
        const auto asked = json::serialize(call.asked);
        if (now.log_blocks_max > 0 && blocks_of_logs(call) > now.log_blocks_max) {
            count(&ChainFaultCounts::too_many_blocks);
            return error_for(asked, limit_exceeded, "query exceeds the range");
        }
        if (call.raw.empty()) return {};
        if (now.has_replacement_rule && is_underpriced(call.raw)) {
            count(&ChainFaultCounts::underpriced);
            return error_for(asked, server_error, "replacement transaction underpriced");
        }
        if (!call.is_dropped) return {};
        count(&ChainFaultCounts::dropped_sends);
        return result_for(asked, fmt::format("\"{}\"", to_hex(evm::transaction_hash(call.raw))));
    }

    bool is_underpriced(const evm::Bytes& raw) {
        const auto sent = evm::parse_transaction(raw);
        const auto sender = sent ? evm::signer_of(*sent) : std::nullopt;
        if (!sender) return false;
        const auto at = pool.find({*sender, sent->transaction.nonce});
        if (at == pool.end() || at->second.hash == evm::transaction_hash(raw)) return false;
        if (!is_waiting(at->second.hash)) {
            pool.erase(at);
            return false;
        }
        return !is_enough_more(sent->transaction.tip_max, at->second.tip_max) ||
               !is_enough_more(sent->transaction.fee_max, at->second.fee_max);
    }

    // Whether the node has it in its pool: it is neither in a block nor dropped or replaced.
    [[nodiscard]] bool is_waiting(const evm::Hash& hash) const {
        const std::vector<evm::RpcCall> call{
            {.method = "eth_getTransactionByHash", .params = {evm::to_hex(hash)}}};
        const auto said = ask_node(node, evm::text_of(call, 1));
        const auto answer = parsed(said.value_or(Script{}).body);
        const auto found = evm::results_of(answer, 1, 1);
        const auto* transaction = found.front() ? found.front()->if_object() : nullptr;
        const auto* block = transaction ? transaction->if_contains("blockHash") : nullptr;
        return transaction != nullptr && (block == nullptr || block->is_null());
    }

    void note_in_pool(const evm::Bytes& raw) {
        const auto sent = evm::parse_transaction(raw);
        const auto sender = sent ? evm::signer_of(*sent) : std::nullopt;
        if (!sender) return;
        pool[{*sender, sent->transaction.nonce}] = {.hash = evm::transaction_hash(raw),
                                                    .tip_max = sent->transaction.tip_max,
                                                    .fee_max = sent->transaction.fee_max};
    }

    const evm::Endpoint node;
    const std::uint64_t seed;
    mutable std::mutex mutex;  // Of what follows, up to the next.
    base::Rng chance;
    ChainFaults faults;
    ChainFaultCounts counts;
    std::map<std::string, std::deque<json::value>> said_before;  // By method and params.
    std::mutex pool_mutex;                                       // Held before the other one.
    std::map<std::pair<evm::Address, std::uint64_t>, Pooled> pool;
    ScriptedNode front;  // Last: it asks as soon as it is, and until it is no more.
};

FaultProxy::FaultProxy(const std::string& node_url, std::uint64_t seed) {
    const auto node = evm::parse_endpoint(node_url);
    CHECK(node && !node->is_websocket && !node->is_secure, "a node is asked over plain HTTP");
    state_ = std::make_unique<State>(node_url, seed);
}

FaultProxy::~FaultProxy() = default;

std::string FaultProxy::http_url() const { return state_->front.http_url(); }
std::uint64_t FaultProxy::seed() const { return state_->seed; }

void FaultProxy::set_faults(const ChainFaults& faults) {
    CHECK(faults.stale_answers >= 1 && faults.stale_answers <= stale_answers_max,
          "a stale answer is one that is remembered");
    {
        const std::lock_guard lock{state_->mutex};
        state_->faults = faults;
    }
    if (faults.is_down) state_->front.hang_up();
}

ChainFaults FaultProxy::faults() const {
    const std::lock_guard lock{state_->mutex};
    return state_->faults;
}

ChainFaultCounts FaultProxy::counts() const {
    const std::lock_guard lock{state_->mutex};
    return state_->counts;
}

}  // namespace crossclear::tests
