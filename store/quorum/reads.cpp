#include "base/check.hpp"
#include "ledger/journal/chain.hpp"
#include "store/quorum/quorum_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

/// How the chosen log is read.
///
/// The problem: what an acceptor holds may have been altered, or it goes away while it is asked.
/// The idea: whoever holds the wanted record of the chosen log may tell it as well, and the chain
/// says who told it right. The subtle thing is the end: one that holds less must not make the log
/// look shorter than it is, so it is asked only for what it is known to hold.

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

}  // namespace

struct QuorumJournal::Reading {
    base::PartitionId partition;
    std::uint64_t from{};
    std::size_t count{};
    std::vector<std::size_t> sources;  // Still to be asked, the best one last.
    std::function<void(ReadOutcome)> done;
    std::optional<Damaged> damage;      // What the others were found to hold.
    std::optional<ReadOutcome> silent;  // Why one of them did not tell it.
};

// Whether an acceptor's last record follows the one before it and is what it said its log ends
// with. Of a log that was trimmed up to its end nothing is left to prove it by; and one acceptor
// alone is read from anyhow.
void QuorumJournal::prove_end(std::size_t acceptor, base::PartitionId partition, const Head& end,
                              std::function<void(const Declined*, bool)> done) {
    if (acceptors_.size() == 1 || end.seq == 0) return done(nullptr, false);
    const std::uint64_t first = end.seq > 1 ? end.seq - 1 : 1;
    acceptors_[acceptor]->read(
        partition, first, 2,
        [this, acceptor, partition, end, done = std::move(done)](ReadOutcome outcome) {
            auto* read = std::get_if<ReadRecords>(&outcome);
            if (read != nullptr) outcome = verified(cluster_, partition, end.seq, std::move(*read));
            read = std::get_if<ReadRecords>(&outcome);
            const bool is_there = read != nullptr && !read->records.empty();
            if (is_there && read->records.back().head == end) return done(nullptr, false);
            const std::string& name = acceptors_[acceptor]->name();
            const bool is_altered = read != nullptr || std::holds_alternative<Damaged>(outcome);
            if (!is_altered) {
                const Declined silent{name + " does not tell its last record"};
                return done(&silent, false);
            }
            const auto* damaged = std::get_if<Damaged>(&outcome);
            const Declined altered{fmt::format(
                "{}: {}", name,
                damaged != nullptr
                    ? damaged->reason
                    : fmt::format("partition {}: record {} is not what the log says it ends with",
                                  partition.v, end.seq))};
            note_damage(acceptor, partition, altered.reason);
            done(&altered, true);
        });
}

void QuorumJournal::read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                         std::function<void(ReadOutcome)> done) {
    check_partition(partition);
    if (is_owned(partition) || acceptors_.size() == 1) {
        return read_chosen(partition, from, count, std::move(done));
    }
    // Nobody is the owner here: a majority says which log to read.
    promised(partition,
             [this, partition, from, count, done = std::move(done)](const PromisedOutcome& found) {
                 if (const auto* unknown = std::get_if<Unknown>(&found)) return done(*unknown);
                 if (const auto* declined = std::get_if<Declined>(&found)) return done(*declined);
                 read_chosen(partition, from, count, done);
             });
}

void QuorumJournal::read_chosen(base::PartitionId partition, std::uint64_t from, std::size_t count,
                                std::function<void(ReadOutcome)> done) {
    auto sources = sources_of(partition, from);
    if (sources.empty()) return done(Declined{"no instance that holds the whole log answers"});
    read_next(std::make_shared<Reading>(Reading{.partition = partition,
                                                .from = from,
                                                .count = count,
                                                .sources = std::move(sources),
                                                .done = std::move(done),
                                                .damage = {},
                                                .silent = {}}));
}

void QuorumJournal::read_next(const std::shared_ptr<Reading>& reading) {
    const std::size_t source = reading->sources.back();
    reading->sources.pop_back();
    const std::uint64_t from = reading->from;
    // What it has beyond may be a tail that nobody chose.
    const auto end = end_at(source, reading->partition);
    // Its connection broke while another one was asked: what it holds is not known any more.
    if (!end) {
        return on_read(reading, source,
                       Declined{acceptors_[source]->name() + " was away for a moment"});
    }
    const std::uint64_t first = from > 1 ? from - 1 : 1;
    const std::size_t wanted = from > 1 ? reading->count + 1 : reading->count;
    acceptors_[source]->read(
        reading->partition, first, wanted,
        [this, reading, source, end = *end](ReadOutcome outcome) {
            if (auto* read = std::get_if<ReadRecords>(&outcome)) {
                std::erase_if(read->records,
                              [end](const Record& record) { return record.head.seq > end; });
                outcome = verified(cluster_, reading->partition, reading->from, std::move(*read));
            }
            on_read(reading, source, std::move(outcome));
        });
}

