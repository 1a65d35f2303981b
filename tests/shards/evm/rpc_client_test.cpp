#include "shards/evm/rpc_client.hpp"

#include "tests/support/shards/asking.hpp"

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Endpoints that are away, slow, closed, limited and wrong, on real sockets.

namespace crossclear::shards::evm {
namespace {

using tests::Asking;
using tests::at;
using tests::error_for;
using tests::fault_in;
using tests::result_for;
using tests::saying;
using tests::Script;
using tests::ScriptedNode;
using tests::text_in;
using tests::with_authorization;

// Both kinds of connection.
class AnyWire : public ::testing::TestWithParam<bool> {
protected:
    static Endpoint of(const ScriptedNode& node) {
        return at(GetParam() ? node.websocket_url() : node.http_url());
    }
};

TEST_P(AnyWire, AsksAndKeepsItsConnection) {
    ScriptedNode node(saying(R"("0x10")"));
    Asking asking({of(node)});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(text_in(asking.call()), "0x10");
    EXPECT_EQ(node.connections(), 1U);
    EXPECT_EQ(asking.client->endpoints_up(), 1U);
}

TEST_P(AnyWire, ManyQuestionsAreOnTheirWayAtOnce) {
    // Each answer is its question's id.
    ScriptedNode node([](const std::string& question) {
        const auto from = question.find("\"id\":") + 5;
        const auto id = question.substr(from, question.find(',', from) - from);
        return Script{.body = result_for(question, id)};
    });
    Asking asking({of(node)});
    std::size_t done = 0;
    std::vector<std::int64_t> ids;
    for (int i = 0; i < 200; ++i) {
        asking.client->call({.method = "eth_call", .params = {i}}, [&](RpcResult result) {
            ++done;
            if (result) ids.push_back(result->to_number<std::int64_t>());
        });
    }
    ASSERT_TRUE(asking.run_until([&] { return done == 200; }));
    std::sort(ids.begin(), ids.end());
    ASSERT_EQ(ids.size(), 200U);
    EXPECT_TRUE(std::adjacent_find(ids.begin(), ids.end()) == ids.end()) << "each got its own";
    EXPECT_LE(node.connections(), 4U);
}

TEST_P(AnyWire, ABatchIsOneMessage) {
    ScriptedNode node([](const std::string&) {
        return Script{.body = R"([{"jsonrpc":"2.0","id":2,"result":"b"},)"
                              R"({"jsonrpc":"2.0","id":1,"result":"a"}])"};
    });
    Asking asking({of(node)});
    std::optional<std::vector<RpcResult>> given;
    asking.client->batch({{"eth_chainId", {}}, {"eth_gasPrice", {}}},
                         [&](std::vector<RpcResult> results) { given = std::move(results); });
    ASSERT_TRUE(asking.run_until([&] { return given.has_value(); }));
    EXPECT_EQ(text_in(given->at(0)), "a");
    EXPECT_EQ(text_in(given->at(1)), "b");
    EXPECT_EQ(node.questions().size(), 1U);
}

TEST_P(AnyWire, NobodyThereIsUnreachable) {
    std::string url;
    {
        const ScriptedNode gone(saying("1"));
        url = GetParam() ? gone.websocket_url() : gone.http_url();
    }
    Asking asking({at(url)});
    EXPECT_EQ(fault_in(asking.call()), RpcFault::unreachable);
    EXPECT_EQ(asking.client->endpoints_up(), 0U);
}

TEST_P(AnyWire, SilenceTimesOutAndLeavesTheOthersAlone) {
    ScriptedNode node([](const std::string& question) {
        const bool is_silent = question.find("eth_silent") != std::string::npos;
        return is_silent ? Script{.is_silent = true}
                         : Script{.body = result_for(question, "\"x\"")};
    });
    Asking asking({of(node)}, base::seconds(1));
    std::optional<RpcResult> silent;
    asking.client->call({.method = "eth_silent", .params = {}},
                        [&](RpcResult result) { silent = std::move(result); });
    EXPECT_EQ(text_in(asking.call()), "x");
    ASSERT_TRUE(asking.run_until([&] { return silent.has_value(); }));
    EXPECT_EQ(fault_in(*silent), RpcFault::timed_out);
    EXPECT_EQ(text_in(asking.call()), "x");
}

TEST_P(AnyWire, AConnectionThatEndsBeforeItsAnswerIsUnknown) {
    std::atomic<int> asked{};
    ScriptedNode node([&](const std::string& question) {
        return ++asked == 1 ? Script{.body = result_for(question, "1"), .is_refused = true}
                            : Script{.body = result_for(question, "\"again\"")};
    });
    Asking asking({of(node)});
    EXPECT_EQ(fault_in(asking.call()), RpcFault::unreachable);
    EXPECT_EQ(text_in(asking.call_until_answered()), "again");
}

TEST_P(AnyWire, HtmlIsMalformed) {
    ScriptedNode node([](const std::string&) {
        return Script{.body = "<html><head><title>Welcome</title></head></html>"};
    });
    Asking asking({of(node)});
    const auto result = asking.call();
    EXPECT_EQ(fault_in(result), RpcFault::malformed);
    EXPECT_NE(result.error().message.find("<html>"), std::string::npos);
}

TEST_P(AnyWire, ARefusalIsAnAnswer) {
    ScriptedNode refusing([](const std::string& question) {
        return Script{.body = error_for(question, -32000, "nonce too low")};
    });
    ScriptedNode willing(saying("\"0x1\""));
    Asking asking({of(refusing), of(willing)});
    const auto result = asking.call("eth_sendRawTransaction");
    EXPECT_EQ(fault_in(result), RpcFault::refused);
    EXPECT_EQ(result.error().message, "nonce too low");
    EXPECT_TRUE(willing.questions().empty()) << "nobody is asked until somebody agrees";
    EXPECT_EQ(asking.client->endpoints_up(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, AnyWire, ::testing::Values(false, true),
                         [](const auto& kind) { return kind.param ? "WebSocket" : "Http"; });

TEST(HttpWire, AConnectionThatWasClosedMeanwhileIsReplacedUnseen) {
    ScriptedNode node([](const std::string& question) {
        return Script{.body = result_for(question, "\"x\""), .is_closed_after = true};
    });
    Asking asking({at(node.http_url())});
    for (int i = 0; i < 4; ++i) EXPECT_EQ(text_in(asking.call()), "x");
    for (const auto& [endpoint, fault] : asking.tries) EXPECT_FALSE(fault.has_value());
    EXPECT_EQ(node.connections(), 4U);
}

TEST(HttpWire, HalfAnAnswerIsUnreachable) {
    ScriptedNode node([](const std::string& question) {
        return Script{.body = result_for(question, "\"" + std::string(400, 'x') + "\""),
                      .is_cut = true};
    });
    Asking asking({at(node.http_url())});
    EXPECT_EQ(fault_in(asking.call()), RpcFault::unreachable);
    EXPECT_EQ(node.questions().size(), 1U) << "an answer had begun: it is not asked again unseen";
}

TEST(HttpWire, AStatusSaysWhatItMeans) {
    struct Row {
        unsigned status;
        const char* body;
        RpcFault fault;
    };
    const Row rows[] = {
        {429, "slow down", RpcFault::limited},
        {502, "<html>bad gateway</html>", RpcFault::unreachable},
        {503, "", RpcFault::unreachable},
        {404, "not here", RpcFault::malformed},
        {401, "{\"message\":\"no key\"}", RpcFault::malformed},
        {400, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"bad"}})",
         RpcFault::refused},
    };
    for (const auto& row : rows) {
        ScriptedNode node(
            [&](const std::string&) { return Script{.status = row.status, .body = row.body}; });
        Asking asking({at(node.http_url())});
        EXPECT_EQ(fault_in(asking.call()), row.fault) << row.status;
    }
}

TEST(HttpWire, SendsItsAuthorizationAndNoSecretIsShown) {
    ScriptedNode node([](const std::string&) { return Script{.status = 401, .body = "no"}; });
    Asking asking({at(node.http_url())}, base::seconds(8), base::seconds(20),
                  with_authorization("Bearer of-a-secret"));
    const auto result = asking.call();
    EXPECT_EQ(result.error().message.find("secret"), std::string::npos);
    EXPECT_EQ(result.error().message.find("/key"), std::string::npos);
    EXPECT_EQ(result.error().code, 401);
}

TEST(WebSocketWire, ALateAnswerIsNobodyElses) {
    // The first question is answered together with the second, under its own id.
    std::string first;
    ScriptedNode node([&](const std::string& question) {
        if (first.empty()) {
            first = question;
            return Script{.is_silent = true};
        }
        return Script{.body = result_for(first, "\"late\""),
                      .also = {result_for(question, "\"in time\"")}};
    });
    Asking asking({at(node.websocket_url())}, base::seconds(1));
    EXPECT_EQ(fault_in(asking.call()), RpcFault::timed_out);
    EXPECT_EQ(text_in(asking.call()), "in time");
}

TEST(WebSocketWire, FollowsHeadsAlsoAfterALoss) {
    std::atomic<int> height{};
    ScriptedNode node([&](const std::string& question) {
        Script script{.body = result_for(question, "\"0x1\"")};
        if (question.find("eth_subscribe") != std::string::npos) {
            script.also = {
                R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":)"
                R"("0x1","result":{"number":"0x)" +
                std::to_string(++height) + R"("}}})"};
        }
        return script;
    });
    Asking asking({at(node.http_url()), at(node.websocket_url())});
    std::vector<std::string> heads;
    ASSERT_TRUE(asking.client->follow_heads([&](const boost::json::object& head) {
        heads.emplace_back(head.at("number").as_string());
    }));
    ASSERT_TRUE(asking.run_until([&] { return heads.size() == 1; }));
    node.hang_up();
    ASSERT_TRUE(asking.run_until([&] { return heads.size() == 2; })) << "it subscribes again";
    EXPECT_EQ(heads, (std::vector<std::string>{"0x1", "0x2"}));
    Asking without({at(node.http_url())});
    EXPECT_FALSE(without.client->follow_heads([](const boost::json::object&) {}));
}

