#include "store/quorum/quorum_journal.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "store/quorum/errand.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

// At once for one acceptor: a page of each must leave its queue room for live appends.
constexpr std::size_t errands_max = 4;

}  // namespace

QuorumJournal::QuorumJournal(std::string cluster, std::uint16_t partitions,
                             std::vector<std::unique_ptr<Acceptor>> acceptors)
    : cluster_(std::move(cluster)),
      joined_at_(acceptors.size()),
      errands_(acceptors.size()),
      logs_(partitions),
      acceptors_(std::move(acceptors)) {
    CHECK(acceptors_.size() % 2 == 1, "a majority is never a tie");
    for (Log& log : logs_) log.replicas.resize(acceptors_.size());
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
        acceptors_[i]->watch([this, i] { on_standing(i); });
        on_standing(i);
    }
}

QuorumJournal::~QuorumJournal() { stop(); }

// All before any is destroyed: an errand on one acceptor's thread asks another.
void QuorumJournal::stop() {
    for (const auto& acceptor : acceptors_) acceptor->stop();
}

// Asks every acceptor that may vote and lets `decide` make one outcome of the answers.
template <class Outcome, class Ask>
void QuorumJournal::ask(typename Tally<Outcome>::Decide decide, typename Tally<Outcome>::Done done,
                        Ask ask) {
    const auto tally =
        std::make_shared<Tally<Outcome>>(acceptors_.size(), std::move(decide), std::move(done));
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
        const Standing standing = acceptors_[i]->standing();
        // Nobody waits for one of several that is away; the only one may be back in a moment.
        const bool is_away = standing.kind == Standing::Kind::away && acceptors_.size() > 1;
        if (standing.kind == Standing::Kind::joining || is_away) {
            tally->vote(i, Declined{standing.why});
            continue;
        }
        ask(i, [tally, i](Outcome outcome) { tally->vote(i, std::move(outcome)); });
    }
}

void QuorumJournal::promised(base::PartitionId partition,
                             std::function<void(PromisedOutcome)> done) {
    check_partition(partition);
    const auto ends = std::make_shared<Ends<PromisedOutcome>>(acceptors_.size());
    ask<PromisedOutcome>(
        [this, ends](const Votes<PromisedOutcome>& votes) {
            const std::lock_guard lock(mutex_);
            return decide_promised(with_claims(votes, ends->claims));
        },
        [this, partition, ends, done = std::move(done)](PromisedOutcome outcome) {
            auto* found = std::get_if<Promised>(&outcome);
            // The one that promised most may not be among those that answered first.
            if (found != nullptr) found->epoch = std::max(found->epoch, outbid_in(partition));
            // An owner knows its own log better than a question that somebody asks.
            if (found != nullptr && !is_owned(partition)) {
                choose_from<Promised>(partition, found->last, *ends);
            }
            done(outcome);
        },
        [&](std::size_t i, auto vote) {
            acceptors_[i]->promised(
                partition, [this, i, ends, vote, partition](const PromisedOutcome& one) {
                    vote_end<Promised, PromisedOutcome>(i, partition, one, ends, vote);
                });
        });
}

void QuorumJournal::prepare(base::PartitionId partition, const Fence& fence,
                            std::function<void(PrepareOutcome)> done) {
    check_partition(partition);
    CHECK(fence.epoch > 0, "epoch 0 means that nothing was ever promised");
    {
        const std::lock_guard lock(mutex_);
        Log& log = logs_[partition.v];
        log.fence = fence;
        log.prepared_at = ++events_;
        log.chosen.reset();
        for (Replica& replica : log.replicas) {
            replica.holds.reset();
            replica.outbid = replica.outbid_before = 0;
            replica.is_abandoned = false;
        }
    }
    const auto ends = std::make_shared<Ends<PrepareOutcome>>(acceptors_.size());
    ask<PrepareOutcome>(
        [this, fence, ends](const Votes<PrepareOutcome>& votes) {
            const std::lock_guard lock(mutex_);
            return decide_prepare(with_claims(votes, ends->claims), fence);
        },
        [this, partition, ends, done = std::move(done)](const PrepareOutcome& outcome) {
            const auto* prepared = std::get_if<Prepared>(&outcome);
            if (prepared != nullptr) choose_from<Prepared>(partition, prepared->last, *ends);
            done(outcome);
        },
        [&](std::size_t i, auto vote) {
            acceptors_[i]->prepare(
                partition, fence,
                [this, i, ends, vote, partition, fence](const PrepareOutcome& one) {
                    if (const auto* fenced = std::get_if<Fenced>(&one)) {
                        note_fence(i, partition, fence, *fenced);
                    }
                    vote_end<Prepared, PrepareOutcome>(i, partition, one, ends, vote);
                });
        });
}

