#include "app/audit.hpp"

#include "app/audit_checks.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/postings.hpp"

#include <fmt/format.h>

#include <functional>
#include <future>

namespace crossclear::app {
namespace {

namespace journal = ledger::journal;

constexpr std::size_t page = 512;

// One page, waited for. Used by tools only, never by a host.
journal::ReadOutcome read_page(journal::Journal& from, base::PartitionId partition,
                               std::uint64_t seq) {
    std::promise<journal::ReadOutcome> promise;
    auto future = promise.get_future();
    from.read(partition, seq, page,
              [&promise](journal::ReadOutcome outcome) { promise.set_value(std::move(outcome)); });
    return future.get();
}

using OnRecord = std::function<void(const journal::Record&, const std::vector<ledger::Entry>&)>;

// Walks a partition's log in order. Returns what is wrong, or nothing.
std::optional<std::string> walk(journal::Journal& from, const std::string& cluster,
                                base::PartitionId partition, const OnRecord& on_record) {
    journal::Head last;
    while (true) {
        const auto outcome = read_page(from, partition, last.seq + 1);
        const auto* read = std::get_if<journal::ReadRecords>(&outcome);
        if (const auto* damaged = std::get_if<journal::Damaged>(&outcome)) return damaged->reason;
        if (read == nullptr) {
            return fmt::format("partition {}: the journal cannot be read: {}", partition.v,
                               from.trouble());
        }
        if (read->records.empty()) return std::nullopt;
        for (const auto& record : read->records) {
            if (!journal::is_linked(cluster, partition, last, record)) {
                return fmt::format("partition {} record {}: does not follow record {}", partition.v,
                                   record.head.seq, last.seq);
            }
            const auto entries = journal::decode_payload(record.payload);
            if (!entries) {
                return fmt::format("partition {} record {}: {}", partition.v, record.head.seq,
                                   entries.error().what);
            }
            on_record(record, *entries);
            last = record.head;
        }
    }
}

// The command an event answers, and the number it gave: what a client can compare its answers with.
std::string command_members(const ledger::Event& event) {
    const auto* of_account = std::get_if<ledger::account::Event>(&event);
    if (of_account == nullptr) return {};
    const auto members = [](base::CommandId cause, std::uint64_t number) {
        return fmt::format(R"("command":"{}","number":{},)", base::to_string(cause), number);
    };
    if (const auto* trade = std::get_if<ledger::account::TradeNovated>(of_account)) {
        return members(trade->cause, trade->number);
    }
    if (const auto* refused = std::get_if<ledger::account::CommandRefused>(of_account)) {
        return members(refused->cause, 0);
    }
    if (const auto* held = std::get_if<ledger::account::WithdrawalHeld>(of_account)) {
        return members(held->cause, held->number);
    }
    return {};
}

// One entry as a line of JSON: what happened, to whom, and what it booked.
std::string dump_line(base::PartitionId partition, const journal::Record& record,
                      const ledger::Entry& entry) {
    std::string line = fmt::format(
        R"({{"partition":{},"seq":{},"epoch":{},"head":"{}","entity":"{}","event":"{}",{})"
        R"("postings":[)",
        partition.v, record.head.seq, record.head.record_epoch, journal::to_hex(record.head.head),
        base::to_string(entry.entity), ledger::name_of(entry.event), command_members(entry.event));
    bool is_first = true;
    for (const auto& posting : ledger::postings_of(entry)) {
        line += fmt::format(R"({}{{"account":"{}","sub":{},"asset":{},"amount":{}}})",
                            is_first ? "" : ",", ledger::name_of(posting.account), posting.sub,
                            posting.asset.v, posting.amount.v);
        is_first = false;
    }
    return line + "]}";
}

void count(const std::vector<ledger::Entry>& entries, AuditReport& report) {
    report.events += entries.size();
    for (const auto& entry : entries) {
        const auto* event = std::get_if<ledger::account::Event>(&entry.event);
        if (event == nullptr) continue;
        if (std::holds_alternative<ledger::account::TradeNovated>(*event)) ++report.trades;
        if (std::holds_alternative<ledger::account::CommandRefused>(*event)) ++report.refusals;
    }
}

}  // namespace

AuditReport audit(journal::Journal& from, const std::string& cluster, std::uint16_t partitions,
                  const AuditOptions& options) {
    AuditReport report;
    CrossChecks checks;
    bool is_busy = false;
    std::vector<std::uint64_t> ends(partitions);
    for (std::uint16_t i = 0; i < partitions; ++i) {
        ledger::Partition partition;
        partition.id = base::PartitionId{i};
        partition.partitions = partitions;
        ShardChecks shards;
        const auto fault = walk(from, cluster, partition.id,
                                [&](const journal::Record& record, const auto& entries) {
                                    ++report.records;
                                    ends[i] = record.head.seq;
                                    count(entries, report);
                                    for (const auto& entry : entries) {
                                        ledger::replay(partition, entry);
                                        shards.note(entry);
                                    }
                                });
        report.accounts += partition.accounts.size();
        if (fault) {
            report.violations.push_back(*fault);
            continue;
        }
        if (const auto breach = ledger::fault_of(partition)) {
            report.violations.push_back(fmt::format("partition {}: {}", i, *breach));
        }
        is_busy = is_busy || has_work(partition);
        checks.add(partition);
        if (options.history) shards.compare(partition, options.history, report);
    }
    // What one partition sent while another was being read is on one side only.
    for (std::uint16_t i = 0; i < partitions; ++i) {
        const auto later = read_page(from, base::PartitionId{i}, ends[i] + 1);
        const auto* read = std::get_if<journal::ReadRecords>(&later);
        is_busy = is_busy || read == nullptr || !read->records.empty();
    }
    report.is_at_rest = options.is_at_rest || !is_busy;
    checks.finish(report.is_at_rest, report);
    return report;
}

std::optional<std::string> dump_journal(journal::Journal& from, const std::string& cluster,
                                        base::PartitionId partition, std::ostream& out) {
    return walk(from, cluster, partition,
                [&](const journal::Record& record, const std::vector<ledger::Entry>& entries) {
                    for (const auto& entry : entries) {
                        out << dump_line(partition, record, entry) << '\n';
                    }
                });
}

base::Result<std::uint64_t, std::string> verify_journal(journal::Journal& from,
                                                        const std::string& cluster,
                                                        base::PartitionId partition) {
    std::uint64_t records = 0;
    const auto fault =
        walk(from, cluster, partition, [&](const journal::Record&, const auto&) { ++records; });
    if (fault) return base::Failure{*fault};
    return records;
}

}  // namespace crossclear::app
