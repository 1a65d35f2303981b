#include "api/client.hpp"

#include "api/auth.hpp"
#include "api/buffered_stream.hpp"
#include "api/json.hpp"

#include <boost/asio/connect.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <random>
#include <unordered_map>

namespace crossclear::api {
namespace {

namespace net = boost::asio;
namespace json = boost::json;
namespace websocket = boost::beast::websocket;
using net::ip::tcp;

constexpr std::int32_t connection_lost = 1;

/// The replies of one batch, by position.
struct Gathering {
    std::vector<ClientReply> replies;
    std::size_t waiting{};
    Client::BatchCallback done;
};

class ClientOverTcp final : public Client {
public:
    explicit ClientOverTcp(net::io_context& io)
        : ws_(BufferedStream::Socket{io}), masks_(std::random_device{}()) {}

    void connect(ClientOptions options, std::function<void(std::string)> done) override {
        options_ = std::move(options);
        boost::system::error_code ec;
        const auto address = net::ip::make_address(options_.address, ec);
        if (ec) {
            done("not an address: " + options_.address);
            return;
        }
        auto& socket = ws_.next_layer().next_layer();
        socket.async_connect(
            tcp::endpoint{address, options_.port},
            [self = self(), done = std::move(done)](boost::system::error_code failure) mutable {
                if (failure) {
                    done(failure.message());
                    return;
                }
                self->handshake(std::move(done));
            });
    }

    void call(std::string_view method, std::string_view params, ReplyCallback done) override {
        frame_.clear();
        append_request(frame_, method, params, std::move(done));
        send_raw(frame_);
    }

    void batch(const std::vector<Request>& requests, BatchCallback done) override {
        const auto gathering = std::make_shared<Gathering>();
        gathering->replies.resize(requests.size());
        gathering->waiting = requests.size();
        gathering->done = std::move(done);
        std::string frame = "[";
        for (std::size_t i = 0; i < requests.size(); ++i) {
            if (i != 0) frame += ',';
            append_request(frame, requests[i].first, requests[i].second,
                           [gathering, i](ClientReply reply) {
                               gathering->replies[i] = std::move(reply);
                               if (--gathering->waiting != 0) return;
                               gathering->done(std::move(gathering->replies));
                           });
        }
        frame += ']';
        send_raw(frame);
    }

    void authenticate(std::string_view key_id, std::string_view secret,
                      ReplyCallback done) override {
        const auto at = base::wall_clock_now();
        const auto nonce =
            fmt::format("{:08x}{:08x}{:08x}{:08x}", masks_(), masks_(), masks_(), masks_());
        std::string params;
        JsonWriter{params}
            .begin_object()
            .member("grant_type", "client_signature")
            .member("key_id", key_id)
            .member("timestamp", at.us)
            .member("nonce", nonce)
            .member("signature", sign_login(secret, at, nonce, ""))
            .end_object();
        call("public/auth", params, std::move(done));
    }

    void send_raw(std::string_view text) override {
        if (!is_open_) return;
        ws_.next_layer().append_masked_text(text, static_cast<std::uint32_t>(masks_()));
    }

    void close() override {
        if (!is_open_) return;
        ws_.async_close(websocket::close_code::normal,
                        [self = self()](boost::system::error_code) {});
    }

    void set_reading(bool is_reading) override {
        is_reading_ = is_reading;
        if (is_reading && is_open_ && !is_read_pending_) read();
    }

private:
    std::shared_ptr<ClientOverTcp> self() {
        return std::static_pointer_cast<ClientOverTcp>(shared_from_this());
    }

