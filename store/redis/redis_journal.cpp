#include "store/redis/redis_journal.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "ledger/journal/chain.hpp"
#include "store/redis/creation.hpp"
#include "store/redis/instance.hpp"
#include "store/redis/limits.hpp"
#include "store/redis/majority.hpp"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

// Checks that each record follows the one before it. `known` is where the reader stands: nothing
// before record 1, else the record before the first wanted one, which was read along and is
// dropped.
ReadOutcome verified(std::string_view cluster, base::PartitionId partition, std::uint64_t from,
                     ReadRecords read) {
    auto& records = read.records;
    if (records.empty()) return read;
    Head previous;
    std::size_t next = 0;
    // A log that was trimmed begins with a record whose predecessor is gone; it is the base.
    if (from > 1 || records.front().head.seq > 1) {
        previous = records.front().head;
        next = 1;
    }
    for (; next < records.size(); ++next) {
        if (!is_linked(cluster, partition, previous, records[next])) {
            return Damaged{fmt::format(
                "partition {}: record {} does not follow its predecessor; the log was altered",
                partition.v, records[next].head.seq)};
        }
        previous = records[next].head;
    }
    if (records.front().head.seq < from) records.erase(records.begin());
    return read;
}

class RedisJournal final : public Journal {
public:
    RedisJournal(const RedisOptions& options, const std::string& id)
        : cluster_(options.cluster), id_(id), partitions_(options.partition_count) {
        for (const Endpoint& endpoint : options.endpoints) {
            instances_.push_back(std::make_unique<Instance>(
                Instance::Options{.endpoint = endpoint,
                                  .wanted = wanted_mark(options, id),
                                  .connect_timeout = options.connect_timeout,
                                  .call_timeout = options.call_timeout}));
        }
        for (Known& known : partitions_) known.heads.resize(instances_.size());
    }

    // Whether a majority took part before the time-out; whoever else is missing may come later.
    [[nodiscard]] bool wait_until_ready(base::Duration timeout) const {
        const auto deadline =
            std::chrono::steady_clock::now() + std::chrono::microseconds(timeout.us);
        while (!trouble().empty()) {
            if (std::chrono::steady_clock::now() >= deadline) return false;
            for (const auto& instance : instances_) {
                static_cast<void>(instance->wait_until_ready(limits::backoff_min));
            }
        }
        return true;
    }

    void promised(base::PartitionId partition, std::function<void(PromisedOutcome)> done) override {
        check_partition(partition);
        ask<PromisedOutcome>(
            promised_call(id_, partition), &decide_promised, std::move(done),
            [](std::size_t, const CallResult& result) { return parse_promised(result); });
    }

    void prepare(base::PartitionId partition, const Fence& fence,
                 std::function<void(PrepareOutcome)> done) override {
        check_partition(partition);
        CHECK(fence.epoch > 0, "epoch 0 means that nothing was ever promised");
        ask<PrepareOutcome>(
            prepare_call(id_, partition, fence),
            [fence](const Votes<PrepareOutcome>& votes) { return decide_prepare(votes, fence); },
            std::move(done),
            [this, partition](std::size_t instance, const CallResult& result) {
                PrepareOutcome outcome = parse_prepare(result);
                if (const auto* prepared = std::get_if<Prepared>(&outcome)) {
                    remember(partition, instance, prepared->last);
                }
                return outcome;
            });
    }

    void append(Append append, std::function<void(AppendOutcome)> done) override {
        check_partition(append.partition);
        CHECK(append.record.head.seq == append.expected.seq + 1,
              "a record follows what it expects");
        CHECK(append.record.payload.size() <= base::limits::record_bytes_max,
              "a record is bounded");
        const base::PartitionId partition = append.partition;
        const Fence fence = append.fence;
        const Head head = append.record.head;
        ask<AppendOutcome>(
            append_call(id_, std::move(append)),
            [fence](const Votes<AppendOutcome>& votes) { return decide_append(votes, fence); },
            std::move(done),
            [this, partition, head](std::size_t instance, const CallResult& result) {
                AppendOutcome outcome = parse_append(result);
                if (std::holds_alternative<Appended>(outcome)) {
                    remember(partition, instance, head);
                }
                return outcome;
            });
    }

