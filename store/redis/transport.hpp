#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/error.hpp"
#include "store/redis/options.hpp"
#include "store/redis/socket.hpp"
#include "store/redis/tls.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

/// What carries the bytes of one connection to Redis: a socket, or TLS over one. It knows nothing
/// of commands and answers, and never blocks.

namespace crossclear::store {

/// An open way to one Redis. Once a call has failed, every later one does.
///
/// **Thread:** one at a time; raises no SIGPIPE.
class Transport {
public:
    /// Connects, and where the endpoint wants TLS shakes hands, each within `timeout`.
    /// **Errors:** those of `connect_socket` and of `TlsSession`.
    [[nodiscard]] static base::Result<Transport, StoreError> open(const Endpoint& endpoint,
                                                                  base::Duration timeout);

    /// Takes what has arrived, as much as fits; 0 if that is nothing yet.
    [[nodiscard]] base::Result<std::size_t, Broken> read(std::span<char> to);
    /// Hands bytes on, perhaps only the first of them; 0 if none are taken yet. What was not taken
    /// comes first at the next call.
    [[nodiscard]] base::Result<std::size_t, Broken> write(std::string_view bytes);

    /// The events of poll(2) to wait for, with or without bytes to be written.
    [[nodiscard]] short events(bool is_writing) const noexcept;
    /// Whether `read` may find something, after these events or without any.
    [[nodiscard]] bool may_read(short events) const noexcept;
    /// Whether `read` finds something at once: the socket may say nothing of it.
    [[nodiscard]] bool has_more() const noexcept { return tls_ && tls_->has_more(); }
    /// The socket; stays owned by the transport.
    [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

private:
    explicit Transport(Socket socket) : socket_(std::move(socket)) {}

    Socket socket_;
    std::optional<TlsSession> tls_;  // Speaks through the socket until it is gone.
};

}  // namespace crossclear::store
