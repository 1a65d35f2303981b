#include "ledger/netting/machine.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/wide.hpp"
#include "ledger/netting/limits.hpp"
#include "ledger/netting/reserved.hpp"
#include "ledger/running_total.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crossclear::ledger::netting {
namespace {

using base::Amount;
using base::AssetId;
using base::Failure;

const HedgeOpened* open_task_in(const State& state, AssetId asset) {
    const auto found = std::find_if(state.hedges.begin(), state.hedges.end(),
                                    [&](const auto& one) { return one.second.base == asset; });
    return found == state.hedges.end() ? nullptr : &found->second;
}

// What would have to be hedged back if the task came to its end. What is still needed and what it
// has filled are together what is wanted of it, so that its own fills change nothing.
bool is_beyond(const HedgeOpened& task, Amount whole, Amount band) {
    const base::Wide excess = base::Wide{task.quantity.v} - whole.v;
    return (task.quantity > Amount{0} ? excess : -excess) > band.v;
}

// A task is called off where its end would leave more than the band on the other side, and would
// have at the last look. Flow that comes and goes within the band does not call anything off.
bool is_unwanted(const State& state, const HedgeOpened& task, const Exposure& exposure) {
    if (state.called_off.contains(task.number) || !exposure.whole_before) return false;
    const auto whole = base::add(exposure.need, exposure.hedged);
    return whole && is_beyond(task, *whole, exposure.band) &&
           is_beyond(task, *exposure.whole_before, exposure.band);
}

bool has_open_move(const State& state, base::ShardId to, AssetId asset) {
    return std::any_of(state.moves.begin(), state.moves.end(), [&](const auto& open) {
        return open.second.to == to && open.second.asset == asset;
    });
}

Amount total_at(const std::map<PartitionAsset, Amount>& totals, PartitionAsset key) {
    const auto found = totals.find(key);
    return found == totals.end() ? Amount{} : found->second;
}

// A share of the largest task: figures for `part` out of what the host computed for the whole.
base::Math<Amount> share_of(Amount whole, Amount part, Amount of, base::Rounding rounding) {
    const auto value = base::multiply_divide(whole.v, part.v, of.v, rounding);
    if (!value) return Failure{value.error()};
    return Amount{*value};
}

// What of a need stood at the last look already. The partitions report one after the other: what is
// new may be half of two trades that cancel.
Amount steady(Amount need, Amount before) {
    if (need > Amount{0}) return std::clamp(before, Amount{0}, need);
    return std::clamp(before, need, Amount{0});
}

bool is_margin_on_its_way(const State& state, const Exposure& exposure) {
    return std::any_of(state.moves.begin(), state.moves.end(), [&](const auto& open) {
        const MoveOpened& move = open.second;
        return move.purpose == instruction::Purpose::post_margin && move.to == exposure.shard &&
               move.asset == exposure.settlement;
    });
}

// A venue is asked for no more than its margin bears, and for less than there is where the margin
// has become too small and is not being filled up.
Amount borne(const State& state, const Exposure& exposure, Amount need) {
    if (!exposure.is_contract) return need;
    const Amount wanted = base::must_add(exposure.position, need);
    const Amount most = is_margin_on_its_way(state, exposure)
                            ? std::max(exposure.position_max, base::magnitude(exposure.position))
                            : exposure.position_max;
    const Amount least = base::must_subtract(Amount{0}, most);
    return base::must_subtract(std::clamp(wanted, least, most), exposure.position);
}

// The size of the task that brings a residual back, signed; zero where it may stay.
Amount wanted_size(const State& state, const Exposure& exposure) {
    const Amount lasting = borne(state, exposure, steady(exposure.need, exposure.need_before));
    const bool is_beyond = base::magnitude(lasting) > exposure.band;
    // Claims that are due are bought for even inside the band, and at the first look.
    const Amount forced = std::clamp(exposure.need, Amount{0}, exposure.overdue);
    Amount wanted = is_beyond ? lasting : Amount{0};
    if (wanted >= Amount{0}) wanted = std::max(wanted, forced);
    const Amount least = base::must_subtract(Amount{0}, exposure.task_max);
    return std::clamp(wanted, least, exposure.task_max);
}

// Fits a task to what is there to pay for it. `spendable` is per given asset, over all shards.
std::optional<HedgeOpened> open_task(const State& state, const Exposure& exposure,
                                     std::map<AssetId, Amount>& spendable, std::uint64_t number,
                                     base::Timestamp now) {
    Amount quantity = wanted_size(state, exposure);
    if (quantity == Amount{0} || exposure.task_max <= Amount{0}) return std::nullopt;
    const bool is_buy = quantity > Amount{0};
    const AssetId given = is_buy ? exposure.settlement : exposure.base;
    Amount reserved;
    if (!exposure.is_contract) {
        const Amount on_shard = is_buy ? exposure.given_on_shard : exposure.base_on_shard;
        // Far below zero where a shard charged more gas than there was.
        const auto uncommitted =
            base::subtract(on_shard, reserved_at(state, exposure.shard, given));
        if (!uncommitted) return std::nullopt;
        const Amount affordable = std::min(*uncommitted, spendable[given]);
        if (affordable <= Amount{0}) return std::nullopt;
        if (is_buy) {
            const auto cost =
                share_of(exposure.cost_at_bound, quantity, exposure.task_max, base::Rounding::up);
            if (!cost || *cost <= Amount{0}) return std::nullopt;
            if (*cost > affordable) {
                const auto fitting = share_of(quantity, affordable, *cost, base::Rounding::down);
                if (!fitting || *fitting == Amount{0}) return std::nullopt;
                quantity = *fitting;
                reserved = affordable;
            } else {
                reserved = *cost;
            }
        } else {
            reserved = std::min(base::magnitude(quantity), affordable);
            quantity = *base::negate(reserved);
        }
        spendable[given] = base::must_subtract(spendable[given], reserved);
    }
    const auto notional =
        base::multiply_divide(exposure.notional_cents_of_max, base::magnitude(quantity).v,
                              exposure.task_max.v, base::Rounding::down);
    return HedgeOpened{.number = number,
                       .instrument = exposure.instrument,
                       .base = exposure.base,
                       .shard = exposure.shard,
                       .quantity = quantity,
                       .given_asset = given,
                       .reserved = reserved,
                       .mark = exposure.mark,
                       .notional_cents = notional ? *notional : 0,
                       .at = now};
}

// Grants what is backed, in the order given: oldest claims first.
Amount grant(const State& state, const CoverLine& line, Amount spendable,
             std::vector<Event>& events) {
    for (const auto& want : line.partitions) {
        if (spendable <= Amount{0}) break;
        const Amount granted = std::min(want.amount, spendable);
        if (granted <= Amount{0}) continue;
        const Amount before = total_at(state.granted, {want.partition, line.asset});
        events.emplace_back(QuotaGranted{.partition = want.partition,
                                         .asset = line.asset,
                                         .granted_total = total_with(before, granted)});
        spendable = base::must_subtract(spendable, granted);
    }
    return spendable;
}

bool contradicts(const Deposit& known, const DepositNotice& notice) {
    return known.account != notice.account || known.asset != notice.asset ||
           known.amount != notice.amount;
}

// Whether the broker's books hold it beside all that was ever deposited and paid in.
bool does_fit(const State& state, const DepositNotice& notice) {
    base::Wide sum = notice.amount.v;
    for (const auto& [of, total] : state.deposited) {
        if (of.asset == notice.asset) sum += total.v;
    }
    return sum <= paid_in_max.v;
}

DepositRecorded recorded(const DepositNotice& notice, Finality finality, base::Timestamp at) {
    return DepositRecorded{.deposit = notice.id,
                           .shard = notice.shard,
                           .account = notice.account,
                           .asset = notice.asset,
                           .amount = notice.amount,
                           .finality = finality,
                           .block = notice.block,
                           .at = at};
}

// A block that may be replaced.
bool is_in_open_block(const Deposit& deposit) {
    return deposit.recorded == Finality::included || deposit.recorded == Finality::safe;
}

// A deposit that was recorded and is gone: as it was recorded, whatever the notice says.
DepositRecorded undone(const DepositKey& key, const Deposit& known, std::uint64_t block,
                       base::Timestamp at) {
    return DepositRecorded{.deposit = key.id,
                           .shard = key.shard,
                           .account = known.account,
                           .asset = known.asset,
                           .amount = known.amount,
                           .finality = Finality::unseen,
                           .block = std::max(block, known.block),
                           .at = at};
}

// Whether the block that a notice speaks of may have been replaced. Notices come late and in any
// order, so only one above the block it was lost with revives a deposit; in another one at the same
// height it counts once it is final.
bool is_of_replaced_block(const State& state, const DepositKey& key, std::uint64_t block) {
    const auto gone = state.deposits_gone.find(key);
    return gone != state.deposits_gone.end() && block <= gone->second;
}

// The block of a deposit was replaced. `known` is null where nothing of it stands in the books.
std::vector<Event> without_block(const State& state, const RecordDeposit& command,
                                 const Deposit* known) {
    const auto& notice = command.notice;
    const DepositKey key{notice.shard, notice.id};
    if (known == nullptr) {
        // Nothing to take back, but what was told of that block may still arrive.
        if (notice.block == 0 || is_of_replaced_block(state, key, notice.block)) return {};
        return {DepositReplaced{
            .deposit = notice.id, .shard = notice.shard, .block = notice.block, .at = command.at}};
    }
    // It stands in a later block by now.
    if (notice.block != 0 && notice.block < known->block) return {};
    return {undone(key, *known, notice.block, command.at)};
}

}  // namespace

