#include "ledger/account/give_up.hpp"

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/wide.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/deciding.hpp"
#include "ledger/account/room.hpp"

#include <algorithm>
#include <limits>
#include <utility>

/// Give-ups: trades that a venue has matched, cleared on both accounts or on neither.
///
/// The problem: two accounts, two logs, and each has to be sure of the other before it is bound.
/// The idea: both reserve what the trade needs, and then the buyer's account alone decides, by the
/// record that clears its own side or gives it up. The subtle thing: the seller may not decide
/// anything once it has reserved, however long it hears nothing; the buyer's account may, until it
/// has committed, and its deadline is what bounds the wait of the venue.
///
/// Of each buyer the seller remembers the latest number alone, as with transfers: a buyer's account
/// begins with the next one only once this one is over.

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using base::Failure;
namespace limits = base::limits;

Amount negative(Amount amount) { return base::must_subtract(zero, amount); }

/// What one side gives, asset by asset: at most one amount each.
template <class Use>
void for_each_given(const Reservation& of, Use use) {
    const Amount paid = settled_in_cash(of);
    if (paid < zero) use(of.settlement, negative(paid));
    if (!of.is_contract && of.quantity < zero) use(of.base, negative(of.quantity));
}

Reservation reservation_of(base::InstrumentId instrument, Amount quantity, base::Price price,
                           const Terms& terms) {
    return {.instrument = instrument,
            .base = terms.base,
            .settlement = terms.settlement,
            .is_contract = terms.is_contract,
            .quantity = quantity,
            .price = price,
            .cash = quantity > zero ? negative(terms.cash) : terms.cash,
            .fee = terms.fee,
            .notional_cents = terms.notional_cents};
}

/// What the account is given when the trade is cleared. **Errors:** `notional_out_of_range`, which
/// a reservation that kept its room (room.hpp) never meets.
base::Result<std::vector<BalanceChange>, Reject> receipt_of(const State& state,
                                                            const Reservation& of) {
    if (of.is_contract) {
        const auto found = state.contracts.find(of.base);
        const Contract held = found == state.contracts.end() ? Contract{} : found->second;
        const bool does_fit = base::add(held.quantity, of.quantity).has_value() &&
                              base::subtract(held.settled_value, of.cash).has_value();
        if (!does_fit) return Failure{Reject::notional_out_of_range};
        return std::vector<BalanceChange>{};
    }
    const Amount amount = of.quantity > zero ? of.quantity : settled_in_cash(of);
    if (amount <= zero) return std::vector<BalanceChange>{};  // The fee takes all of it.
    const auto asset = received_asset(of);
    const auto change = credit(holding_of(state, asset), asset, amount);
    if (!change) return Failure{Reject::notional_out_of_range};
    return std::vector<BalanceChange>{*change};
}

bool is_near(base::Price price, base::Price mark) {
    const base::Wide away = base::Wide{price.v} - mark.v;
    const base::Wide most = base::Wide{mark.v} * limits::match_band_ppm;
    return (away < 0 ? -away : away) * base::ppm_one <= most;
}

bool is_representable(const Reservation& of) {
    const Amount cash = of.is_contract ? zero : of.cash;
    return base::subtract(cash, of.fee).has_value();
}

/// The first reason against a side, whatever the account.
Reject shape_fault_of(const Reservation& of, const Terms& terms) {
    if (of.quantity == zero || of.price.v <= 0) return Reject::quantity_must_be_positive;
    const bool does_fit = terms.does_cash_fit && terms.cash > zero && terms.fee >= zero;
    const bool is_priced = terms.mark.v > 0;
    if (is_priced && !(does_fit && is_representable(of))) return Reject::notional_out_of_range;
    const bool has_two_sides = of.base != of.settlement;
    if (!terms.is_offered || !has_two_sides) return Reject::instrument_not_offered;
    if (terms.has_expired) return Reject::contract_has_expired;
    return Reject::none;
}