TEST(RpcClient, GoesOnToTheNextEndpointAndBack) {
    std::atomic<bool> is_limited{true};
    ScriptedNode first([&](const std::string& question) {
        return is_limited ? Script{.status = 429}
                          : Script{.body = result_for(question, "\"first\"")};
    });
    ScriptedNode second(saying("\"second\""));
    Asking asking({at(first.http_url()), at(second.http_url())}, base::seconds(8),
                  base::seconds(2));
    EXPECT_EQ(text_in(asking.call()), "second");
    ASSERT_EQ(asking.tries.size(), 2U);
    EXPECT_EQ(asking.tries.front(), std::pair(std::size_t{0}, std::optional{RpcFault::limited}));
    EXPECT_EQ(asking.client->endpoints_up(), 1U);
    // Set aside, it is not asked.
    EXPECT_EQ(text_in(asking.call()), "second");
    EXPECT_EQ(first.questions().size(), 1U);
    is_limited = false;
    ASSERT_TRUE(asking.run_until([&] { return asking.client->endpoints_up() == 2; }));
    EXPECT_EQ(text_in(asking.call()), "first") << "it is preferred";
}

TEST(RpcClient, OfABatchWhatIsMissingGoesOn) {
    ScriptedNode half([](const std::string&) {
        return Script{.body = R"([{"jsonrpc":"2.0","id":1,"result":"a"}])"};
    });
    ScriptedNode rest(saying(R"("b")"));
    Asking asking({at(half.http_url()), at(rest.http_url())});
    std::optional<std::vector<RpcResult>> given;
    asking.client->batch({{"eth_chainId", {}}, {"eth_gasPrice", {}}},
                         [&](std::vector<RpcResult> results) { given = std::move(results); });
    ASSERT_TRUE(asking.run_until([&] { return given.has_value(); }));
    EXPECT_EQ(text_in(given->at(0)), "a") << "an answer stays one";
    EXPECT_EQ(text_in(given->at(1)), "b");
    ASSERT_EQ(rest.questions().size(), 1U);
    EXPECT_EQ(rest.questions().front().find("eth_chainId"), std::string::npos);
}

