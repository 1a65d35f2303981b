#include "tests/support/shards/anvil.hpp"

#include "ledger/signing/state.hpp"
#include "shards/evm/blocks.hpp"
#include "shards/evm/branch.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/transaction.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What a real node makes of what we write, and we of what it says.

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;

// The first key of every anvil, which everybody knows.
Key anvil_key() {
    return *Key::of(
        *parse_fixed<Hash>("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
}

class OnAnvil : public ::testing::Test {
protected:
    void SetUp() override {
        if (tests::anvil_program().empty()) GTEST_SKIP() << "CROSSCLEAR_NPM names no anvil";
        chain.emplace(options);
        asker.emplace(chain->http_url());
    }

    void mine(std::uint64_t blocks = 1) { (void)asker->ask("anvil_mine", {to_quantity(blocks)}); }

    Header header(const char* tag = "latest") {
        const auto said = asker->ask("eth_getBlockByNumber", {tag, false});
        const auto read = parse_header(said);
        EXPECT_TRUE(read.has_value()) << json::serialize(said);
        return read.value_or(Header{});
    }

    std::optional<Receipt> receipt(const Hash& hash) {
        const auto said = asker->ask("eth_getTransactionReceipt", {to_hex(hash)});
        return said.is_null() ? std::nullopt : parse_receipt(said);
    }

    // A transfer of a wei to the key itself.
    static SignedTransaction signed_one(std::uint64_t nonce,
                                        const ledger::signing::Fees& fees = {
                                            .tip_wei = 1'000'000'000, .fee_wei = 5'000'000'000}) {
        return anvil_key().sign({.chain_id = 31'337,
                                 .nonce = nonce,
                                 .tip_max = fees.tip_wei,
                                 .fee_max = fees.fee_wei,
                                 .gas_limit = 21'000,
                                 .to = anvil_key().address(),
                                 .value = 1,
                                 .data = {}});
    }

    RpcResult send(const SignedTransaction& transaction) {
        return asker->call("eth_sendRawTransaction", {to_hex(raw_bytes(transaction))});
    }

    std::vector<std::string> options{"--no-mining", "--slots-in-an-epoch", "1"};
    std::optional<tests::Anvil> chain;
    std::optional<tests::Asker> asker;
};

TEST_F(OnAnvil, ItsBlocksAreRead) {
    EXPECT_EQ(parse_quantity64(asker->ask("eth_chainId").as_string()), 31'337U);
    const auto genesis = header("0x0");
    EXPECT_EQ(genesis.number, 0U);
    mine(3);
    const auto head = header();
    EXPECT_EQ(head.number, 3U);
    EXPECT_EQ(header("0x2").hash, head.parent);
    EXPECT_GT(head.base_fee, 0);
    EXPECT_LE(header("finalized").number, header("safe").number);
    EXPECT_LE(header("safe").number, head.number);
    EXPECT_FALSE(parse_header(asker->ask("eth_getBlockByNumber", {"0x99", false})));
}

TEST_F(OnAnvil, OverAWebSocketItSaysTheSameAndTellsItsHeads) {
    tests::Asker other(chain->websocket_url());
    std::vector<Header> told;
    EXPECT_TRUE(other.client().follow_heads([&](const json::object& head) {
        if (const auto read = parse_header(json::value(head))) told.push_back(*read);
    }));
    EXPECT_EQ(other.ask("eth_chainId"), asker->ask("eth_chainId"));
    // Whether it has subscribed by now only a head can say.
    ASSERT_TRUE(other.run_until([&] {
        mine();
        return !told.empty();
    }));
    EXPECT_EQ(told.back(), header(to_quantity(told.back().number).c_str()));
}

TEST_F(OnAnvil, ATransactionIsTakenOnceAndKnownByItsHash) {
    const auto first = signed_one(0);
    const auto hash = transaction_hash(raw_bytes(first));
    EXPECT_EQ(send(first)->as_string(), to_hex(hash));
    const auto again = send(first);
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().fault, RpcFault::refused);
    EXPECT_NE(again.error().message.find("already"), std::string::npos) << again.error().message;
    EXPECT_EQ(receipt(hash), std::nullopt) << "it waits";

    mine();
    const auto got = receipt(hash);
    ASSERT_TRUE(got.has_value());
    EXPECT_TRUE(got->is_success);
    EXPECT_EQ(got->gas_used, 21'000U);
    EXPECT_EQ(got->block, header().hash);
    EXPECT_EQ(got->gas_price, header().base_fee + 1'000'000'000);
    const auto late = send(first);
    ASSERT_FALSE(late.has_value());
    EXPECT_NE(late.error().message.find("nonce too low"), std::string::npos)
        << late.error().message;
}

// Goal: what a signing lane offers in a transaction's place is taken. Anvil wants more than before,
// other nodes a tenth more.
TEST_F(OnAnvil, ATenthMoreTakesATransactionsPlace) {
    using ledger::signing::Fees;
    const Fees fees{.tip_wei = 1'000'000'007, .fee_wei = 5'000'000'009};
    ASSERT_TRUE(send(signed_one(0, fees)).has_value());
    const Fees less{.tip_wei = fees.tip_wei - 1, .fee_wei = fees.fee_wei - 1};
    const auto refused = send(signed_one(0, less));
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("underpriced"), std::string::npos)
        << refused.error().message;
    const auto more = signed_one(0, ledger::signing::replacement_of(fees));
    EXPECT_TRUE(send(more).has_value());
    mine();
    EXPECT_TRUE(receipt(transaction_hash(raw_bytes(more))).has_value());
}

TEST_F(OnAnvil, AWrongChainIdIsRefused) {
    auto other = signed_one(0);
    other.transaction.chain_id = 1;
    const auto refused = send(anvil_key().sign(other.transaction));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, RpcFault::refused);
}

TEST_F(OnAnvil, ADroppedTransactionIsTakenAgain) {
    const auto first = signed_one(0);
    const auto hash = transaction_hash(raw_bytes(first));
    ASSERT_TRUE(send(first).has_value());
    (void)asker->ask("anvil_dropTransaction", {to_hex(hash)});
    mine();
    EXPECT_EQ(receipt(hash), std::nullopt);
    EXPECT_TRUE(send(first).has_value()) << "the same bytes";
    mine();
    EXPECT_TRUE(receipt(hash).has_value());
}

// Goal: the branch is the chain after each reorganisation, and nothing below it was ever told as
// dropped.
TEST_F(OnAnvil, ABranchFollowsReorganisations) {
    mine(4);
    Branch branch(header("0x2"));
    const auto follow = [&] {
        auto change = branch.follow(header());
        while (change.wanted) {
            const auto parent =
                parse_header(asker->ask("eth_getBlockByHash", {to_hex(*change.wanted), false}));
            ASSERT_TRUE(parent.has_value());
            change = branch.take_parent(*parent);
        }
        ASSERT_FALSE(change.is_contradiction);
    };
    follow();
    for (const std::uint64_t depth : {1U, 3U, 7U, 20U, 64U}) {
        mine(depth + 2);
        follow();
        const auto kept = branch.head().number - depth;
        (void)asker->ask("anvil_reorg", {depth, json::array{}});
        mine();
        follow();
        EXPECT_EQ(branch.head(), header());
        for (auto number = kept; number <= branch.head().number; ++number) {
            ASSERT_NE(branch.at(number), nullptr);
            EXPECT_EQ(*branch.at(number), header(to_quantity(number).c_str())) << number;
        }
    }
}

}  // namespace
}  // namespace crossclear::shards::evm
