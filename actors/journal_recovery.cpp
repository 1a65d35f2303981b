#include "actors/chrono.hpp"
#include "actors/journal_actor.hpp"
#include "actors/snapshot_actor.hpp"
#include "base/limits.hpp"
#include "ledger/journal/codec.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

// How a new owner learns what its partition says: the core as it was last stored, and the tail of
// the log after it. Whatever is wrong with the core, the log tells it all as long as it is whole.

namespace crossclear::actors {
namespace {

namespace journal = ledger::journal;

// As many of each broker's as its channel shows.
std::vector<base::EntityId> latest_ended(const ledger::Register& machines) {
    std::vector<base::EntityId> ended;
    std::map<base::BrokerId, std::size_t> noted;
    const auto& runs = machines.known.runs();
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
        const auto& [first, count] = *run;
        if (first.kind != base::EntityKind::hedge) continue;
        auto& of_broker = noted[base::broker_of(first)];
        for (auto i = count; i > 0 && of_broker < base::limits::hedges_published_max; --i) {
            const auto task = ledger::EntitySet::in_row(first, i - 1);
            if (machines.open.contains(task)) continue;
            ++of_broker;
            ended.push_back(task);
        }
    }
    return {ended.rbegin(), ended.rend()};
}

}  // namespace

void JournalHost::read_core() {
    core_fault_.clear();
    const auto self = caf::actor_cast<JournalActor>(this);
    const base::EntityId core{.kind = base::EntityKind::partition, .id = partition_.v, .sub = 0};
    context_->journal->read_snapshot(partition_, core, [self](auto outcome) {
        caf::anon_send(self, CoreFound{std::move(outcome)});
    });
}

void JournalHost::on_core(const CoreFound& message) {
    if (phase_ != Phase::reading) return;
    if (const auto* damaged = std::get_if<journal::Damaged>(&message.outcome)) {
        return read_from_first(damaged->reason);
    }
    const auto* read = std::get_if<journal::SnapshotRead>(&message.outcome);
    if (read == nullptr) {
        on_trouble("The partition's snapshot cannot be read yet.", context_->journal->trouble());
        phase_ = Phase::taking;
        return retry_later();
    }
    if (read->found.empty()) return read_from_first({});
    const auto& snapshot = read->found.front();
    if (snapshot.at.seq > target_.seq) return on_core_ahead(snapshot.at.seq);
    auto core = journal::decode_core(snapshot.state);
    if (!core) return read_from_first("the partition's snapshot: " + core.error().what);
    if (core->id != partition_) return read_from_first("the partition's snapshot is another one's");
    shadow_ = std::make_shared<ledger::Shadow>(std::move(*core), context_->partitions, snapshot.at);
    last_ = snapshot.at;
    steps_.core = context_->now();
    read_next();
}

// Either the log lost its end, or somebody has taken the partition over since the promise and
// written on. Only who still holds the promise may say that it is the first.
void JournalHost::on_core_ahead(std::uint64_t stored_at) {
    core_fault_ = "the log ends at record " + std::to_string(target_.seq) +
                  " and the partition was stored at record " + std::to_string(stored_at);
    const auto self = caf::actor_cast<JournalActor>(this);
    context_->journal->confirm(partition_, fence_,
                               [self, fence = fence_](journal::ConfirmOutcome outcome) {
                                   caf::anon_send(self, ConfirmDone{fence, std::move(outcome)});
                               });
}

void JournalHost::on_ahead_confirmed(const journal::ConfirmOutcome& outcome) {
    if (std::holds_alternative<journal::Confirmed>(outcome)) return end(true, core_fault_);
    const auto* fenced = std::get_if<journal::Fenced>(&outcome);
    if (fenced != nullptr && fenced->epoch >= fence_.epoch) {
        return end(false, "epoch " + std::to_string(fenced->epoch) + " owns the partition");
    }
    on_trouble("Whether the log lost its end cannot be told yet.", context_->journal->trouble());
    phase_ = Phase::taking;
    retry_later();
}

// `why` is empty where there never was a snapshot.
void JournalHost::read_from_first(const std::string& why) {
    if (!why.empty()) {
        context_->log(LogLevel::error,
                      "A partition's snapshot cannot be used: the whole log is read.",
                      {{"partition", std::to_string(partition_.v)}, {"why", why}});
    }
    core_fault_ = why.empty() ? "there is no snapshot of the partition" : why;
    shadow_ = std::make_shared<ledger::Shadow>(partition_, context_->partitions);
    last_ = {};
    steps_.core = context_->now();
    read_next();
}

void JournalHost::read_next() {
    if (last_.seq >= target_.seq) return finish_reading();
    const auto self = caf::actor_cast<JournalActor>(this);
    context_->journal->read(partition_, last_.seq + 1, base::limits::read_page_records_max,
                            [self](journal::ReadOutcome outcome) {
                                caf::anon_send(self, ReadDone{std::move(outcome)});
                            });
}

