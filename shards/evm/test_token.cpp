#include "shards/evm/test_token.hpp"

#include "shards/evm/abi.hpp"

#include <limits>

namespace crossclear::shards::evm {
namespace {

const Uint256 all_of_it = std::numeric_limits<Uint256>::max();

}  // namespace

DevCall approval(const Address& owner, const Address& token, const Address& spender) {
    return {.from = owner,
            .to = token,
            .data = AbiWriter{}.add(spender).add(all_of_it).call(
                selector_of("approve(address,uint256)"))};
}

DevCall minting(const Address& minter, const Address& token, const Address& to,
                const Uint256& amount) {
    return {.from = minter,
            .to = token,
            .data = AbiWriter{}.add(to).add(amount).call(selector_of("mint(address,uint256)"))};
}

Bytes balance_of(const Address& owner) {
    return AbiWriter{}.add(owner).call(selector_of("balanceOf(address)"));
}

Bytes allowance_of(const Address& owner, const Address& spender) {
    return AbiWriter{}.add(owner).add(spender).call(selector_of("allowance(address,address)"));
}

DevCall trade_at_any_price(const Address& trader, const Address& venue, const Address& token,
                           bool is_buy, const Uint256& quantity) {
    return {.from = trader,
            .to = venue,
            .data = AbiWriter{}
                        .add(token)
                        .add(is_buy ? quantity : Uint256{0} - quantity)
                        .add(is_buy ? all_of_it : Uint256{0})
                        .call(selector_of("trade(address,int256,uint256)"))};
}

}  // namespace crossclear::shards::evm