    void handshake(std::function<void(std::string)> done) {
        boost::system::error_code ignored;
        ws_.next_layer().next_layer().set_option(tcp::no_delay{true}, ignored);
        ws_.set_option(
            websocket::stream_base::timeout{.handshake_timeout = std::chrono::seconds{10},
                                            .idle_timeout = websocket::stream_base::none(),
                                            .keep_alive_pings = false});
        ws_.set_option(websocket::stream_base::decorator(
            [origin = options_.origin](websocket::request_type& request) {
                if (!origin.empty()) request.set(boost::beast::http::field::origin, origin);
            }));
        ws_.read_message_max(8 * 1'024 * 1'024);
        const auto host = fmt::format("{}:{}", options_.address, options_.port);
        ws_.async_handshake(
            response_, host, options_.path,
            [self = self(), done = std::move(done)](boost::system::error_code ec) {
                if (ec) {
                    const auto status = self->response_.result_int();
                    done(status >= 400 ? fmt::format("HTTP {} {}", status, self->response_.body())
                                       : ec.message());
                    return;
                }
                self->is_open_ = true;
                if (self->is_reading_) self->read();
                done({});
            });
    }

    void append_request(std::string& frame, std::string_view method, std::string_view params,
                        ReplyCallback done) {
        const auto id = next_id_++;
        if (is_open_) {
            waiting_.emplace(id, std::move(done));
        } else {
            done({.code = connection_lost, .value = nullptr});
        }
        fmt::format_to(std::back_inserter(frame),
                       R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":{}}})", id, method,
                       params.empty() ? "{}" : params);
    }

    void read() {
        is_read_pending_ = true;
        ws_.async_read(buffer_, [self = self()](boost::system::error_code ec, std::size_t) {
            self->is_read_pending_ = false;
            self->on_read(ec);
        });
    }

    void on_read(boost::system::error_code ec) {
        if (ec) {
            end(ec);
            return;
        }
        const auto data = buffer_.cdata();
        const std::string_view text{static_cast<const char*>(data.data()), data.size()};
        if (on_frame) on_frame(text);
        boost::system::error_code fault;
        auto document = json::parse(text, fault);
        buffer_.consume(buffer_.size());
        if (!fault) {
            if (auto* list = document.if_array()) {
                for (auto& member : *list) on_message(member);
            } else {
                on_message(document);
            }
        }
        if (is_reading_) read();
    }

    void on_message(json::value& message) {
        auto* object = message.if_object();
        if (object == nullptr) return;
        if (object->contains("method")) {
            if (on_notification) on_notification(*object);
            return;
        }
        const auto* id = object->if_contains("id");
        const auto found = id != nullptr && id->is_int64()
                               ? waiting_.find(static_cast<std::uint64_t>(id->get_int64()))
                               : waiting_.end();
        if (found == waiting_.end()) {
            if (on_stray_reply) on_stray_reply(*object);
            return;
        }
        const auto done = std::move(found->second);
        waiting_.erase(found);
        if (auto* error = object->if_contains("error")) {
            const auto code = static_cast<std::int32_t>(error->at("code").as_int64());
            done({.code = code, .value = std::move(*error)});
        } else {
            done({.code = 0, .value = std::move(object->at("result"))});
        }
    }

    void end(boost::system::error_code ec) {
        is_open_ = false;
        const auto reason = ws_.reason();
        const bool is_closed = ec == websocket::error::closed;
        auto waiting = std::move(waiting_);
        waiting_.clear();
        for (auto& [id, done] : waiting) done({.code = connection_lost, .value = nullptr});
        if (on_close) {
            on_close(is_closed ? static_cast<std::uint16_t>(reason.code) : std::uint16_t{1006},
                     std::string{reason.reason.c_str(), reason.reason.size()});
        }
        // They may hold the client; from here on nothing comes any more.
        on_notification = nullptr;
        on_stray_reply = nullptr;
        on_frame = nullptr;
        on_close = nullptr;
    }

    ClientOptions options_;
    websocket::stream<BufferedStream> ws_;
    websocket::response_type response_;
    boost::beast::flat_buffer buffer_;
    std::mt19937 masks_;
    std::string frame_;
    std::uint64_t next_id_ = 1;
    std::unordered_map<std::uint64_t, ReplyCallback> waiting_;
    bool is_open_{};
    bool is_reading_ = true;
    bool is_read_pending_{};
};

}  // namespace

std::shared_ptr<Client> Client::make(net::io_context& io) {
    return std::make_shared<ClientOverTcp>(io);
}

}  // namespace crossclear::api