// Goal: nobody takes for certain that a transaction was not sent which an earlier try may have
// sent.
TEST(RpcClient, ARefusalAfterATryWithoutAnAnswerIsNotCertain) {
    const auto knowing = [](const std::string& question) {
        return Script{.body = error_for(question, -32000, "already known")};
    };
    ScriptedNode lost([](const std::string&) { return Script{.is_refused = true}; });
    ScriptedNode other(knowing);
    Asking asking({at(lost.http_url()), at(other.http_url())});
    const auto second = asking.call("eth_sendRawTransaction");
    EXPECT_EQ(fault_in(second), RpcFault::refused);
    EXPECT_TRUE(is_effect_unknown(second.error()));
    EXPECT_FALSE(is_effect_unknown(asking.call("eth_sendRawTransaction").error()))
        << "the next one went to the other alone";
}

TEST(RpcClient, ARefusalOfWhatWasSentTwiceUnseenIsNotCertain) {
    ScriptedNode node([](const std::string& question) {
        return question.find("eth_send") == std::string::npos
                   ? Script{.body = result_for(question, "1"), .is_closed_after = true}
                   : Script{.body = error_for(question, -32000, "already known")};
    });
    Asking asking({at(node.http_url())});
    EXPECT_TRUE(asking.call().has_value());
    const auto again = asking.call("eth_sendRawTransaction");
    EXPECT_EQ(fault_in(again), RpcFault::refused);
    EXPECT_TRUE(is_effect_unknown(again.error()));
}

