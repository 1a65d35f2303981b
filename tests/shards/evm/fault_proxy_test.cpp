#include "tests/support/shards/fault_proxy.hpp"

#include "shards/evm/blocks.hpp"
#include "shards/evm/key.hpp"
#include "shards/evm/transaction.hpp"
#include "tests/support/shards/anvil.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// That the proxy in front of a node hands on what it should and spoils what it is told to, and that
// our client takes each fault for what it is.

namespace crossclear::shards::evm {
namespace {

namespace json = boost::json;
using tests::ChainFaults;
using tests::FaultProxy;

constexpr std::uint32_t always = 1'000'000;

// Asks once and gives up soon where it is to see silence.
std::unique_ptr<tests::Asker> asker_of(const std::vector<std::string>& urls,
                                       base::Duration try_patience = base::seconds(8)) {
    RpcOptions options;
    for (const auto& url : urls) options.endpoints.push_back(*parse_endpoint(url));
    options.patience = base::seconds(16);
    options.try_patience = try_patience;
    return std::make_unique<tests::Asker>(options);
}

class ProxiedAnvil : public ::testing::Test {
protected:
    void SetUp() override {
        if (tests::anvil_program().empty()) GTEST_SKIP() << "CROSSCLEAR_NPM names no anvil";
        chain.emplace(
            std::vector<std::string>{"--no-mining", "--order", "fifo", "--slots-in-an-epoch", "1"});
        direct = asker_of({chain->http_url()});
        proxy.emplace(chain->http_url(), 7);
        through = asker_of({proxy->http_url()});
    }

    void mine(std::uint64_t blocks = 1) { (void)direct->ask("anvil_mine", {to_quantity(blocks)}); }

