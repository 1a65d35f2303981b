#include "actors/liquidation.hpp"

#include "actors/account_terms.hpp"
#include "actors/worth.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/give_up.hpp"
#include "ledger/account/machine.hpp"
#include "risk/watch.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace crossclear::actors {
namespace {

using base::Amount;
namespace account = ledger::account;

// The parts of a position that are tried: quarters, and all of it.
constexpr std::int64_t parts[] = {1, 2, 4};
constexpr std::int64_t parts_in_all = 4;
// So much of all may be worth what it last was: a trifle without a price stops no call.
constexpr std::int64_t stale_share = 100;

// IM without what is asked of who takes on more: CG moves with other clients' trades, and nobody is
// called or closed for those.
std::int64_t initial_to_keep(const risk::Margin& margin) {
    if (margin.is_in_kind) return margin.initial_cents;
    return std::max(margin.initial_cents - margin.part(risk::Part::CG), margin.maintenance_cents);
}

// What is closed by a trade, or taken for a debt.
struct Position {
    std::optional<base::InstrumentId> instrument;
    base::AssetId asset;
    Amount quantity;       // Signed.
    base::AssetId owed{};  // Of what is taken.
};

// The least of it that pays `debt`, by halving; all of it where that does not, or has no price.
Amount enough_of(const risk::Surface& surface, const Position& all, Amount debt) {
    const auto price = surface.collateral_price(all.asset, all.owed);
    if (!price) return all.quantity;
    const auto& listing = surface.listing();
    std::int64_t too_little = 0;
    std::int64_t enough = all.quantity.v;
    while (enough - too_little > 1) {
        const std::int64_t middle = too_little + (enough - too_little) / 2;
        const auto cash = base::notional(Amount{middle}, listing.asset(all.asset).scale, *price,
                                         listing.asset(all.owed).scale, base::Rounding::down);
        (cash && *cash < debt ? too_little : enough) = middle;
    }
    return Amount{enough};
}

// What the account gives and gets when collateral is taken, as a trade would.
account::Terms sale_of(const account::TakeCollateral& taken) {
    account::Terms terms;
    terms.base = taken.asset;
    terms.settlement = taken.owed;
    const auto cash = base::notional(taken.amount, taken.asset_scale, taken.price, taken.owed_scale,
                                     base::Rounding::down);
    terms.cash = cash ? *cash : Amount{0};
    return terms;
}

// What may be closed of a position, whatever becomes of reservations that close it as well.
Amount without_reserved(const account::State& state, base::AssetId asset, Amount quantity) {
    Amount left = quantity;
    for (const auto* reserved : account::open_reservations(state)) {
        if (!reserved->is_contract || reserved->base != asset) continue;
        const bool is_closing = (reserved->quantity > Amount{0}) != (quantity > Amount{0});
        if (!is_closing) continue;
        const auto sum = base::add(left, reserved->quantity);
        if (!sum || (*sum > Amount{0}) != (quantity > Amount{0})) return Amount{0};
        left = *sum;
    }
    return left;
}

// Contracts; tokens that an instrument trades; and those that none sells for what is owed, as far
// as they pay it.
std::vector<Position> positions_of(const risk::Surface& surface, const account::State& state) {
    const auto& listing = surface.listing();
    std::vector<Position> found;
    for (const auto& [asset, contract] : state.contracts) {
        const auto instrument = listing.instrument_of(asset);
        const auto quantity = without_reserved(state, asset, contract.quantity);
        if (instrument && quantity != Amount{0}) found.push_back({instrument, asset, quantity});
    }
    for (const auto& [asset, holding] : state.holdings) {
        const auto instrument = listing.instrument_of(asset);
        const Amount quantity = account::sellable(holding);
        if (quantity <= Amount{0}) continue;
        if (instrument) found.push_back({instrument, asset, quantity});
        for (const auto& [owed, debtor] : state.holdings) {
            const bool is_sold_for_it =
                instrument && listing.instrument(*instrument).settlement == owed;
            if (debtor.recv == Amount{0} || owed == asset || is_sold_for_it) continue;
            Position taken{std::nullopt, asset, quantity, owed};
            taken.quantity = enough_of(surface, taken, debtor.recv);
            found.push_back(taken);
        }
    }
    return found;
}

// A part of a position, against it, at least one minor unit.
Amount part_of(Amount position, std::int64_t quarters) {
    const auto size = base::multiply_divide(base::magnitude(position).v, quarters, parts_in_all,
                                            base::Rounding::up);
    const std::int64_t units =
        size ? std::max<std::int64_t>(*size, 1) : base::magnitude(position).v;
    return Amount{position > Amount{0} ? -units : units};
}

// What has never had a price counts for nothing; what is owed without one leaves no figure.
void drop_unpriced(const risk::Surface& surface, risk::Portfolio& portfolio) {
    auto& tokens = portfolio.tokens;
    tokens.erase(std::remove_if(tokens.begin(), tokens.end(),
                                [&](const risk::TokenPosition& token) {
                                    return token.quantity > Amount{0} &&
                                           !surface.mark(token.asset).is_known;
                                }),
                 tokens.end());
}

// Something is held whose index nobody has told since the start: there are no figures without it.
bool awaits_index(const risk::Surface& surface, const risk::Portfolio& portfolio) {
    return std::any_of(portfolio.tokens.begin(), portfolio.tokens.end(), [&](const auto& token) {
        return token.quantity != Amount{0} && !surface.mark(token.asset).is_known &&
               surface.parameters().is_index_published(token.asset);
    });
}

// Orders of one account on one surface.
class Closer {
public:
    Closer(const Context& context, const account::State& state, const MarginLook& look)
        : context_(context), state_(state), look_(look) {
        before_ = outcomes_of(state, portfolio_of(context, *look.surface, state));
        for (auto& portfolio : before_) drop_unpriced(*look.surface, portfolio);
        missing_ = look.review.initial_cents - look.review.equity_cents;
    }

