#pragma once

#include "base/command_id.hpp"
#include "base/rng.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crossclear::api {

/// Where a client connects to.
struct ClientOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port{};
    std::string path = "/ws/v1";
    std::string origin;  ///< Sent if not empty.
};

/// What came of a request.
struct ClientReply {
    std::int32_t code{};       ///< 0 for a result; 1 if the connection went first.
    boost::json::value value;  ///< The result, or the whole error object.

    /// Whether it went well.
    [[nodiscard]] bool is_result() const noexcept { return code == 0; }
};

/// A WebSocket client of our own wire, for the demo, the bench and the tests. Any number of
/// requests may be on their way. **Thread:** only the one that runs its io_context; callbacks come
/// on it as well. Callbacks keep the client alive until it is closed.
class Client : public std::enable_shared_from_this<Client> {
public:
    using ReplyCallback = std::function<void(ClientReply)>;
    using BatchCallback = std::function<void(std::vector<ClientReply>)>;
    /// A method and its parameters as JSON text.
    using Request = std::pair<std::string, std::string>;

    /// One that is not connected yet. `io` outlives it.
    [[nodiscard]] static std::shared_ptr<Client> make(boost::asio::io_context& io);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client() = default;

    /// Calls back with an empty text once connected, or with why not.
    virtual void connect(ClientOptions options, std::function<void(std::string)> done) = 0;
    /// Sends one request in a frame of its own.
    virtual void call(std::string_view method, std::string_view params, ReplyCallback done) = 0;
    /// Sends requests as one JSON-RPC batch; calls back once, in the order of `requests`.
    virtual void batch(const std::vector<Request>& requests, BatchCallback done) = 0;
    /// Authenticates by a signature over the clock and a random nonce.
    virtual void authenticate(std::string_view key_id, std::string_view secret,
                              ReplyCallback done) = 0;
    /// Sends text as it is, right or wrong.
    virtual void send_raw(std::string_view text) = 0;
    /// Closes in order; `on_close` follows.
    virtual void close() = 0;
    /// Stops and resumes reading: what a client does that is too slow.
    virtual void set_reading(bool is_reading) = 0;

    /// Messages without an id: subscriptions and heartbeats.
    std::function<void(const boost::json::object&)> on_notification;
    /// Replies that belong to no request: errors with the id null.
    std::function<void(const boost::json::object&)> on_stray_reply;
    /// The connection has ended, with the close code (1006 without one) and its reason.
    std::function<void(std::uint16_t, std::string)> on_close;
    /// Every frame as it came, before anything else is called; for checks of the contract.
    std::function<void(std::string_view)> on_frame;

protected:
    Client() = default;
};

/// Makes UUIDv7 command ids from the clock and random bits.
class CommandIds {
public:
    explicit CommandIds(std::uint64_t seed) : rng_(seed) {}
    /// The next id, also as the wire writes it. The same seed does not give the same ids: the clock
    /// is in them.
    [[nodiscard]] base::CommandId next() {
        return base::make_command_id(base::wall_clock_now(), rng_.next(), rng_.next());
    }
    [[nodiscard]] std::string next_text() { return base::to_string(next()); }

private:
    base::Rng rng_;
};

}  // namespace crossclear::api
