#include "tests/support/actors/watch.hpp"

#include "ledger/journal/codec.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace crossclear::tests {

using namespace ledger::journal;

void Watch::note(Seen seen) {
    {
        const std::scoped_lock lock(mutex_);
        seen_.push_back(std::move(seen));
        ++happenings_;
    }
    happened_.notify_all();
}

void Watch::note_line(std::string line, bool is_error) {
    // For whoever looks into a failure; the suites themselves stay quiet.
    if (std::getenv("CROSSCLEAR_TEST_LOG") != nullptr) std::fprintf(stderr, "%s\n", line.c_str());
    {
        const std::scoped_lock lock(mutex_);
        if (is_error) complaints_.push_back(line);
        lines_.push_back(std::move(line));
        ++happenings_;
    }
    happened_.notify_all();
}

void Watch::note(std::shared_ptr<const actors::Publication> publication) {
    {
        const std::scoped_lock lock(mutex_);
        publications_.push_back(std::move(publication));
        ++happenings_;
    }
    happened_.notify_all();
}

// Who asks a node in `holds` waits for actors that have something to note.
bool Watch::await(const std::function<bool()>& holds) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (std::uint64_t tried = 0;;) {
        if (holds()) return true;
        std::unique_lock lock(mutex_);
        const auto has_happened = [&] { return happenings_ != tried; };
        if (!happened_.wait_until(lock, until, has_happened)) return false;
        tried = happenings_;
    }
}

bool Watch::await_noted(const std::function<bool()>& holds) const {
    std::unique_lock lock(mutex_);
    return happened_.wait_for(lock, patience, holds);
}

std::vector<Seen> Watch::seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
}

std::size_t Watch::mark() const {
    const std::scoped_lock lock(mutex_);
    return seen_.size();
}

std::size_t Watch::count_lines(const std::string& sentence) const {
    std::size_t count = 0;
    for (const auto& line : lines_)
        if (line.starts_with(sentence)) ++count;
    return count;
}

bool Watch::await_line(const std::string& sentence, std::size_t times) const {
    return await_noted([&] { return count_lines(sentence) >= times; });
}

std::size_t Watch::lines_with(const std::string& sentence) const {
    const std::scoped_lock lock(mutex_);
    return count_lines(sentence);
}

std::vector<std::string> Watch::complaints() const {
    const std::scoped_lock lock(mutex_);
    return complaints_;
}

std::vector<std::shared_ptr<const actors::Publication>> Watch::publications() const {
    const std::scoped_lock lock(mutex_);
    return publications_;
}

std::shared_ptr<const actors::Publication> Watch::await_publication(
    const std::function<bool(const actors::Publication&)>& fits, std::size_t skip) const {
    std::shared_ptr<const actors::Publication> found;
    const bool is_found = await_noted([&] {
        for (; skip < publications_.size(); ++skip) {
            if (!fits(*publications_[skip])) continue;
            found = publications_[skip];
            return true;
        }
        return false;
    });
    return is_found ? found : nullptr;
}

void WatchedJournal::promised(base::PartitionId partition,
                              std::function<void(PromisedOutcome)> done) {
    behind_.promised(partition, std::move(done));
}

void WatchedJournal::prepare(base::PartitionId partition, const Fence& fence,
                             std::function<void(PrepareOutcome)> done) {
    behind_.prepare(partition, fence, std::move(done));
}

void WatchedJournal::append(Append append, std::function<void(AppendOutcome)> done) {
    const auto partition = append.partition;
    const auto record = append.record;
    {
        const std::scoped_lock lock(mutex_);
        const auto entries = decode_payload(record.payload);
        CHECK(entries.has_value(), "what is appended can be read");
        if (is_unwanted_ && std::any_of(entries->begin(), entries->end(), is_unwanted_)) {
            if (!std::exchange(has_declined_, true)) watch_.note_line("Record declined.", false);
            return done(Declined{"unwanted by the test"});
        }
    }
    behind_.append(std::move(append),
                   [this, partition, record, done = std::move(done)](AppendOutcome outcome) {
                       if (std::holds_alternative<Appended>(outcome)) {
                           const auto entries = decode_payload(record.payload);
                           CHECK(entries.has_value(), "what was appended can be read");
                           for (const auto& entry : *entries) {
                               watch_.note(Seen{partition, record.head.seq, entry});
                           }
                       }
                       done(std::move(outcome));
                   });
}

void WatchedJournal::decline(std::function<bool(const ledger::Entry&)> is_unwanted) {
    const std::scoped_lock lock(mutex_);
    is_unwanted_ = std::move(is_unwanted);
    has_declined_ = false;
}

