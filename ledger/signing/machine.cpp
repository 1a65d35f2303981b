#include "ledger/signing/machine.hpp"

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "ledger/proposal.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace crossclear::ledger::signing {
namespace {

using base::Failure;
namespace limits = base::limits;

Decision decided(const State& state, std::vector<Event> events) {
    if (events.empty()) return events;
    Proposal<State, Event> proposal{state};
    for (auto& event : events) proposal.add(std::move(event));
    return std::move(proposal).done();
}

Decision nothing_new() { return std::vector<Event>{}; }

bool are_inverted(const Fees& fees) { return fees.fee_wei == 0 || fees.tip_wei > fees.fee_wei; }

bool offers_less(const Fees& fees, const Fees& than) {
    return fees.fee_wei < than.fee_wei || fees.tip_wei < than.tip_wei;
}

// Both at least, and no more than the maximum allows. **Requires:** that it allows the least.
Fees within(const Fees& least, const Fees& offer, const Fees& max) {
    return {.tip_wei = std::min(std::max(least.tip_wei, offer.tip_wei), max.tip_wei),
            .fee_wei = std::min(std::max(least.fee_wei, offer.fee_wei), max.fee_wei)};
}

bool is_waiting_for_signature(const Slot& slot) {
    return !slot.transactions.back().is_signed && !slot.transactions.back().is_refused;
}

Slot& slot_at(State& state, std::uint64_t nonce) {
    const auto found = state.slots.find(nonce);
    CHECK(found != state.slots.end(), "an event is about a nonce that is not finished");
    return found->second;
}

Transaction& transaction_at(State& state, std::uint64_t nonce, std::uint32_t number) {
    Slot& slot = slot_at(state, nonce);
    CHECK(number < slot.transactions.size(), "an event is about an transaction that was planned");
    return slot.transactions[number];
}

void applied(State& state, const LaneOpened& event) {
    CHECK(state.slots.empty(), "a key is changed when nothing of the old one is unfinished");
    state.is_open = true;
    state.chain_id = event.chain_id;
    state.genesis = event.genesis;
    state.key = event.key;
    state.next_nonce = event.nonce;
}

void applied(State& state, const IntentTaken& event) {
    CHECK(event.nonce == state.next_nonce, "nonces are given in their order");
    state.slots.emplace(event.nonce, Slot{.ref = event.ref,
                                          .body = event.body,
                                          .to = event.to,
                                          .data = event.data,
                                          .deadline = event.deadline});
    ++state.next_nonce;
}

void applied(State& state, const TransactionPlanned& event) {
    Slot& slot = slot_at(state, event.nonce);
    CHECK(event.number == slot.transactions.size(), "transactions are counted");
    slot.transactions.push_back({.purpose = event.purpose,
                                 .why = event.why,
                                 .gas_limit = event.gas_limit,
                                 .fees = event.fees,
                                 .planned_at = event.at});
}

void applied(State& state, const TransactionSigned& event) {
    Transaction& transaction = transaction_at(state, event.nonce, event.number);
    CHECK(!transaction.is_signed && !transaction.is_refused, "a transaction is signed once");
    // Of the others the hash is enough: they were sent, and are never sent again.
    for (auto& other : slot_at(state, event.nonce).transactions) other.raw.clear();
    transaction.is_signed = true;
    transaction.hash = event.hash;
    transaction.raw = event.raw;
}

void applied(State& state, const TransactionRefused& event) {
    Transaction& transaction = transaction_at(state, event.nonce, event.number);
    CHECK(!transaction.is_signed, "what is signed is not refused");
    transaction.is_refused = true;
}

void applied(State& state, const TransactionIncluded& event) {
    CHECK(transaction_at(state, event.nonce, event.number).is_signed,
          "a block holds what is signed");
    auto& included = slot_at(state, event.nonce).included;
    CHECK(!included, "a nonce is in one block");
    included = Inclusion{event.number, event.block, event.block_hash, event.gas};
}

void applied(State& state, const InclusionUndone& event) {
    auto& included = slot_at(state, event.nonce).included;
    CHECK(included && included->block == event.block, "what is undone was included");
    included.reset();
}

void applied(State& state, const NonceFinished& event) {
    CHECK(!state.slots.empty() && state.slots.begin()->first == event.nonce,
          "nonces finish in their order");
    const Slot& slot = state.slots.begin()->second;
    CHECK(slot.included && slot.included->number == event.number, "what is final was included");
    const Transaction& transaction = slot.transactions[event.number];
    state.outcomes.push_back({.ref = slot.ref,
                              .body = slot.body,
                              .nonce = event.nonce,
                              .block = event.block,
                              .hash = transaction.hash,
                              .purpose = transaction.purpose,
                              .why = transaction.why,
                              .gas = slot.included->gas});
    if (state.outcomes.size() > limits::signing_outcomes_max) state.outcomes.pop_front();
    state.slots.erase(event.nonce);
}

void applied(State& state, const LaneHalted& event) {
    CHECK(state.halt == Halt::none, "the first reason stands");
    state.halt = event.reason;
    state.halted_at_nonce = event.nonce;
}

void applied(State& state, const NonceForfeited& event) {
    CHECK(!slot_at(state, event.nonce).included, "what is ours is not forfeited");
    state.slots.erase(event.nonce);
}

void applied(State& state, const LaneResumed& event) {
    CHECK(event.nonce >= state.next_nonce, "no nonce is given twice");
    state.halt = Halt::none;
    state.halted_at_nonce = 0;
    state.next_nonce = event.nonce;
    // Where nothing was signed the signer is asked once more.
    for (auto& [nonce, slot] : state.slots) {
        if (latest_signed(slot) == nullptr) slot.transactions.back().is_refused = false;
    }
}

Sign to_sign(const State& state, std::uint64_t nonce, std::uint32_t number) {
    const Slot& slot = state.slots.at(nonce);
    const Transaction& transaction = slot.transactions[number];
    const bool is_cancel = transaction.purpose == Purpose::cancel;
    return {.nonce = nonce,
            .number = number,
            .chain_id = state.chain_id,
            .to = is_cancel ? state.key : slot.to,
            .data = is_cancel ? std::string{} : slot.data,
            .gas_limit = transaction.gas_limit,
            .fees = transaction.fees};
}

void add_owed(std::vector<Effect>& effects, const State& state, std::uint64_t nonce) {
    const Slot& slot = state.slots.at(nonce);
    if (is_waiting_for_signature(slot)) {
        effects.emplace_back(
            to_sign(state, nonce, static_cast<std::uint32_t>(slot.transactions.size() - 1)));
    }
    if (slot.included) return;
    if (const Transaction* latest = latest_signed(slot)) {
        effects.emplace_back(
            Broadcast{.nonce = nonce,
                      .number = static_cast<std::uint32_t>(latest - slot.transactions.data()),
                      .hash = latest->hash,
                      .raw = latest->raw});
    }
}

std::vector<Effect> asked_by(const State& after, const TransactionPlanned& event) {
    if (after.halt != Halt::none) return {};
    return {to_sign(after, event.nonce, event.number)};
}

std::vector<Effect> asked_by(const State& after, const TransactionSigned& event) {
    if (after.halt != Halt::none || after.slots.at(event.nonce).included) return {};
    return {Broadcast{
        .nonce = event.nonce, .number = event.number, .hash = event.hash, .raw = event.raw}};
}

std::vector<Effect> asked_by(const State& after, const InclusionUndone& event) {
    std::vector<Effect> effects;
    if (after.halt == Halt::none) add_owed(effects, after, event.nonce);
    // What is to be signed was asked for when it was planned.
    std::erase_if(effects, [](const Effect& one) { return std::holds_alternative<Sign>(one); });
    return effects;
}

std::vector<Effect> asked_by(const State& after, const LaneResumed&) { return outstanding(after); }
std::vector<Effect> asked_by(const State&, const LaneOpened&) { return {}; }
std::vector<Effect> asked_by(const State&, const IntentTaken&) { return {}; }
std::vector<Effect> asked_by(const State&, const TransactionRefused&) { return {}; }
std::vector<Effect> asked_by(const State&, const TransactionIncluded&) { return {}; }
std::vector<Effect> asked_by(const State&, const NonceFinished&) { return {}; }
std::vector<Effect> asked_by(const State&, const LaneHalted&) { return {}; }
std::vector<Effect> asked_by(const State&, const NonceForfeited&) { return {}; }

// The transaction that takes the place of the latest one, if one has to.
std::optional<TransactionPlanned> next_transaction(std::uint64_t nonce, const Slot& slot,
                                                   const Review& command) {
    if (slot.included || is_waiting_for_signature(slot)) return std::nullopt;
    if (is_at_limit(slot, command.max)) return std::nullopt;
    const Transaction& latest = slot.transactions.back();
    const bool is_late = latest.purpose == Purpose::effect && command.block_time > slot.deadline;
    const bool is_stuck = command.at - latest.planned_at >= command.patience &&
                          offers_less(latest.fees, command.enough);
    if (!is_late && !is_stuck) return std::nullopt;
    return TransactionPlanned{
        .nonce = nonce,
        .number = static_cast<std::uint32_t>(slot.transactions.size()),
        .purpose = is_late ? Purpose::cancel : latest.purpose,
        .why = is_late ? ShardRefusal::expired : latest.why,
        .gas_limit = is_late ? command.cancel_gas : latest.gas_limit,
        .fees = within(replacement_of(latest.fees), command.offer, command.max),
        .at = command.at};
}

NonceFinished finished(std::uint64_t nonce, const Inclusion& in, base::Timestamp at) {
    return {.nonce = nonce, .number = in.number, .block = in.block, .at = at};
}

std::optional<std::string> fault_of(const State& state, std::uint64_t nonce, const Slot& slot) {
    if (slot.transactions.empty()) return "a nonce that is taken has a transaction";
    if (slot.transactions.size() > limits::signing_transactions_max) return "too many transactions";
    if (slot.included && (slot.included->number >= slot.transactions.size() ||
                          !slot.transactions[slot.included->number].is_signed)) {
        return "a block holds what was never signed";
    }
    const Transaction* before = nullptr;
    for (const auto& transaction : slot.transactions) {
        if (transaction.is_signed && transaction.is_refused) return "signed and refused";
        if (are_inverted(transaction.fees)) return "a tip above the whole fee";
        if (before != nullptr && offers_less(transaction.fees, replacement_of(before->fees))) {
            return "a transaction offers too little to take another's place";
        }
        const bool is_last = &transaction == &slot.transactions.back();
        if (!transaction.is_signed && !transaction.is_refused && !is_last)
            return "one is passed over";
        if (transaction.is_signed) before = &transaction;
    }
    if (before != nullptr && before->raw.empty()) return "the latest one cannot be sent again";
    return nonce < state.next_nonce ? std::nullopt
                                    : std::optional<std::string>{"a nonce before it is given"};
}

}  // namespace

