#include "shards/evm/keccak.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/rlp.hpp"
#include "shards/evm/transaction.hpp"
#include "shards/evm/words.hpp"
#include "tests/support/shards/viem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

// What is written, hashed and signed, against what viem makes of the same: cases that nobody chose.

namespace crossclear::shards::evm {
namespace {

using tests::for_each_viem_case;
using tests::viem_cases;
using tests::ViemCase;

Transaction transaction_in(const ViemCase& one) {
    return {.chain_id = one.number64("chain_id"),
            .nonce = one.number64("nonce"),
            .tip_max = one.number("tip"),
            .fee_max = one.number("fee"),
            .gas_limit = one.number64("gas"),
            .to = one.address("to"),
            .value = one.number("value"),
            .data = one.bytes("data")};
}

TEST(AgainstViem, TransactionsHaveTheSameBytesHashAndSignature) {
    for_each_viem_case("transactions", viem_cases, [](const ViemCase& one) {
        const auto transaction = transaction_in(one);
        const auto key = Key::of(one.hash("secret"));
        ASSERT_TRUE(key.has_value());
        EXPECT_EQ(to_checksummed(key->address()), one.text("address"));
        EXPECT_EQ(signing_hash(transaction), keccak256(BytesView(one.bytes("unsigned"))));
        EXPECT_EQ(signing_hash(transaction), one.hash("signing_hash"));
        const auto raw = raw_bytes(key->sign(transaction));
        EXPECT_EQ(to_hex(raw), one.text("raw"));
        EXPECT_EQ(transaction_hash(raw), one.hash("hash"));
    });
}

TEST(AgainstViem, TransactionsAreReadAndTheirSenderIsFound) {
    for_each_viem_case("transactions", viem_cases, [](const ViemCase& one) {
        const auto read = parse_transaction(one.bytes("raw"));
        ASSERT_TRUE(read.has_value());
        EXPECT_EQ(read->transaction, transaction_in(one));
        EXPECT_EQ(signer_of(*read), one.address("address"));
        EXPECT_FALSE(parse_transaction(one.bytes("unsigned")));
    });
}

// Goal: nobody's signature counts as somebody's, nor one's as another's.
TEST(AgainstViem, ASignatureOfSomethingElseIsTheSameStrangers) {
    for_each_viem_case("transactions", viem_cases, [](const ViemCase& one) {
        const auto strange = one.inner("strange");
        const auto read = parse_transaction(strange.bytes("raw"));
        ASSERT_TRUE(read.has_value());
        const auto signer = signer_of(*read);
        EXPECT_NE(signer, one.address("address"));
        if (strange.at("signer").is_null()) {
            EXPECT_EQ(signer, std::nullopt);
        } else {
            EXPECT_EQ(signer, strange.address("signer"));
        }
    });
}

RlpItem item_in(const boost::json::value& said) {
    if (said.is_string()) return {*parse_hex(said.get_string())};
    std::vector<RlpItem> items;
    for (const auto& one : said.as_array()) items.push_back(item_in(one));
    return RlpItem::of(std::move(items));
}

TEST(AgainstViem, RlpIsTheSameBothWays) {
    for_each_viem_case("rlp", viem_cases, [](const ViemCase& one) {
        const auto item = item_in(one.at("item"));
        const auto bytes = one.bytes("bytes");
        EXPECT_EQ(to_hex(rlp_encode(item)), to_hex(bytes));
        const auto read = rlp_decode(bytes);
        ASSERT_TRUE(read.has_value());
        EXPECT_EQ(*read, item);
    });
}

// viem takes spellings that we refuse. What it would not write itself is none.
TEST(AgainstViem, RlpIsReadWhereViemWouldWriteTheSame) {
    std::size_t read_count = 0;
    for_each_viem_case("rlp_bytes", viem_cases, [&](const ViemCase& one) {
        const auto bytes = one.bytes("bytes");
        const bool is_right = !one.at("again").is_null() && one.text("again") == one.text("bytes");
        const auto read = rlp_decode(bytes);
        EXPECT_EQ(read.has_value(), is_right);
        if (read) {
            EXPECT_EQ(*read, item_in(one.at("item")));
        }
        read_count += is_right ? 1U : 0U;
    });
    if (IsSkipped()) return;
    EXPECT_GT(read_count, viem_cases / 10) << "some are whole,";
    EXPECT_LT(read_count, viem_cases * 9 / 10) << "and some are not";
}

TEST(AgainstViem, AddressesHaveTheSameCapitals) {
    for_each_viem_case("addresses", viem_cases, [](const ViemCase& one) {
        const auto address = one.address("bytes");
        EXPECT_EQ(to_checksummed(address), one.text("checksummed"));
        const auto expected = one.flag("is_right") ? std::optional{address} : std::nullopt;
        EXPECT_EQ(parse_checksummed(one.text("text")), expected);
    });
}

TEST(AgainstViem, HashesAreTheSame) {
    for_each_viem_case("hashes", viem_cases, [](const ViemCase& one) {
        EXPECT_EQ(keccak256(BytesView(one.bytes("bytes"))), one.hash("hash"));
    });
}

TEST(AgainstViem, QuantitiesAreTheSame) {
    for_each_viem_case("quantities", viem_cases, [](const ViemCase& one) {
        const auto number = from_bytes(one.hash("word").bytes);
        EXPECT_EQ(to_quantity(number), one.text("quantity"));
        EXPECT_EQ(parse_quantity(one.text("quantity")), number);
    });
}

}  // namespace
}  // namespace crossclear::shards::evm
