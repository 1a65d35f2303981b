// What must hold of the truth once nothing is under way.
#include "app/audit_checks.hpp"
#include "base/wide.hpp"
#include "ledger/journal/chain.hpp"
#include "tests/sim/truth.hpp"

#include <fmt/format.h>

namespace crossclear::sim {

namespace {

constexpr std::uint16_t shard_count = 3;

}  // namespace

void Truth::check_books(base::PartitionId partition) {
    const auto& state = logs_[partition.v].state;
    if (const auto fault = ledger::fault_of(state)) {
        stage_.blame(13, fmt::format("partition {}: {}", partition.v, *fault));
    }
}

bool Truth::is_at_rest() const {
    base::Wide transit = 0;
    for (const auto& log : logs_) {
        if (app::has_work(log.state)) return false;
        for (const auto& [key, amount] : log.state.book.trial) {
            if (key.account == ledger::Chart::transit) transit += amount;
        }
    }
    return transit == 0 && lane_.restless().empty();
}

std::string Truth::restless() const {
    for (const auto& log : logs_) {
        const auto& state = log.state;
        for (const auto& [id, task] : state.hedges) {
            if (ledger::is_over(state, task)) continue;
            std::string slices;
            for (const auto& slice : task.slices) {
                slices += fmt::format(" {}", static_cast<int>(slice.status));
            }
            return fmt::format("{} is in phase {}, its slices{}", base::to_string(id),
                               static_cast<int>(task.phase), slices);
        }
        for (const auto& [id, duty] : state.instructions) {
            if (!ledger::is_over(state, duty)) return base::to_string(id) + " is under way";
        }
        for (const auto& [id, payment] : state.withdrawals) {
            if (!ledger::is_over(payment)) return base::to_string(id) + " is under way";
        }
        for (const auto& [id, house] : state.houses) {
            for (const auto& [number, task] : house.hedges) {
                if (!state.hedges.contains(
                        base::entity_of(base::EntityKind::hedge, base::broker_of(id), number))) {
                    return fmt::format("hedge {} of {} has no task", number, base::to_string(id));
                }
            }
            for (const auto& [number, move] : house.moves) {
                return fmt::format("move {} of {} is open", number, base::to_string(id));
            }
            for (const auto& [key, deposit] : house.deposits) {
                if (deposit.is_acknowledged) continue;
                return fmt::format("deposit {} on shard {} is {} and its account knows {}", key.id,
                                   key.shard.v, static_cast<int>(deposit.recorded),
                                   static_cast<int>(deposit.acknowledged));
            }
        }
        for (const auto& [id, account] : state.accounts) {
            for (const auto& [number, transfer] : account.transfers) {
                if (transfer.state != ledger::account::TransferState::pending) continue;
                return fmt::format("transfer {} of account {} is on its way", number,
                                   base::to_string(id));
            }
            if (!account.matches.empty() || !account.sales.empty()) {
                return fmt::format("account {} has an open match", base::to_string(id));
            }
            if (account.withdrawals.empty()) continue;
            return fmt::format("account {} has an open withdrawal", base::to_string(id));
        }
        if (app::has_work(state)) {
            return fmt::format("partition {} has something to do", state.id.v);
        }
    }
    if (auto lane = lane_.restless(); !lane.empty()) return lane;
    return "a message between partitions is on its way";
}

void Truth::check_at_rest() {
    app::CrossChecks checks;
    for (std::uint16_t i = 0; i < stage_.plan.partitions; ++i) {
        check_books(base::PartitionId{i});
        checks.add(logs_[i].state);
    }
    app::AuditReport report;
    checks.finish(true, report);
    if (!report.violations.empty()) stage_.blame(2, report.violations.front());
}

void Truth::check_signed_orders() {
    if (lane_.is_there()) lane_.check_at_rest(ended_orders_, ended_sagas_);
}

std::string Truth::difference(
    const std::function<shards::Balances(base::ShardId, base::BrokerId)>& balances) const {
    for (std::uint16_t b = 0; b < stage_.plan.brokers; ++b) {
        const base::BrokerId broker{b};
        const auto& home = logs_[base::home_of(broker, stage_.plan.partitions).v].state;
        for (std::uint16_t s = 0; s < shard_count; ++s) {
            const auto book = home.book.shards.find({broker, base::ShardId{s}});
            for (const auto& line : balances(base::ShardId{s}, broker).lines) {
                ledger::ShardLine ours;
                if (book != home.book.shards.end()) {
                    const auto found = book->second.now.find(line.asset);
                    if (found != book->second.now.end()) ours = ledger::seen(found->second);
                }
                if (ours == ledger::ShardLine{line.held, line.posted, line.position}) continue;
                return fmt::format(
                    "broker {} on shard {} holds {} of asset {}, posted {}, position {}, and its "
                    "books say {}, {}, {}",
                    b, s, line.held.v, line.asset.v, line.posted.v, line.position.v, ours.held.v,
                    ours.posted.v, ours.position.v);
            }
        }
    }
    return {};
}

std::string Truth::lacking() const {
    for (const auto& disk : disks_) {
        if (auto text = difference_on(*disk); !text.empty()) return text;
    }
    return {};
}

std::string Truth::difference_on(const Disk& disk) const {
    if (disk.is_joining()) return fmt::format("acceptor {} never joined again", disk.number());
    for (std::uint16_t i = 0; i < stage_.plan.partitions; ++i) {
        const base::PartitionId partition{i};
        const auto& heads = logs_[i].heads;
        const auto records = disk.journal().records_of(partition);
        ledger::journal::Head last;
        for (std::size_t n = 0; n < heads.size(); ++n) {
            const bool is_there = n < records.size() && records[n].head == heads[n] &&
                                  ledger::journal::is_linked(cluster, partition, last, records[n]);
            if (!is_there) {
                return fmt::format(
                    "acceptor {} does not hold record {} of partition {}, which "
                    "was committed",
                    disk.number(), n + 1, i);
            }
            last = heads[n];
        }
    }
    return {};
}

}  // namespace crossclear::sim
