#include "shards/evm/abi.hpp"
#include "shards/evm/keccak.hpp"
#include "shards/evm/rlp.hpp"
#include "shards/evm/words.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

// How EVM chains write things, against published examples and what viem 2.57 writes.

namespace crossclear::shards::evm {
namespace {

Bytes bytes(std::string_view hex) { return *parse_hex(hex); }
Bytes text(std::string_view chars) { return {chars.begin(), chars.end()}; }
RlpItem item(std::string_view chars) { return RlpItem::of(text(chars)); }
RlpItem list(std::vector<RlpItem> items) { return RlpItem::of(std::move(items)); }

TEST(EvmWords, AreHex) {
    EXPECT_EQ(to_hex(bytes("0x00fFa0")), "0x00ffa0");
    EXPECT_EQ(to_hex(Bytes{}), "0x");
    for (const char* wrong : {"", "0", "00", "0x0", "0xg0", "0X00", "0x 1", "x00"}) {
        EXPECT_FALSE(parse_hex(wrong)) << wrong;
    }
    EXPECT_TRUE(parse_fixed<Address>("0x5FbDB2315678afecb367f032d93F642f64180aa3"));
    EXPECT_FALSE(parse_fixed<Address>("0x5FbDB2315678afecb367f032d93F642f64180aa300"));
    EXPECT_FALSE(parse_fixed<Hash>("0x5FbDB2315678afecb367f032d93F642f64180aa3"));
}

TEST(EvmWords, AreQuantitiesWithoutLeadingZeros) {
    const auto most = "0x" + std::string(64, 'f');
    for (const auto& quantity : {std::string("0x0"), std::string("0x1"), std::string("0xf"),
                                 std::string("0x400"), std::string("0xde0b6b3a7640000"), most}) {
        ASSERT_TRUE(parse_quantity(quantity)) << quantity;
        EXPECT_EQ(to_quantity(*parse_quantity(quantity)), quantity);
    }
    for (const auto& wrong : {std::string("0x"), std::string("0x00"), std::string("0x01"),
                              std::string("1"), std::string("0x1g"), most + "0"}) {
        EXPECT_FALSE(parse_quantity(wrong)) << wrong;
    }
    EXPECT_EQ(parse_quantity64("0xffffffffffffffff"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_FALSE(parse_quantity64("0x10000000000000000"));
}

RC_GTEST_PROP(EvmWords, ComeBackAsTheyWere, ()) {
    const auto raw =
        *rc::gen::container<std::vector<std::uint8_t>>(32, rc::gen::arbitrary<std::uint8_t>());
    const auto number = from_bytes(raw);
    const auto word = to_word(number);
    RC_ASSERT(Bytes(word.begin(), word.end()) == raw);
    RC_ASSERT(from_bytes(to_minimal_bytes(number)) == number);
    RC_ASSERT(parse_quantity(to_quantity(number)) == number);
}

// Source: the Keccak team's test vectors for the empty message, and Ethereum's for the rest.
TEST(Keccak, IsThatOfBeforeSha3) {
    EXPECT_EQ(to_hex(keccak256(std::string_view{})),
              "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    EXPECT_EQ(to_hex(keccak256("hello")),
              "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8");
}

// Source: the examples of Ethereum's description of RLP.
TEST(Rlp, WritesWhatItsDescriptionDoes) {
    EXPECT_EQ(to_hex(rlp_encode(item("dog"))), "0x83646f67");
    EXPECT_EQ(to_hex(rlp_encode(list({item("cat"), item("dog")}))), "0xc88363617483646f67");
    EXPECT_EQ(to_hex(rlp_encode(item(""))), "0x80");
    EXPECT_EQ(to_hex(rlp_encode(list({}))), "0xc0");
    EXPECT_EQ(to_hex(rlp_encode(RlpItem::of(Uint256{0}))), "0x80");
    EXPECT_EQ(to_hex(rlp_encode(RlpItem::of(bytes("0x00")))), "0x00");
    EXPECT_EQ(to_hex(rlp_encode(RlpItem::of(Uint256{15}))), "0x0f");
    EXPECT_EQ(to_hex(rlp_encode(RlpItem::of(Uint256{1'024}))), "0x820400");
    EXPECT_EQ(
        to_hex(rlp_encode(list({list({}), list({list({})}), list({list({}), list({list({})})})}))),
        "0xc7c0c1c0c3c0c1c0");
    const auto lorem = rlp_encode(item("Lorem ipsum dolor sit amet, consectetur adipisicing elit"));
    EXPECT_EQ(to_hex(BytesView(lorem).first(4)), "0xb8384c6f");
}

TEST(Rlp, RefusesEverySpellingButOne) {
    const auto error = [](std::string_view hex) { return rlp_decode(bytes(hex)).error(); };
    EXPECT_EQ(error("0x"), RlpError::truncated);
    EXPECT_EQ(error("0x83646f"), RlpError::truncated);
    EXPECT_EQ(error("0xc883636174"), RlpError::truncated);
    EXPECT_EQ(error("0xb8"), RlpError::truncated);
    EXPECT_EQ(error("0xbfffffffffffffffff"), RlpError::truncated);
    EXPECT_EQ(error("0x83646f6700"), RlpError::trailing);
    EXPECT_EQ(error("0x8101"), RlpError::not_minimal);
    EXPECT_EQ(error("0xb80161"), RlpError::not_minimal) << "a long form of a short one";
    EXPECT_EQ(error("0xb90001ff"), RlpError::not_minimal) << "a length with a leading zero";
    Bytes deep(40, 0xC1);
    deep.push_back(0xC0);
    // Each says that it holds one byte, which begins a list of one byte.
    EXPECT_FALSE(rlp_decode(deep));
    RlpItem nested = list({});
    for (int i = 0; i < rlp_depth_max + 1; ++i) nested = list({nested});
    EXPECT_EQ(rlp_decode(rlp_encode(nested)).error(), RlpError::too_deep);
    EXPECT_EQ(rlp_number(RlpItem::of(bytes("0x0001"))), std::nullopt);
    EXPECT_EQ(rlp_number(RlpItem::of(Bytes(33, 1))), std::nullopt);
    EXPECT_EQ(rlp_number(list({})), std::nullopt);
}

RlpItem any_item(int depth) {
    if (depth == 0 || *rc::gen::inRange(0, 3) > 0) {
        const auto size = *rc::gen::element(0, 1, 2, 55, 56, 300);
        return {*rc::gen::container<Bytes>(static_cast<std::size_t>(size),
                                           rc::gen::arbitrary<std::uint8_t>())};
    }
    std::vector<RlpItem> items;
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) items.push_back(any_item(depth - 1));
    return list(std::move(items));
}

RC_GTEST_PROP(Rlp, ComesBackAsItWas, ()) {
    const auto one = any_item(4);
    const auto spelled = rlp_encode(one);
    RC_ASSERT(*rlp_decode(spelled) == one);
    auto cut = spelled;
    cut.pop_back();
    RC_ASSERT(!rlp_decode(cut));
}

RC_GTEST_PROP(Rlp, WhatItReadsItWrites, (const std::vector<std::uint8_t>& any)) {
    const auto read = rlp_decode(any);
    if (read) RC_ASSERT(rlp_encode(*read) == any);
}

// Source: the Contract ABI Specification, and the ERC-20 standard.
TEST(Abi, NamesCallsAndEvents) {
    EXPECT_EQ(to_hex(selector_of("baz(uint32,bool)")), "0xcdcd77c0");
    EXPECT_EQ(to_hex(selector_of("transfer(address,uint256)")), "0xa9059cbb");
    EXPECT_EQ(to_hex(topic_of("Transfer(address,address,uint256)")),
              "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

// Source: viem 2.57, encodeFunctionData.
TEST(Abi, WritesWhatViemWrites) {
    const auto call = AbiWriter()
                          .add(*parse_fixed<Hash>("0x" + std::string(64, '1')))
                          .add(*parse_fixed<Address>("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
                          .add(*parse_fixed<Address>("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))
                          .add(Uint256{1'000'000})
                          .add_bytes(bytes("0xdeadbeef01"))
                          .add_flag(true)
                          .call(selector_of("release(bytes32,address,address,uint256,bytes,bool)"));
    EXPECT_EQ(to_hex(call),
              "0x3d7d4737"
              "1111111111111111111111111111111111111111111111111111111111111111"
              "0000000000000000000000005fbdb2315678afecb367f032d93f642f64180aa3"
              "000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
              "00000000000000000000000000000000000000000000000000000000000f4240"
              "00000000000000000000000000000000000000000000000000000000000000c0"
              "0000000000000000000000000000000000000000000000000000000000000001"
              "0000000000000000000000000000000000000000000000000000000000000005"
              "deadbeef01000000000000000000000000000000000000000000000000000000");
}

TEST(Abi, RefusesWhatDoesNotFit) {
    const auto error_of = [](std::string_view hex, auto read) {
        const auto arguments = bytes(hex);
        AbiReader reader(arguments);
        (void)read(reader);
        return reader.error();
    };
    const auto ones = "0x" + std::string(64, 'f');
    const auto address = [](AbiReader& reader) { return reader.address(); };
    const auto flag = [](AbiReader& reader) { return reader.flag(); };
    const auto some = [](AbiReader& reader) { return reader.bytes(); };
    const auto number = [](AbiReader& reader) { return reader.number(); };
    EXPECT_EQ(error_of(ones, address), AbiError::not_canonical);
    EXPECT_EQ(error_of(ones, flag), AbiError::not_canonical);
    EXPECT_EQ(error_of(ones, some), AbiError::truncated);
    EXPECT_EQ(error_of("0x01", number), AbiError::truncated);
    EXPECT_EQ(error_of(ones, number), std::nullopt);
    // Says 33 bytes where there are 32.
    const auto reference = std::string(62, '0') + "20";
    EXPECT_EQ(error_of("0x" + reference + std::string(62, '0') + "21" + std::string(64, '0'), some),
              AbiError::truncated);
    EXPECT_EQ(error_of("0x" + reference + std::string(62, '0') + "01" + std::string(64, '1'), some),
              AbiError::not_canonical);
}

RC_GTEST_PROP(Abi, ComesBackAsItWas, (const std::vector<std::uint8_t>& some, bool flag)) {
    const Uint256 number =
        from_bytes(BytesView(some).first(std::min<std::size_t>(some.size(), 32)));
    const auto hash = keccak256(BytesView(some));
    Address address;
    std::copy_n(hash.bytes.begin(), Address::size, address.bytes.begin());
    const auto arguments = AbiWriter()
                               .add_bytes(some)
                               .add(number)
                               .add(address)
                               .add_flag(flag)
                               .add(hash)
                               .add_bytes(BytesView(hash.bytes))
                               .arguments();
    AbiReader reader(arguments);
    RC_ASSERT(reader.bytes() == some);
    RC_ASSERT(reader.number() == number);
    RC_ASSERT(reader.address() == address);
    RC_ASSERT(reader.flag() == flag);
    RC_ASSERT(reader.hash() == hash);
    RC_ASSERT(reader.bytes() == Bytes(hash.bytes.begin(), hash.bytes.end()));
    RC_ASSERT(!reader.error());
}

}  // namespace
}  // namespace crossclear::shards::evm
