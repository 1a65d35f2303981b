#include "app/demo_follower.hpp"

#include "app/audit_log.hpp"
#include "ledger/journal/chain.hpp"
#include "ledger/journal/codec.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace crossclear::app {
namespace {

namespace journal = ledger::journal;
using ledger::Chart;

// Brokers' assets of which something stands on these accounts, over all partitions.
std::uint64_t assets_on(const std::set<std::pair<ledger::BrokerAsset, Chart>>& lines,
                        Chart account) {
    std::uint64_t count = 0;
    for (const auto& line : lines) count += line.second == account ? 1U : 0U;
    return count;
}

}  // namespace

JournalFollower::JournalFollower(journal::Journal& journal, std::string cluster,
                                 std::uint16_t partitions, std::size_t brokers)
    : journal_(journal), cluster_(std::move(cluster)), brokers_(brokers), logs_(partitions) {
    for (std::uint16_t i = 0; i < partitions; ++i) {
        logs_[i].partition.id = base::PartitionId{i};
        logs_[i].partition.partitions = partitions;
    }
}

std::optional<std::string> JournalFollower::follow() {
    for (auto& log : logs_) {
        if (auto why = follow(log)) return why;
    }
    return std::nullopt;
}

std::optional<std::string> JournalFollower::follow(Log& log) {
    const auto id = log.partition.id;
    while (true) {
        const auto outcome = read_page(journal_, id, log.last.seq + 1);
        const auto* read = std::get_if<journal::ReadRecords>(&outcome);
        if (read == nullptr) {
            const auto* damaged = std::get_if<journal::Damaged>(&outcome);
            // Perhaps only the end that was read is no longer there.
            if (damaged != nullptr && log.last.seq > 0) {
                begin_again(log);
                continue;
            }
            return damaged != nullptr ? damaged->reason : journal_.trouble();
        }
        if (read->records.empty()) return std::nullopt;
        for (const auto& record : read->records) {
            if (!journal::is_linked(cluster_, id, log.last, record)) {
                if (log.last.seq == 0) {
                    return fmt::format(
                        "the log of partition {} does not begin with its first record: it was "
                        "trimmed, or altered",
                        id.v);
                }
                begin_again(log);
                break;
            }
            const auto entries = journal::decode_payload(record.payload);
            if (!entries) {
                return fmt::format("partition {} record {}: {}", id.v, record.head.seq,
                                   entries.error().what);
            }
            log.last = record.head;
            for (const auto& entry : *entries) {
                ledger::replay(log.partition, entry);
                if (record.head.seq > log.run_begins_after) count(log, entry);
            }
        }
    }
}

void JournalFollower::begin_again(Log& log) const {
    Log fresh;
    fresh.partition.id = log.partition.id;
    fresh.partition.partitions = log.partition.partitions;
    fresh.run_begins_after = log.run_begins_after;
    log = std::move(fresh);
}

void JournalFollower::count(Log& log, const ledger::Entry& entry) {
    if (const auto* of_account = std::get_if<ledger::account::Event>(&entry.event)) {
        if (const auto* trade = std::get_if<ledger::account::TradeNovated>(of_account)) {
            ++log.novated;
            log.gross_cents += trade->notional_cents;
        } else if (const auto* cash = std::get_if<ledger::account::ClaimsCashSettled>(of_account)) {
            log.cash_settled += cash->trades.size();
        }
    } else if (const auto* of_house = std::get_if<ledger::netting::Event>(&entry.event)) {
        const auto* closed = std::get_if<ledger::netting::HedgeClosed>(of_house);
        if (closed != nullptr) log.hedged_cents += closed->notional_cents;
    }
}

void JournalFollower::begin_run() {
    for (auto& log : logs_) {
        log.run_begins_after = log.last.seq;
        log.gross_cents = log.hedged_cents = 0;
        log.novated = log.cash_settled = 0;
    }
    deposits_before_ = deposits_final();
    trades_open_before_ = trades_open();
}

std::uint64_t JournalFollower::deposits_final() const {
    std::uint64_t sum = 0;
    for (const auto& log : logs_) {
        for (const auto& [id, house] : log.partition.houses) sum += house.deposits_done.size();
    }
    return sum;
}

std::uint64_t JournalFollower::trades_open() const {
    std::uint64_t sum = 0;
    for (const auto& log : logs_) {
        for (const auto& [id, account] : log.partition.accounts) {
            for (const auto& [number, trade] : account.trades) {
                sum += trade.open > base::Amount{} ? 1U : 0U;
            }
        }
    }
    return sum;
}

Figures JournalFollower::figures() const {
    Figures figures;
    std::size_t founded = 0;
    std::set<std::pair<ledger::BrokerAsset, Chart>> lines;
    for (const auto& log : logs_) {
        for (const auto& [id, house] : log.partition.houses) {
            figures.hedges_open += house.hedges.size();
            figures.moves_open += house.moves.size();
            founded += house.is_founded ? 1U : 0U;
        }
        for (const auto& [id, reconciler] : log.partition.reconcilers) {
            figures.breaks_open += reconciler.breaks.size();
        }
        for (const auto& [key, amount] : log.partition.book.trial) {
            if (amount == 0) continue;
            if (key.account != Chart::unsettled && key.account != Chart::held) continue;
            lines.insert({{key.broker, key.asset}, key.account});
        }
    }
    figures.unsettled_assets = assets_on(lines, Chart::unsettled);
    figures.held_assets = assets_on(lines, Chart::held);
    figures.deposits_final = deposits_final() - deposits_before_;
    figures.is_founded = founded == brokers_;
    // A residual beyond its band is a hedge task a moment later: nothing else of it is stored.
    figures.is_flat = figures.hedges_open == 0;
    return figures;
}

RunTotals JournalFollower::totals() const {
    RunTotals totals;
    std::uint64_t novated = 0;
    std::uint64_t cash_settled = 0;
    for (const auto& log : logs_) {
        totals.gross_usd += static_cast<double>(log.gross_cents) / 100;
        totals.hedged_usd += static_cast<double>(log.hedged_cents) / 100;
        novated += log.novated;
        cash_settled += log.cash_settled;
    }
    const auto due = novated + trades_open_before_;
    const auto left = trades_open() + cash_settled;
    totals.settlements["settled"] = due > left ? due - left : 0;
    totals.settlements["cash_settled"] = cash_settled;
    return totals;
}

}  // namespace crossclear::app
