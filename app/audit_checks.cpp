#include "app/audit_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace crossclear::app {
namespace {

using base::Wide;
using ledger::Chart;

// Where orders are under way: one of them may be final on the shard and not yet told.
std::set<ledger::BrokerShard> busy_shards(const ledger::Partition& partition) {
    std::set<ledger::BrokerShard> busy;
    for (const auto& [id, task] : partition.hedges) {
        if (ledger::hedge::has_orders_in_flight(task)) {
            busy.insert({base::broker_of(id), task.terms.shard});
        }
    }
    for (const auto& [id, duty] : partition.instructions) {
        if (ledger::is_over(partition, duty)) continue;
        for (const auto& leg : duty.terms.legs) busy.insert({base::broker_of(id), leg.shard});
    }
    return busy;
}

// What an open break says of an asset; zero without one.
base::Amount known_break(const ledger::reconcile::State& state, base::AssetId asset) {
    const auto found = state.breaks.find(asset);
    return found == state.breaks.end() ? base::Amount{} : found->second.difference;
}

}  // namespace

bool has_work(const ledger::Partition& partition) {
    const auto is_open = [&](const auto& machine) {
        return !ledger::is_over(partition, machine.second);
    };
    const auto is_unsettled = [](const auto& withdrawal) {
        return !ledger::is_over(withdrawal.second);
    };
    const auto is_busy = [](const auto& house) {
        const auto& state = house.second;
        const bool has_untold =
            std::any_of(state.deposits.begin(), state.deposits.end(),
                        [](const auto& deposit) { return !deposit.second.is_acknowledged; });
        return !state.hedges.empty() || !state.moves.empty() || has_untold;
    };
    const auto is_owing = [](const auto& account) {
        const auto& state = account.second;
        return !state.withdrawals.empty() || !state.matches.empty() || !state.sales.empty() ||
               std::any_of(
                   state.transfers.begin(), state.transfers.end(), [](const auto& transfer) {
                       return transfer.second.state == ledger::account::TransferState::pending;
                   });
    };
    return std::any_of(partition.hedges.begin(), partition.hedges.end(), is_open) ||
           std::any_of(partition.instructions.begin(), partition.instructions.end(), is_open) ||
           std::any_of(partition.withdrawals.begin(), partition.withdrawals.end(), is_unsettled) ||
           std::any_of(partition.houses.begin(), partition.houses.end(), is_busy) ||
           std::any_of(partition.accounts.begin(), partition.accounts.end(), is_owing);
}

void CrossChecks::add(const ledger::Partition& partition) {
    for (const auto& [key, amount] : partition.book.trial) {
        totals_[{key.broker, key.asset}][key.account] += amount;
    }
    check_clients(partition);
    check_shards(partition);
}

void CrossChecks::finish(bool is_at_rest, AuditReport& report) const {
    for (const auto& [of, accounts] : totals_) {
        const auto at = [&](Chart account) {
            const auto found = accounts.find(account);
            return found == accounts.end() ? Wide{0} : found->second;
        };
        const auto blame = [&](Invariant invariant, const char* claim, Wide found) {
            report.blame(invariant, fmt::format("broker {} asset {}: {} ({})", of.broker.v,
                                                of.asset.v, claim, base::to_string(found)));
        };
        report.findings.look(Invariant::postings_balance);
        if (at(Chart::cpos) + at(Chart::hbook) != 0) {
            blame(Invariant::postings_balance,
                  "clients' contracts and the house's side do not cancel",
                  at(Chart::cpos) + at(Chart::hbook));
        }
        report.findings.look(Invariant::messages_arrive_once, is_at_rest ? 1 : 0);
        if (is_at_rest && at(Chart::transit) != 0) {
            blame(Invariant::messages_arrive_once,
                  "a message between partitions was booked on one side only", at(Chart::transit));
        }
        const Wide cover = at(Chart::nostro) + at(Chart::inflight_out) +
                           std::max(Wide{0}, at(Chart::suspense)) + at(Chart::free) +
                           at(Chart::held);
        report.findings.look(Invariant::nothing_is_overdrawn);
        if (is_at_rest && cover < 0) {
            blame(Invariant::nothing_is_overdrawn, "more is promised as settled than is held",
                  cover);
        }
        if (is_at_rest && at(Chart::loss) < 0) {
            blame(Invariant::nothing_is_overdrawn, "more is paid for defaults than clients owed",
                  at(Chart::loss));
        }
    }
    if (!is_at_rest) {
        report.findings.miss(Invariant::messages_arrive_once,
                             "something is under way: what one side has sent the other may not "
                             "have yet");
    }
    report.findings.look(Invariant::books_agree, lines_);
    for (const auto& fault : faults_) report.blame(Invariant::books_agree, fault);
}

