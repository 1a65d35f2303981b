#include "tests/sim/lane_truth.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

namespace crossclear::sim {

using namespace ledger::signing;

void LaneTruth::take_in(const State& after, const Event& event) {
    std::visit([this](const auto& one) { note(one); }, event);
    state_ = after;
    step();
}

void LaneTruth::note(const IntentTaken& event) {
    if (nonces_.contains(event.ref) || intents_.contains(event.nonce)) {
        stage_.blame(
            20, fmt::format(
                    "order {} was given nonce {}, and {}", base::to_string(event.ref), event.nonce,
                    nonces_.contains(event.ref) ? "has another one" : "another order has it"));
    }
    nonces_[event.ref] = event.nonce;
    intents_[event.nonce] = event;
}

void LaneTruth::note(const TransactionPlanned& event) {
    planned_[{event.nonce, event.number}] = event;
    const bool is_cancel = event.purpose == Purpose::cancel;
    if (event.number > 0) {
        stage_.mark(is_cancel ? Mark::cancel_planned : Mark::replacement_planned);
    }
}

void LaneTruth::note(const TransactionSigned& event) {
    const auto [there, is_new] = signed_.try_emplace({event.nonce, event.number},
                                                     Made{.hash = event.hash, .raw = event.raw});
    if (!is_new && there->second.hash != event.hash) {
        stage_.blame(19, fmt::format("transaction {} of nonce {} was signed twice", event.number,
                                     event.nonce));
    }
    if (chain_->asked_for(event.hash) != planned(event.nonce, event.number)) {
        stage_.blame(19, fmt::format("transaction {} of nonce {} was signed as another one than is "
                                     "committed",
                                     event.number, event.nonce));
    }
}

void LaneTruth::note(const TransactionIncluded& event) {
    const auto before = undone_.find(event.nonce);
    if (before != undone_.end() && before->second != event.block_hash) {
        stage_.mark(Mark::included_again);
    }
}

void LaneTruth::note(const InclusionUndone& event) {
    stage_.mark(Mark::inclusion_undone);
    undone_[event.nonce] = state_.slots.at(event.nonce).included->block_hash;
}

void LaneTruth::note(const NonceFinished& event) {
    const auto& hash = signed_.at({event.nonce, event.number}).hash;
    const auto* block = chain_->block_with(hash);
    if (block == nullptr || block->number > chain_->final_block().number) {
        stage_.blame(20, fmt::format("nonce {} was finished by a transaction that is in no final "
                                     "block",
                                     event.nonce));
        return;
    }
    stage_.mark(Mark::signed_order_ended);
    const auto& mined = *chain_->mined(hash);
    const bool is_cancel = planned_.at({event.nonce, event.number}).purpose == Purpose::cancel;
    if (is_cancel) stage_.mark(Mark::order_cancelled);
    if (!is_cancel && event.number > 0) stage_.mark(Mark::replacement_final);
    if (!is_cancel && !mined.ended) stage_.mark(Mark::order_reverted);
    if (mined.ended && mined.ended->result == ledger::ShardRefusal::expired) {
        stage_.mark(Mark::order_too_late);
    }
}

void LaneTruth::note(const LaneHalted& event) {
    const bool is_right =
        event.reason == Halt::nonce_used_elsewhere && chain_->foreign_final().has_value();
    if (is_right) {
        stage_.mark(Mark::key_used_elsewhere);
    } else {
        stage_.blame(20, fmt::format("the lane halts at nonce {} for nothing: {}", event.nonce,
                                     name_of(event.reason)));
    }
}

void LaneTruth::note(const NonceForfeited& event) {
    stage_.mark(Mark::nonce_forfeited);
    nonces_.erase(intents_.at(event.nonce).ref);
}

std::optional<Sign> LaneTruth::planned(std::uint64_t nonce, std::uint32_t number) const {
    const auto found = planned_.find({nonce, number});
    if (found == planned_.end()) return std::nullopt;
    const auto& intent = intents_.at(nonce);
    const bool is_cancel = found->second.purpose == Purpose::cancel;
    return Sign{.nonce = nonce,
                .number = number,
                .chain_id = state_.chain_id,
                .to = is_cancel ? state_.key : intent.to,
                .data = is_cancel ? std::string{} : intent.data,
                .gas_limit = found->second.gas_limit,
                .fees = found->second.fees};
}

void LaneTruth::check_sent(const Broadcast& sent, const std::string& bytes) {
    if (stage_.finding) return;
    const Name name{sent.nonce, sent.number};
    const auto made = signed_.find(name);
    if (made == signed_.end()) {
        stage_.blame(19, fmt::format("transaction {} of nonce {} was sent before that was durable",
                                     sent.number, sent.nonce));
        return;
    }
    if (made->second.raw != bytes) {
        stage_.blame(19, fmt::format("transaction {} of nonce {} was sent with other bytes than "
                                     "are committed",
                                     sent.number, sent.nonce));
    }
    const auto [first, is_new] = sent_at_.try_emplace(name, lives_);
    if (!is_new && first->second != lives_) stage_.mark(Mark::sent_again_after_crash);
}

void LaneTruth::note_crash() {
    if (!is_there()) return;
    ++lives_;
    bool is_amid = false;
    for (const auto& [nonce, slot] : state_.slots) {
        is_amid = true;
        const auto* latest = latest_signed(slot);
        if (latest == nullptr) {
            stage_.mark(Mark::crash_before_signed);
            continue;
        }
        const Name name{nonce, static_cast<std::uint32_t>(latest - slot.transactions.data())};
        stage_.mark(slot.included             ? Mark::crash_before_final
                    : sent_at_.contains(name) ? Mark::crash_before_included
                                              : Mark::crash_before_sent);
    }
    if (is_amid) stage_.mark(Mark::crash_amid_orders);
}

std::string LaneTruth::restless() const {
    if (!is_there()) return {};
    if (is_halted()) return fmt::format("the signing lane stands still: {}", name_of(state_.halt));
    if (!state_.slots.empty()) {
        return fmt::format("nonce {} is not finished", state_.slots.begin()->first);
    }
    // With a gap between, or behind, one of both would be wrong for good.
    const auto on_chain = chain_->final_block().next_nonce;
    if (state_.is_open && state_.next_nonce != on_chain) {
        return fmt::format("the next nonce is {}, and {} on the chain", state_.next_nonce,
                           on_chain);
    }
    return {};
}

std::map<base::OrderRef, int> LaneTruth::final_effects() const {
    std::map<base::OrderRef, int> effects;
    for (std::uint64_t number = 0; number <= chain_->final_block().number; ++number) {
        for (const auto& one : chain_->block(number).mined) {
            if (!one.order) continue;
            const bool took_effect = one.ended && one.ended->result == ledger::ShardRefusal::none;
            effects[one.order->ref] += took_effect ? 1 : 0;
        }
    }
    return effects;
}

void LaneTruth::check_at_rest(const std::map<base::OrderRef, bool>& ended,
                              const std::map<base::EntityId, bool>& sagas) {
    std::map<base::EntityId, int> payments;
    for (const auto& [ref, count] : final_effects()) {
        const auto end = ended.find(ref);
        if (end == ended.end()) {
            stage_.blame(18, "order " + base::to_string(ref) + " is on its chain and never ended");
        } else if (count != (end->second ? 1 : 0)) {
            stage_.blame(
                18, fmt::format("order {} took effect {} times and ended {} one",
                                base::to_string(ref), count, end->second ? "with" : "without"));
        }
        if (ref.origin.kind == base::EntityKind::instruction) payments[ref.origin] += count;
    }
    for (const auto& [duty, count] : payments) {
        const auto end = sagas.find(duty);
        const bool is_settled = end != sagas.end() && end->second;
        if (count == (is_settled ? 1 : 0)) continue;
        stage_.blame(18, fmt::format("{} has paid {} times and {} settled", base::to_string(duty),
                                     count, is_settled ? "is" : "is not"));
    }
}

}  // namespace crossclear::sim
