#include "shards/evm/key.hpp"

#include "base/check.hpp"
#include "shards/evm/keccak.hpp"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include <algorithm>
#include <array>

namespace crossclear::shards::evm {
namespace {

// One for all: it is only read.
const secp256k1_context* curve() {
    static secp256k1_context* const context =
        secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    return context;
}

constexpr std::size_t compact_size = 64;
constexpr std::size_t point_size = 65;

Address address_of(const secp256k1_pubkey& point) {
    std::array<std::uint8_t, point_size> bytes{};
    std::size_t size = bytes.size();
    secp256k1_ec_pubkey_serialize(curve(), bytes.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED);
    // Without the byte that says how it is written.
    const auto hash = keccak256(BytesView(bytes).subspan(1));
    Address address;
    std::copy(hash.bytes.end() - Address::size, hash.bytes.end(), address.bytes.begin());
    return address;
}

}  // namespace

std::optional<Key> Key::of(const Hash& secret) {
    secp256k1_pubkey point;
    if (secp256k1_ec_pubkey_create(curve(), &point, secret.bytes.data()) == 0) return std::nullopt;
    Key key;
    key.secret_ = secret;
    key.address_ = address_of(point);
    return key;
}

SignedTransaction Key::sign(const Transaction& transaction) const {
    const auto hash = signing_hash(transaction);
    secp256k1_ecdsa_recoverable_signature signature;
    const int is_signed = secp256k1_ecdsa_sign_recoverable(curve(), &signature, hash.bytes.data(),
                                                           secret_.bytes.data(), nullptr, nullptr);
    CHECK(is_signed != 0, "a key of the curve signs every hash");
    std::array<std::uint8_t, compact_size> bytes{};
    int recovery = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(curve(), bytes.data(), &recovery,
                                                            &signature);
    const BytesView all(bytes);
    return {.transaction = transaction,
            .signature = {.is_odd = (recovery & 1) != 0,
                          .r = from_bytes(all.first(Hash::size)),
                          .s = from_bytes(all.subspan(Hash::size))}};
}

std::optional<Address> signer_of(const SignedTransaction& signed_one) {
    const auto& [is_odd, r, s] = signed_one.signature;
    std::array<std::uint8_t, compact_size> bytes{};
    const auto first = to_word(r);
    const auto second = to_word(s);
    std::copy(first.begin(), first.end(), bytes.begin());
    std::copy(second.begin(), second.end(), bytes.begin() + Hash::size);
    secp256k1_ecdsa_recoverable_signature signature;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(curve(), &signature, bytes.data(),
                                                            is_odd ? 1 : 0) == 0) {
        return std::nullopt;
    }
    secp256k1_ecdsa_signature plain;
    secp256k1_ecdsa_recoverable_signature_convert(curve(), &plain, &signature);
    if (secp256k1_ecdsa_signature_normalize(curve(), nullptr, &plain) != 0) return std::nullopt;
    const auto hash = signing_hash(signed_one.transaction);
    secp256k1_pubkey point;
    if (secp256k1_ecdsa_recover(curve(), &point, &signature, hash.bytes.data()) == 0) {
        return std::nullopt;
    }
    return address_of(point);
}

std::string to_checksummed(const Address& address) {
    auto text = to_hex(address);
    const auto hash = keccak256(std::string_view(text).substr(2));
    for (std::size_t i = 0; i < 2 * Address::size; ++i) {
        const auto byte = hash.bytes[i / 2];
        const int nibble = i % 2 == 0 ? byte >> 4 : byte & 0xF;
        char& digit = text[2 + i];
        if (nibble >= 8 && digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
    }
    return text;
}

std::optional<Address> parse_checksummed(std::string_view text) {
    const auto address = parse_fixed<Address>(text);
    if (!address || text == to_checksummed(*address)) return address;
    const auto digits = text.substr(2);
    const bool has_small =
        std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'a'; });
    const bool has_capital =
        std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'A' && c <= 'F'; });
    return has_small && has_capital ? std::nullopt : address;
}

}  // namespace crossclear::shards::evm
