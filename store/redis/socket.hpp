#pragma once

#include "base/result.hpp"
#include "store/error.hpp"
#include "store/redis/options.hpp"

#include <chrono>
#include <string>
#include <utility>

/// A socket to one Redis, connected in bounded time. It never blocks; whoever needs to wait says
/// until when.

namespace crossclear::store {

/// Until when something is waited for.
using Deadline = std::chrono::steady_clock::time_point;

/// An open descriptor; closed with the object.
class Socket {
public:
    explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();

    /// The descriptor, which stays the socket's.
    [[nodiscard]] int get() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

/// Connects to where an endpoint is. A socket path longer than the kernel takes is reached through
/// its directory's file descriptor. **Errors:** `unreachable`, `socket_path_too_long`.
[[nodiscard]] base::Result<Socket, StoreError> connect_socket(const Endpoint& endpoint,
                                                              Deadline deadline);

/// Waits for one of the events of poll(2), or for an error there. Returns false if it got late.
[[nodiscard]] bool wait_for(int descriptor, short events, Deadline deadline);

/// The refusal of a Redis that does not answer.
[[nodiscard]] StoreError unreachable_error(const std::string& name, std::string found);

}  // namespace crossclear::store
