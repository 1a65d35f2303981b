#include "shards/evm/json_rpc.hpp"

#include "base/check.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;

constexpr std::size_t depth_max = 32;
// What nodes and their gateways say where they are asked too much.
constexpr std::int64_t limit_codes[] = {-32005, 429};
// Something went wrong within the node, before or after it did what it was asked.
constexpr std::int64_t internal_error = -32603;

RpcError malformed(std::string_view what) {
    return {.fault = RpcFault::malformed,
            .code = 0,
            .message = std::string(what),
            .data = {},
            .may_have_happened = false};
}

std::optional<std::uint64_t> id_of(const json::object& answer) {
    const auto* id = answer.if_contains("id");
    if (id == nullptr) return std::nullopt;
    if (const auto* number = id->if_uint64()) return *number;
    const auto* number = id->if_int64();
    if (number == nullptr || *number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

bool has_null_id(const json::object& answer) {
    const auto* id = answer.if_contains("id");
    return id == nullptr || id->is_null();
}

bool is_hex(std::string_view text) {
    if (!text.starts_with("0x")) return false;
    text.remove_prefix(2);
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

// Hex, which some write in capitals.
std::string lower(std::string_view text) {
    std::string low(text);
    for (auto& c : low) {
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
    return low;
}

RpcError refusal_of(const json::value& said) {
    const auto* error = said.if_object();
    if (error == nullptr) return malformed("an error that is no object");
    const auto* code = error->if_contains("code");
    const auto* message = error->if_contains("message");
    if (code == nullptr || !code->is_int64() || message == nullptr || !message->is_string()) {
        return malformed("an error without a code or a message");
    }
    RpcError refusal{.fault = RpcFault::refused,
                     .code = code->get_int64(),
                     .message = printable(message->get_string(), rpc_message_max),
                     .data = {},
                     .may_have_happened = code->get_int64() == internal_error};
    const auto is_limit = std::any_of(std::begin(limit_codes), std::end(limit_codes),
                                      [&](std::int64_t one) { return one == refusal.code; });
    if (is_limit) refusal.fault = RpcFault::limited;
    const auto* data = error->if_contains("data");
    if (data != nullptr && data->is_string()) {
        const std::string_view text = data->get_string();
        if (text.size() <= rpc_data_max && is_hex(text)) refusal.data = lower(text);
    }
    return refusal;
}

RpcResult result_of(const json::object& answer) {
    const auto* version = answer.if_contains("jsonrpc");
    if (version == nullptr || !version->is_string() || version->get_string() != "2.0") {
        return base::Failure{malformed("an answer that is no JSON-RPC 2.0")};
    }
    const auto* result = answer.if_contains("result");
    const auto* error = answer.if_contains("error");
    // Some write `"error": null` beside a result.
    if (error != nullptr && error->is_null() && result != nullptr) error = nullptr;
    if ((result == nullptr) == (error == nullptr)) {
        return base::Failure{malformed("an answer with neither result nor error, or both")};
    }
    if (error != nullptr) return base::Failure{refusal_of(*error)};
    return *result;
}

}  // namespace

const char* name_of(RpcFault fault) {
    switch (fault) {
        case RpcFault::unreachable:
            return "unreachable";
        case RpcFault::timed_out:
            return "timed_out";
        case RpcFault::limited:
            return "limited";
        case RpcFault::malformed:
            return "malformed";
        case RpcFault::refused:
            return "refused";
        case RpcFault::disagreeing:
            return "disagreeing";
    }
    UNREACHABLE("an unlisted fault");
}

std::string printable(std::string_view text, std::size_t length_max) {
    std::string shown(text.substr(0, length_max));
    std::replace_if(shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return shown;
}

std::string text_of(std::span<const RpcCall> calls, std::uint64_t first_id) {
    CHECK(!calls.empty() && calls.size() <= rpc_batch_max, "a batch has a size");
    json::array batch;
    for (const auto& call : calls) {
        json::object one;
        one["jsonrpc"] = "2.0";
        one["id"] = first_id++;
        one["method"] = call.method;
        one["params"] = call.params;
        batch.emplace_back(std::move(one));
    }
    if (batch.size() == 1) return json::serialize(batch.front());
    return json::serialize(batch);
}

base::Result<json::value, RpcError> parse_answer(std::string_view text) {
    if (text.size() > rpc_answer_bytes_max) return base::Failure{malformed("an answer too long")};
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = depth_max;
    auto value = json::parse(text, error, {}, options);
    if (!error) return value;
    constexpr std::size_t start_shown = 48;
    return base::Failure{malformed(fmt::format("no JSON ({}); it begins with '{}'", error.message(),
                                               printable(text, start_shown)))};
}

RpcResult canonical(const RpcCall& call, RpcResult result) {
    if (!result || !call.canonical) return result;
    auto form = call.canonical(*result);
    if (form) return *std::move(form);
    return base::Failure{malformed(fmt::format("no result that {} can have", call.method))};
}

std::vector<RpcResult> all_failed(const RpcError& error, std::size_t count) {
    std::vector<RpcResult> results;
    results.reserve(count);
    for (std::size_t i = 0; i < count; ++i) results.emplace_back(base::Failure{error});
    return results;
}

std::vector<RpcResult> results_of(const json::value& said, std::uint64_t first_id,
                                  std::size_t count) {
    const auto* alone = said.if_object();
    const auto* batch = said.if_array();
    if (alone == nullptr && batch == nullptr) {
        return all_failed(malformed("an answer that is neither an object nor a list"), count);
    }
    if (alone != nullptr && has_null_id(*alone) && alone->contains("error")) {
        const auto whole = result_of(*alone);
        return all_failed(whole ? malformed("an answer without an id") : whole.error(), count);
    }
    auto results = all_failed(malformed("no answer to this call"), count);
    std::vector<bool> is_answered(count);
    const auto take = [&](const json::value& one) {
        const auto* answer = one.if_object();
        const auto id = answer == nullptr ? std::nullopt : id_of(*answer);
        // What answers nothing that was asked here is nothing to us.
        if (!id || *id < first_id || *id - first_id >= count) return;
        const auto place = static_cast<std::size_t>(*id - first_id);
        results[place] = is_answered[place]
                             ? RpcResult{base::Failure{malformed("two answers to one call")}}
                             : result_of(*answer);
        is_answered[place] = true;
    };
    if (alone != nullptr) {
        take(said);
    } else {
        for (const auto& one : *batch) take(one);
    }
    return results;
}

}  // namespace crossclear::shards::evm