/// The first reason against a side at this moment, in the order of a trade's. Its price is the
/// venue's, so that also an unwind needs a fresh mark to hold it against.
Reject moment_fault_of(const State& state, const Reservation& of, const Terms& terms) {
    if (!terms.is_price_fresh || terms.mark.v <= 0) return Reject::price_is_stale;
    if (!is_near(of.price, terms.mark)) return Reject::price_outside_limit;
    if (terms.is_close_only && !terms.is_pure_unwind) return Reject::account_is_close_only;
    if (terms.is_shard_paused && !terms.is_pure_unwind) return Reject::shard_is_paused;
    if (!terms.is_within_limits && !terms.is_pure_unwind) return Reject::too_much_open;
    if (!of.is_contract && !has_room_for_reservation(state, received_asset(of))) {
        return Reject::too_much_open;
    }
    bool is_held = true;
    for_each_given(of, [&](base::AssetId asset, Amount amount) {
        is_held = is_held && holding_of(state, asset).free >= amount;
    });
    if (!is_held) return Reject::holding_insufficient;
    if (!has_room(state, of)) return Reject::notional_out_of_range;
    if (!terms.has_margin) return Reject::margin_insufficient;
    return Reject::none;
}

Reject fault_of(const State& state, const Reservation& of, const Terms& terms) {
    const Reject fault = shape_fault_of(of, terms);
    return fault == Reject::none ? moment_fault_of(state, of, terms) : fault;
}

struct Cleared {
    base::CommandId cause;
    base::AccountId counterparty;
    std::uint64_t match{};
    base::Timestamp at;
    base::Timestamp settle_by;
};

/// Clears one side: what was held goes, what the trade brings comes.
base::Result<TradeNovated, Reject> novation_of(const State& state, const Reservation& of,
                                               const Cleared& cleared) {
    auto receipt = receipt_of(state, of);
    if (!receipt) return Failure{receipt.error()};
    auto changes = taken_from_held(of);
    changes.insert(changes.end(), receipt->begin(), receipt->end());
    return TradeNovated{.cause = cleared.cause,
                        .body = 0,
                        .number = state.trades_count + 1,
                        .instrument = of.instrument,
                        .base = of.base,
                        .settlement = of.settlement,
                        .is_contract = of.is_contract,
                        .quantity = of.quantity,
                        .price = of.price,
                        .cash = of.cash,
                        .fee = of.fee,
                        .notional_cents = of.notional_cents,
                        .changes = std::move(changes),
                        .at = cleared.at,
                        .settle_by = cleared.settle_by,
                        .counterparty = cleared.counterparty,
                        .match = cleared.match};
}

MatchAborted aborted(std::uint64_t number, const Match& match, Reject reason, base::Timestamp at) {
    return {.number = number,
            .seller = match.seller,
            .changes = given_back(match.reserved),
            .reason = reason,
            .is_declined = false,
            .at = at};
}

bool has_expired(const Match& match, base::Timestamp now) {
    return match.state == MatchState::reserved && now > match.deadline;
}

bool is_known_buyer(const State& state, base::AccountId buyer) {
    return state.sales.contains(buyer) || state.sale_ends.contains(buyer);
}

bool can_remember(const State& state, base::AccountId buyer) {
    return is_known_buyer(state, buyer) ||
           state.sales.size() + state.sale_ends.size() < limits::buyers_max;
}

/// The latest number of a buyer that is decided here; 0 before the first.
std::uint64_t decided_of(const State& state, base::AccountId buyer) {
    const auto end = state.sale_ends.find(buyer);
    return end == state.sale_ends.end() ? 0 : end->second.number;
}

Decision no_events() { return std::vector<Event>{}; }

}  // namespace

Amount settled_in_cash(const Reservation& of) {
    return base::must_subtract(of.is_contract ? zero : of.cash, of.fee);
}

base::AssetId received_asset(const Reservation& of) {
    return of.quantity > zero ? of.base : of.settlement;
}

std::vector<BalanceChange> set_aside(const Reservation& reservation) {
    std::vector<BalanceChange> changes;
    for_each_given(reservation, [&](base::AssetId asset, Amount amount) {
        BalanceChange change;
        change.asset = asset;
        change.free = negative(amount);
        change.held = amount;
        changes.push_back(change);
    });
    return changes;
}

std::vector<BalanceChange> given_back(const Reservation& reservation) {
    auto changes = set_aside(reservation);
    for (auto& change : changes) std::swap(change.free, change.held);
    return changes;
}

std::vector<BalanceChange> taken_from_held(const Reservation& reservation) {
    auto changes = given_back(reservation);
    for (auto& change : changes) change.free = {};
    return changes;
}

std::vector<const Reservation*> open_reservations(const State& state) {
    std::vector<const Reservation*> open;
    for (const auto& [number, match] : state.matches) {
        if (match.state == MatchState::reserved) open.push_back(&match.reserved);
    }
    for (const auto& [buyer, sale] : state.sales) open.push_back(&sale.reserved);
    return open;
}

