#include "base/check.hpp"
#include "shards/evm/streams.hpp"
#include "shards/evm/wire.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

// JSON-RPC over HTTP/1.1: a question is a POST, and a connection has one on its way. The subtle
// thing is a connection that the other end has closed while nothing was on its way: the next
// question finds that out, and is sent again on a new one, once.

namespace crossclear::shards::evm {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using beast::error_code;
using Clock = std::chrono::steady_clock;

struct Question {
    std::string text;
    Clock::time_point deadline;
    Wire::Done done;
    bool is_again{};
};

// What a whole answer of HTTP says.
base::Result<boost::json::value, RpcError> read_answer(unsigned status, std::string_view body) {
    constexpr unsigned ok = 200;
    constexpr unsigned too_many = 429;
    constexpr unsigned server_fault = 500;
    if (status == ok) return parse_answer(body);
    const auto failed = [&](RpcFault fault) {
        return base::Failure{RpcError{.fault = fault,
                                      .code = status,
                                      .message = fmt::format("HTTP status {}", status),
                                      .data = {}}};
    };
    if (status == too_many) return failed(RpcFault::limited);
    // A gateway does not know whether its node has done it.
    if (status >= server_fault) return failed(RpcFault::unreachable);
    // Some put what the node says behind another status.
    if (auto said = parse_answer(body); said && (said->is_object() || said->is_array())) {
        const bool is_answer = said->is_array() || said->get_object().contains("jsonrpc");
        if (is_answer) return said;
    }
    return failed(RpcFault::malformed);
}

// One connection, with one question at a time.
class Connection {
public:
    // Told when it has nothing to do, after the question's end.
    using Free = std::function<void()>;

    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    [[nodiscard]] virtual bool is_free() const = 0;
    virtual void ask(Question question) = 0;
    virtual void close() = 0;
};

template <class Stream>
class ConnectionOf final : public Connection,
                           public std::enable_shared_from_this<ConnectionOf<Stream>> {
public:
    ConnectionOf(asio::io_context& io, const Endpoint& endpoint, const WireOptions& options,
                 std::shared_ptr<asio::ssl::context> tls, Free on_free)
        : io_(io),
          endpoint_(endpoint),
          options_(options),
          tls_(std::move(tls)),
          on_free_(std::move(on_free)),
          resolver_(io),
          deadline_(io) {}

    [[nodiscard]] bool is_free() const override { return !question_.has_value(); }

    void ask(Question question) override {
        question_ = std::move(question);
        deadline_.expires_at(question_->deadline);
        deadline_.async_wait([self = this->shared_from_this(), turn = turn_](error_code error) {
            if (!error && turn == self->turn_) self->end(base::Failure{timed_out()});
        });
        is_reused_ = line_ != nullptr;
        if (is_reused_) return write();
        connect_anew();
    }

    void close() override {
        ++turn_;
        deadline_.cancel();
        drop();
        if (!question_) return;
        asio::post(io_, [done = std::move(question_->done)] {
            done({.said = base::Failure{unreachable("closed", asio::error::operation_aborted)}});
        });
        question_.reset();
    }

private:
    // What handlers use: they keep it until they have run, whatever the connection does meanwhile.
    struct Line {
        template <class... Args>
        explicit Line(Args&&... args) : stream(std::forward<Args>(args)...) {}

        Stream stream;
        beast::flat_buffer buffer;
        http::request<http::string_body> request;
        std::optional<http::response_parser<http::string_body>> parser;
    };

    // Of the line and the question of now: what belongs to an earlier one comes to nothing.
    template <class Then>
    [[nodiscard]] auto now(Then then) {
        return [self = this->shared_from_this(), line = line_, turn = turn_,
                then = std::move(then)](error_code error, std::size_t = 0) mutable {
            if (turn == self->turn_ && line == self->line_) then(error);
        };
    }

    void connect_anew() {
        if constexpr (std::is_same_v<Stream, SecureStream>) {
            line_ = std::make_shared<Line>(io_, *tls_);
        } else {
            line_ = std::make_shared<Line>(io_);
        }
        connect(resolver_, line_->stream, endpoint_, now([this](error_code error) {
                    if (error) return end(base::Failure{unreachable("connecting", error)});
                    write();
                }));
    }

    void write() {
        auto& request = line_->request;
        request = {http::verb::post, endpoint_.target, 11};
        request.set(http::field::host, endpoint_.authority());
        request.set(http::field::content_type, "application/json");
        request.set(http::field::accept, "application/json");
        request.set(http::field::user_agent, "crossclear");
        if (!options_.authorization.empty()) {
            request.set(http::field::authorization, options_.authorization);
        }
        request.body() = question_->text;
        request.prepare_payload();
        line_->parser.reset();
        http::async_write(line_->stream, request, now([this](error_code error) {
                              if (error) return fail("writing", error);
                              read();
                          }));
    }

    void read() {
        line_->parser.emplace();
        line_->parser->body_limit(rpc_answer_bytes_max);
        acknowledge_quickly(line_->stream);
        http::async_read(line_->stream, line_->buffer, *line_->parser,
                         now([this](error_code error) {
                             if (error == http::error::body_limit) {
                                 return end(base::Failure{RpcError{.fault = RpcFault::malformed,
                                                                   .code = 0,
                                                                   .message = "an answer too long",
                                                                   .data = {}}});
                             }
                             if (error) return fail("reading", error);
                             take();
                         }));
    }

    void take() {
        const auto& answer = line_->parser->get();
        auto said = read_answer(answer.result_int(), answer.body());
        // Whatever stands behind an answer would be taken for the next one.
        const bool is_kept = answer.keep_alive() && said.has_value() && line_->buffer.size() == 0;
        end(std::move(said), is_kept);
    }

    // The other end may have closed a connection that lay idle: nothing of an answer has come then.
    void fail(std::string_view while_doing, error_code error) {
        const bool has_begun = line_->parser && line_->parser->got_some();
        if (!is_reused_ || has_begun) {
            return end(base::Failure{is_of_http(error) ? broken_answer(error)
                                                       : unreachable(while_doing, error)});
        }
        is_reused_ = false;
        question_->is_again = true;
        drop();
        connect_anew();
    }

    static bool is_of_http(error_code error) {
        return error.category() == make_error_code(http::error::end_of_stream).category();
    }

    // An answer that is no HTTP, or ends too early.
    static RpcError broken_answer(error_code error) {
        const bool is_cut =
            error == http::error::end_of_stream || error == http::error::partial_message;
        return {.fault = is_cut ? RpcFault::unreachable : RpcFault::malformed,
                .code = 0,
                .message = printable(error.message(), rpc_message_max),
                .data = {}};
    }

    void end(base::Result<boost::json::value, RpcError> result, bool is_kept = false) {
        ++turn_;
        deadline_.cancel();
        if (!is_kept) drop();
        auto done = std::move(question_->done);
        const bool is_again = question_->is_again;
        question_.reset();
        done({.said = std::move(result), .was_sent = true, .was_sent_twice = is_again});
        on_free_();
    }

    void drop() {
        resolver_.cancel();
        if (line_) beast::get_lowest_layer(line_->stream).close();
        line_.reset();
    }

    asio::io_context& io_;
    const Endpoint endpoint_;
    const WireOptions options_;
    std::shared_ptr<asio::ssl::context> tls_;
    Free on_free_;
    tcp::resolver resolver_;
    asio::steady_timer deadline_;
    std::shared_ptr<Line> line_;
    std::optional<Question> question_;
    std::uint64_t turn_{};  // Counts questions.
    bool is_reused_{};
};

class HttpWire final : public Wire, public std::enable_shared_from_this<HttpWire> {
public:
    HttpWire(asio::io_context& io, Endpoint endpoint, WireOptions options)
        : io_(io),
          endpoint_(std::move(endpoint)),
          options_(std::move(options)),
          tls_(endpoint_.is_secure ? tls_context(options_) : nullptr),
          late_(io) {}

