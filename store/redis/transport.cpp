#include "store/redis/transport.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace crossclear::store {
namespace {

Deadline after(base::Duration timeout) {
    return std::chrono::steady_clock::now() + std::chrono::microseconds(timeout.us);
}

base::Failure<Broken> broke(int error) {
    return base::Failure{
        Broken{.reason = fmt::format("the connection broke: {}", std::strerror(error))}};
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

base::Result<Transport, StoreError> Transport::open(const Endpoint& endpoint,
                                                    base::Duration timeout) {
    auto socket = connect_socket(endpoint, after(timeout));
    if (!socket) return base::Failure{socket.error()};
    Transport transport(std::move(socket).value());
    if (!endpoint.tls) return transport;
    auto session = TlsSession::over(transport.descriptor(), endpoint);
    if (!session) return base::Failure{session.error()};
    if (const auto agreed = session->shake_hands(endpoint, after(timeout)); !agreed) {
        return base::Failure{agreed.error()};
    }
    transport.tls_.emplace(std::move(session).value());
    return transport;
}

base::Result<std::size_t, Broken> Transport::read(std::span<char> to) {
    if (tls_) return tls_->read(to);
    while (true) {
        const ssize_t given = ::recv(descriptor(), to.data(), to.size(), 0);
        if (given > 0) return static_cast<std::size_t>(given);
        if (given == 0) return base::Failure{Broken{.reason = "Redis closed the connection"}};
        if (would_block(errno)) return std::size_t{0};
        if (errno != EINTR) return broke(errno);
    }
}

base::Result<std::size_t, Broken> Transport::write(std::string_view bytes) {
    if (tls_) return tls_->write(bytes);
    while (true) {
        const ssize_t taken = ::send(descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (taken >= 0) return static_cast<std::size_t>(taken);
        if (would_block(errno)) return std::size_t{0};
        if (errno != EINTR) return broke(errno);
    }
}

short Transport::events(bool is_writing) const noexcept {
    // A write that waits for a read would be woken by a socket that takes bytes all the time.
    const bool wants_room =
        tls_ ? tls_->read_waits_for_write() || (is_writing && !tls_->write_waits_for_read())
             : is_writing;
    return static_cast<short>(wants_room ? POLLIN | POLLOUT : POLLIN);
}

bool Transport::may_read(short events) const noexcept {
    const bool is_woken = (events & ~POLLOUT) != 0;
    return is_woken || has_more() || (tls_ && tls_->read_waits_for_write() && events != 0);
}

}  // namespace crossclear::store
