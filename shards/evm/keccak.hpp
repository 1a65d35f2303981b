#pragma once

#include "shards/evm/words.hpp"

#include <string_view>

namespace crossclear::shards::evm {

/// Keccak-256 with the padding of before SHA-3, as EVM chains use it.
/// **Source:** Bertoni, Daemen, Peeters and Van Assche, "The Keccak reference" 3.0 (2011).
[[nodiscard]] Hash keccak256(BytesView bytes);
/// The same of a text's bytes.
[[nodiscard]] Hash keccak256(std::string_view text);

}  // namespace crossclear::shards::evm
