#pragma once

#include "actors/gateway.hpp"
#include "actors/house_standing.hpp"
#include "actors/profile.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"
#include "base/time.hpp"
#include "ledger/journal/port.hpp"
#include "metrics/instruments.hpp"
#include "risk/margin.hpp"
#include "risk/surface.hpp"
#include "shards/port.hpp"
#include "store/directory/directory.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What every host shares: the parts the node was assembled from. Built once, then only read; what
/// changes inside is atomic.

namespace crossclear::actors {

/// A line for the log: a constant sentence, then fields.
using LogFields = std::vector<std::pair<std::string_view, std::string>>;
/// How much a line matters.
enum class LogLevel : std::uint8_t { debug, info, warning, error };
using Log = std::function<void(LogLevel, std::string_view sentence, const LogFields& fields)>;

/// The current market surface, for everyone who prices. **Thread:** any.
///
/// A mutex, because the atomic pointer of libstdc++ 12 ends its reads with a relaxed unlock: a
/// writer could change the pointer while it is still being read.
class SurfaceBoard {
public:
    /// Null before the first one.
    [[nodiscard]] std::shared_ptr<const risk::Surface> load() const {
        const std::scoped_lock lock(mutex_);
        return surface_;
    }
    /// Readers keep the one they have for as long as they need it.
    void store(std::shared_ptr<const risk::Surface> surface) {
        const std::scoped_lock lock(mutex_);
        surface_.swap(surface);  // The old one is let go of after the lock.
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const risk::Surface> surface_;
};

/// How each shard stands, as its lanes last saw it. **Thread:** any.
class ShardBoard {
public:
    /// The latest of each lane stays.
    void store(base::BrokerId broker, ShardView view) {
        const std::scoped_lock lock(mutex_);
        views_[{view.shard, broker}] = std::move(view);
    }
    /// One view a shard: what troubles the lane of any broker, and the latest blocks any has seen.
    [[nodiscard]] std::vector<ShardView> load() const {
        const std::scoped_lock lock(mutex_);
        std::vector<ShardView> all;
        for (const auto& [key, view] : views_) {
            if (all.empty() || all.back().shard != view.shard) {
                all.push_back(view);
            } else {
                all.back() = joined(all.back(), view);
            }
        }
        return all;
    }

private:
    static ShardView joined(const ShardView& one, const ShardView& other) {
        ShardView both = one.head_at < other.head_at ? other : one;
        both.is_reachable = one.is_reachable && other.is_reachable;
        both.is_paused = one.is_paused || other.is_paused;
        both.is_frozen = one.is_frozen || other.is_frozen;
        for (const char* circuit : {"half_open", "open"}) {
            if (one.circuit == circuit || other.circuit == circuit) both.circuit = circuit;
        }
        return both;
    }

    mutable std::mutex mutex_;
    std::map<std::pair<base::ShardId, base::BrokerId>, ShardView> views_;
};

/// What a broker's house last looked like, for reports and the demo. **Thread:** any.
struct HouseFigures {
    std::atomic<std::uint64_t> hedges_open{};
    std::atomic<std::uint64_t> moves_open{};
    std::atomic<std::uint64_t> breaks_open{};
    std::atomic<std::int64_t> hedged_cents{};       ///< Filled, at the marks of opening.
    std::atomic<std::uint64_t> unsettled_assets{};  ///< Assets with claims that are not covered.
    std::atomic<std::uint64_t> held_assets{};       ///< Assets with withdrawals under way.
    std::atomic<std::uint64_t> deposits_final{};    ///< Booked by their accounts, since the start.
    std::atomic<bool> is_founded{};
    std::atomic<bool> is_flat{};  ///< No residual beyond its band.
};

/// Where a broker's house stands past its limits, for whoever takes on new risk: as its home said
/// last. **Thread:** any.
class HouseBoard {
public:
    /// What the home says. One from before the latest changes nothing: partitions of a node hear at
    /// different times, and a home that was replaced may not know it.
    void hear(const HouseStanding& said) {
        const std::scoped_lock lock(mutex_);
        const auto order = [](const HouseStanding& one) {
            return std::pair{one.epoch, one.number};
        };
        if (order(said) < order(latest_)) return;
        latest_ = said;
        is_reduce_only_.store(said.is_reduce_only, std::memory_order_relaxed);
        protocols_past_.store(said.protocols_past, std::memory_order_relaxed);
        client_max_cents_.store(said.client_max_cents, std::memory_order_relaxed);
        is_unsettled_full_.store(said.is_unsettled_full, std::memory_order_relaxed);
        is_exposure_full_.store(said.is_exposure_full, std::memory_order_relaxed);
        shards_full_.store(said.shards_full, std::memory_order_relaxed);
        protocols_full_.store(said.protocols_full, std::memory_order_relaxed);
    }
    /// All of what was said last.
    [[nodiscard]] HouseStanding load() const {
        const std::scoped_lock lock(mutex_);
        return latest_;
    }
    /// The same one by one, for every trade.
    [[nodiscard]] bool is_reduce_only() const { return is_reduce_only_.load(relaxed); }
    [[nodiscard]] std::uint32_t protocols_past() const { return protocols_past_.load(relaxed); }
    [[nodiscard]] std::int64_t client_max_cents() const { return client_max_cents_.load(relaxed); }
    [[nodiscard]] bool is_unsettled_full() const { return is_unsettled_full_.load(relaxed); }
    [[nodiscard]] bool is_exposure_full() const { return is_exposure_full_.load(relaxed); }
    [[nodiscard]] std::uint64_t shards_full() const { return shards_full_.load(relaxed); }
    [[nodiscard]] std::uint32_t protocols_full() const { return protocols_full_.load(relaxed); }

private:
    static constexpr auto relaxed = std::memory_order_relaxed;

