#include "actors/account_terms.hpp"

#include "actors/house_room.hpp"
#include "actors/worth.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/give_up.hpp"

#include <algorithm>
#include <chrono>

namespace crossclear::actors {
namespace {

using base::Amount;
using base::AssetId;
using base::Rounding;
namespace account = ledger::account;

// The fee for a trade that moves `cash`: a share of it, at least the floor. Rounds up.
base::Math<Amount> fee_of(const BrokerProfile& profile, Amount cash, int settlement_scale) {
    const auto share = base::portion(cash, profile.fee, Rounding::up);
    if (!share) return share;
    const auto floor = base::rescale(Amount{profile.fee_floor_cents}, usd_cents_scale,
                                     settlement_scale, Rounding::up);
    if (!floor) return floor;
    return std::max(*share, *floor);
}

// What the account is owed and does not have yet, in USD cents, with what open reservations would
// leave it owed: in kind about their notional, as with every trade.
std::optional<std::int64_t> unsettled_cents(const risk::Surface& surface,
                                            const account::State& state) {
    std::int64_t sum = 0;
    for (const auto* reserved : account::open_reservations(state)) {
        if (reserved->is_contract) continue;
        if (__builtin_add_overflow(sum, reserved->notional_cents, &sum)) return std::nullopt;
    }
    for (const auto& [asset, holding] : state.holdings) {
        if (holding.unsettled == Amount{0}) continue;
        const auto cents = worth_cents(surface, asset, holding.unsettled);
        if (!cents || __builtin_add_overflow(sum, *cents, &sum)) return std::nullopt;
    }
    return sum;
}

// The worth of all positions but the settlement token, without their signs, in USD cents.
std::optional<std::int64_t> gross_cents(const risk::Surface& surface, const account::State& state,
                                        AssetId settlement) {
    std::int64_t sum = 0;
    const auto add = [&](AssetId asset, Amount quantity) {
        const auto cents = worth_cents(surface, asset, base::magnitude(quantity));
        return cents && !__builtin_add_overflow(sum, *cents, &sum);
    };
    for (const auto* reserved : account::open_reservations(state)) {
        if (__builtin_add_overflow(sum, reserved->notional_cents, &sum)) return std::nullopt;
    }
    for (const auto& [asset, holding] : state.holdings) {
        if (asset == settlement) continue;
        const auto held = base::add(holding.free, holding.unsettled);
        if (!held || !add(asset, *held)) return std::nullopt;
    }
    for (const auto& [contract, position] : state.contracts) {
        if (!add(contract, position.quantity)) return std::nullopt;
    }
    return sum;
}

bool is_within_limits(const BrokerProfile& profile, const risk::Surface& surface,
                      const account::State& state, const account::Terms& terms) {
    if (terms.notional_cents > profile.trade_notional_max_cents) return false;
    const auto gross = gross_cents(surface, state, terms.settlement);
    if (!gross || *gross > profile.account_notional_max_cents - terms.notional_cents) return false;
    const auto unsettled = unsettled_cents(surface, state);
    if (!unsettled) return false;
    // Every trade in kind leaves a claim of about its notional, whichever side it is on.
    const std::int64_t claim = terms.is_contract ? 0 : terms.notional_cents;
    return *unsettled <= profile.unsettled_max_cents - claim;
}

void add_token(risk::Portfolio& portfolio, AssetId asset, Amount amount) {
    for (auto& token : portfolio.tokens) {
        if (token.asset != asset) continue;
        if (const auto sum = base::add(token.quantity, amount)) token.quantity = *sum;
        return;
    }
    portfolio.tokens.push_back({asset, amount});
}

void add_contract(risk::Portfolio& portfolio, const account::Terms& terms, Amount quantity,
                  Amount cost) {
    for (auto& contract : portfolio.contracts) {
        if (contract.contract != terms.base) continue;
        const auto sum = base::add(contract.quantity, quantity);
        const auto value = base::add(contract.settled_value, cost);
        if (sum) contract.quantity = *sum;
        if (value) contract.settled_value = *value;
        return;
    }
    portfolio.contracts.push_back({terms.base, terms.settlement, quantity, cost});
}

std::optional<risk::Margin> margin_on(const Context& context, const risk::Surface& surface,
                                      const risk::Portfolio& portfolio) {
    const auto margin = context.model->margin(surface, portfolio);
    if (!margin) return std::nullopt;
    return *margin;
}

// The portfolio once a reservation has become a trade; what it had set aside is in it already.
void execute(risk::Portfolio& portfolio, const account::Reservation& reserved) {
    if (reserved.is_contract) {
        account::Terms terms;
        terms.base = reserved.base;
        terms.settlement = reserved.settlement;
        add_contract(portfolio, terms, reserved.quantity, *base::negate(reserved.cash));
    } else {
        add_token(portfolio, reserved.base, reserved.quantity);
        add_token(portfolio, reserved.settlement, reserved.cash);
    }
    add_token(portfolio, reserved.settlement, *base::negate(reserved.fee));
}

// Prices and amounts, at `given` where a venue has said it; false where something does not fit.
bool price(const BrokerProfile& profile, const risk::Surface& surface,
           base::InstrumentId instrument, Amount quantity, std::optional<base::Price> given,
           account::Terms& terms) {
    const bool is_buy = quantity > Amount{0};
    const auto mark = surface.instrument_mark(instrument);
    const auto fill = given ? given : surface.fill_price(instrument, is_buy);
    if (!mark || !fill) return false;
    terms.mark = *mark;
    terms.fill = *fill;
    const auto& listing = surface.listing();
    const int base_scale = listing.asset(terms.base).scale;
    const int settlement_scale = listing.asset(terms.settlement).scale;
    const auto cash = base::notional(base::magnitude(quantity), base_scale, *fill, settlement_scale,
                                     is_buy ? Rounding::up : Rounding::down);
    const auto notional = worth_cents(surface, terms.base, base::magnitude(quantity));
    // What is too little of a contract costs nothing; of a token it would be a present.
    const bool has_cash = cash && (terms.is_contract || *cash > Amount{0});
    if (!has_cash || !notional) return true;  // does_cash_fit stays false.
    // Giving back what has come to nothing costs nothing.
    const auto fee = *mark == base::Price{0} ? base::Math<Amount>{Amount{0}}
                                             : fee_of(profile, *cash, settlement_scale);
    if (!fee) return true;
    terms.cash = *cash;
    terms.fee = *fee;
    terms.notional_cents = *notional;
    terms.does_cash_fit = true;
    return true;
}

// Whether a position has paid its funding up to now. While nobody knows the index, one that stands
// at one has not.
bool has_paid_funding(const risk::Surface& surface, const account::Contract& position,
                      AssetId contract) {
    return !position.funding || position.funding == surface.funding_index(contract);
}

}  // namespace

risk::Portfolio with_trade(risk::Portfolio portfolio, const account::Terms& terms,
                           Amount quantity) {
    const bool is_buy = quantity > Amount{0};
    const Amount paid = is_buy ? terms.cash : *base::negate(terms.cash);
    if (terms.is_contract) {
        add_contract(portfolio, terms, quantity, paid);
    } else {
        add_token(portfolio, terms.base, quantity);
        add_token(portfolio, terms.settlement, *base::negate(paid));
    }
    add_token(portfolio, terms.settlement, *base::negate(terms.fee));
    return portfolio;
}

std::vector<risk::Portfolio> outcomes_of(const account::State& state, risk::Portfolio none) {
    const auto reservations = account::open_reservations(state);
    std::vector<risk::Portfolio> outcomes;
    if (reservations.empty()) {
        outcomes.push_back(std::move(none));
        return outcomes;
    }
    risk::Portfolio bought = none;
    risk::Portfolio sold = none;
    risk::Portfolio all = none;
    bool has_purchase = false;
    bool has_sale = false;
    for (const auto* reserved : reservations) {
        const bool is_purchase = reserved->quantity > Amount{0};
        (is_purchase ? has_purchase : has_sale) = true;
        execute(is_purchase ? bought : sold, *reserved);
        execute(all, *reserved);
    }
    outcomes.push_back(std::move(none));
    if (has_purchase) outcomes.push_back(std::move(bought));
    if (has_sale) outcomes.push_back(std::move(sold));
    if (has_purchase && has_sale) outcomes.push_back(std::move(all));
    return outcomes;
}

risk::Portfolio settled_portfolio_of(const base::Listing& listing, const account::State& state) {
    risk::Portfolio portfolio;
    portfolio.tokens.reserve(state.holdings.size() + 2);
    for (const auto& [asset, holding] : state.holdings) {
        const auto sum = base::add(holding.free, holding.unsettled);
        const auto net = sum ? base::subtract(*sum, holding.recv) : sum;
        if (net && *net != Amount{0}) portfolio.tokens.push_back({asset, *net});
    }
    // It is the account's until the trade is cleared.
    for (const auto* reserved : account::open_reservations(state)) {
        for (const auto& change : account::set_aside(*reserved)) {
            add_token(portfolio, change.asset, change.held);
        }
    }
    for (const auto& [contract, position] : state.contracts) {
        const auto instrument = listing.instrument_of(contract);
        CHECK(instrument.has_value(), "a contract is traded by an instrument");
        portfolio.contracts.push_back({contract, listing.instrument(*instrument).settlement,
                                       position.quantity, position.settled_value});
    }
    return portfolio;
}

// Anybody may send a deposit to any account: what goes beyond the cap, or has no price, counts for
// nothing and refuses nothing.
risk::Portfolio portfolio_of(const Context& context, const risk::Surface& surface,
                             const account::State& state) {
    auto portfolio = settled_portfolio_of(context.listing, state);
    if (state.deposits.empty()) return portfolio;
    const auto& profile = context.broker(base::broker_of(state.id)).profile;
    const auto claims = unsettled_cents(surface, state);
    if (!claims) return portfolio;
    std::int64_t room = profile.unsettled_max_cents - *claims;
    for (const auto& [key, deposit] : state.deposits) {
        const Amount credit = account::credit_of(deposit);
        const auto cents = worth_cents(surface, deposit.asset, credit);
        if (credit == Amount{0} || !cents || *cents > room) continue;
        room -= *cents;
        add_token(portfolio, deposit.asset, credit);
    }
    return portfolio;
}

// What stands behind a risk that the broker has no room for stays where it is.
bool has_room_without(const Context& context, const Broker& broker, const risk::Surface& surface,
                      const risk::Step& step) {
    if (broker.house.is_reduce_only()) return false;
    const auto before = margin_on(context, surface, step.before);
    const auto after = margin_on(context, surface, step.after);
    return before && after &&
           has_house_room(broker, *context.model, surface,
                          {.before = {.portfolio = step.before, .margin = *before},
                           .after = {.portfolio = step.after, .margin = *after}});
}

struct Order {
    base::InstrumentId instrument;
    Amount quantity;
    bool is_averaged{};  // The last price of what is traded is being.
};

// What the trade of `terms` costs and whether margin lets it pass, whatever becomes of the
// account's reservations, and the broker's house. Its fee is at least what its risk costs, in the
// dearest case. False where there is no figure.
bool judge_margin(const Context& context, const account::State& state, const risk::Surface& surface,
                  const Order& order, account::Terms& terms) {
    auto without_fee = terms;
    without_fee.fee = Amount{0};
    const auto& broker = context.broker(base::broker_of(state.id));
    const auto& traded = context.listing.instrument(order.instrument);
    const auto days = broker.profile.holding_days[static_cast<std::size_t>(traded.kind)];
    struct Case {
        risk::Portfolio before;
        risk::Portfolio after;
        risk::Judgement judgement;
    };
    std::vector<Case> cases;
    for (auto& before : outcomes_of(state, portfolio_of(context, surface, state))) {
        auto after = with_trade(before, without_fee, order.quantity);
        const auto judgement = context.model->judge(surface, {before, after}, days);
        if (!judgement) return false;
        const auto fee =
            units_worth(surface, terms.settlement, judgement->risk_fee_cents, Rounding::up);
        if (!fee) return false;
        terms.fee = std::max(terms.fee, *fee);
        cases.push_back({std::move(before), std::move(after), *judgement});
    }
    const auto fee_cents = worth_cents(surface, terms.settlement, terms.fee);
    if (!fee_cents) return false;
    terms.is_pure_unwind = true;
    bool is_acceptable = true;
    // Of a price that is being averaged most is known to everybody.
    const bool is_to_reduce = broker.house.is_reduce_only() || broker.house.is_exposure_full() ||
                              order.is_averaged ||
                              is_protocol_full(broker, context.listing, order.instrument);
    for (const auto& [before, after, judgement] : cases) {
        const auto left = risk::less_fee(judgement.after, *fee_cents);
        std::int64_t cost = 0;
        // A difference that does not fit makes no allowance.
        if (__builtin_sub_overflow(judgement.before.equity_cents, judgement.after.equity_cents,
                                   &cost)) {
            cost = 0;
        }
        terms.is_within_limits =
            terms.is_within_limits &&
            has_house_room(broker, *context.model, surface,
                           {.before = {.portfolio = before, .margin = judgement.before},
                            .after = {.portfolio = after, .margin = judgement.after},
                            .cost_cents = std::max<std::int64_t>(0, cost)});
        // A leg of a hedge is no pure unwind, and yet the way out.
        terms.is_close_only = terms.is_close_only ||
                              (is_to_reduce && !risk::is_reducing(context.listing, before, after));
        terms.is_pure_unwind =
            terms.is_pure_unwind &&
            risk::is_pure_unwind(context.listing, before, after, judgement.before, left);
        is_acceptable = is_acceptable && risk::is_acceptable(judgement.before, left);
    }
    terms.has_margin = terms.is_pure_unwind || is_acceptable;
    return true;
}

account::Terms priced_terms(const Context& context, const account::State& state,
                            const risk::Surface* surface, base::InstrumentId instrument,
                            Amount quantity, base::Timestamp now,
                            std::optional<base::Price> given) {
    const auto& broker = context.broker(base::broker_of(state.id));
    const auto& listed = context.listing.instrument(instrument);
    account::Terms terms;
    terms.base = listed.base;
    terms.settlement = listed.settlement;
    terms.is_contract = base::is_contract(listed.kind);
    // Another node's clock may be ahead of ours.
    terms.has_expired =
        listed.has_expired(now) ||
        (listed.expiry && context.last_prices.of(broker.profile.id, listed.base).has_value());
    terms.settle_by = now + broker.profile.settle_within;
    if (surface == nullptr || quantity == Amount{0}) return terms;
    const bool is_priced = price(broker.profile, *surface, instrument, quantity, given, terms);
    if (!is_priced || !terms.does_cash_fit) return terms;
    terms.is_price_fresh = surface->is_instrument_fresh(instrument, now);
    return terms;
}

account::Terms terms_of(const Context& context, const account::State& state,
                        base::InstrumentId instrument, Amount quantity, base::Timestamp now,
                        std::optional<base::Price> given) {
    const auto& broker = context.broker(base::broker_of(state.id));
    const auto surface = broker.surface.load();
    auto terms = priced_terms(context, state, surface.get(), instrument, quantity, now, given);
    terms.is_offered = broker.profile.instruments.contains(instrument);
    terms.is_close_only = broker.profile.is_close_only ||
                          state.standing == account::Standing::liquidating ||
                          state.standing == account::Standing::defaulted;
    if (context.paused.is_any()) {
        const auto venues = context.listing.venues_of(instrument);
        terms.is_shard_paused =
            !venues.empty() && context.paused.is_paused(broker.profile.id, venues.front());
    }
    if (surface == nullptr || !terms.does_cash_fit) return terms;
    terms.is_within_limits = is_within_limits(broker.profile, *surface, state, terms) &&
                             has_cap_room(broker, context.listing, instrument);
    const auto started = std::chrono::steady_clock::now();
    const Order order{.instrument = instrument,
                      .quantity = quantity,
                      .is_averaged = context.listing.instrument(instrument).is_averaged(now)};
    const auto held = state.contracts.find(terms.base);
    // What was added would pay for the time before.
    const bool can_add =
        held == state.contracts.end() || has_paid_funding(*surface, held->second, terms.base);
    if (!judge_margin(context, state, *surface, order, terms) || !can_add) {
        terms.is_price_fresh = false;
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
    context.instruments->clearing.margin_check_duration_seconds.observe(elapsed.count());
    return terms;
}

TradeMargins margins_of(const Context& context, const account::State& state,
                        const account::Terms& terms, Amount quantity,
                        const risk::Surface& surface) {
    const auto detail_of = [&](const risk::Portfolio& portfolio) {
        const auto detail = context.model->detail(surface, portfolio);
        return detail ? std::optional{*detail} : std::nullopt;
    };
    const auto before = portfolio_of(context, surface, state);
    TradeMargins margins;
    margins.before = detail_of(before);
    if (terms.does_cash_fit) margins.after = detail_of(with_trade(before, terms, quantity));
    return margins;
}

Remainder remainder_without(const Context& context, const account::State& state, AssetId asset,
                            Amount amount) {
    const auto surface = context.broker(base::broker_of(state.id)).surface.load();
    // Settled tokens do not leave on the strength of a deposit that may still vanish.
    const auto taken = base::negate(amount);
    if (surface == nullptr || !taken) return {};
    // What may be due of funding may not leave.
    const bool is_funded = std::all_of(
        state.contracts.begin(), state.contracts.end(),
        [&](const auto& held) { return has_paid_funding(*surface, held.second, held.first); });
    Remainder remainder{.is_price_fresh = is_funded, .has_margin = true};
    const auto& broker = context.broker(base::broker_of(state.id));
    for (const auto& before : outcomes_of(state, settled_portfolio_of(context.listing, state))) {
        auto portfolio = before;
        add_token(portfolio, asset, *taken);
        const auto margin = margin_on(context, *surface, portfolio);
        if (!margin) return {};
        const bool has_room =
            margin->is_in_kind || has_room_without(context, broker, *surface, {before, portfolio});
        // What can lose no more than it is worth needs no price of this moment.
        const bool is_fresh =
            margin->is_in_kind || risk::is_all_fresh(*surface, portfolio, context.now());
        remainder.is_price_fresh = remainder.is_price_fresh && is_fresh;
        const bool is_covered = margin->equity_cents >= margin->initial_cents;
        remainder.has_margin = remainder.has_margin && is_covered && has_room;
    }
    return remainder;
}

MarginView margin_view(const risk::MarginDetail& detail, std::uint64_t surface) {
    const auto& margin = detail.margin;
    MarginView view{.equity_cents = margin.equity_cents,
                    .initial_cents = margin.initial_cents,
                    .maintenance_cents = margin.maintenance_cents,
                    .clearing = {},
                    .protocol = {},
                    .failures = detail.failures,
                    .surface = surface};
    for (std::size_t i = 0; i < risk::parts; ++i) {
        const bool is_of_protocols = static_cast<risk::Part>(i) == risk::Part::J;
        auto& list = is_of_protocols ? view.protocol : view.clearing;
        list.emplace_back(risk::part_names[i], margin.parts_cents[i]);
    }
    return view;
}

}  // namespace crossclear::actors
