// Margin calls, liquidation, and what becomes of a debt that nothing stands behind.
#include "ledger/account/applying.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/deciding.hpp"
#include "ledger/account/give_up.hpp"
#include "ledger/account/room.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using base::Failure;

// Each margin is rounded by itself: an order that was just accepted is no call.
constexpr std::int64_t cent = 1;
// What was called is good again a little above IM, or every mark would call it anew.
constexpr std::int64_t parts_above_initial = 100;

Standing next_standing(Standing now, const ReviewMargin& review) {
    if (now == Standing::defaulted) return now;
    if (review.equity_cents < review.maintenance_cents) return Standing::liquidating;
    const std::int64_t missing = review.initial_cents - review.equity_cents;
    switch (now) {
        case Standing::good:
            return missing > cent ? Standing::called : now;
        case Standing::called:
            return missing <= -review.initial_cents / parts_above_initial ? Standing::good : now;
        case Standing::liquidating:
            // Once it has begun, it leads back to IM: else it would begin again at once.
            return missing <= 0 ? Standing::good : now;
        case Standing::defaulted:
            break;
    }
    return now;
}

// What may be closed of a position, signed like it.
Amount closable(const State& state, const Terms& terms) {
    if (!terms.is_contract) return sellable(holding_of(state, terms.base));
    const auto found = state.contracts.find(terms.base);
    return found == state.contracts.end() ? zero : found->second.quantity;
}

bool is_closing(Amount position, Amount quantity) {
    if (quantity == zero || position == zero) return false;
    if ((position > zero) == (quantity > zero)) return false;
    return base::magnitude(quantity) <= base::magnitude(position);
}

// Whether nothing is held but what is also owed, and nothing may come back.
bool has_only_debt(const State& state, bool is_rest_worthless) {
    if (!state.contracts.empty() || !has_debt(state)) return false;
    if (!open_reservations(state).empty()) return false;
    for (const auto& [number, transfer] : state.transfers) {
        if (transfer.state == TransferState::pending) return false;
    }
    return std::all_of(state.holdings.begin(), state.holdings.end(), [&](const auto& line) {
        const Holding& holding = line.second;
        if (holding.held != zero) return false;
        if (holding.recv > zero) return holding.unsettled == zero && holding.seen == zero;
        return is_rest_worthless ||
               (holding.free == zero && holding.unsettled == zero && holding.seen == zero);
    });
}

}  // namespace

Decision decide(const State& state, const ReviewMargin& command) {
    if (!command.is_known) return std::vector<Event>{};
    const Standing next = next_standing(state.standing, command);
    if (next == state.standing) return std::vector<Event>{};
    return propose(state, StandingChanged{.from = state.standing,
                                          .to = next,
                                          .equity_cents = command.equity_cents,
                                          .initial_cents = command.initial_cents,
                                          .maintenance_cents = command.maintenance_cents,
                                          .at = command.at});
}

Decision decide(const State& state, const Liquidate& command) {
    const Terms& terms = command.terms;
    const bool is_next = command.number == state.trades_count + 1;
    if (state.standing != Standing::liquidating || !is_next) return std::vector<Event>{};
    const SubmitTrade trade{.id = {},
                            .instrument = command.instrument,
                            .quantity = command.quantity,
                            .limit = terms.fill,
                            .received_at = command.at,
                            .terms = terms};
    // Prices first: without one nobody knows whether it has to be.
    const bool has_price = terms.mark.v > 0 || (terms.mark.v == 0 && terms.is_contract);
    if (!terms.is_price_fresh || !has_price) return Failure{Reject::price_is_stale};
    if (terms.base == terms.settlement) return Failure{Reject::instrument_not_offered};
    if (terms.has_expired) return Failure{Reject::contract_has_expired};
    if (!is_closing(closable(state, terms), command.quantity)) {
        return Failure{Reject::holding_insufficient};
    }
    const auto booking = booking_of(state, trade);
    if (!booking) return Failure{booking.error()};
    const bool can_claim = terms.is_contract || has_room_for_claim(state, terms.settlement);
    if (!can_claim) return Failure{Reject::too_much_open};

    // After this line the position must be closed.
    auto closed = novated(state, trade, *booking);
    closed.body = 0;
    closed.is_liquidation = true;
    return propose(state, std::move(closed));
}

