#pragma once

#include "store/acceptor.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/lifeline.hpp"
#include "tests/sim/stage.hpp"

#include <functional>
#include <memory>
#include <string>

/// The way from one node to one acceptor: as long as the world wants it, and not safe.

namespace crossclear::sim {

/// One connection. Calls arrive in the order in which they were made, until one is lost: that one
/// may be executed all the same, at any time after.
class Door final : public store::Acceptor {
public:
    /// What the owner asks itself, in contrast to what is copied in the background.
    struct Errand {
        bool is_owner{};
    };

    Door(Stage& stage, std::shared_ptr<Disk> disk, std::shared_ptr<Lifeline> life,
         std::shared_ptr<Errand> errand);
    ~Door() override;

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
              std::function<void(ledger::journal::TrimOutcome)> done) override;
    void list_snapshots(base::PartitionId partition, std::string from,
                        std::function<void(store::ListOutcome)> done) override;
    void begin_at(base::PartitionId partition, const ledger::journal::Fence& fence,
                  const ledger::journal::Record& base,
                  std::function<void(ledger::journal::AppendOutcome)> done) override;
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override;
    void admit(base::PartitionId partition, std::function<void(bool)> done) override;

    [[nodiscard]] std::string name() const override;
    [[nodiscard]] store::Standing standing() const override { return seen_; }
    void watch(std::function<void()> changed) override { changed_ = std::move(changed); }
    void stop() override { changed_ = {}; }

private:
    template <class Outcome>
    void call(std::string_view what, std::function<Outcome(Disk&)> run, Outcome lost,
              std::function<void(Outcome)> done);
    void look();
    [[nodiscard]] store::Standing now_standing() const;

    Stage& stage_;
    std::shared_ptr<Disk> disk_;
    std::shared_ptr<Lifeline> life_;
    std::shared_ptr<Errand> errand_;
    std::uint64_t key_;
    store::Standing seen_;
    std::uint64_t seen_life_;
    std::uint64_t seen_wipes_;
    std::function<void()> changed_;
    std::function<void(int)> look_later_;
    base::Timestamp last_arrival_;
    std::shared_ptr<base::Timestamp> last_return_{std::make_shared<base::Timestamp>()};
};

}  // namespace crossclear::sim