    void exchange(Message message, base::Duration patience, Done done) override {
        if (is_closed_) {
            return say_later(std::move(done),
                             unreachable("closed", asio::error::operation_aborted));
        }
        if (waiting_.size() >= options_.waiting_max) {
            return say_later(std::move(done), RpcError{.fault = RpcFault::limited,
                                                       .code = 0,
                                                       .message = "too many questions wait",
                                                       .data = {}});
        }
        waiting_.push_back({.text = std::move(message.text),
                            .deadline = Clock::now() + as_chrono(patience),
                            .done = std::move(done)});
        asio::post(io_, [self = shared_from_this()] { self->ask_next(); });
    }

    void close() override {
        is_closed_ = true;
        late_.cancel();
        for (auto& question : std::exchange(waiting_, {})) {
            say_later(std::move(question.done),
                      unreachable("closed", asio::error::operation_aborted));
        }
        for (const auto& connection : connections_) connection->close();
    }

private:
    void say_later(Done done, RpcError error) {
        asio::post(io_, [done = std::move(done), error = std::move(error)]() mutable {
            done({.said = base::Failure{std::move(error)}, .was_sent = false});
        });
    }

    void ask_next() {
        end_late();
        while (!waiting_.empty() && !is_closed_) {
            Connection* free = free_connection();
            if (free == nullptr) break;
            auto question = std::move(waiting_.front());
            waiting_.pop_front();
            free->ask(std::move(question));
        }
        watch_deadlines();
    }

