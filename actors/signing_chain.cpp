// What a signing lane makes of its chain: blocks that come and go, and how orders end in them.
#include "actors/signing_actor.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::actors {
namespace {

namespace signing = ledger::signing;
using shards::NoAnswer;

// So long a transaction waits before it offers more.
constexpr base::Duration dearer_after = base::seconds(15);

bool is_effect(const signing::Slot& slot, std::uint32_t number) {
    return slot.transactions.at(number).purpose == signing::Purpose::effect;
}

bool contains(const std::vector<signing::Hash>& hashes, const signing::Hash& hash) {
    return std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
}

}  // namespace

void SigningHost::on_head(const shards::evm::HeadNews& news) {
    const bool is_first = !head_.has_value();
    head_ = news;
    // What was included before a restart and is not now was undone meanwhile.
    const auto is_gone = [&](const signing::Inclusion& included, const signing::Hash& hash) {
        if (contains(news.undone, included.block_hash)) return true;
        return is_first && std::none_of(news.found.begin(), news.found.end(),
                                        [&](const Found& found) { return found.hash == hash; });
    };
    std::vector<std::uint64_t> gone;
    for (const auto& [nonce, slot] : crank_.state().slots) {
        const auto& included = slot.included;
        if (!included) continue;
        const auto& hash = slot.transactions.at(included->number).hash;
        if (is_gone(*included, hash)) gone.push_back(nonce);
    }
    for (const auto nonce : gone) note_undone(nonce);
    for (const auto& found : news.found) note_found(found);
    note_final();
    review();
    if (is_first) take_waiting();
}

void SigningHost::note_undone(std::uint64_t nonce) {
    const auto& slot = crank_.state().slots.at(nonce);
    const bool was_effect = is_effect(slot, slot.included->number);
    const auto ref = slot.ref;
    (void)commit(signing::NoteUndone{
        .nonce = nonce, .block_hash = slot.included->block_hash, .at = parts_.context->now()});
    found_.erase(nonce);
    if (was_effect) tell(ledger::OrderNotice{.ref = ref});
}

void SigningHost::note_found(const Found& found) {
    const auto name = signing::transaction_of(crank_.state(), found.hash);
    if (!name) return;
    (void)commit(signing::NoteIncluded{.hash = found.hash,
                                       .block = found.block,
                                       .block_hash = found.block_hash,
                                       .gas = found.gas,
                                       .at = parts_.context->now()});
    found_.insert_or_assign(name->nonce, found);
    const auto& slot = crank_.state().slots.at(name->nonce);
    const auto order = orders_.find(slot.ref);
    if (order != orders_.end()) tell_of_slot(order->second, name->nonce);
}

void SigningHost::note_final() {
    const auto decision = commit(signing::NoteFinal{.block = head_->final_block,
                                                    .final_nonce = head_->final_nonce,
                                                    .at = parts_.context->now()});
    if (decision) conclude_finished(*decision);
}

void SigningHost::conclude_finished(const std::vector<signing::Event>& events) {
    bool has_finished = false;
    for (const auto& event : events) {
        const auto* finished = std::get_if<signing::NonceFinished>(&event);
        if (finished == nullptr) continue;
        has_finished = true;
        const auto& outcomes = crank_.state().outcomes;
        // The latest: an earlier key may have had the same nonce.
        const auto outcome =
            std::find_if(outcomes.rbegin(), outcomes.rend(),
                         [&](const signing::Outcome& one) { return one.nonce == finished->nonce; });
        if (outcome != outcomes.rend()) conclude(base::OrderRef{outcome->ref});
    }
    if (!has_finished) return;
    const auto& slots = crank_.state().slots;
    desk_->forget_below(slots.empty() ? crank_.state().next_nonce : slots.begin()->first);
}

void SigningHost::review() {
    if (crank_.state().halt != signing::Halt::none) return;
    (void)commit(signing::Review{.enough = head_->enough,
                                 .offer = head_->offer,
                                 .max = head_->max,
                                 .patience = dearer_after,
                                 .block_time = head_->block_time,
                                 .cancel_gas = head_->cancel_gas,
                                 .at = parts_.context->now()});
}

// Orders that came before the first head.
void SigningHost::take_waiting() {
    const auto orders = orders_;
    for (const auto& [ref, order] : orders) {
        const bool is_known = signing::nonce_of(crank_.state(), ref) ||
                              signing::outcome_of(crank_.state(), ref) != nullptr;
        if (!is_known) take(order, signing::body_hash(order));
    }
}