Decision decide(const State& state, const OpenLane& command) {
    if (state.is_open && (command.chain_id != state.chain_id || command.genesis != state.genesis)) {
        return Failure{Reject::chain_is_another};
    }
    if (state.is_open && command.key == state.key) return nothing_new();
    if (!state.slots.empty()) return Failure{Reject::key_has_unfinished};
    if (command.pending_nonce != command.final_nonce) return Failure{Reject::key_is_in_use};
    return decided(state, {LaneOpened{.chain_id = command.chain_id,
                                      .genesis = command.genesis,
                                      .key = command.key,
                                      .nonce = command.final_nonce,
                                      .at = command.at}});
}

Decision decide(const State& state, const TakeIntent& command) {
    if (!state.is_open) return Failure{Reject::lane_is_not_open};
    if (const auto nonce = nonce_of(state, command.ref)) {
        if (state.slots.at(*nonce).body == command.body) return nothing_new();
        return Failure{Reject::ref_reused_with_other_body};
    }
    if (const Outcome* outcome = outcome_of(state, command.ref)) {
        if (outcome->body == command.body) return nothing_new();
        return Failure{Reject::ref_reused_with_other_body};
    }
    if (command.data.size() > limits::signing_call_bytes_max) {
        return Failure{Reject::call_is_too_long};
    }
    if (are_inverted(command.fees)) return Failure{Reject::fees_are_inverted};
    if (state.halt != Halt::none) return Failure{Reject::lane_is_halted};
    if (state.slots.size() >= limits::signing_slots_max) return Failure{Reject::lane_is_full};
    return decided(state, {IntentTaken{.nonce = state.next_nonce,
                                       .ref = command.ref,
                                       .body = command.body,
                                       .to = command.to,
                                       .data = command.data,
                                       .deadline = command.deadline,
                                       .at = command.at},
                           TransactionPlanned{.nonce = state.next_nonce,
                                              .number = 0,
                                              .purpose = Purpose::effect,
                                              .why = ShardRefusal::none,
                                              .gas_limit = command.gas_limit,
                                              .fees = command.fees,
                                              .at = command.at}});
}

