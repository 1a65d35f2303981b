#include "api/buffered_stream.hpp"

#include <array>
#include <chrono>

namespace crossclear::api {
namespace {

// Sending waits while each turn of the loop adds something, but not beyond this.
constexpr std::size_t worth_a_call = 32 * 1'024;
// A buffer that once was large is given back.
constexpr std::size_t kept_capacity = 64 * 1'024;

constexpr char text_frame = static_cast<char>(0x81);

void append_header(std::string& out, std::size_t size, unsigned char mask_bit) {
    out += text_frame;
    const auto append_byte = [&](std::size_t byte) {
        out += static_cast<char>(static_cast<unsigned char>(byte));
    };
    if (size < 126) {
        append_byte(size | mask_bit);
    } else if (size <= 0xFFFF) {
        append_byte(126U | mask_bit);
        append_byte((size >> 8) & 0xFF);
        append_byte(size & 0xFF);
    } else {
        append_byte(127U | mask_bit);
        for (int shift = 56; shift >= 0; shift -= 8) append_byte((size >> shift) & 0xFF);
    }
}

}  // namespace

BufferedStream::BufferedStream(Socket socket)
    : state_(std::make_shared<State>(std::move(socket))) {}

std::int64_t BufferedStream::steady_now_us() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::size_t BufferedStream::pending_bytes() const noexcept {
    return state_->filling.size() + state_->sending.size();
}

void BufferedStream::append_text(std::string_view payload) {
    if (state_->failure) return;
    append_header(state_->filling, payload.size(), 0);
    state_->filling += payload;
    state_->schedule();
}

void BufferedStream::append_masked_text(std::string_view payload, std::uint32_t mask) {
    if (state_->failure) return;
    auto& out = state_->filling;
    append_header(out, payload.size(), 0x80);
    const std::array<char, 4> key{static_cast<char>(mask >> 24), static_cast<char>(mask >> 16),
                                  static_cast<char>(mask >> 8), static_cast<char>(mask)};
    out.append(key.data(), key.size());
    const auto start = out.size();
    out += payload;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out[start + i] = static_cast<char>(out[start + i] ^ key[i % 4]);
    }
    state_->schedule();
}

void BufferedStream::State::schedule() {
    if (is_scheduled || !sending.empty()) return;
    is_scheduled = true;
    settled_size = filling.size();
    boost::asio::post(socket.get_executor(), [self = shared_from_this()] { self->settle(); });
}

// One more turn as long as others add to the buffer: their system calls are saved.
void BufferedStream::State::settle() {
    if (filling.size() > settled_size && filling.size() < worth_a_call) {
        settled_size = filling.size();
        boost::asio::post(socket.get_executor(), [self = shared_from_this()] { self->settle(); });
        return;
    }
    is_scheduled = false;
    send();
}

void BufferedStream::State::send() {
    if (failure || filling.empty() || !sending.empty()) return;
    std::swap(filling, sending);
    boost::asio::async_write(
        socket, boost::asio::buffer(sending),
        [self = shared_from_this()](boost::system::error_code ec, std::size_t) { self->sent(ec); });
}

void BufferedStream::State::sent(boost::system::error_code ec) {
    if (sending.capacity() > kept_capacity) {
        sending = {};
    } else {
        sending.clear();
    }
    if (ec) {
        failure = ec;
        filling.clear();
        // Whoever reads learns of it as well.
        boost::system::error_code ignored;
        socket.close(ignored);
    }
    if (!failure && drained) drained();
    send();
    resume_waiters();
}

void BufferedStream::State::resume_waiters() {
    if (writer && (failure || filling.size() + sending.size() <= held_back_above)) {
        const auto waiter = std::move(writer);
        waiter->resume(failure);
    }
    if (flusher && (failure || (filling.empty() && sending.empty()))) {
        const auto waiter = std::move(flusher);
        waiter->resume(failure);
    }
}

}  // namespace crossclear::api
