#include "api/server.hpp"

#include "api/session.hpp"
#include "base/thread_name.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace crossclear::api {
namespace {

namespace net = boost::asio;
using net::ip::tcp;

constexpr std::int64_t alive_within_us = 10'000'000;

}  // namespace

/// One thread, its loop and the sessions that live on it.
class IoThread final : public SessionHome {
public:
    explicit IoThread(ServerContext& server)
        : server_(server), io_(1), work_(net::make_work_guard(io_)), timer_(io_) {}

    void start() {
        turned_at_us_ = BufferedStream::steady_now_us();
        schedule_sweep();
        thread_ = std::thread{[this] {
            base::name_this_thread("api");
            io_.run();
        }};
    }
    [[nodiscard]] net::io_context& io() noexcept { return io_; }
    [[nodiscard]] std::int64_t turned_at_us() const noexcept { return turned_at_us_; }

    /// Takes a socket of this thread's loop.
    void adopt(BufferedStream::Socket socket, std::unique_ptr<Admission::Ticket> ticket) {
        const auto session =
            std::make_shared<Session>(std::move(socket), io_, server_, *this, std::move(ticket));
        sessions_.insert(session);
        session->start();
    }

    void ended(const std::shared_ptr<Session>& session) override {
        sessions_.erase(session);
        tell_if_empty();
    }

    /// Closes all sessions; the next wait for them may then end.
    void begin_goodbye() {
        net::post(io_, [this] {
            is_leaving_ = true;
            // Closing may end a session at once, and so change the set.
            const std::vector<std::shared_ptr<Session>> sessions{sessions_.begin(),
                                                                 sessions_.end()};
            for (const auto& session : sessions) session->close(CloseCode::restart);
            tell_if_empty();
        });
    }
    void wait_until_empty(std::chrono::steady_clock::time_point deadline) {
        std::unique_lock lock{mutex_};
        empty_.wait_until(lock, deadline, [this] { return is_empty_; });
    }
    void stop() {
        io_.stop();
        if (thread_.joinable()) thread_.join();
        // Whoever is left is cut off, so that nothing touches the loop once it has gone.
        io_.restart();
        net::post(io_, [this] {
            const std::vector<std::shared_ptr<Session>> sessions{sessions_.begin(),
                                                                 sessions_.end()};
            for (const auto& session : sessions) session->abandon();
        });
        timer_.cancel();
        work_.reset();
        io_.run_for(std::chrono::seconds{1});
    }

private:
    void schedule_sweep() {
        timer_.expires_after(std::chrono::microseconds{server_.options.deadlines.sweep.us});
        timer_.async_wait([this](boost::system::error_code ec) {
            if (ec) return;
            const auto now_us = BufferedStream::steady_now_us();
            turned_at_us_ = now_us;
            const std::vector<std::shared_ptr<Session>> sessions{sessions_.begin(),
                                                                 sessions_.end()};
            for (const auto& session : sessions) session->sweep(now_us);
            schedule_sweep();
        });
    }
    void tell_if_empty() {
        if (!is_leaving_ || !sessions_.empty()) return;
        const std::lock_guard lock{mutex_};
        is_empty_ = true;
        empty_.notify_all();
    }

    ServerContext& server_;
    net::io_context io_;
    net::executor_work_guard<net::io_context::executor_type> work_;
    net::steady_timer timer_;
    std::thread thread_;
    std::atomic<std::int64_t> turned_at_us_{};
    std::unordered_set<std::shared_ptr<Session>> sessions_;
    bool is_leaving_{};

    std::mutex mutex_;
    std::condition_variable empty_;
    bool is_empty_{};
};

struct Server::State {
    State(ServerOptions options, actors::Gateway& gateway, const KeyStore& keys,
          metrics::Instruments& instruments, LogHook log_hook)
        : context(std::move(options), gateway, keys, instruments, std::move(log_hook)) {}

