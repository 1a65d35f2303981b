#pragma once

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// A socket that gathers what is written and sends it in one piece.
///
/// A WebSocket stream would make a system call of every message. Here a message is framed straight
/// into a buffer; the buffer is sent once the thread has no more to add for now. Control frames
/// still come from Beast, whole, through `async_write_some`, so that frames never mix. **Thread:**
/// the one that runs the socket's io_context.

namespace crossclear::api {

/// The stream below a WebSocket stream, for servers and clients.
class BufferedStream {
public:
    using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                                    boost::asio::io_context::executor_type>;
    using next_layer_type = Socket;
    using executor_type = Socket::executor_type;

    explicit BufferedStream(Socket socket);

    /// What Beast asks of a stream, reading as it is and writing into the buffer.
    [[nodiscard]] executor_type get_executor() { return state_->socket.get_executor(); }
    [[nodiscard]] Socket& next_layer() noexcept { return state_->socket; }
    [[nodiscard]] const Socket& next_layer() const noexcept { return state_->socket; }

    /// Adds one whole text message as a server sends it.
    void append_text(std::string_view payload);
    /// Adds one whole text message as a client sends it. **Requires:** `mask` is random.
    void append_masked_text(std::string_view payload, std::uint32_t mask);

    /// Bytes not handed to the kernel yet.
    [[nodiscard]] std::size_t pending_bytes() const noexcept;
    /// When something was last received. **Units:** microseconds of a steady clock.
    [[nodiscard]] std::int64_t last_received_us() const noexcept {
        return state_->last_received_us;
    }
    /// Called whenever everything gathered has been sent.
    void on_drained(std::function<void()> callback) { state_->drained = std::move(callback); }
    /// Calls back once nothing is pending or nothing can be sent any more.
    template <class Handler>
    void async_flush(Handler handler);

    /// For Beast: reads straight from the socket.
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        state_->last_received_us = steady_now_us();
        return state_->socket.async_read_some(buffers, std::forward<Token>(token));
    }
    /// For Beast: takes all of `buffers` at once, and calls back at once unless much is pending.
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
            [this](auto handler, const Buffers& source) { write(source, std::move(handler)); },
            token, buffers);
    }

    /// The clock of `last_received_us`.
    [[nodiscard]] static std::int64_t steady_now_us() noexcept;

private:
    /// Somebody who waits for the buffer, whatever the type of the handler.
    struct Waiter {
        Waiter() = default;
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        virtual ~Waiter() = default;
        virtual void resume(boost::system::error_code ec) = 0;
    };
    template <class Call>
    struct WaiterOf final : Waiter {
        explicit WaiterOf(Call made) : call(std::move(made)) {}
        void resume(boost::system::error_code ec) override { call(ec); }
        Call call;
    };

    struct State : std::enable_shared_from_this<State> {
        explicit State(Socket s) : socket(std::move(s)), last_received_us(steady_now_us()) {}
        void schedule();
        void settle();
        void send();
        void sent(boost::system::error_code ec);
        void resume_waiters();

        Socket socket;
        std::string filling;
        std::string sending;
        boost::system::error_code failure;
        bool is_scheduled{};
        std::size_t settled_size{};
        std::int64_t last_received_us{};
        std::function<void()> drained;
        std::unique_ptr<Waiter> writer;   ///< Held back while too much is pending.
        std::unique_ptr<Waiter> flusher;  ///< Waits for everything to be sent.
    };

    static constexpr std::size_t held_back_above = 256 * 1'024;

    template <class Buffers, class Handler>
    void write(const Buffers& buffers, Handler handler);

    std::shared_ptr<State> state_;
};

template <class Handler>
void BufferedStream::async_flush(Handler handler) {
    if (state_->failure || pending_bytes() == 0) {
        boost::asio::post(get_executor(), std::move(handler));
        return;
    }
    auto call = [handler = std::move(handler)](boost::system::error_code) mutable {
        std::move(handler)();
    };
    state_->flusher = std::make_unique<WaiterOf<decltype(call)>>(std::move(call));
}

template <class Buffers, class Handler>
void BufferedStream::write(const Buffers& buffers, Handler handler) {
    const auto size = boost::asio::buffer_size(buffers);
    const bool is_alone = state_->failure || pending_bytes() <= held_back_above;
    if (!state_->failure) {
        const auto old_size = state_->filling.size();
        state_->filling.resize(old_size + size);
        boost::asio::buffer_copy(boost::asio::buffer(state_->filling.data() + old_size, size),
                                 buffers);
        state_->schedule();
    }
    auto call = [handler = std::move(handler), size](boost::system::error_code ec) mutable {
        std::move(handler)(ec, ec ? 0 : size);
    };
    if (!is_alone) {
        state_->writer = std::make_unique<WaiterOf<decltype(call)>>(std::move(call));
        return;
    }
    boost::asio::post(get_executor(),
                      [call = std::move(call), ec = state_->failure]() mutable { call(ec); });
}

/// Beast's way out: what was gathered leaves first.
template <class Handler>
void async_teardown(boost::beast::role_type role, BufferedStream& stream, Handler&& handler) {
    stream.async_flush([role, &stream, handler = std::forward<Handler>(handler)]() mutable {
        boost::beast::websocket::async_teardown(role, stream.next_layer(), std::move(handler));
    });
}

}  // namespace crossclear::api
