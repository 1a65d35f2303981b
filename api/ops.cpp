#include "api/ops.hpp"

#include "api/json.hpp"
#include "base/thread_name.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <optional>
#include <thread>

namespace crossclear::api {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using net::ip::tcp;

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

constexpr std::string_view text_plain = "text/plain; charset=utf-8";
constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view json_type = "application/json";

Response respond(const Request& request, http::status status, std::string_view type,
                 std::string body) {
    Response response{status, request.version()};
    response.set(http::field::server, "crossclear");
    response.set(http::field::content_type, type);
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(request.keep_alive());
    response.body() = std::move(body);
    response.prepare_payload();
    // A HEAD reply names the length of the body it leaves out.
    if (request.method() == http::verb::head) response.body().clear();
    return response;
}

Response readiness_response(const Request& request, const OpsOptions& options, bool is_verbose) {
    const auto readiness = options.readiness ? options.readiness() : actors::Readiness{};
    const auto status = readiness.is_ready ? http::status::ok : http::status::service_unavailable;
    if (!is_verbose) {
        return respond(request, status, text_plain, readiness.is_ready ? "ready\n" : "not ready\n");
    }
    std::string body;
    JsonWriter writer{body};
    writer.begin_object().member("is_ready", readiness.is_ready);
    writer.member("is_started", readiness.is_started).key("why_not").begin_array();
    for (const auto& reason : readiness.why_not) writer.string(reason);
    writer.end_array().end_object();
    return respond(request, status, json_type, std::move(body));
}

Response answer(const Request& request, const OpsOptions& options,
                const metrics::Registry& registry) {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
        auto refused = respond(request, http::status::method_not_allowed, text_plain, "GET only\n");
        refused.set(http::field::allow, "GET, HEAD");
        return refused;
    }
    const std::string_view target = request.target();
    const auto path = target.substr(0, target.find('?'));
    const auto query = path.size() < target.size() ? target.substr(path.size() + 1) : "";
    if (path == "/metrics") {
        return respond(request, http::status::ok, metrics_type, registry.scrape());
    }
    if (path == "/livez") {
        const bool is_alive = !options.is_alive || options.is_alive();
        return respond(request, is_alive ? http::status::ok : http::status::service_unavailable,
                       text_plain, is_alive ? "alive\n" : "an event loop does not turn\n");
    }
    if (path == "/readyz") {
        return readiness_response(request, options, query.starts_with("verbose"));
    }
    if (path == "/startupz") {
        const bool is_started = options.readiness && options.readiness().is_started;
        return respond(request, is_started ? http::status::ok : http::status::service_unavailable,
                       text_plain, is_started ? "started\n" : "starting\n");
    }
    if (path == "/version") {
        return respond(request, http::status::ok, json_type, options.version_json);
    }
    return respond(request, http::status::not_found, text_plain,
                   "/metrics /livez /readyz[?verbose] /startupz /version\n");
}

}  // namespace

struct OpsServer::State {
    State(OpsOptions given, const metrics::Registry& all)
        : options(std::move(given)), registry(all), io(1) {}

    void accept();

    OpsOptions options;
    const metrics::Registry& registry;
    net::io_context io;
    std::optional<tcp::acceptor> acceptor;
    std::thread thread;
    std::size_t connections{};
};

namespace {

/// One connection; serves requests one after the other.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(tcp::socket socket, OpsServer::State& state)
        : state_(state), stream_(std::move(socket)) {
        ++state_.connections;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { --state_.connections; }

    void read() {
        parser_.emplace();
        parser_->header_limit(8 * 1'024);
        parser_->body_limit(0);
        stream_.expires_after(std::chrono::microseconds{state_.options.request_deadline.us});
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](beast::error_code ec, std::size_t) {
                             if (!ec) self->write();
                         });
    }

private:
    void write() {
        response_.emplace(answer(parser_->get(), state_.options, state_.registry));
        stream_.expires_after(std::chrono::microseconds{state_.options.request_deadline.us});
        const bool is_head = parser_->get().method() == http::verb::head;
        serializer_.emplace(*response_);
        const auto done = [self = shared_from_this()](beast::error_code ec, std::size_t) {
            if (ec) return;
            if (self->response_->keep_alive()) {
                self->read();
            } else {
                beast::error_code ignored;
                self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
            }
        };
        if (is_head) {
            http::async_write_header(stream_, *serializer_, done);
        } else {
            http::async_write(stream_, *serializer_, done);
        }
    }

    OpsServer::State& state_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{16 * 1'024};
    std::optional<http::request_parser<http::empty_body>> parser_;
    std::optional<Response> response_;
    std::optional<http::response_serializer<http::string_body>> serializer_;
};

}  // namespace

void OpsServer::State::accept() {
    acceptor->async_accept([this](boost::system::error_code ec, tcp::socket socket) {
        if (!acceptor->is_open()) return;
        if (!ec && connections < options.connections_max) {
            std::make_shared<Connection>(std::move(socket), *this)->read();
        }
        accept();
    });
}

OpsServer::OpsServer(OpsOptions options, const metrics::Registry& registry)
    : state_(std::make_unique<State>(std::move(options), registry)) {}

OpsServer::~OpsServer() { stop(); }

base::Result<std::uint16_t, std::string> OpsServer::start() {
    boost::system::error_code ec;
    const auto address = net::ip::make_address(state_->options.address, ec);
    if (ec) return base::Failure{std::string{"not an address: "} + state_->options.address};
    const tcp::endpoint endpoint{address, state_->options.port};
    auto& acceptor = state_->acceptor.emplace(state_->io);
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address{true}, ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(net::socket_base::max_listen_connections, ec);
    if (ec) {
        return base::Failure{"cannot listen on " + state_->options.address + " port " +
                             std::to_string(state_->options.port) + ": " + ec.message()};
    }
    const auto port = acceptor.local_endpoint(ec).port();
    state_->accept();
    state_->thread = std::thread{[this] {
        base::name_this_thread("ops");
        state_->io.run();
    }};
    return port;
}

void OpsServer::stop() {
    state_->io.stop();
    if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace crossclear::api