    base::Result<std::uint16_t, std::string> open() {
        boost::system::error_code ec;
        const auto address = net::ip::make_address(context.options.address, ec);
        if (ec) return base::Failure{std::string{"not an address: "} + context.options.address};
        const tcp::endpoint endpoint{address, context.options.port};
        acceptor.emplace(threads.front()->io());
        acceptor->open(endpoint.protocol(), ec);
        if (!ec) acceptor->set_option(tcp::acceptor::reuse_address{true}, ec);
        if (!ec) acceptor->bind(endpoint, ec);
        if (!ec) acceptor->listen(net::socket_base::max_listen_connections, ec);
        if (ec) {
            return base::Failure{"cannot listen on " + context.options.address + " port " +
                                 std::to_string(context.options.port) + ": " + ec.message()};
        }
        port = acceptor->local_endpoint(ec).port();
        return port.load();
    }

    // Sockets are dealt out in turn; each lives on one thread from then on.
    void accept() {
        auto& thread = *threads[next_thread++ % threads.size()];
        acceptor->async_accept(
            thread.io().get_executor(),
            [this, &thread](boost::system::error_code ec, BufferedStream::Socket socket) {
                if (ec == net::error::operation_aborted || !acceptor->is_open()) return;
                if (ec) {
                    // Out of descriptors, most likely: wait for some to be given back.
                    retry.emplace(threads.front()->io(), std::chrono::milliseconds{100});
                    retry->async_wait([this](boost::system::error_code cancelled) {
                        if (!cancelled) accept();
                    });
                    return;
                }
                welcome(thread, std::move(socket));
                accept();
            });
    }

    void welcome(IoThread& thread, BufferedStream::Socket socket) {
        boost::system::error_code ec;
        const auto peer = socket.remote_endpoint(ec);
        if (ec || context.admission.is_flooded()) return;
        auto ticket = context.admission.admit(peer.address().to_string());
        net::post(thread.io(),
                  [&thread, socket = std::move(socket), ticket = std::move(ticket)]() mutable {
                      thread.adopt(std::move(socket), std::move(ticket));
                  });
    }

    void close_port() {
        net::post(threads.front()->io(), [this] {
            boost::system::error_code ignored;
            if (acceptor) acceptor->close(ignored);
            if (retry) retry->cancel();
        });
    }

    ServerContext context;
    std::vector<std::unique_ptr<IoThread>> threads;
    std::optional<tcp::acceptor> acceptor;
    std::optional<net::steady_timer> retry;
    std::size_t next_thread{};
    std::atomic<std::uint16_t> port{};
    bool is_running{};
};

Server::Server(ServerOptions options, actors::Gateway& gateway, const KeyStore& keys,
               metrics::Instruments& instruments, LogHook log_hook)
    : state_(std::make_unique<State>(std::move(options), gateway, keys, instruments,
                                     std::move(log_hook))) {
    const auto count = std::max<std::size_t>(1, state_->context.options.io_threads);
    for (std::size_t i = 0; i < count; ++i) {
        state_->threads.push_back(std::make_unique<IoThread>(state_->context));
    }
}

Server::~Server() {
    if (state_->is_running) stop({});
}

base::Result<std::uint16_t, std::string> Server::start() {
    auto opened = state_->open();
    if (!opened) return opened;
    state_->is_running = true;
    state_->accept();
    for (const auto& thread : state_->threads) thread->start();
    state_->context.log(
        LogLevel::info, "listening for clients",
        {{"address", state_->context.options.address}, {"port", std::to_string(*opened)}});
    return opened;
}

void Server::stop(base::Duration grace) {
    if (!state_->is_running) return;
    state_->is_running = false;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds{grace.us};
    state_->close_port();
    for (const auto& thread : state_->threads) thread->begin_goodbye();
    for (const auto& thread : state_->threads) thread->wait_until_empty(deadline);
    for (const auto& thread : state_->threads) thread->stop();
}

std::uint16_t Server::port() const noexcept { return state_->port; }

bool Server::is_alive() const noexcept {
    const auto now_us = BufferedStream::steady_now_us();
    return std::all_of(state_->threads.begin(), state_->threads.end(), [&](const auto& thread) {
        return now_us - thread->turned_at_us() < alive_within_us;
    });
}

}  // namespace crossclear::api
