#include "api/errors.hpp"

#include <fmt/format.h>

#include <array>

namespace crossclear::api {
namespace {

using enum ErrorCode;

constexpr std::array errors{
    ErrorEntry{parse_error, "parse error", "The frame is not JSON.", false, "Repair the client."},
    ErrorEntry{invalid_request, "invalid request",
               "JSON, but no JSON-RPC 2.0 request: a duplicate key, an unknown member, an empty or "
               "too large batch, nesting beyond the bound.",
               false, "Repair the client."},
    ErrorEntry{method_not_found, "method not found", "No such method.", false,
               "See asyncapi.yaml for the methods."},
    ErrorEntry{invalid_params, "invalid params",
               "A parameter is missing, unknown, of the wrong type, out of range, or names "
               "something that does not exist; `field`, `expected` and `got` say which. To "
               "operators: `no_such_lane`, and `expected` says why it is none: nobody works on "
               "that shard, or it is simulated and nothing is signed there.",
               false, "Repair the request."},
    ErrorEntry{internal_error, "internal error", "A part of the service failed on this request.",
               true, "Repeat with the same client_id; report it if it stays."},
    ErrorEntry{auth_required, "authentication required",
               "A private method on a session that is not authenticated.", false,
               "Call public/auth first."},
    ErrorEntry{too_many_requests, "too many requests",
               "The credits of this key, or before a login of this address, and of the method's "
               "class are used up.",
               true, "Wait `retry_after_ms`; watch `credits` in the replies."},
    ErrorEntry{id_reused, "id reused with another body",
               "This client_id was used for a different command.", false, "Make a new client_id."},
    ErrorEntry{id_too_old, "id too old",
               "The client_id is older than what the account remembers; or made more than five "
               "minutes ahead of the node's clock, which decides nothing (`retryable`).",
               false,
               "Look the outcome up before sending again with a new client_id; made too far "
               "ahead: set the clock and send the same client_id again."},
    ErrorEntry{
        bad_amount, "malformed or zero amount",
        "A quantity, price or amount is no decimal text, zero, negative, too large, or "
        "more precise than its asset; or the broker does not trade the instrument, or it has "
        "expired, or the shard does not pay the asset out, or the destination is none of its "
        "chain, or the receiver of a transfer or the seller of a matched trade is no other account "
        "of the broker.",
        false, "Repair the request; `expected` says what is accepted."},
    ErrorEntry{margin_insufficient, "margin insufficient",
               "The account would fall below its initial margin.", false,
               "Pay in or trade less; then use a new client_id."},
    ErrorEntry{limit_exceeded, "limit exceeded",
               "A limit of the account, the broker, a shard or the session; to operators: what a "
               "break's resolution would book is reserved or cannot be borne.",
               false, "`reason` names the limit."},
    ErrorEntry{stale_price, "stale price", "No price fresh enough to trade on.", false,
               "Try again shortly; with a new client_id."},
    ErrorEntry{
        price_outside_limit, "price outside limit",
        "The price now is worse than limit_price; or a venue's price is more than 5 % from the "
        "mark.",
        false, "Decide again; then use a new client_id."},
    ErrorEntry{close_only, "close only",
               "Only trades that reduce risk are accepted, "
               "of this account, this broker, or this contract before its end.",
               false, "Reduce a position."},
    ErrorEntry{
        shard_paused, "shard paused",
        "An operator has paused the shard: no withdrawals to it, and only trades that reduce "
        "risk in what is hedged there.",
        false, "Wait, watch shards.health; then use a new client_id."},
    ErrorEntry{shard_unavailable, "shard unavailable",
               "`partition_stopped`: what keeps the account failed a check and is stopped. To "
               "operators: the shard does not answer, or was not looked at yet.",
               true, "Repeat with the same client_id once the service is mended."},
    ErrorEntry{outcome_unknown, "outcome unknown",
               "The command may or may not have been taken; the connection to the journal failed "
               "at the wrong moment.",
               true, "Repeat with the same client_id: it takes effect at most once."},
    ErrorEntry{
        deadline_passed, "deadline passed",
        "Too late to take it back: the withdrawal may be on its way (`withdrawal_is_sent`) or "
        "has ended (`withdrawal_has_ended`). Or the seller's account did not answer in time "
        "(`match_timed_out`): the matched trade is cleared on neither side.",
        false,
        "Wait for its end; see private/get_withdrawals and the balances. A matched trade: submit "
        "it again with a new client_id."},
    ErrorEntry{not_owner, "not owner", "This node does not own the account's partition.", true,
               "Try again; the owner is changing."},
    ErrorEntry{draining, "draining", "The node takes no new work because it is being stopped.",
               true, "Reconnect when it is back."},
    ErrorEntry{overloaded, "overloaded",
               "A queue on the way is full, the journal takes no writes, or the partition is still "
               "being read; `reason` says which.",
               true, "Try again after a pause that grows."},
    ErrorEntry{bad_token, "bad token",
               "The signature, its timestamp or nonce, or the refresh token is not accepted. "
               "Unknown keys get the same answer as wrong signatures.",
               false, "Sign again with a fresh timestamp and nonce."},
    ErrorEntry{wrong_scope, "wrong scope", "The key may not do this with this account.", false,
               "Use a key with the scope."},
};

constexpr std::array closes{
    CloseEntry{CloseCode::normal, "goodbye", "Either side is done."},
    CloseEntry{CloseCode::protocol_error, "protocol error", "Not a valid WebSocket frame."},
    CloseEntry{CloseCode::not_text, "only text frames are accepted", "A binary frame."},
    CloseEntry{CloseCode::not_utf8, "not UTF-8", "A text frame that is not UTF-8."},
    CloseEntry{CloseCode::too_large, "frame too large", "A message above 64 KiB."},
    CloseEntry{CloseCode::restart, "service restarts, reconnect", "The node is being stopped."},
    CloseEntry{CloseCode::heartbeat_unanswered, "heartbeat unanswered",
               "A test_request got no answer within the interval."},
    CloseEntry{CloseCode::idle, "idle", "Nothing came for the idle deadline, not even a pong."},
    CloseEntry{CloseCode::message_unfinished, "message not finished in time",
               "A message was begun and not completed."},
    CloseEntry{CloseCode::no_login, "no login in time",
               "The socket was without a login for longer than auth_timeout."},
    CloseEntry{CloseCode::key_revoked, "key revoked or changed",
               "The key was taken away, or has another secret or other grants: log in again."},
    CloseEntry{CloseCode::slow_consumer, "slow consumer",
               "More than 1 MiB or 4,096 messages waited for the client to read."},
};

}  // namespace

std::span<const ErrorEntry> error_table() noexcept { return errors; }
std::span<const CloseEntry> close_table() noexcept { return closes; }

std::string_view message_of(ErrorCode code) noexcept {
    for (const auto& entry : errors) {
        if (entry.code == code) return entry.message;
    }
    return "refused";
}

std::string_view reason_of(CloseCode code) noexcept {
    for (const auto& entry : closes) {
        if (entry.code == code) return entry.reason;
    }
    return "closed";
}

std::string errors_markdown() {
    std::string text =
        "# Errors\n\nMade from `api/errors.cpp`; a test keeps it current. Every error carries\n"
        "`data {reason, retryable}`, and where it applies `field`, `expected`, `got`,\n"
        "`client_id`, `retry_after_ms`.\n\n"
        "`retryable` in the reply has the last word: it knows the case, this table the rule.\n\n"
        "| code | message | meaning | retryable | what to do |\n|---|---|---|---|---|\n";
    for (const auto& entry : errors) {
        text += fmt::format("| {} | {} | {} | {} | {} |\n", static_cast<std::int32_t>(entry.code),
                            entry.message, entry.meaning, entry.is_retryable ? "yes" : "no",
                            entry.advice);
    }
    text +=
        "\n# Close codes\n\nBad input is answered, not punished, except for these.\n\n"
        "| code | reason | meaning |\n|---|---|---|\n";
    for (const auto& entry : closes) {
        text += fmt::format("| {} | {} | {} |\n", static_cast<std::uint16_t>(entry.code),
                            entry.reason, entry.meaning);
    }
    return text;
}

}  // namespace crossclear::api
