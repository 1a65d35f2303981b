#pragma once

#include "api/client.hpp"
#include "base/ids.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

/// A client of the demo that does one thing after the other, for what the demo wants to show.

namespace crossclear::app {

/// Where to trade, by which key and for whom.
struct TraderOptions {
    std::string address;
    std::uint16_t port{};
    std::string key_id;
    std::string secret;
    base::AccountId account;
    std::uint64_t seed{};             ///< Of command ids.
    std::function<bool()> is_wanted;  ///< Asked every few milliseconds; false ends it.
};

/// An order at any price.
struct DemoOrder {
    const char* instrument;
    const char* side;
    std::string quantity;
};

/// One account's client. Each call waits for its answer, ten seconds at most; what is not decided
/// is sent again under its id. Figures are USD cents.
/// **Thread:** any but the one that runs `io`, which has to run.
class DemoTrader {
public:
    /// `options` have to live as long.
    DemoTrader(boost::asio::io_context& io, const TraderOptions& options);
    DemoTrader(const DemoTrader&) = delete;
    DemoTrader& operator=(const DemoTrader&) = delete;
    ~DemoTrader() = default;

    /// Connects and logs in; false where that fails, and `why_not` says why. So with the others.
    [[nodiscard]] bool open();
    /// IM of the account after the order, which is not made.
    [[nodiscard]] std::optional<std::int64_t> preview(const DemoOrder& order);
    /// Makes the order.
    [[nodiscard]] bool trade(const DemoOrder& order);
    /// IM of the account.
    [[nodiscard]] std::optional<std::int64_t> margin();
    void close();

    /// Why the last thing was not done.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }

private:
    using Done = std::function<void(api::ClientReply)>;

    std::optional<boost::json::object> call(const char* method, const std::string& params);
    std::optional<std::int64_t> told(std::optional<std::int64_t> cents);
    api::ClientReply wait(std::function<void(const Done&)> begin);

    boost::asio::io_context& io_;
    const TraderOptions& options_;
    std::string account_;
    std::shared_ptr<api::Client> client_;
    api::CommandIds ids_;
    std::string why_not_;
};

}  // namespace crossclear::app
