#pragma once

#include <optional>
#include <string>
#include <string_view>

/// The files of a client's TLS, looked at before anybody connects: at the start a fault has a name
/// and a remedy, in a handshake it is one more connection that did not come about.

namespace crossclear::base {

/// Paths of files in PEM; empty where there is none.
struct TlsFiles {
    std::string authority{};    ///< Who may sign the other end's certificate.
    std::string certificate{};  ///< Ours, with those that it hangs on.
    std::string key{};          ///< Its key, without a passphrase.
};

/// One of them that cannot be used.
struct TlsFileFault {
    std::string_view field;  ///< `authority`, `certificate` or `key`.
    std::string path;
    std::string expected;
    std::string found;
};

/// In a sentence: what was expected, and what is there.
[[nodiscard]] std::string to_string(const TlsFileFault& fault);

/// Looks at the files that are named, as a new connection does; that one of them expires later is
/// not seen. **Requires:** certificate and key, or neither.
[[nodiscard]] std::optional<TlsFileFault> fault_of(const TlsFiles& files);

}  // namespace crossclear::base
