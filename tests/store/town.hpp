#pragma once

#include "store/memory/memory_journal.hpp"
#include "store/quorum/quorum_journal.hpp"
#include "tests/store/support.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace crossclear::store::test {

inline constexpr std::uint16_t town_partitions = 4;

/// What one acceptor holds of the partition, whoever owns it.
inline std::vector<std::string> payloads_at(const MemoryJournal& acceptor) {
    std::vector<std::string> payloads;
    for (const auto& record : acceptor.records_of(partition)) payloads.push_back(record.payload);
    return payloads;
}

/// Three acceptors in memory, which outlive the journals of the owners that use them.
class Town {
public:
    // What one owner uses: its own journal over everyone's acceptors.
    [[nodiscard]] std::unique_ptr<QuorumJournal> journal() {
        std::vector<std::unique_ptr<Acceptor>> doors;
        for (std::size_t i = 0; i < acceptors_.size(); ++i) {
            doors.push_back(std::make_unique<Door>(*acceptors_[i], gates_[i], lowest_seq_given));
        }
        return std::make_unique<QuorumJournal>(cluster, town_partitions, std::move(doors));
    }
    // The same, with another third.
    [[nodiscard]] std::unique_ptr<QuorumJournal> journal_with(MemoryJournal& third) {
        std::vector<std::unique_ptr<Acceptor>> doors;
        doors.push_back(std::make_unique<Door>(*acceptors_[0], gates_[0], lowest_seq_given));
        doors.push_back(std::make_unique<Door>(*acceptors_[1], gates_[1], lowest_seq_given));
        doors.push_back(std::make_unique<Door>(third, gates_[2], lowest_seq_given));
        return std::make_unique<QuorumJournal>(cluster, town_partitions, std::move(doors));
    }
    MemoryJournal& operator[](std::size_t i) { return *acceptors_[i]; }
    void away(std::size_t i) {
        acceptors_[i]->set_standing({Standing::Kind::away, "the test took it away"});
    }
    void back(std::size_t i) { acceptors_[i]->set_standing({Standing::Kind::voting, {}}); }
    // Keeps promises and reads that are asked of one back, errands with them, until it is released.
    void hold(std::size_t i) { gates_[i].is_held = true; }
    void release(std::size_t i) {
        gates_[i].is_held = false;
        for (const auto& call : std::exchange(gates_[i].calls, {})) call();
    }

    std::uint64_t lowest_seq_given{UINT64_MAX};  // Of all appends since the test looked.

private:
    // What is kept back on its way to an acceptor.
    struct Gate {
        bool is_held{};
        std::vector<std::function<void()>> calls;

        void pass(std::function<void()> call) {
            is_held ? calls.push_back(std::move(call)) : call();
        }
    };

    // Lets a journal end without ending its acceptor.
    class Door final : public Acceptor {
    public:
        Door(MemoryJournal& behind, Gate& gate, std::uint64_t& lowest)
            : behind_(behind), gate_(gate), lowest_(lowest) {}
        void promised(base::PartitionId p, std::function<void(PromisedOutcome)> done) override {
            if (!is_stopped_) behind_.promised(p, std::move(done));
        }
        void prepare(base::PartitionId p, const Fence& fence,
                     std::function<void(PrepareOutcome)> done) override {
            if (is_stopped_) return;
            gate_.pass([&behind = behind_, p, fence, done = std::move(done)] {
                behind.prepare(p, fence, done);
            });
        }
        void append(Append append, std::function<void(AppendOutcome)> done) override {
            lowest_ = std::min(lowest_, append.record.head.seq);
            if (!is_stopped_) behind_.append(std::move(append), std::move(done));
        }
        void read(base::PartitionId p, std::uint64_t from, std::size_t count,
                  std::function<void(ReadOutcome)> done) override {
            if (is_stopped_) return;
            gate_.pass([&behind = behind_, p, from, count, done = std::move(done)] {
                behind.read(p, from, count, done);
            });
        }
        void confirm(base::PartitionId p, const Fence& fence,
                     std::function<void(ConfirmOutcome)> done) override {
            if (!is_stopped_) behind_.confirm(p, fence, std::move(done));
        }
        void store_snapshot(base::PartitionId p, const Fence& fence, EntitySnapshot snapshot,
                            std::function<void(StoreSnapshotOutcome)> done) override {
            behind_.store_snapshot(p, fence, std::move(snapshot), std::move(done));
        }
        void read_snapshot(base::PartitionId p, base::EntityId entity,
                           std::function<void(ReadSnapshotOutcome)> done) override {
            behind_.read_snapshot(p, entity, std::move(done));
        }
        void trim(base::PartitionId p, const Fence& fence, const Head& base,
                  std::function<void(TrimOutcome)> done) override {
            if (!is_stopped_) behind_.trim(p, fence, base, std::move(done));
        }
        void list_snapshots(base::PartitionId p, std::string from,
                            std::function<void(ListOutcome)> done) override {
            if (!is_stopped_) behind_.list_snapshots(p, std::move(from), std::move(done));
        }
        void begin_at(base::PartitionId p, const Fence& fence, const Record& base,
                      std::function<void(AppendOutcome)> done) override {
            if (!is_stopped_) behind_.begin_at(p, fence, base, std::move(done));
        }
        [[nodiscard]] std::string name() const override { return behind_.name(); }
        [[nodiscard]] Standing standing() const override { return behind_.standing(); }
        void watch(std::function<void()> changed) override { behind_.watch(std::move(changed)); }
        void admit(base::PartitionId p, std::function<void(bool)> done) override {
            behind_.admit(p, std::move(done));
        }
        void stop() override {
            is_stopped_ = true;
            behind_.watch({});
        }

    private:
        MemoryJournal& behind_;
        Gate& gate_;
        std::uint64_t& lowest_;
        bool is_stopped_{};
    };

    std::array<Gate, 3> gates_;
    std::array<std::unique_ptr<MemoryJournal>, 3> acceptors_{
        std::make_unique<MemoryJournal>(cluster), std::make_unique<MemoryJournal>(cluster),
        std::make_unique<MemoryJournal>(cluster)};
};

}  // namespace crossclear::store::test
