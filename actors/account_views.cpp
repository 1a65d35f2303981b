#include "actors/account_views.hpp"

#include "actors/account_terms.hpp"

namespace crossclear::actors {
namespace {

using base::Amount;
namespace account = ledger::account;

const char* name_of(account::TradeState state) {
    switch (state) {
        case account::TradeState::novated:
            return "novated";
        case account::TradeState::partly_settled:
            return "partly_settled";
        case account::TradeState::settled:
            return "settled";
        case account::TradeState::cash_settled:
            return "cash_settled";
    }
    UNREACHABLE("an unlisted trade state");
}

std::int64_t value_cents(const risk::Surface* surface, base::AssetId asset, Amount quantity) {
    if (surface == nullptr || !surface->mark(asset).is_known) return 0;
    const auto value = base::notional(quantity, surface->listing().asset(asset).scale,
                                      surface->mark(asset).price, 2, base::Rounding::down);
    return value ? value->v : 0;
}

// What a contract has gained or lost since its last variation, in USD cents.
std::int64_t open_result_cents(const risk::Surface* surface, const base::InstrumentInfo& instrument,
                               const account::Contract& position) {
    if (surface == nullptr) return 0;
    const auto settled = value_cents(surface, instrument.settlement, position.settled_value);
    return value_cents(surface, instrument.base, position.quantity) - settled;
}

const char* name_of(account::TransferState state) {
    switch (state) {
        case account::TransferState::pending:
            return "pending";
        case account::TransferState::delivered:
            return "delivered";
        case account::TransferState::returned:
            return "returned";
    }
    UNREACHABLE("an unlisted state of a transfer");
}

const char* hint_of(account::Reject reject) {
    switch (reject) {
        case account::Reject::id_reused_with_other_body:
            return "repeat an id only with the same body";
        case account::Reject::id_too_old:
            return "make a new id for a new command";
        case account::Reject::id_too_far_ahead:
            return "made more than five minutes ahead of this node's clock, and not decided: set "
                   "the clock, then send the same id again";
        case account::Reject::quantity_must_be_positive:
            return "expected a quantity above zero";
        case account::Reject::notional_out_of_range:
            return "the cost does not fit, or is below a minor unit of the settlement token";
        case account::Reject::instrument_not_offered:
            return "this broker does not trade the instrument; see public/get_instruments";
        case account::Reject::contract_has_expired:
            return "it is not traded any more; see operator/get_expiries for its last price";
        case account::Reject::destination_not_allowed:
            return "expected an asset that the shard pays out, and a destination as its chain "
                   "writes them";
        case account::Reject::receiver_not_allowed:
        case account::Reject::counterparty_not_allowed:
            return "expected another account of the same broker";
        case account::Reject::receiver_unknown:
            return "an account begins with a deposit; that one never had any";
        case account::Reject::transfer_unknown:
            return "no such transfer";
        case account::Reject::match_unknown:
            return "no such matched trade";
        case account::Reject::match_timed_out:
            return "the seller's account did not answer in time; neither side is cleared";
        case account::Reject::price_is_stale:
            return "no fresh price, or funding index: retry, or reduce a position";
        case account::Reject::price_outside_limit:
            return "the price is worse than limit_price, or a venue's too far from the mark";
        case account::Reject::account_is_close_only:
            return "only trades that reduce positions are taken";
        case account::Reject::shard_is_paused:
            return "an operator has paused the shard; trades that only reduce positions are taken";
        case account::Reject::too_much_open:
            return "a limit of the account or its broker is reached";
        case account::Reject::holding_insufficient:
            return "less is held than was asked for; short positions go through perpetuals";
        case account::Reject::margin_insufficient:
            return "equity after the fee must cover the initial margin; see private/preview_trade";
        case account::Reject::withdrawal_unknown:
            return "no such withdrawal";
        case account::Reject::withdrawal_not_found:
            return "see private/get_withdrawals for those that are open";
        case account::Reject::withdrawal_has_ended:
            return "it is paid, or its tokens are free again";
        case account::Reject::withdrawal_is_sent:
            return "it may be on its way to the shard: wait for its end";
        case account::Reject::none:
            return "";
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace

AccountView account_view(const Context& context, const account::State& state) {
    AccountView view{.account = state.id,
                     .sequence = state.version,
                     .balances = {},
                     .margin = margin_view_of(context, state),
                     .standing = account::name_of(state.standing),
                     .trades = state.trades_count};
    for (const auto& [asset, holding] : state.holdings) {
        view.balances.push_back(BalanceLine{.asset = asset,
                                            .seen = holding.seen,
                                            .free = holding.free,
                                            .unsettled = holding.unsettled,
                                            .held = holding.held,
                                            .owed = holding.recv});
    }
    return view;
}

PositionsView positions_view(const Context& context, const account::State& state) {
    const auto surface = context.broker(base::broker_of(state.id)).surface.load();
    PositionsView view{.sequence = state.version, .positions = {}};
    for (const auto& [asset, holding] : state.holdings) {
        const Amount quantity = base::must_subtract(
            base::must_add(base::must_add(holding.free, holding.unsettled), holding.held),
            holding.recv);
        if (quantity == Amount{0}) continue;
        view.positions.push_back(
            PositionLine{.asset = asset,
                         .quantity = quantity,
                         .mark = surface ? surface->mark(asset).price : base::Price{},
                         .value_cents = value_cents(surface.get(), asset, quantity)});
    }
    for (const auto& [contract, position] : state.contracts) {
        const auto instrument = context.listing.instrument_of(contract);
        const auto& listed = context.listing.instrument(*instrument);
        view.positions.push_back(
            PositionLine{.asset = contract,
                         .quantity = position.quantity,
                         .mark = surface ? surface->mark(contract).price : base::Price{},
                         .value_cents = open_result_cents(surface.get(), listed, position),
                         .funding = position.funding});
    }
    return view;
}

MarginView margin_view_of(const Context& context, const account::State& state) {
    const auto surface = context.broker(base::broker_of(state.id)).surface.load();
    if (surface == nullptr) return {};
    const auto detail = context.model->detail(*surface, portfolio_of(context, *surface, state));
    return detail ? margin_view(*detail, surface->number()) : MarginView{};
}

TradeView trade_view(const account::State& state, std::uint64_t number) {
    const auto found = state.trades.find(number);
    CHECK(found != state.trades.end(), "a trade is shown while it is remembered");
    const auto& trade = found->second;
    return TradeView{.number = number,
                     .id = trade.cause,
                     .instrument = trade.instrument,
                     .quantity = trade.quantity,
                     .price = trade.price,
                     .cash = trade.cash,
                     .fee = trade.fee,
                     .state = name_of(trade.state),
                     .claimed_asset = trade.claimed_asset,
                     .claimed = trade.claimed,
                     .open = trade.open,
                     .at = trade.at,
                     .settled_at = trade.settled_at,
                     .is_liquidation = trade.is_liquidation};
}

// NOLINTNEXTLINE(bugprone-easily-swappable-parameters): a number and a count, as the wire has them
TradesView trades_view(const account::State& state, std::uint64_t before, std::uint32_t count) {
    TradesView view{.sequence = state.version, .trades = {}};
    auto next = before == 0 ? state.trades.end() : state.trades.lower_bound(before);
    while (next != state.trades.begin() && view.trades.size() < count) {
        --next;
        view.trades.push_back(trade_view(state, next->first));
    }
    return view;
}

WithdrawalsView withdrawals_view(const account::State& state) {
    WithdrawalsView view{.sequence = state.version, .open = {}};
    for (const auto& [number, withdrawal] : state.withdrawals) {
        view.open.push_back(WithdrawalView{.number = number,
                                           .asset = withdrawal.asset,
                                           .amount = withdrawal.amount,
                                           .shard = withdrawal.shard,
                                           .destination = withdrawal.destination,
                                           .at = withdrawal.at});
    }
    return view;
}

TransfersView transfers_view(const account::State& state) {
    TransfersView view{.sequence = state.version, .transfers = {}};
    for (auto entry = state.transfers.rbegin(); entry != state.transfers.rend(); ++entry) {
        const auto& [number, transfer] = *entry;
        const bool is_returned = transfer.state == account::TransferState::returned;
        view.transfers.push_back(
            TransferView{.number = number,
                         .to = transfer.to,
                         .asset = transfer.asset,
                         .amount = transfer.amount,
                         .state = name_of(transfer.state),
                         .reason = is_returned ? account::name_of(transfer.reason) : "",
                         .at = transfer.at,
                         .ended_at = transfer.ended_at});
    }
    return view;
}

Refusal refusal_of(account::Reject reject) {
    return Refusal{.code = account::wire_code(reject),
                   .reason = account::name_of(reject),
                   .hint = hint_of(reject),
                   .retryable = account::decides_nothing(reject)};
}

}  // namespace crossclear::actors
