#include "api/rpc.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

namespace crossclear::api {
namespace {

namespace json = boost::json;

constexpr std::size_t id_size_max = 128;
constexpr std::size_t method_size_max = 64;
constexpr std::size_t field_size_max = 64;

Error malformed(std::string reason, std::string_view field, std::string expected,
                std::string got = {}) {
    return {.code = ErrorCode::invalid_request,
            .reason = std::move(reason),
            .field = std::string{field},
            .expected = std::move(expected),
            .got = std::move(got)};
}

// The id as JSON text, or nothing where it is of a type that cannot be echoed.
std::optional<std::string> id_text(const json::value& id) {
    if (id.is_null()) return "null";
    if (id.is_int64()) return std::to_string(id.get_int64());
    if (!id.is_string() || id.get_string().size() > id_size_max) return std::nullopt;
    std::string text;
    append_json_string(text, id.get_string());
    return text;
}

std::optional<Error> fault_of_members(const json::object& object) {
    for (const auto& member : object) {
        const std::string_view name = member.key();
        if (name == "jsonrpc" || name == "id" || name == "method" || name == "params") continue;
        return malformed("unknown_member", start_of(name, field_size_max),
                         "jsonrpc, id, method and params only");
    }
    const auto* version = object.if_contains("jsonrpc");
    if (version == nullptr || !version->is_string() || version->get_string() != "2.0") {
        return malformed("wrong_version", "jsonrpc", "\"2.0\"");
    }
    const auto* method = object.if_contains("method");
    if (method == nullptr || !method->is_string() ||
        method->get_string().size() > method_size_max) {
        return malformed("no_method", "method", "the name of a method",
                         method == nullptr ? "nothing" : std::string{kind_of(*method)});
    }
    const auto* params = object.if_contains("params");
    if (params != nullptr && !params->is_object()) {
        return Error{.code = ErrorCode::invalid_params,
                     .reason = "params_not_named",
                     .field = "params",
                     .expected = "an object",
                     .got = std::string{kind_of(*params)}};
    }
    return std::nullopt;
}

FrameMember read_member(const json::value& value) {
    static const json::object no_params;
    const auto* object = value.if_object();
    if (object == nullptr) {
        return BadCall{"null",
                       malformed("not_an_object", "", "an object", std::string{kind_of(value)})};
    }
    const auto* id = object->if_contains("id");
    auto id_as_text = id == nullptr ? std::optional<std::string>{"null"} : id_text(*id);
    if (!id_as_text) {
        return BadCall{"null", malformed("bad_id", "id",
                                         "a string of at most 128 bytes, an integer of 64 "
                                         "bits or null",
                                         std::string{kind_of(*id)})};
    }
    if (auto fault = fault_of_members(*object)) return BadCall{*id_as_text, std::move(*fault)};
    const auto* params = object->if_contains("params");
    return Call{.id = std::move(*id_as_text),
                .is_notification = id == nullptr,
                .method = object->at("method").get_string(),
                .params = params == nullptr ? &no_params : &params->get_object()};
}

Error error_of(const JsonFault& fault) {
    switch (fault.kind) {
        case JsonFaultKind::not_json:
            return {.code = ErrorCode::parse_error, .reason = "not_json"};
        case JsonFaultKind::too_deep:
            return malformed("too_deep", "", fmt::format("at most {} levels", json_depth_max));
        case JsonFaultKind::too_many_keys:
            return malformed("too_many_keys", "",
                             fmt::format("at most {} members in an object", json_keys_max));
        case JsonFaultKind::duplicate_key:
            return malformed("duplicate_key", start_of(fault.key, field_size_max), "each key once");
    }
    return {};
}

// A doubled key anywhere spoils the whole text, but where the id itself is certain it is echoed.
std::string id_despite(const JsonFault& fault) {
    if (!fault.rest || fault.key == "id" || !fault.rest->is_object()) return "null";
    const auto* id = fault.rest->get_object().if_contains("id");
    return id == nullptr ? "null" : id_text(*id).value_or("null");
}

void append_data(JsonWriter& writer, const Error& error) {
    writer.key("data").begin_object();
    writer.member("reason", error.reason).member("retryable", error.is_retryable);
    if (!error.field.empty()) writer.member("field", error.field);
    if (!error.expected.empty()) writer.member("expected", error.expected);
    if (!error.got.empty()) writer.member("got", error.got);
    if (!error.client_id.empty()) writer.member("client_id", error.client_id);
    if (error.retry_after_ms) writer.member("retry_after_ms", *error.retry_after_ms);
    writer.end_object();
}

}  // namespace

Frame::Frame(std::string_view text, json::storage_ptr storage)
    : parsed_(parse_json(text, std::move(storage))) {
    if (!parsed_) {
        members.emplace_back(BadCall{id_despite(parsed_.error()), error_of(parsed_.error())});
        return;
    }
    const auto* batch = parsed_->if_array();
    if (batch == nullptr) {
        members.push_back(read_member(*parsed_));
        return;
    }
    if (batch->empty() || batch->size() > base::limits::rpc_batch_max) {
        members.emplace_back(
            BadCall{"null", malformed(batch->empty() ? "batch_empty" : "batch_too_large", "",
                                      fmt::format("1 to {} requests", base::limits::rpc_batch_max),
                                      fmt::format("{}", batch->size()))});
        return;
    }
    is_batch = true;
    members.reserve(batch->size());
    for (const auto& member : *batch) members.push_back(read_member(member));
}

void begin_reply(std::string& out, std::string_view id) {
    out += R"({"jsonrpc":"2.0","id":)";
    out += id;
    out += R"(,"result":)";
}

void end_reply(std::string& out, const ReplyTail& tail) {
    fmt::format_to(std::back_inserter(out), R"(,"usIn":{},"usOut":{},"usDiff":{})",
                   tail.received_at.us, tail.sent_at.us, (tail.sent_at - tail.received_at).us);
    if (tail.credits) fmt::format_to(std::back_inserter(out), R"(,"credits":{})", *tail.credits);
    out += '}';
}

void append_error_reply(std::string& out, std::string_view id, const Error& error,
                        const ReplyTail& tail) {
    out += R"({"jsonrpc":"2.0","id":)";
    out += id;
    out += R"(,"error":)";
    JsonWriter writer{out};
    writer.begin_object();
    writer.member("code", static_cast<std::int32_t>(error.code));
    writer.member("message", message_of(error.code));
    append_data(writer, error);
    writer.end_object();
    end_reply(out, tail);
}

}  // namespace crossclear::api
