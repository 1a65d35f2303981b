#include "shards/evm/chain.hpp"
#include "tests/support/shards/asking.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Endpoints of different make: what is read of their answers is what they have to agree on.

namespace crossclear::shards::evm {
namespace {

using tests::at;
using tests::saying;
using tests::ScriptedNode;

const std::string block_name = "0x" + std::string(62, 'a') + "01";
const std::string parent_name = "0x" + std::string(62, 'b') + "02";
const std::string sent_name = "0x" + std::string(62, 'c') + "03";
const std::string our_name = "0x" + std::string(38, 'd') + "04";

Hash hash_named(const std::string& text) { return *parse_fixed<Hash>(text); }

// The same names in capitals, as no node has to but some do.
std::string shouted(std::string_view text) {
    std::string loud(text.substr(2));
    std::transform(loud.begin(), loud.end(), loud.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return "0x" + loud;
}

std::string block_of_one_make(std::string_view base_fee = "0x7");

// One answer; of several questions to the first, and a block to the others.
std::function<tests::Script(const std::string&)> saying_beside_a_block(const std::string& answer) {
    return [answer](const std::string& question) {
        const auto asked = boost::json::parse(question);
        if (!asked.is_array()) return saying(answer)(question);
        std::string answers;
        for (const auto& one : asked.get_array()) {
            const auto& result = answers.empty() ? answer : block_of_one_make();
            answers += (answers.empty() ? "[" : ",") +
                       tests::result_for(boost::json::serialize(one), result);
        }
        return tests::Script{.body = answers + "]"};
    };
}

// Nodes that give these answers, one each, and a chain through all of them.
class NodesOfMakes {
public:
    explicit NodesOfMakes(const std::vector<std::string>& answers) {
        RpcOptions options;
        for (const auto& answer : answers) {
            nodes_.push_back(std::make_unique<ScriptedNode>(saying_beside_a_block(answer)));
            options.endpoints.push_back(at(nodes_.back()->http_url()));
        }
        options.on_dissent = [this](std::size_t endpoint, std::string_view) {
            dissents.push_back(endpoint);
        };
        options.on_try = [this](const RpcTry& one) {
            const bool is_malformed =
                one.error != nullptr && one.error->fault == RpcFault::malformed;
            if (is_malformed) malformed.push_back(one.endpoint);
            ++tries;
        };
        client_.emplace(io_, std::move(options));
        chain_.emplace(*client_);
    }

    // The answer, after each node has given its own.
    template <class Answer>
    Answer answer(Awaited<Answer> (*ask)(Chain&)) {
        std::optional<Answer> given;
        boost::asio::co_spawn(io_, ask(*chain_),
                              [&](const std::exception_ptr& error, Answer answer) {
                                  EXPECT_EQ(error, nullptr);
                                  given = std::move(answer);
                              });
        EXPECT_TRUE(
            tests::run_until(io_, [&] { return given.has_value() && tries == nodes_.size(); }));
        return given.value_or(Answer{});
    }

    std::vector<std::size_t> dissents;
    std::vector<std::size_t> malformed;
    std::size_t tries{};

private:
    boost::asio::io_context io_;
    std::vector<std::unique_ptr<ScriptedNode>> nodes_;
    std::optional<RpcClient> client_;
    std::optional<Chain> chain_;
};

// One block, as two makes of nodes write it.
std::string block_of_one_make(std::string_view base_fee) {
    return fmt::format(R"({{"number":"0x1","hash":"{}","parentHash":"{}","timestamp":"0xaf",
        "baseFeePerGas":"{}","transactions":["{}"],"size":"0x27a"}})",
                       block_name, parent_name, base_fee, sent_name);
}
std::string block_of_another_make() {
    return fmt::format(R"({{"transactions":["{}"],"totalDifficulty":"0x0","withdrawals":[],
        "timestamp":"0xAF","baseFeePerGas":"0x7","parentHash":"{}","hash":"{}","number":"0x1"}})",
                       shouted(sent_name), shouted(parent_name), shouted(block_name));
}

