#pragma once

#include "shards/evm/rpc_client.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/shards/scripted_node.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A client of endpoints as tests ask through it.

namespace crossclear::tests {

/// Says `result` to everything.
inline std::function<Script(const std::string&)> saying(const std::string& result) {
    return [result](const std::string& question) {
        return Script{.body = result_for(question, result)};
    };
}

/// Says these texts to the questions of a batch, one to each.
inline std::function<Script(const std::string&)> saying_in_turn(std::vector<std::string> texts) {
    return [texts = std::move(texts)](const std::string& question) {
        boost::json::array answers;
        const auto asked = boost::json::parse(question).as_array();
        for (std::size_t i = 0; i < texts.size(); ++i) {
            answers.push_back(
                {{"jsonrpc", "2.0"}, {"id", asked.at(i).at("id")}, {"result", texts[i]}});
        }
        return Script{.body = boost::json::serialize(answers)};
    };
}

/// Options with this header.
inline shards::evm::WireOptions with_authorization(const std::string& header) {
    shards::evm::WireOptions options;
    options.authorization = header;
    return options;
}

/// The endpoint of an URL.
inline shards::evm::Endpoint at(const std::string& url) {
    return *shards::evm::parse_endpoint(url);
}

/// A client whose waits are short, and what it was told of its tries.
struct Asking {
    explicit Asking(std::vector<shards::evm::Endpoint> endpoints,
                    base::Duration try_patience = base::seconds(8),
                    base::Duration aside_min = base::seconds(20),
                    shards::evm::WireOptions wire = {}) {
        options.endpoints = std::move(endpoints);
        options.wire = std::move(wire);
        options.patience = base::seconds(16);
        options.try_patience = try_patience;
        options.aside_min = aside_min;
        options.on_try = [this](const shards::evm::RpcTry& one) {
            tries.emplace_back(one.endpoint, one.error == nullptr
                                                 ? std::nullopt
                                                 : std::optional{one.error->fault});
        };
        options.on_dissent = [this](std::size_t endpoint, std::string_view method) {
            EXPECT_EQ(method, "eth_getBlockByNumber");
            dissents.push_back(endpoint);
        };
        client.emplace(io, options);
    }
    bool run_until(const std::function<bool()>& is_so) { return tests::run_until(io, is_so); }
    /// Asks again and again until an answer comes.
    shards::evm::RpcResult call_until_answered() {
        std::optional<shards::evm::RpcResult> result;
        (void)run_until([&] {
            result = call();
            return result->has_value();
        });
        return *result;
    }
    shards::evm::RpcResult call(const std::string& method = "eth_blockNumber") {
        std::optional<shards::evm::RpcResult> given;
        client->call({.method = method, .params = {}},
                     [&](shards::evm::RpcResult result) { given = std::move(result); });
        EXPECT_FALSE(given.has_value()) << "never from within a call";
        EXPECT_TRUE(run_until([&] { return given.has_value(); }));
        return *given;
    }
    shards::evm::RpcResult agree() {
        std::optional<shards::evm::RpcResult> given;
        client->agree({.method = "eth_getBlockByNumber", .params = {"0x1", false}},
                      [&](shards::evm::RpcResult result) { given = std::move(result); });
        EXPECT_TRUE(run_until([&] { return given.has_value(); }));
        return *given;
    }

    boost::asio::io_context io;
    shards::evm::RpcOptions options;
    std::vector<std::pair<std::size_t, std::optional<shards::evm::RpcFault>>> tries;
    std::vector<std::size_t> dissents;
    std::optional<shards::evm::RpcClient> client;
};

/// The text of a result, or what it is instead.
inline std::string text_in(const shards::evm::RpcResult& result) {
    if (!result.has_value())
        return std::string("fault ") + shards::evm::name_of(result.error().fault);
    return result->is_string() ? std::string(result->get_string()) : "no text";
}

/// Why there is no result; a failed test where there is one.
inline shards::evm::RpcFault fault_in(const shards::evm::RpcResult& result) {
    EXPECT_FALSE(result.has_value());
    return result.has_value() ? shards::evm::RpcFault::refused : result.error().fault;
}

}  // namespace crossclear::tests
