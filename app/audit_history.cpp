#include "app/audit_history.hpp"

#include "ledger/hedge/state.hpp"
#include "ledger/instruction/state.hpp"
#include "ledger/postings.hpp"
#include "ledger/reconcile/state.hpp"

#include <fmt/format.h>

namespace crossclear::app {
namespace {

namespace account = ledger::account;
namespace hedge = ledger::hedge;
namespace instruction = ledger::instruction;
namespace netting = ledger::netting;
namespace reconcile = ledger::reconcile;
namespace signing = ledger::signing;
namespace withdrawal = ledger::withdrawal;

// From a deadline until the shard has said for good what became of the order: finality and
// reorganisations included, many times over.
constexpr base::Duration deadline_grace = base::seconds(600);

}  // namespace

void HistoryChecks::blame(Invariant invariant, const std::string& what) {
    is_sound_ = false;
    findings_.blame(invariant, fmt::format("partition {} record {}: {}", id_.v, seq_, what));
}

bool HistoryChecks::note(const ledger::journal::Record& record,
                         const std::vector<ledger::Entry>& entries) {
    seq_ = record.head.seq;
    check_epoch(record, entries);
    for (const auto& entry : entries) {
        findings_.look(Invariant::postings_balance);
        if (const auto asset = ledger::imbalance_of(ledger::postings_of(entry))) {
            blame(
                Invariant::postings_balance,
                fmt::format("{} of {} books more than it takes of asset {}",
                            ledger::name_of(entry.event), base::to_string(entry.entity), asset->v));
        }
        if (is_sound_) check(entry);
    }
    return is_sound_;
}

void HistoryChecks::check_epoch(const ledger::journal::Record& record,
                                const std::vector<ledger::Entry>& entries) {
    const auto epoch = record.head.record_epoch;
    findings_.look(Invariant::promises_hold);
    findings_.look(Invariant::owners_go_on);
    if (epoch < epoch_) {
        blame(Invariant::promises_hold,
              fmt::format("is of epoch {}, after one of epoch {}", epoch, epoch_));
    }
    const bool is_first = epoch > epoch_;
    epoch_ = epoch;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto* started = std::get_if<ledger::EpochStarted>(&entries[i].event);
        const bool is_due = is_first && i == 0;
        if (is_due != (started != nullptr) || (started != nullptr && started->epoch != epoch)) {
            return blame(Invariant::owners_go_on,
                         is_due ? fmt::format("is the first of epoch {} and does not say so", epoch)
                                : "says that an epoch starts, and none does");
        }
    }
    if (is_first && entries.empty()) {
        blame(Invariant::owners_go_on, fmt::format("is the first of epoch {} and empty", epoch));
    }
}

void HistoryChecks::check(const ledger::Entry& entry) {
    std::visit([&](const auto& event) { check(entry.entity, event); }, entry.event);
}

void HistoryChecks::once(Invariant invariant, const Once& what) {
    findings_.look(invariant);
    if (happened_.insert(what).second) return;
    const auto& [name, entity, first, second] = what;
    const auto numbers =
        second == 0 ? fmt::format("{}", first) : fmt::format("{}.{}", first, second);
    blame(invariant,
          fmt::format("{} {} of {} ended twice", name, numbers, base::to_string(entity)));
}

void HistoryChecks::answer(const base::EntityId& entity, base::CommandId cause) {
    findings_.look(Invariant::one_answer_an_id);
    if (answered_.insert({entity, cause}).second) return;
    blame(Invariant::one_answer_an_id,
          fmt::format("{} answers command {} a second time", base::to_string(entity),
                      base::to_string(cause)));
}