// The balances of all account machines are those of the trial balance.
void CrossChecks::check_clients(const ledger::Partition& partition) {
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
    lines_ += sums.size();
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
void CrossChecks::check_shards(const ledger::Partition& partition) {
    std::map<std::pair<ledger::BrokerShard, base::AssetId>, Wide> departed;
    // Margin on its way out of a venue has left POSTED and is still there by receipts.
    std::map<std::pair<ledger::BrokerShard, base::AssetId>, Wide> leaving;
    for (const auto& [id, duty] : partition.instructions) {
        for (std::size_t i = 0; i < duty.legs.size(); ++i) {
            const auto& leg = duty.terms.legs[i];
            using ledger::instruction::LegStatus;
            const bool is_leaving = leg.order == ledger::OrderKind::take_margin &&
                                    (duty.legs[i].status == LegStatus::sent ||
                                     duty.legs[i].status == LegStatus::included);
            if (is_leaving) leaving[{{base::broker_of(id), leg.shard}, leg.asset}] += leg.amount.v;
        }
        for (std::size_t i = 0; i + 1 < duty.legs.size(); ++i) {
            const auto& leg = duty.terms.legs[i];
            const bool is_away = leg.order == ledger::OrderKind::bridge_out &&
                                 duty.legs[i].status == ledger::instruction::LegStatus::final &&
                                 duty.legs[i + 1].status != ledger::instruction::LegStatus::final;
            if (is_away) departed[{{base::broker_of(id), leg.shard}, leg.asset}] += leg.amount.v;
        }
    }
    for (const auto& [where, shard] : partition.book.shards) {
        lines_ += shard.now.size();
        for (const auto& [asset, line] : shard.now) {
            const auto at = [&, broker = where.broker, on = where.shard,
                             of = asset](Chart account) {
                return ledger::balance_at(partition.book, broker, account, on, of);
            };
            const auto away = departed.find({where, asset});
            const auto out = leaving.find({where, asset});
            const Wide taken = out == leaving.end() ? Wide{0} : out->second;
            const Wide there = at(Chart::nostro) + at(Chart::inflight_hedge) +
                               at(Chart::inflight_out) -
                               (away == departed.end() ? Wide{0} : away->second) - taken;
            const Wide posted = at(Chart::posted) + taken;
            const auto blame = [&, broker = where.broker, on = where.shard, of = asset](
                                   const char* what, Wide books, Wide receipts) {
                faults_.push_back(fmt::format(
                    "broker {} shard {} asset {}: {} is {} in the books and {} by receipts",
                    broker.v, on.v, of.v, what, base::to_string(books), base::to_string(receipts)));
            };
            // Margin on its way to a venue is in flight and still counts as held there.
            if (there != line.held) blame("what is held", there, line.held);
            if (posted != line.posted) blame("margin", posted, line.posted);
            if (at(Chart::vpos) != line.position) {
                blame("the position", at(Chart::vpos), line.position);
            }
        }
    }
}

void compare_with_shards(const ledger::Partition& partition, const ShardHistory& history,
                         AuditReport& report) {
    const auto busy = busy_shards(partition);
    for (const auto& [id, reconciler] : partition.reconcilers) {
        const ledger::BrokerShard where{base::broker_of(id),
                                        base::ShardId{static_cast<std::uint16_t>(id.sub)}};
        const auto note = [&](const std::string& why) {
            report.notes.push_back(fmt::format("broker {} shard {} was not compared: {}",
                                               where.broker.v, where.shard.v, why));
        };
        const auto book = partition.book.shards.find(where);
        if (book == partition.book.shards.end() || book->second.looks.size() < ledger::looks_max) {
            note("it was not reconciled often enough yet");
            continue;
        }
        if (busy.contains(where)) {
            note("orders are under way");
            continue;
        }
        const auto block = book->second.looks.front();
        const auto told = history(where.broker, where.shard, block);
        if (!told) {
            note(told.error());
            continue;
        }
        const auto lines = ledger::at_block(book->second, block);
        for (const auto& line : told->lines) {
            ++report.shard_lines;
            report.findings.look(Invariant::books_agree);
            const auto found = lines.find(line.asset);
            const auto ours = found == lines.end() ? ledger::ShardLine{} : found->second;
            const auto blame = [&, asset = line.asset](const char* what, base::Amount shard,
                                                       base::Amount books) {
                if (shard == books) return;
                if (base::subtract(shard, books) == known_break(reconciler, asset)) return;
                report.blame(
                    Invariant::books_agree,
                    fmt::format("broker {} shard {} asset {} at block {}: {} is {} by the shard's "
                                "own log and {} in the books",
                                where.broker.v, where.shard.v, asset.v, block, what, shard.v,
                                books.v));
            };
            blame("what is held", line.held, ours.held);
            blame("margin", line.posted, ours.posted);
            blame("the position", line.position, ours.position);
        }
    }
}

}  // namespace crossclear::app
