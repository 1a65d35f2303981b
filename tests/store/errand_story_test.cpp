#include "base/rng.hpp"
#include "store/memory/memory_journal.hpp"
#include "store/quorum/quorum_journal.hpp"
#include "tests/store/support.hpp"
#include "tests/store/town.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

namespace crossclear::store::test {
namespace {

// One owner after another, acceptors that come and go, and what each of them was told.
class Story {
public:
    explicit Story(std::uint64_t seed) : rng_(seed), journal_(town_.journal()) {}

    void run() {
        for (int step = 0; step < 120 && !::testing::Test::HasFatalFailure(); ++step) {
            const auto choice = rng_.below(10);
            if (choice < 2) come_or_go(rng_.below(3));
            if (choice == 2) spoil(rng_.below(3));
            if (choice == 3 || !is_owner_) {
                take_over();
            } else if (choice == 4) {
                trim_log();
            } else {
                write(std::to_string(step));
            }
        }
        for (std::size_t i = 0; i < 3; ++i) town_.back(i);
        // What still waits to fail is used up.
        for (int i = 0; i < 200 && !is_settled(); ++i) {
            if (!is_owner_) take_over();
            if (is_owner_) write("end");
        }
        EXPECT_TRUE(is_settled()) << "the acceptors never agree: " << committed_.size() << ", "
                                  << payloads_at(town_[0]).size() << ", "
                                  << payloads_at(town_[1]).size() << ", "
                                  << payloads_at(town_[2]).size() << "; owner " << is_owner_;
    }

private:
    void come_or_go(std::size_t i) {
        is_away_[i] = !is_away_[i];
        is_away_[i] ? town_.away(i) : town_.back(i);
    }
    void spoil(std::size_t i) {
        town_[i].fail_next_append(rng_.below(2) == 0 ? AppendFault::lost_before_write
                                                     : AppendFault::lost_after_write);
    }

    void take_over() {
        if (rng_.below(2) == 0) {
            journal_.reset();
            journal_ = town_.journal();
        }
        owner_ = fence(owner_.epoch + 1, static_cast<std::uint8_t>(rng_.below(250)));
        doubtful_.reset();
        is_owner_ = false;
        const auto outcome = prepare(*journal_, owner_);
        const auto* prepared = std::get_if<Prepared>(&outcome);
        if (prepared == nullptr) return;
        const auto all = read(*journal_, 1, 10'000);
        const auto* found = std::get_if<ReadRecords>(&all);
        if (found == nullptr) return;  // Whoever held the end is gone again.
        const auto first = found->records.empty() ? 1 : found->records.front().head.seq;
        if (!read_snapshot_until(first)) return;
        for (const auto& record : found->records) {
            if (record.head.seq > log_.size()) log_.push_back(record.payload);
        }
        last_ = prepared->last;
        ASSERT_EQ(last_.seq, log_.size());
        ASSERT_GE(log_.size(), committed_.size());
        ASSERT_TRUE(std::equal(committed_.begin(), committed_.end(), log_.begin()))
            << "a committed record is gone or changed";
        is_owner_ = true;
    }

    // What a trimmed log does not tell. Nothing is expected of one that is whole.
    bool read_snapshot_until(std::uint64_t first) {
        log_.clear();
        if (first == 1) return true;
        const auto outcome = read_snapshot(*journal_, entity_);
        const auto* found = std::get_if<SnapshotRead>(&outcome);
        if (found == nullptr) return false;
        EXPECT_FALSE(found->found.empty()) << "the log was trimmed and there is no snapshot";
        if (found->found.empty()) return false;
        std::istringstream state(found->found.front().state);
        for (std::string payload; std::getline(state, payload);) log_.push_back(payload);
        EXPECT_GE(log_.size(), first) << "the log was trimmed beyond its snapshot";
        return true;
    }

    // Stores what was committed, and drops the records that said it.
    void trim_log() {
        if (!is_owner_ || doubtful_ || log_.empty() || log_ != committed_) return;
        std::string state;
        for (const auto& payload : log_) state += payload + "\n";
        const EntitySnapshot snapshot{.entity = entity_, .at = last_, .state = state};
        const auto outcome = store_snapshot(*journal_, owner_, snapshot);
        if (std::holds_alternative<SnapshotStored>(outcome)) {
            static_cast<void>(trim(*journal_, owner_, last_));
        }
    }

    void write(const std::string& payload) {
        const Append next = doubtful_ ? *doubtful_ : batch(owner_, last_, payload);
        const auto outcome = append(*journal_, next);
        doubtful_ = next;
        if (!std::holds_alternative<Appended>(outcome)) return;
        doubtful_.reset();
        last_ = next.record.head;
        log_.push_back(next.record.payload);
        committed_ = log_;
    }

    [[nodiscard]] bool is_settled() {
        return !committed_.empty() && holds_all(0) && holds_all(1) && holds_all(2);
    }
    // All of it, or from its base on.
    [[nodiscard]] bool holds_all(std::size_t i) {
        const auto payloads = payloads_at(town_[i]);
        return !payloads.empty() && payloads.size() <= committed_.size() &&
               town_[i].records_of(partition).back().head.seq == committed_.size() &&
               std::equal(payloads.rbegin(), payloads.rend(), committed_.rbegin());
    }

    base::Rng rng_;
    Town town_;
    std::unique_ptr<QuorumJournal> journal_;
    std::array<bool, 3> is_away_{};
    Fence owner_;
    bool is_owner_{};
    Head last_;
    std::optional<Append> doubtful_;
    const base::EntityId entity_ = base::entity_of(base::AccountId{1});
    std::vector<std::string> log_;        // As the owner has it.
    std::vector<std::string> committed_;  // As far as a majority ever acknowledged.
};

// Goal: whatever comes and goes, no record that a majority had acknowledged is ever missing from
// what a later owner reads, and in the end all acceptors hold the same.
TEST(Errand, NothingCommittedIsLostWhateverComesAndGoes) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Story(seed).run();
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace crossclear::store::test
