#pragma once

#include "ledger/journal/port.hpp"
#include "store/quorum/quorum_journal.hpp"
#include "tests/sim/door.hpp"
#include "tests/sim/truth.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

/// The journal of one node: the real quorum over doors, and an observer who hears what its owner is
/// told.

namespace crossclear::sim {

/// A QuorumJournal that tells the truth what it claims.
class ObservedJournal final : public ledger::journal::Journal {
public:
    ObservedJournal(Stage& stage, Truth& truth, std::shared_ptr<Lifeline> life,
                    const std::vector<std::shared_ptr<Disk>>& disks);

    /// Whether an append is under way.
    [[nodiscard]] bool is_appending() const { return !appending_.empty(); }
    void stop() { quorum_->stop(); }

    void promised(base::PartitionId partition,
                  std::function<void(ledger::journal::PromisedOutcome)> done) override;
    void prepare(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::PrepareOutcome)> done) override;
    void append(ledger::journal::Append append,
                std::function<void(ledger::journal::AppendOutcome)> done) override;
    void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
              std::function<void(ledger::journal::ReadOutcome)> done) override;
    void confirm(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::ConfirmOutcome)> done) override;
    void store_snapshot(base::PartitionId partition, const ledger::journal::Fence& fence,
                        ledger::journal::EntitySnapshot snapshot,
                        std::function<void(ledger::journal::StoreSnapshotOutcome)> done) override;
    void trim(base::PartitionId partition, const ledger::journal::Fence& fence,
              const ledger::journal::Head& base,
              std::function<void(ledger::journal::TrimOutcome)> done) override {
        quorum_->trim(partition, fence, base, std::move(done));
    }
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override;
    [[nodiscard]] std::string trouble() const override { return quorum_->trouble(); }
    void tend(base::PartitionId partition) override { quorum_->tend(partition); }
    [[nodiscard]] bool wants_new_epoch(base::PartitionId partition) const override {
        return quorum_->wants_new_epoch(partition);
    }

private:
    void append_once(const ledger::journal::Append& append,
                     std::function<void(ledger::journal::AppendOutcome)> done);
    void on_outcome(const ledger::journal::Append& append,
                    const ledger::journal::AppendOutcome& outcome);

    Stage& stage_;
    Truth& truth_;
    std::shared_ptr<Lifeline> life_;
    std::shared_ptr<Door::Errand> errand_{std::make_shared<Door::Errand>()};
    std::map<base::PartitionId, std::uint64_t> appending_;  ///< Which record is under way.
    std::map<base::PartitionId, std::uint64_t> epochs_;     ///< What was prepared here.
    std::unique_ptr<store::QuorumJournal> quorum_;
};

}  // namespace crossclear::sim