    // What the account's machine would refuse is not asked for.
    [[nodiscard]] std::vector<Position> closable() const {
        auto positions = positions_of(*look_.surface, state_);
        const auto is_refused = [&](const Position& position) {
            return !order(position, parts_in_all).has_value();
        };
        positions.erase(std::remove_if(positions.begin(), positions.end(), is_refused),
                        positions.end());
        return positions;
    }

    // A part of one position, as the account's next trade or off it.
    [[nodiscard]] std::optional<ClosingStep> order(const Position& position,
                                                   std::int64_t quarters) const {
        const Amount quantity = part_of(position.quantity, quarters);
        if (!position.instrument) return decided(taking(position, *base::negate(quantity)));
        return decided(account::Liquidate{
            .number = state_.trades_count + 1,
            .instrument = *position.instrument,
            .quantity = quantity,
            .at = look_.review.at,
            .terms = priced_terms(context_, state_, look_.surface.get(), *position.instrument,
                                  quantity, look_.review.at)});
    }

    // Keeps the better of what there is and these.
    void consider(ClosingSteps orders) {
        if (orders.empty()) return;
        const auto missing = missing_after(orders);
        std::int64_t notional = 0;
        for (const auto& one : orders) {
            const auto cents = notional_of(one);
            if (!cents || __builtin_add_overflow(notional, *cents, &notional)) return;
        }
        if (!missing || !is_better(*missing, notional)) return;
        missing_ = *missing;
        notional_ = notional;
        best_ = std::move(orders);
    }

    [[nodiscard]] ClosingSteps take() && { return std::move(best_); }

private:
    template <class Command>
    [[nodiscard]] std::optional<ClosingStep> decided(Command command) const {
        const auto decision = account::decide(state_, command);
        if (!decision || decision->empty()) return std::nullopt;
        return command;
    }

