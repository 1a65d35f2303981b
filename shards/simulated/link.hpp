#pragma once

#include "shards/simulated/endpoint.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace crossclear::shards::simulated {

/// Bytes that may wait for the other end to read them; beyond it the link ends.
inline constexpr std::size_t link_bytes_max = 64 * 1'024 * 1'024;

/// What one end of a connection does with it; both outlast the link. **Thread:** the link's.
struct LinkHooks {
    /// One frame's payload. False ends the link: no side of this program says such a thing.
    std::function<bool(std::string_view)> on_frame;
    /// The connection is over; called once, and not by `Link::close`.
    std::function<void(std::string_view why)> on_end;
};

/// One end of a connection that carries frames. **Thread:** one, that of its socket's executor.
class Link : public std::enable_shared_from_this<Link> {
public:
    using Protocol = boost::asio::generic::stream_protocol;

    explicit Link(Protocol::socket socket);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /// Begins to read. The link lives until it ends or is closed.
    void start(LinkHooks hooks);
    /// Sends one frame, in order. Nothing on a link that is over.
    void send(std::string frame);
    /// Takes no more frames until `resume`: whoever sends too much has to wait.
    void pause() { is_paused_ = true; }
    void resume();
    /// Ends it in silence. What was sent and is not on its way yet is lost.
    void close();
    /// Ends it once all that was sent is on its way.
    void close_when_sent();

private:
    void read();
    void take_frames();
    void write();
    void end(std::string_view why);

    Protocol::socket socket_;
    LinkHooks hooks_;
    std::vector<char> chunk_;
    std::string incoming_;
    std::string waiting_;  ///< Frames that the next write will take.
    std::string writing_;
    bool is_reading_{};
    bool is_paused_{};
    bool is_over_{};
    bool is_closing_{};
};

/// The address of a unix socket. **Requires:** an endpoint with a path.
[[nodiscard]] Link::Protocol::endpoint unix_address(const Endpoint& endpoint);

}  // namespace crossclear::shards::simulated