Decision decide(const State& state, const NoteSigned& command) {
    const auto found = state.slots.find(command.nonce);
    const bool is_known =
        found != state.slots.end() && command.number < found->second.transactions.size();
    if (!is_known) return Failure{Reject::no_such_transaction};
    const Transaction& transaction = found->second.transactions[command.number];
    if (transaction.is_signed && transaction.hash == command.hash) return nothing_new();
    if (transaction.is_signed || transaction.is_refused)
        return Failure{Reject::transaction_differs};
    const bool is_sane = !command.raw.empty() &&
                         command.raw.size() <= limits::signing_raw_bytes_max &&
                         !transaction_of(state, command.hash);
    if (!is_sane) return Failure{Reject::transaction_differs};
    return decided(state, {TransactionSigned{.nonce = command.nonce,
                                             .number = command.number,
                                             .hash = command.hash,
                                             .raw = command.raw,
                                             .at = command.at}});
}

Decision decide(const State& state, const NoteSignerRefused& command) {
    const auto found = state.slots.find(command.nonce);
    const bool is_known =
        found != state.slots.end() && command.number < found->second.transactions.size();
    if (!is_known) return Failure{Reject::no_such_transaction};
    const Slot& slot = found->second;
    const Transaction& transaction = slot.transactions[command.number];
    if (transaction.is_refused) return nothing_new();
    if (transaction.is_signed) return Failure{Reject::transaction_differs};

    std::vector<Event> events{
        TransactionRefused{.nonce = command.nonce, .number = command.number, .at = command.at}};
    // What was signed before goes its way; else the nonce keeps all later ones waiting.
    if (latest_signed(slot) == nullptr) {
        if (transaction.purpose == Purpose::effect) {
            events.emplace_back(TransactionPlanned{.nonce = command.nonce,
                                                   .number = command.number + 1,
                                                   .purpose = Purpose::cancel,
                                                   .why = ShardRefusal::unsupported,
                                                   .gas_limit = command.cancel_gas,
                                                   .fees = transaction.fees,
                                                   .at = command.at});
        } else if (state.halt == Halt::none) {
            events.emplace_back(LaneHalted{
                .reason = Halt::signer_refuses, .nonce = command.nonce, .at = command.at});
        }
    }
    return decided(state, std::move(events));
}

