#include "tests/sim/shard_door.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::sim {

using ledger::Finality;
using ledger::OrderKind;
using shards::NoAnswer;
using shards::SubmitAnswer;

namespace {

constexpr base::Duration shard_patience = base::milliseconds(800);
// Planted: the same order under another name, from a number that no machine reaches.
constexpr std::uint32_t other_numbers = 1U << 30;

}  // namespace

ShardDoor::ShardDoor(Stage& stage, Truth& truth, std::shared_ptr<Lifeline> life,
                     shards::simulated::SimulatedWorld& world, base::ShardId shard,
                     base::BrokerId broker)
    : stage_(stage),
      truth_(truth),
      life_(std::move(life)),
      world_(world),
      shard_(shard),
      broker_(broker),
      behind_(world.shard(shard, broker)) {}

void ShardDoor::reconnect() {
    behind_ = world_.shard(shard_, broker_);
    behind_->listen([this](const ledger::ShardNotice& notice) { on_notice(notice); });
}

// To the chain and back, each way in its own time. The chain's own answer comes at once.
template <class Answer>
void ShardDoor::call(std::string_view what, std::function<void(std::function<void(Answer)>)> run,
                     Answer lost, std::function<void(Answer)> done) {
    if (life_->is_cut()) return;
    auto back = life_->hold<Answer>(std::move(done));
    auto& agenda = stage_.agenda;
    if (stage_.goes_wrong(stage_.plan.lost_request_ppm)) {
        agenda.after(shard_patience, [back, lost] { back(lost); });
        return;
    }
    const bool is_unheard = stage_.goes_wrong(stage_.plan.lost_answer_ppm);
    // The door goes with its node; until then what is under way is executed.
    const auto execute =
        life_->hold<int>([this, what, run = std::move(run), back, lost, is_unheard](int) {
            stage_.note(what, shard_.v);
            run([this, back, lost, is_unheard](Answer answer) {
                const auto delay = is_unheard ? shard_patience : stage_.up_to(stage_.plan.call_max);
                stage_.agenda.after(delay, [back, answer = is_unheard ? lost : std::move(answer)] {
                    back(answer);
                });
            });
            world_.advance_to(stage_.agenda.now());
        });
    agenda.after(stage_.up_to(stage_.plan.call_max), [execute] { execute(0); });
}

ledger::ShardOrder ShardDoor::order_to_send(const ledger::ShardOrder& order) {
    auto sent = order;
    const bool is_again = !submitted_.insert(order.ref).second;
    if (is_again) {
        stage_.mark(Mark::order_submitted_again);
        if (stage_.is_planted(Plant::order_executed_twice)) sent.ref.number += other_numbers;
    }
    return sent;
}

void ShardDoor::submit(const ledger::ShardOrder& order, std::function<void(SubmitAnswer)> done) {
    truth_.check_order(order);
    call<SubmitAnswer>(
        "submit",
        [this, sent = order_to_send(order)](std::function<void(SubmitAnswer)> answer) {
            behind_->submit(sent, std::move(answer));
        },
        NoAnswer{}, std::move(done));
}

void ShardDoor::ask(const base::OrderRef& ref,
                    std::function<void(std::variant<ledger::OrderNotice, NoAnswer>)> done) {
    using Answer = std::variant<ledger::OrderNotice, NoAnswer>;
    call<Answer>(
        "ask",
        [this, ref](const std::function<void(Answer)>& answer) {
            behind_->ask(ref, [this, answer](Answer found) {
                auto* notice = std::get_if<ledger::OrderNotice>(&found);
                if (notice != nullptr && !spoil(*notice)) found = NoAnswer{};
                answer(std::move(found));
            });
        },
        NoAnswer{}, std::move(done));
}

void ShardDoor::balances(std::function<void(std::variant<shards::Balances, NoAnswer>)> done) {
    using Answer = std::variant<shards::Balances, NoAnswer>;
    call<Answer>(
        "balances",
        [this](std::function<void(Answer)> answer) { behind_->balances(std::move(answer)); },
        NoAnswer{}, std::move(done));
}

void ShardDoor::health(std::function<void(shards::Health)> done) {
    call<shards::Health>(
        "health",
        [this](std::function<void(shards::Health)> answer) { behind_->health(std::move(answer)); },
        shards::Health{}, std::move(done));
}

void ShardDoor::rescan(std::uint64_t from_block) {
    call<bool>(
        "rescan",
        [this, from_block](const std::function<void(bool)>& answer) {
            behind_->rescan(from_block);
            answer(true);
        },
        false, [](bool) {});
}

void ShardDoor::listen(std::function<void(ledger::ShardNotice)> listener) {
    listener_ = life_->hold_on<ledger::ShardNotice>(std::move(listener));
    behind_->listen([this](const ledger::ShardNotice& notice) { on_notice(notice); });
}

void ShardDoor::on_notice(const ledger::ShardNotice& told) {
    auto notice = told;
    if (!listener_) return;
    const bool is_told = std::visit([this](auto& one) { return spoil(one); }, notice);
    if (!is_told) return;
    pass_on(notice);
}

void ShardDoor::pass_on(const ledger::ShardNotice& notice) {
    *last_notice_ =
        std::max(*last_notice_, stage_.agenda.now() + stage_.up_to(stage_.plan.call_max));
    stage_.agenda.at(*last_notice_,
                     [world = &stage_, shard = shard_, listener = listener_, notice] {
                         world->note("notice", shard.v, notice.index());
                         listener(notice);
                     });
}

// Each returns whether the notice is told at all; without a planted bug it is, as it is.
bool ShardDoor::spoil(ledger::OrderNotice& notice) const {
    if (notice.ref.number >= other_numbers) return false;
    const bool is_effect = notice.refusal == ledger::ShardRefusal::none;
    if (stage_.is_planted(Plant::order_notice_lost) && notice.finality == Finality::final &&
        notice.ref.number % 2 == 1) {
        return false;
    }
    if (stage_.is_planted(Plant::included_taken_for_final) &&
        notice.finality == Finality::included) {
        notice.finality = Finality::final;
    }
    if (stage_.is_planted(Plant::payment_told_as_failed) && is_effect &&
        notice.finality == Finality::final && notice.received.v == 0 && notice.filled.v == 0) {
        notice.refusal = ledger::ShardRefusal::reverted;
    }
    if (stage_.is_planted(Plant::fill_told_too_high) && notice.received.v > 0) ++notice.received.v;
    return true;
}

bool ShardDoor::spoil(ledger::DepositNotice& notice) {
    if (stage_.is_planted(Plant::deposit_taken_for_final) &&
        notice.finality == Finality::included) {
        notice.finality = Finality::final;
    }
    if (stage_.is_planted(Plant::deposit_told_twice) && notice.finality == Finality::final) {
        auto again = notice;
        again.id += other_numbers;
        pass_on(again);
    }
    return true;
}

bool ShardDoor::spoil(ledger::VariationNotice& notice) {
    if (!stage_.is_planted(Plant::variation_swallowed)) return true;
    if (notice.change.v != 0) notice.change.v += notice.change.v > 0 ? -1 : 1;
    return true;
}

}  // namespace crossclear::sim
