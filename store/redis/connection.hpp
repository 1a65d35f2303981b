#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/error.hpp"
#include "store/redis/options.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

struct redisContext;
struct redisReply;

/// One blocking connection to one Redis, for the questions asked before a pipeline starts.

namespace crossclear::store {

/// Frees what hiredis allocated.
struct HiredisFree {
    void operator()(redisContext* context) const noexcept;
    void operator()(redisReply* reply) const noexcept;
};
/// An answer of Redis; never an empty pointer where it is returned as a value.
using Reply = std::unique_ptr<redisReply, HiredisFree>;

/// A connection that is authenticated and answers. Every call has a time-out.
///
/// **Thread:** one at a time. SIGPIPE is kept from the calling thread during each command.
class Connection {
public:
    /// Connects and authenticates. A socket path longer than the kernel takes is reached through
    /// its directory's file descriptor.
    /// **Errors:** `unreachable`, `not_authorised`, `socket_path_too_long`.
    [[nodiscard]] static base::Result<Connection, StoreError> open(const Endpoint& endpoint,
                                                                   base::Duration timeout);

    /// Sends one command and waits for its answer, which is no error reply.
    /// **Errors:** `unreachable` (also while loading), `not_authorised`, else `server_failed`.
    [[nodiscard]] base::Result<Reply, StoreError> command(
        std::initializer_list<std::string_view> words);

    /// The socket; stays owned by the connection.
    [[nodiscard]] int descriptor() const noexcept;
    /// Makes the socket non-blocking, for a pipeline that does its own waiting.
    void stop_blocking() noexcept;
    /// Whether the operator vouches for settings that may not be asked for.
    [[nodiscard]] bool is_trusted() const noexcept { return is_trusted_; }
    /// Which endpoint this is, for reports.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    Connection(std::unique_ptr<redisContext, HiredisFree> context, std::string name);
    [[nodiscard]] base::Result<Reply, StoreError> authenticate(const Endpoint& endpoint);

    std::unique_ptr<redisContext, HiredisFree> context_;
    std::string name_;
    bool is_trusted_{};
};

/// Says what an error reply means and what to do about it: OOM, READONLY, MISCONF, NOREPLICAS,
/// NOAUTH, NOPERM, LOADING and the rest. None of them has written anything.
[[nodiscard]] std::string explain_refusal(std::string_view error_reply);

}  // namespace crossclear::store