    mutable std::mutex mutex_;
    HouseStanding latest_;
    std::atomic<bool> is_reduce_only_{};
    std::atomic<std::uint32_t> protocols_past_{};
    std::atomic<std::int64_t> client_max_cents_{};
    std::atomic<bool> is_unsettled_full_{};
    std::atomic<bool> is_exposure_full_{};
    std::atomic<std::uint64_t> shards_full_{};
    std::atomic<std::uint32_t> protocols_full_{};
};

/// The latest marks, for whoever asks without following. **Thread:** any.
class MarkBoard {
public:
    /// All of them at once, in the order of the listing's assets.
    void store(std::vector<risk::Mark> marks) {
        const std::scoped_lock lock(mutex_);
        marks_ = std::move(marks);
    }
    [[nodiscard]] std::vector<risk::Mark> load() const {
        const std::scoped_lock lock(mutex_);
        return marks_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<risk::Mark> marks_;
};

/// Lanes that an operator has paused, for whoever takes on new risk: until their homes say that
/// they are not. Homes say so again, wherever they are. **Thread:** any.
class PauseBoard {
public:
    /// What the lane's reconciler says.
    void hear(base::BrokerId broker, base::ShardId shard, bool is_paused) {
        const std::scoped_lock lock(mutex_);
        if (is_paused) {
            lanes_.emplace(broker, shard);
        } else {
            lanes_.erase({broker, shard});
        }
        is_any_.store(!lanes_.empty(), std::memory_order_relaxed);
    }
    /// Whether any lane is paused: of the ordinary answer every trade asks.
    [[nodiscard]] bool is_any() const { return is_any_.load(std::memory_order_relaxed); }
    /// Whether this lane is.
    [[nodiscard]] bool is_paused(base::BrokerId broker, base::ShardId shard) const {
        if (!is_any()) return false;
        const std::scoped_lock lock(mutex_);
        return lanes_.contains({broker, shard});
    }

private:
    mutable std::mutex mutex_;
    std::set<std::pair<base::BrokerId, base::ShardId>> lanes_;
    std::atomic<bool> is_any_{};
};

/// Last prices of contracts, as their houses have fixed them, for whoever settles positions.
/// **Thread:** any.
class LastPriceBoard {
public:
    /// Whether any is news. A last price never changes.
    bool hear(base::BrokerId broker, const std::map<base::AssetId, base::Price>& told) {
        const std::scoped_lock lock(mutex_);
        const auto known = prices_.size();
        for (const auto& [contract, price] : told) {
            prices_.emplace(std::pair{broker, contract}, price);
        }
        is_any_.store(!prices_.empty(), std::memory_order_relaxed);
        return prices_.size() > known;
    }
    /// Nothing while it is not known.
    [[nodiscard]] std::optional<base::Price> of(base::BrokerId broker,
                                                base::AssetId contract) const {
        // Each cycle asks of every position, and nearly always there is none.
        if (!is_any_.load(std::memory_order_relaxed)) return std::nullopt;
        const std::scoped_lock lock(mutex_);
        const auto found = prices_.find({broker, contract});
        return found == prices_.end() ? std::nullopt : std::optional{found->second};
    }

private:
    mutable std::mutex mutex_;
    std::map<std::pair<base::BrokerId, base::AssetId>, base::Price> prices_;
    std::atomic<bool> is_any_{};
};

/// Where a partition's log stands for its owner here. **Thread:** any.
class LogBoard {
public:
    /// Fence and record, which belong together.
    struct Standing {
        ledger::journal::Fence fence;  ///< What the owner was promised.
        ledger::journal::Head last;    ///< The latest durable record.
    };
    /// Replaces both at once.
    void store(const Standing& standing) {
        const std::scoped_lock lock(mutex_);
        standing_ = standing;
    }
    [[nodiscard]] Standing load() const {
        const std::scoped_lock lock(mutex_);
        return standing_;
    }

private:
    mutable std::mutex mutex_;
    Standing standing_;
};

/// How one partition stands, for the door and for readiness. **Thread:** any.
struct PartitionStatus {
    /// What its owner here is doing, or where it went.
    enum class Phase : std::uint8_t {
        recovering,
        running,
        lost,    ///< Another owner took it, or this one handed it over; the new way is not known.
        broken,  ///< Its journal failed a check.
        elsewhere,  ///< Another node owns it.
        unowned,    ///< No node is known to own it.
    };
    std::atomic<Phase> phase{Phase::recovering};
    std::atomic<std::uint64_t> moves{};  ///< Counts up whenever the way to its owner changes.
    std::atomic<std::size_t> queued{};   ///< Appends not durable yet.
    std::atomic<bool> is_stuck{};        ///< The journal does not take what is queued.
    LogBoard log;
};

/// A broker and everything that belongs to it alone.
struct Broker {
    BrokerProfile profile;
    std::shared_ptr<const risk::Parameters> parameters;
    SurfaceBoard surface;
    mutable HouseFigures figures;
    mutable HouseBoard house;

