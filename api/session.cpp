#include "api/session.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

namespace crossclear::api {
namespace {

namespace websocket = boost::beast::websocket;

/// What is handed to the socket before the outbox is used.
constexpr std::size_t sending_bytes_max = 64 * 1'024;
constexpr std::uint16_t abnormal = 1006;

constexpr std::string_view test_request =
    R"({"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}})";

}  // namespace

ServerContext::ServerContext(ServerOptions given, actors::Gateway& node, const KeyStore& store,
                             metrics::Instruments& instruments, LogHook hook)
    : options(std::move(given)),
      catalogue{.version = options.version,
                .startup_id = options.startup_id,
                .brokers = options.brokers,
                .heartbeat_min = options.heartbeat_min,
                .in_flight_max = options.in_flight_max},
      gateway(node),
      keys(store),
      authenticator(store, options.auth),
      credits(options.rates),
      admission(options.admission),
      meters(instruments.api),
      log_hook(std::move(hook)) {
    for (const auto& method : method_table()) {
        method_meters.push_back(
            {.ok = meters.rpc_requests_total.with({method.name, "ok"}),
             .duration_seconds = meters.rpc_request_duration_seconds.with({method.name})});
    }
}

void ServerContext::log(LogLevel level, std::string_view message,
                        std::vector<std::pair<std::string_view, std::string>> fields) const {
    if (log_hook) log_hook({.level = level, .message = message, .fields = std::move(fields)});
}

// A message may come in pieces; each piece is looked at, so that one that is begun and not finished
// is noticed, and a binary one is not read to its end.
void Session::read() {
    ws_.async_read_some(buffer_, base::limits::frame_bytes_max,
                        [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                            self->on_read(ec);
                        });
}

void Session::on_read(boost::system::error_code ec) {
    if (stage_ == Stage::ended) return;
    if (ec) {
        // While closing, the closing handshake has the last word.
        if (stage_ == Stage::open) finish(code_of(ec));
        return;
    }
    if (stage_ == Stage::open && !ws_.got_text()) close(CloseCode::not_text);
    if (stage_ == Stage::closing) {
        buffer_.consume(buffer_.size());
    } else if (ws_.is_message_done()) {
        const auto data = buffer_.cdata();
        message_begun_us_ = 0;
        on_frame({static_cast<const char*>(data.data()), data.size()});
        buffer_.consume(buffer_.size());
    } else if (message_begun_us_ == 0) {
        message_begun_us_ = BufferedStream::steady_now_us();
    }
    read();
}

std::uint16_t Session::code_of(boost::system::error_code ec) const {
    if (ec == websocket::error::closed) {
        const auto code = ws_.reason().code;
        return code == websocket::close_code::none ? std::uint16_t{1005} : code;
    }
    if (ec == websocket::error::message_too_big || ec == websocket::error::buffer_overflow) {
        return static_cast<std::uint16_t>(CloseCode::too_large);
    }
    if (ec == websocket::error::bad_frame_payload) {
        return static_cast<std::uint16_t>(CloseCode::not_utf8);
    }
    if (ec == websocket::condition::protocol_violation) {
        return static_cast<std::uint16_t>(CloseCode::protocol_error);
    }
    return abnormal;
}

void Session::sweep(std::int64_t now_us) {
    report_backlog();
    switch (stage_) {
        case Stage::handshake:
        case Stage::closing:
            if (deadline_us_ != 0 && now_us >= deadline_us_) abandon();
            return;
        case Stage::open:
            sweep_open(now_us);
            return;
        case Stage::ended:
            return;
    }
}

void Session::sweep_open(std::int64_t now_us) {
    const auto& deadlines = server_.options.deadlines;
    if (!sweep_login(now_us)) return;
    if (message_begun_us_ != 0 && now_us - message_begun_us_ >= deadlines.message.us) {
        close(CloseCode::message_unfinished);
        return;
    }
    const auto quiet_us = now_us - ws_.next_layer().last_received_us();
    if (quiet_us >= deadlines.idle.us) {
        close(CloseCode::idle);
        return;
    }
    // A client that only listens is alive as long as it answers pings, which browsers do unasked.
    if (quiet_us >= deadlines.idle.us / 2 && pinged_us_ < now_us - quiet_us) {
        pinged_us_ = now_us;
        ws_.async_ping({}, [self = shared_from_this()](boost::system::error_code) {});
    }
    sweep_heartbeat(now_us);
}

