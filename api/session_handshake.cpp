#include "api/session.hpp"

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <algorithm>

namespace crossclear::api {
namespace {

namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

constexpr std::uint32_t header_bytes_max = 8 * 1'024;
constexpr std::string_view path = "/ws/v1";
/// Beyond one message's payload: room for what is read of the next in the same piece.
constexpr std::size_t read_buffer_max = base::limits::frame_bytes_max + 1'024;

bool is_allowed(const std::vector<std::string>& origins, std::string_view origin) {
    return std::any_of(origins.begin(), origins.end(), [&](const std::string& allowed) {
        return allowed == "*" || allowed == origin;
    });
}

}  // namespace

Session::Session(BufferedStream::Socket socket, boost::asio::io_context& io, ServerContext& server,
                 SessionHome& home, std::unique_ptr<Admission::Ticket> ticket)
    : server_(server),
      home_(home),
      ticket_(std::move(ticket)),
      ws_(std::move(socket)),
      buffer_(read_buffer_max),
      outbox_(server.options.outbox, server.gateway.listing()) {
    const auto now_us = BufferedStream::steady_now_us();
    deadline_us_ = now_us + server_.options.deadlines.handshake.us;
    address_credits_ = server_.credits.of("address " + ticket_->address(), now_us);
    credits_ = address_credits_;
    inbox_ = std::make_shared<Inbox>(io, [](std::vector<Delivery>&) {});
}

Session::~Session() = default;

void Session::start() {
    auto& io = boost::asio::query(ws_.get_executor(), boost::asio::execution::context);
    inbox_ =
        std::make_shared<Inbox>(io, [weak = weak_from_this()](std::vector<Delivery>& deliveries) {
            if (const auto self = weak.lock()) self->on_deliveries(deliveries);
        });
    ws_.next_layer().on_drained([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->pump();
    });
    boost::system::error_code ignored;
    auto& socket = ws_.next_layer().next_layer();
    socket.set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
    if (server_.options.send_buffer_bytes) {
        socket.set_option(
            boost::asio::socket_base::send_buffer_size{*server_.options.send_buffer_bytes},
            ignored);
    }
    read_request();
}

void Session::read_request() {
    parser_.emplace();
    parser_->header_limit(header_bytes_max);
    parser_->body_limit(0);
    http::async_read(ws_.next_layer(), buffer_, *parser_,
                     [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                         if (self->stage_ == Stage::ended) return;
                         if (ec == http::error::header_limit || ec == http::error::body_limit) {
                             self->refuse_request(http::status::request_header_fields_too_large,
                                                  "request too large");
                             return;
                         }
                         if (ec) {
                             self->finish(0);
                             return;
                         }
                         self->on_request();
                     });
}

void Session::on_request() {
    const auto& request = parser_->get();
    if (request.target() != path) {
        refuse_request(http::status::not_found, "WebSocket clients connect to /ws/v1");
        return;
    }
    if (!websocket::is_upgrade(request)) {
        refuse_request(http::status::upgrade_required, "this path speaks WebSocket only");
        return;
    }
    const auto origin = request.find(http::field::origin);
    if (origin != request.end() && !is_allowed(server_.options.origins, origin->value())) {
        refuse_request(http::status::forbidden, "this origin is not allowed");
        return;
    }
    switch (ticket_->refused()) {
        case Admission::Refused::nothing:
            accept();
            return;
        case Admission::Refused::total:
            refuse_request(http::status::service_unavailable, "too many connections");
            return;
        case Admission::Refused::address:
            refuse_request(http::status::too_many_requests, "too many connections of an address");
            return;
        case Admission::Refused::without_login:
            refuse_request(http::status::service_unavailable,
                           "too many connections without a login");
            return;
    }
}

void Session::refuse_request(http::status status, std::string_view reason) {
    refusal_.emplace(status, 11);
    refusal_->set(http::field::server, "crossclear");
    refusal_->set(http::field::content_type, "application/json");
    refusal_->set(http::field::connection, "close");
    if (status == http::status::upgrade_required) {
        refusal_->set(http::field::upgrade, "websocket");
    }
    if (status == http::status::service_unavailable || status == http::status::too_many_requests) {
        refusal_->set(http::field::retry_after, "1");
    }
    JsonWriter{refusal_->body()}.begin_object().member("error", reason).end_object();
    refusal_->prepare_payload();
    http::async_write(ws_.next_layer(), *refusal_,
                      [self = shared_from_this()](boost::system::error_code, std::size_t) {
                          self->ws_.next_layer().async_flush([self] {
                              boost::system::error_code ignored;
                              auto& socket = self->ws_.next_layer().next_layer();
                              socket.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
                              self->finish(0);
                          });
                      });
}

void Session::accept() {
    websocket::permessage_deflate no_compression;
    no_compression.server_enable = false;
    ws_.set_option(no_compression);
    ws_.set_option(websocket::stream_base::timeout{
        .handshake_timeout = std::chrono::microseconds{server_.options.deadlines.close.us},
        .idle_timeout = websocket::stream_base::none(),
        .keep_alive_pings = false});
    ws_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
        response.set(http::field::server, "crossclear");
    }));
    ws_.read_message_max(base::limits::frame_bytes_max);
    ws_.async_accept(parser_->get(), [self = shared_from_this()](boost::system::error_code ec) {
        self->on_accepted(ec);
    });
}

void Session::on_accepted(boost::system::error_code ec) {
    if (stage_ == Stage::ended) return;
    if (ec) {
        finish(0);
        return;
    }
    parser_.reset();
    stage_ = Stage::open;
    deadline_us_ = 0;
    last_message_us_ = BufferedStream::steady_now_us();
    without_login_us_ = last_message_us_;
    server_.meters.ws_connections.add(1);
    actor_ = server_.gateway.open_session(inbox_);
    read();
}

}  // namespace crossclear::api