void QuorumJournal::on_read(const std::shared_ptr<Reading>& reading, std::size_t source,
                            ReadOutcome outcome) {
    if (std::holds_alternative<ReadRecords>(outcome)) return reading->done(std::move(outcome));
    if (auto* damaged = std::get_if<Damaged>(&outcome)) {
        damaged->reason = acceptors_[source]->name() + ": " + damaged->reason;
        note_damage(source, reading->partition, damaged->reason);
        const std::string others = reading->damage ? reading->damage->reason + "; " : "";
        reading->damage = Damaged{others + damaged->reason};
    }
    const bool is_damaged = std::holds_alternative<Damaged>(outcome);
    if (!is_damaged && !reading->silent) reading->silent = std::move(outcome);
    if (!reading->sources.empty()) return read_next(reading);
    // One is damaged here and another one there: a shorter page may be whole on either.
    if (reading->damage && reading->count > 1 && acceptors_.size() > 1) {
        return read_chosen(reading->partition, reading->from, reading->count / 2, reading->done);
    }
    // Whoever could not be asked may hold it intact: that is waited for.
    if (reading->silent && !reading->damage) return reading->done(std::move(*reading->silent));
    if (reading->silent || may_be_told(reading->partition)) {
        return reading->done(Declined{reading->damage->reason +
                                      "; an instance that may hold it intact is waited for"});
    }
    reading->done(std::move(*reading->damage));
}

// Whether an acceptor that could not be asked for the chosen log may still tell it: it is away, or
// only behind, and then it is brought up to date.
bool QuorumJournal::may_be_told(base::PartitionId partition) {
    if (acceptors_.size() == 1) return false;
    bool may_be = false;
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
        if (acceptors_[i]->standing().kind == Standing::Kind::away) may_be = true;
        if (acceptors_[i]->standing().kind != Standing::Kind::voting) continue;
        if (end_at(i, partition).value_or(0) == 0 && begin_errand(i, partition, {})) may_be = true;
    }
    return may_be;
}

// How far an acceptor's log is known to be the chosen one.
std::optional<std::uint64_t> QuorumJournal::end_at(std::size_t acceptor,
                                                   base::PartitionId partition) const {
    if (acceptors_.size() == 1) return UINT64_MAX;
    const std::lock_guard lock(mutex_);
    return logs_[partition.v].replicas[acceptor].holds;
}

// Who answers and is known to hold the chosen log: whoever holds most of it comes last, before it
// only those that hold `from`.
std::vector<std::size_t> QuorumJournal::sources_of(base::PartitionId partition,
                                                   std::uint64_t from) const {
    if (acceptors_.size() == 1) return {0};
    std::vector<bool> answers(acceptors_.size());
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
        answers[i] = acceptors_[i]->standing().kind == Standing::Kind::voting;
    }
    const std::lock_guard lock(mutex_);
    const auto& replicas = logs_[partition.v].replicas;
    std::vector<std::size_t> sources;
    for (std::size_t i = replicas.size(); i-- > 0;) {
        if (answers[i] && replicas[i].holds) sources.push_back(i);
    }
    std::stable_sort(sources.begin(), sources.end(), [&](std::size_t a, std::size_t b) {
        return *replicas[a].holds < *replicas[b].holds;
    });
    while (sources.size() > 1 && *replicas[sources.front()].holds < from) {
        sources.erase(sources.begin());
    }
    return sources;
}

bool QuorumJournal::has_source(base::PartitionId partition, std::size_t but) const {
    const auto sources = sources_of(partition, 0);
    return std::ranges::any_of(sources, [but](std::size_t source) { return source != but; });
}

void QuorumJournal::note_damage(std::size_t acceptor, base::PartitionId partition,
                                const std::string& what) {
    const std::lock_guard lock(mutex_);
    logs_[partition.v].replicas[acceptor].damage = what;
}

// Guarded by mutex_: what it held is gone.
void QuorumJournal::forget_damage(std::size_t acceptor) {
    for (Log& log : logs_) log.replicas[acceptor].damage.clear();
}

}  // namespace crossclear::store
