#include "shards/evm/streams.hpp"
#include "shards/evm/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

// JSON-RPC over one WebSocket: any number of questions are on their way, and answers come in any
// order, among what the node tells by itself. The subtle thing is a connection that breaks: what
// was on its way has no answer and is not sent again, since nobody knows which of it was read.

namespace crossclear::shards::evm {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace json = boost::json;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using beast::error_code;
using Clock = std::chrono::steady_clock;

constexpr auto retry_min = std::chrono::milliseconds(100);
constexpr auto retry_max = std::chrono::seconds(10);

// The ids of an answer, or of a batch of them; nothing where it has none.
std::optional<std::uint64_t> any_id_of(const json::value& said) {
    const auto of_one = [](const json::value& one) -> std::optional<std::uint64_t> {
        const auto* answer = one.if_object();
        const auto* id = answer == nullptr ? nullptr : answer->if_contains("id");
        if (id == nullptr || !id->is_int64() || id->get_int64() < 0) return std::nullopt;
        return static_cast<std::uint64_t>(id->get_int64());
    };
    const auto* batch = said.if_array();
    if (batch == nullptr) return of_one(said);
    for (const auto& one : *batch) {
        if (const auto id = of_one(one)) return id;
    }
    return std::nullopt;
}

template <class Stream>
class WebSocketWire final : public Wire,
                            public std::enable_shared_from_this<WebSocketWire<Stream>> {
public:
    WebSocketWire(asio::io_context& io, Endpoint endpoint, WireOptions options)
        : io_(io),
          endpoint_(std::move(endpoint)),
          options_(std::move(options)),
          tls_(endpoint_.is_secure ? tls_context(options_) : nullptr),
          resolver_(io),
          late_(io),
          retry_(io) {}

    void exchange(Message message, base::Duration patience, Done done) override {
        if (is_closed_) return say_later(std::move(done), closed());
        // Another endpoint may know by then.
        if (is_waiting_) return say_later(std::move(done), not_connected());
        if (questions_.size() >= options_.waiting_max) {
            return say_later(std::move(done), RpcError{.fault = RpcFault::limited,
                                                       .code = 0,
                                                       .message = "too many questions wait",
                                                       .data = {}});
        }
        questions_[message.first_id] = {.count = message.count,
                                        .deadline = Clock::now() + as_chrono(patience),
                                        .done = std::move(done)};
        watch_deadlines();
        outgoing_.emplace_back(message.first_id, std::move(message.text));
        if (is_open_) return write();
        asio::post(io_, [self = this->shared_from_this()] { self->connect_if_wanted(); });
    }

    [[nodiscard]] bool is_open() const override { return is_open_; }

    void close() override {
        is_closed_ = true;
        late_.cancel();
        retry_.cancel();
        drop(closed());
    }

private:
    struct Question {
        std::size_t count{};
        Clock::time_point deadline;
        Done done;
        bool was_sent{};
    };
    struct Line {
        template <class... Args>
        explicit Line(Args&&... args) : socket(std::forward<Args>(args)...) {}

        websocket::stream<Stream> socket;
        beast::flat_buffer buffer;
        std::string writing;
    };

    static RpcError closed() { return unreachable("closed", asio::error::operation_aborted); }
    static RpcError no_id() {
        return {.fault = RpcFault::malformed,
                .code = 0,
                .message = "an error without an id, while several questions wait",
                .data = {}};
    }
    static RpcError not_connected() {
        return unreachable("connecting again", asio::error::not_connected);
    }

    void say_later(Done done, RpcError error, bool was_sent = false) {
        asio::post(io_, [done = std::move(done), error = std::move(error), was_sent]() mutable {
            done({.said = base::Failure{std::move(error)}, .was_sent = was_sent});
        });
    }

    // Of the connection of now: what belongs to an earlier one comes to nothing.
    template <class Then>
    [[nodiscard]] auto now(Then then) {
        return [self = this->shared_from_this(), line = line_, then = std::move(then)](
                   error_code error, std::size_t = 0) mutable {
            if (line == self->line_) then(error);
        };
    }

    void connect_if_wanted() {
        if (line_ || is_closed_ || is_waiting_) return;
        if constexpr (std::is_same_v<Stream, SecureStream>) {
            line_ = std::make_shared<Line>(io_, *tls_);
        } else {
            line_ = std::make_shared<Line>(io_);
        }
        connect(resolver_, line_->socket.next_layer(), endpoint_, now([this](error_code error) {
                    if (error) return lose("connecting", error);
                    upgrade();
                }));
    }

    void upgrade() {
        auto& socket = line_->socket;
        websocket::stream_base::timeout timeouts{};
        timeouts.handshake_timeout = as_chrono(options_.idle_max);
        timeouts.idle_timeout = as_chrono(options_.idle_max);
        timeouts.keep_alive_pings = true;
        socket.set_option(timeouts);
        socket.set_option(websocket::stream_base::decorator(
            [authorization = options_.authorization](websocket::request_type& request) {
                request.set(beast::http::field::user_agent, "crossclear");
                if (authorization.empty()) return;
                request.set(beast::http::field::authorization, authorization);
            }));
        socket.read_message_max(rpc_answer_bytes_max);
        socket.text(true);
        socket.async_handshake(endpoint_.authority(), endpoint_.target,
                               now([this](error_code error) {
                                   if (error) return lose("upgrading", error);
                                   open();
                               }));
    }

    void open() {
        is_open_ = true;
        pause_ = retry_min;
        if (on_open) on_open();
        write();
        read();
    }

    void write() {
        // What nobody waits for any more is not sent late.
        while (!outgoing_.empty() && !questions_.contains(outgoing_.front().first)) {
            outgoing_.pop_front();
        }
        if (is_writing_ || outgoing_.empty() || !is_open_) return;
        is_writing_ = true;
        line_->writing = std::move(outgoing_.front().second);
        questions_.at(outgoing_.front().first).was_sent = true;
        outgoing_.pop_front();
        line_->socket.async_write(asio::buffer(line_->writing), now([this](error_code error) {
                                      is_writing_ = false;
                                      if (error) return lose("writing", error);
                                      write();
                                  }));
    }

    void read() {
        line_->buffer.clear();
        acknowledge_quickly(line_->socket.next_layer());
        line_->socket.async_read(line_->buffer, now([this](error_code error) {
                                     if (error) return lose("reading", error);
                                     const auto data = line_->buffer.cdata();
                                     take({static_cast<const char*>(data.data()), data.size()});
                                     // It may have been closed by what was told.
                                     if (line_ && is_open_) read();
                                 }));
    }

    void take(std::string_view text) {
        auto said = parse_answer(text);
        // Nobody knows whose answer it was meant to be.
        if (!said) return lose(said.error());
        const auto* told = said->if_object();
        if (told != nullptr && told->contains("method")) {
            const auto* params = told->if_contains("params");
            // A copy: whoever is told may end this wire.
            const auto tell = on_notification;
            if (tell && params != nullptr && params->is_object()) tell(params->get_object());
            return;
        }
        const auto id = any_id_of(*said);
        if (!id) {
            // An error without an id is of the only question, or of nobody knows which.
            if (told == nullptr || !told->contains("error") || questions_.empty()) return;
            if (questions_.size() > 1) return lose(no_id());
            auto done = std::move(questions_.begin()->second.done);
            questions_.clear();
            return done({.said = *std::move(said)});
        }
        auto of = questions_.upper_bound(*id);
        if (of == questions_.begin()) return;
        --of;
        if (*id - of->first >= of->second.count) return;  // Nobody waits for it any more.
        auto done = std::move(of->second.done);
        questions_.erase(of);
        done({.said = *std::move(said)});
    }

    void lose(std::string_view while_doing, error_code error) {
        lose(unreachable(while_doing, error));
    }

    void lose(const RpcError& why) {
        drop(why);
        if (is_closed_) return;
        is_waiting_ = true;
        retry_.expires_after(pause_);
        pause_ = std::min<Clock::duration>(pause_ * 2, retry_max);
        retry_.async_wait([self = this->shared_from_this()](error_code cancelled) {
            self->is_waiting_ = false;
            const bool is_wanted = self->on_notification || !self->questions_.empty();
            if (!cancelled && is_wanted) self->connect_if_wanted();
        });
    }

    void drop(const RpcError& why) {
        is_open_ = false;
        is_writing_ = false;
        resolver_.cancel();
        if (line_) beast::get_lowest_layer(line_->socket).close();
        line_.reset();
        outgoing_.clear();
        for (auto& [first, question] : std::exchange(questions_, {})) {
            // One that waited for the connection says something of the endpoint as well.
            say_later(std::move(question.done), why, true);
        }
    }

    void watch_deadlines() {
        const auto first = std::min_element(
            questions_.begin(), questions_.end(),
            [](const auto& a, const auto& b) { return a.second.deadline < b.second.deadline; });
        if (first == questions_.end()) return;
        late_.expires_at(first->second.deadline);
        late_.async_wait([weak = this->weak_from_this()](error_code error) {
            const auto self = weak.lock();
            if (!error && self) self->end_late();
        });
    }

    void end_late() {
        const auto at = Clock::now();
        std::erase_if(questions_, [&](auto& entry) {
            if (entry.second.deadline > at) return false;
            say_later(std::move(entry.second.done), timed_out(), entry.second.was_sent);
            return true;
        });
        watch_deadlines();
    }

    asio::io_context& io_;
    const Endpoint endpoint_;
    const WireOptions options_;
    std::shared_ptr<asio::ssl::context> tls_;
    tcp::resolver resolver_;
    asio::steady_timer late_;
    asio::steady_timer retry_;
    std::shared_ptr<Line> line_;
    std::map<std::uint64_t, Question> questions_;                 // By first id.
    std::deque<std::pair<std::uint64_t, std::string>> outgoing_;  // With the first id.
    Clock::duration pause_{retry_min};
    bool is_open_{};
    bool is_writing_{};
    bool is_waiting_{};  // Before it connects again.
    bool is_closed_{};
};

}  // namespace

std::shared_ptr<Wire> make_websocket_wire(asio::io_context& io, Endpoint endpoint,
                                          WireOptions options) {
    if (endpoint.is_secure) {
        return std::make_shared<WebSocketWire<SecureStream>>(io, std::move(endpoint),
                                                             std::move(options));
    }
    return std::make_shared<WebSocketWire<PlainStream>>(io, std::move(endpoint),
                                                        std::move(options));
}

}  // namespace crossclear::shards::evm
