#include "shards/evm/signer.hpp"

#include "shards/evm/key.hpp"

namespace crossclear::shards::evm {

Transaction transaction_of(const ledger::signing::Sign& asked) {
    return {.chain_id = asked.chain_id,
            .nonce = asked.nonce,
            .tip_max = asked.fees.tip_wei,
            .fee_max = asked.fees.fee_wei,
            .gas_limit = asked.gas_limit,
            .to = {asked.to},
            .value = 0,
            .data = Bytes(asked.data.begin(), asked.data.end())};
}

SignResult compare_signed(const ledger::signing::Sign& asked, const ledger::signing::Address& key,
                          BytesView raw) {
    const auto read = parse_transaction(raw);
    const bool is_asked_for = read && read->transaction == transaction_of(asked);
    if (!is_asked_for || signer_of(*read) != Address{key}) {
        return base::Failure{NotSigned{.fault = SignFault::altered}};
    }
    return SignedBytes{.hash = transaction_hash(raw).bytes,
                       .raw = std::string(raw.begin(), raw.end())};
}

}  // namespace crossclear::shards::evm
