#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/error.hpp"
#include "store/redis/options.hpp"
#include "store/redis/transport.hpp"

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct redisReader;
struct redisReply;

/// One blocking connection to one Redis, for the questions asked before a pipeline starts.

namespace crossclear::store {

/// Frees what hiredis allocated.
struct HiredisFree {
    /// As `std::unique_ptr` calls it.
    void operator()(redisReader* reader) const noexcept;
    void operator()(redisReply* reply) const noexcept;
};
/// An answer of Redis; never an empty pointer where it is returned as a value.
using Reply = std::unique_ptr<redisReply, HiredisFree>;

/// What makes answers of the bytes that arrive.
using Reader = std::unique_ptr<redisReader, HiredisFree>;
/// One for Redis' protocol, with nothing read yet.
[[nodiscard]] Reader make_reader();

/// A connection that is authenticated and answers. Every call has a time-out, and after one that
/// was missed, or a loss, every later call fails.
///
/// **Thread:** one at a time.
class Connection {
public:
    /// Connects, with TLS where the endpoint says so, and authenticates.
    /// **Errors:** those of `Transport::open`; `not_authorised`; `tls_demanded`.
    [[nodiscard]] static base::Result<Connection, StoreError> open(const Endpoint& endpoint,
                                                                   base::Duration timeout);

    /// Sends one command and waits for its answer, which is no error reply.
    /// **Errors:** `unreachable` (also while loading), `not_authorised`, else `server_failed`.
    [[nodiscard]] base::Result<Reply, StoreError> command(
        std::initializer_list<std::string_view> words);

    /// What carries it, for a pipeline that does its own waiting.
    [[nodiscard]] Transport& transport() noexcept { return transport_; }
    /// Whether the operator vouches for settings that may not be asked for.
    [[nodiscard]] bool is_trusted() const noexcept { return endpoint_.is_trusted; }
    /// Which endpoint this is, for reports.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    Connection(Transport transport, const Endpoint& endpoint, base::Duration timeout);
    [[nodiscard]] base::Result<Reply, StoreError> authenticate();
    [[nodiscard]] base::Result<Reply, Broken> exchange(std::string_view question);
    [[nodiscard]] std::optional<Broken> send(std::string_view question, Deadline deadline);
    [[nodiscard]] StoreError error_of(Broken broken) const;

    Transport transport_;
    Endpoint endpoint_;
    std::string name_;
    base::Duration timeout_;
    Reader reader_;
    std::optional<Broken> broken_;
    bool has_answered_{};  // Anything that was an answer of Redis.
};

/// Says what an error reply means and what to do about it: OOM, READONLY, MISCONF, NOREPLICAS,
/// NOAUTH, NOPERM, LOADING and the rest. None of them has written anything.
[[nodiscard]] std::string explain_refusal(std::string_view error_reply);

}  // namespace crossclear::store
