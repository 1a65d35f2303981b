#include "base/rng.hpp"
#include "store/memory/memory_journal.hpp"
#include "store/quorum/quorum_journal.hpp"
#include "tests/store/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>

namespace crossclear::store::test {
namespace {

constexpr std::uint16_t partition_count = 4;

// Three acceptors in memory, which outlive the journals of the owners that use them.
class Town {
public:
    // What one owner uses: its own journal over everyone's acceptors.
    [[nodiscard]] std::unique_ptr<QuorumJournal> journal() {
        std::vector<std::unique_ptr<Acceptor>> doors;
        for (auto& acceptor : acceptors_) doors.push_back(std::make_unique<Door>(*acceptor));
        return std::make_unique<QuorumJournal>(cluster, partition_count, std::move(doors));
    }
    MemoryJournal& operator[](std::size_t i) { return *acceptors_[i]; }
    void away(std::size_t i) {
        acceptors_[i]->set_standing({Standing::Kind::away, "the test took it away"});
    }
    void back(std::size_t i) { acceptors_[i]->set_standing({Standing::Kind::voting, {}}); }

private:
    // Lets a journal end without ending its acceptor.
    class Door final : public Acceptor {
    public:
        explicit Door(MemoryJournal& behind) : behind_(behind) {}
        void promised(base::PartitionId p, std::function<void(PromisedOutcome)> done) override {
            if (!is_stopped_) behind_.promised(p, std::move(done));
        }
        void prepare(base::PartitionId p, const Fence& fence,
                     std::function<void(PrepareOutcome)> done) override {
            if (!is_stopped_) behind_.prepare(p, fence, std::move(done));
        }
        void append(Append append, std::function<void(AppendOutcome)> done) override {
            if (!is_stopped_) behind_.append(std::move(append), std::move(done));
        }
        void read(base::PartitionId p, std::uint64_t from, std::size_t count,
                  std::function<void(ReadOutcome)> done) override {
            if (!is_stopped_) behind_.read(p, from, count, std::move(done));
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
        bool is_stopped_{};
    };