    [[nodiscard]] account::TakeCollateral taking(const Position& position, Amount amount) const {
        const auto& surface = *look_.surface;
        const auto at = look_.review.at;
        const auto price = surface.collateral_price(position.asset, position.owed);
        const auto& profile = context_.broker(base::broker_of(state_.id)).profile;
        return {.asset = position.asset,
                .owed = position.owed,
                .amount = amount,
                .price = price.value_or(base::Price{}),
                .is_price_fresh = price.has_value() && surface.is_fresh(position.asset, at) &&
                                  surface.is_fresh(position.owed, at),
                .asset_scale = surface.listing().asset(position.asset).scale,
                .owed_scale = surface.listing().asset(position.owed).scale,
                .at = at,
                .settle_by = at + profile.settle_within};
    }

    [[nodiscard]] std::optional<std::int64_t> notional_of(const ClosingStep& step) const {
        if (const auto* trade = std::get_if<account::Liquidate>(&step)) {
            return trade->terms.notional_cents;
        }
        const auto& taken = std::get<account::TakeCollateral>(step);
        return worth_cents(*look_.surface, taken.asset, taken.amount);
    }

    // IM less equity once all are made, in the worst case.
    [[nodiscard]] std::optional<std::int64_t> missing_after(const ClosingSteps& orders) const {
        std::optional<std::int64_t> worst;
        for (auto portfolio : before_) {
            for (const auto& one : orders) {
                if (const auto* trade = std::get_if<account::Liquidate>(&one)) {
                    portfolio = with_trade(std::move(portfolio), trade->terms, trade->quantity);
                } else {
                    const auto& taken = std::get<account::TakeCollateral>(one);
                    portfolio = with_trade(std::move(portfolio), sale_of(taken),
                                           *base::negate(taken.amount));
                }
            }
            const auto margin = context_.model->margin(*look_.surface, portfolio);
            if (!margin) return std::nullopt;
            const auto missing = initial_to_keep(*margin) - margin->equity_cents;
            worst = std::max(worst.value_or(missing), missing);
        }
        return worst;
    }

    // Nothing missing, and little of it; else less missing than before.
    [[nodiscard]] bool is_better(std::int64_t missing, std::int64_t notional) const {
        const bool is_enough = missing <= 0;
        const bool is_best_enough = missing_ <= 0 && !best_.empty();
        if (is_enough != is_best_enough) return is_enough;
        return is_enough ? notional < notional_ : missing < missing_;
    }

    const Context& context_;
    const account::State& state_;
    const MarginLook& look_;
    std::vector<risk::Portfolio> before_;
    ClosingSteps best_;
    std::int64_t missing_{};  // Of the best; without one, now.
    std::int64_t notional_{};
};

// What has no fresh price, at its last; nothing where that does not fit.
std::optional<std::int64_t> stale_cents(const risk::Surface& surface,
                                        const risk::Portfolio& portfolio, base::Timestamp now) {
    std::int64_t sum = 0;
    const auto add = [&](base::AssetId asset, Amount quantity) {
        const auto cents = worth_cents(surface, asset, base::magnitude(quantity));
        return cents && !__builtin_add_overflow(sum, *cents, &sum);
    };
    for (const auto& token : portfolio.tokens) {
        if (surface.is_fresh(token.asset, now)) continue;
        if (!add(token.asset, token.quantity)) return std::nullopt;
    }
    for (const auto& position : portfolio.contracts) {
        const bool is_fresh =
            surface.is_fresh(position.contract, now) && surface.is_fresh(position.settlement, now);
        if (is_fresh) continue;
        // Where only its volatility is old, who has bought an option may be wrong by its worth.
        const auto& hedge = surface.notional_mark(position.contract);
        const bool is_of_option =
            surface.listing().asset(position.contract).kind == base::AssetKind::option;
        const bool is_hedge_fresh =
            hedge.is_known && now - hedge.at <= surface.parameters().mark_age_max();
        if (is_of_option && is_hedge_fresh && position.quantity > Amount{0}) {
            const auto& mark = surface.mark(position.contract);
            const auto cents =
                base::notional(position.quantity, surface.listing().asset(position.contract).scale,
                               mark.price, usd_cents_scale, base::Rounding::up);
            if (!cents || __builtin_add_overflow(sum, cents->v, &sum)) return std::nullopt;
        } else if (!add(position.contract, position.quantity)) {
            return std::nullopt;
        }
    }
    return sum;
}

}  // namespace