Decision decide(const State& state, const Found& command) {
    // Margin comes out of the capital: without any it is posted like later margin, as it can be.
    if (state.is_founded || command.lines.empty()) return std::vector<Event>{};
    std::vector<Event> events;
    std::map<AssetId, base::Wide> paid_in;
    for (const auto& line : command.lines) {
        if (line.amount <= Amount{0}) return Failure{Reject::amount_must_be_positive};
        auto& sum = paid_in[line.asset];
        sum += line.amount.v;
        if (sum > paid_in_max.v) return Failure{Reject::figures_out_of_range};
        events.emplace_back(CapitalPaidIn{.shard = line.shard,
                                          .asset = line.asset,
                                          .amount = line.amount,
                                          .source = line.source,
                                          .at = command.at});
    }
    std::uint64_t number = state.numbers;
    for (const auto& margin : command.margins) {
        if (margin.amount < Amount{0}) return Failure{Reject::amount_must_be_positive};
        if (margin.amount == Amount{0})
            continue;  // What a position needs is posted once it is there.
        events.emplace_back(MoveOpened{.number = ++number,
                                       .purpose = instruction::Purpose::post_margin,
                                       .from = margin.venue,
                                       .to = margin.venue,
                                       .asset = margin.asset,
                                       .amount = margin.amount,
                                       .at = command.at});
    }
    return events;
}