Decision decide(const State& state, const TakeCollateral& command) {
    const Holding& debtor = holding_of(state, command.owed);
    const Amount debt = net_debt(debtor);
    const bool is_owed = debt > zero && command.asset != command.owed;
    const bool is_next = command.version == state.version;
    if (state.standing != Standing::liquidating || !is_owed || !is_next) {
        return std::vector<Event>{};
    }
    if (!command.is_price_fresh) return Failure{Reject::price_is_stale};
    const Holding& holding = holding_of(state, command.asset);
    if (command.amount <= zero || command.amount > spare(holding)) {
        return Failure{Reject::holding_insufficient};
    }
    const auto value = [&](Amount amount) {
        return value_of(amount, command.asset_scale, command.price, command.owed_scale);
    };
    const auto cash = value(command.amount);
    if (!cash || *cash <= zero) return Failure{Reject::notional_out_of_range};
    // Without its last unit it does not pay the debt: nothing is taken that does not have to be.
    const auto without_last = value(base::must_subtract(command.amount, Amount{1}));
    if (!without_last || *without_last >= debt) return std::vector<Event>{};
    const auto given = debit(holding, command.asset, command.amount);
    const auto credited = credit(debtor, command.owed, *cash);
    if (!given || !credited || !has_room(state, *credited)) {
        return Failure{Reject::notional_out_of_range};
    }
    if (!has_room_for_claim(state, command.owed)) return Failure{Reject::too_much_open};

    // After this line the collateral must be taken.
    return propose(state, CollateralTaken{.asset = command.asset,
                                          .owed = command.owed,
                                          .amount = command.amount,
                                          .cash = *cash,
                                          .price = command.price,
                                          .changes = {*given, *credited},
                                          .at = command.at,
                                          .settle_by = command.settle_by});
}

void apply_one(State& state, const CollateralTaken& taken) {
    const Claim rest{.trade = 0, .amount = {}, .settle_by = taken.settle_by};
    for (const BalanceChange& change : taken.changes) book(state, change, rest, taken.at);
}

Decision decide(const State& state, const AllocateLoss& command) {
    const bool is_lost = has_only_debt(state, command.is_rest_worthless);
    if (state.standing != Standing::liquidating || !is_lost) return std::vector<Event>{};
    // Whoever has more of an asset than it owes of it has not lost everything.
    const bool has_surplus =
        std::any_of(state.holdings.begin(), state.holdings.end(), [](const auto& line) {
            return line.second.recv > zero && line.second.free > line.second.recv;
        });
    std::vector<Event> events;
    for (const auto& [asset, holding] : state.holdings) {
        const Amount paid = std::min(holding.free, holding.recv);
        const Amount gone = has_surplus ? paid : holding.recv;
        if (gone == zero) continue;
        BalanceChange change;
        change.asset = asset;
        change.free = base::must_subtract(zero, paid);
        change.recv = base::must_subtract(zero, gone);
        events.emplace_back(LossAllocated{.asset = asset,
                                          .loss = base::must_subtract(gone, paid),
                                          .change = change,
                                          .at = command.at});
    }
    if (!has_surplus) {
        events.emplace_back(StandingChanged{.from = state.standing,
                                            .to = Standing::defaulted,
                                            .equity_cents = 0,
                                            .initial_cents = 0,
                                            .maintenance_cents = 0,
                                            .at = command.at});
    }
    return propose(state, std::move(events));
}

}  // namespace crossclear::ledger::account
