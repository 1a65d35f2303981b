#include "ledger/account/machine.hpp"

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/deciding.hpp"
#include "ledger/account/room.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using base::Failure;
namespace limits = base::limits;

bool is_buy(const SubmitTrade& command) { return command.quantity > zero; }

/// What the client receives of the settlement token, without the fee.
Amount signed_cash(const SubmitTrade& command) {
    const Amount cash = command.terms.cash;
    return is_buy(command) ? base::must_subtract(zero, cash) : cash;
}

bool does_contract_fit(const State& state, const SubmitTrade& command) {
    const auto found = state.contracts.find(command.terms.base);
    const Contract held = found == state.contracts.end() ? Contract{} : found->second;
    const auto quantity = base::add(held.quantity, command.quantity);
    const auto settled_value = base::subtract(held.settled_value, signed_cash(command));
    return quantity && settled_value &&
           has_room(state, command.terms.base,
                    Contract{.quantity = *quantity, .settled_value = *settled_value});
}

}  // namespace

Booking booking_of(const State& state, const SubmitTrade& command) {
    const Terms& terms = command.terms;
    // A contract at a price of zero, or too little of one, moves no cash.
    const bool has_cash = terms.cash > zero || (terms.is_contract && terms.cash == zero);
    const bool does_fit = terms.does_cash_fit && has_cash && terms.fee >= zero;
    if (!does_fit) return Failure{Reject::notional_out_of_range};

    const Amount cash = terms.is_contract ? zero : signed_cash(command);
    const auto paid = base::subtract(cash, terms.fee);
    if (!paid) return Failure{Reject::notional_out_of_range};
    const auto settlement = move(holding_of(state, terms.settlement), terms.settlement, *paid);
    if (!settlement || !has_room(state, *settlement)) {
        return Failure{Reject::notional_out_of_range};
    }

    std::vector<BalanceChange> changes;
    if (*paid != zero) changes.push_back(*settlement);
    if (terms.is_contract) {
        if (!does_contract_fit(state, command)) return Failure{Reject::notional_out_of_range};
        return changes;
    }

    const Holding& holding = holding_of(state, terms.base);
    const auto given = base::negate(command.quantity);
    if (!given) return Failure{Reject::notional_out_of_range};
    if (*given > sellable(holding)) return Failure{Reject::holding_insufficient};
    const auto tokens = move(holding, terms.base, command.quantity);
    if (!tokens || !has_room(state, *tokens)) return Failure{Reject::notional_out_of_range};
    changes.push_back(*tokens);
    return changes;
}

TradeNovated novated(const State& state, const SubmitTrade& command,
                     std::vector<BalanceChange> changes) {
    const Terms& terms = command.terms;
    return {.cause = command.id,
            .body = body_hash(command),
            .number = state.trades_count + 1,
            .instrument = command.instrument,
            .base = terms.base,
            .settlement = terms.settlement,
            .is_contract = terms.is_contract,
            .quantity = command.quantity,
            .price = terms.fill,
            .cash = signed_cash(command),
            .fee = terms.fee,
            .notional_cents = terms.notional_cents,
            .changes = std::move(changes),
            .at = command.received_at,
            .settle_by = terms.settle_by};
}

