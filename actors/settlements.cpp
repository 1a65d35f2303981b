#include "actors/settlements.hpp"

namespace crossclear::actors {

namespace account = ledger::account;

std::optional<AccountOrder> settlement_of(const Context& context, base::AccountId of,
                                          base::AssetId contract, const risk::Surface* surface) {
    const auto& listing = context.listing;
    const auto instrument = listing.instrument_of(contract);
    if (!instrument) return std::nullopt;
    const auto broker = base::broker_of(of);
    const auto settlement = listing.instrument(*instrument).settlement;
    const auto now = context.now();
    const auto settle_by = now + context.broker(broker).profile.settle_within;
    const int contract_scale = listing.asset(contract).scale;
    const int settlement_scale = listing.asset(settlement).scale;
    if (const auto last = context.last_prices.of(broker, contract)) {
        return AccountOrder{.account = of,
                            .command = account::ExpireContract{.contract = contract,
                                                               .settlement = settlement,
                                                               .price = *last,
                                                               .contract_scale = contract_scale,
                                                               .settlement_scale = settlement_scale,
                                                               .at = now,
                                                               .settle_by = settle_by},
                            .acknowledge = {}};
    }
    // Once it is not traded only its last price counts.
    if (surface == nullptr || listing.instrument(*instrument).has_expired(now)) return std::nullopt;
    const auto mark = surface->instrument_mark(*instrument);
    if (!mark || !surface->is_instrument_fresh(*instrument, now)) return std::nullopt;
    return AccountOrder{.account = of,
                        .command = account::SettleVariation{.contract = contract,
                                                            .settlement = settlement,
                                                            .mark = *mark,
                                                            .contract_scale = contract_scale,
                                                            .settlement_scale = settlement_scale,
                                                            .at = now,
                                                            .settle_by = settle_by},
                        .acknowledge = {}};
}

std::vector<account::SettleFunding> funding_of(const Context& context, const account::State& state,
                                               const risk::Surface& surface, base::Timestamp now) {
    std::vector<account::SettleFunding> due;
    const auto& listing = context.listing;
    for (const auto& [contract, position] : state.contracts) {
        const auto index = surface.funding_index(contract);
        const bool is_held = position.quantity != base::Amount{0};
        if (!is_held || !index || position.funding == index) continue;
        const auto instrument = listing.instrument_of(contract);
        CHECK(instrument.has_value(), "a contract is traded by an instrument");
        const auto settlement = listing.instrument(*instrument).settlement;
        const auto& profile = context.broker(base::broker_of(state.id)).profile;
        due.push_back({.contract = contract,
                       .settlement = settlement,
                       .index = *index,
                       .contract_scale = listing.asset(contract).scale,
                       .settlement_scale = listing.asset(settlement).scale,
                       .at = now,
                       .settle_by = now + profile.settle_within});
    }
    return due;
}

}  // namespace crossclear::actors
