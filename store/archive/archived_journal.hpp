#pragma once

#include "ledger/journal/port.hpp"
#include "store/archive/segments.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// An archive and the log that goes on behind it, read as one.

namespace crossclear::store {

/// For whoever only reads: audits and dumps. What the archive holds comes from there, the rest from
/// the journal behind it; the reader sees whether one follows the other.
///
/// **Thread:** one at a time. Reads of the archive call back at once.
class ArchivedJournal final : public ledger::journal::Journal {
public:
    ArchivedJournal(std::filesystem::path root, std::string cluster,
                    std::unique_ptr<ledger::journal::Journal> behind)
        : root_(std::move(root)), cluster_(std::move(cluster)), behind_(std::move(behind)) {}

    void promised(base::PartitionId partition,
                  std::function<void(ledger::journal::PromisedOutcome)> done) override {
        behind_->promised(partition, std::move(done));
    }
    void prepare(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::PrepareOutcome)> done) override {
        behind_->prepare(partition, fence, std::move(done));
    }
    void append(ledger::journal::Append append,
                std::function<void(ledger::journal::AppendOutcome)> done) override {
        behind_->append(std::move(append), std::move(done));
    }
    void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
              std::function<void(ledger::journal::ReadOutcome)> done) override;
    void confirm(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::ConfirmOutcome)> done) override {
        behind_->confirm(partition, fence, std::move(done));
    }
    void store_snapshot(base::PartitionId partition, const ledger::journal::Fence& fence,
                        ledger::journal::EntitySnapshot snapshot,
                        std::function<void(ledger::journal::StoreSnapshotOutcome)> done) override {
        behind_->store_snapshot(partition, fence, std::move(snapshot), std::move(done));
    }
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override {
        behind_->read_snapshot(partition, entity, std::move(done));
    }
    void trim(base::PartitionId partition, const ledger::journal::Fence& fence,
              const ledger::journal::Head& base,
              std::function<void(ledger::journal::TrimOutcome)> done) override {
        behind_->trim(partition, fence, base, std::move(done));
    }
    [[nodiscard]] std::string trouble() const override { return behind_->trouble(); }

    /// What a reader should know of the files, beside what they say.
    [[nodiscard]] std::vector<std::string> notes() const;

private:
    const std::filesystem::path root_;
    const std::string cluster_;
    std::unique_ptr<ledger::journal::Journal> behind_;
    std::map<base::PartitionId, ArchiveReader> readers_;  // Each where the last read left it.
};

}  // namespace crossclear::store