Decision decide(const State& state, const NoteIncluded& command) {
    const auto name = transaction_of(state, command.hash);
    if (!name) return Failure{Reject::hash_is_not_ours};
    const auto& before = state.slots.at(name->nonce).included;
    const bool is_known =
        before && before->number == name->number && before->block_hash == command.block_hash;
    if (is_known) return nothing_new();

    std::vector<Event> events;
    if (before) {
        events.emplace_back(
            InclusionUndone{.nonce = name->nonce, .block = before->block, .at = command.at});
    }
    events.emplace_back(TransactionIncluded{.nonce = name->nonce,
                                            .number = name->number,
                                            .block = command.block,
                                            .block_hash = command.block_hash,
                                            .gas = command.gas,
                                            .at = command.at});
    return decided(state, std::move(events));
}

Decision decide(const State& state, const NoteUndone& command) {
    const auto found = state.slots.find(command.nonce);
    if (found == state.slots.end()) return nothing_new();
    const auto& included = found->second.included;
    if (!included || included->block_hash != command.block_hash) return nothing_new();
    return decided(state, {InclusionUndone{
                              .nonce = command.nonce, .block = included->block, .at = command.at}});
}

Decision decide(const State& state, const NoteFinal& command) {
    if (!state.is_open) return Failure{Reject::lane_is_not_open};
    std::vector<Event> events;
    // Where the first that is not finished stands, if the chain is past it.
    std::uint64_t next = state.slots.empty() ? state.next_nonce : state.slots.begin()->first;
    for (const auto& [nonce, slot] : state.slots) {
        if (!slot.included || slot.included->block > command.block) break;
        events.emplace_back(finished(nonce, *slot.included, command.at));
        next = nonce + 1;
    }
    if (command.final_nonce > next && state.halt == Halt::none) {
        events.emplace_back(
            LaneHalted{.reason = Halt::nonce_used_elsewhere, .nonce = next, .at = command.at});
    }
    return decided(state, std::move(events));
}