void WatchedJournal::read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                          std::function<void(ReadOutcome)> done) {
    auto most = asked_max_.load();
    while (most < count && !asked_max_.compare_exchange_weak(most, count)) {
    }
    watch_.note_line("Records asked for. partition=" + std::to_string(partition.v), false);
    {
        const std::scoped_lock lock(mutex_);
        if (is_holding_reads_) {
            held_reads_.push_back([this, partition, from, count, done = std::move(done)] {
                behind_.read(partition, from, count, done);
            });
            return;
        }
    }
    behind_.read(partition, from, count, std::move(done));
}

void WatchedJournal::confirm(base::PartitionId partition, const Fence& fence,
                             std::function<void(ConfirmOutcome)> done) {
    watch_.note_line("Fence asked for. partition=" + std::to_string(partition.v), false);
    {
        const std::scoped_lock lock(mutex_);
        if (is_holding_) {
            held_.push_back([this, partition, fence, done = std::move(done)] {
                behind_.confirm(partition, fence, done);
            });
            return;
        }
    }
    behind_.confirm(partition, fence, std::move(done));
}

void WatchedJournal::before_core(base::PartitionId partition, std::function<void()> happens) {
    const std::scoped_lock lock(mutex_);
    before_core_[partition] = std::move(happens);
}

void WatchedJournal::hold_confirms() {
    const std::scoped_lock lock(mutex_);
    is_holding_ = true;
}

void WatchedJournal::release_confirms() {
    std::vector<std::function<void()>> held;
    {
        const std::scoped_lock lock(mutex_);
        is_holding_ = false;
        held.swap(held_);
    }
    for (const auto& call : held) call();
}

void WatchedJournal::hold_reads() {
    const std::scoped_lock lock(mutex_);
    is_holding_reads_ = true;
}

void WatchedJournal::release_reads() {
    std::vector<std::function<void()>> held;
    {
        const std::scoped_lock lock(mutex_);
        is_holding_reads_ = false;
        held.swap(held_reads_);
    }
    for (const auto& call : held) call();
}

void WatchedJournal::hold_machines(base::PartitionId partition) {
    const std::scoped_lock lock(mutex_);
    holding_machines_ = partition;
}

void WatchedJournal::release_machines() {
    std::vector<std::function<void()>> held;
    {
        const std::scoped_lock lock(mutex_);
        holding_machines_.reset();
        held.swap(held_machines_);
    }
    for (const auto& call : held) call();
}

std::size_t WatchedJournal::machines_held() const {
    const std::scoped_lock lock(mutex_);
    return held_machines_.size();
}

bool WatchedJournal::wants_new_epoch(base::PartitionId partition) const {
    const std::scoped_lock lock(mutex_);
    return wanted_epochs_.erase(partition) > 0;
}

void WatchedJournal::want_new_epoch(base::PartitionId partition) {
    const std::scoped_lock lock(mutex_);
    wanted_epochs_.insert(partition);
}

void WatchedJournal::store_snapshot(base::PartitionId partition, const Fence& fence,
                                    EntitySnapshot snapshot,
                                    std::function<void(StoreSnapshotOutcome)> done) {
    const auto name = base::to_string(snapshot.entity);
    behind_.store_snapshot(partition, fence, std::move(snapshot),
                           [this, name, done = std::move(done)](StoreSnapshotOutcome outcome) {
                               const bool is_stored =
                                   std::holds_alternative<SnapshotStored>(outcome);
                               // The owner hears of it first: a test that saw it may rely on it.
                               done(std::move(outcome));
                               if (is_stored) watch_.note_line("Snapshot stored. " + name, false);
                           });
}

void WatchedJournal::trim(base::PartitionId partition, const Fence& fence, const Head& base,
                          std::function<void(TrimOutcome)> done) {
    behind_.trim(partition, fence, base,
                 [this, partition, seq = base.seq, done = std::move(done)](TrimOutcome outcome) {
                     const bool is_trimmed = std::holds_alternative<Trimmed>(outcome);
                     done(std::move(outcome));
                     if (!is_trimmed) return;
                     watch_.note_line("Log trimmed. partition=" + std::to_string(partition.v) +
                                          " base=" + std::to_string(seq),
                                      false);
                 });
}

void WatchedJournal::read_snapshot(base::PartitionId partition, base::EntityId entity,
                                   std::function<void(ReadSnapshotOutcome)> done) {
    watch_.note_line("Snapshot read. " + base::to_string(entity), false);
    std::function<void()> happens;
    if (entity.kind == base::EntityKind::partition) {
        const std::scoped_lock lock(mutex_);
        std::swap(happens, before_core_[partition]);
    }
    if (happens) happens();
    if (entity.kind != base::EntityKind::partition) {
        const std::scoped_lock lock(mutex_);
        if (holding_machines_ == partition) {
            held_machines_.push_back([this, partition, entity, done = std::move(done)] {
                behind_.read_snapshot(partition, entity, done);
            });
            return;
        }
    }
    behind_.read_snapshot(partition, entity, std::move(done));
}

}  // namespace crossclear::tests
