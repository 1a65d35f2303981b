#include "store/redis/socket.hpp"

#include "base/check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace crossclear::store {
namespace {

constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;

using SteadyClock = std::chrono::steady_clock;

// Opens the directory of a socket, so that /proc/self/fd/N/name is short whatever the path is.
class ShortPath {
public:
    explicit ShortPath(const std::string& path) : text_(path) {
        if (path.size() <= socket_path_max) return;
        const std::size_t slash = path.rfind('/');
        CHECK(slash != std::string::npos, "a socket path is absolute");
        directory_ = ::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory_ >= 0) {
            text_ = fmt::format("/proc/self/fd/{}/{}", directory_, path.substr(slash + 1));
        }
    }
    ~ShortPath() {
        if (directory_ >= 0) ::close(directory_);
    }
    ShortPath(const ShortPath&) = delete;
    ShortPath& operator=(const ShortPath&) = delete;

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
    int directory_{-1};
};

struct FreeAddresses {
    void operator()(addrinfo* first) const noexcept { ::freeaddrinfo(first); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// Connects to one address; what is wrong with it, if it cannot.
base::Result<Socket, std::string> connect_to(const sockaddr* address, socklen_t size,
                                             Deadline deadline) {
    const int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    Socket socket(::socket(address->sa_family, kind, 0));
    if (socket.get() < 0) return base::Failure{std::string(std::strerror(errno))};
    if (address->sa_family != AF_UNIX) {
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (::connect(socket.get(), address, size) == 0) return socket;
    if (errno != EINPROGRESS && errno != EINTR) {
        return base::Failure{std::string(std::strerror(errno))};
    }
    if (!wait_for(socket.get(), POLLOUT, deadline)) {
        return base::Failure{std::string("no connection in time")};
    }
    int error = 0;
    socklen_t error_size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
    if (error != 0) return base::Failure{std::string(std::strerror(error))};
    return socket;
}

base::Result<Socket, StoreError> connect_unix(const Endpoint& endpoint, Deadline deadline) {
    const ShortPath path(endpoint.socket_path);
    if (path.text().size() > socket_path_max) {
        return base::Failure{
            StoreError{.fault = StoreFault::socket_path_too_long,
                       .subject = to_string(endpoint),
                       .expected = fmt::format(
                           "a directory that opens and a name that fits {} bytes", socket_path_max),
                       .found = fmt::format("{} bytes", endpoint.socket_path.size()),
                       .remedy = "Move the socket to a shorter path."}};
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.text().c_str(), path.text().size());
    auto socket = connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
    if (!socket) return base::Failure{unreachable_error(to_string(endpoint), socket.error())};
    return std::move(socket).value();
}

base::Result<Socket, StoreError> connect_tcp(const Endpoint& endpoint, Deadline deadline) {
    const std::string port = std::to_string(endpoint.port);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_INET;
    addrinfo* found = nullptr;
    int status = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
    if (status != 0) {
        hints.ai_family = AF_INET6;
        status = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
    }
    if (status != 0) {
        return base::Failure{unreachable_error(to_string(endpoint), ::gai_strerror(status))};
    }
    const Addresses addresses(found);
    long left = 0;
    for (const addrinfo* it = found; it != nullptr; it = it->ai_next) ++left;
    std::string wrong;
    for (const addrinfo* it = found; it != nullptr; it = it->ai_next, --left) {
        // One that swallows packets leaves the others their share of the time.
        const auto now = SteadyClock::now();
        const auto until = now + std::max(deadline - now, Deadline::duration::zero()) / left;
        auto socket = connect_to(it->ai_addr, it->ai_addrlen, until);
        if (socket) return std::move(socket).value();
        wrong = socket.error();
    }
    return base::Failure{unreachable_error(to_string(endpoint), std::move(wrong))};
}

}  // namespace

Socket::~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<Socket, StoreError> connect_socket(const Endpoint& endpoint, Deadline deadline) {
    return endpoint.socket_path.empty() ? connect_tcp(endpoint, deadline)
                                        : connect_unix(endpoint, deadline);
}

bool wait_for(int descriptor, short events, Deadline deadline) {
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
        pollfd waited{.fd = descriptor, .events = events, .revents = 0};
        const int ready =
            ::poll(&waited, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
        if (ready > 0) return true;
        if (left <= 0) return false;
    }
}

StoreError unreachable_error(const std::string& name, std::string found) {
    return StoreError{
        .fault = StoreFault::unreachable,
        .subject = name,
        .expected = "a Redis that answers",
        .found = std::move(found),
        .remedy = "Start redis-server there, or correct the endpoint; it is tried again."};
}

}  // namespace crossclear::store
