#pragma once

#include "shards/evm/dev_node.hpp"
#include "shards/evm/words.hpp"

/// Calls of tokens, as the standard and contracts/TestToken.sol have them.

namespace crossclear::shards::evm {

/// Lets `spender` take whatever `owner` has.
[[nodiscard]] DevCall approval(const Address& owner, const Address& token, const Address& spender);
/// Makes tokens out of nothing for `to`.
[[nodiscard]] DevCall minting(const Address& minter, const Address& token, const Address& to,
                              const Uint256& amount);
/// The question what `owner` has.
[[nodiscard]] Bytes balance_of(const Address& owner);
/// The question what `spender` may take of it.
[[nodiscard]] Bytes allowance_of(const Address& owner, const Address& spender);
/// A trade at any price. Sells where it does not buy.
[[nodiscard]] DevCall trade_at_any_price(const Address& trader, const Address& venue,
                                         const Address& token, bool is_buy,
                                         const Uint256& quantity);

}  // namespace crossclear::shards::evm
