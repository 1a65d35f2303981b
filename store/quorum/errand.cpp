#include "store/quorum/errand.hpp"

#include "ledger/journal/chain.hpp"

#include <algorithm>
#include <atomic>
#include <utility>
#include <variant>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

// Small enough for an acceptor's queue to take it beside the live appends.
constexpr std::size_t page_records = 64;

// Whether the log was trimmed beyond a record.
bool begins_after(const ReadOutcome& outcome, std::uint64_t seq) {
    const auto* read = std::get_if<ReadRecords>(&outcome);
    return read != nullptr && !read->records.empty() && read->records.front().head.seq > seq;
}

// The one record of a page, if the page has it.
const Record* only_record(const ReadOutcome& outcome, std::uint64_t seq) {
    const auto* read = std::get_if<ReadRecords>(&outcome);
    if (read == nullptr || read->records.empty()) return nullptr;
    return read->records.front().head.seq == seq ? &read->records.front() : nullptr;
}

}  // namespace

void QuorumJournal::Errand::begin(QuorumJournal& journal, std::size_t acceptor,
                                  base::PartitionId partition, const Fence& fence,
                                  bool is_joining) {
    std::make_shared<Errand>(journal, acceptor, partition, fence, is_joining)->promise();
}

void QuorumJournal::Errand::promise() {
    journal_.acceptors_[acceptor_]->prepare(
        partition_, fence_, [this, self = shared_from_this()](const PrepareOutcome& outcome) {
            if (const auto* fenced = std::get_if<Fenced>(&outcome)) {
                journal_.note_fence(acceptor_, partition_, fence_, *fenced);
            }
            const auto* prepared = std::get_if<Prepared>(&outcome);
            const auto chosen = chosen_end();
            if (prepared == nullptr || !chosen) return end();
            last_ = prepared->last;
            common_ = last_;
            if (last_ == *chosen || last_.seq == 0) return copy_after(last_.seq);
            differs_ = std::min(last_.seq, chosen->seq) + 1;
            find_common();
        });
}

// The end of the chosen log, while the promise that began this errand is the owner's.
std::optional<Head> QuorumJournal::Errand::chosen_end() const {
    const std::lock_guard lock(journal_.mutex_);
    const Log& log = journal_.logs_[partition_.v];
    return log.fence == fence_ ? log.chosen : std::nullopt;
}

// Doubling steps back until something is shared, then halving steps to the last that is.
void QuorumJournal::Errand::find_common() {
    if (known_ && differs_ - *known_ <= 1) return copy_after(common_.seq);
    const std::uint64_t step = std::min(stride_, differs_);
    const std::uint64_t seq = known_ ? *known_ + (differs_ - *known_) / 2 : differs_ - step;
    stride_ *= 2;
    if (seq == 0) return share_nothing(0);
    journal_.acceptors_[acceptor_]->read(
        partition_, seq, 1, [this, seq, self = shared_from_this()](const ReadOutcome& outcome) {
            if (begins_after(outcome, seq)) return share_nothing(seq);
            // What it holds altered is replaced with all that follows it.
            if (std::holds_alternative<Damaged>(outcome)) return differ(seq);
            const Record* theirs = only_record(outcome, seq);
            if (theirs == nullptr) return end();
            compare(theirs->head);
        });
}

// Nothing can be told of what comes before: the last shared record, if there is one, is later.
void QuorumJournal::Errand::share_nothing(std::uint64_t seq) {
    common_ = {};
    known_ = seq;
    find_common();
}

void QuorumJournal::Errand::differ(std::uint64_t seq) {
    differs_ = seq;
    find_common();
}

void QuorumJournal::Errand::compare(const Head& theirs) {
    journal_.read_chosen(partition_, theirs.seq, 1,
                         [this, theirs, self = shared_from_this()](const ReadOutcome& outcome) {
                             if (begins_after(outcome, theirs.seq))
                                 return share_nothing(theirs.seq);
                             const Record* ours = only_record(outcome, theirs.seq);
                             if (ours == nullptr) return end();
                             if (ours->head.head != theirs.head) return differ(theirs.seq);
                             common_ = theirs;
                             known_ = theirs.seq;
                             find_common();
                         });
}

void QuorumJournal::Errand::copy_after(std::uint64_t seq) {
    if (!journal_.has_source(partition_, acceptor_)) {
        // Nobody else can be asked. An acceptor that ends where the chosen log ends needs nothing.
        const auto chosen = chosen_end();
        return chosen && last_ == *chosen ? finish(seq) : end();
    }
    journal_.read_chosen(partition_, seq + 1, page_records,
                         [this, seq, self = shared_from_this()](const ReadOutcome& outcome) {
                             const auto* read = std::get_if<ReadRecords>(&outcome);
                             if (read == nullptr) return end();
                             if (read->records.empty()) {
                                 return is_reached(seq) ? finish(seq) : end();
                             }
                             const Record& first = read->records.front();
                             if (first.head.seq > seq + 1) return begin_with(first);
                             // What is read now may be another chain than a moment ago.
                             const bool is_next =
                                 is_linked(journal_.cluster_, partition_, common_, first);
                             is_next ? copy(read->records) : end();
                         });
}

