#include "app/audit.hpp"

#include "app/audit_checks.hpp"
#include "app/audit_history.hpp"
#include "app/audit_log.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/postings.hpp"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
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
        if (trade->is_liquidation) return fmt::format(R"("number":{},)", trade->number);
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
    if (const auto* reserved = std::get_if<ledger::account::MatchReserved>(of_account)) {
        return members(reserved->cause, reserved->number);
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
        if (const auto* trade = std::get_if<ledger::account::TradeNovated>(event)) {
            ++(trade->is_liquidation ? report.liquidations : report.trades);
        }
        if (const auto* changed = std::get_if<ledger::account::StandingChanged>(event)) {
            if (changed->to == ledger::account::Standing::defaulted) ++report.defaults;
        }
        if (std::holds_alternative<ledger::account::CommandRefused>(*event)) ++report.refusals;
    }
}

// One partition's journal, read once.
struct Followed {
    Followed(base::PartitionId partition, std::uint16_t partitions)
        : log(partition, partitions, findings), history(partition, findings) {
        chosen.partition = partition;
    }

    AuditFindings findings;
    PartitionAudit log;
    HistoryChecks history;
    AuditReport counts;
    ChosenLog chosen;
    bool is_sound{true};  ///< Every record so far could be folded.
    std::optional<WalkFault> fault;

    [[nodiscard]] bool is_whole() const { return is_sound && !fault; }
    [[nodiscard]] std::uint64_t end() const {
        return chosen.heads.empty() ? 0 : chosen.heads.back().seq;
    }
};

std::unique_ptr<Followed> follow(journal::Journal& from, const std::string& cluster,
                                 base::PartitionId partition, std::uint16_t partitions) {
    auto followed = std::make_unique<Followed>(partition, partitions);
    auto& [findings, log, history, counts, chosen, is_sound, fault] = *followed;
    if (auto unreadable = log.read_snapshots(from)) {
        fault = WalkFault{std::move(*unreadable)};
        return followed;
    }
    const auto on_record = [&](const journal::Record& record,
                               const std::vector<ledger::Entry>& entries, bool is_base) {
        chosen.heads.push_back(record.head);
        if (is_base) {
            history.begin_at(record.head);
            return log.note(record, entries, is_base);
        }
        ++counts.records;
        count(entries, counts);
        is_sound = is_sound && history.note(record, entries);
        if (!is_sound) return;
        log.note(record, entries, is_base);
    };
    fault = walk(from, cluster, partition, on_record);
    return followed;
}

// The orders that every shard holds, before the journal is read: whatever is there must have been
// in the journal before it left.
std::vector<std::pair<base::ShardId, std::vector<base::OrderRef>>> orders_of(
    const AuditOptions& options, AuditReport& report) {
    std::vector<std::pair<base::ShardId, std::vector<base::OrderRef>>> all;
    if (!options.orders) {
        report.findings.miss(Invariant::nothing_leaves_early,
                             "answers are not stored, and no shard's own log is at hand");
    }
    for (const auto shard : options.shards) {
        if (!options.orders) break;
        auto orders = options.orders(shard);
        if (orders) {
            all.emplace_back(shard, std::move(*orders));
        } else {
            report.findings.miss(Invariant::nothing_leaves_early,
                                 fmt::format("shard {}: {}", shard.v, orders.error()));
        }
    }
    return all;
}

void add(Followed& followed, AuditReport& report) {
    report.records += followed.counts.records;
    report.events += followed.counts.events;
    report.trades += followed.counts.trades;
    report.refusals += followed.counts.refusals;
    report.liquidations += followed.counts.liquidations;
    report.defaults += followed.counts.defaults;
    report.snapshots += followed.log.compared();
    if (const auto& fault = followed.fault; fault && fault->breaks) {
        followed.findings.blame(*fault->breaks, fault->says);
    } else if (fault) {
        report.violations.push_back(fault->says);
    }
    const auto found = followed.findings.violations();
    report.violations.insert(report.violations.end(), found.begin(), found.end());
    report.findings.add(followed.findings);
}

// What is checked once more than one partition is known.
struct AllPartitions {
    CrossChecks checks;
    SagaChecks sagas;
    std::vector<std::unique_ptr<Followed>> partitions;
    bool is_busy{};
    bool is_whole{true};
};

void take_in(std::unique_ptr<Followed> followed, const AuditOptions& options, AllPartitions& whole,
             AuditReport& report) {
    const auto id = followed->chosen.partition;
    std::optional<ledger::Partition> partition;
    if (followed->is_whole()) {
        partition = followed->log.finish();
        check_deadlines(*partition, followed->history, followed->findings);
        check_books(*partition, followed->findings);
    }
    add(*followed, report);
    if (partition) {
        report.accounts += partition->accounts.size();
        whole.is_busy = whole.is_busy || has_work(*partition);
        whole.checks.add(*partition);
        whole.sagas.add(*partition);
        whole.sagas.add(followed->history);
        if (options.history) compare_with_shards(*partition, options.history, report);
    }
    whole.is_whole = whole.is_whole && partition.has_value();
    if (followed->log.is_trimmed()) {
        report.notes.push_back(fmt::format(
            "partition {} was trimmed: what came before is what its snapshots say", id.v));
    }
    whole.partitions.push_back(std::move(followed));
}

