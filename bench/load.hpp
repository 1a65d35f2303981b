#pragma once

#include "api/client.hpp"
#include "app/config.hpp"
#include "base/rng.hpp"
#include "bench/latencies.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

/// The clients of every run over WebSocket: the service and the bare echo get the same requests
/// from the same code, so that what differs between two figures is the server.

namespace crossclear::bench {

/// How requests are sent.
struct LoadPlan {
    std::uint32_t depth{16};     ///< Frames that a connection keeps on their way.
    std::uint32_t batch{1};      ///< Requests in a frame; above one as a JSON-RPC batch.
    std::uint32_t per_second{};  ///< Requests over all connections; 0: as fast as answers come.
    bool is_in_turn{};           ///< One trade for each account, in order; ends by itself.
    base::Duration warm{base::seconds(1)};  ///< Before anything counts.
    base::Duration measured{base::seconds(4)};
};

/// What came of a run. Only answers within the measured time count.
struct LoadResult {
    std::uint64_t answered{};
    std::uint64_t cleared{};
    std::map<std::string, std::uint64_t> refused;  ///< By reason.
    double seconds{};
    Latencies latencies;
};

/// Who trades and where.
struct LoadOptions {
    std::vector<std::uint16_t> ports;  ///< Connections take turns among them.
    std::uint32_t connections{8};
    std::uint64_t accounts{2'000};
    std::uint64_t seed{1};
    bool has_login{true};    ///< The bare echo knows nobody.
    bool has_one_key{};      ///< One key for all accounts, instead of one for each connection.
    bool is_by_partition{};  ///< A connection trades for one partition's accounts.
};

/// Marks in USD by symbol, as they are now.
using MarksNow = std::function<std::map<std::string, base::Price>()>;

/// The account with that position in the list of all: two in three are the first broker's.
[[nodiscard]] base::AccountId account_at(std::uint64_t index);
/// Adds keys that may trade for the accounts: one per connection, or one for all.
void add_keys(const LoadOptions& options, app::Config& config);

/// One answer, on the clock of the machine.
struct Answered {
    std::size_t connection{};
    std::int64_t sent_us{};
    std::int64_t at_us{};
    bool is_result{};
};

class Connection;

/// Connections on a thread of their own. **Thread:** the one that made it.
class Load {
public:
    Load(const app::Config& config, LoadOptions options, MarksNow marks);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Connects and logs in; returns why it could not, or nothing.
    [[nodiscard]] std::optional<std::string> open();

    /// Sends for the time of the plan and then waits for every answer. `on_begin` and `on_end` are
    /// called around the measured time.
    [[nodiscard]] LoadResult run(const LoadPlan& plan, const std::function<void()>& on_begin,
                                 const std::function<void()>& on_end);

    /// Sends by the plan until `finish`, or until every account had its turn; all of it counts.
    void begin(const LoadPlan& plan);
    /// Waits until every connection has ended by itself. Of a plan in turn.
    void wait();
    /// Ends sending, waits for every answer and returns what came of it.
    [[nodiscard]] LoadResult finish();

    /// Hears of each answer, on the load's thread. Set before anything is sent.
    std::function<void(const Answered&)> on_answer;

    /// Trades that were cleared since the start, in and out of measured time.
    [[nodiscard]] std::uint64_t cleared() const { return cleared_; }

private:
    friend class Connection;

    void start(const LoadPlan& plan);
    void stop_and_drain();

    const app::Config& config_;
    LoadOptions options_;
    MarksNow marks_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::vector<std::shared_ptr<Connection>> connections_;
    std::atomic<std::uint64_t> cleared_{};

    // Of the run; the io thread's own.
    LoadPlan plan_;
    LoadResult result_;
    std::atomic<bool> is_measuring_{};
    std::atomic<bool> is_sending_{};
    std::int64_t begun_us_{};

    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t idle_{};  ///< Connections without anything on its way, once sending has ended.
    std::thread thread_;
};

}  // namespace crossclear::bench
