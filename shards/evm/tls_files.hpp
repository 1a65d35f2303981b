#pragma once

#include "shards/evm/wire.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The files of TLS, looked at before anybody connects: at the start a fault has a name and a
/// remedy, in a handshake it is one more endpoint that cannot be reached.

namespace crossclear::shards::evm {

/// One of the files that cannot be used.
struct TlsFileFault {
    std::string_view field;  ///< `authority`, `certificate` or `key`.
    std::string path;
    std::string expected;
    std::string found;
};

/// Looks at the files that are named, as a new connection does; that one of them expires later is
/// not seen. **Requires:** certificate and key, or neither.
[[nodiscard]] std::optional<TlsFileFault> fault_of_files(const WireOptions& options);

}  // namespace crossclear::shards::evm