    std::array<std::unique_ptr<MemoryJournal>, 3> acceptors_{
        std::make_unique<MemoryJournal>(cluster), std::make_unique<MemoryJournal>(cluster),
        std::make_unique<MemoryJournal>(cluster)};
};

std::vector<std::string> payloads_at(const MemoryJournal& acceptor) {
    std::vector<std::string> payloads;
    for (const auto& record : acceptor.records_of(partition)) payloads.push_back(record.payload);
    return payloads;
}

// Goal: a record that only a minority got was never committed; it must not come back.
TEST(Errand, ReplacesATailThatNobodyChose) {
    Town town;
    auto first = town.journal();
    prepare(*first, fence(1));
    const Head common = append_all(*first, fence(1), Head{}, {"a", "b", "c"});
    town.away(0);
    town.away(1);
    EXPECT_TRUE(std::holds_alternative<Unknown>(
        append(*first, batch(fence(1), common, "only on the third"))));
    first.reset();
    town.back(0);
    town.back(1);
    town.away(2);
    auto second = town.journal();
    EXPECT_EQ(std::get<Prepared>(prepare(*second, fence(2))).last, common);
    append_all(*second, fence(2), common, {"d", "e"});
    town.back(2);
    EXPECT_EQ(payloads_at(town[2]), payloads_at(town[0]));
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

// Goal: a tail may be longer than the log that was chosen, and older by many owners.
TEST(Errand, FindsTheLastCommonRecordFarBack) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a", "b"});
    const Head common = last;
    town.away(1);
    town.away(2);
    static_cast<void>(append(*journal, batch(fence(1), last, "tail")));
    // The first alone believes in a long tail.
    for (int i = 0; i < 40; ++i) {
        const Append next = batch(fence(1), town[0].records_of(partition).back().head, "tail");
        ASSERT_TRUE(std::holds_alternative<Appended>(append(town[0], next)));
    }
    journal.reset();
    town.back(1);
    town.back(2);
    town.away(0);
    journal = town.journal();
    EXPECT_EQ(std::get<Prepared>(prepare(*journal, fence(2))).last, common);
    last = append_all(*journal, fence(2), common, {"c", "d", "e"});
    town.back(0);
    EXPECT_EQ(payloads_at(town[0]), payloads_at(town[1]));
    EXPECT_EQ(payloads_at(town[0]).size(), 5u);
}

TEST(Errand, AnAppendThatFindsAGapStartsIt) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a"});
    town[2].fail_next_append(AppendFault::lost_before_write);
    last = append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(payloads_at(town[2]).size(), 1u);
    append_all(*journal, fence(1), last, {"c"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c"}));
}

// Goal: nobody needs to trade for an idle partition to be whole again.
TEST(Errand, AnOwnerTendsWhatIsIdle) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    const Head last = append_all(*journal, fence(1), Head{}, {"a"});
    town[2].fail_next_append(AppendFault::lost_before_write);
    append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(payloads_at(town[2]).size(), 1u);
    journal->tend(partition);
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b"}));
}

// Goal: a takeover that was given up after one promise must not cost that acceptor for good; and
// one that is under way must not be answered with another.
TEST(Errand, APromiseThatNobodyFollowsUpIsOutbid) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a"});
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(town[2], fence(7))));
    last = append_all(*journal, fence(1), last, {"b"});
    EXPECT_EQ(payloads_at(town[2]).size(), 1u);
    journal->tend(partition);
    EXPECT_FALSE(journal->wants_new_epoch(partition)) << "its owner may be on the way";
    journal->tend(partition);
    EXPECT_TRUE(journal->wants_new_epoch(partition));
    const std::uint64_t epoch = std::get<Promised>(promised(*journal)).epoch;
    EXPECT_EQ(epoch, 7u) << "the first two to answer know of none above 1";
    EXPECT_EQ(std::get<Prepared>(prepare(*journal, fence(epoch + 1))).last, last);
    append_all(*journal, fence(epoch + 1), last, {"c"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c"}));
    journal->tend(partition);
    journal->tend(partition);
    EXPECT_FALSE(journal->wants_new_epoch(partition));
}

// Goal: the same where nobody trades: the errand finds out.
TEST(Errand, APromiseIsOutbidInAnIdlePartitionToo) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    append_all(*journal, fence(1), Head{}, {"a"});
    town.away(2);
    ASSERT_TRUE(std::holds_alternative<Prepared>(prepare(town[2], fence(7))));
    town.back(2);
    journal->tend(partition);
    journal->tend(partition);
    EXPECT_TRUE(journal->wants_new_epoch(partition));
}

TEST(Errand, AJoiningAcceptorWaitsForANewerEpoch) {
    Town town;
    auto journal = town.journal();
    prepare(*journal, fence(1));
    Head last = append_all(*journal, fence(1), Head{}, {"a", "b"});
    town[2].wipe();
    town[2].set_standing({Standing::Kind::joining, "it was emptied"}, 1);
    last = append_all(*journal, fence(1), last, {"c"});
    EXPECT_TRUE(payloads_at(town[2]).empty());
    EXPECT_TRUE(journal->wants_new_epoch(partition));
    EXPECT_EQ(std::get<Prepared>(prepare(*journal, fence(2))).last, last);
    EXPECT_TRUE(payloads_at(town[2]).empty()) << "nothing is committed in the newer epoch yet";
    append_all(*journal, fence(2), last, {"d"});
    EXPECT_EQ(payloads_at(town[2]), (std::vector<std::string>{"a", "b", "c", "d"}));
    EXPECT_EQ(town[2].standing().kind, Standing::Kind::voting);
    EXPECT_FALSE(journal->wants_new_epoch(partition));
    // From then on it is brought up to date like any other.
    last = town[2].records_of(partition).back().head;
    town[2].fail_next_append(AppendFault::lost_before_write);
    last = append_all(*journal, fence(2), last, {"e", "f"});
    EXPECT_EQ(payloads_at(town[2]), payloads_at(town[0]));
}

// Goal: whatever comes and goes, no record that a majority had acknowledged is ever missing from
// what a later owner reads, and in the end all acceptors hold the same.
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
            } else if (choice > 3) {
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
        log_.clear();
        for (const auto& record : found->records) log_.push_back(record.payload);
        last_ = prepared->last;
        ASSERT_EQ(last_.seq, log_.size());
        ASSERT_GE(log_.size(), committed_.size());
        ASSERT_TRUE(std::equal(committed_.begin(), committed_.end(), log_.begin()))
            << "a committed record is gone or changed";
        is_owner_ = true;
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
        return !committed_.empty() && payloads_at(town_[0]) == committed_ &&
               payloads_at(town_[1]) == committed_ && payloads_at(town_[2]) == committed_;
    }

    base::Rng rng_;
    Town town_;
    std::unique_ptr<QuorumJournal> journal_;
    std::array<bool, 3> is_away_{};
    Fence owner_;
    bool is_owner_{};
    Head last_;
    std::optional<Append> doubtful_;
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
