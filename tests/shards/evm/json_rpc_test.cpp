#include "shards/evm/json_rpc.hpp"

#include "shards/evm/endpoint.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

// What nodes say, and what is made of it.

namespace crossclear::shards::evm {
namespace {

boost::json::value said(const char* text) { return boost::json::parse(text); }

RpcFault fault_of(const RpcResult& result) {
    EXPECT_FALSE(result.has_value());
    return result.has_value() ? RpcFault::unreachable : result.error().fault;
}

TEST(JsonRpc, OneCallIsAnObjectAndSeveralAreAList) {
    const RpcCall calls[] = {{"eth_chainId", {}}, {"eth_getBalance", {"0x01", "latest"}}};
    EXPECT_EQ(text_of({calls, 1}, 7),
              R"({"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]})");
    EXPECT_EQ(text_of(calls, 7),
              R"([{"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]},)"
              R"({"jsonrpc":"2.0","id":8,"method":"eth_getBalance","params":["0x01","latest"]}])");
}

TEST(JsonRpc, AnswersFindTheirCallsInAnyOrder) {
    const auto results = results_of(said(R"([
        {"jsonrpc":"2.0","id":9,"result":null},
        {"jsonrpc":"2.0","id":70,"result":"of somebody else"},
        {"jsonrpc":"2.0","id":7,"result":"0x1","error":null},
        {"jsonrpc":"2.0","id":8,"error":{"code":3,"message":"reverted","data":"0x08C379a0"}}])"),
                                    7, 3);
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(*results[0], boost::json::value("0x1"));
    EXPECT_EQ(fault_of(results[1]), RpcFault::refused);
    EXPECT_EQ(results[1].error().code, 3);
    EXPECT_EQ(results[1].error().message, "reverted");
    EXPECT_EQ(results[1].error().data, "0x08c379a0");
    EXPECT_TRUE(results[2]->is_null());
}

TEST(JsonRpc, WhatIsNoAnswerIsMalformed) {
    for (const char* text : {
             R"(7)",
             R"("0x1")",
             R"(null)",
             R"({})",
             R"([])",
             R"([7])",
             R"({"jsonrpc":"2.0","id":1})",
             R"({"jsonrpc":"1.0","id":1,"result":1})",
             R"({"id":1,"result":1})",
             R"({"jsonrpc":"2.0","id":2,"result":1})",
             R"({"jsonrpc":"2.0","id":-1,"result":1})",
             R"({"jsonrpc":"2.0","id":"1","result":1})",
             R"({"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}})",
             R"({"jsonrpc":"2.0","id":1,"error":"no"})",
             R"({"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"no"}})",
             R"({"jsonrpc":"2.0","id":1,"error":null})",
             R"([{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":1,"result":1}])",
         }) {
        const auto results = results_of(said(text), 1, 1);
        ASSERT_EQ(results.size(), 1U) << text;
        EXPECT_EQ(fault_of(results.front()), RpcFault::malformed) << text;
    }
}

TEST(JsonRpc, AnErrorWithoutAnIdIsThatOfAll) {
    const auto results = results_of(
        said(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"slow down"}})"), 1, 3);
    ASSERT_EQ(results.size(), 3U);
    for (const auto& result : results) EXPECT_EQ(fault_of(result), RpcFault::limited);
}

TEST(JsonRpc, ACallThatIsLeftOutIsMalformedAlone) {
    const auto results = results_of(said(R"([{"jsonrpc":"2.0","id":2,"result":true}])"), 1, 2);
    EXPECT_EQ(fault_of(results[0]), RpcFault::malformed);
    EXPECT_TRUE(results[1].has_value());
}

TEST(JsonRpc, TextThatIsNoJsonShowsHowItBegins) {
    const auto answer = parse_answer("<html><body>502 Bad Gateway\n</body>");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().fault, RpcFault::malformed);
    EXPECT_NE(answer.error().message.find("<html><body>502 Bad Gateway?"), std::string::npos)
        << answer.error().message;
    EXPECT_FALSE(parse_answer(std::string(100, '['))) << "too deep";
    EXPECT_FALSE(parse_answer(""));
    EXPECT_FALSE(parse_answer(R"({"a":1} trailing)"));
    EXPECT_TRUE(parse_answer(R"({"a":1})"));
}

TEST(JsonRpc, SomebodyElsesTextIsCutAndPrintable) {
    const auto results = results_of(said(("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,"
                                          "\"message\":\"\\u001b[31m" +
                                          std::string(1'000, 'x') + "\",\"data\":\"0xzz\"}}")
                                             .c_str()),
                                    1, 1);
    EXPECT_EQ(results.front().error().message.size(), rpc_message_max);
    EXPECT_EQ(results.front().error().message.substr(0, 5), "?[31m");
    EXPECT_TRUE(results.front().error().data.empty()) << "no hex";
}

TEST(JsonRpc, ARefusalIsCertainUnlessTheNodeItselfDoesNotKnow) {
    const auto error = [](RpcFault fault) { return RpcError{.fault = fault}; };
    EXPECT_FALSE(is_effect_unknown(error(RpcFault::refused)));
    EXPECT_FALSE(is_effect_unknown(error(RpcFault::limited)));
    for (const auto fault :
         {RpcFault::unreachable, RpcFault::timed_out, RpcFault::malformed, RpcFault::disagreeing}) {
        EXPECT_TRUE(is_effect_unknown(error(fault))) << name_of(fault);
    }
    const auto inner = results_of(
        said(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal"}})"), 1, 1);
    EXPECT_TRUE(is_effect_unknown(inner.front().error()));
}

TEST(Endpoint, IsTakenApart) {
    struct Row {
        const char* url;
        Endpoint endpoint;
        const char* name;
    };
    const Row rows[] = {
        {"http://127.0.0.1:8545", {false, false, "127.0.0.1", 8545, "/"}, "http://127.0.0.1:8545"},
        {"https://node.example/v3/secret?x=1",
         {false, true, "node.example", 443, "/v3/secret?x=1"},
         "https://node.example:443"},
        {"ws://[::1]:9/p", {true, false, "::1", 9, "/p"}, "ws://[::1]:9"},
        {"wss://node.example?key=1",
         {true, true, "node.example", 443, "/?key=1"},
         "wss://node.example:443"},
        {"http://[::1]", {false, false, "::1", 80, "/"}, "http://[::1]:80"},
    };
    for (const auto& row : rows) {
        const auto endpoint = parse_endpoint(row.url);
        ASSERT_TRUE(endpoint.has_value()) << row.url;
        EXPECT_EQ(*endpoint, row.endpoint) << row.url;
        EXPECT_EQ(endpoint->name(), row.name) << "what is shown has no path";
    }
}

TEST(Endpoint, IsNothingElse) {
    for (const char* url :
         {"", "node.example", "ftp://node.example", "http://", "http://:8545", "http://node:0",
          "http://node:65536", "http://node:8545x", "http://node:", "http://a:b:1", "http://[::1",
          "http://[::1]x", "http://user:secret@node", "http://node/#top", "http://no de",
          "http://node/\n", "HTTP://node"}) {
        EXPECT_FALSE(parse_endpoint(url).has_value()) << url;
    }
}

}  // namespace
}  // namespace crossclear::shards::evm
