#include "shards/evm/keccak.hpp"

#include <cryptopp/keccak.h>

namespace crossclear::shards::evm {

Hash keccak256(BytesView bytes) {
    Hash hash;
    CryptoPP::Keccak_256 keccak;
    keccak.CalculateDigest(hash.bytes.data(), bytes.data(), bytes.size());
    return hash;
}

Hash keccak256(std::string_view text) { return keccak256(Bytes(text.begin(), text.end())); }

}  // namespace crossclear::shards::evm
