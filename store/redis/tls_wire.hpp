#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct bio_st;

/// What OpenSSL reads from and writes to: a socket, without SIGPIPE, that keeps what happened to
/// it.

namespace crossclear::store {

/// One socket as a session sees it, and what became known of the other side.
struct TlsWire {
    int descriptor{};
    bool is_closed{};        ///< The other side has ended the stream of bytes.
    int error{};             ///< Of the system, if it has broken.
    bool was_asked{};        ///< For a certificate of ours,
    bool has_certificate{};  ///< and whether there is one.
    bool has_heard{};        ///< Anything at all.
    std::string plain{};     ///< How the first thing that was heard began, if it was no TLS.
    std::string shown{};     ///< The certificate that was refused, in words.
};

/// A socket in OpenSSL's terms, over a wire that must outlive it. Whoever takes it frees it.
[[nodiscard]] bio_st* make_bio(TlsWire& wire);

/// What comes from the other side, as one short line of plain text.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max);

/// How much is shown of an answer that was not expected.
inline constexpr std::size_t quote_bytes = 80;

}  // namespace crossclear::store