// An end counts once the last record there proves it: whoever holds that one altered might point
// the others to a log that nobody has.
template <class Told, class Outcome>
void QuorumJournal::vote_end(std::size_t acceptor, base::PartitionId partition,
                             const Outcome& outcome, const std::shared_ptr<Ends<Outcome>>& ends,
                             std::function<void(Outcome)> vote) {
    const auto* told = std::get_if<Told>(&outcome);
    if (told == nullptr) return vote(outcome);
    prove_end(acceptor, partition, told->last,
              [this, acceptor, outcome, ends, end = told->last, vote = std::move(vote)](
                  const Declined* doubt, bool is_altered) {
                  {
                      const std::lock_guard lock(mutex_);
                      if (doubt == nullptr) ends->proven[acceptor] = end;
                      if (is_altered) ends->claims[acceptor] = outcome;
                  }
                  vote(doubt == nullptr ? outcome : Outcome{*doubt});
              });
}

// Where nobody proves the end that was chosen, whoever claims it is read: so it is found out.
template <class Told, class Outcome>
void QuorumJournal::choose_from(base::PartitionId partition, const Head& last,
                                const Ends<Outcome>& ends) {
    Votes<Head> told;
    {
        const std::lock_guard lock(mutex_);
        told = ends.proven;
        const bool is_proven = std::ranges::find(told, std::optional{last}) != told.end();
        for (std::size_t i = 0; !is_proven && i < told.size(); ++i) {
            if (ends.claims[i]) told[i] = std::get<Told>(*ends.claims[i]).last;
        }
    }
    choose(partition, last, told);
}

// The log that a majority's answers point to; whoever ends with its last record holds it.
void QuorumJournal::choose(base::PartitionId partition, const Head& last, const Votes<Head>& ends) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[partition.v];
    log.chosen = last;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i] && *ends[i] == last) log.replicas[i].holds = last.seq;
    }
}

bool QuorumJournal::is_owned(base::PartitionId partition) const {
    const std::lock_guard lock(mutex_);
    return logs_[partition.v].fence.epoch > 0;
}

void QuorumJournal::append(Append append, std::function<void(AppendOutcome)> done) {
    check_partition(append.partition);
    CHECK(append.record.head.seq == append.expected.seq + 1, "a record follows what it expects");
    CHECK(append.record.payload.size() <= base::limits::record_bytes_max, "a record is bounded");
    const auto shared = std::make_shared<const Append>(std::move(append));
    const auto counted = [this, shared, done = std::move(done)](const AppendOutcome& outcome) {
        if (std::holds_alternative<Appended>(outcome)) on_committed(*shared);
        done(outcome);
    };
    ask<AppendOutcome>(
        [fence = shared->fence](const Votes<AppendOutcome>& votes) {
            return decide_append(votes, fence);
        },
        counted, [&](std::size_t i, auto vote) { append_to(i, *shared, std::move(vote)); });
}

void QuorumJournal::on_committed(const Append& append) {
    std::vector<std::size_t> joining;
    {
        const std::lock_guard lock(mutex_);
        Log& log = logs_[append.partition.v];
        if (log.fence != append.fence) return;
        log.chosen = append.record.head;
        for (std::size_t i = 0; i < acceptors_.size(); ++i) {
            if (joined_at_[i] > 0 && !log.replicas[i].is_admitted) joining.push_back(i);
        }
    }
    for (const std::size_t i : joining) begin_errand(i, append.partition, {});
}

// Straight to the acceptor, or behind what it is being given.
void QuorumJournal::append_to(std::size_t acceptor, const Append& append, Vote vote) {
    if (!wait_behind_errand(acceptor, append, vote)) send_to(acceptor, append, std::move(vote));
}

// Whether an errand took the append over. What it displaces is durable elsewhere or is sent again:
// the errand reads it there.
bool QuorumJournal::wait_behind_errand(std::size_t acceptor, const Append& append,
                                       const Vote& vote) {
    std::optional<Waiting> displaced;
    {
        const std::lock_guard lock(mutex_);
        Replica& replica = logs_[append.partition.v].replicas[acceptor];
        if (!replica.is_on_errand) return false;
        displaced = std::exchange(replica.waiting, Waiting{append, vote});
    }
    if (displaced) displaced->vote(Declined{acceptors_[acceptor]->name() + " is behind"});
    return true;
}

void QuorumJournal::send_to(std::size_t acceptor, const Append& append, Vote vote) {
    acceptors_[acceptor]->append(
        append, [this, acceptor, append, vote = std::move(vote)](const AppendOutcome& outcome) {
            note_append(acceptor, append, outcome);
            // The errand sends it again, behind what was missing.
            if (is_behind(append, outcome) &&
                begin_errand(acceptor, append.partition, Waiting{append, vote})) {
                return;
            }
            vote(outcome);
        });
}

