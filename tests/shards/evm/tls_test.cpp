#include "shards/evm/rpc_client.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/self_signed.hpp"
#include "tests/support/shards/scripted_node.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>

// Who is talked to over TLS, and who is talked with: certificates of both ends.

namespace crossclear::shards::evm {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// Answers "yes" to one question, of whoever shows the client's certificate.
class CautiousNode {
public:
    CautiousNode()
        : acceptor_(io_, tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}),
          url_("https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port())),
          thread_([this] { serve(); }) {}
    CautiousNode(const CautiousNode&) = delete;
    CautiousNode& operator=(const CautiousNode&) = delete;
    ~CautiousNode() { thread_.join(); }

    [[nodiscard]] const std::string& url() const { return url_; }

private:
    void serve() {
        asio::ssl::context tls(asio::ssl::context::tls_server);
        tls.use_certificate_chain_file(tests::SelfSigned::file("server.pem"));
        tls.use_private_key_file(tests::SelfSigned::file("server.key"), asio::ssl::context::pem);
        tls.load_verify_file(tests::SelfSigned::file("client.pem"));
        tls.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        error_code error;
        asio::ssl::stream<tcp::socket> stream(io_, tls);
        acceptor_.accept(stream.next_layer(), error);
        stream.handshake(asio::ssl::stream_base::server, error);
        if (error) return;
        boost::beast::flat_buffer buffer;
        http::request<http::string_body> request;
        http::read(stream, buffer, request, error);
        if (error) return;
        http::response<http::string_body> said{http::status::ok, 11};
        said.body() = tests::result_for(request.body(), R"("yes")");
        said.prepare_payload();
        http::write(stream, said, error);
    }

    asio::io_context io_;
    tcp::acceptor acceptor_;
    const std::string url_;
    std::thread thread_;
};

// What comes of one question to it.
RpcResult ask_over(WireOptions wire) {
    const CautiousNode node;
    RpcOptions options;
    options.endpoints = {*parse_endpoint(node.url())};
    options.wire = std::move(wire);
    asio::io_context io;
    std::optional<RpcResult> given;
    RpcClient client(io, options);
    client.call({.method = "eth_chainId", .params = {}},
                [&](RpcResult result) { given = std::move(result); });
    EXPECT_TRUE(tests::run_until(io, [&] { return given.has_value(); }));
    return given.value_or(base::Failure{RpcError{}});
}

WireOptions trusting(const std::string& authority) {
    WireOptions options;
    options.authority = tests::SelfSigned::file(authority + ".pem");
    return options;
}

WireOptions as(const std::string& name) {
    auto options = trusting("server");
    options.certificate = tests::SelfSigned::file(name + ".pem");
    options.key = tests::SelfSigned::file(name + ".key");
    return options;
}

TEST(EvmTls, ShowsItsCertificateToWhoAsks) {
    const auto known = ask_over(as("client"));
    ASSERT_TRUE(known.has_value()) << known.error().message;
    EXPECT_EQ(*known, boost::json::value("yes"));
}

TEST(EvmTls, WhoShowsNoneOrAnotherIsNotAnswered) {
    auto mismatched = as("client");
    mismatched.key = tests::SelfSigned::file("intruder.key");
    auto missing = as("client");
    missing.certificate = tests::SelfSigned::file("nothing.pem");
    for (const auto& options : {trusting("server"), as("intruder"), mismatched, missing}) {
        const auto refused = ask_over(options);
        ASSERT_FALSE(refused.has_value()) << options.certificate << ' ' << options.key;
        EXPECT_EQ(refused.error().fault, RpcFault::unreachable);
    }
}

TEST(EvmTls, AnEndpointThatNobodyVouchesForIsNotAsked) {
    auto options = as("client");
    options.authority = tests::SelfSigned::file("intruder.pem");
    const auto refused = ask_over(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, RpcFault::unreachable);
}

}  // namespace
}  // namespace crossclear::shards::evm
