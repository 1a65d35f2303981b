#pragma once

#include "base/result.hpp"
#include "store/acceptor.hpp"
#include "store/redis/calls.hpp"
#include "store/redis/connection.hpp"
#include "store/redis/settings.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

/// One Redis instance: one connection, one thread, and a pipeline of everything outstanding.
///
/// The problem: eight partitions have one append each in flight, and Redis shares an fsync among
/// the commands it finds waiting. The idea: the thread hands calls to the socket the moment they
/// arrive, never waiting for earlier answers; whatever comes in during an fsync shares the next.
/// The subtle thing is doubt. A call that was handed to the socket and then lost is `Lost`, even if
/// no byte left; only one that never reached the pipeline is `NotSent`. After a loss nothing is
/// sent again from here: the host repeats identical bytes, and the script recognises them.

namespace crossclear::store {

/// Keeps one instance in use: connects, examines, pipelines, and starts over after a loss.
///
/// **Thread:** `submit` and `standing` from any; callbacks run on the instance's own thread.
class Instance {
public:
    using Done = std::function<void(const CallResult&)>;

    /// Where it is, what it must be, how long to wait.
    struct Options {
        Endpoint endpoint;
        Mark wanted;      ///< Its `instance` may be empty: then the first one met is remembered.
        bool may_join{};  ///< Whether an empty one becomes a joining instance of the cluster.
        /// Whether another instance of the cluster may stand in for the one met first. Only for
        /// those who ask for hints: whoever counts its promises must notice.
        bool may_be_replaced{};
        base::Duration connect_timeout;
        base::Duration call_timeout;
        RedisListener listener{};
    };

    explicit Instance(Options options);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    /// Stops the thread; callbacks that have not run never will. Not from a callback.
    void stop();

    /// Queues a call; `done` runs exactly once, at the latest a little after the call time-out.
    /// Calls are sent in the order in which they were submitted. Where many wait, room is kept for
    /// those that move a log or confirm its owner: the others are not sent.
    void submit(std::shared_ptr<const Call> call, Done done);

    /// Drops the connection and examines the instance before it is used again: something about it
    /// is not as it was. **Thread:** any.
    void distrust();

    /// How the instance takes part; `why` also says why it takes no writes.
    [[nodiscard]] Standing standing() const;
    /// What kind of obstacle keeps it away; `unreachable` also while nothing does.
    [[nodiscard]] StoreFault fault() const;
    /// Lets `changed` run on the instance's thread after each change of standing; on the caller's
    /// at once, if there was one already.
    void watch(std::function<void()> changed);
    /// Tells that a joining instance has been marked as a voting one. From a callback only.
    void count_as_voting();

    /// Waits until the first attempt to connect has ended well. Returns whether it has.
    [[nodiscard]] bool wait_until_ready(base::Duration timeout) const;

private:
    using Clock = std::chrono::steady_clock;

    struct Request {
        std::shared_ptr<const Call> call;
        Done done;
        Clock::time_point deadline;
        bool is_eval{};  // The script's text was sent along, because Redis did not know its digest.
    };

    void run();
    [[nodiscard]] bool is_stopping() const;
    [[nodiscard]] bool was_distrusted();

    // While there is no connection.
    void try_to_connect();
    [[nodiscard]] base::Result<Connection, StoreError> connect();
    [[nodiscard]] base::Result<Mark, StoreError> examine_mark(Connection& connection);
    [[nodiscard]] base::Result<void, StoreError> load_scripts(Connection& connection);
    void wait_for_retry();

    // While there is one.
    void pump();
    void fill_pipeline();
    void write_request(const Request& request);
    [[nodiscard]] std::optional<Broken> flush();
    void receive();
    void complete(const redisReply& reply);
    void send_probe_when_due();
    void lose(const std::string& reason);

    void take_incoming();
    void expire_waiting();
    [[nodiscard]] int poll_timeout_ms(Clock::time_point until) const;
    void drain_wakeup() const;
    void set_standing(Standing::Kind kind, std::string why,
                      StoreFault fault = StoreFault::unreachable);
    void set_refusal(std::string why);

    const Options options_;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<Request> incoming_;  // Guarded by mutex_, like the rest up to is_distrusted_.
    std::size_t outstanding_{};
    Standing standing_{Standing::Kind::away, "not connected yet"};
    StoreFault fault_{StoreFault::unreachable};
    std::function<void()> watcher_;
    bool is_stopping_{};
    bool is_distrusted_{};

    // The thread's own.
    int wakeup_{-1};
    Mark wanted_;
    std::optional<Connection> connection_;
    Reader reader_;
    std::vector<std::string> digests_;
    std::deque<Request> waiting_;
    std::deque<Request> in_flight_;
    std::string unsent_;
    std::size_t sent_{};  // Bytes of unsent_ that the socket has taken.
    std::vector<char> received_;
    base::Duration backoff_;
    Clock::time_point next_attempt_;
    Clock::time_point next_probe_;
    bool is_probing_{};
    bool is_joining_{};  // As the mark said when the connection was examined.
    std::thread thread_;
};

}  // namespace crossclear::store
