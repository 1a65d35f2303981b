#include "tests/sim/journal.hpp"

#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"

#include <utility>
#include <variant>

namespace crossclear::sim {

using namespace ledger::journal;

namespace {

std::unique_ptr<store::QuorumJournal> quorum_of(Stage& stage, const std::shared_ptr<Lifeline>& life,
                                                const std::shared_ptr<Door::Errand>& errand,
                                                const std::vector<std::shared_ptr<Disk>>& disks) {
    std::vector<std::unique_ptr<store::Acceptor>> doors;
    for (const auto& disk : disks) {
        doors.push_back(std::make_unique<Door>(stage, disk, life, errand));
    }
    return std::make_unique<store::QuorumJournal>(cluster, stage.plan.partitions, std::move(doors));
}

// While it lives, what doors are asked is asked by the owner itself.
class AsOwner {
public:
    explicit AsOwner(std::shared_ptr<Door::Errand> errand)
        : errand_(std::move(errand)), before_(std::exchange(errand_->is_owner, true)) {}
    AsOwner(const AsOwner&) = delete;
    AsOwner& operator=(const AsOwner&) = delete;
    ~AsOwner() { errand_->is_owner = before_; }

private:
    std::shared_ptr<Door::Errand> errand_;
    bool before_;
};

// A state that has forgotten what it answered, received, sold or decided.
std::string forgetful(const std::string& bytes, Plant plant) {
    auto state = decode_state(bytes);
    if (!state) return bytes;
    if (plant == Plant::snapshot_forgets_answers) state->answered.clear();
    if (plant == Plant::snapshot_forgets_arrivals) state->arrivals.clear();
    if (plant == Plant::snapshot_forgets_sales) state->sale_ends.clear();
    if (plant == Plant::snapshot_forgets_decisions) {
        std::erase_if(state->matches, [](const auto& match) {
            return match.second.state != ledger::account::MatchState::reserved;
        });
    }
    return encode_state(*state);
}

// A signing lane that knows the next nonce, and not whose the ones before are.
std::string without_nonces(const EntitySnapshot& snapshot) {
    if (snapshot.entity.kind != base::EntityKind::signing) return snapshot.state;
    auto state = decode_entity(snapshot.entity, snapshot.state);
    if (!state) return snapshot.state;
    std::get<ledger::signing::State>(*state).slots.clear();
    return encode_entity(*state);
}

}  // namespace

ObservedJournal::ObservedJournal(Stage& stage, Truth& truth, std::shared_ptr<Lifeline> life,
                                 const std::vector<std::shared_ptr<Disk>>& disks)
    : stage_(stage),
      truth_(truth),
      life_(std::move(life)),
      quorum_(quorum_of(stage, life_, errand_, disks)) {}

void ObservedJournal::promised(base::PartitionId partition,
                               std::function<void(PromisedOutcome)> done) {
    const AsOwner owner(errand_);
    quorum_->promised(partition, std::move(done));
}

void ObservedJournal::prepare(base::PartitionId partition, const Fence& fence,
                              std::function<void(PrepareOutcome)> done) {
    const AsOwner owner(errand_);
    if (epochs_[partition] > 0) stage_.mark(Mark::epoch_renewed);
    quorum_->prepare(
        partition, fence, [this, partition, fence, done = std::move(done)](PrepareOutcome outcome) {
            stage_.note("prepared", partition.v, outcome.index());
            auto* prepared = std::get_if<Prepared>(&outcome);
            if (prepared == nullptr) return done(std::move(outcome));
            epochs_[partition] = fence.epoch;
            stage_.mark(Mark::takeover);
            if (stage_.is_planted(Plant::takeover_forgets_the_end) && prepared->last.seq > 1) {
                // Planted: the end that is taken over is one record short.
                return quorum_->read(partition, prepared->last.seq - 1, 1,
                                     [done](const ReadOutcome& read) {
                                         const auto* records = std::get_if<ReadRecords>(&read);
                                         if (records == nullptr || records->records.empty()) {
                                             return done(Unknown{"planted"});
                                         }
                                         done(Prepared{records->records.front().head});
                                     });
            }
            done(std::move(outcome));
        });
}

void ObservedJournal::append(Append append, std::function<void(AppendOutcome)> done) {
    const AsOwner owner(errand_);
    auto& under_way = appending_[append.partition];
    if (under_way == append.record.head.seq) stage_.mark(Mark::outcome_asked_again);
    under_way = append.record.head.seq;
    if (stage_.is_planted(Plant::answer_before_quorum)) {
        quorum_->append(append, [](const AppendOutcome&) {});
        truth_.claim(append.partition, append.record);
        return done(Appended{});
    }
    append_once(append, std::move(done));
}

void ObservedJournal::append_once(const Append& append, std::function<void(AppendOutcome)> done) {
    const auto told = [this, append, done = std::move(done)](AppendOutcome outcome) {
        if (std::holds_alternative<Unknown>(outcome)) {
            stage_.mark(Mark::outcome_unknown);
            if (stage_.is_planted(Plant::unknown_taken_for_done)) outcome = Appended{};
        }
        on_outcome(append, outcome);
        done(std::move(outcome));
    };
    if (!stage_.is_planted(Plant::quorum_of_one)) return quorum_->append(append, told);
    // Planted: whoever is first decides.
    quorum_->append(append, [](const AppendOutcome&) {});
    const auto look = life_->hold<int>([this, append, told](int) {
        told(truth_.holders_of(append.record) > 0 ? AppendOutcome{Appended{}}
                                                  : AppendOutcome{Unknown{"nobody has it yet"}});
    });
    stage_.agenda.after(stage_.plan.call_max, [look] { look(0); });
}

void ObservedJournal::on_outcome(const Append& append, const AppendOutcome& outcome) {
    stage_.note("appended", append.partition.v, append.record.head.seq * 8 + outcome.index());
    if (!std::holds_alternative<Appended>(outcome)) return;
    appending_.erase(append.partition);
    truth_.claim(append.partition, append.record);
}

void ObservedJournal::read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                           std::function<void(ReadOutcome)> done) {
    quorum_->read(partition, from, count, std::move(done));
}