// Whether the session may go on with the login it has, or still without one.
bool Session::sweep_login(std::int64_t now_us) {
    if (!state_.key) {
        if (now_us - without_login_us_ < server_.options.deadlines.login.us) return true;
        close(CloseCode::no_login);
        return false;
    }
    const auto version = server_.keys.version();
    if (version == keys_version_) return true;
    keys_version_ = version;
    if (server_.keys.is_current(*state_.key)) return true;
    server_.log(LogLevel::info, "a client whose key was taken away is closed",
                {{"key", state_.key->id}, {"address", ticket_->address()}});
    close(CloseCode::key_revoked);
    return false;
}

void Session::sweep_heartbeat(std::int64_t now_us) {
    const auto interval_us = state_.heartbeat.us;
    if (interval_us == 0) return;
    if (test_requested_us_ != 0) {
        if (now_us - test_requested_us_ >= interval_us) close(CloseCode::heartbeat_unanswered);
        return;
    }
    if (now_us - last_message_us_ < interval_us) return;
    test_requested_us_ = now_us;
    send(test_request);
}

void Session::close(std::uint16_t code, std::string_view reason) {
    if (stage_ == Stage::closing || stage_ == Stage::ended) return;
    if (stage_ == Stage::handshake) {
        abandon();
        return;
    }
    stage_ = Stage::closing;
    close_code_ = code;
    deadline_us_ = BufferedStream::steady_now_us() + server_.options.deadlines.close.us;
    outbox_.clear();
    close_reason_ = {static_cast<websocket::close_code>(code), std::string{reason}};
    ws_.async_close(close_reason_, [self = shared_from_this()](boost::system::error_code) {
        self->finish(self->close_code_);
    });
}

void Session::abandon() {
    boost::system::error_code ignored;
    ws_.next_layer().next_layer().close(ignored);
    finish(stage_ == Stage::closing ? close_code_ : abnormal);
}

void Session::send(std::string_view text) {
    if (stage_ != Stage::open || !ws_.is_open()) return;
    auto& stream = ws_.next_layer();
    if (outbox_.empty() && stream.pending_bytes() < sending_bytes_max) {
        stream.append_text(text);
        return;
    }
    outbox_.push(std::string{text});
    check_backlog();
}

void Session::pump() {
    if (stage_ != Stage::open || !ws_.is_open()) return;
    auto& stream = ws_.next_layer();
    while (!outbox_.empty() && stream.pending_bytes() < sending_bytes_max) {
        stream.append_text(outbox_.pop());
    }
}

void Session::check_backlog() {
    if (stage_ != Stage::open || !outbox_.is_over(ws_.next_layer().pending_bytes())) return;
    server_.meters.slow_consumer_disconnects_total.increment();
    server_.log(LogLevel::warning, "a client that does not read is closed",
                {{"address", ticket_->address()}});
    close(CloseCode::slow_consumer);
}

void Session::report_backlog() {
    const auto backlog =
        stage_ == Stage::ended ? 0 : outbox_.bytes() + ws_.next_layer().pending_bytes();
    if (backlog == reported_backlog_) return;
    server_.meters.ws_outbound_queue_bytes.add(static_cast<double>(backlog) -
                                               static_cast<double>(reported_backlog_));
    reported_backlog_ = backlog;
}

void Session::finish(std::uint16_t code) {
    if (stage_ == Stage::ended) return;
    const bool was_open = stage_ == Stage::open || stage_ == Stage::closing;
    stage_ = Stage::ended;
    report_backlog();
    inbox_->detach();
    actor_.reset();
    if (was_open) {
        server_.meters.ws_connections.add(-1);
        server_.meters.ws_closed_total.with({fmt::format("{}", code)}).increment();
        server_.meters.rpc_inflight.add(-static_cast<double>(in_flight_));
    }
    ticket_.reset();
    home_.ended(shared_from_this());
}

}  // namespace crossclear::api
