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

    // Any thread.
    void call(CallBody body, OnAnswer done);
    void join(const Seat& seat, std::shared_ptr<Mailbox> mailbox);
    void rescan(const Seat& seat, std::uint64_t from_block);
    template <class Expected>
    std::optional<Expected> wait_for(CallBody body);

    // The connection.
    void connect();
    void connect_to(const std::vector<Link::Protocol::endpoint>& addresses);
    void greet(Link::Protocol::socket socket);
    void disconnect(LinkState next, std::string_view reason);
    void change(LinkState next, std::string_view reason);
    bool take(std::string_view payload);
    void on_welcome();

    // Calls.
    void send(CallBody body, OnAnswer done);
    void answer(const Reply& given);
    void watch_calls();
    void sweep();

    // Replays.
    struct Listener {
        std::vector<std::weak_ptr<Mailbox>> mailboxes;
        std::optional<std::uint64_t> owed_from;   ///< A replay that must still be asked for.
        std::optional<std::uint64_t> asked_from;  ///< Where the latest replay began.
        bool is_replaying{};

        void owe(std::uint64_t from_block);
    };
    void replay(const Seat& seat, Listener& listener);
    void observe(base::ShardId shard, const Health& health);
    [[nodiscard]] std::optional<std::uint64_t> missed_from(base::ShardId shard) const;

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