    // Those that have waited too long, wherever they stand.
    void end_late() {
        const auto now = Clock::now();
        std::erase_if(waiting_, [&](Question& question) {
            if (question.deadline > now) return false;
            say_later(std::move(question.done), timed_out());
            return true;
        });
    }

    void watch_deadlines() {
        const auto first = std::min_element(
            waiting_.begin(), waiting_.end(),
            [](const Question& a, const Question& b) { return a.deadline < b.deadline; });
        if (first == waiting_.end()) return;
        late_.expires_at(first->deadline);
        late_.async_wait([weak = weak_from_this()](error_code error) {
            const auto self = weak.lock();
            if (!error && self) self->ask_next();
        });
    }

    Connection* free_connection() {
        for (const auto& connection : connections_) {
            if (connection->is_free()) return connection.get();
        }
        if (connections_.size() >= options_.connections_max) return nullptr;
        auto on_free = [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->ask_next();
        };
        if (endpoint_.is_secure) {
            connections_.push_back(std::make_shared<ConnectionOf<SecureStream>>(
                io_, endpoint_, options_, tls_, std::move(on_free)));
        } else {
            connections_.push_back(std::make_shared<ConnectionOf<PlainStream>>(
                io_, endpoint_, options_, tls_, std::move(on_free)));
        }
        return connections_.back().get();
    }

    asio::io_context& io_;
    const Endpoint endpoint_;
    const WireOptions options_;
    std::shared_ptr<asio::ssl::context> tls_;
    asio::steady_timer late_;
    std::deque<Question> waiting_;
    std::vector<std::shared_ptr<Connection>> connections_;
    bool is_closed_{};
};

}  // namespace

std::shared_ptr<Wire> make_http_wire(asio::io_context& io, Endpoint endpoint, WireOptions options) {
    return std::make_shared<HttpWire>(io, std::move(endpoint), std::move(options));
}

std::shared_ptr<Wire> make_wire(asio::io_context& io, Endpoint endpoint, WireOptions options) {
    const auto& header = options.authorization;
    CHECK(printable(header, header.size()) == header, "a header is one printable line");
    return endpoint.is_websocket ? make_websocket_wire(io, std::move(endpoint), std::move(options))
                                 : make_http_wire(io, std::move(endpoint), std::move(options));
}

}  // namespace crossclear::shards::evm