std::size_t places_kept(const State& state, base::AssetId asset) {
    std::size_t kept = 0;
    for (const Reservation* of : open_reservations(state)) {
        if (!of->is_contract && received_asset(*of) == asset) kept += 2;
    }
    return kept;
}

std::optional<Effect> next_said_to(const State& state, base::AccountId seller) {
    for (const auto& [number, match] : state.matches) {
        if (match.seller != seller) continue;
        if (match.state != MatchState::reserved) {
            return TellMatch{.buyer = state.id,
                             .seller = seller,
                             .number = number,
                             .is_committed = match.state == MatchState::committed};
        }
        return ProposeMatch{.buyer = state.id,
                            .seller = seller,
                            .number = number,
                            .cause = match.cause,
                            .instrument = match.reserved.instrument,
                            .quantity = match.reserved.quantity,
                            .price = match.reserved.price};
    }
    return std::nullopt;
}

Decision decide(const State& state, const SubmitMatchedTrade& command) {
    const std::uint64_t body = body_hash(command);
    if (auto known = decide_by_identity(state, command.id, body, command.received_at)) {
        return *std::move(known);
    }
    if (command.quantity <= zero) return Failure{Reject::quantity_must_be_positive};
    const bool is_of_the_broker = base::broker_of(command.seller) == base::broker_of(state.id);
    if (command.seller == state.id || !is_of_the_broker) {
        return Failure{Reject::counterparty_not_allowed};
    }
    const auto reserved =
        reservation_of(command.instrument, command.quantity, command.price, command.terms);
    Reject fault = fault_of(state, reserved, command.terms);
    const bool can_count = state.matches_count < std::numeric_limits<std::uint64_t>::max() &&
                           state.matches.size() < limits::matches_open_max;
    if (fault == Reject::none && !can_count) fault = Reject::too_much_open;
    if (fault != Reject::none) return refuse(state, command.id, body, fault, command.received_at);
    return propose(state, MatchReserved{.cause = command.id,
                                        .body = body,
                                        .number = state.matches_count + 1,
                                        .seller = command.seller,
                                        .reserved = reserved,
                                        .changes = set_aside(reserved),
                                        .deadline = command.deadline,
                                        .at = command.received_at});
}

Decision decide(const State& state, const HearMatch& command) {
    if (command.number == 0 || command.number > state.matches_count) {
        return Failure{Reject::match_unknown};
    }
    const auto found = state.matches.find(command.number);
    const bool is_open =
        found != state.matches.end() && found->second.state == MatchState::reserved;
    if (!is_open) return no_events();
    const Match& match = found->second;
    if (command.reason != Reject::none) {
        auto declined = aborted(command.number, match, command.reason, command.at);
        declined.is_declined = true;
        return propose(state, std::move(declined));
    }
    if (has_expired(match, command.at)) {
        return propose(state, aborted(command.number, match, Reject::match_timed_out, command.at));
    }
    auto novated = novation_of(state, match.reserved,
                               {.cause = match.cause,
                                .counterparty = match.seller,
                                .match = command.number,
                                .at = command.at,
                                .settle_by = command.settle_by});
    if (!novated) {
        return propose(state, aborted(command.number, match, novated.error(), command.at));
    }
    // After this line the seller must clear its side too.
    return propose(state, *std::move(novated));
}

Decision decide(const State& state, const ExpireMatches& command) {
    std::vector<Event> events;
    for (const auto& [number, match] : state.matches) {
        if (!has_expired(match, command.at)) continue;
        events.emplace_back(aborted(number, match, Reject::match_timed_out, command.at));
    }
    return propose(state, std::move(events));
}

Decision decide(const State& state, const EndMatch& command) {
    if (command.number == 0 || command.number > state.matches_count) {
        return Failure{Reject::match_unknown};
    }
    const auto found = state.matches.find(command.number);
    if (found == state.matches.end()) return no_events();
    const Match& match = found->second;
    const bool is_cleared = command.trade != 0;
    const bool is_as_decided =
        match.state != MatchState::reserved && is_cleared == (match.state == MatchState::committed);
    if (!is_as_decided) return Failure{Reject::match_unknown};
    return propose(state, MatchEnded{.number = command.number,
                                     .seller = match.seller,
                                     .trade = command.trade,
                                     .at = command.at});
}

