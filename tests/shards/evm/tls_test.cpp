#include "shards/evm/rpc_client.hpp"
#include "shards/evm/tls_files.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/shards/scripted_node.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
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

// One of 2020, for a day.
constexpr const char* expired_pem = R"(-----BEGIN CERTIFICATE-----
MIIBCTCBsAIBATAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZub2JvZHkwHhcNMjAw
MTAxMDAwMDAwWhcNMjAwMTAyMDAwMDAwWjARMQ8wDQYDVQQDDAZub2JvZHkwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAAQX1a5ayH8re4xlYuQz38o1tuDvCbtpy0qS
Al9vrAjvMKHiW8jLKvnOoyHq+nFHI6ERUO4cYKGTKhJ0fOgZ4dQHMAoGCCqGSM49
BAMCA0gAMEUCIFUJizY7A3pRBegiC3ZX6aGbK48XbBjqus+vabSeMyXRAiEA8hOv
UdpPwUb+duEnzj2kfCPRT/JMBrdv8b+IE59KAN8=
-----END CERTIFICATE-----
)";

// Certificates that sign themselves, made once with the openssl program.
class SelfSigned {
public:
    static std::string file(const std::string& name) {
        static const SelfSigned made;
        return made.directory_ / name;
    }

    SelfSigned(const SelfSigned&) = delete;
    SelfSigned& operator=(const SelfSigned&) = delete;

private:
    SelfSigned() {
        auto pattern = (std::filesystem::temp_directory_path() / "crossclear-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        directory_ = pattern;
        for (const std::string name : {"server", "client", "intruder"}) {
            const auto command = "cd '" + pattern +
                                 "' && openssl req -x509 -newkey ec -pkeyopt "
                                 "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
                                 "-addext subjectAltName=IP:127.0.0.1 -keyout " +
                                 name + ".key -out " + name + ".pem > log 2>&1";
            if (std::system(command.c_str()) != 0) ADD_FAILURE() << "failed: " << command;
        }
        const auto other_type =
            "cd '" + pattern + "' && openssl genrsa -out rsa.key 2048 > log 2>&1";
        if (std::system(other_type.c_str()) != 0) ADD_FAILURE() << "failed: " << other_type;
        std::ofstream(directory_ / "expired.pem") << expired_pem;
    }
    ~SelfSigned() { std::filesystem::remove_all(directory_); }

    std::filesystem::path directory_;
};

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
        tls.use_certificate_chain_file(SelfSigned::file("server.pem"));
        tls.use_private_key_file(SelfSigned::file("server.key"), asio::ssl::context::pem);
        tls.load_verify_file(SelfSigned::file("client.pem"));
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
    options.authority = SelfSigned::file(authority + ".pem");
    return options;
}

WireOptions as(const std::string& name) {
    auto options = trusting("server");
    options.certificate = SelfSigned::file(name + ".pem");
    options.key = SelfSigned::file(name + ".key");
    return options;
}

TEST(EvmTls, ShowsItsCertificateToWhoAsks) {
    const auto known = ask_over(as("client"));
    ASSERT_TRUE(known.has_value()) << known.error().message;
    EXPECT_EQ(*known, boost::json::value("yes"));
}

TEST(EvmTls, WhoShowsNoneOrAnotherIsNotAnswered) {
    auto mismatched = as("client");
    mismatched.key = SelfSigned::file("intruder.key");
    auto missing = as("client");
    missing.certificate = SelfSigned::file("nothing.pem");
    for (const auto& options : {trusting("server"), as("intruder"), mismatched, missing}) {
        const auto refused = ask_over(options);
        ASSERT_FALSE(refused.has_value()) << options.certificate << ' ' << options.key;
        EXPECT_EQ(refused.error().fault, RpcFault::unreachable);
    }
}

TEST(EvmTls, AnEndpointThatNobodyVouchesForIsNotAsked) {
    auto options = as("client");
    options.authority = SelfSigned::file("intruder.pem");
    const auto refused = ask_over(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, RpcFault::unreachable);
}

// Goal: what would keep a signer from answering is found before it is asked.
TEST(EvmTls, FilesThatCannotBeUsedAreNamed) {
    EXPECT_FALSE(fault_of_files({}));
    EXPECT_FALSE(fault_of_files(trusting("server")));
    EXPECT_FALSE(fault_of_files(as("client")));
    struct Row {
        std::string authority;
        std::string certificate;
        std::string key;
        std::string_view field;
        const char* found;
    };
    const Row rows[] = {
        {"none.pem", "client.pem", "client.key", "authority", "No such file"},
        {"server.key", "client.pem", "client.key", "authority", "no certificate in it"},
        {"server.pem", "none.pem", "client.key", "certificate", "No such file"},
        {"server.pem", "client.key", "client.key", "certificate", "none in it"},
        {"server.pem", "expired.pem", "client.key", "certificate", "expired on 2020-01-02"},
        {"server.pem", "client.pem", "none.key", "key", "No such file"},
        {"server.pem", "client.pem", "client.pem", "key", "none in it"},
        {"server.pem", "client.pem", "intruder.key", "key", "of another certificate"},
        {"server.pem", "client.pem", "rsa.key", "key", "of another certificate"},
    };
    for (const auto& row : rows) {
        WireOptions options;
        options.authority = SelfSigned::file(row.authority);
        options.certificate = SelfSigned::file(row.certificate);
        options.key = SelfSigned::file(row.key);
        const auto fault = fault_of_files(options);
        ASSERT_TRUE(fault.has_value()) << row.found;
        EXPECT_EQ(fault->field, row.field);
        EXPECT_NE(fault->found.find(row.found), std::string::npos) << fault->found;
        const auto& named = row.field == "key"           ? options.key
                            : row.field == "certificate" ? options.certificate
                                                         : options.authority;
        EXPECT_EQ(fault->path, named);
    }
}

}  // namespace
}  // namespace crossclear::shards::evm
