#include "base/check.hpp"
#include "ledger/account/applying.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/account/deciding.hpp"
#include "ledger/account/room.hpp"

#include <utility>

/// What happens to positions in contracts beside trades: variation, funding, and their end.
///
/// A contract is no token: all that is ever paid for it is how far its price has moved since it was
/// paid for last. So its end is one more variation, at a price that does not change any more. A
/// perpetual never ends: what holds it to its coin's price is funding, an index that says what one
/// contract has cost who was long since ever. Who holds some pays how far that has moved.

namespace crossclear::ledger::account {
namespace {

using base::Amount;
using base::Failure;

// What a contract has won since it was settled last, and how the balances take it.
struct Settlement {
    Amount value;
    Amount change;
    BalanceChange balance;
};

struct Priced {
    base::AssetId contract;
    base::AssetId settlement;
    base::Price price;
    int contract_scale{};
    int settlement_scale{};
};

base::Result<Settlement, Reject> settlement_of(const State& state, const Contract& held,
                                               const Priced& at) {
    const auto value = value_of(held.quantity, at.contract_scale, at.price, at.settlement_scale);
    if (!value) return Failure{value.error()};
    const auto change = base::subtract(*value, held.settled_value);
    if (!change) return Failure{Reject::notional_out_of_range};
    const auto balance = move(holding_of(state, at.settlement), at.settlement, *change);
    Contract after = held;
    after.settled_value = *value;
    if (!balance || !has_room(state, *balance) || !has_room(state, at.contract, after)) {
        return Failure{Reject::notional_out_of_range};
    }
    return Settlement{.value = *value, .change = *change, .balance = *balance};
}

template <class Command>
Priced priced(const Command& command, base::Price price) {
    return {.contract = command.contract,
            .settlement = command.settlement,
            .price = price,
            .contract_scale = command.contract_scale,
            .settlement_scale = command.settlement_scale};
}

}  // namespace

Decision decide(const State& state, const SettleVariation& command) {
    const auto found = state.contracts.find(command.contract);
    if (found == state.contracts.end()) return std::vector<Event>{};
    const auto settled = settlement_of(state, found->second, priced(command, command.mark));
    if (!settled) return Failure{settled.error()};
    if (settled->change == zero) return std::vector<Event>{};
    return propose(state, VariationSettled{.contract = command.contract,
                                           .settlement = command.settlement,
                                           .mark = command.mark,
                                           .change = settled->change,
                                           .settled_value = settled->value,
                                           .balance = settled->balance,
                                           .at = command.at,
                                           .settle_by = command.settle_by});
}

Decision decide(const State& state, const SettleFunding& command) {
    const auto found = state.contracts.find(command.contract);
    if (found == state.contracts.end() || found->second.quantity == zero) {
        return std::vector<Event>{};
    }
    const Contract& held = found->second;
    if (held.funding == command.index) return std::vector<Event>{};
    Amount change;
    if (held.funding) {
        if (!is_scale(command.contract_scale) || !is_scale(command.settlement_scale)) {
            return Failure{Reject::notional_out_of_range};
        }
        const auto paid =
            base::notional_move({held.quantity, command.contract_scale}, *held.funding,
                                command.index, command.settlement_scale, base::Rounding::up);
        const auto won = paid ? base::negate(*paid) : paid;
        if (!won) return Failure{Reject::notional_out_of_range};
        change = *won;
    }
    const auto balance = move(holding_of(state, command.settlement), command.settlement, change);
    if (!balance || !has_room(state, *balance)) return Failure{Reject::notional_out_of_range};
    return propose(state, FundingSettled{.contract = command.contract,
                                         .settlement = command.settlement,
                                         .index = command.index,
                                         .change = change,
                                         .balance = *balance,
                                         .at = command.at,
                                         .settle_by = command.settle_by});
}

Decision decide(const State& state, const ExpireContract& command) {
    const auto found = state.contracts.find(command.contract);
    if (found == state.contracts.end()) return std::vector<Event>{};
    const auto settled = settlement_of(state, found->second, priced(command, command.price));
    if (!settled) return Failure{settled.error()};
    return propose(state, ContractExpired{.contract = command.contract,
                                          .settlement = command.settlement,
                                          .price = command.price,
                                          .quantity = found->second.quantity,
                                          .change = settled->change,
                                          .balance = settled->balance,
                                          .at = command.at,
                                          .settle_by = command.settle_by});
}

void apply_one(State& state, const VariationSettled& settled) {
    const auto held = state.contracts.find(settled.contract);
    CHECK(held != state.contracts.end(), "variation is settled on a position");
    Contract contract = held->second;
    contract.settled_value = settled.settled_value;
    set_contract(state, settled.contract, contract);
    book(state, settled.balance, {.trade = 0, .amount = {}, .settle_by = settled.settle_by},
         settled.at);
}

void apply_one(State& state, const FundingSettled& settled) {
    const auto held = state.contracts.find(settled.contract);
    CHECK(held != state.contracts.end(), "funding is settled on a position");
    held->second.funding = settled.index;
    book(state, settled.balance, {.trade = 0, .amount = {}, .settle_by = settled.settle_by},
         settled.at);
}

void apply_one(State& state, const ContractExpired& expired) {
    const auto held = state.contracts.extract(expired.contract);
    CHECK(!held.empty() && held.mapped().quantity == expired.quantity,
          "a position ends once, and all of it");
    book(state, expired.balance, {.trade = 0, .amount = {}, .settle_by = expired.settle_by},
         expired.at);
}

}  // namespace crossclear::ledger::account