namespace {

/// The first reason against what a trade asks for, whatever the account.
Reject shape_fault(const SubmitTrade& command, const Booking& booking) {
    if (command.quantity == zero) return Reject::quantity_must_be_positive;
    // Without a price, or at one of zero, there is no notional: that is of this moment.
    const bool is_priced = command.terms.mark.v > 0;
    if (is_priced && !booking && booking.error() == Reject::notional_out_of_range) {
        return Reject::notional_out_of_range;
    }
    const bool has_two_sides = command.terms.base != command.terms.settlement;
    if (!command.terms.is_offered || !has_two_sides) return Reject::instrument_not_offered;
    if (command.terms.has_expired) return Reject::contract_has_expired;
    return Reject::none;
}

/// The first reason against a trade at this moment: state, then risk. Unwinds pass a stale price,
/// close-only, a pause and the limits; they too need some mark, and room to write down what they
/// do.
Reject moment_fault(const State& state, const SubmitTrade& command, const Booking& booking) {
    const Terms& terms = command.terms;
    const bool is_priced = terms.is_price_fresh || terms.is_pure_unwind;
    // At zero a contract is only given back: whoever took one on would have it for nothing.
    const bool is_at_zero = terms.mark.v == 0 && terms.is_contract && terms.is_pure_unwind;
    if (!is_priced || (terms.mark.v <= 0 && !is_at_zero)) return Reject::price_is_stale;
    const bool is_within_limit =
        is_buy(command) ? terms.fill <= command.limit : terms.fill >= command.limit;
    if (!is_within_limit) return Reject::price_outside_limit;
    if (terms.is_close_only && !terms.is_pure_unwind) return Reject::account_is_close_only;
    if (terms.is_shard_paused && !terms.is_pure_unwind) return Reject::shard_is_paused;
    if (!terms.is_within_limits && !terms.is_pure_unwind) return Reject::too_much_open;
    const base::AssetId received = is_buy(command) ? terms.base : terms.settlement;
    const bool can_claim = terms.is_contract || has_room_for_claim(state, received);
    if (!can_claim) return Reject::too_much_open;
    if (!booking) return booking.error();
    if (!terms.has_margin) return Reject::margin_insufficient;
    return Reject::none;
}

/// The first reason against a withdrawal that its body does not tell alone.
Reject moment_fault(const State& state, const RequestWithdrawal& command) {
    if (!command.is_destination_allowed) return Reject::destination_not_allowed;
    if (command.is_shard_paused) return Reject::shard_is_paused;
    const bool can_count = state.withdrawals_count < std::numeric_limits<std::uint32_t>::max();
    if (state.withdrawals.size() >= limits::withdrawals_open_max || !can_count) {
        return Reject::too_much_open;
    }
    if (has_debt(state) || holding_of(state, command.asset).free < command.amount) {
        return Reject::holding_insufficient;
    }
    if (!command.is_price_fresh) return Reject::price_is_stale;
    if (!command.has_margin) return Reject::margin_insufficient;
    return Reject::none;
}

/// The first reason against taking a withdrawal back that this account knows of.
Reject moment_fault(const State& state, const CancelWithdrawal& command) {
    if (command.number == 0 || command.number > state.withdrawals_count) {
        return Reject::withdrawal_not_found;
    }
    const auto found = state.withdrawals.find(command.number);
    if (found == state.withdrawals.end()) return Reject::withdrawal_has_ended;
    if (found->second.cancels.size() >= limits::cancels_undecided_max) return Reject::too_much_open;
    return Reject::none;
}

DepositNoted noted(const NoteDeposit& command, Finality finality, BalanceChange change) {
    change.asset = command.asset;
    return DepositNoted{.deposit = command.deposit,
                        .shard = command.shard,
                        .asset = command.asset,
                        .amount = command.amount,
                        .finality = finality,
                        .change = change,
                        .at = command.at};
}

/// What is new in a notice about a deposit of which `known` is booked. A deposit always enters by
/// SEEN, so that one which is final at first sight takes two steps.
std::vector<Event> news_of(const NoteDeposit& command, Finality known) {
    const Amount less = base::must_subtract(zero, command.amount);
    BalanceChange enters;
    enters.seen = command.amount;
    BalanceChange leaves;
    leaves.seen = less;
    BalanceChange settles = leaves;
    settles.free = command.amount;

    if (known == Finality::final) return {};
    if (command.finality == Finality::unseen) {
        if (known == Finality::unseen) return {};
        return {noted(command, Finality::unseen, leaves)};
    }
    if (command.finality <= known) return {};

    std::vector<Event> events;
    const bool is_final = command.finality == Finality::final;
    if (known == Finality::unseen) {
        events.emplace_back(noted(command, is_final ? Finality::seen : command.finality, enters));
    } else if (!is_final) {
        events.emplace_back(noted(command, command.finality, {}));
    }
    if (is_final) events.emplace_back(noted(command, Finality::final, settles));
    return events;
}

/// An open withdrawal; a null where it has ended; an error where it never was.
base::Result<const Withdrawal*, Reject> open_withdrawal(const State& state, std::uint32_t number) {
    if (number == 0 || number > state.withdrawals_count) {
        return Failure{Reject::withdrawal_unknown};
    }
    const auto found = state.withdrawals.find(number);
    const Withdrawal* open = found == state.withdrawals.end() ? nullptr : &found->second;
    return open;
}

}  // namespace