bool has_expired_match(const State& state, base::Timestamp now) {
    return std::any_of(state.matches.begin(), state.matches.end(),
                       [now](const auto& match) { return has_expired(match.second, now); });
}

Decision decide(const State& state, const ReserveMatch& command) {
    if (command.number == 0) return Failure{Reject::match_unknown};
    if (command.number <= decided_of(state, command.buyer)) return no_events();
    if (const auto open = state.sales.find(command.buyer); open != state.sales.end()) {
        if (command.number <= open->second.number) return no_events();
        return Failure{Reject::match_unknown};
    }
    if (!can_remember(state, command.buyer)) return Failure{Reject::too_much_open};
    const auto quantity = base::negate(command.quantity);
    const bool is_sale = quantity.has_value() && *quantity < zero;
    const auto reserved = reservation_of(command.instrument, is_sale ? *quantity : zero,
                                         command.price, command.terms);
    const Reject fault = fault_of(state, reserved, command.terms);
    if (fault != Reject::none) {
        return propose(state, MatchDeclined{.buyer = command.buyer,
                                            .number = command.number,
                                            .reason = fault,
                                            .at = command.at});
    }
    // After this line only the buyer's account says what becomes of it.
    return propose(state, MatchAccepted{.buyer = command.buyer,
                                        .number = command.number,
                                        .cause = command.cause,
                                        .reserved = reserved,
                                        .changes = set_aside(reserved),
                                        .at = command.at});
}

Decision decide(const State& state, const ConcludeMatch& command) {
    if (command.number == 0) return Failure{Reject::match_unknown};
    const auto decided = state.sale_ends.find(command.buyer);
    if (command.number < decided_of(state, command.buyer)) return no_events();
    if (command.number == decided_of(state, command.buyer)) {
        const bool is_cleared = decided->second.trade != 0;
        if (is_cleared == command.is_committed) return no_events();
        return Failure{Reject::match_unknown};
    }
    const auto open = state.sales.find(command.buyer);
    if (open == state.sales.end()) {
        // It was never heard of: what comes late must find it over.
        if (command.is_committed) return Failure{Reject::match_unknown};
        if (!can_remember(state, command.buyer)) return Failure{Reject::too_much_open};
        return propose(
            state,
            MatchReleased{
                .buyer = command.buyer, .number = command.number, .changes = {}, .at = command.at});
    }
    const Sale& sale = open->second;
    if (command.number != sale.number) return Failure{Reject::match_unknown};
    if (!command.is_committed) {
        return propose(state, MatchReleased{.buyer = command.buyer,
                                            .number = command.number,
                                            .changes = given_back(sale.reserved),
                                            .at = command.at});
    }
    auto novated = novation_of(state, sale.reserved,
                               {.cause = sale.cause,
                                .counterparty = command.buyer,
                                .match = command.number,
                                .at = command.at,
                                .settle_by = command.settle_by});
    if (!novated) return Failure{novated.error()};
    return propose(state, *std::move(novated));
}

std::optional<Reject> outcome_of(const State& state, const ReserveMatch& command) {
    const auto open = state.sales.find(command.buyer);
    if (open != state.sales.end() && open->second.number == command.number) return Reject::none;
    const auto end = state.sale_ends.find(command.buyer);
    if (end == state.sale_ends.end() || end->second.number != command.number) return std::nullopt;
    // What was released was asked for before its buyer gave it up: it has decided.
    const bool is_declined = end->second.reject != Reject::none;
    if (!is_declined && end->second.trade == 0) return std::nullopt;
    return end->second.reject;
}

std::optional<std::uint64_t> outcome_of(const State& state, const ConcludeMatch& command) {
    const auto end = state.sale_ends.find(command.buyer);
    if (end == state.sale_ends.end() || end->second.number != command.number) return std::nullopt;
    return end->second.trade;
}

std::uint64_t body_hash(const SubmitMatchedTrade& command) {
    std::uint64_t hash = base::hash_combine(0, 5);  // The kind of command.
    hash = base::hash_combine(hash, command.seller.v);
    hash = base::hash_combine(hash, command.instrument.v);
    hash = base::hash_combine(hash, static_cast<std::uint64_t>(command.quantity.v));
    return base::hash_combine(hash, static_cast<std::uint64_t>(command.price.v));
}

}  // namespace crossclear::ledger::account
