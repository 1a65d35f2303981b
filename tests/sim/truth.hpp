#pragma once

#include "actors/gateway.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/replay.hpp"
#include "shards/port.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/lane_truth.hpp"
#include "tests/sim/stage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

/// What is committed, as an observer above all nodes knows it, and what must hold of it. An owner
/// claims that a record is durable when its journal says so; from then on the record is the truth,
/// and every later claim, answer, order and snapshot is held against it.

namespace crossclear::sim {

/// The logs as they were claimed, folded by the real machines.
class Truth {
public:
    Truth(Stage& stage, std::vector<std::shared_ptr<Disk>> disks);

    /// An owner was told that `record` is durable.
    void claim(base::PartitionId partition, const ledger::journal::Record& record);
    /// On how many acceptors a record was ever written.
    [[nodiscard]] std::size_t holders_of(const ledger::journal::Record& record) const;
    /// An order leaves for a shard.
    void check_order(const ledger::ShardOrder& order);
    /// A snapshot leaves for the store, from the owner with this fence.
    void check_snapshot(base::PartitionId partition, const ledger::journal::Fence& fence,
                        const ledger::journal::EntitySnapshot& snapshot);
    /// A client was shown an account.
    void check_view(const actors::AccountView& view);

    /// The answer that the account remembers, or null.
    [[nodiscard]] const ledger::account::Answer* answer_to(base::AccountId account,
                                                           base::CommandId id) const;
    /// On how many sides a matched trade is cleared for good.
    [[nodiscard]] std::size_t sides_cleared(base::AccountId buyer, base::CommandId id) const;
    [[nodiscard]] const ledger::Partition& partition(base::PartitionId id) const {
        return logs_[id.v].state;
    }
    [[nodiscard]] std::uint64_t records() const { return records_; }
    /// Of the signing lane, in a world that has one.
    [[nodiscard]] LaneTruth& lane() { return lane_; }
    [[nodiscard]] const std::vector<std::shared_ptr<Disk>>& disks() const { return disks_; }

    /// Whether every saga has ended and every message between partitions has arrived.
    [[nodiscard]] bool is_at_rest() const;
    /// What is still under way, in words.
    [[nodiscard]] std::string restless() const;
    /// What must hold of all that was ever committed, once nothing is under way.
    void check_at_rest();
    /// What must hold then of orders that were signed, before anybody asks where balances differ.
    void check_signed_orders();
    /// Where book and shard differ; empty where they do not.
    [[nodiscard]] std::string difference(
        const std::function<shards::Balances(base::ShardId, base::BrokerId)>& balances) const;
    /// Which acceptor lacks what was committed; empty where none does.
    [[nodiscard]] std::string lacking() const;
    /// Machines and books of one partition.
    void check_books(base::PartitionId partition);

private:
    // One transfer, as both sides have written it.
    struct Sent {
        ledger::account::TransferSent terms;
        std::optional<bool> is_taken;  // By the receiver.
        bool has_ended{};
    };
    // One matched trade, as both sides have written it.
    struct Matched {
        base::CommandId cause;
        base::AccountId seller;
        bool is_accepted{};
        bool is_bought{};
        bool is_aborted{};
        bool is_sold{};
        bool has_ended{};
    };
    struct Log {
        std::vector<ledger::journal::Head> heads;
        ledger::Partition state;
        std::uint64_t checked_at{};
    };
    void follow(base::PartitionId partition, const ledger::journal::Record& record);
    void take_in(base::PartitionId partition, const ledger::Entry& entry);
    void note_ends(const ledger::Entry& entry);
    void check_transfer(base::AccountId account, const ledger::account::Event& event);
    void check_match(base::AccountId account, const ledger::account::Event& event);
    void clear_match(base::AccountId account, const ledger::account::TradeNovated& trade);
    void note_marks(const ledger::Entry& entry);
    void remember_account(base::AccountId account);
    [[nodiscard]] std::vector<ledger::journal::Record> missing_before(
        base::PartitionId partition, const ledger::journal::Record& record) const;
    [[nodiscard]] std::string difference_on(const Disk& disk) const;

    Stage& stage_;
    std::vector<std::shared_ptr<Disk>> disks_;
    std::vector<Log> logs_;
    std::uint64_t records_{};
    LaneTruth lane_;
    /// By digest: on which disks a record was ever written, a bit each.
    std::unordered_map<std::uint64_t, std::uint32_t> written_on_;
    /// By account and version: its balances then, as one number.
    std::unordered_map<base::AccountId, std::vector<std::uint64_t>> balances_;
    std::map<std::pair<base::AccountId, std::uint64_t>, Sent> transfers_;
    std::map<std::pair<base::AccountId, std::uint64_t>, Matched> matches_;  ///< By buyer.
    std::set<base::OrderRef> sent_;
    std::map<base::OrderRef, bool> ended_orders_;  ///< Whether it took effect.
    std::map<base::EntityId, bool> ended_sagas_;   ///< Whether it was settled.
};

}  // namespace crossclear::sim
