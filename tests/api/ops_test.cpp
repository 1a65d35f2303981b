#include "api/ops.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crossclear::api {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string fetch(std::uint16_t port, const std::string& request) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket{io};
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    boost::system::error_code ec;
    boost::asio::write(socket, boost::asio::buffer(request), ec);
    std::string reply;
    boost::asio::read(socket, boost::asio::dynamic_buffer(reply), ec);
    return reply;
}
std::string get(std::uint16_t port, const std::string& target) {
    return fetch(port, "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

class Ops : public ::testing::Test {
protected:
    void SetUp() override {
        registry.counter("a_total", "A.").increment();
        OpsOptions options;
        options.version_json = R"({"version":"1"})";
        options.request_deadline = base::milliseconds(100);
        options.readiness = [this] { return readiness; };
        options.is_alive = [] { return true; };
        server = std::make_unique<OpsServer>(options, registry);
        const auto opened = server->start();
        ASSERT_TRUE(opened.has_value());
        port = *opened;
    }
    metrics::Registry registry;
    actors::Readiness readiness{.is_started = true, .is_ready = false, .why_not = {"replaying"}};
    std::unique_ptr<OpsServer> server;
    std::uint16_t port{};
};

TEST_F(Ops, ServesWhatItServesAndNothingElse) {
    EXPECT_THAT(get(port, "/metrics"), HasSubstr("a_total 1\n"));
    EXPECT_THAT(get(port, "/livez"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(get(port, "/startupz"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(get(port, "/version"), HasSubstr(R"({"version":"1"})"));
    EXPECT_THAT(get(port, "/readyz"), StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(get(port, "/readyz?verbose"), HasSubstr(R"("why_not":["replaying"])"));
    EXPECT_THAT(get(port, "/"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(get(port, "/metrics/../etc/passwd"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(fetch(port, "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 405"));
}

TEST_F(Ops, KeepsAConnectionForTheNextRequest) {
    const auto reply = fetch(port,
                             "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
                             "HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_NE(reply.find("HTTP/1.1 200", 1), std::string::npos);
    EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
}

TEST_F(Ops, CutsOffARequestThatDoesNotEnd) {
    EXPECT_EQ(fetch(port, "GET /livez HTTP/1.1\r\n"), "");
}

TEST_F(Ops, APortInUseIsAnAnswer) {
    OpsOptions options;
    options.port = port;
    OpsServer second{options, registry};
    const auto opened = second.start();
    ASSERT_FALSE(opened.has_value());
    EXPECT_THAT(opened.error(), HasSubstr("cannot listen on 127.0.0.1"));
}

}  // namespace
}  // namespace crossclear::api
