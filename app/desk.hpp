#pragma once

#include "actors/gateway.hpp"
#include "api/client.hpp"
#include "app/config.hpp"
#include "base/rng.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/// The demo's sample clients.

namespace crossclear::app {

/// What all desks together have seen. **Thread:** any.
struct Tally {
    std::atomic<std::uint64_t> asked{};  ///< Trades sent.
    std::atomic<std::uint64_t> answered{};
    std::atomic<std::uint64_t> cleared{};
    std::atomic<std::uint64_t> withdrawals{};
    std::atomic<std::uint64_t> previews{};
    std::atomic<std::uint64_t> notices{};   ///< Messages of subscriptions.
    std::atomic<std::uint64_t> broken{};    ///< Connections that ended by themselves.
    std::atomic<std::uint64_t> repeated{};  ///< Requests that were sent once more, under their id.

    /// Counts one refusal, and the time that one answer took.
    void refuse(const std::string& reason);
    void observe(std::int64_t latency_us);
    /// Refusals by reason, and in all.
    [[nodiscard]] std::map<std::string, std::uint64_t> refusals() const;
    [[nodiscard]] std::uint64_t refused() const;
    /// The latency that a share of the answers stayed below; within an eighth.
    [[nodiscard]] std::int64_t latency_us(std::uint32_t share_ppm) const;

private:
    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> refusals_;
    std::array<std::atomic<std::uint64_t>, 256> latencies_{};  ///< By eighths of powers of two.
};

/// How many trades may still be sent, over all desks.
struct Budget {
    std::atomic<std::int64_t> left{};
    std::atomic<bool> is_stopped{};
};

/// Trades for many accounts over one connection, keeping some requests on their way.
///
/// When the connection goes, it connects to another node and sends again what had no answer, under
/// the same id; so it does with what a node could not decide just then.
class Desk : public std::enable_shared_from_this<Desk> {
public:
    /// Whom it trades for, how, and how fast.
    struct Options {
        std::function<std::vector<std::uint16_t>()> ports;  ///< Where it may connect just now.
        std::size_t number{};                               ///< Spreads desks over the ports.
        std::string key_id;
        std::string secret;
        std::vector<base::AccountId> accounts;
        std::uint32_t depth{16};
        std::uint32_t per_second{};  ///< 0: as fast as answers come.
        std::uint64_t seed{};
    };

    Desk(boost::asio::io_context& io, Options options, const Config& config, Budget& budget,
         Tally& tally);

    /// Connects, authenticates and asks which accounts already hold something. `ready` gets an
    /// error or an empty text, and the accounts that hold nothing yet.
    void open(std::function<void(std::string, std::vector<base::AccountId>)> ready);
    /// Begins to trade; `done` is called once the budget is spent and every answer is in.
    void trade(std::function<void()> done);
    /// Stops trading and ends the connection.
    void close();

private:
    struct Tokens {
        std::map<base::InstrumentId, std::int64_t> held;  ///< Bought and not sold, minor units.
    };

    // A request that has no answer yet.
    struct Asked {
        std::string method;
        std::string params;
        std::function<void(const api::ClientReply&)> done;
        std::int64_t asked_at_us{};
        std::int64_t sent_at_us{};  // 0: not on its way.
        std::uint32_t attempt{};
    };

    void join(std::function<void(std::string)> done);
    void join_again();
    void later(base::Duration pause, std::function<void()> what);
    void watch();
    void drop_connection();
    void give_up_all();
    void ask(std::string method, std::string params,
             std::function<void(const api::ClientReply&)> done);
    void send(std::uint64_t id);
    void on_reply(std::uint64_t id, std::uint32_t attempt, const api::ClientReply& reply);
    void look_at(std::size_t index,
                 std::function<void(std::string, std::vector<base::AccountId>)> ready,
                 std::vector<base::AccountId> empty);
    void fill();
    void send_one();
    void send_trade(base::AccountId account);
    void send_withdrawal(base::AccountId account);
    void send_preview(base::AccountId account);
    void on_trade(const api::ClientReply& reply, base::AccountId account,
                  base::InstrumentId instrument, std::int64_t quantity, std::int64_t sent_at_us);
    void finish_one();
    [[nodiscard]] std::set<std::string> marked() const;
    void on_mark(const boost::json::object& message);

    boost::asio::io_context& io_;
    Options options_;
    const Config& config_;
    Budget& budget_;
    Tally& tally_;
    std::shared_ptr<api::Client> client_;
    const std::string payee_;  ///< Where withdrawals go; empty: each account has its own.
    base::Rng rng_;
    api::CommandIds ids_;
    std::map<base::AccountId, Tokens> tokens_;
    std::map<std::string, base::Price> marks_;  ///< USD by symbol, from the subscription.
    std::map<std::uint64_t, Asked> asked_;
    std::uint64_t asked_count_{};
    std::size_t connections_count_{};
    std::uint32_t in_flight_{};
    bool is_connected_{};
    bool is_closing_{};
    bool is_trading_{};
    std::function<void()> done_;
    boost::asio::steady_timer pace_;
    std::int64_t next_at_us_{};
};

}  // namespace crossclear::app
