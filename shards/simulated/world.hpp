#pragma once

#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "shards/port.hpp"
#include "shards/simulated/chain.hpp"
#include "shards/simulated/log.hpp"
#include "shards/simulated/mailbox.hpp"
#include "shards/simulated/outside.hpp"
#include "shards/simulated/parameters.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

/// All simulated chains of one process, the bridges between them and the hand that moves prices.

namespace crossclear::shards::simulated {

/// Who moves the time of a world.
enum class Clock : std::uint8_t {
    wall,     ///< A thread of the world, by the wall clock.
    stepped,  ///< The caller, by `advance_to`; everything then happens on the caller's thread.
};

/// A world to open.
struct WorldConfig {
    base::Listing listing;
    std::vector<ChainParameters> chains;
    std::filesystem::path directory;  ///< One log per chain; empty keeps everything in memory.
    Clock clock{Clock::wall};
    base::Timestamp start;  ///< stepped: now. wall: ignored.
};

/// Calls waiting for the world's thread; beyond it a shard does not answer.
inline constexpr std::size_t calls_waiting_max = 65'536;

/// The outside world in small. It must outlive the shards it hands out.
///
/// **Thread:** any. One thread owns the chains; calls queue for it and it runs the callbacks. With
/// a stepped clock the queue runs inside `advance_to` and `run_calls`, which one thread uses.
class SimulatedWorld final : public OutsideWorld {
public:
    /// Opens the chains, each from its log if it has one. Faults begin as configured, prices unset:
    /// orders wait for them.
    /// **Errors:** of the first log that cannot be used.
    [[nodiscard]] static base::Result<std::unique_ptr<SimulatedWorld>, LogFault> open(
        WorldConfig config);
    /// Stops. Calls not yet answered never are.
    ~SimulatedWorld() override;

    [[nodiscard]] std::unique_ptr<Shard> shard(base::ShardId shard, base::BrokerId broker) override;
    /// What the world was opened with.
    [[nodiscard]] const base::Listing& listing() const noexcept { return config_.listing; }
    [[nodiscard]] bool has_shard(base::ShardId shard) const { return sites_.contains(shard); }
    /// The price of an instrument on every chain that trades it. **Requires:** `is_price`.
    void set_price(base::InstrumentId instrument, base::Price price);
    void set_price(base::AssetId asset, base::Price price) override;
    void set_funding(base::AssetId asset, base::Price index) override;
    /// As `OutsideWorld::deposit`; always answers.
    [[nodiscard]] base::Result<void, DepositFault> deposit(base::ShardId shard,
                                                           base::AccountId account,
                                                           base::AssetId asset,
                                                           base::Amount amount) override;

    /// As `Chain::set_faults`, and what is on now. **Requires:** a shard of this world.
    void set_faults(base::ShardId shard, Faults faults);
    [[nodiscard]] Faults faults(base::ShardId shard);
    /// A protocol fails: every vault on the shard loses a share of `asset`.
    void fail_protocol(base::ShardId shard, base::AssetId asset, base::Ppm share);
    /// What a broker holds at the newest final block, whatever faults are on.
    [[nodiscard]] Balances balances(base::ShardId shard, base::BrokerId broker);
    /// What went wrong with a log since the world was opened; its chain has stopped.
    [[nodiscard]] std::optional<LogFault> fault();

    /// Stepped clock: runs waiting calls, then all blocks due until `now`, in order of time.
    void advance_to(base::Timestamp now);
    /// Stepped clock: runs waiting calls at the present time.
    void run_calls();
    /// Stepped clock: a chain, to look at.
    [[nodiscard]] const Chain& chain(base::ShardId shard) const;

private:
    friend class SimulatedShard;

    struct Site {
        std::unique_ptr<Chain> chain;
        std::optional<Log> log;
        bool is_stopped{};
        /// Several may listen for one broker: its home moves between nodes.
        std::map<base::BrokerId, std::vector<std::weak_ptr<Mailbox>>> mailboxes;
    };
    using Call = std::function<void()>;

    explicit SimulatedWorld(WorldConfig config);

    [[nodiscard]] std::optional<LogFault> open_site(const ChainParameters& parameters);
    [[nodiscard]] bool post(Call call);
    template <class Answer>
    Answer run_and_wait(std::function<Answer()> call);
    void at_venues_of(base::InstrumentId instrument, const std::function<void(Chain&)>& act);
    void run_by_the_clock();
    void run_queue();
    void make_blocks(base::Timestamp now);
    void commit(Site& site);
    void carry_over_bridges(base::Timestamp now);
    [[nodiscard]] std::optional<base::Timestamp> next_slot_at() const;
    [[nodiscard]] base::Timestamp now() const;
    [[nodiscard]] Site& site(base::ShardId shard);

    WorldConfig config_;
    std::map<base::ShardId, Site> sites_;
    base::Timestamp stepped_now_;
    std::optional<LogFault> fault_;

    std::mutex mutex_;
    std::condition_variable wakes_;
    std::deque<Call> calls_;
    bool is_stopping_{};
    std::thread thread_;
};

}  // namespace crossclear::shards::simulated
