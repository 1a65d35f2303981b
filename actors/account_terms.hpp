#pragma once

#include "actors/context.hpp"
#include "actors/gateway.hpp"
#include "ledger/account/commands.hpp"
#include "ledger/account/state.hpp"
#include "risk/margin.hpp"
#include "risk/surface.hpp"

/// What an account's host finds out before a decision: prices from the surface, fees and limits
/// from the broker's profile, margin from the model. Computes and returns; decides nothing.

namespace crossclear::actors {

/// What counts for margin: settled and provisional balances in full, less what is owed; deposits on
/// their way by their finality, each in full or not at all, up to what the account's cap of
/// provisional credit leaves beside its claims. Tokens held for a withdrawal count for nothing;
/// those set aside for a matched trade count until it is cleared.
[[nodiscard]] risk::Portfolio portfolio_of(const Context& context, const risk::Surface& surface,
                                           const ledger::account::State& state);

/// Everything `decide` needs for a trade at this moment, at the price of the surface or at `given`,
/// a venue's. Margin has to hold whatever becomes of the account's reservations. Where a price or a
/// margin is missing, the terms say so and the machine refuses.
[[nodiscard]] ledger::account::Terms terms_of(const Context& context,
                                              const ledger::account::State& state,
                                              base::InstrumentId instrument, base::Amount quantity,
                                              base::Timestamp now,
                                              std::optional<base::Price> given = std::nullopt);

/// The same without a look at margin, limits, pauses and the profile's list: price, cash and the
/// profile's fee alone, on a surface or none.
[[nodiscard]] ledger::account::Terms priced_terms(const Context& context,
                                                  const ledger::account::State& state,
                                                  const risk::Surface* surface,
                                                  base::InstrumentId instrument,
                                                  base::Amount quantity, base::Timestamp now,
                                                  std::optional<base::Price> given = std::nullopt);

/// A portfolio once the trade is made and its fee paid.
[[nodiscard]] risk::Portfolio with_trade(risk::Portfolio portfolio,
                                         const ledger::account::Terms& terms,
                                         base::Amount quantity);

/// What may become of the account's reservations: none is cleared, all purchases, all sales, all.
/// Mostly there is none, and one outcome.
[[nodiscard]] std::vector<risk::Portfolio> outcomes_of(const ledger::account::State& state,
                                                       risk::Portfolio none);

/// The margin of an account without a trade and with it; nothing where it cannot be computed.
struct TradeMargins {
    std::optional<risk::MarginDetail> before;
    std::optional<risk::MarginDetail> after;
};
/// What the trade of `terms` would do to margin, its fee paid, as far as the terms could be found.
[[nodiscard]] TradeMargins margins_of(const Context& context, const ledger::account::State& state,
                                      const ledger::account::Terms& terms, base::Amount quantity,
                                      const risk::Surface& surface);

/// Whether an account can spare tokens, whatever becomes of its reservations.
struct Remainder {
    bool is_price_fresh{};  ///< Of all it still holds, or it can lose no more than that is worth.
    bool has_margin{};      ///< And the broker's house has room for what it then stands for.
};
/// What is left without `amount` of `asset`; neither where there is no price.
[[nodiscard]] Remainder remainder_without(const Context& context,
                                          const ledger::account::State& state, base::AssetId asset,
                                          base::Amount amount);

/// A margin as the gateway shows it.
[[nodiscard]] MarginView margin_view(const risk::MarginDetail& detail, std::uint64_t surface);

}  // namespace crossclear::actors
