#pragma once

#include "base/result.hpp"
#include "store/error.hpp"
#include "store/redis/options.hpp"
#include "store/redis/socket.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

/// TLS over a socket to Redis, by OpenSSL: 1.2 or later, the server's certificate verified against
/// the configured authority and the name that was asked for.
///
/// The subtle thing is that a read may have to write and a write to read, so that neither may wait
/// by itself: both carry what they can, and say what the socket must become for them to go on.

namespace crossclear::store {

struct TlsWire;

/// Why a connection carries nothing any more.
struct Broken {
    StoreFault fault{StoreFault::unreachable};
    std::string reason;
};

/// One session over a socket that does not block.
///
/// **Thread:** one at a time. No call raises SIGPIPE or leaves errors in OpenSSL's queue.
class TlsSession {
public:
    /// Reads the files and makes a session over a connected socket, which must outlive it. Nothing
    /// is sent yet. **Requires:** `endpoint.tls`. **Errors:** `tls_files_unusable`.
    [[nodiscard]] static base::Result<TlsSession, StoreError> over(int descriptor,
                                                                   const Endpoint& endpoint);
    TlsSession(TlsSession&&) noexcept;
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    /// Says goodbye if the socket takes it at once.
    ~TlsSession();

    /// Agrees with the server on keys, and verifies who it is.
    /// **Errors:** `unreachable`, and every `tls_` fault but `tls_demanded`.
    [[nodiscard]] base::Result<void, StoreError> shake_hands(const Endpoint& endpoint,
                                                             Deadline deadline);

    /// Takes what has arrived, as much as fits; 0 if that is nothing yet.
    [[nodiscard]] base::Result<std::size_t, Broken> read(std::span<char> to);
    /// Hands bytes on; 0 if the socket takes none yet. What was not taken is offered again, with
    /// more behind it or not.
    [[nodiscard]] base::Result<std::size_t, Broken> write(std::string_view bytes);

    /// Whether `read` would find something although nothing more arrives.
    [[nodiscard]] bool has_more() const noexcept { return has_more_; }
    /// Whether `read` goes on once the socket can be written, and `write` once it can be read.
    [[nodiscard]] bool read_waits_for_write() const noexcept { return read_waits_for_write_; }
    [[nodiscard]] bool write_waits_for_read() const noexcept { return write_waits_for_read_; }

private:
    struct FreeSession {
        void operator()(ssl_st* session) const noexcept;
    };

    TlsSession(std::unique_ptr<TlsWire> wire, ssl_ctx_st* context);
    [[nodiscard]] StoreError refusal(const Endpoint& endpoint, int status) const;
    [[nodiscard]] Broken end_of(int error) const;

    // The session speaks through the wire until it is freed.
    std::unique_ptr<TlsWire> wire_;
    std::unique_ptr<ssl_st, FreeSession> session_;
    std::optional<Broken> broken_;
    bool has_more_{};
    bool read_waits_for_write_{};
    bool write_waits_for_read_{};

    friend bool speaks_tls(const Endpoint& endpoint);
};

/// Whether whoever listens there answers a TLS greeting. For reports: nobody is verified.
[[nodiscard]] bool speaks_tls(const Endpoint& endpoint);

/// The refusal of a connection by fault: what was expected and what to do about it.
[[nodiscard]] StoreError tls_error(const Endpoint& endpoint, StoreFault fault, std::string found);

}  // namespace crossclear::store