// An acceptor that was away when the fence was promised answers with an older one.
bool QuorumJournal::is_behind(const Append& append, const AppendOutcome& outcome) {
    const auto* fenced = std::get_if<Fenced>(&outcome);
    return std::holds_alternative<Gap>(outcome) ||
           (fenced != nullptr && fenced->epoch < append.fence.epoch);
}

void QuorumJournal::note_append(std::size_t acceptor, const Append& append,
                                const AppendOutcome& outcome) {
    if (const auto* fenced = std::get_if<Fenced>(&outcome)) {
        note_fence(acceptor, append.partition, append.fence, *fenced);
    }
    if (!std::holds_alternative<Appended>(outcome)) return;
    const std::lock_guard lock(mutex_);
    Log& log = logs_[append.partition.v];
    if (log.fence == append.fence) log.replicas[acceptor].holds = append.record.head.seq;
}

void QuorumJournal::confirm(base::PartitionId partition, const Fence& fence,
                            std::function<void(ConfirmOutcome)> done) {
    check_partition(partition);
    ask<ConfirmOutcome>(
        [fence](const Votes<ConfirmOutcome>& votes) { return decide_confirm(votes, fence); },
        std::move(done),
        [&](std::size_t i, auto vote) {
            acceptors_[i]->confirm(partition, fence, std::move(vote));
        });
}

void QuorumJournal::store_snapshot(base::PartitionId partition, const Fence& fence,
                                   EntitySnapshot snapshot,
                                   std::function<void(StoreSnapshotOutcome)> done) {
    check_partition(partition);
    ask<StoreSnapshotOutcome>(
        [fence](const Votes<StoreSnapshotOutcome>& votes) { return decide_snapshot(votes, fence); },
        std::move(done),
        [&](std::size_t i, auto vote) {
            acceptors_[i]->store_snapshot(partition, fence, snapshot, std::move(vote));
        });
}

void QuorumJournal::read_snapshot(base::PartitionId partition, base::EntityId entity,
                                  std::function<void(ReadSnapshotOutcome)> done) {
    check_partition(partition);
    ask<ReadSnapshotOutcome>(&decide_read_snapshot, std::move(done), [&](std::size_t i, auto vote) {
        acceptors_[i]->read_snapshot(partition, entity, std::move(vote));
    });
}

void QuorumJournal::trim(base::PartitionId partition, const Fence& fence, const Head& base,
                         std::function<void(TrimOutcome)> done) {
    check_partition(partition);
    ask<TrimOutcome>([fence](const Votes<TrimOutcome>& votes) { return decide_trim(votes, fence); },
                     std::move(done),
                     [&](std::size_t i, auto vote) {
                         acceptors_[i]->trim(partition, fence, base, std::move(vote));
                     });
}

std::string QuorumJournal::trouble() const {
    std::size_t voting = 0;
    std::string reasons;
    for (const auto& acceptor : acceptors_) {
        const std::string reason = acceptor->trouble();
        if (reason.empty()) ++voting;
        if (!reason.empty() && !reasons.empty()) reasons += "; ";
        reasons += reason;
    }
    return voting >= majority_of(acceptors_.size()) ? std::string{} : reasons;
}

std::vector<AcceptorView> QuorumJournal::acceptors(
    const std::function<bool(base::PartitionId)>& is_owned_here) const {
    std::vector<AcceptorView> views;
    for (const auto& acceptor : acceptors_) {
        views.push_back({.name = acceptor->name(),
                         .standing = acceptor->standing(),
                         .partitions_behind = 0,
                         .damage = {}});
    }
    const std::lock_guard lock(mutex_);
    for (std::uint16_t p = 0; p < logs_.size(); ++p) {
        const Log& log = logs_[p];
        const bool is_ours = !is_owned_here || is_owned_here(base::PartitionId{p});
        for (std::size_t i = 0; i < views.size(); ++i) {
            if (!log.replicas[i].damage.empty()) views[i].damage.push_back(log.replicas[i].damage);
            if (!is_ours || log.fence.epoch == 0 || !log.chosen) continue;
            // One record may be under way to everyone.
            const auto holds = log.replicas[i].holds;
            if (!holds || *holds + 1 < log.chosen->seq) ++views[i].partitions_behind;
        }
    }
    return views;
}

bool QuorumJournal::wants_new_epoch(base::PartitionId partition) const {
    const std::lock_guard lock(mutex_);
    const Log& log = logs_[partition.v];
    if (log.fence.epoch == 0) return false;
    return std::ranges::any_of(log.replicas, &Replica::is_abandoned) ||
           std::ranges::any_of(joined_at_, [&](auto joined) { return joined > log.prepared_at; });
}

