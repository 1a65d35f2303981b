#pragma once

#include "base/result.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What is asked of an EVM node and what it says, as text. Nodes are somebody else's: whatever they
/// say is looked at before it is believed.
/// **Source:** JSON-RPC 2.0; the execution-apis of Ethereum for methods.

namespace crossclear::shards::evm {

/// One question.
struct RpcCall {
    std::string method;  ///< `eth_getBlockByNumber`.
    boost::json::array params;
    /// The one form of an answer in which it is compared with others and given back; nothing where
    /// it cannot be read, which is `malformed`. Without it answers stay as they were written.
    std::function<std::optional<boost::json::value>(const boost::json::value&)> canonical{};
};

/// Why there is no result.
enum class RpcFault : std::uint8_t {
    unreachable,  ///< No connection, or it broke before the answer had come.
    timed_out,    ///< No answer in time.
    limited,      ///< The endpoint wants fewer questions.
    malformed,    ///< What came is no answer to what was asked: a page of HTML, another id.
    refused,      ///< The node understood and said no; its code and message are here.
    disagreeing,  ///< Endpoints of one chain say different things, and none has a majority.
};
/// As metrics and logs write it.
[[nodiscard]] const char* name_of(RpcFault fault);

/// A fault and what is known of it.
struct RpcError {
    RpcFault fault{RpcFault::unreachable};
    std::int64_t code{};    ///< The node's, or HTTP's status; 0: none.
    std::string message{};  ///< Printable, at most `rpc_message_max` long. No secret of an URL.
    std::string data{};     ///< What a call reverted with, in lower hex; empty: there is none.
    /// It was sent before, or twice, or the node itself does not know.
    bool may_have_happened{};

    friend bool operator==(const RpcError&, const RpcError&) = default;
};
/// Whether what was asked may have happened all the same: a transaction that was sent may be in the
/// pool. That one was refused says nothing of an earlier try.
[[nodiscard]] constexpr bool is_effect_unknown(const RpcError& error) noexcept {
    return error.may_have_happened ||
           (error.fault != RpcFault::refused && error.fault != RpcFault::limited);
}
/// A result, null where the node knows of none.
using RpcResult = base::Result<boost::json::value, RpcError>;

inline constexpr std::size_t rpc_message_max = 256;
inline constexpr std::size_t rpc_data_max = 8'192;
/// An answer with more is refused before it is read to its end.
inline constexpr std::size_t rpc_answer_bytes_max = std::size_t{16} * 1'024 * 1'024;
/// Calls of one batch.
inline constexpr std::size_t rpc_batch_max = 256;

/// The text of calls under ids from `first_id` on: one as an object, several as a batch.
/// **Requires:** between one and `rpc_batch_max` of them.
[[nodiscard]] std::string text_of(std::span<const RpcCall> calls, std::uint64_t first_id);

/// Reads text. **Errors:** `malformed` where it is no JSON, too deep or too long.
[[nodiscard]] base::Result<boost::json::value, RpcError> parse_answer(std::string_view text);

/// The results of `count` calls from `first_id` on, as the node wrote them, in the order of the
/// calls, whatever that of the answers. An error without an id is that of all; a call that is
/// answered twice or not at all is `malformed`.
[[nodiscard]] std::vector<RpcResult> results_of(const boost::json::value& said,
                                                std::uint64_t first_id, std::size_t count);

/// A result in the form that its call wants. **Errors:** `malformed`.
[[nodiscard]] RpcResult canonical(const RpcCall& call, RpcResult result);

/// Of a fault that is the same for all of them.
[[nodiscard]] std::vector<RpcResult> all_failed(const RpcError& error, std::size_t count);

/// Somebody else's text for people and logs: what cannot be printed as `?`, the rest cut off.
[[nodiscard]] std::string printable(std::string_view text, std::size_t length_max);

}  // namespace crossclear::shards::evm