    void read(base::PartitionId partition, std::uint64_t from, std::size_t count,
              std::function<void(ReadOutcome)> done) override {
        check_partition(partition);
        const std::uint64_t first = from > 1 ? from - 1 : 1;
        const std::size_t wanted = from > 1 ? count + 1 : count;
        auto call = std::make_shared<const Call>(read_call(id_, partition, first, wanted));
        instances_[best_for(partition)]->submit(
            std::move(call),
            [this, partition, from, done = std::move(done)](const CallResult& result) {
                ReadOutcome outcome = parse_read(result);
                if (auto* read = std::get_if<ReadRecords>(&outcome)) {
                    outcome = verified(cluster_, partition, from, std::move(*read));
                }
                done(std::move(outcome));
            });
    }

    void store_snapshot(base::PartitionId partition, const Fence& fence, EntitySnapshot snapshot,
                        std::function<void(StoreSnapshotOutcome)> done) override {
        check_partition(partition);
        ask<StoreSnapshotOutcome>(
            snapshot_call(id_, cluster_, partition, fence, snapshot),
            [fence](const Votes<StoreSnapshotOutcome>& votes) {
                return decide_snapshot(votes, fence);
            },
            std::move(done),
            [](std::size_t, const CallResult& result) { return parse_snapshot(result); });
    }

    void read_snapshot(base::PartitionId partition, base::EntityId entity,
                       std::function<void(ReadSnapshotOutcome)> done) override {
        check_partition(partition);
        ask<ReadSnapshotOutcome>(
            snapshot_read_call(id_, partition, entity), &decide_read_snapshot, std::move(done),
            [this, partition, entity](std::size_t, const CallResult& result) {
                return parse_snapshot_read(result, cluster_, partition, entity);
            });
    }

    [[nodiscard]] std::string trouble() const override {
        std::size_t voting = 0;
        std::string reasons;
        for (const auto& instance : instances_) {
            const std::string reason = instance->trouble();
            if (reason.empty()) ++voting;
            if (!reason.empty() && !reasons.empty()) reasons += "; ";
            reasons += reason;
        }
        return voting >= majority_of(instances_.size()) ? std::string{} : reasons;
    }

private:
    // What each instance's log of one partition is known to end with.
    struct Known {
        std::vector<Head> heads;
    };

    void check_partition(base::PartitionId partition) const {
        CHECK(partition.v < partitions_.size(), "the partition is one of this cluster");
    }

    // Sends one call to every instance and lets `decide` make one outcome of the answers.
    template <class Outcome, class Parse>
    void ask(Call call, typename Tally<Outcome>::Decide decide, typename Tally<Outcome>::Done done,
             Parse parse) {
        const auto shared = std::make_shared<const Call>(std::move(call));
        const auto tally =
            std::make_shared<Tally<Outcome>>(instances_.size(), std::move(decide), std::move(done));
        for (std::size_t i = 0; i < instances_.size(); ++i) {
            instances_[i]->submit(shared, [tally, parse, i](const CallResult& result) {
                tally->vote(i, parse(i, result));
            });
        }
    }

    void remember(base::PartitionId partition, std::size_t instance, const Head& head) {
        const std::lock_guard lock(mutex_);
        partitions_[partition.v].heads[instance] = head;
    }

    // The instance to read from: the most complete log among those that answer.
    [[nodiscard]] std::size_t best_for(base::PartitionId partition) const {
        std::vector<Head> heads;
        {
            const std::lock_guard lock(mutex_);
            heads = partitions_[partition.v].heads;
        }
        const auto rank = [&](std::size_t i) {
            return std::tuple(instances_[i]->trouble().empty(), heads[i].record_epoch,
                              heads[i].seq);
        };
        std::size_t best = 0;
        for (std::size_t i = 1; i < instances_.size(); ++i) {
            if (rank(i) > rank(best)) best = i;
        }
        return best;
    }

    const std::string cluster_;
    const std::string id_;
    mutable std::mutex mutex_;
    std::vector<Known> partitions_;
    // Last, so that their threads end before what their callbacks use.
    std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace

base::Result<std::unique_ptr<Journal>, StoreError> open_redis_journal(const RedisOptions& options) {
    const auto id = join_or_create_cluster(options);
    if (!id) return base::Failure{id.error()};
    auto journal = std::make_unique<RedisJournal>(options, *id);
    if (!journal->wait_until_ready(options.open_timeout)) {
        return base::Failure{StoreError{.fault = StoreFault::unreachable,
                                        .subject = to_string(options.endpoints.front()),
                                        .expected = "a majority that stays reachable",
                                        .found = journal->trouble(),
                                        .remedy = "See what stops the instances; then try again."}};
    }
    return std::unique_ptr<Journal>(std::move(journal));
}

}  // namespace crossclear::store
