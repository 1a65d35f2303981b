#include "shards/evm/transaction.hpp"

#include "shards/evm/keccak.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/rlp.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <utility>

// What is signed and sent, against what viem 2.57 makes of the same.

namespace crossclear::shards::evm {
namespace {

// The first key of every anvil, which everybody knows.
constexpr std::string_view known_secret =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr std::string_view known_address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

Key known_key() { return *Key::of(*parse_fixed<Hash>(known_secret)); }

Transaction a_call() {
    return {.chain_id = 31'337,
            .nonce = 7,
            .tip_max = 1'500'000'000,
            .fee_max = 40'000'000'000,
            .gas_limit = 120'000,
            .to = *parse_fixed<Address>("0x5FbDB2315678afecb367f032d93F642f64180aa3"),
            .value = Uint256{"12345678901234567890"},
            .data = *parse_hex("0xa9059cbb00000000000000000000000000000000000000000000000000000000"
                               "00000001")};
}

constexpr std::string_view signed_call =
    "0x02f89a827a69078459682f008509502f90008301d4c0945fbdb2315678afecb367f032d93f642f64180aa388ab54"
    "a98ceb1f0ad2a4a9059cbb0000000000000000000000000000000000000000000000000000000000000001c080a087"
    "e5bd6200797039bd6a6c77e42993395752d41c2d4a4aa1da4c63664aa0a8b3a05501ff37fe3b2ed4d6f25a95487be6"
    "1aba6d6f89aa0f3dcb5fcc171f60a12b11";

TEST(EvmTransaction, IsSignedAsByViem) {
    EXPECT_EQ(to_checksummed(known_key().address()), known_address);
    const auto signed_one = known_key().sign(a_call());
    const auto raw = raw_bytes(signed_one);
    EXPECT_EQ(to_hex(raw), signed_call);
    EXPECT_EQ(to_hex(transaction_hash(raw)),
              "0x4d5d8be6dd72e5f91f70ffd9eae1cf978f77f507545ba8af9dffe5455c2aa934");
    EXPECT_EQ(to_hex(signing_hash(a_call())),
              "0x7012ef22b9c9539c9627f7db2c9b7e4a543660e66ebaee00634098f547312991");
    EXPECT_EQ(signer_of(signed_one), known_key().address());
}

TEST(EvmTransaction, OfNothingIsSignedToo) {
    const auto raw = raw_bytes(known_key().sign({.chain_id = 1,
                                                 .nonce = 0,
                                                 .tip_max = 0,
                                                 .fee_max = 7,
                                                 .gas_limit = 21'000,
                                                 .to = a_call().to,
                                                 .value = 0,
                                                 .data = {}}));
    EXPECT_EQ(to_hex(raw),
              "0x02f86201808007825208945fbdb2315678afecb367f032d93f642f64180aa38080c001a0fb22101f24"
              "12e3312d1d464505b56af4f98d0d1695a1e964a64c8fcf40423bf1a031a21748ccb3fc2d1f23e8b31c05"
              "a206acf839d7fa30f0f764e410f2f52bfa72");
}

TEST(EvmTransaction, IsReadBack) {
    const auto read = parse_transaction(*parse_hex(signed_call));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->transaction, a_call());
    EXPECT_EQ(signer_of(*read), known_key().address());
}

// A field of the signed call in other hands.
Bytes with_field(std::size_t at, RlpItem field) {
    const auto raw = *parse_hex(signed_call);
    auto items = *rlp_decode(BytesView(raw).subspan(1))->list();
    items.at(at) = std::move(field);
    Bytes other{2};
    const auto encoded = rlp_encode(RlpItem::of(std::move(items)));
    other.insert(other.end(), encoded.begin(), encoded.end());
    return other;
}

TEST(EvmTransaction, IsNothingElse) {
    const auto error = [](const Bytes& raw) { return parse_transaction(raw).error(); };
    const auto bytes = [](std::size_t count) { return RlpItem::of(BytesView(Bytes(count, 1))); };
    EXPECT_EQ(error({}), TransactionError::other_type);
    EXPECT_EQ(error({1, 0xC0}), TransactionError::other_type);
    EXPECT_EQ(error({2, 0xC0}), TransactionError::malformed);
    EXPECT_EQ(error({2}), TransactionError::malformed);
    EXPECT_EQ(error(with_field(0, bytes(9))), TransactionError::malformed) << "chains of 64 bits";
    EXPECT_EQ(error(with_field(2, bytes(33))), TransactionError::malformed);
    EXPECT_EQ(error(with_field(3, RlpItem::of(BytesView(Bytes{0, 1})))),
              TransactionError::malformed);
    EXPECT_EQ(error(with_field(5, bytes(19))), TransactionError::malformed);
    EXPECT_EQ(error(with_field(5, bytes(0))), TransactionError::no_recipient);
    EXPECT_EQ(error(with_field(8, RlpItem::of(std::vector<RlpItem>{bytes(1)}))),
              TransactionError::has_access);
    EXPECT_EQ(error(with_field(8, bytes(0))), TransactionError::malformed);
    EXPECT_EQ(error(with_field(9, RlpItem::of(Uint256{2}))), TransactionError::malformed);
    auto longer = *parse_hex(signed_call);
    longer.push_back(0);
    EXPECT_EQ(error(longer), TransactionError::malformed);
}

// Goal: there is one signature of a transaction, or two hashes could stand for one effect.
TEST(EvmTransaction, HasOneSignature) {
    const Uint256 order{"0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"};
    auto other = known_key().sign(a_call());
    other.signature.s = order - other.signature.s;
    other.signature.is_odd = !other.signature.is_odd;
    EXPECT_EQ(signer_of(other), std::nullopt);
    auto none = known_key().sign(a_call());
    none.signature.r = 0;
    EXPECT_EQ(signer_of(none), std::nullopt);
    EXPECT_FALSE(Key::of(Hash{}));
    Hash beyond;
    beyond.bytes.fill(0xFF);
    EXPECT_FALSE(Key::of(beyond));
}

// Source: EIP-55's own examples.
TEST(EvmAddress, HasTheCapitalsOfItsHash) {
    for (const char* address : {"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                                "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                                "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
                                "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"}) {
        EXPECT_EQ(to_checksummed(*parse_fixed<Address>(address)), address);
    }
}

TEST(EvmAddress, WithOneWrongCapitalIsNobodys) {
    const std::string right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    const auto address = parse_fixed<Address>(right);
    EXPECT_EQ(parse_checksummed(right), address);
    EXPECT_EQ(parse_checksummed("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"), address);
    EXPECT_EQ(parse_checksummed("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED"), address);
    for (const char* wrong :
         {"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
          "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
          "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA",
          "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed00", "0x", "", "alice"}) {
        EXPECT_FALSE(parse_checksummed(wrong)) << wrong;
    }
}

RC_GTEST_PROP(EvmTransaction, ComesBackWithWhoSignedIt, ()) {
    const auto word = [] {
        return from_bytes(*rc::gen::container<Bytes>(*rc::gen::element<std::size_t>(0, 1, 16, 32),
                                                     rc::gen::arbitrary<std::uint8_t>()));
    };
    const Transaction any{.chain_id = *rc::gen::arbitrary<std::uint64_t>(),
                          .nonce = *rc::gen::arbitrary<std::uint64_t>(),
                          .tip_max = word(),
                          .fee_max = word(),
                          .gas_limit = *rc::gen::arbitrary<std::uint64_t>(),
                          .to = a_call().to,
                          .value = word(),
                          .data = *rc::gen::arbitrary<Bytes>()};
    const auto key = *Key::of(
        keccak256(BytesView(*rc::gen::container<Bytes>(8, rc::gen::arbitrary<std::uint8_t>()))));
    const auto signed_one = key.sign(any);
    const auto read = parse_transaction(raw_bytes(signed_one));
    RC_ASSERT(*read == signed_one);
    RC_ASSERT(*signer_of(*read) == key.address());
    auto altered = *read;
    altered.transaction.nonce ^= 1;
    RC_ASSERT(signer_of(altered) != key.address());
}

}  // namespace
}  // namespace crossclear::shards::evm
