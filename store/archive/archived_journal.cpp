#include "store/archive/archived_journal.hpp"

#include <fmt/format.h>

#include <variant>

namespace crossclear::store {

using namespace ledger::journal;

void ArchivedJournal::read(base::PartitionId partition, std::uint64_t from, std::size_t count,
                           std::function<void(ReadOutcome)> done) {
    const auto known = readers_.find(partition);
    // Files are read from the front; whoever reads on goes on from there.
    if (known == readers_.end() || known->second.last().seq >= from) {
        readers_.insert_or_assign(partition, ArchiveReader(root_, cluster_, partition));
    }
    ArchiveReader& reader = readers_.at(partition);
    ReadRecords read;
    while (read.records.size() < count) {
        auto next = reader.next();
        if (const auto* fault = std::get_if<ArchiveFault>(&next)) {
            return done(Damaged{fmt::format("partition {}: {}", partition.v, fault->what)});
        }
        if (!reader.missing().empty()) {
            return done(
                Damaged{fmt::format("partition {}: {}", partition.v, reader.missing().front())});
        }
        auto* record = std::get_if<Record>(&next);
        if (record == nullptr) break;
        if (record->head.seq >= from) read.records.push_back(std::move(*record));
    }
    if (!read.records.empty()) return done(std::move(read));
    const Head archived = reader.last();
    if (archived.seq == 0) return behind_->read(partition, from, count, std::move(done));
    const auto torn = reader.torn().empty() ? std::string{} : "; " + reader.torn().back();
    behind_->read(
        partition, from, count,
        [partition, from, archived, torn, done = std::move(done)](ReadOutcome outcome) {
            const auto* rest = std::get_if<ReadRecords>(&outcome);
            const bool is_gap =
                rest != nullptr && !rest->records.empty() && rest->records.front().head.seq > from;
            if (!is_gap) return done(std::move(outcome));
            done(Damaged{fmt::format(
                "partition {}: the archive ends at record {} and the log begins at record {}{}",
                partition.v, archived.seq, rest->records.front().head.seq, torn)});
        });
}

std::vector<std::string> ArchivedJournal::notes() const {
    std::vector<std::string> notes;
    for (const auto& [partition, reader] : readers_) {
        notes.insert(notes.end(), reader.torn().begin(), reader.torn().end());
    }
    return notes;
}

}  // namespace crossclear::store