void ObservedJournal::confirm(base::PartitionId partition, const Fence& fence,
                              std::function<void(ConfirmOutcome)> done) {
    quorum_->confirm(partition, fence, std::move(done));
}

void ObservedJournal::store_snapshot(base::PartitionId partition, const Fence& fence,
                                     EntitySnapshot snapshot,
                                     std::function<void(StoreSnapshotOutcome)> done) {
    truth_.check_snapshot(partition, fence, snapshot);
    quorum_->store_snapshot(partition, fence, std::move(snapshot), std::move(done));
}

void ObservedJournal::read_snapshot(base::PartitionId partition, base::EntityId entity,
                                    std::function<void(ReadSnapshotOutcome)> done) {
    stage_.mark(Mark::account_woken);
    quorum_->read_snapshot(
        partition, entity, [this, done = std::move(done)](ReadSnapshotOutcome outcome) {
            auto* read = std::get_if<SnapshotRead>(&outcome);
            for (const auto bad :
                 {Plant::snapshot_forgets_answers, Plant::snapshot_forgets_arrivals,
                  Plant::snapshot_forgets_sales, Plant::snapshot_forgets_decisions}) {
                if (!stage_.is_planted(bad) || read == nullptr || read->found.empty()) continue;
                auto& state = read->found.front().state;
                state = forgetful(state, bad);
            }
            if (stage_.is_planted(Plant::snapshot_forgets_nonces) && read != nullptr) {
                for (auto& found : read->found) found.state = without_nonces(found);
            }
            done(std::move(outcome));
        });
}

}  // namespace crossclear::sim
