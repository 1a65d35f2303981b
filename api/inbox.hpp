#pragma once

#include "actors/gateway.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What actors hand to a session, from their threads to the session's: gathered under a lock, and
/// the other thread woken once for all of it.

namespace crossclear::api {

/// The answer to the request in a slot.
struct Answered {
    std::uint32_t slot{};
    actors::Answer answer;
};
/// One channel of a subscription was granted or refused.
struct Followed {
    std::uint32_t slot{};
    std::size_t index{};
    std::optional<actors::Refusal> refusal;
};
/// The session has ended inside.
struct Closed {
    std::uint16_t code{};
    std::string reason;
};
using Delivery =
    std::variant<Answered, Followed, std::shared_ptr<const actors::Publication>, Closed>;

/// **Thread:** any, except where noted.
class Inbox : public actors::SessionSink, public std::enable_shared_from_this<Inbox> {
public:
    using Handler = std::function<void(std::vector<Delivery>&)>;

    /// Deliveries go to `handler`, on the thread that runs `context`.
    Inbox(boost::asio::io_context& context, Handler handler)
        : context_(&context), handler_(std::make_shared<const Handler>(std::move(handler))) {}

    /// Hands over what must arrive: an answer, or the end. After `detach` it is dropped.
    void push(Delivery delivery);
    /// Beyond a bound the session is closed instead: its thread does not keep up.
    void publish(const std::shared_ptr<const actors::Publication>& publication) override;
    void close(std::uint16_t code, std::string reason) override {
        push(Closed{code, std::move(reason)});
    }
    /// From here on nothing is delivered and the context is not touched. Session's thread only.
    void detach();

private:
    void push_locked(Delivery delivery);
    void drain();

    static constexpr std::size_t waiting_max = 16'384;

    std::mutex mutex_;
    boost::asio::io_context* context_;  ///< Null once detached.
    std::vector<Delivery> waiting_;
    bool is_scheduled_{};
    bool is_overrun_{};

    std::shared_ptr<const Handler> handler_;  ///< Session's thread only, like what follows.
    std::vector<Delivery> draining_;
};

}  // namespace crossclear::api