    /// Whether something asks for what all its accounts hold and owe.
    [[nodiscard]] bool counts_exposure() const {
        return parameters->has_open_interest_caps() || profile.caps.exposure_cents > 0 ||
               !profile.caps.protocols.empty();
    }
};

/// How the node stands among others, for readiness and operators. **Thread:** any.
class NodeBoard {
public:
    /// All of it, as one look saw it.
    struct Standing {
        std::string trouble;                 ///< Why it takes no part; empty while it does.
        std::vector<store::Member> members;  ///< At the last look.
        std::vector<std::string> linked;     ///< Names of those that can be reached.
    };
    /// As the host of the node last saw it.
    void store(Standing standing) {
        const std::scoped_lock lock(mutex_);
        standing_ = std::move(standing);
    }
    [[nodiscard]] Standing load() const {
        const std::scoped_lock lock(mutex_);
        return standing_;
    }

private:
    mutable std::mutex mutex_;
    Standing standing_;
};

/// The node's parts. Outlives every actor.
struct Context {
    base::Listing listing;
    std::string cluster;
    std::uint16_t partitions{base::limits::partitions_default};
    ActorOptions options;
    std::vector<std::unique_ptr<Broker>> brokers;  ///< By BrokerId.
    std::unique_ptr<risk::Model> model;
    ledger::journal::Journal* journal{};
    std::unique_ptr<metrics::Instruments> own_instruments;
    metrics::Instruments* instruments{};
    Log log;
    std::function<base::Timestamp()> now;                  ///< The host's clock.
    std::vector<std::unique_ptr<PartitionStatus>> status;  ///< By PartitionId.
    std::optional<ClusterOptions> among;  ///< None: this node is alone and owns every partition.
    store::Directory* directory{};        ///< Of the others; with `among` only.
    mutable NodeBoard node;
    mutable ShardBoard shard_views;
    mutable PauseBoard paused;
    mutable LastPriceBoard last_prices;
    MarkBoard last_marks;
    MarkBoard last_indices;  ///< Those that are published.
    MarkBoard last_funding;  ///< Of perpetuals, as `risk::Market` has them.
    /// The last member, so that it ends first: callbacks of an adapter use what stands above until
    /// it is gone.
    std::map<std::pair<base::BrokerId, base::ShardId>, std::unique_ptr<shards::Shard>> shards;

    /// The broker of that number. **Requires:** it is configured.
    [[nodiscard]] const Broker& broker(base::BrokerId id) const {
        CHECK(id.v < brokers.size(), "a broker is configured");
        return *brokers[id.v];
    }
};

}  // namespace crossclear::actors
