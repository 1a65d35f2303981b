#include "app/config.hpp"
#include "base/thread_name.hpp"
#include "bench/load.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>

// What Beast and Boost.JSON alone carry on this machine: a server that parses each request, does
// nothing, and serialises an answer of the same shape and size as a cleared trade's.

namespace crossclear::bench {
namespace {

namespace net = boost::asio;
namespace json = boost::json;
namespace websocket = boost::beast::websocket;
using net::ip::tcp;

json::value answer_to(const json::value& request) {
    const auto& asked = request.as_object();
    const auto& params = asked.at("params").as_object();
    json::object result{{"trade_id", params.at("account")},
                        {"state", "novated"},
                        {"price", params.at("limit_price")},
                        {"fee", "0.051234"},
                        {"sequence", 1'234}};
    return json::object{{"jsonrpc", "2.0"},
                        {"id", asked.at("id")},
                        {"result", std::move(result)},
                        {"usIn", 1'700'000'000'000'000},
                        {"usOut", 1'700'000'000'001'234},
                        {"usDiff", 1'234},
                        {"credits", 399'999}};
}

class Echo : public std::enable_shared_from_this<Echo> {
public:
    explicit Echo(tcp::socket socket) : ws_(std::move(socket)) {
        boost::system::error_code ignored;
        ws_.next_layer().set_option(tcp::no_delay{true}, ignored);
        ws_.text(true);
    }
    void start() {
        ws_.async_accept([self = shared_from_this()](boost::system::error_code ec) {
            if (!ec) self->read();
        });
    }

private:
    void read() {
        ws_.async_read(buffer_,
                       [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                           if (!ec) self->answer();
                       });
    }
    void answer() {
        const auto data = buffer_.cdata();
        const auto request = json::parse({static_cast<const char*>(data.data()), data.size()});
        buffer_.consume(buffer_.size());
        if (const auto* batch = request.if_array()) {
            json::array replies;
            for (const auto& member : *batch) replies.push_back(answer_to(member));
            text_ = json::serialize(replies);
        } else {
            text_ = json::serialize(answer_to(request));
        }
        ws_.async_write(net::buffer(text_),
                        [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                            if (!ec) self->read();
                        });
    }

    websocket::stream<tcp::socket> ws_;
    boost::beast::flat_buffer buffer_;
    std::string text_;
};

class EchoServer {
public:
    EchoServer() : acceptor_(io_, {net::ip::make_address("127.0.0.1"), 0}) {
        accept();
        thread_ = std::thread([this] {
            base::name_this_thread("echo");
            io_.run();
        });
    }
    EchoServer(const EchoServer&) = delete;
    EchoServer& operator=(const EchoServer&) = delete;
    ~EchoServer() {
        io_.stop();
        thread_.join();
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    void accept() {
        acceptor_.async_accept([this](boost::system::error_code ec, tcp::socket socket) {
            if (ec) return;
            std::make_shared<Echo>(std::move(socket))->start();
            accept();
        });
    }

    net::io_context io_{1};
    tcp::acceptor acceptor_;
    std::thread thread_;
};

json::object run(Load& load, const LoadPlan& plan) {
    auto result = load.run(plan, [] {}, [] {});
    json::object line;
    line["per_second"] = static_cast<double>(result.answered) / result.seconds;
    result.latencies.write(line);
    return line;
}

}  // namespace
}  // namespace crossclear::bench

int main(int argc, char** argv) {
    using namespace crossclear;
    CLI::App app{"Bare Beast WebSocket echo with JSON, under the same clients as the service."};
    double seconds = 4;
    std::uint32_t batch = 32;
    std::uint32_t batch_depth = 4;
    bench::LoadOptions options;
    options.has_login = false;
    app.add_option("--seconds", seconds, "Length of each measurement");
    app.add_option("--batch", batch, "Requests in a batch");
    app.add_option("--batch-depth", batch_depth, "Batches that a connection keeps on their way");
    app.add_option("--connections", options.connections, "Client connections");
    bench::LoadPlan plan;
    app.add_option("--depth", plan.depth, "Requests that a connection keeps on their way");
    CLI11_PARSE(app, argc, argv);

    bench::EchoServer server;
    options.ports = {server.port()};
    const auto config = app::demo_config({});
    bench::Load load(config, options, [] { return std::map<std::string, base::Price>{}; });
    if (const auto why = load.open()) {
        std::cerr << *why << '\n';
        return 1;
    }
    plan.measured = base::Duration{static_cast<std::int64_t>(seconds * 1e6)};
    boost::json::object line;
    line["one"] = bench::run(load, plan);
    plan.batch = batch;
    plan.depth = batch_depth;
    line["batch"] = bench::run(load, plan);
    std::cout << boost::json::serialize(line) << std::endl;
    return 0;
}
