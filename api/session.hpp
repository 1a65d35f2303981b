#pragma once

#include "api/buffered_stream.hpp"
#include "api/inbox.hpp"
#include "api/log_hook.hpp"
#include "api/methods.hpp"
#include "api/options.hpp"
#include "api/outbox.hpp"
#include "api/rpc.hpp"
#include "metrics/instruments.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crossclear::api {

class Session;

/// What all sessions of a server share.
struct ServerContext {
    ServerContext(ServerOptions given, actors::Gateway& node, const KeyStore& store,
                  metrics::Instruments& instruments, LogHook hook);
    /// Passes a line on to whoever logs, if anybody does.
    void log(LogLevel level, std::string_view message,
             std::vector<std::pair<std::string_view, std::string>> fields) const;

    /// The figures of one method, looked up once.
    struct MethodMeters {
        metrics::Counter ok;
        metrics::Histogram duration_seconds;
    };

    ServerOptions options;
    Catalogue catalogue;
    actors::Gateway& gateway;
    const KeyStore& keys;
    Authenticator authenticator;
    CreditTable credits;
    Admission admission;
    metrics::ApiInstruments& meters;
    std::vector<MethodMeters> method_meters;  ///< By index in the method table.
    LogHook log_hook;
};

/// The sessions of one io thread; tells when one has ended.
class SessionHome {
public:
    SessionHome() = default;
    SessionHome(const SessionHome&) = delete;
    SessionHome& operator=(const SessionHome&) = delete;
    virtual ~SessionHome() = default;
    /// The session is over: nothing is called on it any more. **Thread:** the session's.
    virtual void ended(const std::shared_ptr<Session>& session) = 0;
};

/// One client's socket, from the handshake to its end. Requests run in the order they come and are
/// answered in the order the actors are done. **Thread:** the one of its io_context, throughout.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(BufferedStream::Socket socket, boost::asio::io_context& io, ServerContext& server,
            SessionHome& home, std::unique_ptr<Admission::Ticket> ticket);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Reads the upgrade request and takes it from there.
    void start();
    /// Looks at the deadlines. **Units:** microseconds of the steady clock.
    void sweep(std::int64_t now_us);
    /// Says goodbye with `code`; what waits to be sent is dropped.
    void close(std::uint16_t code, std::string_view reason);
    void close(CloseCode code) { close(static_cast<std::uint16_t>(code), reason_of(code)); }
    /// Cuts the connection without a word.
    void abandon();

private:
    enum class Stage : std::uint8_t { handshake, open, closing, ended };

    /// The answers of one batch, gathered.
    struct Batch {
        std::string text;
        std::size_t waiting{};
    };
    /// The channels of one subscription, as they are granted or refused.
    struct Following {
        Follow follow;
        std::vector<std::optional<actors::Refusal>> refusals;
        std::size_t waiting{};
    };
    /// A request on its way: what its reply needs.
    struct Pending {
        std::string id;
        bool is_notification{};
        std::size_t method{};
        base::Timestamp received_at;
        std::optional<std::int64_t> credits;
        std::shared_ptr<Batch> batch;
        AnswerContext context;
        std::unique_ptr<Following> following;
    };

    // session_handshake.cpp
    void read_request();
    void on_request();
    void refuse_request(boost::beast::http::status status, std::string_view reason);
    void accept();
    void on_accepted(boost::system::error_code ec);

    // session.cpp
    void read();
    void on_read(boost::system::error_code ec);
    void sweep_open(std::int64_t now_us);
    [[nodiscard]] bool sweep_login(std::int64_t now_us);
    void sweep_heartbeat(std::int64_t now_us);
    void send(std::string_view text);
    void pump();
    void check_backlog();
    void report_backlog();
    void finish(std::uint16_t code);
    [[nodiscard]] std::uint16_t code_of(boost::system::error_code ec) const;

    // session_calls.cpp
    void on_frame(std::string_view text);
    void on_call(const Call& call, Pending pending);
    void run(const Method& method, const Call& call, Pending pending);
    void ask(Ask ask, Pending pending);
    void follow(Follow follow, Pending pending);
    void on_deliveries(std::vector<Delivery>& deliveries);
    void on_answer(Answered& answered);
    void on_followed(Followed& followed);
    void on_login_changed();
    void reply_result(Pending& pending, std::string_view result);
    void reply_answer(Pending& pending, const actors::Answer& answer);
    void reply_error(Pending& pending, const Error& error);
    void finish_reply(Pending& pending);
    void count(const Pending& pending, std::string_view code);
    [[nodiscard]] std::optional<Error> charge(const Method& method, Pending& pending);
    [[nodiscard]] std::uint32_t park(Pending pending);
    [[nodiscard]] Pending unpark(std::uint32_t slot);

    ServerContext& server_;
    SessionHome& home_;
    std::unique_ptr<Admission::Ticket> ticket_;
    boost::beast::websocket::stream<BufferedStream> ws_;
    boost::beast::flat_buffer buffer_;
    std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;
    std::optional<boost::beast::http::response<boost::beast::http::string_body>> refusal_;
    std::shared_ptr<Inbox> inbox_;
    std::unique_ptr<actors::Session> actor_;

    Stage stage_{Stage::handshake};
    std::uint16_t close_code_{};
    boost::beast::websocket::close_reason close_reason_;
    SessionState state_;
    std::shared_ptr<Credits> address_credits_;
    std::shared_ptr<Credits> credits_;
    Outbox outbox_;
    std::string scratch_;
    std::vector<std::optional<Pending>> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::size_t in_flight_{};
    std::size_t reported_backlog_{};
    std::uint64_t keys_version_{};  ///< Of the keys that this login was last compared with.

    // Microseconds of the steady clock; zero: not now.
    std::int64_t deadline_us_{};  ///< Of the handshake or of closing.
    std::int64_t message_begun_us_{};
    std::int64_t last_message_us_{};
    std::int64_t without_login_us_{};
    std::int64_t test_requested_us_{};
    std::int64_t pinged_us_{};
};

}  // namespace crossclear::api
