#pragma once

#include "base/check.hpp"
#include "shards/simulated/link.hpp"
#include "shards/simulated/mailbox.hpp"
#include "shards/simulated/remote.hpp"
#include "shards/simulated/wire.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace crossclear::shards::simulated {

/// What a RemoteWorld is made of. Everything runs on its thread but what says otherwise.
struct RemoteWorld::State {
    /// Gets the answer, or null where there is none.
    using OnAnswer = std::function<void(const ReplyBody*)>;

    explicit State(RemoteOptions given);

    /// Asks the world, from any thread. `done` runs once, on the world's thread; with null, and
    /// perhaps at once on the caller's, where there is no answer.
    void call(CallBody body, OnAnswer done);
    /// From any thread: a mailbox hears a seat's notices from now on, for as long as it lives.
    void join(const Seat& seat, std::shared_ptr<Mailbox> mailbox);
    /// From any thread: a seat's inflows from that block on are to be told again.
    void rescan(const Seat& seat, std::uint64_t from_block);
    /// Asks and waits, on any thread but the world's. Nothing if there is no such answer.
    template <class Expected>
    std::optional<Expected> wait_for(CallBody body);

    /// Tries to connect, for `call_timeout` at most; whatever fails ends in `disconnect`.
    void connect();
    /// The steps of that: to the first address that answers, and a greeting there.
    void connect_to(const std::vector<Link::Protocol::endpoint>& addresses);
    void greet(Link::Protocol::socket socket);
    /// Ends the connection or the attempt: calls under way get no answer, what may have been missed
    /// is owed, and the next attempt is timed.
    void disconnect(LinkState next, std::string_view reason);
    /// Notes how the link stands and tells whoever waits for it or wants to know.
    void change(LinkState next, std::string_view reason);
    /// Takes one frame. False if it is none that the world may send now: the link is cut.
    bool take(std::string_view payload);
    /// Listens for every seat again, and asks for what is owed.
    void on_welcome();

    /// Sends a call on the world's thread; null at once where there is no welcome.
    void send(CallBody body, OnAnswer done);
    /// Ends the call that a reply is for; one that comes too late is dropped.
    void answer(const Reply& given);
    /// Sees to it that calls whose time is over end without an answer, and the link with them where
    /// the world is silent for too long.
    void watch_calls();
    void sweep();

    /// The mailboxes of one seat, and what must be told to them again.
    struct Listener {
        std::vector<std::weak_ptr<Mailbox>> mailboxes;
        std::optional<std::uint64_t> owed_from;   ///< A replay that must still be asked for.
        std::optional<std::uint64_t> asked_from;  ///< Where the latest replay began.
        bool is_replaying{};

        /// From that block on, or from an earlier one that is owed already.
        void owe(std::uint64_t from_block);
    };
    /// Asks for what a seat is owed, unless an answer to that is awaited.
    void replay(const Seat& seat, Listener& listener);
    /// A sign of life of a chain: how far it has come, and so that what is owed can be asked for. A
    /// chain that is younger than it was is heard from its first block on.
    void observe(base::ShardId shard, const Health& health);
    /// From which block on something may have been missed; nothing of a chain that was never heard.
    [[nodiscard]] std::optional<std::uint64_t> missed_from(base::ShardId shard) const;

    /// A call that has no answer yet.
    struct Waiting {
        std::chrono::steady_clock::time_point until;
        OnAnswer done;
    };

    RemoteOptions options;
    WorldIdentity identity;
    boost::asio::io_context io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
    boost::asio::ip::tcp::resolver resolver;
    boost::asio::steady_timer retry_timer;
    boost::asio::steady_timer attempt_timer;
    boost::asio::steady_timer sweep_timer;
    std::shared_ptr<Link::Protocol::socket> attempt;
    std::uint64_t attempts{};  ///< Tells the handlers of one that was given up.
    std::shared_ptr<Link> link;
    bool is_welcome{};
    base::Duration pause;
    std::chrono::steady_clock::time_point heard_at;

    std::uint64_t numbered{};
    std::map<std::uint64_t, Waiting> calls;  ///< In the order in which they expire.
    bool is_watching{};
    std::map<Seat, Listener> listeners;
    std::map<base::ShardId, std::uint64_t> heads;  ///< The newest that is known of each chain.

    std::atomic<std::size_t> calls_under_way{};
    mutable std::mutex mutex;  ///< Guards the two below.
    LinkState state{LinkState::waiting};
    std::string why{"no answer yet"};
    std::condition_variable changed;
    std::thread thread;
};

template <class Expected>
std::optional<Expected> RemoteWorld::State::wait_for(CallBody body) {
    CHECK(std::this_thread::get_id() != thread.get_id(), "a callback must not wait for another");
    const auto promise = std::make_shared<std::promise<std::optional<Expected>>>();
    auto told = promise->get_future();
    call(std::move(body), [promise](const ReplyBody* given) {
        const auto* expected = given == nullptr ? nullptr : std::get_if<Expected>(given);
        promise->set_value(expected == nullptr ? std::nullopt : std::optional{*expected});
    });
    return told.get();
}

}  // namespace crossclear::shards::simulated