void check_orders(const std::vector<std::pair<base::ShardId, std::vector<base::OrderRef>>>& orders,
                  const AllPartitions& whole, std::uint16_t partitions, AuditReport& report) {
    for (const auto& [shard, refs] : orders) {
        for (const auto& ref : refs) {
            const auto home = base::home_of(base::broker_of(ref.origin), partitions);
            const auto& followed = *whole.partitions[home.v];
            if (!followed.is_whole() || followed.log.is_trimmed()) continue;
            report.findings.look(Invariant::nothing_leaves_early);
            if (followed.history.sent().contains(ref)) continue;
            report.blame(Invariant::nothing_leaves_early,
                         fmt::format("shard {} holds order {}, which partition {} has not sent",
                                     shard.v, base::to_string(ref), home.v));
        }
    }
}

// A matched trade is cleared on both sides or on neither.
void check_matches(const AllPartitions& whole, AuditReport& report) {
    std::set<HistoryChecks::Match> bought;
    std::set<HistoryChecks::Match> sold;
    for (const auto& followed : whole.partitions) {
        if (followed->log.is_trimmed()) return;  // The other side may be in what is gone.
        bought.insert(followed->history.bought().begin(), followed->history.bought().end());
        sold.insert(followed->history.sold().begin(), followed->history.sold().end());
    }
    const auto blame = [&](const HistoryChecks::Match& match, const char* side) {
        report.blame(Invariant::sagas_end_once,
                     fmt::format("match {} of {} is cleared for its {} alone", match.second,
                                 base::to_string(match.first), side));
    };
    for (const auto& match : bought) {
        report.findings.look(Invariant::sagas_end_once);
        if (!sold.contains(match)) blame(match, "buyer");
    }
    for (const auto& match : sold) {
        if (!bought.contains(match)) blame(match, "seller");
    }
}

}  // namespace

AuditReport audit(journal::Journal& from, const std::string& cluster, std::uint16_t partitions,
                  const AuditOptions& options) {
    CHECK(partitions > 0, "a journal has partitions");
    AuditReport report;
    report.findings.miss(Invariant::reads_are_committed,
                         "what was shown to clients is not stored; ./dev sim and "
                         "tests/e2e/linearizability_test.py look at it");
    const auto orders = orders_of(options, report);
    const bool has_instances = !options.instances.empty();
    AllPartitions whole;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        const base::PartitionId id{i};
        auto followed = follow(from, cluster, id, partitions);
        // Beside a service the log may be trimmed meanwhile; its rounds are far between.
        if (followed->log.is_overtaken()) followed = follow(from, cluster, id, partitions);
        // Where the log itself cannot be read there is nothing to hold others against.
        if (!followed->fault || has_instances) {
            check_instances(cluster, followed->chosen,
                            has_instances ? options.instances
                                          : std::vector<InstanceLog>{{"the instance", &from}},
                            has_instances ? options.instances_count : 1, followed->findings);
        }
        take_in(std::move(followed), options, whole, report);
    }
    check_orders(orders, whole, partitions, report);
    // What one partition sent while another was being read is on one side only.
    for (std::uint16_t i = 0; i < partitions; ++i) {
        const auto later = read_page(from, base::PartitionId{i}, whole.partitions[i]->end() + 1);
        const auto* read = std::get_if<journal::ReadRecords>(&later);
        whole.is_busy = whole.is_busy || read == nullptr || !read->records.empty();
    }
    report.is_at_rest = whole.is_whole && (options.is_at_rest || !whole.is_busy);
    whole.checks.finish(report.is_at_rest, report);
    whole.sagas.finish(report.is_at_rest, report);
    if (report.is_at_rest) check_matches(whole, report);
    for (const auto& [invariant, why] :
         {std::pair{Invariant::snapshots_tell_the_log, "no snapshot is stored yet"},
          std::pair{Invariant::trims_are_covered, "no log was trimmed"}}) {
        if (report.findings.of(invariant).looked_at == 0) report.findings.miss(invariant, why);
    }
    return report;
}

std::optional<std::string> dump_journal(journal::Journal& from, const std::string& cluster,
                                        base::PartitionId partition, std::ostream& out) {
    const auto fault =
        walk(from, cluster, partition,
             [&](const journal::Record& record, const std::vector<ledger::Entry>& entries, bool) {
                 for (const auto& entry : entries) {
                     out << dump_line(partition, record, entry) << '\n';
                 }
             });
    return fault ? std::optional(fault->says) : std::nullopt;
}

base::Result<std::uint64_t, std::string> verify_journal(journal::Journal& from,
                                                        const std::string& cluster,
                                                        base::PartitionId partition) {
    std::uint64_t records = 0;
    const auto fault = walk(from, cluster, partition,
                            [&](const journal::Record&, const auto&, bool) { ++records; });
    if (fault) return base::Failure{fault->says};
    return records;
}

}  // namespace crossclear::app