void QuorumJournal::Errand::copy(const std::vector<Record>& records) {
    struct Batch {
        std::atomic<std::size_t> open;
        std::atomic<bool> is_whole{true};
    };
    const auto batch = std::make_shared<Batch>();
    batch->open = records.size();
    const std::uint64_t until = records.back().head.seq;
    common_ = records.back().head;
    Head expected = std::exchange(last_, records.back().head);
    for (const Record& record : records) {
        const Append append{
            .partition = partition_, .fence = fence_, .expected = expected, .record = record};
        expected = record.head;
        journal_.acceptors_[acceptor_]->append(
            append, [this, batch, until, self = shared_from_this()](const AppendOutcome& outcome) {
                if (!std::holds_alternative<Appended>(outcome)) batch->is_whole = false;
                if (batch->open.fetch_sub(1) > 1) return;
                if (!batch->is_whole) return end();
                copy_after(until);
            });
    }
}

// Whether nothing is missing before what waits.
bool QuorumJournal::Errand::is_reached(std::uint64_t seq) const {
    const std::lock_guard lock(journal_.mutex_);
    const auto& waiting = journal_.logs_[partition_.v].replicas[acceptor_].waiting;
    return !waiting || waiting->append.expected.seq <= seq;
}

// What lies before was trimmed: the snapshots, which follow, say it all.
void QuorumJournal::Errand::begin_with(const Record& base) {
    journal_.acceptors_[acceptor_]->begin_at(
        partition_, fence_, base,
        [this, head = base.head, self = shared_from_this()](const AppendOutcome& outcome) {
            if (!std::holds_alternative<Appended>(outcome)) return end();
            is_new_ = true;
            common_ = head;
            last_ = head;
            copy_after(head.seq);
        });
}

void QuorumJournal::Errand::finish(std::uint64_t seq) {
    is_joining_ || is_new_ ? copy_snapshots(seq) : admit(seq);
}

void QuorumJournal::Errand::copy_snapshots(std::uint64_t seq) {
    for (std::size_t i = 0; i < journal_.acceptors_.size(); ++i) {
        if (i == acceptor_) continue;
        if (journal_.acceptors_[i]->standing().kind == Standing::Kind::voting) {
            sources_.push_back(i);
        }
    }
    if (sources_.size() < majority_of(journal_.acceptors_.size())) return end();
    list(seq, {});
}

void QuorumJournal::Errand::list(std::uint64_t seq, std::string from) {
    if (sources_.empty()) return admit(seq);
    journal_.acceptors_[sources_.back()]->list_snapshots(
        partition_, std::move(from), [this, seq, self = shared_from_this()](ListOutcome outcome) {
            auto* page = std::get_if<SnapshotPage>(&outcome);
            if (page == nullptr) return end();
            store(seq, std::make_shared<const SnapshotPage>(std::move(*page)), 0);
        });
}

void QuorumJournal::Errand::store(std::uint64_t seq, std::shared_ptr<const SnapshotPage> page,
                                  std::size_t next) {
    if (next == page->snapshots.size()) {
        if (page->next.empty()) sources_.pop_back();
        return list(seq, page->next);
    }
    journal_.acceptors_[acceptor_]->store_snapshot(
        partition_, fence_, page->snapshots[next],
        [this, seq, page, next, self = shared_from_this()](const StoreSnapshotOutcome& outcome) {
            const auto* declined = std::get_if<Declined>(&outcome);
            const bool is_outdated = declined != nullptr && declined->is_outdated;
            if (!is_outdated && !std::holds_alternative<SnapshotStored>(outcome)) return end();
            store(seq, page, next + 1);
        });
}

void QuorumJournal::Errand::admit(std::uint64_t seq) {
    const auto note = [this, seq](bool is_admitted) {
        const std::lock_guard lock(journal_.mutex_);
        Log& log = journal_.logs_[partition_.v];
        if (log.fence != fence_) return;
        log.replicas[acceptor_].holds = seq;
        log.replicas[acceptor_].is_admitted = is_admitted && journal_.joined_at_[acceptor_] > 0;
    };
    if (!is_joining_) {
        note(false);
        return end();
    }
    journal_.acceptors_[acceptor_]->admit(
        partition_, [this, note, self = shared_from_this()](bool is_admitted) {
            if (is_admitted) note(true);
            end();
        });
}

void QuorumJournal::Errand::end() { journal_.end_errand(acceptor_, partition_); }

}  // namespace crossclear::store
