#pragma once

#include "api/errors.hpp"
#include "api/json.hpp"
#include "base/limits.hpp"
#include "base/time.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// JSON-RPC 2.0: one request or a batch in a frame, named parameters only.

namespace crossclear::api {

/// One request of a frame. Views point into the parsed frame.
struct Call {
    std::string id;  ///< As JSON text, ready to be echoed; `null` where it is unknown.
    bool is_notification{};
    std::string_view method;
    const boost::json::object* params{};  ///< Never null once the call is valid.
};

/// A member of a frame: a call, or why it is none (with the id to answer with).
struct BadCall {
    std::string id;
    Error error;
};
using FrameMember = std::variant<Call, BadCall>;

/// What one frame asks. Keeps the parsed text alive that the calls point into, so it is not moved.
struct Frame {
    /// Reads one frame. Never fails as a whole: what is wrong becomes a BadCall.
    explicit Frame(std::string_view text, boost::json::storage_ptr storage = {});
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() = default;

    bool is_batch{};
    std::vector<FrameMember> members;

private:
    base::Result<boost::json::value, JsonFault> parsed_;
};

/// When a request came and what credit is left: what every reply closes with.
struct ReplyTail {
    base::Timestamp received_at;
    base::Timestamp sent_at;
    std::optional<std::int64_t> credits;
};

/// Appends `{"jsonrpc":"2.0","id":…,"result":`; the result and `end_reply` are to follow.
void begin_reply(std::string& out, std::string_view id);
/// Appends `,"usIn":…}`.
void end_reply(std::string& out, const ReplyTail& tail);
/// Appends a whole error reply.
void append_error_reply(std::string& out, std::string_view id, const Error& error,
                        const ReplyTail& tail);

}  // namespace crossclear::api
