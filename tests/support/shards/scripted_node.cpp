#include "tests/support/shards/scripted_node.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <atomic>
#include <list>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

namespace crossclear::tests {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using beast::error_code;

std::string text_of(const http::response<http::string_body>& answer) {
    std::ostringstream text;
    text << answer;
    return text.str();
}

json::object answer_to(const std::string& question) {
    json::object answer;
    answer["jsonrpc"] = "2.0";
    answer["id"] = json::parse(question).at("id");
    return answer;
}

}  // namespace

struct ScriptedNode::State {
    struct Caller {
        explicit Caller(tcp::socket of) : stream(std::move(of)) {}

        websocket::stream<tcp::socket> stream;
        std::thread thread;
        std::atomic<bool> is_gone{};
    };

    explicit State(std::function<Script(const std::string&)> given)
        : answer(std::move(given)),
          acceptor(io, tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}),
          port(acceptor.local_endpoint().port()) {}

    void accept() {
        while (true) {
            error_code error;
            tcp::socket socket{io};
            acceptor.accept(socket, error);
            const std::lock_guard lock{mutex};
            if (is_over) return;
            forget_those_gone();
            if (error) continue;
            ++connections;
            auto& caller = callers.emplace_back(std::move(socket));
            caller.thread = std::thread{[this, &caller] {
                serve(caller);
                caller.is_gone = true;
            }};
        }
    }

    // Or a long test ends where there are no more sockets.
    void forget_those_gone() {
        callers.remove_if([](Caller& caller) {
            if (!caller.is_gone) return false;
            caller.thread.join();
            return true;
        });
    }

    Script script_for(const std::string& question) {
        {
            const std::lock_guard lock{mutex};
            questions.push_back(question);
        }
        return answer(question);
    }

    void serve(Caller& caller) {
        auto& socket = caller.stream.next_layer();
        beast::flat_buffer buffer;
        error_code error;
        while (true) {
            http::request<http::string_body> request;
            http::read(socket, buffer, request, error);
            if (error) return;
            if (websocket::is_upgrade(request)) {
                caller.stream.accept(request, error);
                if (!error) serve_websocket(caller);
                return;
            }
            const auto script = script_for(request.body());
            if (script.is_silent) continue;
            if (script.is_refused) return shut(socket);
            http::response<http::string_body> said{http::int_to_status(script.status), 11};
            said.result(script.status);
            said.body() = script.body;
            said.prepare_payload();
            auto text = text_of(said);
            if (script.is_cut) text.resize(text.size() / 2);
            asio::write(socket, asio::buffer(text), error);
            if (error || script.is_cut || script.is_closed_after) return shut(socket);
        }
    }

    void serve_websocket(Caller& caller) {
        error_code error;
        while (true) {
            beast::flat_buffer buffer;
            caller.stream.read(buffer, error);
            if (error) return;
            const auto script = script_for(beast::buffers_to_string(buffer.cdata()));
            if (script.is_silent) continue;
            if (script.is_refused) return shut(caller.stream.next_layer());
            caller.stream.text(true);
            caller.stream.write(asio::buffer(script.body), error);
            for (const auto& text : script.also) {
                if (!error) caller.stream.write(asio::buffer(text), error);
            }
            if (error || script.is_closed_after) return shut(caller.stream.next_layer());
        }
    }

    static void shut(tcp::socket& socket) {
        error_code ignored;
        socket.shutdown(tcp::socket::shutdown_both, ignored);
    }

    std::function<Script(const std::string&)> answer;
    asio::io_context io;
    tcp::acceptor acceptor;
    const std::uint16_t port;
    mutable std::mutex mutex;
    std::list<Caller> callers;
    std::vector<std::string> questions;
    std::uint64_t connections{};
    bool is_over{};
    std::thread accepting;
};

ScriptedNode::ScriptedNode(std::function<Script(const std::string&)> answer)
    : state_(std::make_unique<State>(std::move(answer))) {
    state_->accepting = std::thread{[state = state_.get()] { state->accept(); }};
}

ScriptedNode::~ScriptedNode() {
    {
        const std::lock_guard lock{state_->mutex};
        state_->is_over = true;
    }
    hang_up();
    // Whoever waits for a caller gets one, and sees that it is over.
    error_code ignored;
    tcp::socket last{state_->io};
    last.connect(state_->acceptor.local_endpoint(), ignored);
    state_->accepting.join();
    for (auto& caller : state_->callers) caller.thread.join();
}

std::string ScriptedNode::http_url() const {
    return fmt::format("http://127.0.0.1:{}/key", state_->port);
}

std::string ScriptedNode::websocket_url() const {
    return fmt::format("ws://127.0.0.1:{}/key", state_->port);
}

std::vector<std::string> ScriptedNode::questions() const {
    const std::lock_guard lock{state_->mutex};
    return state_->questions;
}

std::uint64_t ScriptedNode::connections() const {
    const std::lock_guard lock{state_->mutex};
    return state_->connections;
}

void ScriptedNode::hang_up() {
    const std::lock_guard lock{state_->mutex};
    for (auto& caller : state_->callers) State::shut(caller.stream.next_layer());
}

std::string result_for(const std::string& question, const std::string& text) {
    auto answer = answer_to(question);
    answer["result"] = json::parse(text);
    return json::serialize(answer);
}

std::string error_for(const std::string& question, std::int64_t code, const std::string& message) {
    auto answer = answer_to(question);
    answer["error"] = {{"code", code}, {"message", message}};
    return json::serialize(answer);
}

}  // namespace crossclear::tests