Decision decide(const State& state, const SubmitTrade& command) {
    const std::uint64_t body = body_hash(command);
    if (auto known = decide_by_identity(state, command.id, body, command.received_at)) {
        return *std::move(known);
    }
    const Booking booking = booking_of(state, command);
    Reject fault = shape_fault(command, booking);
    // From here on the answer depends on the moment, so a refusal is journaled as well: once the
    // client has been told no, a late copy of this request must not be able to succeed.
    if (fault == Reject::none) fault = moment_fault(state, command, booking);
    if (fault != Reject::none) {
        return refuse(state, command.id, body, fault, command.received_at);
    }

    // After this line the trade must succeed.
    return propose(state, novated(state, command, *booking));
}

Decision decide(const State& state, const RequestWithdrawal& command) {
    const std::uint64_t body = body_hash(command);
    if (auto known = decide_by_identity(state, command.id, body, command.received_at)) {
        return *std::move(known);
    }
    if (command.amount <= zero) return Failure{Reject::quantity_must_be_positive};
    const Reject fault = moment_fault(state, command);
    if (fault != Reject::none) {
        return refuse(state, command.id, body, fault, command.received_at);
    }

    // After this line the withdrawal must be held.
    return propose(state, WithdrawalHeld{.cause = command.id,
                                         .body = body,
                                         .number = state.withdrawals_count + 1,
                                         .asset = command.asset,
                                         .amount = command.amount,
                                         .shard = command.shard,
                                         .destination = command.destination,
                                         .at = command.received_at});
}

Decision decide(const State& state, const CancelWithdrawal& command) {
    const std::uint64_t body = body_hash(command);
    if (auto known = decide_by_identity(state, command.id, body, command.received_at)) {
        return *std::move(known);
    }
    const Reject fault = moment_fault(state, command);
    if (fault != Reject::none) {
        return refuse(state, command.id, body, fault, command.received_at);
    }
    return propose(state, CancelRequested{.cause = command.id,
                                          .body = body,
                                          .number = command.number,
                                          .at = command.received_at});
}

Decision decide(const State& state, const RefuseCancel& command) {
    const auto open = open_withdrawal(state, command.number);
    if (!open) return Failure{open.error()};
    if (*open == nullptr || (*open)->cancels.empty()) return std::vector<Event>{};
    return propose(state, CancelRefused{.number = command.number});
}

Decision decide(const State& state, const ReturnWithdrawal& command) {
    const auto open = open_withdrawal(state, command.number);
    if (!open) return Failure{open.error()};
    if (*open == nullptr) return std::vector<Event>{};
    return propose(state, WithdrawalReturned{.number = command.number,
                                             .asset = (*open)->asset,
                                             .amount = (*open)->amount,
                                             .reason = command.reason});
}

Decision decide(const State& state, const PayWithdrawal& command) {
    const auto open = open_withdrawal(state, command.number);
    if (!open) return Failure{open.error()};
    if (*open == nullptr) return std::vector<Event>{};
    return propose(state, WithdrawalPaid{.number = command.number,
                                         .asset = (*open)->asset,
                                         .amount = (*open)->amount,
                                         .block = command.block});
}

Decision decide(const State& state, const NoteDeposit& command) {
    if (command.amount <= zero) return Failure{Reject::quantity_must_be_positive};
    const auto found = state.deposits.find({.shard = command.shard, .id = command.deposit});
    const bool is_known = found != state.deposits.end();
    const Finality known = is_known ? found->second.finality : Finality::unseen;
    // Netting refuses a shard's contradictions; here one would leave SEEN without its deposit.
    const bool is_same = !is_known || (found->second.asset == command.asset &&
                                       found->second.amount == command.amount);
    if (known != Finality::unseen && !is_same) return Failure{Reject::id_reused_with_other_body};
    auto events = news_of(command, known);
    if (events.empty()) return std::vector<Event>{};
    // Only the first step can fail to fit: what entered SEEN fits FREE, see is_bookable.
    const auto& first = std::get<DepositNoted>(events.front());
    if (!has_room(state, first.change)) {
        return Failure{Reject::notional_out_of_range};
    }
    return propose(state, std::move(events));
}