void QuorumJournal::tend(base::PartitionId partition) {
    check_partition(partition);
    look_for_abandoned(partition);
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
        const Standing::Kind kind = acceptors_[i]->standing().kind;
        if (kind == Standing::Kind::away) continue;
        // Who gave it the last partition knows that it votes. Everybody else hears of it by being
        // refused under the id of one that joins, and looks at it again.
        if (kind == Standing::Kind::joining) acceptors_[i]->promised(partition, [](const auto&) {});
        if (!is_in_step(i, partition)) begin_errand(i, partition, {});
    }
}

// Whether an acceptor lacks the latest record only, which may be under way to it. If so, an errand
// would hold up every append that follows. What it still lacks at the next look was lost.
bool QuorumJournal::is_in_step(std::size_t acceptor, base::PartitionId partition) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[partition.v];
    Replica& replica = log.replicas[acceptor];
    if (joined_at_[acceptor] > 0 || !log.chosen || !replica.holds) return false;
    const bool lags = *replica.holds + 1 == log.chosen->seq;
    const auto before = std::exchange(replica.lagged_at, lags ? replica.holds : std::nullopt);
    return lags && before != replica.holds;
}

void QuorumJournal::on_standing(std::size_t acceptor) {
    Standing::Kind kind{};
    {
        const std::lock_guard lock(mutex_);
        // Read under the lock: of two that tell at once, the later one must not be forgotten.
        kind = acceptors_[acceptor]->standing().kind;
        if (kind != Standing::Kind::joining) joined_at_[acceptor] = 0;
        if (kind == Standing::Kind::joining) forget_damage(acceptor);
        if (kind == Standing::Kind::joining && joined_at_[acceptor] == 0) {
            joined_at_[acceptor] = ++events_;
        }
        // What it held may be gone; it is asked again when it is back.
        for (Log& log : logs_) {
            if (kind == Standing::Kind::away) log.replicas[acceptor].holds.reset();
            if (kind != Standing::Kind::joining) log.replicas[acceptor].is_admitted = false;
        }
    }
    if (kind == Standing::Kind::away) return;
    for (std::uint16_t i = 0; i < logs_.size(); ++i)
        begin_errand(acceptor, base::PartitionId{i}, {});
}

// Whether this owner may bring an acceptor up to date. One that lost its promises may have given
// one to somebody else: only an epoch that a majority without it has promised since is above all.
bool QuorumJournal::may_be_given(std::size_t acceptor, const Log& log) const {
    if (log.fence.epoch == 0 || !log.chosen) return false;
    if (joined_at_[acceptor] == 0) return true;
    return log.prepared_at > joined_at_[acceptor] && log.chosen->record_epoch == log.fence.epoch;
}

bool QuorumJournal::begin_errand(std::size_t acceptor, base::PartitionId partition,
                                 std::optional<Waiting> waiting) {
    if (acceptors_.size() == 1) return false;  // There is nobody to learn from.
    bool is_joining = false;
    Fence fence;
    {
        const std::lock_guard lock(mutex_);
        Log& log = logs_[partition.v];
        Replica& replica = log.replicas[acceptor];
        if (replica.is_on_errand || replica.is_admitted || !may_be_given(acceptor, log)) {
            return false;
        }
        if (!waiting && replica.holds && *replica.holds >= log.chosen->seq) return false;
        if (errands_[acceptor] >= errands_max) return false;  // `tend` comes back to it.
        ++errands_[acceptor];
        replica.is_on_errand = true;
        replica.waiting = std::move(waiting);
        is_joining = joined_at_[acceptor] > 0;
        fence = log.fence;
    }
    Errand::begin(*this, acceptor, partition, fence, is_joining);
    return true;
}

// Lets what waited go straight on, once: if that finds a gap again, the errand has failed. An
// append that comes between finds one, and begins another.
void QuorumJournal::end_errand(std::size_t acceptor, base::PartitionId partition) {
    std::optional<Waiting> waiting;
    {
        const std::lock_guard lock(mutex_);
        Replica& replica = logs_[partition.v].replicas[acceptor];
        replica.is_on_errand = false;
        --errands_[acceptor];
        waiting = std::exchange(replica.waiting, std::nullopt);
    }
    if (!waiting) return;
    acceptors_[acceptor]->append(waiting->append,
                                 [this, acceptor, append = waiting->append,
                                  vote = waiting->vote](const AppendOutcome& outcome) {
                                     note_append(acceptor, append, outcome);
                                     vote(outcome);
                                 });
}

void QuorumJournal::check_partition(base::PartitionId partition) const {
    CHECK(partition.v < logs_.size(), "the partition is one of this cluster");
}

}  // namespace crossclear::store