    // A transfer of a wei by anvil's first key to itself.
    static SignedTransaction transfer(std::uint64_t nonce, const Uint256& tip = 1'000'000'000,
                                      const Uint256& fee = 5'000'000'000) {
        const auto key = *Key::of(*parse_fixed<Hash>(
            "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
        return key.sign({.chain_id = 31'337,
                         .nonce = nonce,
                         .tip_max = tip,
                         .fee_max = fee,
                         .gas_limit = 21'000,
                         .to = key.address(),
                         .value = 1,
                         .data = {}});
    }

    static std::string hash_of(const SignedTransaction& one) {
        return to_hex(transaction_hash(raw_bytes(one)));
    }

    static RpcResult send(tests::Asker& by, const SignedTransaction& one) {
        return by.call("eth_sendRawTransaction", {to_hex(raw_bytes(one))});
    }

    [[nodiscard]] bool is_in_pool(const SignedTransaction& one) {
        return !direct->ask("eth_getTransactionByHash", {hash_of(one)}).is_null();
    }

    json::value receipt(tests::Asker& by, const SignedTransaction& one) {
        return by.ask("eth_getTransactionReceipt", {hash_of(one)});
    }

    std::uint64_t number_of(tests::Asker& by, const char* tag) {
        const auto header = parse_header(by.ask("eth_getBlockByNumber", {tag, false}));
        EXPECT_TRUE(header.has_value());
        return header ? header->number : 0;
    }

    // What became of one question that is asked once; the client keeps no connection before it.
    RpcResult call_once(base::Duration try_patience = base::seconds(8)) {
        return asker_of({proxy->http_url()}, try_patience)->call("eth_chainId");
    }

    // A send whose answer does not come, while `faults` are on.
    void expect_taken_all_the_same(const ChainFaults& faults, RpcFault expected,
                                   base::Duration try_patience = base::seconds(8)) {
        proxy->set_faults(faults);
        const auto one = transfer(0);
        const auto unknown = send(*asker_of({proxy->http_url()}, try_patience), one);
        ASSERT_FALSE(unknown.has_value());
        EXPECT_EQ(unknown.error().fault, expected);
        EXPECT_TRUE(is_effect_unknown(unknown.error()));
        EXPECT_TRUE(direct->run_until([&] { return is_in_pool(one); }));
    }

    std::optional<tests::Anvil> chain;
    std::unique_ptr<tests::Asker> direct;
    std::optional<FaultProxy> proxy;
    std::unique_ptr<tests::Asker> through;
};

// Why there is no result; a failed test where there is one.
RpcError proxied_error(const RpcResult& result) {
    EXPECT_FALSE(result.has_value());
    return result.has_value() ? RpcError{} : result.error();
}

TEST_F(ProxiedAnvil, WithoutAFaultItSaysWhatTheNodeSays) {
    const auto sent = transfer(0);
    EXPECT_EQ(send(*through, sent)->as_string(), hash_of(sent));
    mine(3);
    const std::vector<RpcCall> calls{
        {"eth_chainId", {}},
        {"eth_getBlockByNumber", {"latest", true}},
        {"eth_getBlockByNumber", {"0x99", false}},
        {"eth_getTransactionReceipt", {hash_of(sent)}},
        {"eth_getLogs", {json::object{{"fromBlock", "0x0"}, {"toBlock", "latest"}}}},
        {"eth_getTransactionCount", {"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "pending"}},
        {"eth_noSuchMethod", {}},
        {"eth_sendRawTransaction", {"0x00"}}};
    for (const auto& call : calls) {
        EXPECT_EQ(through->call(call.method, call.params), direct->call(call.method, call.params))
            << call.method;
    }
    std::optional<std::vector<RpcResult>> one;
    std::optional<std::vector<RpcResult>> other;
    through->client().batch(calls, [&](std::vector<RpcResult> results) { one = results; });
    direct->client().batch(calls, [&](std::vector<RpcResult> results) { other = results; });
    ASSERT_TRUE(through->run_until([&] { return one.has_value(); }));
    ASSERT_TRUE(direct->run_until([&] { return other.has_value(); }));
    EXPECT_EQ(*one, *other);
    EXPECT_EQ(proxy->counts(), (tests::ChainFaultCounts{.messages = calls.size() + 2}));
}

TEST_F(ProxiedAnvil, ALostRequestDidNothing) {
    proxy->set_faults({.lost_request_ppm = always});
    const auto lost = proxied_error(send(*through, transfer(0)));
    EXPECT_EQ(lost.fault, RpcFault::unreachable);
    EXPECT_TRUE(is_effect_unknown(lost)) << "so far as the client can tell";
    EXPECT_FALSE(is_in_pool(transfer(0)));
    EXPECT_EQ(proxy->counts().lost_requests, 1U);
}

TEST_F(ProxiedAnvil, ASendWhoseAnswerIsLostIsInThePool) {
    expect_taken_all_the_same({.lost_answer_ppm = always}, RpcFault::unreachable);
    EXPECT_EQ(proxy->counts().lost_answers, 1U);
}

TEST_F(ProxiedAnvil, ASendThatIsNeverAnsweredIsInThePool) {
    expect_taken_all_the_same({.silent_answer_ppm = always}, RpcFault::timed_out,
                              base::milliseconds(500));
    EXPECT_TRUE(direct->run_until([&] { return proxy->counts().silent_answers == 1; }));
}

TEST_F(ProxiedAnvil, ASendWhoseAnswerIsCutIsInThePool) {
    expect_taken_all_the_same({.cut_answer_ppm = always}, RpcFault::unreachable);
    EXPECT_EQ(proxy->counts().cut_answers, 1U);
}

TEST_F(ProxiedAnvil, ASendBehindALateBadGatewayIsInThePool) {
    expect_taken_all_the_same({.late_bad_gateway_ppm = always}, RpcFault::unreachable);
    EXPECT_EQ(proxy->counts().late_bad_gateways, 1U);
}

TEST_F(ProxiedAnvil, GatewaysRefuseInTheirOwnWay) {
    proxy->set_faults({.limited_ppm = always});
    const auto limited = proxied_error(call_once());
    EXPECT_EQ(limited.fault, RpcFault::limited);
    EXPECT_EQ(limited.code, 429);
    EXPECT_FALSE(is_effect_unknown(limited));

    proxy->set_faults({.bad_gateway_ppm = always});
    const auto page = proxied_error(send(*asker_of({proxy->http_url()}), transfer(0)));
    EXPECT_EQ(page.fault, RpcFault::unreachable);
    EXPECT_EQ(page.code, 502);
    EXPECT_TRUE(is_effect_unknown(page));
    EXPECT_FALSE(is_in_pool(transfer(0)));
    EXPECT_EQ(proxy->counts(),
              (tests::ChainFaultCounts{.messages = 2, .limited = 1, .bad_gateways = 1}));
}

TEST_F(ProxiedAnvil, OfARepeatedSendTheSecondAnswerIsGiven) {
    proxy->set_faults({.repeated_ppm = always});
    const auto again = proxied_error(send(*through, transfer(0)));
    EXPECT_EQ(again.fault, RpcFault::refused);
    EXPECT_NE(again.message.find("already"), std::string::npos) << again.message;
    EXPECT_TRUE(is_in_pool(transfer(0)));
    EXPECT_EQ(proxy->counts().repeated, 1U);
}

TEST_F(ProxiedAnvil, ADroppedSendLooksTakenAndIsNotInThePool) {
    proxy->set_faults({.dropped_send_ppm = always});
    const auto taken = send(*through, transfer(0));
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->as_string(), hash_of(transfer(0)));
    EXPECT_FALSE(is_in_pool(transfer(0)));
    EXPECT_TRUE(through->call("eth_chainId").has_value()) << "nothing else is dropped";
    EXPECT_EQ(proxy->counts().dropped_sends, 1U);

    proxy->set_faults({});
    EXPECT_TRUE(send(*through, transfer(0)).has_value()) << "the node never saw it";
    EXPECT_TRUE(is_in_pool(transfer(0)));
}

TEST_F(ProxiedAnvil, OfABatchSomeAreDroppedAndTheRestIsHandedOn) {
    proxy->set_faults({.dropped_send_ppm = always / 2});
    std::vector<RpcCall> calls;
    for (std::uint64_t nonce = 0; nonce < 16; ++nonce) {
        calls.push_back({"eth_sendRawTransaction", {to_hex(raw_bytes(transfer(nonce)))}});
        calls.push_back({"eth_chainId", {}});
    }
    std::optional<std::vector<RpcResult>> given;
    through->client().batch(calls, [&](std::vector<RpcResult> results) { given = results; });
    ASSERT_TRUE(through->run_until([&] { return given.has_value(); }));
    std::uint64_t missing = 0;
    for (std::uint64_t nonce = 0; nonce < 16; ++nonce) {
        const auto& sent = given->at(2 * nonce);
        ASSERT_TRUE(sent.has_value()) << sent.error().message;
        EXPECT_EQ(sent->as_string(), hash_of(transfer(nonce)));
        EXPECT_EQ(given->at(2 * nonce + 1), RpcResult(json::value("0x7a69")));
        if (!is_in_pool(transfer(nonce))) ++missing;
    }
    EXPECT_EQ(proxy->counts().messages, 1U);
    EXPECT_EQ(proxy->counts().dropped_sends, missing);
    EXPECT_GT(missing, 0U);
    EXPECT_LT(missing, 16U);
}

// Goal: both fees, a tenth, rounded as geth does.
TEST_F(ProxiedAnvil, WhatWaitsIsReplacedForATenthMoreOnly) {
    proxy->set_faults({.has_replacement_rule = true});
    ASSERT_TRUE(send(*through, transfer(0, 1'000'000'007, 5'000'000'009)).has_value());
    const auto refused = [&](const SignedTransaction& one) {
        const auto said = send(*through, one);
        return !said.has_value() && said.error().fault == RpcFault::refused &&
               said.error().code == -32'000 &&
               said.error().message == "replacement transaction underpriced" && !is_in_pool(one);
    };
    EXPECT_TRUE(refused(transfer(0, 1'100'000'006, 5'500'000'009)));
    EXPECT_TRUE(refused(transfer(0, 1'100'000'007, 5'500'000'008)));
    EXPECT_TRUE(refused(transfer(0, 1, 9'000'000'000)));
    EXPECT_EQ(proxy->counts().underpriced, 3U);
    const auto again = proxied_error(send(*through, transfer(0, 1'000'000'007, 5'000'000'009)));
    EXPECT_NE(again.message.find("already"), std::string::npos) << "it is no replacement";
    EXPECT_TRUE(send(*through, transfer(1, 1'000'000'000)).has_value()) << "another nonce";

    const auto more = transfer(0, 1'100'000'007, 5'500'000'009);
    EXPECT_TRUE(send(*through, more).has_value());
    EXPECT_TRUE(is_in_pool(more));
    EXPECT_TRUE(refused(transfer(0, 1'110'000'000, 5'550'000'000))) << "less than that again";
    EXPECT_EQ(proxy->counts().underpriced, 4U);
}

TEST_F(ProxiedAnvil, OnlyWhatWaitsIsReplaced) {
    proxy->set_faults({.has_replacement_rule = true});
    ASSERT_TRUE(send(*through, transfer(0)).has_value());
    (void)direct->ask("anvil_dropTransaction", {hash_of(transfer(0))});
    EXPECT_TRUE(send(*through, transfer(0, 1'000'000'000, 5'000'000'001)).has_value())
        << "it is gone from the pool";
    mine();
    const auto late = proxied_error(send(*through, transfer(0, 1'000'000'000, 5'000'000'002)));
    EXPECT_EQ(late.fault, RpcFault::refused);
    EXPECT_NE(late.message.find("nonce too low"), std::string::npos) << late.message;
    EXPECT_EQ(proxy->counts().underpriced, 0U);
}

TEST_F(ProxiedAnvil, StaleAnswersAreThoseOfEarlier) {
    const std::vector<const char*> tags{"latest", "safe", "finalized"};
    mine(3);
    std::vector<std::uint64_t> before;
    for (const auto* tag : tags) before.push_back(number_of(*through, tag));
    const auto one = transfer(0);
    EXPECT_TRUE(receipt(*through, one).is_null());
    const json::array key{"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "latest"};
    EXPECT_EQ(through->ask("eth_getTransactionCount", key), "0x0");
    ASSERT_TRUE(send(*through, one).has_value());
    mine(3);
    for (const auto* tag : tags) (void)number_of(*through, tag);

    proxy->set_faults({.stale_ppm = always, .stale_answers = 2});
    for (std::size_t i = 0; i < tags.size(); ++i) {
        EXPECT_EQ(number_of(*through, tags[i]), before[i]) << tags[i];
        EXPECT_EQ(number_of(*through, tags[i]), before[i] + 3) << "two answers later";
    }
    EXPECT_EQ(number_of(*through, "0x1"), 1U);
    EXPECT_TRUE(receipt(*through, one).is_null()) << "the oldest that is known";
    EXPECT_EQ(through->ask("eth_getTransactionCount", key), "0x0");
    EXPECT_EQ(proxy->counts().stale, 5U) << "what is true still is not stale";
    proxy->set_faults({});
    EXPECT_FALSE(receipt(*through, one).is_null());
}

TEST_F(ProxiedAnvil, StaleLogsLackTheLatest) {
    // PUSH1 0 PUSH1 0 LOG0 STOP: it tells whenever it is called.
    const auto to = to_hex(transfer(0).transaction.to);
    (void)direct->ask("anvil_setCode",
                      {"0x00000000000000000000000000000000000000aa", "0x60006000a000"});
    const json::array question{json::object{{"fromBlock", "0x0"}, {"toBlock", "latest"}}};
    EXPECT_TRUE(through->ask("eth_getLogs", question).as_array().empty());
    (void)direct->ask(
        "eth_sendTransaction",
        {json::object{{"from", to}, {"to", "0x00000000000000000000000000000000000000aa"}}});
    mine();
    proxy->set_faults({.stale_ppm = always, .stale_answers = 1});
    EXPECT_TRUE(through->ask("eth_getLogs", question).as_array().empty());
    EXPECT_EQ(through->ask("eth_getLogs", question).as_array().size(), 1U);
    EXPECT_EQ(proxy->counts().stale, 1U);
}

// Goal: one of three that lies is found, whatever it lies about.
TEST_F(ProxiedAnvil, OfThreeTheOneThatLiesIsFound) {
    ASSERT_TRUE(send(*direct, transfer(0)).has_value());
    mine();
    FaultProxy honest(chain->http_url(), 1);
    RpcOptions options;
    for (const auto& url : {honest.http_url(), proxy->http_url(), chain->http_url()}) {
        options.endpoints.push_back(*parse_endpoint(url));
    }
    std::size_t tries = 0;
    std::vector<std::size_t> dissents;
    options.on_try = [&](const RpcTry&) { ++tries; };
    options.on_dissent = [&](std::size_t endpoint, std::string_view) {
        dissents.push_back(endpoint);
    };
    tests::Asker all(options);
    const auto agree = [&](const RpcCall& call) {
        dissents.clear();
        const auto wanted = tries + 3;
        std::optional<RpcResult> given;
        all.client().agree(call, [&](RpcResult result) { given = std::move(result); });
        EXPECT_TRUE(all.run_until([&] { return given.has_value() && tries == wanted; }));
        EXPECT_EQ(given, direct->call(call.method, call.params));
        return dissents;
    };
    const std::vector<std::size_t> nobody{};
    const std::vector<std::size_t> liar{1};
    const RpcCall block{"eth_getBlockByNumber", {"0x1", false}};
    const RpcCall result{"eth_getTransactionReceipt", {hash_of(transfer(0))}};
    EXPECT_EQ(agree(block), nobody);
    EXPECT_EQ(agree(result), nobody);
    proxy->set_faults({.other_hash_ppm = always});
    EXPECT_EQ(agree(block), liar);
    EXPECT_EQ(agree(result), nobody);
    proxy->set_faults({.hidden_receipt_ppm = always});
    EXPECT_EQ(agree(block), nobody);
    EXPECT_EQ(agree(result), liar);
    EXPECT_EQ(proxy->counts().other_hashes, 1U);
    EXPECT_EQ(proxy->counts().hidden_receipts, 1U);
}

TEST_F(ProxiedAnvil, ALieStaysTheSameAndCanBeRead) {
    proxy->set_faults({.other_hash_ppm = always});
    const auto told = parse_header(through->ask("eth_getBlockByNumber", {"0x0", false}));
    const auto truth = parse_header(direct->ask("eth_getBlockByNumber", {"0x0", false}));
    ASSERT_TRUE(told && truth);
    EXPECT_NE(told->hash, truth->hash);
    EXPECT_EQ(parse_header(through->ask("eth_getBlockByNumber", {"0x0", false})), told);
    EXPECT_TRUE(through->ask("eth_getBlockByNumber", {"0x99", false}).is_null());
    EXPECT_EQ(proxy->counts().other_hashes, 2U);
}

TEST_F(ProxiedAnvil, AnEndpointThatIsCutOffLeavesItToTheNext) {
    FaultProxy second(chain->http_url(), 1);
    const auto both = asker_of({proxy->http_url(), second.http_url()});
    EXPECT_TRUE(both->call("eth_chainId").has_value());
    EXPECT_EQ(second.counts().messages, 0U);
    proxy->set_faults({.is_down = true});
    EXPECT_TRUE(both->call("eth_chainId").has_value());
    EXPECT_EQ(second.counts().messages, 1U);
    EXPECT_GT(proxy->counts().turned_away, 0U);
    EXPECT_EQ(both->client().endpoints_up(), 1U);

    proxy->set_faults({});
    const auto before = proxy->counts().messages;
    EXPECT_TRUE(both->run_until([&] {
        EXPECT_TRUE(both->call("eth_chainId").has_value());
        return proxy->counts().messages > before;
    })) << "it is asked again";
}

TEST_F(ProxiedAnvil, WithoutItsNodeItIsUnreachable) {
    chain.reset();
    EXPECT_EQ(proxied_error(call_once()).fault, RpcFault::unreachable);
}

// Goal: a failed run can be seen again.
TEST_F(ProxiedAnvil, TheSameSeedBringsTheSameFaults) {
    const auto run = [&](std::uint64_t seed) {
        FaultProxy one(chain->http_url(), seed);
        one.set_faults({.lost_request_ppm = 50'000,
                        .limited_ppm = 50'000,
                        .bad_gateway_ppm = 50'000,
                        .late_bad_gateway_ppm = 50'000,
                        .lost_answer_ppm = 50'000,
                        .cut_answer_ppm = 50'000,
                        .repeated_ppm = 50'000,
                        .other_hash_ppm = 200'000});
        std::vector<std::string> seen;
        for (int i = 0; i < 100; ++i) {
            // A client of its own: one connection more or less is no fault.
            const auto said =
                asker_of({one.http_url()})->call("eth_getBlockByNumber", {"0x0", false});
            seen.push_back(said ? json::serialize(said->at("hash")) : said.error().message);
        }
        return std::pair(seen, one.counts());
    };
    const auto first = run(11);
    EXPECT_EQ(first, run(11));
    EXPECT_NE(first.first, run(12).first);
    EXPECT_GT(first.second.lost_requests, 0U);
    EXPECT_GT(first.second.limited, 0U);
    EXPECT_GT(first.second.bad_gateways, 0U);
    EXPECT_GT(first.second.late_bad_gateways, 0U);
    EXPECT_GT(first.second.lost_answers, 0U);
    EXPECT_GT(first.second.cut_answers, 0U);
    EXPECT_GT(first.second.repeated, 0U);
    EXPECT_GT(first.second.other_hashes, 0U);
}

// Goal: the rate of the issue is met, and one rate does not shift the draws of another.
TEST_F(ProxiedAnvil, RatesAreMetAndDoNotShiftEachOther) {
    constexpr std::uint32_t thirty_percent = 300'000;
    const auto dropped = [&](const ChainFaults& faults) {
        FaultProxy one(chain->http_url(), 5);
        one.set_faults(faults);
        const auto by = asker_of({one.http_url()});
        std::vector<std::uint64_t> after;
        for (int i = 0; i < 200; ++i) {
            (void)send(*by, transfer(1'000));
            after.push_back(one.counts().dropped_sends);
        }
        return after;
    };
    const auto alone = dropped({.dropped_send_ppm = thirty_percent});
    EXPECT_GT(alone.back(), 40U);
    EXPECT_LT(alone.back(), 80U);
    EXPECT_EQ(dropped({.repeated_ppm = always / 2, .dropped_send_ppm = thirty_percent}), alone);
}

}  // namespace
}  // namespace crossclear::shards::evm
