#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The public numbers of the wire. They are never reused; docs/errors.md is made from this table.

namespace crossclear::api {

/// Why a request was refused.
enum class ErrorCode : std::int32_t {
    parse_error = -32700,
    invalid_request = -32600,
    method_not_found = -32601,
    invalid_params = -32602,
    internal_error = -32603,
    auth_required = 10000,
    too_many_requests = 10028,
    id_reused = 11010,
    id_too_old = 11011,
    bad_amount = 11012,
    margin_insufficient = 11020,
    limit_exceeded = 11021,
    stale_price = 11022,
    price_outside_limit = 11023,
    close_only = 11024,
    shard_paused = 11030,
    shard_unavailable = 11031,
    outcome_unknown = 11032,
    deadline_passed = 11040,
    not_owner = 11050,
    draining = 11060,
    overloaded = 11070,
    bad_token = 13009,
    wrong_scope = 13011,
};

/// What the table says of one code.
struct ErrorEntry {
    ErrorCode code{};
    std::string_view message;  ///< The JSON-RPC `message`.
    std::string_view meaning;
    bool is_retryable{};      ///< The same request, with the same client_id, may succeed later.
    std::string_view advice;  ///< What a client does about it.
};

/// Why a socket was closed.
enum class CloseCode : std::uint16_t {
    normal = 1000,
    protocol_error = 1002,
    not_text = 1003,
    not_utf8 = 1007,
    too_large = 1009,
    restart = 1012,
    heartbeat_unanswered = 4000,
    idle = 4001,
    message_unfinished = 4002,
    no_login = 4003,
    key_revoked = 4004,
    slow_consumer = 4008,
};

/// What the table says of one close code.
struct CloseEntry {
    CloseCode code{};
    std::string_view reason;  ///< Sent with the close frame.
    std::string_view meaning;
};

/// Every code, in the order of docs/errors.md.
[[nodiscard]] std::span<const ErrorEntry> error_table() noexcept;
[[nodiscard]] std::span<const CloseEntry> close_table() noexcept;
/// The JSON-RPC message of a code; a plain sentence for a code that is not in the table.
[[nodiscard]] std::string_view message_of(ErrorCode code) noexcept;
/// What is sent with the close frame; a plain word for a code that is not in the table.
[[nodiscard]] std::string_view reason_of(CloseCode code) noexcept;

/// The text of docs/errors.md.
[[nodiscard]] std::string errors_markdown();

/// One refusal on its way out.
struct Error {
    ErrorCode code{ErrorCode::internal_error};
    std::string reason;  ///< A constant phrase in snake_case, for machines.
    bool is_retryable{};
    std::string field{};      ///< The parameter concerned; empty if none.
    std::string expected{};   ///< What would have been accepted, for people.
    std::string got{};        ///< What was there instead: its kind, never a secret.
    std::string client_id{};  ///< The command concerned.
    std::optional<std::int64_t> retry_after_ms{};
};

}  // namespace crossclear::api