MarginLook look_at_margin(const Context& context, const account::State& state,
                          base::Timestamp now) {
    MarginLook look{.surface = context.broker(base::broker_of(state.id)).surface.load(),
                    .review = {.at = now}};
    if (look.surface == nullptr) return look;
    std::optional<risk::MarginAndShortfalls> worst;
    risk::Portfolio of_worst;
    for (auto& portfolio : outcomes_of(state, portfolio_of(context, *look.surface, state))) {
        if (awaits_index(*look.surface, portfolio)) return look;
        drop_unpriced(*look.surface, portfolio);
        auto found = context.model->shortfalls(*look.surface, portfolio);
        const auto stale = stale_cents(*look.surface, portfolio, now);
        if (!found || !stale || *stale > found->margin.gross_cents / stale_share) return look;
        const auto room = [](const risk::Margin& of) {
            return of.equity_cents - of.maintenance_cents;
        };
        if (worst && room(found->margin) >= room(worst->margin)) continue;
        worst = *std::move(found);
        of_worst = std::move(portfolio);
    }
    const auto& margin = worst->margin;
    look.portfolio = std::move(of_worst);
    look.margin = margin;
    look.shortfalls = std::move(worst->shortfalls);
    look.stress = std::move(worst->stress);
    look.review.is_known = true;
    look.review.equity_cents = margin.equity_cents;
    look.review.initial_cents = initial_to_keep(margin);
    look.review.maintenance_cents = margin.maintenance_cents;
    return look;
}

double safe_move_of(const MarginLook& look, account::Standing standing) {
    const auto& review = look.review;
    if (!review.is_known) return std::numeric_limits<double>::quiet_NaN();
    const auto above_initial = review.equity_cents - review.initial_cents;
    const auto above_maintenance = review.equity_cents - review.maintenance_cents;
    switch (standing) {
        case account::Standing::good:
            return risk::safe_move(above_initial, look.margin.gross_cents);
        case account::Standing::called:
            return risk::safe_move(std::min(-above_initial, above_maintenance),
                                   look.margin.gross_cents);
        case account::Standing::liquidating:
            return 0;
        case account::Standing::defaulted:
            return risk::Watch::move_max;
    }
    UNREACHABLE("an unlisted standing");
}

ClosingSteps next_liquidation(const Context& context, const account::State& state,
                              const MarginLook& look) {
    CHECK(look.review.is_known, "positions are closed on known figures");
    Closer closer(context, state, look);
    const auto positions = closer.closable();
    for (const auto quarters : parts) {
        ClosingSteps all;
        std::uint64_t trades = 0;
        for (const auto& position : positions) {
            auto one = closer.order(position, quarters);
            if (!one) continue;
            closer.consider({*one});
            if (auto* trade = std::get_if<account::Liquidate>(&*one)) trade->number += trades++;
            all.push_back(*one);
        }
        if (all.size() > 1) closer.consider(std::move(all));
    }
    return std::move(closer).take();
}

bool is_rest_worthless(const account::State& state, const risk::Surface& surface) {
    return std::all_of(state.holdings.begin(), state.holdings.end(), [&](const auto& line) {
        const auto& [asset, holding] = line;
        if (holding.recv > Amount{0}) return true;
        const auto settled = base::add(holding.free, holding.unsettled);
        const auto held = settled ? base::add(*settled, holding.seen) : settled;
        const auto& mark = surface.mark(asset);
        if (!held) return false;
        if (!mark.is_known) return !surface.parameters().is_index_published(asset);
        const auto cents = base::notional(*held, surface.listing().asset(asset).scale, mark.price,
                                          usd_cents_scale, base::Rounding::down);
        return cents && *cents == Amount{0};
    });
}

}  // namespace crossclear::actors