Decision decide(const State& state, const RecordDeposit& command) {
    const auto& notice = command.notice;
    const DepositKey key{notice.shard, notice.id};
    if (state.deposits_done.contains(key)) return std::vector<Event>{};
    const auto found = state.deposits.find(key);
    const bool is_known = found != state.deposits.end();
    const Deposit known = is_known ? found->second : Deposit{};
    const bool is_standing = known.recorded != Finality::unseen;
    if (known.recorded == Finality::final) return std::vector<Event>{};
    if (notice.finality == Finality::unseen) {
        return without_block(state, command, is_standing ? &known : nullptr);
    }
    if (notice.amount < Amount{0}) return Failure{Reject::figures_incredible};
    if (notice.amount == Amount{0}) return Failure{Reject::amount_must_be_positive};
    if (base::broker_of(notice.account) != base::broker_of(state.id)) {
        return Failure{Reject::deposit_of_other_broker};
    }
    if (is_known && contradicts(known, notice)) return Failure{Reject::deposit_contradicts_record};
    if (!does_fit(state, notice)) return Failure{Reject::figures_out_of_range};
    // A final block is never replaced; any other may have been by the time that it is told.
    const bool is_final = notice.finality == Finality::final;
    const bool is_late =
        is_of_replaced_block(state, key, notice.block) || notice.block < known.block;
    if (is_late && !is_final) return std::vector<Event>{};
    const bool has_moved = known.recorded >= Finality::included &&
                           notice.finality >= Finality::included && notice.block > known.block;
    if (notice.finality <= known.recorded && !has_moved) return std::vector<Event>{};
    std::vector<Event> events;
    // In a later block it is less certain again: the earlier one was replaced.
    const bool begins_anew = notice.finality <= known.recorded;
    if (begins_anew) events.emplace_back(undone(key, known, known.block, command.at));
    // Whatever is told first, SEEN is booked once, so that the later rows have it to reverse.
    if (!is_standing || begins_anew) {
        events.emplace_back(recorded(notice, Finality::seen, command.at));
    }
    if (notice.finality != Finality::seen) {
        events.emplace_back(recorded(notice, notice.finality, command.at));
    }
    return events;
}

