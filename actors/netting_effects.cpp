// What the house sets up once it is durable: news for accounts, hedges, moves.
#include "actors/netting_actor.hpp"

#include <algorithm>
#include <chrono>

namespace crossclear::actors {
namespace {

namespace netting = ledger::netting;
namespace instruction = ledger::instruction;
namespace hedge = ledger::hedge;
using base::Amount;
using base::AssetId;
using base::Rounding;

constexpr base::Duration move_lifetime = base::seconds(60);
constexpr std::uint32_t move_attempts_max = 8;

}  // namespace

void NettingHost::carry_out(const std::vector<netting::Effect>& effects) {
    for (const auto& effect : effects) {
        if (const auto* deposit = std::get_if<netting::TellDeposit>(&effect)) {
            tell_deposit(*deposit);
        } else if (const auto* quota = std::get_if<netting::TellQuota>(&effect)) {
            send(parts_.peers(quota->partition), QuotaTold{.broker = parts_.broker(),
                                                           .asset = quota->asset,
                                                           .granted_total = quota->granted_total});
        } else if (const auto* task = std::get_if<netting::OpenHedge>(&effect)) {
            open_hedge(task->task);
        } else if (const auto* move = std::get_if<netting::OpenMove>(&effect)) {
            open_move(move->move);
        }
    }
}

void NettingHost::tell_deposit(const netting::TellDeposit& deposit) {
    send(parts_.partition_of(deposit.account),
         AccountOrder{.account = deposit.account,
                      .command = ledger::account::NoteDeposit{.deposit = deposit.deposit,
                                                              .shard = deposit.shard,
                                                              .asset = deposit.asset,
                                                              .amount = deposit.amount,
                                                              .finality = deposit.finality,
                                                              .at = parts_.context->now()},
                      .acknowledge = [home = parts_.home, entity = parts_.entity, deposit] {
                          caf::anon_send(
                              home, ToHome{entity, DepositBooked{deposit.deposit, deposit.shard,
                                                                 deposit.finality}});
                      }});
}

// Draws the schedule: sizes and times nobody can foresee, committed to before the first order.
void NettingHost::open_hedge(const netting::HedgeOpened& task) {
    const auto now = parts_.context->now();
    const auto& policy = profile().hedge;
    const auto& listing = parts_.context->listing;
    const auto& listed = listing.instrument(task.instrument);
    const bool is_buy = task.quantity > Amount{0};
    const auto bound = base::moved(task.mark, policy.bound, is_buy);
    hedge::PlanHedge plan{.instrument = task.instrument,
                          .shard = task.shard,
                          .is_contract = listed.kind == base::InstrumentKind::linear_perpetual,
                          .base = listed.base,
                          .settlement = listed.settlement,
                          .gas_asset = listing.shard(task.shard).gas,
                          .quantity = task.quantity,
                          .bound = bound ? *bound : task.mark,
                          .slices = {},
                          .cost_max = {},
                          .salt = rng_.next(),
                          .deadline = now + policy.deadline,
                          .at = now};
    const Amount size = base::magnitude(task.quantity);
    const auto most = std::min<std::int64_t>(policy.slices_max, size.v);
    const auto count = static_cast<std::int64_t>(1 + rng_.below(static_cast<std::uint64_t>(most)));
    Amount left = size;
    Amount reserved_left = task.reserved;
    for (std::int64_t i = 0; i < count; ++i) {
        const bool is_last = i + 1 == count;
        const Amount fair{left.v / (count - i)};
        // Between half and one and a half of an even share; the last one takes the rest.
        Amount part = left;
        if (!is_last) {
            const auto draw =
                static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(fair.v) + 1));
            part = Amount{std::max<std::int64_t>(1, fair.v / 2 + draw)};
            part = std::min(part, Amount{left.v - (count - i - 1)});
        }
        const auto share = base::multiply_divide(task.reserved.v, part.v, size.v, Rounding::down);
        Amount cost = is_last ? reserved_left : Amount{share ? *share : 0};
        if (plan.is_contract) cost = Amount{0};
        const base::Duration wait{static_cast<std::int64_t>(
            rng_.below(static_cast<std::uint64_t>(std::max<std::int64_t>(1, policy.spread.us))))};
        plan.slices.push_back({is_buy ? part : *base::negate(part), now + wait});
        plan.cost_max.push_back(cost);
        left = base::must_subtract(left, part);
        reserved_left = base::must_subtract(reserved_left, cost);
    }
    std::sort(plan.slices.begin(), plan.slices.end(),
              [](const auto& a, const auto& b) { return a.send_at < b.send_at; });
    // Costs follow the sizes they were drawn for.
    reserved_left = task.reserved;
    for (std::size_t i = 0; i < plan.slices.size() && !plan.is_contract; ++i) {
        const auto share = base::multiply_divide(
            task.reserved.v, base::magnitude(plan.slices[i].quantity).v, size.v, Rounding::down);
        const bool is_last = i + 1 == plan.slices.size();
        plan.cost_max[i] = is_last ? reserved_left : Amount{share ? *share : 0};
        reserved_left = base::must_subtract(reserved_left, plan.cost_max[i]);
    }
    send(parts_.home, ToHome{base::entity_of(base::EntityKind::hedge, parts_.broker(), task.number),
                             std::move(plan)});
}

void NettingHost::open_move(const netting::MoveOpened& move) {
    instruction::CreateInstruction create{.purpose = move.purpose,
                                          .beneficiary = std::nullopt,
                                          .legs = {},
                                          .gas_asset = parts_.context->listing.shard(move.from).gas,
                                          .order_lifetime = move_lifetime,
                                          .attempts_max = move_attempts_max,
                                          .at = parts_.context->now()};
    const bool is_bridge = move.purpose == instruction::Purpose::move;
    create.legs.push_back(instruction::Leg{
        .kind = instruction::LegKind::order,
        .order = is_bridge ? ledger::OrderKind::bridge_out : ledger::OrderKind::post_margin,
        .shard = move.from,
        .to_shard = move.to,
        .asset = move.asset,
        .amount = move.amount,
        .destination = {},
        .is_pivot = true});
    if (is_bridge) {
        create.legs.push_back(instruction::Leg{.kind = instruction::LegKind::arrival,
                                               .order = ledger::OrderKind::bridge_out,
                                               .shard = move.to,
                                               .to_shard = move.to,
                                               .asset = move.asset,
                                               .amount = move.amount,
                                               .destination = {},
                                               .is_pivot = false});
    }
    send(parts_.home,
         ToHome{base::entity_of(base::EntityKind::instruction, parts_.broker(), move.number),
                std::move(create)});
}

}  // namespace crossclear::actors
