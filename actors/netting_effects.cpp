// What the house sets up once it is durable: news for accounts, hedges, moves.
#include "actors/netting_actor.hpp"
#include "ledger/hedge/schedule.hpp"

namespace crossclear::actors {
namespace {

namespace netting = ledger::netting;
namespace instruction = ledger::instruction;
namespace hedge = ledger::hedge;
using base::Amount;

constexpr base::Duration move_lifetime = base::seconds(60);
constexpr std::uint32_t move_attempts_max = 8;

}  // namespace

void NettingHost::carry_out(const std::vector<netting::Effect>& effects) {
    std::map<base::AssetId, base::Price> last_prices;
    for (const auto& effect : effects) {
        if (const auto* deposit = std::get_if<netting::TellDeposit>(&effect)) {
            tell_deposit(*deposit);
        } else if (const auto* quota = std::get_if<netting::TellQuota>(&effect)) {
            send(parts_.doors(quota->partition), QuotaTold{.broker = parts_.broker(),
                                                           .asset = quota->asset,
                                                           .granted_total = quota->granted_total});
        } else if (const auto* task = std::get_if<netting::OpenHedge>(&effect)) {
            open_hedge(task->task);
        } else if (const auto* off = std::get_if<netting::CallOffHedge>(&effect)) {
            send(parts_.home,
                 ToHome{base::entity_of(base::EntityKind::hedge, parts_.broker(), off->number),
                        hedge::CancelHedge{.at = parts_.context->now()}});
        } else if (const auto* move = std::get_if<netting::OpenMove>(&effect)) {
            open_move(move->move);
        } else if (const auto* last = std::get_if<netting::TellPrice>(&effect)) {
            last_prices.emplace(last->contract, last->price);
        }
    }
    if (!last_prices.empty()) tell_prices(last_prices);
}

// What an account refuses is booked on one side only: it stays owed, and is told again with the
// deposit's next word or after a restart, not before.
void NettingHost::on_booked(const DepositBooked& booked) {
    if (booked.reject == ledger::account::Reject::none) {
        decide_and_commit(netting::AcknowledgeDeposit{
            .deposit = booked.deposit, .shard = booked.shard, .finality = booked.finality});
        return;
    }
    if (!refused_.insert({booked.shard, booked.deposit, booked.finality}).second) return;
    parts_.context->log(LogLevel::warning, "An account refused a deposit; it stays in transit.",
                        {{"deposit", std::to_string(booked.deposit)},
                         {"shard", parts_.context->listing.shard(booked.shard).symbol},
                         {"broker", profile().name},
                         {"reject", ledger::account::name_of(booked.reject)}});
}

// Other partitions may have been lost with what they were told. All kinds are safe to repeat: a
// quota is a total, a deposit has a number, a last price is the last.
void NettingHost::say_again() {
    std::vector<netting::Effect> owed;
    for (const auto& effect : netting::outstanding(crank_.state())) {
        const auto* deposit = std::get_if<netting::TellDeposit>(&effect);
        const bool is_worth_it =
            deposit != nullptr &&
            !refused_.contains({deposit->shard, deposit->deposit, deposit->finality});
        if (is_worth_it || std::holds_alternative<netting::TellQuota>(effect) ||
            std::holds_alternative<netting::TellPrice>(effect)) {
            owed.push_back(effect);
        }
    }
    if (owed.empty()) return;
    crank_.when_durable([this, owed = std::move(owed)](std::uint64_t) { carry_out(owed); });
}

void NettingHost::tell_deposit(const netting::TellDeposit& deposit) {
    send(parts_.door_of(deposit.account),
         AccountOrder{
             .account = deposit.account,
             .command = ledger::account::NoteDeposit{.deposit = deposit.deposit,
                                                     .shard = deposit.shard,
                                                     .asset = deposit.asset,
                                                     .amount = deposit.amount,
                                                     .finality = deposit.finality,
                                                     .at = parts_.context->now()},
             .acknowledge = ToHome{
                 parts_.entity, DepositBooked{deposit.deposit, deposit.shard, deposit.finality}}});
}

// The schedule is nobody's to foresee: it is committed to before the first order leaves.
void NettingHost::open_hedge(const netting::HedgeOpened& task) {
    const auto now = parts_.context->now();
    const auto& policy = profile().hedge;
    const auto& listing = parts_.context->listing;
    const auto& listed = listing.instrument(task.instrument);
    const bool is_contract = base::is_contract(listed.kind);
    const auto bound = bound_of(task.instrument, task.mark, task.quantity > Amount{0});
    auto schedule = hedge::draw_schedule({.quantity = task.quantity,
                                          .reserved = is_contract ? Amount{} : task.reserved,
                                          .slices_max = policy.slices_max,
                                          .spread = policy.spread,
                                          .from = now},
                                         rng_.next());
    send(parts_.home, ToHome{base::entity_of(base::EntityKind::hedge, parts_.broker(), task.number),
                             hedge::PlanHedge{.instrument = task.instrument,
                                              .shard = task.shard,
                                              .is_contract = is_contract,
                                              .base = listed.base,
                                              .settlement = listed.settlement,
                                              .gas_asset = listing.shard(task.shard).gas,
                                              .quantity = task.quantity,
                                              .bound = bound,
                                              .slices = std::move(schedule.slices),
                                              .cost_max = std::move(schedule.cost_max),
                                              .salt = schedule.salt,
                                              .deadline = now + policy.deadline,
                                              .at = now}});
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
    const bool is_post = move.purpose == instruction::Purpose::post_margin;
    const auto order = is_bridge ? ledger::OrderKind::bridge_out
                       : is_post ? ledger::OrderKind::post_margin
                                 : ledger::OrderKind::take_margin;
    create.legs.push_back(instruction::Leg{.kind = instruction::LegKind::order,
                                           .order = order,
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
