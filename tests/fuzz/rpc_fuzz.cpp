#include "api/json.hpp"
#include "api/params.hpp"
#include "api/rpc.hpp"
#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/listing.hpp"

#include <boost/json/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

// Any bytes become calls, or refusals whose replies are texts that we would read ourselves and that
// carry the id of the request. What is accepted means what the library's own reader takes it for.

namespace api = crossclear::api;
namespace base = crossclear::base;
namespace json = boost::json;

namespace {

void check_text(std::string_view text) {
    const auto ours = api::parse_json(text);
    json::parse_options options;
    options.max_depth = api::json_depth_max;
    boost::system::error_code fault;
    const auto theirs = json::parse({text.data(), text.size()}, fault, {}, options);
    if (ours) {
        CHECK(!fault && *ours == theirs, "an accepted text means the same to the library");
        return;
    }
    switch (ours.error().kind) {
        case api::JsonFaultKind::not_json:
        case api::JsonFaultKind::too_deep:
            CHECK(fault, "the library refuses what is refused as no JSON, or as too deep");
            return;
        case api::JsonFaultKind::duplicate_key:
            CHECK(!fault, "but for the doubled key the text is right");
            return;
        case api::JsonFaultKind::too_many_keys:
            return;  // Refused at once, whatever follows.
    }
}

// The id as it would be echoed: JSON by itself, and written in one way only.
void check_id(const std::string& text) {
    const auto id = api::parse_json(text);
    CHECK(id && (id->is_null() || id->is_int64() || id->is_string()), "an id can be echoed");
    CHECK(!id->is_int64() || std::to_string(id->get_int64()) == text, "an integer stays itself");
}

void check_refusal(const std::string& id, const api::Error& error) {
    std::string reply;
    api::append_error_reply(reply, id, error, {});
    const auto read = api::parse_json(reply);
    CHECK(read && read->is_object(), "a refusal is an object, in UTF-8");
    CHECK(read->get_object().at("id") == *api::parse_json(id), "a refusal names its request");
}

// Reads one field in one way, as a method would, and answers with what is wrong.
template <class Read>
void check_read(const api::Call& call, Read read) {
    api::Params params{*call.params};
    read(params);
    if (const auto fault = params.fault()) check_refusal(call.id, *fault);
}

void check_params(const api::Call& call) {
    using Params = api::Params;
    static const base::Listing nothing_listed;
    for (const auto& member : *call.params) {
        const std::string_view field = member.key();
        check_read(call, [&](Params& params) { (void)params.text(field, 64); });
        check_read(call, [&](Params& params) { (void)params.text_or(field, 64, "other"); });
        check_read(call, [&](Params& params) { (void)params.integer(field, -10, 1'000); });
        check_read(call, [&](Params& params) { (void)params.boolean_or(field, true); });
        check_read(call, [&](Params& params) { (void)params.amount(field, 8); });
        check_read(call, [&](Params& params) { (void)params.account(field); });
        check_read(call, [&](Params& params) { (void)params.texts(field, 8); });
        check_read(call, [&](Params& params) { (void)params.objects(field, 8); });
        check_read(call, [&](Params& params) { (void)params.object_or_null(field); });
    }
    check_read(call, [](Params& params) {
        (void)params.client_id();
        (void)params.instrument(nothing_listed);
    });
    check_read(call, [](Params& params) { (void)params.asset(nothing_listed); });
}

void check_member(const api::FrameMember& member) {
    if (const auto* bad = std::get_if<api::BadCall>(&member)) {
        check_id(bad->id);
        check_refusal(bad->id, bad->error);
        return;
    }
    const auto& call = std::get<api::Call>(member);
    check_id(call.id);
    CHECK(call.params != nullptr, "a call has parameters, if empty ones");
    CHECK(!call.is_notification || call.id == "null", "a notification has no id");
    check_params(call);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_text(bytes);
    const api::Frame frame{bytes};
    const auto count = frame.members.size();
    CHECK(count >= 1 && count <= base::limits::rpc_batch_max, "a frame asks something, not a lot");
    CHECK(frame.is_batch || count == 1, "only a batch asks more than once");
    for (const auto& member : frame.members) check_member(member);
    return 0;
}