// An order whose nonce is finished. Who wanted it may not have brought it again yet, and then it is
// told once they do.
void SigningHost::conclude(const base::OrderRef& ref) {
    const auto order = orders_.find(ref);
    const auto* outcome = signing::outcome_of(crank_.state(), ref);
    if (order == orders_.end() || outcome == nullptr) return;
    const auto found = found_.find(outcome->nonce);
    if (found != found_.end() && found->second.hash == outcome->hash) {
        const auto known = found->second;
        found_.erase(found);
        return finish(order->second, *outcome, known);
    }
    if (!asking_.insert(ref).second) return;
    desk_->recount(outcome->hash, outcome->gas,
                   hears<base::Result<Found, NoAnswer>>(
                       [ref, hash = outcome->hash](SigningHost& host, const auto& told) {
                           host.asking_.erase(ref);
                           const auto* ended = signing::outcome_of(host.crank_.state(), ref);
                           const auto wanted = host.orders_.find(ref);
                           if (!told || ended == nullptr) return;
                           if (wanted == host.orders_.end()) return;
                           host.finish(wanted->second, *ended, *told);
                       }));
}

void SigningHost::finish(const ledger::ShardOrder& order, const signing::Outcome& outcome,
                         const Found& found) {
    ledger::OrderNotice notice{.ref = order.ref};
    if (outcome.purpose == signing::Purpose::cancel) {
        notice.refusal = outcome.why;
    } else if (found.ended) {
        auto told = desk_->notice_of(order, *found.ended);
        if (!told) {
            return halt(signing::Halt::contract_changed, outcome.nonce,
                        "the vault told what cannot be");
        }
        notice = *std::move(told);
    } else {
        return finish_without_word(order, found);
    }
    notice.finality = ledger::Finality::final;
    notice.block = found.block;
    notice.gas = found.gas;
    orders_.erase(order.ref);
    tell(std::move(notice));
}

// The transaction failed: without an effect, or because the intent has had its effect before, from
// a journal that this one is an older copy of.
void SigningHost::finish_without_word(const ledger::ShardOrder& order, const Found& found) {
    if (!asking_.insert(order.ref).second) return;
    desk_->look_up(order, hears<base::Result<shards::evm::Record, NoAnswer>>(
                              [ref = order.ref, found](SigningHost& host, const auto& record) {
                                  host.asking_.erase(ref);
                                  if (!record) return;
                                  auto notice = record->notice.value_or(ledger::OrderNotice{
                                      .ref = ref,
                                      .finality = ledger::Finality::final,
                                      .block = found.block,
                                      .refusal = ledger::ShardRefusal::reverted});
                                  notice.gas = base::must_add(notice.gas, found.gas);
                                  host.orders_.erase(ref);
                                  host.tell(std::move(notice));
                              }));
}

void SigningHost::tell(ledger::OrderNotice notice) {
    crank_.when_durable(
        [this, notice = std::move(notice)](std::uint64_t) { send(lane_, LaneNotice{notice}); });
}

void SigningHost::on_fault(const shards::evm::ChainFault& fault) {
    halt(fault.reason, 0, fault.says);
    // It is followed anew, and what it says is compared again.
    is_following_ = false;
}

void SigningHost::publish_metrics() const {
    const auto& state = crank_.state();
    auto& metrics = parts_.context->instruments->shards;
    const auto& broker = parts_.context->broker(parts_.broker()).profile.name;
    const auto& shard = parts_.context->listing.shard(shard_).symbol;
    const auto open = std::count_if(state.slots.begin(), state.slots.end(),
                                    [](const auto& one) { return !one.second.included; });
    metrics.tx_nonce_gap.with({broker, shard}).set(static_cast<double>(open));
    // What a successor has done looks like a halt to whoever has not heard of it yet.
    if (crank_.is_durable()) publish_halt();
    if (!head_) return;
    const auto& gas = parts_.context->listing.asset(parts_.context->listing.shard(shard_).gas);
    double units = 1;
    for (int i = 0; i < gas.scale; ++i) units *= 10;
    metrics.signer_balance_native.with({broker, shard})
        .set(static_cast<double>(head_->key_balance.v) / units);
}

void SigningHost::publish_halt() const {
    const auto& broker = parts_.context->broker(parts_.broker()).profile.name;
    const auto& shard = parts_.context->listing.shard(shard_).symbol;
    for (const auto halt : {signing::Halt::nonce_used_elsewhere, signing::Halt::signer_altered,
                            signing::Halt::signer_refuses, signing::Halt::other_chain,
                            signing::Halt::final_block_replaced, signing::Halt::contract_changed}) {
        parts_.context->instruments->shards.signing_lane_halted
            .with({broker, shard, signing::name_of(halt)})
            .set(crank_.state().halt == halt ? 1 : 0);
    }
}

}  // namespace crossclear::actors
