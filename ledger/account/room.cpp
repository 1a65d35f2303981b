#include "ledger/account/room.hpp"

#include "base/wide.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/give_up.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using base::Wide;

constexpr Wide figure_max = INT64_MAX;

/// How far what is agreed may still move a figure, either way.
struct Reach {
    Wide up{};
    Wide down{};  ///< Not positive.

    void add(Wide by) { (by > 0 ? up : down) += by; }
};

bool is_within(Wide figure, const Reach& reach) {
    return figure + reach.up <= figure_max && figure + reach.down >= -figure_max;
}

/// What a reservation brings in all, whatever of it would pay a debt.
Amount brought_by(const Reservation& of) {
    if (of.is_contract) return zero;
    return std::max(zero, of.quantity > zero ? of.quantity : settled_in_cash(of));
}

Wide agreed_in(const State& state, base::AssetId asset) {
    Wide sum = 0;
    for (const Reservation* of : open_reservations(state)) {
        if (received_asset(*of) == asset) sum += brought_by(*of).v;
    }
    for (const auto& [number, transfer] : state.transfers) {
        const bool may_return = transfer.state == TransferState::pending && transfer.asset == asset;
        if (may_return) sum += transfer.amount.v;
    }
    return sum;
}

Wide total_of(const Holding& holding) {
    return Wide{holding.seen.v} + holding.free.v + holding.unsettled.v + holding.held.v;
}

struct ContractReach {
    Reach quantity;
    Reach settled_value;

    void add(const Reservation& of) {
        quantity.add(of.quantity.v);
        settled_value.add(-Wide{of.cash.v});
    }
};

ContractReach reach_of(const State& state, base::AssetId contract) {
    ContractReach reach;
    for (const Reservation* of : open_reservations(state)) {
        if (of->is_contract && of->base == contract) reach.add(*of);
    }
    return reach;
}

bool is_within(const Contract& contract, const ContractReach& reach) {
    return is_within(contract.quantity.v, reach.quantity) &&
           is_within(contract.settled_value.v, reach.settled_value);
}

Contract contract_of(const State& state, base::AssetId asset) {
    const auto found = state.contracts.find(asset);
    return found == state.contracts.end() ? Contract{} : found->second;
}

}  // namespace

bool has_room(const State& state, const BalanceChange& change) {
    const Holding& holding = holding_of(state, change.asset);
    if (!is_bookable(holding, change)) return false;
    const Wide by = Wide{change.seen.v} + change.free.v + change.unsettled.v + change.held.v;
    return by <= 0 || total_of(holding) + by + agreed_in(state, change.asset) <= figure_max;
}

bool has_room(const State& state, base::AssetId asset, const Contract& after) {
    return is_within(after, reach_of(state, asset));
}

bool has_room(const State& state, const Reservation& reservation) {
    if (reservation.is_contract) {
        auto reach = reach_of(state, reservation.base);
        reach.add(reservation);
        return is_within(contract_of(state, reservation.base), reach);
    }
    const auto asset = received_asset(reservation);
    const Wide agreed = agreed_in(state, asset) + brought_by(reservation).v;
    return total_of(holding_of(state, asset)) + agreed <= figure_max;
}

std::optional<std::string> room_breach(const State& state) {
    std::set<base::AssetId> assets;
    std::set<base::AssetId> contracts;
    for (const auto& [number, transfer] : state.transfers) assets.insert(transfer.asset);
    for (const Reservation* of : open_reservations(state)) {
        if (of->is_contract) contracts.insert(of->base);
        if (!of->is_contract) assets.insert(received_asset(*of));
    }
    for (const auto asset : assets) {
        if (total_of(holding_of(state, asset)) + agreed_in(state, asset) <= figure_max) continue;
        return fmt::format("asset {} has no room for what is agreed", asset.v);
    }
    for (const auto asset : contracts) {
        if (is_within(contract_of(state, asset), reach_of(state, asset))) continue;
        return fmt::format("contract {} has no room for what is reserved", asset.v);
    }
    return std::nullopt;
}

}  // namespace crossclear::ledger::account