Decision decide(const State& state, const EndRescan& command) {
    const auto& notice = command.notice;
    // It may stand lower by now: only what was looked for there as well is gone.
    const auto first = notice.from_block == 0 ? 0 : notice.from_block + blocks_moved_max;
    std::vector<Event> events;
    for (const auto& [key, known] : state.deposits) {
        const bool is_among_them =
            key.shard == notice.shard && known.block >= first && known.block <= notice.block;
        if (!is_in_open_block(known) || !is_among_them) continue;
        events.emplace_back(undone(key, known, known.block, command.at));
    }
    return events;
}

std::map<base::ShardId, std::uint64_t> rescans_wanted(const State& state) {
    std::map<base::ShardId, std::uint64_t> wanted;
    for (const auto& [key, known] : state.deposits) {
        if (!is_in_open_block(known)) continue;
        const auto from = known.block - std::min(known.block, blocks_moved_max);
        const auto [lowest, is_first] = wanted.emplace(key.shard, from);
        lowest->second = std::min(lowest->second, from);
    }
    return wanted;
}

Decision decide(const State& state, const AcknowledgeDeposit& command) {
    const auto found = state.deposits.find({command.shard, command.deposit});
    if (found == state.deposits.end()) return std::vector<Event>{};
    const auto& deposit = found->second;
    // Only the end is worth an event; what lies between is told again after a restart.
    const bool is_end = command.finality == Finality::final || command.finality == Finality::unseen;
    if (!is_end || deposit.recorded != command.finality) return std::vector<Event>{};
    return std::vector<Event>{DepositAcknowledged{
        .deposit = command.deposit, .shard = command.shard, .finality = command.finality}};
}

base::Result<Amount, Reject> promised(const State& state, const CoverLine& line) {
    // The totals of one partition say something together, and only then.
    std::map<base::PartitionId, Amount> by_partition;
    const auto add = [&](const std::map<PartitionAsset, Amount>& totals) {
        for (const auto& [of, total] : totals) {
            if (of.asset != line.asset) continue;
            auto& sum = by_partition[of.partition];
            sum = total_with(sum, total);
        }
    };
    add(state.granted);
    add(state.deposited);
    for (const auto& want : line.partitions) {
        auto& sum = by_partition[want.partition];
        sum = total_since(sum, want.returned);
    }
    base::Wide sum = reserved_of(state, line.asset).v;
    for (const auto& [partition, amount] : by_partition) sum += amount.v;
    if (sum > INT64_MAX || sum < INT64_MIN) return Failure{Reject::figures_out_of_range};
    return Amount{static_cast<std::int64_t>(sum)};
}

Decision decide(const State& state, const Balance& command) {
    std::vector<Event> events;
    std::map<AssetId, Amount> spendable;
    for (const auto& line : command.cover) {
        const auto promises = promised(state, line);
        if (!promises) return Failure{promises.error()};
        const auto uncommitted = base::subtract(line.backing, *promises);
        const auto kept = uncommitted ? base::subtract(*uncommitted, line.reserve) : uncommitted;
        if (!kept) return Failure{Reject::figures_out_of_range};
        spendable[line.asset] = grant(state, line, *kept, events);
    }
    if (!command.is_market_orderly) return events;
    std::uint64_t number = state.numbers;
    std::size_t open = state.hedges.size();
    for (const auto& exposure : command.exposures) {
        if (const auto* task = open_task_in(state, exposure.base)) {
            if (is_unwanted(state, *task, exposure)) {
                events.emplace_back(HedgeCalledOff{.number = task->number, .at = command.now});
            }
            continue;
        }
        if (open >= base::limits::hedge_tasks_open_max) continue;
        const auto task = open_task(state, exposure, spendable, number + 1, command.now);
        if (!task) continue;
        events.emplace_back(*task);
        ++number;
        ++open;
    }
    return events;
}

