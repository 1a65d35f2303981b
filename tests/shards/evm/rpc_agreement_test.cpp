#include "tests/support/shards/asking.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What several endpoints say to the same question.

namespace crossclear::shards::evm {
namespace {

using tests::Asking;
using tests::at;
using tests::error_for;
using tests::fault_in;
using tests::saying;
using tests::saying_in_turn;
using tests::Script;
using tests::ScriptedNode;
using tests::text_in;

TEST(RpcClient, MostOfAllEndpointsDecide) {
    ScriptedNode one(saying(R"({"hash":"0xaa","number":"0x1"})"));
    ScriptedNode two(saying(R"({"number":"0x1","hash":"0xaa"})"));
    ScriptedNode liar(saying(R"({"number":"0x1","hash":"0xbb"})"));
    Asking asking({at(liar.http_url()), at(one.http_url()), at(two.websocket_url())});
    const auto agreed = asking.agree();
    ASSERT_TRUE(agreed.has_value());
    EXPECT_EQ(agreed->at("hash"), boost::json::value("0xaa"));
    // Who is late is heard all the same.
    ASSERT_TRUE(asking.run_until([&] { return !asking.dissents.empty(); }));
    EXPECT_EQ(asking.dissents, std::vector<std::size_t>{0});
}

// Goal: an endpoint that says nothing holds up nobody.
TEST(RpcClient, MostDoNotWaitForWhoIsSilent) {
    ScriptedNode one(saying(R"("0xaa")"));
    ScriptedNode two(saying(R"("0xaa")"));
    ScriptedNode away([](const std::string&) { return Script{.is_silent = true}; });
    Asking asking({at(away.http_url()), at(one.http_url()), at(two.http_url())},
                  base::seconds(3'600));
    const auto agreed = asking.agree();
    ASSERT_TRUE(agreed.has_value());
    EXPECT_EQ(*agreed, boost::json::value("0xaa"));
    EXPECT_TRUE(asking.dissents.empty());
}

TEST(RpcClient, EachIsAskedUnlessItIsSetAside) {
    ScriptedNode one(saying(R"("0xaa")"));
    ScriptedNode other(saying(R"("0xbb")"));
    const auto nobody = ScriptedNode(saying("null")).http_url();
    Asking asking({at(nobody), at(one.http_url()), at(other.http_url())});
    const auto each = [&] {
        std::optional<std::vector<std::vector<RpcResult>>> given;
        asking.client->each({{.method = "eth_blockNumber", .params = {}}},
                            [&](auto results) { given = std::move(results); });
        EXPECT_TRUE(asking.run_until([&] { return given.has_value(); }));
        return *given;
    };
    const auto first = each();
    ASSERT_EQ(first.size(), 3U);
    EXPECT_EQ(fault_in(first[0][0]), RpcFault::unreachable);
    EXPECT_EQ(*first[1][0], boost::json::value("0xaa"));
    EXPECT_EQ(*first[2][0], boost::json::value("0xbb"));
    EXPECT_EQ(each().size(), 2U) << "who is away is left alone for a while";
    EXPECT_EQ(asking.client->endpoints_count(), 3U);
}

// Goal: whoever is needed for a majority is asked, that an outage ends with its end.
TEST(RpcClient, WhoIsSetAsideIsAskedWhereTheOthersAreTooFew) {
    ScriptedNode one(saying(R"("0xaa")"));
    const auto away = ScriptedNode(saying("null")).http_url();
    Asking asking({at(away), at(away), at(one.http_url())});
    for (int i = 0; i < 3; ++i) {
        std::optional<std::size_t> asked;
        asking.client->each({{.method = "eth_blockNumber", .params = {}}},
                            [&](const auto& results) { asked = results.size(); });
        ASSERT_TRUE(asking.run_until([&] { return asked.has_value(); }));
        EXPECT_EQ(asked, 3U);
    }
    EXPECT_EQ(asking.client->endpoints_up(), 1U);
}

// Goal: questions that are asked together are decided each by itself.
TEST(RpcClient, OfSeveralQuestionsEachIsAgreedOnByItself) {
    ScriptedNode one(saying_in_turn({"a", "b", "c"}));
    ScriptedNode other(saying_in_turn({"a", "x", "y"}));
    ScriptedNode third(saying_in_turn({"z", "b", "w"}));
    Asking asking({at(one.http_url()), at(other.websocket_url()), at(third.http_url())});
    std::optional<std::vector<RpcResult>> given;
    const RpcCall question{.method = "eth_getBlockByNumber", .params = {}};
    asking.client->agree_on_each({question, question, question},
                                 [&](auto results) { given = std::move(results); });
    ASSERT_TRUE(asking.run_until([&] { return given.has_value(); }));
    ASSERT_EQ(given->size(), 3U);
    EXPECT_EQ(text_in(given->at(0)), "a");
    EXPECT_EQ(text_in(given->at(1)), "b");
    EXPECT_EQ(fault_in(given->at(2)), RpcFault::disagreeing);
    std::sort(asking.dissents.begin(), asking.dissents.end());
    EXPECT_EQ(asking.dissents, (std::vector<std::size_t>{1, 2}));
    for (const auto* node : {&one, &other, &third}) EXPECT_EQ(node->questions().size(), 1U);
}

using Texts = std::map<std::string, std::string>;

// Answers each question of a message by its method.
std::function<Script(const std::string&)> saying_by_method(Texts texts) {
    return [texts = std::move(texts)](const std::string& question) {
        const auto answer = [&](const boost::json::value& one) {
            const std::string method(one.at("method").as_string());
            return boost::json::value(
                {{"jsonrpc", "2.0"}, {"id", one.at("id")}, {"result", texts.at(method)}});
        };
        const auto asked = boost::json::parse(question);
        if (!asked.is_array()) return Script{.body = boost::json::serialize(answer(asked))};
        boost::json::array answers;
        for (const auto& one : asked.get_array()) answers.push_back(answer(one));
        return Script{.body = boost::json::serialize(answers)};
    };
}

struct Both {
    std::vector<RpcResult> agreed;
    std::vector<RpcResult> of_one;
};
Both ask_both(Asking& asking, std::vector<RpcCall> agreed, std::vector<RpcCall> of_one) {
    std::optional<Both> given;
    asking.client->agree_and_batch(
        std::move(agreed), std::move(of_one),
        [&](auto of_all, auto others) { given = Both{std::move(of_all), std::move(others)}; });
    EXPECT_TRUE(asking.run_until([&] { return given.has_value(); }));
    return given.value_or(Both{});
}

const RpcCall balance{.method = "eth_getBalance", .params = {}};
const RpcCall nonce{.method = "eth_getTransactionCount", .params = {}};
const RpcCall logs{.method = "eth_getLogs", .params = {}};

// Goal: what one endpoint is believed costs no message of its own.
TEST(RpcClient, WhatOneIsBelievedGoesAlongWithWhatAllAreAsked) {
    ScriptedNode one(saying_by_method(
        {{"eth_getBalance", "a"}, {"eth_getTransactionCount", "b"}, {"eth_getLogs", "mine"}}));
    const Texts texts{{"eth_getBalance", "a"}, {"eth_getTransactionCount", "b"}};
    ScriptedNode other(saying_by_method(texts));
    ScriptedNode third(saying_by_method(texts));
    Asking asking({at(one.http_url()), at(other.http_url()), at(third.http_url())});
    const auto said = ask_both(asking, {balance, nonce}, {logs, logs});
    ASSERT_EQ(said.agreed.size(), 2U);
    EXPECT_EQ(text_in(said.agreed[0]), "a");
    EXPECT_EQ(text_in(said.agreed[1]), "b");
    ASSERT_EQ(said.of_one.size(), 2U);
    EXPECT_EQ(text_in(said.of_one[0]), "mine");
    EXPECT_EQ(text_in(said.of_one[1]), "mine");
    // The last of them is not waited for.
    for (const auto* node : {&one, &other, &third}) {
        EXPECT_TRUE(asking.run_until([&] { return node->questions().size() == 1; }));
    }

    const auto alone = ask_both(asking, {}, {logs});
    EXPECT_TRUE(alone.agreed.empty());
    ASSERT_EQ(alone.of_one.size(), 1U);
    EXPECT_EQ(text_in(alone.of_one[0]), "mine");
    EXPECT_EQ(one.questions().size(), 2U);
    EXPECT_EQ(other.questions().size(), 1U) << "nobody else is needed";
}

// Goal: one that is away holds up nothing that another can say.
TEST(RpcClient, WhatOneIsBelievedGoesOnToTheNextWhereTheFirstIsAway) {
    const auto away = ScriptedNode(saying("null")).http_url();
    const Texts texts{{"eth_getBalance", "a"}, {"eth_getLogs", "theirs"}};
    ScriptedNode other(saying_by_method(texts));
    ScriptedNode third(saying_by_method(texts));
    Asking asking({at(away), at(other.http_url()), at(third.http_url())});
    const auto said = ask_both(asking, {balance}, {logs});
    ASSERT_EQ(said.agreed.size(), 1U);
    EXPECT_EQ(text_in(said.agreed[0]), "a");
    ASSERT_EQ(said.of_one.size(), 1U);
    EXPECT_EQ(text_in(said.of_one[0]), "theirs");
    EXPECT_EQ(other.questions().size(), 2U) << "with all, and for the one that is away";
    EXPECT_EQ(third.questions().size(), 1U);
}

TEST(RpcClient, TwoThatDisagreeDecideNothing) {
    ScriptedNode one(saying(R"("0xaa")"));
    ScriptedNode other(saying("null"));
    Asking asking({at(one.http_url()), at(other.http_url())});
    const auto split = asking.agree();
    EXPECT_EQ(fault_in(split), RpcFault::disagreeing);
    EXPECT_TRUE(asking.dissents.empty()) << "nobody knows who is right";
}

TEST(RpcClient, HalfOfAllIsNotMost) {
    ScriptedNode one(saying(R"("0xaa")"));
    ScriptedNode away([](const std::string&) { return Script{.is_silent = true}; });
    Asking asking({at(one.http_url()), at(away.http_url())}, base::seconds(2));
    const auto alone = asking.agree();
    EXPECT_EQ(fault_in(alone), RpcFault::timed_out) << "unknown is not agreed";
}

TEST(RpcClient, RefusalsAgreeWhateverTheirWords) {
    const auto refusing = [](const char* words) {
        return [words](const std::string& question) {
            return Script{.body = error_for(question, 3, words)};
        };
    };
    ScriptedNode one(refusing("execution reverted"));
    ScriptedNode other(refusing("VM Exception: revert"));
    Asking asking({at(one.http_url()), at(other.http_url())});
    const auto agreed = asking.agree();
    EXPECT_EQ(fault_in(agreed), RpcFault::refused);
    EXPECT_EQ(agreed.error().code, 3);
    EXPECT_TRUE(asking.dissents.empty());
}

}  // namespace
}  // namespace crossclear::shards::evm