void HistoryChecks::check(const base::EntityId& entity, const account::Event& event) {
    // A matched trade answers its command where it is reserved by its buyer; the seller is told by
    // no command.
    const auto end_match = [&](std::uint64_t buyer, std::uint64_t number) {
        once(Invariant::sagas_end_once, {"match", entity, number, buyer});
    };
    // Numbers are the sender's.
    const auto end_arrival = [&](base::AccountId from, std::uint64_t number) {
        once(Invariant::sagas_end_once, {"transfer", entity, number, from.v + 1});
    };
    if (const auto* trade = std::get_if<account::TradeNovated>(&event)) {
        if (trade->is_liquidation) return;  // The broker's own: it answers nobody.
        if (trade->match == 0) return answer(entity, trade->cause);
        const bool is_buyer = trade->quantity > base::Amount{0};
        const auto buyer = is_buyer ? entity.id : trade->counterparty.v;
        end_match(is_buyer ? 0 : buyer + 1, trade->match);
        (is_buyer ? bought_ : sold_).insert({base::AccountId{buyer}, trade->match});
    } else if (const auto* reserved = std::get_if<account::MatchReserved>(&event)) {
        answer(entity, reserved->cause);
    } else if (const auto* aborted = std::get_if<account::MatchAborted>(&event)) {
        end_match(0, aborted->number);
    } else if (const auto* declined = std::get_if<account::MatchDeclined>(&event)) {
        end_match(declined->buyer.v + 1, declined->number);
    } else if (const auto* released = std::get_if<account::MatchReleased>(&event)) {
        end_match(released->buyer.v + 1, released->number);
    } else if (const auto* refused = std::get_if<account::CommandRefused>(&event)) {
        answer(entity, refused->cause);
    } else if (const auto* held = std::get_if<account::WithdrawalHeld>(&event)) {
        answer(entity, held->cause);
    } else if (const auto* asked = std::get_if<account::CancelRequested>(&event)) {
        answer(entity, asked->cause);
    } else if (const auto* sent = std::get_if<account::TransferSent>(&event)) {
        answer(entity, sent->cause);
    } else if (const auto* received = std::get_if<account::TransferReceived>(&event)) {
        end_arrival(received->from, received->number);
    } else if (const auto* not_taken = std::get_if<account::TransferDeclined>(&event)) {
        end_arrival(not_taken->from, not_taken->number);
    } else if (const auto* delivered = std::get_if<account::TransferDelivered>(&event)) {
        once(Invariant::sagas_end_once, {"transfer", entity, delivered->number, 0});
    } else if (const auto* back = std::get_if<account::TransferReturned>(&event)) {
        once(Invariant::sagas_end_once, {"transfer", entity, back->number, 0});
    } else if (const auto* paid = std::get_if<account::WithdrawalPaid>(&event)) {
        once(Invariant::sagas_end_once, {"withdrawal", entity, paid->number, 0});
    } else if (const auto* returned = std::get_if<account::WithdrawalReturned>(&event)) {
        once(Invariant::sagas_end_once, {"withdrawal", entity, returned->number, 0});
    } else if (const auto* expired = std::get_if<account::ContractExpired>(&event)) {
        const base::AccountId whose{entity.id};
        ends_.emplace(base::broker_of(whose), expired->contract, expired->price);
    } else if (const auto* deposit = std::get_if<account::DepositNoted>(&event)) {
        if (deposit->finality != ledger::Finality::final) return;
        // Shards count from 0, and 0 tells a single number.
        once(Invariant::effects_happen_once,
             {"deposit", entity, deposit->deposit, deposit->shard.v + std::uint64_t{1}});
    }
}

void HistoryChecks::check(const base::EntityId& entity, const netting::Event& event) {
    if (const auto* deposit = std::get_if<netting::DepositRecorded>(&event)) {
        if (deposit->finality != ledger::Finality::final) return;
        once(Invariant::effects_happen_once,
             {"deposit", entity, deposit->deposit, deposit->shard.v + std::uint64_t{1}});
    } else if (const auto* result = std::get_if<netting::VenueVariation>(&event)) {
        once(Invariant::effects_happen_once,
             {"variation", entity, result->number, result->shard.v + std::uint64_t{1}});
    } else if (const auto* closed = std::get_if<netting::HedgeClosed>(&event)) {
        once(Invariant::sagas_end_once, {"hedge task", entity, closed->number, 0});
    } else if (const auto* moved = std::get_if<netting::MoveClosed>(&event)) {
        once(Invariant::sagas_end_once, {"move", entity, moved->number, 0});
    } else if (const auto* fixed = std::get_if<netting::PriceFixed>(&event)) {
        once(Invariant::sagas_end_once, {"contract", entity, fixed->contract.v, 0});
    }
}

void HistoryChecks::check(const base::EntityId& entity, const hedge::Event& event) {
    if (const auto* left = std::get_if<hedge::SliceSent>(&event)) {
        sent_.insert({entity, left->number});
    } else if (const auto* filled = std::get_if<hedge::SliceFilled>(&event)) {
        once(Invariant::effects_happen_once, {"slice", entity, filled->number, 0});
    } else if (const auto* failed = std::get_if<hedge::SliceFailed>(&event)) {
        once(Invariant::effects_happen_once, {"slice", entity, failed->number, 0});
    } else if (std::holds_alternative<hedge::HedgeFinished>(event)) {
        once(Invariant::sagas_end_once, {"task", entity, 1, 0});
    }
}