Decision decide(const State& state, const CoverClaims& command) {
    const Holding& holding = holding_of(state, command.asset);
    const Amount covered = std::min(command.amount, holding.unsettled);
    if (covered <= zero) return std::vector<Event>{};
    std::vector<Event> events;
    ClaimsCovered next{.asset = command.asset, .amount = {}, .parts = {}, .at = command.at};
    for (const auto& part : oldest_parts(holding.claims, covered)) {
        if (next.parts.size() == limits::cover_parts_max) {
            events.emplace_back(std::move(next));
            next = {.asset = command.asset, .amount = {}, .parts = {}, .at = command.at};
        }
        next.amount = base::must_add(next.amount, part.amount);
        next.parts.push_back(part);
    }
    events.emplace_back(std::move(next));
    return propose(state, std::move(events));
}

Decision decide(const State& state, const CashSettleClaims& command) {
    if (command.asset == command.settlement)
        return std::vector<Event>{};  // Paid in kind is paid in cash.
    Amount due;
    std::vector<std::uint64_t> trades;
    for (const Claim& claim : holding_of(state, command.asset).claims) {
        if (claim.settle_by > command.due_by) continue;
        due = base::must_add(due, claim.amount);
        if (claim.trade != 0) trades.push_back(claim.trade);
    }
    if (due == zero) return std::vector<Event>{};
    const auto cash = value_of(due, command.asset_scale, command.mark, command.settlement_scale);
    if (!cash) return Failure{cash.error()};
    const auto credited = credit(holding_of(state, command.settlement), command.settlement, *cash);
    if (!credited || !has_room(state, *credited)) return Failure{Reject::notional_out_of_range};

    BalanceChange given;
    given.asset = command.asset;
    given.unsettled = base::must_subtract(zero, due);
    std::vector<BalanceChange> changes{given};
    if (*cash != zero) changes.push_back(*credited);
    return propose(state, ClaimsCashSettled{.asset = command.asset,
                                            .settlement = command.settlement,
                                            .amount = due,
                                            .cash = *cash,
                                            .mark = command.mark,
                                            .trades = std::move(trades),
                                            .changes = std::move(changes),
                                            .at = command.at,
                                            .due_by = command.due_by});
}

Decision decide(const State& state, const Command& command) {
    return std::visit([&state](const auto& one) { return decide(state, one); }, command);
}

const Answer* answer_to(const State& state, base::CommandId id) {
    if (state.answered.empty()) return nullptr;
    // Ids grow with time: most that are asked for are new, or the latest.
    const auto& [latest, answer] = *state.answered.rbegin();
    if (id >= latest) return id == latest ? &answer : nullptr;
    const auto found = state.answered.find(id);
    return found == state.answered.end() ? nullptr : &found->second;
}

bool is_undecided(const State& state, base::CommandId id) {
    const auto is_asked_back = [id](const auto& open) {
        const auto& cancels = open.second.cancels;
        return std::find(cancels.begin(), cancels.end(), id) != cancels.end();
    };
    const auto is_open = [id](const auto& match) {
        return match.second.cause == id && match.second.state != MatchState::aborted;
    };
    return std::any_of(state.withdrawals.begin(), state.withdrawals.end(), is_asked_back) ||
           std::any_of(state.matches.begin(), state.matches.end(), is_open);
}

std::uint64_t body_hash(const SubmitTrade& command) {
    std::uint64_t hash = base::hash_combine(0, 1);  // The kind of command.
    hash = base::hash_combine(hash, command.instrument.v);
    hash = base::hash_combine(hash, static_cast<std::uint64_t>(command.quantity.v));
    return base::hash_combine(hash, static_cast<std::uint64_t>(command.limit.v));
}

std::uint64_t body_hash(const RequestWithdrawal& command) {
    std::uint64_t hash = base::hash_combine(0, 2);  // The kind of command.
    hash = base::hash_combine(hash, command.asset.v);
    hash = base::hash_combine(hash, static_cast<std::uint64_t>(command.amount.v));
    hash = base::hash_combine(hash, command.shard.v);
    return base::hash_combine(hash, base::fnv1a(command.destination));
}

std::uint64_t body_hash(const CancelWithdrawal& command) {
    const std::uint64_t hash = base::hash_combine(0, 3);  // The kind of command.
    return base::hash_combine(hash, command.number);
}

}  // namespace crossclear::ledger::account