Decision decide(const State& state, const Review& command) {
    if (are_inverted(command.max) || are_inverted(command.offer)) {
        return Failure{Reject::fees_are_inverted};
    }
    if (state.halt != Halt::none) return Failure{Reject::lane_is_halted};
    std::vector<Event> events;
    for (const auto& [nonce, slot] : state.slots) {
        if (auto planned = next_transaction(nonce, slot, command)) {
            events.emplace_back(*planned);
        }
    }
    return decided(state, std::move(events));
}

Decision decide(const State& state, const HaltLane& command) {
    if (state.halt != Halt::none || command.reason == Halt::none) return nothing_new();
    return decided(
        state, {LaneHalted{.reason = command.reason, .nonce = command.nonce, .at = command.at}});
}

Decision decide(const State& state, const ResumeLane& command) {
    if (command.reason.empty()) return Failure{Reject::reason_is_missing};
    if (state.halt == Halt::none) return Failure{Reject::lane_is_not_halted};
    std::vector<Event> events;
    for (const auto& [nonce, slot] : state.slots) {
        if (nonce >= command.final_nonce) break;
        if (!slot.included) {
            events.emplace_back(NonceForfeited{.nonce = nonce, .at = command.at});
            continue;
        }
        if (slot.included->block > command.final_block) return Failure{Reject::final_is_behind};
        // Ours: it was kept from being finished by one before it that others have used.
        events.emplace_back(finished(nonce, *slot.included, command.at));
    }
    events.emplace_back(LaneResumed{.nonce = std::max(state.next_nonce, command.final_nonce),
                                    .reason = command.reason,
                                    .at = command.at});
    return decided(state, std::move(events));
}

Decision decide(const State& state, const Command& command) {
    return std::visit([&state](const auto& each) { return decide(state, each); }, command);
}

void apply(State& state, const Event& event) {
    std::visit([&state](const auto& each) { applied(state, each); }, event);
}

std::vector<Effect> effects_of(const State& after, const Event& event) {
    return std::visit([&after](const auto& each) { return asked_by(after, each); }, event);
}

std::vector<Effect> outstanding(const State& state) {
    std::vector<Effect> effects;
    if (state.halt != Halt::none) return effects;
    for (const auto& [nonce, slot] : state.slots) add_owed(effects, state, nonce);
    return effects;
}

std::uint64_t body_hash(const ShardOrder& order) {
    std::uint64_t hash = base::hash_combine(0, static_cast<std::uint64_t>(order.kind));
    for (const std::uint64_t part :
         {std::uint64_t{order.shard.v}, std::uint64_t{order.instrument.v},
          static_cast<std::uint64_t>(order.quantity.v), static_cast<std::uint64_t>(order.bound.v),
          std::uint64_t{order.asset.v}, static_cast<std::uint64_t>(order.amount.v),
          std::uint64_t{order.to_shard.v}, static_cast<std::uint64_t>(order.deadline.us)}) {
        hash = base::hash_combine(hash, part);
    }
    return base::hash_combine(hash, base::fnv1a(order.destination));
}

std::optional<std::string> check_invariants(const State& state) {
    if (!state.is_open && !state.slots.empty()) return "a lane that is not open has no nonces";
    if (state.slots.size() > limits::signing_slots_max) return "more nonces than a lane takes";
    if (state.outcomes.size() > limits::signing_outcomes_max) return "more outcomes than are kept";
    std::set<base::OrderRef> refs;
    for (const auto& outcome : state.outcomes) {
        if (!refs.insert(outcome.ref).second) return "an order has ended twice";
    }
    std::set<Hash> hashes;
    std::uint64_t expected = state.next_nonce - state.slots.size();
    for (const auto& [nonce, slot] : state.slots) {
        if (nonce != expected++) return "a nonce is missing between others";
        if (!refs.insert(slot.ref).second) return "an order has two nonces";
        if (const auto fault = fault_of(state, nonce, slot)) return fault;
        for (const auto& transaction : slot.transactions) {
            if (transaction.is_signed && !hashes.insert(transaction.hash).second) {
                return "two transactions have one hash";
            }
        }
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::signing
