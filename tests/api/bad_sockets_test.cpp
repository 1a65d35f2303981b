#include "tests/api/harness.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

/// What a socket may do wrong, how many there may be, and that nobody else notices.

namespace crossclear::api::test {
namespace {

namespace json = boost::json;
using boost::asio::ip::tcp;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A socket that can do everything wrong.
class RawSocket {
public:
    explicit RawSocket(Harness& harness) {
        socket_.connect({boost::asio::ip::make_address("127.0.0.1"), harness.port});
        const timeval limit{.tv_sec = 20, .tv_usec = 0};
        setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void send(std::string_view bytes) {
        boost::system::error_code ignored;
        boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
    }
    /// Upgrades, with more headers if wanted; what the server said to it.
    std::string upgrade(std::string_view more = {}) {
        send(
            "GET /ws/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
            std::string{more} + "\r\n");
        std::string head;
        while (!head.ends_with("\r\n\r\n")) head += read(1);
        EXPECT_THAT(head, StartsWith("HTTP/1.1 101"));
        return head;
    }
    /// A masked frame; the mask is zero, so the bytes are as given.
    static std::string frame(unsigned char first, std::string_view payload) {
        std::string out(1, static_cast<char>(first));
        if (payload.size() < 126) {
            out += static_cast<char>(0x80 | payload.size());
        } else {
            const bool is_short = payload.size() <= 0xFFFF;
            out += static_cast<char>(0x80 | (is_short ? 126 : 127));
            for (int shift = is_short ? 8 : 56; shift >= 0; shift -= 8) {
                out += static_cast<char>((payload.size() >> shift) & 0xFF);
            }
        }
        return out + std::string(4, '\0') + std::string{payload};
    }
    std::string read(std::size_t count) {
        std::string bytes(count, '\0');
        boost::system::error_code ec;
        bytes.resize(boost::asio::read(socket_, boost::asio::buffer(bytes), ec));
        EXPECT_FALSE(ec) << ec.message();
        return bytes;
    }
    std::string read_to_end() {
        std::string bytes;
        boost::system::error_code ec;
        boost::asio::read(socket_, boost::asio::dynamic_buffer(bytes), ec);
        return bytes;
    }
    /// The code of the close frame that comes next.
    int read_close_code() {
        const auto head = read(4);
        if (head.size() < 4 || static_cast<unsigned char>(head[0]) != 0x88) return -1;
        return static_cast<unsigned char>(head[2]) << 8 | static_cast<unsigned char>(head[3]);
    }

private:
    boost::asio::io_context io_;
    tcp::socket socket_{io_};
};

TEST(BadSockets, ABinaryFrameCloses1003) {
    Harness harness;
    const auto other = harness.connect();
    RawSocket socket{harness};
    socket.upgrade();
    socket.send(RawSocket::frame(0x82, "{}"));
    EXPECT_EQ(socket.read_close_code(), 1003);
    harness.expect_alive(*other);
}

TEST(BadSockets, TextThatIsNotUtf8Closes1007) {
    Harness harness;
    const auto other = harness.connect();
    RawSocket socket{harness};
    socket.upgrade();
    socket.send(RawSocket::frame(0x81, "\"\xC3\x28\""));
    EXPECT_EQ(socket.read_close_code(), 1007);
    harness.expect_alive(*other);
}

TEST(BadSockets, AFrameAbove64KiBCloses1009AndOneOfThatSizeDoesNot) {
    Harness harness;
    const auto other = harness.connect();
    RawSocket socket{harness};
    socket.upgrade();
    socket.send(RawSocket::frame(0x81, std::string(64 * 1'024, ' ')));
    EXPECT_EQ(socket.read(1)[0], '\x81');
    RawSocket larger{harness};
    larger.upgrade();
    larger.send(RawSocket::frame(0x81, std::string(64 * 1'024 + 1, ' ')));
    EXPECT_EQ(larger.read_close_code(), 1009);
    harness.expect_alive(*other);
}

TEST(BadSockets, FragmentsAboveTheLimitTogetherClose1009) {
    Harness harness;
    const auto other = harness.connect();
    RawSocket socket{harness};
    socket.upgrade();
    socket.send(RawSocket::frame(0x01, std::string(40'000, ' ')));
    socket.send(RawSocket::frame(0x80, std::string(40'000, ' ')));
    EXPECT_EQ(socket.read_close_code(), 1009);
    harness.expect_alive(*other);
}

TEST(BadSockets, AnUnmaskedFrameCloses1002) {
    Harness harness;
    const auto other = harness.connect();
    RawSocket socket{harness};
    socket.upgrade();
    socket.send(std::string{"\x81\x02{}", 4});
    EXPECT_EQ(socket.read_close_code(), 1002);
    harness.expect_alive(*other);
}

// Goal: no frame has a bit that means compression, whatever a client offers; one that sends such a
// frame all the same has broken the protocol.
TEST(BadSockets, CompressionIsOfferedInVain) {
    Harness harness;
    const auto other = harness.connect();
    for (const char* offer : {"permessage-deflate", "permessage-deflate; client_max_window_bits",
                              "permessage-deflate; server_no_context_takeover, x-webkit-deflate"}) {
        RawSocket socket{harness};
        const auto head =
            socket.upgrade("Sec-WebSocket-Extensions: " + std::string{offer} + "\r\n");
        EXPECT_THAT(head, Not(HasSubstr("Extensions"))) << offer;
        EXPECT_THAT(head, Not(HasSubstr("deflate"))) << offer;
        socket.send(RawSocket::frame(0x81, "hello"));
        EXPECT_EQ(socket.read(1)[0], '\x81') << "an answer as it is";
        RawSocket compressing{harness};
        compressing.upgrade("Sec-WebSocket-Extensions: " + std::string{offer} + "\r\n");
        compressing.send(RawSocket::frame(0xC1, "hello"));
        EXPECT_EQ(compressing.read_close_code(), 1002) << offer;
    }
    harness.expect_alive(*other);
}

TEST(BadSockets, AMessageBegunAndNotFinishedCloses4002) {
    ServerOptions options;
    options.deadlines.message = base::milliseconds(100);
    Harness harness{options};
    const auto other = harness.connect();
    RawSocket socket{harness};
    socket.upgrade();
    socket.send(RawSocket::frame(0x81, std::string(100, ' ')).substr(0, 20));
    EXPECT_EQ(socket.read_close_code(), 4002);
    harness.expect_alive(*other);
}

TEST(BadSockets, AHalfOpenSocketIsPingedAndThenCloses4001) {
    ServerOptions options;
    options.deadlines.idle = base::milliseconds(200);
    Harness harness{options};
    RawSocket socket{harness};
    socket.upgrade();
    EXPECT_EQ(socket.read(2), (std::string{"\x89\0", 2}));  // a ping that nobody answers
    EXPECT_EQ(socket.read_close_code(), 4001);
}

TEST(BadSockets, AQuietClientThatAnswersPingsStays) {
    ServerOptions options;
    options.deadlines.idle = base::milliseconds(300);
    options.deadlines.close = base::milliseconds(50);
    Harness harness{options};
    const auto peer = harness.connect();
    // Silent ones come and are closed, one after the other, in the time the quiet one lives
    // through.
    for (int round = 1; round <= 3; ++round) {
        RawSocket silent{harness};
        silent.upgrade();
        const auto closed = harness.instruments.api.ws_closed_total.with({"4001"});
        harness.await([&] { return closed.value() >= round; }, "the silent one to be closed");
    }
    EXPECT_EQ(peer->close_code, 0);
    harness.expect_alive(*peer);
}

TEST(BadSockets, AHandshakeNotFinishedInTimeIsCutOff) {
    ServerOptions options;
    options.deadlines.handshake = base::milliseconds(100);
    Harness harness{options};
    const auto other = harness.connect();
    RawSocket socket{harness};
    socket.send("GET /ws/v1 HTTP/1.1\r\nHost:");
    EXPECT_EQ(socket.read_to_end(), "");
    harness.expect_alive(*other);
}

TEST(BadSockets, RequestsThatAreNoUpgradeGetAnAnswer) {
    Harness harness;
    const std::vector<std::pair<std::string, std::string>> cases{
        {"GET /ws/v1 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426"},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404"},
        {"GET /ws/v1 HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "HTTP/1.1 431"},
    };
    for (const auto& [request, status] : cases) {
        RawSocket socket{harness};
        socket.send(request);
        EXPECT_THAT(socket.read_to_end(), StartsWith(status));
    }
}

TEST(BadSockets, AnUnansweredTestRequestCloses4000) {
    ServerOptions options;
    options.heartbeat_min = base::milliseconds(50);
    Harness harness{options};
    const auto peer = harness.connect();
    ASSERT_TRUE(harness.call(*peer, "public/set_heartbeat", R"({"interval_ms":50})").is_result());
    harness.await([&] { return peer->notifications.size() == 1; }, "a test_request");
    harness.expect_alive(*peer);
    harness.await([&] { return peer->close_code != 0; }, "the close");
    EXPECT_EQ(peer->close_code, 4000);
    EXPECT_EQ(peer->notifications.size(), 2U);
}

TEST(BadSockets, ASubscriptionNeverReadCloses4008AndOthersReceiveOn) {
    ServerOptions options;
    options.send_buffer_bytes = 8 * 1'024;
    options.deadlines.close = base::seconds(20);
    Harness harness{options};
    const auto slow = harness.connect_and_log_in();
    const auto other = harness.connect_and_log_in();
    const std::string channels = R"({"channels":["account.0-17.trades"]})";
    ASSERT_TRUE(harness.call(*slow, "private/subscribe", channels).is_result());
    ASSERT_TRUE(harness.call(*other, "private/subscribe", channels).is_result());
    slow->client->set_reading(false);
    const auto body = std::get<actors::TradesView>(agreeable(actors::GetTrades{.account = {17}}));
    std::uint64_t sent = 0;
    const auto& disconnects = harness.instruments.api.slow_consumer_disconnects_total;
    harness.await(
        [&] {
            // The other client keeps up: it has read everything before there is more.
            for (int i = 0; i < 50 && other->notifications.size() + 50 > sent; ++i, ++sent) {
                harness.gateway.publish({.channel = {.kind = actors::Channel::Kind::trades,
                                                     .account = {17},
                                                     .asset = {}},
                                         .sequence = sent + 1,
                                         .previous = sent,
                                         .is_snapshot = false,
                                         .body = body});
            }
            return disconnects.value() > 0;
        },
        "the slow client to be noticed");
    EXPECT_GT(sent, 1'000U);
    slow->client->set_reading(true);
    harness.await([&] { return slow->close_code != 0; }, "the close");
    EXPECT_EQ(slow->close_code, 4008);
    harness.await([&] { return other->notifications.size() == sent; }, "all of it elsewhere");
    EXPECT_EQ(other->close_code, 0);
}

// Goal: replies count as well, also those that ask no account. Who asks and never reads is closed
// once the bound waits for it.
TEST(BadSockets, RepliesNeverReadClose4008AndOthersAreAnswered) {
    ServerOptions options;
    options.send_buffer_bytes = 8 * 1'024;
    options.deadlines.close = base::seconds(20);
    Harness harness{options};
    const auto slow = harness.connect();
    const auto other = harness.connect();
    const std::string request =
        R"({"jsonrpc":"2.0","id":1,"method":"public/get_instruments","params":{}})";
    const auto reply = json::serialize(harness.exchange(*slow, request)).size();
    std::string batch = "[" + request;
    for (int i = 1; i < 64; ++i) batch += "," + request;
    batch += "]";
    slow->client->set_reading(false);
    std::size_t sent = 0;
    const auto& disconnects = harness.instruments.api.slow_consumer_disconnects_total;
    harness.await(
        [&] {
            slow->client->send_raw(batch);
            ++sent;
            harness.expect_alive(*other);
            return disconnects.value() > 0;
        },
        "the slow client to be noticed");
    EXPECT_GT(sent * 64 * reply, options.outbox.bytes_max) << "within the bound it is left alone";
    slow->client->set_reading(true);
    harness.await([&] { return slow->close_code != 0; }, "the close");
    EXPECT_EQ(slow->close_code, 4008);
    EXPECT_EQ(disconnects.value(), 1);
    harness.expect_alive(*other);
}

TEST(Caps, OriginsOutsideTheListAreRefused) {
    ServerOptions options;
    options.origins = {"https://console.example"};
    Harness harness{options};
    Peer foreign;
    EXPECT_THAT(harness.try_connect(foreign, "https://evil.example"), StartsWith("HTTP 403"));
    harness.expect_alive(*harness.connect("https://console.example"));
    harness.expect_alive(*harness.connect());
}

TEST(Caps, OtherPathsGetAHint) {
    Harness harness;
    Peer peer;
    const auto fault = harness.try_connect(peer, "", "/ws/v2");
    EXPECT_THAT(fault, StartsWith("HTTP 404"));
    EXPECT_THAT(fault, HasSubstr("/ws/v1"));
}

TEST(Caps, ConnectionsAreLimitedInAllPerAddressAndWithoutLogin) {
    for (const int which : {0, 1, 2}) {
        ServerOptions options;
        if (which == 0) options.admission.sockets_max = 2;
        if (which == 1) options.admission.per_address_max = 2;
        if (which == 2) options.admission.without_login_max = 2;
        Harness harness{options};
        const auto first = harness.connect();
        const auto second = harness.connect();
        Peer third;
        EXPECT_THAT(harness.try_connect(third), StartsWith(which == 1 ? "HTTP 429" : "HTTP 503"))
            << which;
        // A place is given back by leaving, or, for those without a login, by logging in.
        if (which == 2) {
            EXPECT_TRUE(harness.log_in(*first).is_result());
        } else {
            first->client->close();
            harness.await([&] { return first->close_code != 0; });
        }
        const auto fourth = std::make_shared<Peer>();
        harness.await([&] { return harness.try_connect(*fourth).empty(); }, "a place");
        harness.expect_alive(*fourth);
        harness.expect_alive(*second);
    }
}

TEST(Caps, RequestsInFlightAreLimitedPerSession) {
    ServerOptions options;
    options.in_flight_max = 3;
    Harness harness{options, FakeGateway::Mode::when_released};
    const auto peer = harness.connect_and_log_in();
    std::vector<std::int32_t> codes;
    for (int i = 0; i < 4; ++i) {
        peer->client->call("private/submit_trade", trade_params(),
                           [&](ClientReply reply) { codes.push_back(reply.code); });
    }
    harness.await([&] { return codes.size() == 1; });
    EXPECT_EQ(codes.front(), 11070);
    const auto other = harness.connect();
    harness.expect_alive(*other);
    harness.gateway.release();
    harness.await([&] { return codes.size() == 4; });
    EXPECT_EQ(std::count(codes.begin(), codes.end(), 0), 3);
}

TEST(Caps, CreditsRunOutPerKeyAndClassAcrossSocketsAndNotForOthers) {
    ServerOptions options;
    options.rates[static_cast<std::size_t>(MethodClass::trade)] = {.per_second = 1, .burst = 3};
    Harness harness{options};
    const auto first = harness.connect_and_log_in();
    const auto second = harness.connect_and_log_in();
    for (int i = 0; i < 3; ++i) {
        auto& peer = i % 2 == 0 ? *first : *second;
        EXPECT_TRUE(harness.call(peer, "private/submit_trade", trade_params()).is_result());
    }
    const auto refused = harness.call(*second, "private/submit_trade", trade_params());
    EXPECT_EQ(refused.code, 10028);
    EXPECT_GT(refused.value.at("data").at("retry_after_ms").as_int64(), 0);
    EXPECT_TRUE(refused.value.at("data").at("retryable").as_bool());
    harness.expect_alive(*second);
    const auto other = harness.connect();
    ASSERT_TRUE(harness.log_in(*other, "demo:0-18").is_result());
    EXPECT_TRUE(harness.call(*other, "private/submit_trade", trade_params()).is_result());
}

TEST(Caps, SubscriptionsAreLimitedPerSession) {
    Harness harness;
    const auto peer = harness.connect_and_log_in();
    for (int from = 0; from < 4; ++from) {
        std::string channels;
        for (int i = 0; i < 64; ++i) {
            channels +=
                (i ? ",\"account." : "\"account.") + std::to_string(from * 64 + i) + "-0.margin\"";
        }
        // Those of others are refused, which gives their places back.
        EXPECT_EQ(
            harness.call(*peer, "private/subscribe", "{\"channels\":[" + channels + "]}").code,
            from == 0 ? 0 : 13011);
    }
    std::string too_many;
    for (int i = 0; i < 257; ++i) {
        too_many += (i ? ",\"account." : "\"account.") + std::to_string(i) + "-0.margin\"";
    }
    EXPECT_EQ(harness.call(*peer, "private/subscribe", "{\"channels\":[" + too_many + "]}").code,
              -32602);
}

}  // namespace
}  // namespace crossclear::api::test