std::string log_of_one_make(std::string_view data = "0xab") {
    return fmt::format(R"({{"address":"{}","topics":["{}"],"data":"{}","blockNumber":"0x1",
        "blockHash":"{}","transactionHash":"{}","logIndex":"0x0","removed":false,
        "blockTimestamp":"0xaf"}})",
                       our_name, parent_name, data, block_name, sent_name);
}
std::string log_of_another_make() {
    return fmt::format(R"({{"logIndex":"0x0","transactionLogIndex":"0x0","data":"0xAB",
        "transactionHash":"{}","blockHash":"{}","blockNumber":"0x1","topics":["{}"],
        "address":"{}"}})",
                       shouted(sent_name), shouted(block_name), shouted(parent_name),
                       shouted(our_name));
}

std::string receipt_of_one_make(std::string_view gas_used = "0x5208") {
    return fmt::format(R"({{"transactionHash":"{}","blockNumber":"0x1","blockHash":"{}",
        "status":"0x1","gasUsed":"{}","effectiveGasPrice":"0xb","logs":[{}],"root":null}})",
                       sent_name, block_name, gas_used, log_of_one_make());
}
std::string receipt_of_another_make() {
    return fmt::format(R"({{"type":"0x2","logs":[{}],"effectiveGasPrice":"0xB",
        "gasUsed":"0x5208","status":"0x1","blockHash":"{}","blockNumber":"0x1",
        "transactionHash":"{}","blobGasUsed":"0x0"}})",
                       log_of_another_make(), shouted(block_name), shouted(sent_name));
}

// What is asked; each knows its question alone.
Awaited<std::optional<Block>> ask_block(Chain& chain) { return chain.agreed_block(1); }
Awaited<std::optional<std::vector<std::optional<Receipt>>>> ask_receipts(Chain& chain) {
    return chain.receipts({hash_named(sent_name)});
}
Awaited<std::optional<std::vector<Log>>> ask_logs(Chain& chain) {
    return chain.logs_between(1, 1, {.addresses = {*parse_fixed<Address>(our_name)}, .topics = {}});
}
Awaited<std::optional<std::vector<Hash>>> ask_sent(Chain& chain) {
    return chain.sent_by(*parse_fixed<Address>(our_name), hash_named(block_name));
}
Awaited<std::optional<Bytes>> ask_words(Chain& chain) {
    return chain.read(*parse_fixed<Address>(our_name), {}, hash_named(block_name));
}
Awaited<std::optional<Uint256>> ask_balance(Chain& chain) {
    return chain.balance(*parse_fixed<Address>(our_name), hash_named(block_name));
}

TEST(ChainAgreement, BlocksOfDifferentMakeAreTheSame) {
    NodesOfMakes two({block_of_one_make(), block_of_another_make()});
    const auto agreed = two.answer(ask_block);
    ASSERT_TRUE(agreed.has_value());
    EXPECT_EQ(agreed->header.hash, hash_named(block_name));
    EXPECT_EQ(agreed->header.parent, hash_named(parent_name));
    EXPECT_EQ(agreed->header.time_s, 0xAFU);
    EXPECT_EQ(agreed->header.base_fee, 7);
    EXPECT_EQ(agreed->transactions, std::vector<Hash>{hash_named(sent_name)});
    EXPECT_TRUE(two.dissents.empty());
}

TEST(ChainAgreement, ReceiptsAndTheirLogsToo) {
    NodesOfMakes two({receipt_of_one_make(), receipt_of_another_make()});
    const auto agreed = two.answer(ask_receipts);
    ASSERT_TRUE(agreed && agreed->front());
    const auto& receipt = *agreed->front();
    EXPECT_TRUE(receipt.is_success);
    EXPECT_EQ(receipt.gas_used, 0x5208U);
    EXPECT_EQ(receipt.gas_price, 0xB);
    ASSERT_EQ(receipt.logs.size(), 1U);
    EXPECT_EQ(receipt.logs.front().data, Bytes{0xAB});
}

TEST(ChainAgreement, LogsToo) {
    NodesOfMakes two({"[" + log_of_one_make() + "]", "[" + log_of_another_make() + "]"});
    const auto agreed = two.answer(ask_logs);
    ASSERT_TRUE(agreed && agreed->size() == 1);
    EXPECT_EQ(agreed->front().topics, std::vector<Hash>{hash_named(parent_name)});
    EXPECT_FALSE(agreed->front().is_removed);
}

