#pragma once

#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/simulated/endpoint.hpp"
#include "shards/simulated/log.hpp"
#include "shards/simulated/outside.hpp"
#include "shards/simulated/parameters.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A node's connection to the world that another process serves.
///
/// The problem: a connection loses what was on its way, in both directions, and must neither invent
/// an outcome nor miss a notice. The idea: a call that was not answered has no answer, which the
/// port allows at any time; and once connected again, all inflows since the last block that the
/// chain was known to have reached are told again, as a chain does that was unreachable.
/// The subtle thing: a replay counts only once the chain has answered behind it, as reachable;
/// until then it stays owed.

namespace crossclear::shards::simulated {

/// How a node stands with its world.
enum class LinkState : std::uint8_t {
    waiting,    ///< Not connected, and trying.
    connected,  ///< Welcome.
    refused,    ///< Turned away; tried again at the longest interval.
};

/// Where a world is and how long to wait for it.
struct RemoteOptions {
    Endpoint endpoint;
    std::string name;  ///< Of the cluster; with listing and chains what both sides must have alike.
    base::Listing listing;
    std::vector<ChainParameters> chains;
    base::Duration call_timeout{base::seconds(2)};     ///< After it a call has no answer.
    base::Duration silence_max{base::seconds(10)};     ///< Unanswered so long, the link is cut.
    base::Duration retry_min{base::milliseconds(50)};  ///< Between attempts; doubles up to
    base::Duration retry_max{base::seconds(2)};        ///< this.
    /// Told when the state changes, with the reason. **Thread:** the world's; no waiting.
    std::function<void(LinkState state, std::string_view reason)> on_change{};
};

/// Calls without an answer at a time; beyond it a shard does not answer.
inline constexpr std::size_t remote_calls_max = 16'384;

/// The world as seen over its socket. It must outlive the shards it hands out.
///
/// **Thread:** any; one of its own reads, writes and runs the callbacks, from which those calls
/// that wait must not be made.
class RemoteWorld final : public OutsideWorld {
public:
    /// Begins to connect, and goes on for ever.
    explicit RemoteWorld(RemoteOptions options);
    RemoteWorld(const RemoteWorld&) = delete;
    RemoteWorld& operator=(const RemoteWorld&) = delete;
    /// Stops. Calls not yet answered never are.
    ~RemoteWorld() override;

    /// Waits until the world has welcomed this node or turned it away, for `patience` at most.
    [[nodiscard]] LinkState wait(base::Duration patience);
    /// What stood in the way last, in words.
    [[nodiscard]] std::string reason() const;

    [[nodiscard]] std::unique_ptr<Shard> shard(base::ShardId shard, base::BrokerId broker) override;
    /// Waits for nothing.
    void set_price(base::AssetId asset, base::Price price) override;
    /// Waits for nothing.
    void set_funding(base::AssetId asset, base::Price index) override;
    [[nodiscard]] base::Result<void, DepositFault> deposit(base::ShardId shard,
                                                           base::AccountId account,
                                                           base::AssetId asset,
                                                           base::Amount amount) override;

    /// As those of the world itself; nothing or false means that it gave no answer. They wait for
    /// it, `call_timeout` at most.
    [[nodiscard]] bool set_faults(base::ShardId shard, Faults faults);
    [[nodiscard]] std::optional<Faults> faults(base::ShardId shard);
    [[nodiscard]] bool fail_protocol(base::ShardId shard, base::AssetId asset, base::Ppm share);
    [[nodiscard]] std::optional<Balances> balances(base::ShardId shard, base::BrokerId broker);
    [[nodiscard]] base::Result<std::optional<LogFault>, NoAnswer> fault();

private:
    struct State;
    class Adapter;

    std::unique_ptr<State> state_;
};

}  // namespace crossclear::shards::simulated
