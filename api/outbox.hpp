#pragma once

#include "actors/gateway.hpp"
#include "base/limits.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

/// What waits to be sent to one client. Bounded: a client that does not read is closed rather than
/// remembered. A newer mark or margin takes the place of an older one that still waits.

namespace crossclear::api {

/// How much may wait.
struct OutboxLimits {
    std::size_t bytes_max = base::limits::outbound_bytes_max;
    std::size_t messages_max = base::limits::outbound_messages_max;
};

/// The queue of one client. **Thread:** the session's.
class Outbox {
public:
    Outbox(OutboxLimits limits, const base::Listing& listing)
        : limits_(limits), listing_(listing) {}

    /// What waits: bytes of text, and messages.
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Whether more waits than may. `sending_bytes`: what has left the outbox but not the process.
    [[nodiscard]] bool is_over(std::size_t sending_bytes) const noexcept {
        return entries_.size() > limits_.messages_max ||
               (!entries_.empty() && bytes_ + sending_bytes > limits_.bytes_max);
    }

    /// Adds a message that is sent as it is.
    void push(std::string text);
    /// Adds a message of a channel, or puts it in place of one that waits where only the newest
    /// matters.
    void publish(const actors::Publication& publication);
    /// The oldest message. **Requires:** not empty.
    [[nodiscard]] std::string pop();
    /// Drops everything: the client is being closed.
    void clear();

private:
    struct Entry {
        std::string text;
        std::optional<actors::Channel> channel;  ///< Of a message that a newer one may replace.
        std::uint64_t previous{};
        bool is_snapshot{};
    };

    OutboxLimits limits_;
    const base::Listing& listing_;
    std::deque<Entry> entries_;
    std::uint64_t popped_{};  ///< Numbers entries for good: the front has this number.
    std::map<actors::Channel, std::uint64_t> replaceable_;
    std::size_t bytes_{};
};

}  // namespace crossclear::api