// Goal: the transactions of others are nothing that one has to agree on.
TEST(ChainAgreement, WhatAKeyHasSentToo) {
    const auto ours = fmt::format(R"({{"hash":"{}","nonce":"0x4","from":"{}","gas":"0x1"}})",
                                  sent_name, our_name);
    const auto ours_too =
        fmt::format(R"({{"from":"{}","yParity":"0x0","nonce":"0x4","hash":"{}"}})",
                    shouted(our_name), shouted(sent_name));
    const auto foreign = fmt::format(R"({{"from":"0x{:040}","type":"0x7e"}})", 5);
    NodesOfMakes two({R"({"transactions":[)" + ours + "]}",
                      R"({"transactions":[)" + foreign + "," + ours_too + "]}"});
    EXPECT_EQ(two.answer(ask_sent), std::vector<Hash>{hash_named(sent_name)});
}

TEST(ChainAgreement, WordsAndNumbersInAnyCaseToo) {
    NodesOfMakes words_of_two({R"("0xabcd")", R"("0xABCD")"});
    EXPECT_EQ(words_of_two.answer(ask_words), (Bytes{0xAB, 0xCD}));
    NodesOfMakes numbers_of_two({R"("0xff")", R"("0xFF")"});
    EXPECT_EQ(numbers_of_two.answer(ask_balance), Uint256{255});
}

// Goal: of what is read, nothing may differ, however alike the rest is.
TEST(ChainAgreement, AFieldThatIsReadDivides) {
    EXPECT_FALSE(NodesOfMakes({block_of_one_make(), block_of_one_make("0x8")}).answer(ask_block));
    EXPECT_FALSE(
        NodesOfMakes({receipt_of_one_make(), receipt_of_one_make("0x5209")}).answer(ask_receipts));
    EXPECT_FALSE(NodesOfMakes({"[" + log_of_one_make() + "]", "[" + log_of_one_make("0xac") + "]"})
                     .answer(ask_logs));
    EXPECT_FALSE(NodesOfMakes({R"("0xff")", R"("0xfe")"}).answer(ask_balance));
    EXPECT_FALSE(NodesOfMakes({R"("0xabcd")", R"("0xab")"}).answer(ask_words));
}

TEST(ChainAgreement, WhoHasAnotherFieldIsNamed) {
    NodesOfMakes three({block_of_one_make("0x8"), block_of_one_make(), block_of_another_make()});
    const auto agreed = three.answer(ask_block);
    ASSERT_TRUE(agreed.has_value());
    EXPECT_EQ(agreed->header.base_fee, 7);
    EXPECT_EQ(three.dissents, std::vector<std::size_t>{0});
}

// Goal: what cannot be read is as if nothing had come: no vote, and no opinion either.
TEST(ChainAgreement, WhatCannotBeReadIsNoVote) {
    NodesOfMakes three({R"({"number":"0x1"})", block_of_one_make(), block_of_another_make()});
    EXPECT_TRUE(three.answer(ask_block).has_value());
    EXPECT_TRUE(three.dissents.empty());
    EXPECT_EQ(three.malformed, std::vector<std::size_t>{0});
    NodesOfMakes two({R"({"number":"0x1"})", R"({"number":"0x1"})"});
    EXPECT_FALSE(two.answer(ask_block)) << "nor do two of them agree";
    EXPECT_EQ(two.malformed.size(), 2U);
}

// Goal: that a node has no such block is an answer, and most decide about it.
TEST(ChainAgreement, ThatThereIsNoneIsAVote) {
    NodesOfMakes three({"null", block_of_one_make(), block_of_another_make()});
    EXPECT_TRUE(three.answer(ask_block).has_value());
    EXPECT_EQ(three.dissents, std::vector<std::size_t>{0});
    NodesOfMakes two({"null", "null"});
    const auto none = two.answer(ask_receipts);
    ASSERT_TRUE(none.has_value());
    EXPECT_FALSE(none->front().has_value());
}

}  // namespace
}  // namespace crossclear::shards::evm
