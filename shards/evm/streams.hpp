#pragma once

#include "base/time.hpp"
#include "shards/evm/endpoint.hpp"
#include "shards/evm/json_rpc.hpp"
#include "shards/evm/wire.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

/// Connections to endpoints, with TLS or without. Inside the wires only.

namespace crossclear::shards::evm {

using PlainStream = boost::beast::tcp_stream;
using SecureStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

/// As long as asio has it.
[[nodiscard]] inline std::chrono::microseconds as_chrono(base::Duration span) {
    return std::chrono::microseconds(span.us);
}

/// A context that trusts the system's authorities and the given ones, and shows our certificate to
/// whoever asks; TLS 1.2 at least.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> tls_context(const WireOptions& options);

/// Looks the host up and connects. **Requires:** stream and resolver live until `done`.
void connect(boost::asio::ip::tcp::resolver& resolver, PlainStream& stream,
             const Endpoint& endpoint, std::function<void(boost::system::error_code)> done);
/// The same, then shakes hands: the certificate must be the host's.
void connect(boost::asio::ip::tcp::resolver& resolver, SecureStream& stream,
             const Endpoint& endpoint, std::function<void(boost::system::error_code)> done);

/// Acknowledges at once what comes in next. Some nodes send an answer in two parts and the second
/// one only when the first is acknowledged, which systems put off by 40 ms.
void acknowledge_quickly(PlainStream& stream);
void acknowledge_quickly(SecureStream& stream);

/// What an error of a connection means to who has asked.
[[nodiscard]] RpcError unreachable(std::string_view while_doing,
                                   const boost::system::error_code& error);
/// That no answer came in time.
[[nodiscard]] RpcError timed_out();

}  // namespace crossclear::shards::evm
