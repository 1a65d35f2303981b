#include "app/audit.hpp"

#include "app/audit_checks.hpp"
#include "app/audit_log.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/postings.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace crossclear::app {
namespace {

namespace journal = ledger::journal;

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
    if (const auto* sent = std::get_if<ledger::account::TransferSent>(of_account)) {
        return members(sent->cause, sent->number);
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

// One partition's journal, read once.
struct Followed {
    PartitionAudit log;
    ShardChecks shards;
    AuditReport counts;
    std::uint64_t end{};
    std::optional<std::string> fault;
};

Followed follow(journal::Journal& from, const std::string& cluster, base::PartitionId partition,
                std::uint16_t partitions) {
    Followed followed{.log = PartitionAudit(partition, partitions),
                      .shards = {},
                      .counts = {},
                      .end = 0,
                      .fault = {}};
    followed.fault = followed.log.read_snapshots(from);
    if (followed.fault) return followed;
    followed.fault = walk(from, cluster, partition,
                          [&](const journal::Record& record,
                              const std::vector<ledger::Entry>& entries, bool is_base) {
                              followed.end = record.head.seq;
                              followed.log.note(record, entries, is_base);
                              if (is_base) return;
                              ++followed.counts.records;
                              count(entries, followed.counts);
                              for (const auto& entry : entries) followed.shards.note(entry);
                          });
    return followed;
}

void add(const Followed& followed, AuditReport& report) {
    report.records += followed.counts.records;
    report.events += followed.counts.events;
    report.trades += followed.counts.trades;
    report.refusals += followed.counts.refusals;
    report.snapshots += followed.log.compared();
    const auto& found = followed.log.violations();
    report.violations.insert(report.violations.end(), found.begin(), found.end());
    if (followed.fault) report.violations.push_back(*followed.fault);
}

}  // namespace

AuditReport audit(journal::Journal& from, const std::string& cluster, std::uint16_t partitions,
                  const AuditOptions& options) {
    AuditReport report;
    CrossChecks checks;
    bool is_busy = false;
    std::vector<std::uint64_t> ends(partitions);
    for (std::uint16_t i = 0; i < partitions; ++i) {
        const base::PartitionId id{i};
        auto followed = follow(from, cluster, id, partitions);
        // Beside a service the log may be trimmed meanwhile; its rounds are far between.
        if (followed.log.is_overtaken()) followed = follow(from, cluster, id, partitions);
        ends[i] = followed.end;
        const auto partition = followed.log.finish();
        add(followed, report);
        report.accounts += partition.accounts.size();
        if (followed.fault) continue;
        if (followed.log.is_trimmed()) {
            report.notes.push_back(fmt::format(
                "partition {} was trimmed: what came before is what its snapshots say", i));
        }
        if (const auto breach = ledger::fault_of(partition)) {
            report.violations.push_back(fmt::format("partition {}: {}", i, *breach));
        }
        is_busy = is_busy || has_work(partition);
        checks.add(partition);
        if (options.history) followed.shards.compare(partition, options.history, report);
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
    return walk(
        from, cluster, partition,
        [&](const journal::Record& record, const std::vector<ledger::Entry>& entries, bool) {
            for (const auto& entry : entries) {
                out << dump_line(partition, record, entry) << '\n';
            }
        });
}

base::Result<std::uint64_t, std::string> verify_journal(journal::Journal& from,
                                                        const std::string& cluster,
                                                        base::PartitionId partition) {
    std::uint64_t records = 0;
    const auto fault = walk(from, cluster, partition,
                            [&](const journal::Record&, const auto&, bool) { ++records; });
    if (fault) return base::Failure{*fault};
    return records;
}

}  // namespace crossclear::app
