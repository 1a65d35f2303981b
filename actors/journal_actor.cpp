#include "actors/journal_actor.hpp"

#include "actors/chrono.hpp"
#include "actors/settlements.hpp"
#include "base/limits.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/running_total.hpp"

#include <algorithm>

namespace crossclear::actors {
namespace {

namespace journal = ledger::journal;
using base::Amount;

// A record's own framing beside its entries: the payload's version field.
constexpr std::size_t payload_margin = 64;
// A batch that is under way for longer keeps receipts out of the books that others rely on.
constexpr base::Duration behind_after = base::milliseconds(100);
// A takeover whose first record is not taken for so long begins again.
constexpr base::Duration start_patience = base::seconds(5);
// How often all who are ready run before a batch is made. Fewer make smaller batches; more did not
// make them larger (docs/performance.md).
constexpr std::uint32_t turns_gathered = 3;

caf::behavior turnstile(JournalActor journal) {
    return {
        [journal = std::move(journal)](const TurnOver& turn) { caf::anon_send(journal, turn); }};
}

// An append of the journal host itself: nobody waits for it.
Append own_append(std::vector<ledger::Entry> entries) {
    Append append;
    for (const auto& entry : entries) journal::append_entry(append.bytes, journal::encode(entry));
    append.entries = std::move(entries);
    return append;
}

}  // namespace

JournalHost::JournalHost(caf::actor_config& config, const Context* context,
                         base::PartitionId partition, PartitionActor owner)
    : JournalActor::base(config),
      context_(context),
      partition_(partition),
      owner_(std::move(owner)),
      margins_(context) {}

JournalActor::behavior_type JournalHost::make_behavior() {
    turnstile_ =
        spawn([](caf::event_based_actor*, JournalActor self) { return turnstile(std::move(self)); },
              caf::actor_cast<JournalActor>(this));
    take_over();
    return {
        [this](Append& message) { on_append(message); },
        [this](const TookOver& message) { on_promised(message); },
        [this](PrepareDone& message) { on_prepared(message); },
        [this](const CoreFound& message) { on_core(message); },
        [this](ReadDone& message) { on_read(message); },
        [this](const AppendDone& message) { on_appended(message); },
        [this](JournalRetry) {
            if (phase_ == Phase::taking) {
                take_over();
            } else if (phase_ == Phase::renewing) {
                ask_for_promise();
            } else if (is_flying_) {
                send_batch();
            }
        },
        [this](JournalTick) { on_tick(); },
        [this](const TurnOver& turn) { on_turn(turn); },
        [this](const QuotaTold& told) { on_quota(told); },
        [this](const CoverDone& message) {
            desk_.done({message.broker, message.asset}, message.asked);
            // Room that was held for this request may have kept the next claim waiting.
            changed_.insert(message.broker);
            cover_claims();
        },
        [this](const BookAt& ask) {
            const auto found = book_.shards.find({ask.broker, ask.shard});
            BookLines lines{.lines = {}, .is_behind = is_behind()};
            if (found != book_.shards.end()) {
                lines.lines = ledger::at_block(found->second, ask.block);
            }
            return lines;
        },
        [this](SettleContracts) { settle_contracts(); },
        [this](const MarginKept& kept) { margins_.keep(kept); },
        [this](ConfirmRead& read) { on_confirm_read(read); },
        [this](const ConfirmDone& message) { on_confirm_done(message); },
        [this](ConfirmRetry) {
            confirms_.retry();
            confirm_fence();
        },
        [this](const KeeperFenced& message) {
            static_cast<void>(end_if_replaced(message.fence, message.by));
        },
    };
}

void JournalHost::on_exit() {
    if (turnstile_) caf::anon_send_exit(turnstile_, caf::exit_reason::kill);
    turnstile_ = nullptr;
    queue_.clear();
    flying_.clear();
    confirms_.clear();
    if (snapshots_) caf::anon_send_exit(snapshots_, caf::exit_reason::kill);
    snapshots_ = nullptr;
    owner_ = nullptr;
}

void JournalHost::take_over() {
    phase_ = Phase::taking;
    started_at_ = context_->now();
    ask_for_promise();
}

void JournalHost::ask_for_promise() {
    const auto self = caf::actor_cast<JournalActor>(this);
    context_->journal->promised(
        partition_, [self](auto promised) { caf::anon_send(self, TookOver{std::move(promised)}); });
}

void JournalHost::on_promised(const TookOver& message) {
    if (const auto* unknown = std::get_if<journal::Unknown>(&message.promised)) {
        on_trouble("The promised epoch is not known yet.", unknown->reason);
        return retry_later();
    }
    if (const auto* declined = std::get_if<journal::Declined>(&message.promised)) {
        on_trouble("The journal declines.", declined->reason);
        return retry_later();
    }
    const auto& promised = std::get<journal::Promised>(message.promised);
    // Another owner has written since: it must not be fenced by one that it replaced.
    if (phase_ == Phase::renewing && promised.last != last_) return on_renewed(promised.last);
    fence_.epoch = std::max(promised.epoch, fence_.epoch) + 1;
    fence_.nonce = journal::fresh_nonce();
    const auto self = caf::actor_cast<JournalActor>(this);
    context_->journal->prepare(partition_, fence_, [self](journal::PrepareOutcome outcome) {
        caf::anon_send(self, PrepareDone{std::move(outcome)});
    });
}

void JournalHost::on_prepared(PrepareDone& message) {
    if (const auto* prepared = std::get_if<journal::Prepared>(&message.outcome)) {
        if (phase_ == Phase::renewing) return on_renewed(prepared->last);
        target_ = prepared->last;
        steps_.promised = context_->now();
        phase_ = Phase::reading;
        return read_core();
    }
    if (const auto* fenced = std::get_if<journal::Fenced>(&message.outcome)) {
        on_trouble("Another owner promised in between.", std::to_string(fenced->epoch));
        // Who holds the partition already must not win it back: the other may have begun to serve.
        if (phase_ == Phase::renewing) {
            return end(false, "epoch " + std::to_string(fenced->epoch) + " owns the partition");
        }
    } else if (const auto* unknown = std::get_if<journal::Unknown>(&message.outcome)) {
        on_trouble("The promise is not known to stand.", unknown->reason);
    } else if (const auto* declined = std::get_if<journal::Declined>(&message.outcome)) {
        on_trouble("The journal declines.", declined->reason);
    }
    retry_later();
}

ledger::Entry JournalHost::epoch_started() const {
    return {base::EntityId{.kind = base::EntityKind::partition, .id = partition_.v, .sub = 0},
            ledger::EpochStarted{.epoch = fence_.epoch, .at = context_->now()}};
}

// An instance that lost its logs may have promised the partition to somebody and forgotten it. Only
// an epoch that the others have promised since may bring it up to date; so this owner takes over
// from itself, between two records.
void JournalHost::renew() {
    if (!context_->journal->wants_new_epoch(partition_)) return;
    phase_ = Phase::renewing;
    ask_for_promise();
}

void JournalHost::on_renewed(const journal::Head& last) {
    if (last != last_) {
        return end(false, "the log goes on at record " + std::to_string(last.seq) +
                              " and this owner did not write it");
    }
    phase_ = Phase::running;
    queue_.push_front(own_append({epoch_started()}));
    status().queued.fetch_add(1, std::memory_order_relaxed);
    flush();
}

void JournalHost::on_append(Append& message) {
    if (phase_ == Phase::ended) return;  // Its sender is being dropped as well.
    queue_.push_back(std::move(message));
    status().queued.fetch_add(1, std::memory_order_relaxed);
    gather();
}

// Whoever is ready to run may have something to append as well: they run first. Nobody waits for a
// clock, and where nobody is ready the batch is made at once. A record costs some 60 us of
// processor time whatever is in it, 40 of them in Redis.
void JournalHost::gather() {
    if (is_flying_ || is_gathering_ || queue_.empty()) return;
    is_gathering_ = true;
    gathering_since_ = context_->now();
    caf::anon_send(turnstile_, TurnOver{turns_gathered - 1});
}

void JournalHost::on_turn(const TurnOver& turn) {
    if (phase_ == Phase::ended) return;
    if (turn.left > 0) return caf::anon_send(turnstile_, TurnOver{turn.left - 1});
    is_gathering_ = false;
    flush();
    // Reads wait for a record that is gathered; where another batch took it along, none follows.
    confirm_fence();
}

void JournalHost::append_own(std::vector<ledger::Entry> entries) {
    auto append = own_append(std::move(entries));
    on_append(append);
}

void JournalHost::flush() {
    if (is_flying_ || queue_.empty()) return;
    if (phase_ == Phase::renewing || phase_ == Phase::ended) return;
    std::string payload = journal::begin_payload();
    std::size_t count = 0;
    flying_.clear();
    while (!queue_.empty()) {
        auto& next = queue_.front();
        const bool is_full =
            count + next.entries.size() > base::limits::record_entries_max ||
            payload.size() + next.bytes.size() + payload_margin > base::limits::record_bytes_max;
        if (is_full && !flying_.empty()) break;
        payload += next.bytes;
        count += next.entries.size();
        flying_.push_back(std::move(next));
        queue_.pop_front();
    }
    in_flight_ =
        journal::Append{.partition = partition_,
                        .fence = fence_,
                        .expected = last_,
                        .record = journal::next_record(context_->cluster, partition_, last_,
                                                       fence_.epoch, std::move(payload))};
    is_flying_ = true;
    confirms_.begin_append();
    sent_at_ = context_->now();
    context_->instruments->ledger.journal_batch_events.observe(static_cast<double>(count));
    send_batch();
}

void JournalHost::send_batch() {
    const auto self = caf::actor_cast<JournalActor>(this);
    context_->journal->append(
        in_flight_, [self, seq = in_flight_.record.head.seq](journal::AppendOutcome outcome) {
            caf::anon_send(self, AppendDone{seq, std::move(outcome)});
        });
}

void JournalHost::on_appended(const AppendDone& message) {
    if (!is_flying_ || phase_ == Phase::ended) return;
    if (message.seq != in_flight_.record.head.seq) return;  // Of a batch that is settled.
    if (std::holds_alternative<journal::Appended>(message.outcome)) return on_committed();
    if (const auto* fenced = std::get_if<journal::Fenced>(&message.outcome)) {
        context_->instruments->cluster.fenced_writes_total.increment();
        return end(false, "epoch " + std::to_string(fenced->epoch) + " owns the partition");
    }
    const auto* gap = std::get_if<journal::Gap>(&message.outcome);
    const bool is_hopeless =
        gap != nullptr || has_passed(start_patience, sent_at_, context_->now());
    if (is_hopeless && phase_ == Phase::starting) {
        // Whoever alone held the chosen end has gone; another majority knows another one. Those
        // that are left cannot say so while the third may still come back: then patience decides.
        on_trouble("The log's end went away.", context_->journal->trouble());
        queue_.clear();
        flying_.clear();
        is_flying_ = false;
        status().queued.store(0, std::memory_order_relaxed);
        phase_ = Phase::taking;
        return retry_later();
    }
    if (gap != nullptr) {
        return end(true, "the log ends at record " + std::to_string(gap->actual.seq) +
                             " and not where this owner left it");
    }
    // Unknown, or declined: the same bytes go again until somebody can say.
    status().is_stuck.store(true, std::memory_order_relaxed);
    if (const auto* unknown = std::get_if<journal::Unknown>(&message.outcome)) {
        on_trouble("An append is in doubt.", unknown->reason);
    } else if (const auto* declined = std::get_if<journal::Declined>(&message.outcome)) {
        on_trouble("The journal declines to append.", declined->reason);
    }
    retry_later();
}

void JournalHost::on_committed() {
    const auto& instruments = context_->instruments->ledger;
    instruments.journal_commit_duration_seconds.observe(
        static_cast<double>((context_->now() - sent_at_).us) * 1e-6);
    last_ = in_flight_.record.head;
    is_flying_ = false;
    trouble_.clear();
    auto& standing = status();
    standing.is_stuck.store(false, std::memory_order_relaxed);
    standing.queued.fetch_sub(flying_.size(), std::memory_order_relaxed);
    standing.log.store({.fence = fence_, .last = last_});
    std::map<caf::actor_id, std::pair<DurableActor, std::uint64_t>> waiting;
    const auto committed = std::make_shared<std::vector<ledger::Entry>>();
    for (auto& append : flying_) {
        for (auto& entry : append.entries) {
            ledger::fold(book_, entry);
            margins_.note(book_, entry);
            if (entry.entity.kind != base::EntityKind::partition) {
                changed_.insert(base::broker_of(entry.entity));
            }
            committed->push_back(std::move(entry));
        }
        if (append.from) waiting[append.from.id()] = {append.from, append.number};
    }
    flying_.clear();
    // Told before anyone hears of the record itself: a read is answered before what came after it.
    answer_reads(confirms_.append_committed());
    if (is_surplus_due_) return_surplus();
    if (phase_ == Phase::running) renew();
    // The next batch is gathered while the world hears of this one.
    gather();
    if (phase_ == Phase::starting) begin_serving();
    // Before anyone hears that it is durable: whoever leaves then finds itself there again.
    send(snapshots_, Committed{.last = last_, .entries = committed});
    for (const auto& [id, durable] : waiting) {
        send(durable.first, Durable{.number = durable.second, .sequence = last_.seq});
    }
    cover_claims();
    confirm_fence();
}

void JournalHost::on_trouble(std::string_view what, const std::string& reason) {
    // Told once per kind of trouble: a Redis that is away for an hour is one line, not 36,000.
    if (trouble_ == what) return;
    trouble_ = what;
    context_->log(LogLevel::warning, what,
                  {{"partition", std::to_string(partition_.v)}, {"reason", reason}});
}

void JournalHost::end(bool is_broken, const std::string& why) {
    phase_ = Phase::ended;
    status().queued.store(0, std::memory_order_relaxed);
    status().is_stuck.store(false, std::memory_order_relaxed);
    send(owner_, PartitionLost{.is_broken = is_broken, .is_stopping = false, .why = why});
}

void JournalHost::retry_later() {
    delayed_send(this, as_chrono(context_->options.append_retry), JournalRetry{});
}

void JournalHost::on_quota(const QuotaTold& told) {
    if (!is_serving()) return;
    const auto known = book_.quotas.find({told.broker, told.asset});
    const Amount before = known == book_.quotas.end() ? Amount{} : known->second.granted;
    if (ledger::total_since(told.granted_total, before) <= Amount{0}) return;
    append_own({ledger::Entry{base::entity_of(base::EntityKind::cover, told.broker),
                              ledger::cover::Event{ledger::cover::QuotaArrived{
                                  .asset = told.asset, .granted_total = told.granted_total}}}});
}

void JournalHost::cover_claims() {
    if (!is_serving()) return;
    std::vector<ledger::BrokerAsset> claimed;
    for (const auto& [of, queue] : book_.claims) {
        if (!queue.claims.empty() && changed_.contains(of.broker)) claimed.push_back(of);
    }
    for (const auto& of : claimed) {
        for (const auto& request : desk_.next(book_, of)) {
            send(owner_,
                 AccountOrder{.account = request.account,
                              .command = ledger::account::CoverClaims{.asset = request.asset,
                                                                      .amount = request.amount,
                                                                      .at = context_->now()},
                              .acknowledge = CoverDone{of.broker, of.asset, request.amount}});
        }
    }
}

void JournalHost::on_tick() {
    if (phase_ == Phase::ended) return;
    if (is_serving()) context_->journal->tend(partition_);
    if (phase_ == Phase::running && !is_flying_) renew();
    if (is_serving()) {
        is_surplus_due_ = true;
        if (!is_flying_ && queue_.empty()) {
            return_surplus();
            flush();
        }
        publish_imbalance();
        look_at_overdue();
        refuse_overdue_reads();
        say_figures_again();
        review_margins();
        report();
        context_->instruments->ledger.journal_sequence.with({std::to_string(partition_.v)})
            .set(static_cast<double>(last_.seq));
    }
    delayed_send(this, as_chrono(context_->options.balance_every), JournalTick{});
}

// What is given back is a total, true only right after what is folded: it goes first into the next
// record, before any payment or claim that waits can change it.
void JournalHost::return_surplus() {
    is_surplus_due_ = false;
    auto surplus = desk_.surplus(book_);
    if (surplus.empty()) return;
    queue_.push_front(own_append(std::move(surplus)));
    status().queued.fetch_add(1, std::memory_order_relaxed);
}

// A clock that was set back says nothing of how long it takes: then nobody should count on it.
// While a newer epoch is not promised yet nothing is sent at all, and receipts wait.
bool JournalHost::is_behind() const {
    if (phase_ != Phase::running) return true;
    const auto now = context_->now();
    const auto is_late = [now](base::Timestamp since) {
        return now < since || now - since > behind_after;
    };
    return (is_flying_ && is_late(sent_at_)) || (is_gathering_ && is_late(gathering_since_));
}

void JournalHost::review_margins() {
    for (const auto& due : margins_.take_due()) {
        send(owner_, AccountOrder{.account = due.account,
                                  .command = ledger::account::ReviewMargin{.at = context_->now()},
                                  .acknowledge = due});
    }
}

void JournalHost::settle_contracts() {
    if (!is_serving()) return;
    for (const auto& [account, contracts] : book_.contracts) {
        const auto surface = context_->broker(base::broker_of(account)).surface.load();
        for (const auto& [contract, quantity] : contracts) {
            auto order = settlement_of(*context_, account, contract, surface.get());
            if (order) send(owner_, *std::move(order));
        }
    }
}

}  // namespace crossclear::actors
