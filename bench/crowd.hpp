#pragma once

#include "app/config.hpp"
#include "bench/load.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/netting/state.hpp"
#include "ledger/shadow.hpp"
#include "shards/simulated/world.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

/// Many accounts that a cluster has known for long: what its journal, its snapshots and the chains
/// hold of them, made without a node and as a node would have made it.

namespace crossclear::bench {

/// A cluster on this machine, for nodes that are processes of their own.
struct ClusterPlan {
    std::string data;                ///< The world's files and its socket.
    std::vector<std::string> redis;  ///< Unix sockets: one, or an odd number.
    LoadOptions load;                ///< Whose accounts have a key.
};

/// The demo's brokers and shards, with marks that stand still. Its node is alone.
[[nodiscard]] app::Config cluster_config(const ClusterPlan& plan);

/// What stays the same for all accounts of a crowd.
inline constexpr std::int64_t crowd_deposit_usdc = 25'000;

/// Makes a crowd: each account deposits on a chain, that deposit becomes final and is booked, it
/// buys a little, and its claim is covered. Chains, machines and journal are the real ones; time
/// is the caller's, so that it takes seconds. At the end everything is stored as a keeper of
/// snapshots would have, and every partition can be taken over.
///
/// **Thread:** one.
class Crowd {
public:
    /// **Requires:** an empty journal and no chains' files in the configuration's directory.
    Crowd(const app::Config& config, ledger::journal::Journal& journal);
    ~Crowd();

    /// Makes it; returns why it could not, or nothing.
    [[nodiscard]] std::optional<std::string> make(std::uint64_t accounts);

    [[nodiscard]] std::uint64_t events() const { return events_; }
    [[nodiscard]] std::uint64_t records() const { return records_; }
    [[nodiscard]] std::uint16_t partitions() const { return config_.partitions; }
    /// As it was stored. **Requires:** made.
    [[nodiscard]] const ledger::Shadow& shadow(base::PartitionId partition) const;

private:
    struct Part;

    [[nodiscard]] bool take_over(Part& part);
    void found(base::BrokerId broker);
    void listen();
    void on_deposit(const ledger::DepositNotice& notice);
    void trade(ledger::account::State& account, std::vector<ledger::Entry>& entries);
    void grant();
    void store_rest();
    void add(base::PartitionId partition, std::vector<ledger::Entry> entries);
    void flush(Part& part);
    void store(Part& part, const base::EntityId& entity, std::string state);
    void begin_call();
    void end_call(bool is_good);
    void wait_for_calls();

    const app::Config& config_;
    ledger::journal::Journal& journal_;
    std::unique_ptr<shards::simulated::SimulatedWorld> world_;
    std::vector<std::unique_ptr<shards::Shard>> shards_;
    base::Timestamp now_;
    std::vector<std::unique_ptr<Part>> parts_;
    std::map<base::BrokerId, ledger::netting::State> houses_;
    std::uint64_t booked_{};
    std::uint64_t events_{};
    std::uint64_t records_{};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t calls_{};
    bool has_failed_{};
};

}  // namespace crossclear::bench
