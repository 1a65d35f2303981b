#pragma once

#include "base/ids.hpp"
#include "store/acceptor.hpp"
#include "store/redis/instance.hpp"
#include "store/redis/watch.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

/// A Redis instance as an acceptor: requests become scripts, answers become outcomes.

namespace crossclear::store {

/// **Thread:** any; callbacks run on the instance's own thread.
class RedisAcceptor final : public Acceptor {
public:
    /// `cluster` is the name that goes into the checksums of snapshots, `id` what its mark carries.
    RedisAcceptor(const Instance::Options& options, std::string cluster, std::string id,
                  std::uint16_t partition_count);

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
    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ledger::journal::ReadSnapshotOutcome)> done) override;

    void trim(base::PartitionId partition, const ledger::journal::Fence& fence,
              const ledger::journal::Head& base,
              std::function<void(ledger::journal::TrimOutcome)> done) override;

    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] Standing standing() const override { return instance_.standing(); }
    void watch(std::function<void()> changed) override { instance_.watch(std::move(changed)); }
    void list_snapshots(base::PartitionId partition, std::string from,
                        std::function<void(ListOutcome)> done) override;
    void begin_at(base::PartitionId partition, const ledger::journal::Fence& fence,
                  const ledger::journal::Record& base,
                  std::function<void(ledger::journal::AppendOutcome)> done) override;
    void admit(base::PartitionId partition, std::function<void(bool)> done) override;
    void stop() override { instance_.stop(); }

    /// Waits until it votes. Returns whether it does.
    [[nodiscard]] bool wait_until_ready(base::Duration timeout) const {
        return instance_.wait_until_ready(timeout);
    }

private:
    template <class Parse, class Done>
    void ask(Call call, Parse parse, Done done);
    [[nodiscard]] std::string id() const;

    const std::string name_;
    const std::string cluster_;
    const std::string id_;
    const std::uint16_t partition_count_;
    Instance instance_;
    Watch watch_;  // Last: it speaks to the instance.
};

}  // namespace crossclear::store