Decision decide(const State& state, const LevelShards& command) {
    std::vector<Event> events;
    std::uint64_t number = state.numbers;
    for (const auto& line : command.lines) {
        if (line.held >= line.low || has_open_move(state, line.shard, line.asset)) continue;
        const LevelShards::Line* richest = nullptr;
        for (const auto& other : command.lines) {
            if (other.asset != line.asset || other.shard == line.shard) continue;
            if (richest == nullptr || other.held > richest->held) richest = &other;
        }
        if (richest == nullptr) continue;
        const auto uncommitted =
            base::subtract(richest->held, reserved_at(state, richest->shard, line.asset));
        // The giver keeps its own target: two shards must not take turns.
        const auto spare =
            uncommitted ? base::subtract(*uncommitted, richest->target) : uncommitted;
        const auto lacking = base::subtract(line.target, line.held);
        if (!spare || !lacking) return Failure{Reject::figures_out_of_range};
        const Amount amount = std::min(*spare, *lacking);
        if (amount <= Amount{0}) continue;
        events.emplace_back(MoveOpened{.number = ++number,
                                       .purpose = instruction::Purpose::move,
                                       .from = richest->shard,
                                       .to = line.shard,
                                       .asset = line.asset,
                                       .amount = amount,
                                       .at = command.now});
        break;  // One a round: the next one is decided on figures that know of it.
    }
    return events;
}

Decision decide(const State& state, const CloseHedge& command) {
    const auto found = state.hedges.find(command.number);
    if (found == state.hedges.end()) return std::vector<Event>{};
    const auto& task = found->second;
    const auto notional =
        task.quantity == Amount{0}
            ? base::Math<std::int64_t>{0}
            : base::multiply_divide(task.notional_cents, base::magnitude(command.filled).v,
                                    base::magnitude(task.quantity).v, base::Rounding::down);
    return std::vector<Event>{HedgeClosed{.number = command.number,
                                          .filled = command.filled,
                                          .notional_cents = notional ? *notional : 0,
                                          .at = command.at}};
}

Decision decide(const State& state, const CloseMove& command) {
    if (!state.moves.contains(command.number)) return std::vector<Event>{};
    return std::vector<Event>{
        MoveClosed{.number = command.number, .is_settled = command.is_settled, .at = command.at}};
}

Decision decide(const State&, const BookResult& command) {
    if (command.conv == Amount{0} && command.vm == Amount{0}) return std::vector<Event>{};
    return std::vector<Event>{ResultBooked{.settlement = command.settlement,
                                           .conv = command.conv,
                                           .vm = command.vm,
                                           .at = command.at}};
}

Decision decide(const State& state, const Command& command) {
    return std::visit([&](const auto& one) { return decide(state, one); }, command);
}

std::optional<std::string> check_invariants(const State& state) {
    std::map<AssetId, std::uint64_t> tasks;
    for (const auto& [number, task] : state.hedges) {
        if (!tasks.emplace(task.base, number).second) {
            return fmt::format("asset {} has two open hedge tasks", task.base.v);
        }
        if (number > state.numbers) return fmt::format("task {} was never numbered", number);
    }
    for (const auto number : state.called_off) {
        if (!state.hedges.contains(number)) return fmt::format("task {} is not open", number);
    }
    for (const auto& [withdrawal, departure] : state.departures) {
        if (departure.amount <= Amount{0}) {
            return fmt::format("withdrawal {} of account {} lets nothing out", withdrawal.number,
                               withdrawal.account.v);
        }
    }
    for (const auto& [of, amount] : state.posted) {
        if (amount < Amount{0}) {
            return fmt::format("margin of asset {} at shard {} stands at {}", of.asset.v,
                               of.venue.v, amount.v);
        }
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::netting