TEST(WebSocketWire, AnErrorWithoutAnIdIsNotThatOfSeveral) {
    std::atomic<int> asked{};
    ScriptedNode node([&](const std::string&) {
        return ++asked == 1 ? Script{.is_silent = true}
                            : Script{.body = R"({"jsonrpc":"2.0","id":null,)"
                                             R"("error":{"code":-32600,"message":"what?"}})"};
    });
    Asking asking({at(node.websocket_url())});
    std::vector<RpcResult> given;
    for (int i = 0; i < 2; ++i) {
        asking.client->call({.method = "eth_sendRawTransaction", .params = {}},
                            [&](RpcResult result) { given.push_back(std::move(result)); });
    }
    ASSERT_TRUE(asking.run_until([&] { return given.size() == 2; }));
    for (const auto& result : given) EXPECT_TRUE(is_effect_unknown(result.error()));
}

TEST(RpcClient, ItsEndAnswersWhatIsOnItsWay) {
    ScriptedNode node([](const std::string&) { return Script{.is_silent = true}; });
    Asking asking({at(node.http_url()), at(node.websocket_url())});
    std::optional<RpcResult> given;
    asking.client->call({.method = "eth_chainId", .params = {}},
                        [&](RpcResult result) { given = std::move(result); });
    ASSERT_TRUE(asking.run_until([&] { return !node.questions().empty(); }));
    asking.client.reset();
    ASSERT_TRUE(asking.run_until([&] { return given.has_value(); }));
    EXPECT_EQ(fault_in(*given), RpcFault::unreachable);
    EXPECT_EQ(node.questions().size(), 1U) << "nobody else is asked any more";
}

}  // namespace
}  // namespace crossclear::shards::evm
