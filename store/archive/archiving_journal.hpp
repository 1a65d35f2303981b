#pragma once

#include "ledger/journal/port.hpp"
#include "store/archive/archive.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

/// A journal that drops nothing before it is archived.

namespace crossclear::store {

/// What `trim` is told to drop is first read back, and written to the archive with the record that
/// stays as the base; only then the journal behind it is asked. Where that fails the trim is
/// declined: the log stays longer, and the owner's next round tries again. Everything else goes
/// straight through.
///
/// **Thread:** any.
class ArchivingJournal final : public ledger::journal::Journal {
public:
    /// Hears what is wrong with the archive, once a change, on any thread.
    using Complain = std::function<void(base::PartitionId, const std::string&)>;

    /// Both outlive this.
    ArchivingJournal(ledger::journal::Journal& behind, Archive& archive, Complain complain)
        : behind_(behind), archive_(archive), complain_(std::move(complain)) {}

    void promised(base::PartitionId partition,
                  std::function<void(ledger::journal::PromisedOutcome)> done) override {
        behind_.promised(partition, std::move(done));
    }
    void prepare(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::PrepareOutcome)> done) override {
        behind_.prepare(partition, fence, std::move(done));
    }
    void append(ledger::journal::Append append,
                std::function<void(ledger::journal::AppendOutcome)> done) override {
        behind_.append(std::move(append), std::move(done));
    }
    void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
              std::function<void(ledger::journal::ReadOutcome)> done) override {
        behind_.read(partition, from, count, std::move(done));
    }
    void confirm(base::PartitionId partition, const ledger::journal::Fence& fence,
                 std::function<void(ledger::journal::ConfirmOutcome)> done) override {
        behind_.confirm(partition, fence, std::move(done));
    }
    void store_snapshot(base::PartitionId partition, const ledger::journal::Fence& fence,
                        ledger::journal::EntitySnapshot snapshot,
                        std::function<void(ledger::journal::StoreSnapshotOutcome)> done) override {
        behind_.store_snapshot(partition, fence, std::move(snapshot), std::move(done));
    }
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override {
        behind_.read_snapshot(partition, entity, std::move(done));
    }
    void trim(base::PartitionId partition, const ledger::journal::Fence& fence,
              const ledger::journal::Head& base,
              std::function<void(ledger::journal::TrimOutcome)> done) override;
    [[nodiscard]] std::string trouble() const override { return behind_.trouble(); }
    [[nodiscard]] bool wants_new_epoch(base::PartitionId partition) const override {
        return behind_.wants_new_epoch(partition);
    }
    void tend(base::PartitionId partition) override { behind_.tend(partition); }

    /// Where the archive of each partition that was trimmed here ends.
    [[nodiscard]] std::map<base::PartitionId, std::uint64_t> archived() const;
    /// What is wrong with a partition's archive; empty where nothing is.
    [[nodiscard]] std::map<base::PartitionId, std::string> troubles() const;

private:
    struct Copy;  // What is to be archived before one trim.

    void find_end(const std::shared_ptr<Copy>& copy);
    void copy_next(const std::shared_ptr<Copy>& copy);
    void on_read(const std::shared_ptr<Copy>& copy, const ledger::journal::ReadOutcome& outcome);
    void write(const std::shared_ptr<Copy>& copy, std::vector<ledger::journal::Record> records);
    void decline(const std::shared_ptr<Copy>& copy, const std::string& why);
    void note(base::PartitionId partition, const std::string& trouble);
    [[nodiscard]] std::optional<ledger::journal::Head> end_of(base::PartitionId partition) const;
    void set_end(base::PartitionId partition, const ledger::journal::Head& end);

    ledger::journal::Journal& behind_;
    Archive& archive_;
    const Complain complain_;
    mutable std::mutex mutex_;
    std::map<base::PartitionId, ledger::journal::Head> ends_;
    std::map<base::PartitionId, std::string> troubles_;
};

}  // namespace crossclear::store
