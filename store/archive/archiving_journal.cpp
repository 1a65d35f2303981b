#include "store/archive/archiving_journal.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

namespace crossclear::store {

using namespace ledger::journal;

namespace {

// So many records are read and synced at once.
constexpr std::size_t archive_page = 512;

}  // namespace

struct ArchivingJournal::Copy {
    base::PartitionId partition;
    Fence fence;
    Head base;
    std::function<void(TrimOutcome)> done;
    bool is_end_read{};  // In this round, and not only known from an earlier one.
};

void ArchivingJournal::trim(base::PartitionId partition, const Fence& fence, const Head& base,
                            std::function<void(TrimOutcome)> done) {
    const auto copy = std::make_shared<Copy>(Copy{.partition = partition,
                                                  .fence = fence,
                                                  .base = base,
                                                  .done = std::move(done),
                                                  .is_end_read = false});
    end_of(partition) ? copy_next(copy) : find_end(copy);
}

void ArchivingJournal::find_end(const std::shared_ptr<Copy>& copy) {
    copy->is_end_read = true;
    archive_.end(copy->partition, [this, copy](const ArchiveOutcome& outcome) {
        if (const auto* fault = std::get_if<ArchiveFault>(&outcome)) {
            return decline(copy, fault->what);
        }
        set_end(copy->partition, std::get<Head>(outcome));
        copy_next(copy);
    });
}

void ArchivingJournal::copy_next(const std::shared_ptr<Copy>& copy) {
    const Head end = end_of(copy->partition).value_or(Head{});
    if (end.seq >= copy->base.seq) {
        if (end.seq == copy->base.seq && end != copy->base) {
            return decline(copy, fmt::format("the archive holds another record {}", end.seq));
        }
        note(copy->partition, {});
        return behind_.trim(copy->partition, copy->fence, copy->base, copy->done);
    }
    behind_.read(copy->partition, end.seq + 1, archive_page,
                 [this, copy](const ReadOutcome& outcome) { on_read(copy, outcome); });
}

void ArchivingJournal::on_read(const std::shared_ptr<Copy>& copy, const ReadOutcome& outcome) {
    if (const auto* damaged = std::get_if<Damaged>(&outcome)) {
        return decline(copy, damaged->reason);
    }
    const auto* read = std::get_if<ReadRecords>(&outcome);
    // The next round finds out.
    if (read == nullptr) return copy->done(Declined{"the log cannot be read to be archived"});
    std::vector<Record> records;
    for (const Record& record : read->records) {
        if (record.head.seq <= copy->base.seq) records.push_back(record);
    }
    if (records.empty()) return decline(copy, "the log does not hold what is to be archived");
    const Head end = end_of(copy->partition).value_or(Head{});
    const auto first = records.front().head.seq;
    if (end.seq > 0 && first > end.seq + 1) {
        // Another owner has gone on in the same directory, or in one of its own.
        if (!copy->is_end_read) return find_end(copy);
        complain_(copy->partition,
                  fmt::format("records {} to {} were trimmed by an owner with another archive: "
                              "only both together are whole",
                              end.seq + 1, first - 1));
        set_end(copy->partition, {});
    }
    write(copy, std::move(records));
}

void ArchivingJournal::write(const std::shared_ptr<Copy>& copy, std::vector<Record> records) {
    const Head end = end_of(copy->partition).value_or(Head{});
    archive_.append(copy->partition, end, std::move(records),
                    [this, copy](const ArchiveOutcome& outcome) {
                        if (const auto* fault = std::get_if<ArchiveFault>(&outcome)) {
                            return decline(copy, fault->what);
                        }
                        set_end(copy->partition, std::get<Head>(outcome));
                        copy_next(copy);
                    });
}

void ArchivingJournal::decline(const std::shared_ptr<Copy>& copy, const std::string& why) {
    {
        // What there is now is looked at anew.
        const std::lock_guard lock(mutex_);
        ends_.erase(copy->partition);
    }
    note(copy->partition, why);
    copy->done(Declined{why});
}

void ArchivingJournal::note(base::PartitionId partition, const std::string& trouble) {
    {
        const std::lock_guard lock(mutex_);
        auto& known = troubles_[partition];
        if (known == trouble) return;
        known = trouble;
    }
    if (!trouble.empty()) complain_(partition, trouble);
}

std::optional<Head> ArchivingJournal::end_of(base::PartitionId partition) const {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(partition);
    return found == ends_.end() ? std::nullopt : std::optional(found->second);
}

void ArchivingJournal::set_end(base::PartitionId partition, const Head& end) {
    const std::lock_guard lock(mutex_);
    ends_[partition] = end;
}

std::map<base::PartitionId, std::uint64_t> ArchivingJournal::archived() const {
    const std::lock_guard lock(mutex_);
    std::map<base::PartitionId, std::uint64_t> archived;
    for (const auto& [partition, end] : ends_) archived[partition] = end.seq;
    return archived;
}

std::map<base::PartitionId, std::string> ArchivingJournal::troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_;
}

}  // namespace crossclear::store