void JournalHost::on_read(ReadDone& message) {
    if (phase_ != Phase::reading) return;
    if (const auto* damaged = std::get_if<journal::Damaged>(&message.outcome)) {
        return end(true, damaged->reason);
    }
    const auto* read = std::get_if<journal::ReadRecords>(&message.outcome);
    if (read == nullptr) {
        // Another majority may hold another end of the log: begin with the promise again.
        const auto* declined = std::get_if<journal::Declined>(&message.outcome);
        on_trouble("The log cannot be read yet.",
                   declined != nullptr ? declined->reason : context_->journal->trouble());
        phase_ = Phase::taking;
        return retry_later();
    }
    if (read->records.empty()) return end(true, "the log is shorter than its end says");
    const auto first = read->records.front().head.seq;
    if (first > last_.seq + 1) {
        return end(true, "the log begins at record " + std::to_string(first) + " and " +
                             (core_fault_.empty() ? "the partition was stored at record " +
                                                        std::to_string(last_.seq)
                                                  : core_fault_));
    }
    for (const auto& record : read->records) {
        if (record.head.seq > target_.seq) break;
        if (!follow(record)) return;
    }
    read_next();
}

// Whether the record could be followed; if not, the next step has been taken.
bool JournalHost::follow(const journal::Record& record) {
    if (!journal::is_linked(context_->cluster, partition_, last_, record)) {
        const auto why =
            "record " + std::to_string(record.head.seq) + " does not follow the one before it";
        if (core_fault_.empty() && last_.seq == shadow_->core_at()) {
            read_from_first("the partition's snapshot is of another log: " + why);
        } else {
            end(true, why);
        }
        return false;
    }
    auto entries = journal::decode_payload(record.payload);
    if (!entries) {
        end(true, "record " + std::to_string(record.head.seq) + ": " + entries.error().what);
        return false;
    }
    shadow_->fold(record.head, std::move(*entries));
    last_ = record.head;
    return true;
}

void JournalHost::finish_reading() {
    if (last_ != target_ && core_fault_.empty() && last_.seq == shadow_->core_at()) {
        return read_from_first("the partition's snapshot is of another log");
    }
    if (last_ != target_) return end(true, "the log ends elsewhere than it says");
    if (const auto fault = shadow_->fault()) return end(true, *fault);
    begin_epoch();
}

void JournalHost::begin_epoch() {
    phase_ = Phase::starting;
    steps_.tail = context_->now();
    steps_.core_at = shadow_->core_at();
    book_ = shadow_->core().book;
    // Everyone hears where things stand: after a restart nothing else may ever change again.
    note_all_changed();
    append_own({epoch_started()});
}

// The epoch's first record is durable: what is known so far goes to those who go on with it.
void JournalHost::begin_serving() {
    phase_ = Phase::running;
    context_->instruments->ledger.replay_duration_seconds.observe(
        static_cast<double>((context_->now() - started_at_).us) * 1e-6);
    const auto ms = [](base::Duration took) { return std::to_string(took.us / 1'000); };
    context_->log(LogLevel::info, "A partition is taken over.",
                  {{"partition", std::to_string(partition_.v)},
                   {"promise_ms", ms(steps_.promised - started_at_)},
                   {"core_ms", ms(steps_.core - steps_.promised)},
                   {"tail_ms", ms(steps_.tail - steps_.core)},
                   {"tail_records", std::to_string(target_.seq - steps_.core_at)},
                   {"first_record_ms", ms(context_->now() - steps_.tail)}});
    const auto& core = shadow_->core();
    margins_.start(core.book);
    Recovered recovered;
    recovered.open.assign(core.machines.open.begin(), core.machines.open.end());
    std::set<base::AccountId> owing;
    for (const auto& held : core.machines.held) owing.insert(held.account);
    for (const auto& transfer : core.machines.transfers) owing.insert(transfer.account);
    for (const auto& match : core.machines.matches) owing.insert(match.account);
    recovered.owing.assign(owing.begin(), owing.end());
    for (const auto& [first, count] : core.machines.known.runs()) {
        if (first.kind == base::EntityKind::account) recovered.accounts += count;
    }
    recovered.ended = latest_ended(core.machines);
    for (const auto& [of, queue] : core.book.claims) {
        for (const auto& [number, claim] : queue.claims) {
            if (claim.trade != 0) ++recovered.claims;
        }
    }
    snapshots_ = spawn<SnapshotHost>(context_, partition_, owner_,
                                     caf::actor_cast<JournalActor>(this), std::move(shadow_));
    recovered.snapshots = snapshots_;
    send(owner_, std::move(recovered));
    delayed_send(this, as_chrono(context_->options.balance_every), JournalTick{});
}

}  // namespace crossclear::actors
