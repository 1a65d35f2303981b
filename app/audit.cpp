#include "app/audit.hpp"

#include "base/wide.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"
#include "ledger/postings.hpp"

#include <fmt/format.h>

#include <functional>
#include <future>
#include <map>

namespace crossclear::app {
namespace {

namespace journal = ledger::journal;
using base::Wide;
using ledger::Chart;

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

// Sums over partitions, and what must hold of them.
class CrossChecks {
public:
    void add(const ledger::Partition& partition) {
        for (const auto& [key, amount] : partition.book.trial) {
            totals_[{key.broker, key.asset}][key.account] += amount;
        }
        check_clients(partition);
        check_shards(partition);
    }

    void finish(bool is_quiet, AuditReport& report) {
        for (const auto& [of, accounts] : totals_) {
            const auto at = [&](Chart account) {
                const auto found = accounts.find(account);
                return found == accounts.end() ? Wide{0} : found->second;
            };
            const auto blame = [&](const char* claim, Wide found) {
                report.violations.push_back(fmt::format("broker {} asset {}: {} ({})", of.broker.v,
                                                        of.asset.v, claim, base::to_string(found)));
            };
            if (at(Chart::cpos) + at(Chart::hbook) != 0) {
                blame("clients' contracts and the house's side do not cancel",
                      at(Chart::cpos) + at(Chart::hbook));
            }
            if (is_quiet && at(Chart::transit) != 0) {
                blame("a message between partitions was booked on one side only",
                      at(Chart::transit));
            }
            const Wide cover = at(Chart::nostro) + at(Chart::inflight_out) +
                               std::max(Wide{0}, at(Chart::suspense)) + at(Chart::free) +
                               at(Chart::held);
            if (is_quiet && cover < 0) blame("more is promised as settled than is held", cover);
        }
        report.violations.insert(report.violations.end(), faults_.begin(), faults_.end());
    }

private:
    // The balances of all account machines are those of the trial balance.
    void check_clients(const ledger::Partition& partition) {
        std::map<std::pair<ledger::BrokerAsset, Chart>, Wide> sums;
        for (const auto& [id, account] : partition.accounts) {
            for (const auto& [asset, holding] : account.holdings) {
                const ledger::BrokerAsset of{base::broker_of(id), asset};
                sums[{of, Chart::free}] += holding.free.v;
                sums[{of, Chart::unsettled}] += holding.unsettled.v;
                sums[{of, Chart::seen}] += holding.seen.v;
                sums[{of, Chart::held}] += holding.held.v;
                sums[{of, Chart::recv}] -= holding.recv.v;
            }
            for (const auto& [contract, position] : account.contracts) {
                sums[{{base::broker_of(id), contract}, Chart::cpos}] += position.quantity.v;
            }
        }
        for (const auto& [key, sum] : sums) {
            const Wide booked =
                -ledger::balance(partition.book, key.first.broker, key.second, key.first.asset);
            if (booked == sum) continue;
            faults_.push_back(fmt::format(
                "partition {} broker {} asset {}: accounts hold {} of {} and the books say {}",
                partition.id.v, key.first.broker.v, key.first.asset.v, base::to_string(sum),
                ledger::name_of(key.second), base::to_string(booked)));
        }
    }

    // NOSTRO and what is in flight from a shard is what final receipts left there.
    void check_shards(const ledger::Partition& partition) {
        std::map<std::pair<ledger::BrokerShard, base::AssetId>, Wide> departed;
        for (const auto& [id, duty] : partition.instructions) {
            for (std::size_t i = 0; i + 1 < duty.legs.size(); ++i) {
                const auto& leg = duty.terms.legs[i];
                const bool is_away =
                    leg.order == ledger::OrderKind::bridge_out &&
                    duty.legs[i].status == ledger::instruction::LegStatus::final &&
                    duty.legs[i + 1].status != ledger::instruction::LegStatus::final;
                if (is_away)
                    departed[{{base::broker_of(id), leg.shard}, leg.asset}] += leg.amount.v;
            }
        }
        for (const auto& [where, shard] : partition.book.shards) {
            for (const auto& [asset, line] : shard.now) {
                const auto at = [&, broker = where.broker, on = where.shard,
                                 of = asset](Chart account) {
                    return ledger::balance_at(partition.book, broker, account, on, of);
                };
                const auto away = departed.find({where, asset});
                const Wide there = at(Chart::nostro) + at(Chart::inflight_hedge) +
                                   at(Chart::inflight_out) -
                                   (away == departed.end() ? Wide{0} : away->second);
                const auto blame = [&, broker = where.broker, on = where.shard, of = asset](
                                       const char* what, Wide books, Wide receipts) {
                    faults_.push_back(fmt::format(
                        "broker {} shard {} asset {}: {} is {} in the books and {} by receipts",
                        broker.v, on.v, of.v, what, base::to_string(books),
                        base::to_string(receipts)));
                };
                // Margin on its way to a venue is in flight and still counts as held there.
                if (there != line.held.v) blame("what is held", there, line.held.v);
                if (at(Chart::posted) != line.posted.v) {
                    blame("margin", at(Chart::posted), line.posted.v);
                }
                if (at(Chart::vpos) != line.position.v) {
                    blame("the position", at(Chart::vpos), line.position.v);
                }
            }
        }
    }

    std::map<ledger::BrokerAsset, std::map<Chart, Wide>> totals_;
    std::vector<std::string> faults_;
};

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
                  bool is_quiet) {
    AuditReport report;
    CrossChecks checks;
    for (std::uint16_t i = 0; i < partitions; ++i) {
        ledger::Partition partition;
        partition.id = base::PartitionId{i};
        partition.partitions = partitions;
        const auto fault =
            walk(from, cluster, partition.id, [&](const journal::Record&, const auto& entries) {
                ++report.records;
                count(entries, report);
                for (const auto& entry : entries) {
                    ledger::replay(partition, entry);
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
        checks.add(partition);
    }
    checks.finish(is_quiet, report);
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
