#pragma once

#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/tls_files.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Where the journal's Redis instances are and how long to wait for them.

namespace crossclear::store {

/// How an endpoint speaks TLS. The files are PEM, and are read for every new connection.
struct EndpointTls {
    std::string authority{};    ///< Who may sign the server's certificate.
    std::string certificate{};  ///< Ours, if the server asks for one; with its key or not at all.
    std::string key{};
    std::string server_name{};  ///< The name in the server's certificate; empty: the host.
};

/// Those of them that are files.
[[nodiscard]] inline base::TlsFiles files_of(const EndpointTls& tls) {
    return {.authority = tls.authority, .certificate = tls.certificate, .key = tls.key};
}

/// One Redis instance: a unix socket if `socket_path` is set, else a host and a port.
struct Endpoint {
    std::string socket_path{};
    std::string host{};
    std::uint16_t port{};
    std::string username{};  ///< Empty means Redis' default user.
    std::string password{};  ///< Empty means no authentication. Never printed.
    /// Settings that may not be asked for are taken to be right, on the operator's word.
    bool is_trusted{};
    std::optional<EndpointTls> tls{};  ///< Of a host and a port only.
};

/// Reads `unix:/path`, `/path`, `redis://host:port` or `host:port` (an IPv6 host in brackets), and
/// `rediss://host:port` for one with TLS, whose files are still to be named.
/// **Errors:** `endpoint_malformed`.
[[nodiscard]] base::Result<Endpoint, StoreError> parse_endpoint(std::string_view text);

/// The text form, without credentials.
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// What an instance says about itself, for whoever watches it.
struct RedisVitals {
    std::string endpoint{};  ///< Without credentials.
    bool is_connected{};     ///< Else nothing below is known.
    base::Duration answers_after{};
    std::uint64_t memory_used_bytes{};
    std::uint64_t memory_max_bytes{};  ///< 0: no limit of its own.
    std::uint64_t aof_size_bytes{};
    bool is_aof_written{};  ///< Whether its last write to the append-only file went well.

    /// Whether it uses more of its memory than leaves time to act: at its limit it refuses writes.
    [[nodiscard]] bool is_memory_short() const {
        return memory_max_bytes > 0 && memory_used_bytes > memory_max_bytes / 10 * 6;
    }
};

/// Who hears of an instance in use. Any may be empty. **Thread:** the store's own; no waiting.
struct RedisListener {
    std::function<void(const RedisVitals&)> examined{};
    /// One call's name and how long it took from being submitted to its answer.
    std::function<void(std::string_view call, base::Duration took)> answered{};
    std::function<void()> connected{};  ///< Again, too.
};

/// What `open_redis_journal` needs to know.
struct RedisOptions {
    std::string cluster;  ///< Its name; part of every digest, fixed for ever.
    std::uint16_t partition_count{base::limits::partitions_default};
    std::vector<Endpoint> endpoints{};  ///< An odd number of independent instances.
    /// For connecting and for each step of the examination that follows.
    base::Duration connect_timeout{base::milliseconds(1'000)};
    /// From a call to its outcome; after it the outcome is unknown, or declined if never sent.
    base::Duration call_timeout{base::milliseconds(5'000)};
    /// How long `open_redis_journal` waits for instances that are not there or still loading.
    base::Duration open_timeout{base::seconds(30)};
    bool may_create{true};  ///< Whether empty instances become a new cluster.
    bool may_join{true};    ///< Whether one that is empty, of several, is marked as joining.
    RedisListener listener{};
};

}  // namespace crossclear::store