void HistoryChecks::check(const base::EntityId& entity, const instruction::Event& event) {
    if (const auto* left = std::get_if<instruction::LegSent>(&event)) {
        sent_.insert({entity, instruction::order_number(left->leg, left->attempt)});
    } else if (const auto* done = std::get_if<instruction::LegFinal>(&event)) {
        once(Invariant::effects_happen_once, {"leg", entity, done->leg, 0});
        once(Invariant::effects_happen_once, {"attempt", entity, done->leg, done->attempt + 1U});
    } else if (const auto* failed = std::get_if<instruction::LegFailed>(&event)) {
        once(Invariant::effects_happen_once,
             {"attempt", entity, failed->leg, failed->attempt + 1U});
    } else if (std::holds_alternative<instruction::InstructionEnded>(event)) {
        once(Invariant::sagas_end_once, {"instruction", entity, 1, 0});
    }
}

void HistoryChecks::check(const base::EntityId& entity, const withdrawal::Event& event) {
    if (std::holds_alternative<withdrawal::WithdrawalCompleted>(event) ||
        std::holds_alternative<withdrawal::WithdrawalDropped>(event)) {
        once(Invariant::sagas_end_once, {"withdrawal", entity, entity.sub, 0});
    }
}

void HistoryChecks::check(const base::EntityId& entity, const reconcile::Event& event) {
    const auto* compared = std::get_if<reconcile::Reconciled>(&event);
    if (compared != nullptr) looks_[entity] = compared->at;
}

// A nonce is one order's and is used once; another key counts from its own.
void HistoryChecks::check(const base::EntityId& entity, const signing::Event& event) {
    std::uint64_t& keys = keys_[entity];
    if (std::holds_alternative<signing::LaneOpened>(event)) ++keys;
    if (const auto* taken = std::get_if<signing::IntentTaken>(&event)) {
        once(Invariant::effects_happen_once, {"nonce taken", entity, taken->nonce, keys});
    } else if (const auto* used = std::get_if<signing::NonceFinished>(&event)) {
        once(Invariant::effects_happen_once, {"nonce", entity, used->nonce, keys});
    } else if (const auto* lost = std::get_if<signing::NonceForfeited>(&event)) {
        once(Invariant::effects_happen_once, {"nonce", entity, lost->nonce, keys});
    }
}

namespace {

// Whether an order on this lane should have ended: the shard was heard of long after the deadline,
// and nobody has stopped the lane.
class Overdue {
public:
    Overdue(const ledger::Partition& partition, const HistoryChecks& history)
        : partition_(partition), history_(history) {}

    [[nodiscard]] bool operator()(base::BrokerId broker, base::ShardId shard,
                                  base::Timestamp deadline) const {
        const auto lane = base::entity_of(base::EntityKind::reconcile, broker, shard);
        const auto look = history_.looks().find(lane);
        if (look == history_.looks().end() || look->second <= deadline + deadline_grace) {
            return false;
        }
        const auto reconciler = partition_.reconcilers.find(lane);
        return reconciler == partition_.reconcilers.end() ||
               !reconcile::is_lane_stopped(reconciler->second);
    }

private:
    const ledger::Partition& partition_;
    const HistoryChecks& history_;
};

}  // namespace

void check_deadlines(const ledger::Partition& partition, const HistoryChecks& history,
                     AuditFindings& findings) {
    const Overdue is_overdue(partition, history);
    const auto blame = [&](const base::EntityId& entity, const char* what, std::size_t number) {
        findings.blame(Invariant::nothing_is_overdue,
                       fmt::format("partition {}: {} {} of {} is under way although its shard was "
                                   "heard of long after its deadline",
                                   partition.id.v, what, number, base::to_string(entity)));
    };
    for (const auto& [id, task] : partition.hedges) {
        findings.look(Invariant::nothing_is_overdue);
        for (std::size_t i = 0; i < task.slices.size(); ++i) {
            if (!hedge::is_in_flight(task.slices[i].status)) continue;
            if (is_overdue(base::broker_of(id), task.terms.shard, task.terms.deadline)) {
                blame(id, "slice", i + 1);
            }
        }
    }
    for (const auto& [id, duty] : partition.instructions) {
        findings.look(Invariant::nothing_is_overdue);
        if (duty.phase != instruction::Phase::open || !instruction::has_order_in_flight(duty)) {
            continue;
        }
        const auto leg = instruction::current_leg(duty);
        const auto& terms = duty.terms.legs[leg - 1];
        if (is_overdue(base::broker_of(id), terms.shard, duty.legs[leg - 1].deadline)) {
            blame(id, "leg", leg);
        }
    }
}

}  // namespace crossclear::app
