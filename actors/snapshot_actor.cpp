#include "actors/snapshot_actor.hpp"

#include "actors/chrono.hpp"
#include "base/limits.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"

#include <utility>

namespace crossclear::actors {
namespace {

namespace journal = ledger::journal;

}  // namespace

SnapshotHost::SnapshotHost(caf::actor_config& config, const Context* context,
                           base::PartitionId partition, PartitionActor owner, JournalActor journal,
                           std::shared_ptr<ledger::Shadow> shadow)
    : SnapshotActor::base(config),
      context_(context),
      partition_(partition),
      owner_(std::move(owner)),
      journal_(std::move(journal)),
      shadow_(std::move(shadow)) {}

SnapshotActor::behavior_type SnapshotHost::make_behavior() {
    core_at_ = shadow_->core_at();
    core_stored_at_ = context_->now();
    publish();
    delayed_send(this, as_chrono(context_->options.snapshot_every), SnapshotTick{});
    return {
        [this](const Committed& message) { on_committed(message); },
        [this](const WantMachine& message) { on_wanted(message); },
        [this](const SnapshotFound& message) { on_found(message); },
        [this](const HistoryFound& message) { on_history(message); },
        [this](const SnapshotKept& message) { on_kept(message); },
        [this](const TrimDone& message) { on_trimmed(message); },
        [this](SnapshotTick) { on_tick(); },
    };
}

void SnapshotHost::on_exit() {
    owner_ = nullptr;
    journal_ = nullptr;
}

void SnapshotHost::on_committed(const Committed& committed) {
    shadow_->fold(committed.last, *committed.entries);
    if (is_tail_long()) begin_round();
}

void SnapshotHost::on_wanted(const WantMachine& want) {
    const auto& entity = want.entity;
    if (want.is_ended_told) ended_.insert(entity);
    if ((shadow_->is_over(entity) && !want.is_ended_told) || !shadow_->is_known(entity) ||
        shadow_->find(entity) != nullptr) {
        return answer(entity);
    }
    wanted_.insert(entity);
    load(entity);
}

void SnapshotHost::answer(const base::EntityId& entity) {
    MachineBack back{.entity = entity, .is_over = shadow_->is_over(entity), .state = {}};
    const auto* state = shadow_->find(entity);
    if (!back.is_over || (state != nullptr && ended_.erase(entity) > 0)) {
        back.state = std::make_shared<ledger::EntityState>(
            state != nullptr ? *state : ledger::fresh_state(entity, context_->partitions));
    }
    send(owner_, std::move(back));
}

void SnapshotHost::load(const base::EntityId& entity) {
    if (!loading_.insert(entity).second) return;
    // A takeover may want thousands at once, and clients wait for appends on the same connections.
    if (reads_ >= base::limits::snapshot_reads_in_flight_max) return unread_.push_back(entity);
    read(entity);
}

void SnapshotHost::read(const base::EntityId& entity) {
    ++reads_;
    const auto self = caf::actor_cast<SnapshotActor>(this);
    context_->journal->read_snapshot(partition_, entity, [self, entity](auto outcome) {
        caf::anon_send(self, SnapshotFound{entity, std::move(outcome)});
    });
}

// One is read, or folded from the log: the next one's turn.
void SnapshotHost::end_read() {
    --reads_;
    if (unread_.empty()) return;
    read(unread_.front());
    unread_.pop_front();
}

void SnapshotHost::on_found(const SnapshotFound& found) {
    if (const auto* damaged = std::get_if<journal::Damaged>(&found.outcome)) {
        return refold(found.entity, damaged->reason);
    }
    const auto* read = std::get_if<journal::SnapshotRead>(&found.outcome);
    if (read == nullptr) {
        // Not known yet: whoever wants the machine waits meanwhile.
        end_read();
        run_delayed(as_chrono(context_->options.append_retry), [this, entity = found.entity] {
            loading_.erase(entity);
            load(entity);
        });
        return;
    }
    const auto name = base::to_string(found.entity);
    if (read->found.empty()) return refold(found.entity, "there is no snapshot of " + name);
    const auto& snapshot = read->found.front();
    auto state = journal::decode_entity(found.entity, snapshot.state);
    if (!state) {
        return refold(found.entity, "the snapshot of " + name + ": " + state.error().what);
    }
    complete(std::move(*state), snapshot.at.seq);
}

void SnapshotHost::complete(ledger::EntityState state, std::uint64_t at) {
    end_read();
    const auto entity = ledger::entity_of(state);
    if (at > shadow_->last().seq) {
        // Somebody has written since, so the partition is no longer this owner's.
        send(owner_, PartitionLost{.is_broken = false,
                                   .is_stopping = false,
                                   .why = "the snapshot of " + base::to_string(entity) +
                                          " is ahead of this owner"});
        return;
    }
    shadow_->complete(std::move(state), at);
    loading_.erase(entity);
    refolds_.erase(entity);
    const auto* whole = shadow_->find(entity);
    if (const auto fault = ledger::fault_of(*whole)) return lose(*fault);
    if (wanted_.erase(entity) > 0) answer(entity);
    if (!round_) return;
    if (round_->loading.erase(entity) > 0) store_machine(entity);
    go_on();
}

// The log may still tell what the snapshot does not.
void SnapshotHost::refold(const base::EntityId& entity, const std::string& why) {
    context_->log(LogLevel::error, "A snapshot cannot be used: its machine is folded from the log.",
                  {{"partition", std::to_string(partition_.v)}, {"why", why}});
    refolds_[entity] = Refold{.state = ledger::fresh_state(entity, context_->partitions),
                              .next = 1,
                              .until = shadow_->missing_until(entity)};
    read_history(entity);
}

void SnapshotHost::read_history(const base::EntityId& entity) {
    const auto self = caf::actor_cast<SnapshotActor>(this);
    context_->journal->read(partition_, refolds_.at(entity).next,
                            base::limits::read_page_records_max, [self, entity](auto outcome) {
                                caf::anon_send(self, HistoryFound{entity, std::move(outcome)});
                            });
}

void SnapshotHost::on_history(const HistoryFound& found) {
    if (found.entity == self()) return on_checked(found.outcome);
    const auto of = refolds_.find(found.entity);
    if (of == refolds_.end()) return;
    auto& refold = of->second;
    const auto name = base::to_string(found.entity);
    if (const auto* damaged = std::get_if<journal::Damaged>(&found.outcome)) {
        return lose(damaged->reason);
    }
    const auto* read = std::get_if<journal::ReadRecords>(&found.outcome);
    if (read == nullptr) {
        run_delayed(as_chrono(context_->options.append_retry),
                    [this, entity = found.entity] { read_history(entity); });
        return;
    }
    if (read->records.empty() || read->records.front().head.seq != refold.next) {
        return lose("the snapshot of " + name +
                    " is gone or damaged, and the log before it was trimmed");
    }
    for (const auto& record : read->records) {
        if (record.head.seq > refold.until) break;
        const auto entries = journal::decode_payload(record.payload);
        if (!entries) {
            return lose("record " + std::to_string(record.head.seq) + ": " + entries.error().what);
        }
        for (const auto& entry : *entries) {
            if (entry.entity == found.entity) ledger::apply(refold.state, entry.event);
        }
        refold.next = record.head.seq + 1;
    }
    if (refold.next <= refold.until) return read_history(found.entity);
    const auto until = refold.until;
    complete(std::move(refold.state), until);
}

void SnapshotHost::lose(const std::string& why) {
    send(owner_, PartitionLost{.is_broken = true, .is_stopping = false, .why = why});
}

void SnapshotHost::on_tick() {
    delayed_send(this, as_chrono(context_->options.snapshot_every), SnapshotTick{});
    if (shadow_->last().seq > core_at_) begin_round();
    publish();
}

// Of records alone the tail may be short and yet take long: one holds a thousand events or one.
bool SnapshotHost::is_tail_long() const {
    return shadow_->last().seq - core_at_ >= context_->options.snapshot_records ||
           shadow_->events() - core_events_ >= context_->options.snapshot_events;
}

void SnapshotHost::begin_round() {
    if (round_) return;
    shadow_->drop_ended();
    const auto changed = shadow_->changed();
    round_ = Round{.at = shadow_->last(),
                   .events = shadow_->events(),
                   .core = journal::encode_core(shadow_->core()),
                   .open = {changed.begin(), changed.end()},
                   .loading = {},
                   .under_way = 0,
                   .is_core_due = false};
    publish();
    go_on();
}

// A few at a time: snapshots share the connections with the appends that clients wait for.
void SnapshotHost::go_on() {
    const auto busy = [this] { return round_->under_way + round_->loading.size(); };
    while (!round_->open.empty() && busy() < base::limits::snapshots_in_flight_max) {
        const auto entity = round_->open.front();
        round_->open.pop_front();
        if (shadow_->find(entity) != nullptr) {
            store_machine(entity);
        } else {
            round_->loading.insert(entity);
            load(entity);
        }
    }
    // Once: a machine that is wanted meanwhile must not have the core written, and checked, again.
    if (round_->open.empty() && busy() == 0 && !round_->is_core_due) {
        round_->is_core_due = true;
        ++round_->under_way;
        store(self(), round_->at, round_->core);
    }
}

void SnapshotHost::store_machine(const base::EntityId& entity) {
    ++round_->under_way;
    store(entity, shadow_->last(), journal::encode_entity(*shadow_->find(entity)));
}

void SnapshotHost::store(const base::EntityId& entity, const journal::Head& at, std::string state) {
    const auto self = caf::actor_cast<SnapshotActor>(this);
    const auto fence = status().log.load().fence;
    context_->journal->store_snapshot(
        partition_, fence,
        journal::EntitySnapshot{.entity = entity, .at = at, .state = std::move(state)},
        [self, entity, seq = at.seq, fence](auto outcome) {
            caf::anon_send(self, SnapshotKept{entity, seq, fence, std::move(outcome)});
        });
}

void SnapshotHost::on_kept(const SnapshotKept& kept) {
    if (std::holds_alternative<journal::SnapshotStored>(kept.outcome)) {
        --round_->under_way;
        if (kept.entity == self()) return check_core();
        shadow_->note_stored(kept.entity, kept.seq, context_->options.machines_kept);
        return go_on();
    }
    if (const auto* fenced = std::get_if<journal::Fenced>(&kept.outcome)) {
        send(journal_, KeeperFenced{kept.fence, *fenced});
    }
    // Whatever the reason: without it the log is not trimmed and the next start reads more of it.
    run_delayed(as_chrono(context_->options.append_retry), [this, entity = kept.entity] {
        if (entity == self()) return store(self(), round_->at, round_->core);
        --round_->under_way;
        round_->open.push_back(entity);
        go_on();
    });
}

void SnapshotHost::check_core() {
    core_at_ = round_->at.seq;
    core_events_ = round_->events;
    core_stored_at_ = context_->now();
    if (!context_->options.is_log_trimmed) return end_round();
    if (!checked_) {
        // The first round since the start: what comes after it can be folded from here.
        auto core = journal::decode_core(round_->core);
        CHECK(core.has_value(), "a core that was just written can be read");
        checked_ = std::move(*core);
        checked_at_ = round_->at;
        return end_round();
    }
    const auto host = caf::actor_cast<SnapshotActor>(this);
    context_->journal->read(partition_, checked_at_.seq + 1, base::limits::read_page_records_max,
                            [host, entity = self()](auto outcome) {
                                caf::anon_send(host, HistoryFound{entity, std::move(outcome)});
                            });
}

void SnapshotHost::on_checked(const journal::ReadOutcome& outcome) {
    const auto* read = std::get_if<journal::ReadRecords>(&outcome);
    if (const auto* damaged = std::get_if<journal::Damaged>(&outcome)) return lose(damaged->reason);
    // The next round finds out.
    if (read == nullptr || read->records.empty()) return end_round();
    for (const auto& record : read->records) {
        if (record.head.seq > round_->at.seq) break;
        const auto entries = journal::decode_payload(record.payload);
        if (!entries || !journal::is_linked(context_->cluster, partition_, checked_at_, record)) {
            return lose("record " + std::to_string(record.head.seq) +
                        " cannot be followed where the log was to be trimmed");
        }
        for (const auto& entry : *entries) ledger::fold(*checked_, entry);
        checked_at_ = record.head;
    }
    if (checked_at_.seq < round_->at.seq) return check_core();
    if (checked_at_ != round_->at || journal::encode_core(*checked_) != round_->core) {
        return lose("the log up to record " + std::to_string(round_->at.seq) +
                    " does not say what was stored");
    }
    trim();
}

void SnapshotHost::trim() {
    const auto host = caf::actor_cast<SnapshotActor>(this);
    const auto fence = status().log.load().fence;
    context_->journal->trim(partition_, fence, round_->at,
                            [host, seq = round_->at.seq, fence](auto outcome) {
                                caf::anon_send(host, TrimDone{seq, fence, std::move(outcome)});
                            });
}

// If it was not done, the next round trims that much more.
void SnapshotHost::on_trimmed(const TrimDone& message) {
    if (std::holds_alternative<journal::Trimmed>(message.outcome)) {
        base_ = message.seq;
    } else if (const auto* fenced = std::get_if<journal::Fenced>(&message.outcome)) {
        send(journal_, KeeperFenced{message.fence, *fenced});
    }
    end_round();
}

void SnapshotHost::end_round() {
    round_.reset();
    publish();
    if (is_tail_long()) begin_round();
}

void SnapshotHost::publish() const {
    const auto partition = std::to_string(partition_.v);
    auto& ledger = context_->instruments->ledger;
    ledger.snapshot_sequence.with({partition}).set(static_cast<double>(core_at_));
    ledger.snapshot_age_seconds.with({partition})
        .set(static_cast<double>((context_->now() - core_stored_at_).us) * 1e-6);
    ledger.journal_tail_records.with({partition})
        .set(static_cast<double>(shadow_->last().seq - core_at_));
    ledger.journal_tail_events.with({partition})
        .set(static_cast<double>(shadow_->events() - core_events_));
    ledger.journal_base.with({partition}).set(static_cast<double>(base_));
}

}  // namespace crossclear::actors
