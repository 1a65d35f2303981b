#include "shards/simulated/link.hpp"

#include "shards/simulated/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace crossclear::shards::simulated {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1'024;

}  // namespace

Link::Link(Protocol::socket socket) : socket_(std::move(socket)), chunk_(chunk_bytes) {
    // Small messages must not wait for company, nor a dead host for ever. A unix socket has neither
    // option, and no need of them.
    boost::system::error_code ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
    socket_.set_option(boost::asio::socket_base::keep_alive{true}, ignored);
}

void Link::start(LinkHooks hooks) {
    hooks_ = std::move(hooks);
    read();
}

void Link::read() {
    if (is_over_ || is_reading_ || is_paused_) return;
    is_reading_ = true;
    socket_.async_read_some(
        boost::asio::buffer(chunk_),
        [self = shared_from_this()](boost::system::error_code failure, std::size_t size) {
            self->is_reading_ = false;
            if (self->is_over_) return;
            if (failure) return self->end(failure.message());
            self->incoming_.append(self->chunk_.data(), size);
            self->take_frames();
            self->read();
        });
}

void Link::take_frames() {
    std::size_t taken = 0;
    while (!is_over_ && !is_paused_) {
        const auto rest = std::string_view{incoming_}.substr(taken);
        if (rest.size() < frame_header_size) break;
        const auto length = frame_length(rest);
        if (!length) return end("a frame is longer than any may be");
        if (rest.size() < frame_header_size + *length) break;
        taken += frame_header_size + *length;
        if (!hooks_.on_frame(rest.substr(frame_header_size, *length))) {
            return end("a frame cannot be read");
        }
    }
    incoming_.erase(0, taken);
}

void Link::resume() {
    if (!is_paused_) return;
    is_paused_ = false;
    // Not from within a frame of its own: who resumes may be handling one.
    boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->take_frames();
        self->read();
    });
}

void Link::send(std::string frame) {
    if (is_over_ || is_closing_) return;
    if (waiting_.size() + frame.size() > link_bytes_max) return end("the other end does not read");
    waiting_ += frame;
    write();
}

void Link::write() {
    if (is_over_ || !writing_.empty()) return;
    if (waiting_.empty()) {
        if (is_closing_) close();
        return;
    }
    writing_ = std::exchange(waiting_, {});
    boost::asio::async_write(
        socket_, boost::asio::buffer(writing_),
        [self = shared_from_this()](boost::system::error_code failure, std::size_t) {
            self->writing_.clear();
            if (self->is_over_) return;
            if (failure) return self->end(failure.message());
            self->write();
        });
}

void Link::close_when_sent() {
    is_closing_ = true;
    is_paused_ = true;
    write();
}

void Link::close() {
    if (std::exchange(is_over_, true)) return;
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::socket_base::shutdown_both, ignored);
    socket_.close(ignored);
}

void Link::end(std::string_view why) {
    if (is_over_) return;
    close();
    // Later: whoever sends may not be there any more once it is told.
    boost::asio::post(
        socket_.get_executor(),
        [self = shared_from_this(), reason = std::string{why}] { self->hooks_.on_end(reason); });
}

Link::Protocol::endpoint unix_address(const Endpoint& endpoint) {
    return boost::asio::local::stream_protocol::endpoint{endpoint.path};
}

}  // namespace crossclear::shards::simulated
