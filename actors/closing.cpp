#include "actors/account_terms.hpp"
#include "actors/liquidation.hpp"
#include "actors/worth.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/give_up.hpp"
#include "ledger/account/machine.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

// What of an account in liquidation is closed next, tried out on the account itself: each step is
// one that its machine would take.

namespace crossclear::actors {
namespace {

using base::Amount;
namespace account = ledger::account;

// The parts of a position that are tried: quarters, and all of it.
constexpr std::int64_t parts[] = {1, 2, 4};
constexpr std::int64_t parts_in_all = 4;
// So long an account is beyond help before all of it is closed.
constexpr base::Duration lost_for_least = base::seconds(2);

// What is closed by a trade, or taken for a debt.
struct Position {
    std::optional<base::InstrumentId> instrument;
    base::AssetId asset;
    Amount quantity;       // Signed.
    base::AssetId owed{};  // Of what is taken.
};

// The least of `asset` that pays what is owed of `owed`, by halving; all that is held where that
// does not, or where it has no price.
Amount takeable(const risk::Surface& surface, const account::State& state, base::AssetId asset,
                base::AssetId owed) {
    const Amount held = account::spare(account::holding_of(state, asset));
    const Amount debt = account::net_debt(account::holding_of(state, owed));
    const auto price = surface.collateral_price(asset, owed);
    if (debt == Amount{0} || held == Amount{0}) return Amount{0};
    if (!price) return held;
    const auto& listing = surface.listing();
    std::int64_t too_little = 0;
    std::int64_t enough = held.v;
    while (enough - too_little > 1) {
        const std::int64_t middle = too_little + (enough - too_little) / 2;
        const auto cash = base::notional(Amount{middle}, listing.asset(asset).scale, *price,
                                         listing.asset(owed).scale, base::Rounding::down);
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
            if (owed == asset || is_sold_for_it) continue;
            const Amount enough = takeable(surface, state, asset, owed);
            if (enough > Amount{0}) found.push_back({std::nullopt, asset, enough, owed});
        }
    }
    // What trades bring pays first.
    std::stable_partition(found.begin(), found.end(),
                          [](const Position& one) { return one.instrument.has_value(); });
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

// Orders of one account on one surface.
class Closer {
public:
    Closer(const Context& context, const account::State& state, const MarginLook& look)
        : context_(context), state_(state), look_(look) {
        before_ = outcomes_of(state, portfolio_of(context, *look.surface, state));
        for (auto& portfolio : before_) drop_unpriced(*look.surface, portfolio);
        const auto now_missing = missing_after({});
        missing_ = now_missing.value_or(look.review.initial_cents - look.review.equity_cents);
        is_known_ = now_missing.has_value();
        positions_ = positions_of(*look.surface, state);
    }

    // A part of each position by itself, and of all one after the other: what one brings or pays
    // the next one finds so. What the account's machine would refuse is not asked for.
    void try_parts(std::int64_t quarters) {
        for (const auto& position : positions_) {
            if (auto step = order(state_, position, quarters)) consider({*std::move(step)});
        }
        if (positions_.size() > 1) consider(all_of(quarters, Fee::charged));
    }

    // All that can be closed, for no fee.
    [[nodiscard]] ClosingSteps last_resort() const { return all_of(parts_in_all, Fee::none); }

    // Whether it is certain that nothing helps.
    [[nodiscard]] bool is_beyond_help() const { return is_known_ && best_.empty(); }
    [[nodiscard]] ClosingSteps take() && { return std::move(best_); }

private:
    enum class Fee : std::uint8_t { charged, none };

    [[nodiscard]] ClosingSteps all_of(std::int64_t quarters, Fee fee) const {
        ClosingSteps steps;
        account::State state = state_;
        for (auto position : positions_) {
            if (!position.instrument) {
                position.quantity = takeable(*look_.surface, state, position.asset, position.owed);
            }
            auto step = order(state, position, quarters, fee);
            if (!step) continue;
            const auto events =
                std::visit([&](const auto& one) { return account::decide(state, one); }, *step);
            for (const auto& event : *events) account::apply(state, event);
            steps.push_back(*std::move(step));
        }
        return steps;
    }

    // A part of one position of an account in that state, as its next trade or off it.
    [[nodiscard]] std::optional<ClosingStep> order(const account::State& state,
                                                   const Position& position, std::int64_t quarters,
                                                   Fee fee = Fee::charged) const {
        if (position.quantity == Amount{0}) return std::nullopt;
        const Amount quantity = part_of(position.quantity, quarters);
        if (!position.instrument) {
            return decided(state, taking(state, position, *base::negate(quantity)));
        }
        account::Liquidate trade{
            .number = state.trades_count + 1,
            .instrument = *position.instrument,
            .quantity = quantity,
            .at = look_.review.at,
            .terms = priced_terms(context_, state, look_.surface.get(), *position.instrument,
                                  quantity, look_.review.at)};
        if (fee == Fee::none) trade.terms.fee = Amount{0};
        return decided(state, trade);
    }

    // Keeps the better of what there is and these.
    void consider(ClosingSteps orders) {
        if (orders.empty()) return;
        const auto missing = missing_after(orders);
        is_known_ = is_known_ && missing.has_value();
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

    template <class Command>
    [[nodiscard]] static std::optional<ClosingStep> decided(const account::State& state,
                                                            Command command) {
        const auto decision = account::decide(state, command);
        if (!decision || decision->empty()) return std::nullopt;
        return command;
    }

    [[nodiscard]] account::TakeCollateral taking(const account::State& state,
                                                 const Position& position, Amount amount) const {
        const auto& surface = *look_.surface;
        const auto at = look_.review.at;
        const auto price = surface.collateral_price(position.asset, position.owed);
        const auto& profile = context_.broker(base::broker_of(state_.id)).profile;
        return {.version = state.version,
                .asset = position.asset,
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
    std::vector<Position> positions_;
    ClosingSteps best_;
    std::int64_t missing_{};  // Of the best; without one, now.
    std::int64_t notional_{};
    bool is_known_{};  // Of all that was tried there are figures.
};

}  // namespace

ClosingSteps next_liquidation(const Context& context, const account::State& state,
                              const MarginLook& look, std::optional<FirstLook>& lost) {
    CHECK(look.review.is_known, "positions are closed on known figures");
    Closer closer(context, state, look);
    for (const auto quarters : parts) closer.try_parts(quarters);
    // Nothing helps who has less than nothing: what is left is closed, so that it comes to an end.
    if (!closer.is_beyond_help() || look.review.equity_cents >= 0) {
        lost.reset();
        return std::move(closer).take();
    }
    // One price that is wrong for a moment must not do that.
    const FirstLook now{.surface = look.surface->number(), .at = look.review.at};
    if (!lost) lost = now;
    const bool is_confirmed = lost->surface != now.surface && now.at - lost->at >= lost_for_least;
    return is_confirmed ? closer.last_resort() : ClosingSteps{};
}

}  // namespace crossclear::actors
