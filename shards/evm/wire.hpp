#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/evm/endpoint.hpp"
#include "shards/evm/json_rpc.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

/// How text comes to one endpoint and back.

namespace crossclear::shards::evm {

/// What all wires are told.
struct WireOptions {
    std::string authorization{};  ///< The header of that name, printable; empty: none.
    /// A file of certificates that an endpoint's may be signed by, besides the system's.
    std::string authority{};
    /// Files of PEM that say who we are, where an endpoint wants to know (mutual TLS): a
    /// certificate with those that it hangs on, and its key. Both, or neither.
    std::string certificate{};
    std::string key{};
    std::size_t connections_max{4};              ///< Of HTTP: so many questions are on their way.
    std::size_t waiting_max{4'096};              ///< More than these are refused as `limited`.
    base::Duration idle_max{base::seconds(30)};  ///< Of a WebSocket; then it is asked for a pong.
};

/// What is sent at once: one call, or a batch.
struct Message {
    std::string text;
    std::uint64_t first_id{};  ///< Of its calls, which no others on their way have.
    std::size_t count{1};      ///< Of calls.
};

/// What became of a message.
struct Carried {
    base::Result<boost::json::value, RpcError> said;
    bool was_sent{true};    ///< Its fate says something of the endpoint.
    bool was_sent_twice{};  ///< What came back may be of the second time.
};

/// Carries questions to one endpoint. Connects by itself, keeps the connection, and connects anew
/// where it was lost. **Thread:** only the one that runs its io_context; `done` comes on it as
/// well, once for each exchange, and never from within the call.
class Wire {
public:
    /// What came back, or why nothing did.
    using Done = std::function<void(Carried)>;

    Wire() = default;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    virtual ~Wire() = default;

    /// Sends a message. Over HTTP one that meets a connection which the other end had closed
    /// meanwhile is sent once more: the same bytes have the same effect. **Errors:** all but
    /// `refused` and `disagreeing`.
    virtual void exchange(Message message, base::Duration patience, Done done) = 0;
    /// Whether it is a WebSocket that is connected.
    [[nodiscard]] virtual bool is_open() const { return false; }
    /// Ends all that is on its way as `unreachable`, and whatever comes after.
    virtual void close() = 0;

    /// What a WebSocket tells without being asked: the params of `eth_subscription`.
    std::function<void(const boost::json::object&)> on_notification;
    /// A WebSocket is connected, for the first time or again: nothing is subscribed to.
    std::function<void()> on_open;
};

/// Of an endpoint with `http` or `https`. `io` outlives it.
[[nodiscard]] std::shared_ptr<Wire> make_http_wire(boost::asio::io_context& io, Endpoint endpoint,
                                                   WireOptions options);
/// Of one with `ws` or `wss`: everything goes over one connection. `io` outlives it.
[[nodiscard]] std::shared_ptr<Wire> make_websocket_wire(boost::asio::io_context& io,
                                                        Endpoint endpoint, WireOptions options);
/// Whichever it is.
[[nodiscard]] std::shared_ptr<Wire> make_wire(boost::asio::io_context& io, Endpoint endpoint,
                                              WireOptions options);

}  // namespace crossclear::shards::evm
