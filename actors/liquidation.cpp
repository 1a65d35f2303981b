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

// So much of all may be worth what it last was: a trifle without a price stops no call.
constexpr std::int64_t stale_share = 100;

// Something is held whose index nobody has told since the start: there are no figures without it.
bool awaits_index(const risk::Surface& surface, const risk::Portfolio& portfolio) {
    return std::any_of(portfolio.tokens.begin(), portfolio.tokens.end(), [&](const auto& token) {
        return token.quantity != Amount{0} && !surface.mark(token.asset).is_known &&
               surface.parameters().is_index_published(token.asset);
    });
}

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

// Not even all of it is taken for a unit of anything that is owed, nor sold for it.
bool pays_nothing(const account::State& state, const risk::Surface& surface, base::AssetId asset,
                  Amount held) {
    const auto& listing = surface.listing();
    if (listing.instrument_of(asset)) return false;
    return std::all_of(state.holdings.begin(), state.holdings.end(), [&](const auto& line) {
        const auto& [owed, debtor] = line;
        if (account::net_debt(debtor) == Amount{0}) return true;
        const auto price = surface.collateral_price(asset, owed);
        const auto cash = price ? base::notional(held, listing.asset(asset).scale, *price,
                                                 listing.asset(owed).scale, base::Rounding::down)
                                : base::Math<Amount>{base::Failure{base::MathError::overflow}};
        return cash && *cash == Amount{0};
    });
}

}  // namespace

std::int64_t initial_to_keep(const risk::Margin& margin) {
    if (margin.is_in_kind) return margin.initial_cents;
    return std::max(margin.initial_cents - margin.part(risk::Part::CG), margin.maintenance_cents);
}

void drop_unpriced(const risk::Surface& surface, risk::Portfolio& portfolio) {
    auto& tokens = portfolio.tokens;
    tokens.erase(std::remove_if(tokens.begin(), tokens.end(),
                                [&](const risk::TokenPosition& token) {
                                    return token.quantity > Amount{0} &&
                                           !surface.mark(token.asset).is_known;
                                }),
                 tokens.end());
}

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
        return (cents && *cents == Amount{0}) || pays_nothing(state, surface, asset, *held);
    });
}

}  // namespace crossclear::actors
