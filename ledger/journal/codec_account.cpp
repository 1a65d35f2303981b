#include "ledger/event.hpp"
#include "ledger/journal/codec_fields.hpp"

#include <tuple>

namespace crossclear::ledger::journal::codec {

template <>
inline constexpr auto fields_of<account::ClaimsCovered::Part> = std::tuple{
    value(&account::ClaimsCovered::Part::trade, &pb::ClaimsCovered::Part::trade,
          &pb::ClaimsCovered::Part::set_trade),
    value(&account::ClaimsCovered::Part::amount, &pb::ClaimsCovered::Part::amount,
          &pb::ClaimsCovered::Part::set_amount),
    value(&account::ClaimsCovered::Part::is_last, &pb::ClaimsCovered::Part::is_last,
          &pb::ClaimsCovered::Part::set_is_last),
};

namespace {

constexpr auto trade_novated = [] {
    using E = account::TradeNovated;
    using M = pb::TradeNovated;
    return alternative<E>(
        pb::Entry::kTradeNovated, &pb::Entry::trade_novated, &pb::Entry::mutable_trade_novated,
        nested(&E::cause, &M::cause, &M::mutable_cause), value(&E::body, &M::body, &M::set_body),
        value(&E::number, &M::number, &M::set_number),
        value(&E::instrument, &M::instrument, &M::set_instrument),
        value(&E::base, &M::base, &M::set_base),
        value(&E::settlement, &M::settlement, &M::set_settlement),
        value(&E::is_contract, &M::is_contract, &M::set_is_contract),
        value(&E::quantity, &M::quantity, &M::set_quantity),
        value(&E::price, &M::price, &M::set_price), value(&E::cash, &M::cash, &M::set_cash),
        value(&E::fee, &M::fee, &M::set_fee),
        value(&E::notional_cents, &M::notional_cents, &M::set_notional_cents),
        list(&E::changes, &M::changes, &M::mutable_changes), value(&E::at, &M::at, &M::set_at),
        value(&E::settle_by, &M::settle_by, &M::set_settle_by),
        value(&E::counterparty, &M::counterparty, &M::set_counterparty),
        value(&E::match, &M::match, &M::set_match),
        value(&E::is_liquidation, &M::is_liquidation, &M::set_is_liquidation));
}();

constexpr auto command_refused = [] {
    using E = account::CommandRefused;
    using M = pb::CommandRefused;
    return alternative<E>(
        pb::Entry::kCommandRefused, &pb::Entry::command_refused,
        &pb::Entry::mutable_command_refused, nested(&E::cause, &M::cause, &M::mutable_cause),
        value(&E::body, &M::body, &M::set_body), value(&E::reason, &M::reason, &M::set_reason),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto withdrawal_held = [] {
    using E = account::WithdrawalHeld;
    using M = pb::WithdrawalHeld;
    return alternative<E>(
        pb::Entry::kWithdrawalHeld, &pb::Entry::withdrawal_held,
        &pb::Entry::mutable_withdrawal_held, nested(&E::cause, &M::cause, &M::mutable_cause),
        value(&E::body, &M::body, &M::set_body), value(&E::number, &M::number, &M::set_number),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::shard, &M::shard, &M::set_shard),
        bytes(&E::destination, &M::destination, &M::mutable_destination),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto withdrawal_returned = [] {
    using E = account::WithdrawalReturned;
    using M = pb::WithdrawalReturned;
    return alternative<E>(
        pb::Entry::kWithdrawalReturned, &pb::Entry::withdrawal_returned,
        &pb::Entry::mutable_withdrawal_returned, value(&E::number, &M::number, &M::set_number),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::reason, &M::reason, &M::set_reason));
}();

constexpr auto withdrawal_paid = [] {
    using E = account::WithdrawalPaid;
    using M = pb::WithdrawalPaid;
    return alternative<E>(
        pb::Entry::kWithdrawalPaid, &pb::Entry::withdrawal_paid,
        &pb::Entry::mutable_withdrawal_paid, value(&E::number, &M::number, &M::set_number),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::block, &M::block, &M::set_block));
}();

constexpr auto deposit_noted = [] {
    using E = account::DepositNoted;
    using M = pb::DepositNoted;
    return alternative<E>(
        pb::Entry::kDepositNoted, &pb::Entry::deposit_noted, &pb::Entry::mutable_deposit_noted,
        value(&E::deposit, &M::deposit, &M::set_deposit),
        value(&E::shard, &M::shard, &M::set_shard), value(&E::asset, &M::asset, &M::set_asset),
        value(&E::amount, &M::amount, &M::set_amount),
        value(&E::finality, &M::finality, &M::set_finality),
        nested(&E::change, &M::change, &M::mutable_change), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto claims_covered = [] {
    using E = account::ClaimsCovered;
    using M = pb::ClaimsCovered;
    return alternative<E>(
        pb::Entry::kClaimsCovered, &pb::Entry::claims_covered, &pb::Entry::mutable_claims_covered,
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        list(&E::parts, &M::parts, &M::mutable_parts), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto claims_cash_settled = [] {
    using E = account::ClaimsCashSettled;
    using M = pb::ClaimsCashSettled;
    return alternative<E>(
        pb::Entry::kClaimsCashSettled, &pb::Entry::claims_cash_settled,
        &pb::Entry::mutable_claims_cash_settled, value(&E::asset, &M::asset, &M::set_asset),
        value(&E::settlement, &M::settlement, &M::set_settlement),
        value(&E::amount, &M::amount, &M::set_amount), value(&E::cash, &M::cash, &M::set_cash),
        value(&E::mark, &M::mark, &M::set_mark),
        numbers(&E::trades, &M::trades, &M::mutable_trades),
        list(&E::changes, &M::changes, &M::mutable_changes), value(&E::at, &M::at, &M::set_at),
        value(&E::due_by, &M::due_by, &M::set_due_by));
}();

constexpr auto variation_settled = [] {
    using E = account::VariationSettled;
    using M = pb::VariationSettled;
    return alternative<E>(
        pb::Entry::kVariationSettled, &pb::Entry::variation_settled,
        &pb::Entry::mutable_variation_settled, value(&E::contract, &M::contract, &M::set_contract),
        value(&E::settlement, &M::settlement, &M::set_settlement),
        value(&E::mark, &M::mark, &M::set_mark), value(&E::change, &M::change, &M::set_change),
        value(&E::settled_value, &M::settled_value, &M::set_settled_value),
        nested(&E::balance, &M::balance, &M::mutable_balance), value(&E::at, &M::at, &M::set_at),
        value(&E::settle_by, &M::settle_by, &M::set_settle_by));
}();

constexpr auto funding_settled = [] {
    using E = account::FundingSettled;
    using M = pb::FundingSettled;
    return alternative<E>(
        pb::Entry::kFundingSettled, &pb::Entry::funding_settled,
        &pb::Entry::mutable_funding_settled, value(&E::contract, &M::contract, &M::set_contract),
        value(&E::settlement, &M::settlement, &M::set_settlement),
        value(&E::index, &M::index, &M::set_index), value(&E::change, &M::change, &M::set_change),
        nested(&E::balance, &M::balance, &M::mutable_balance), value(&E::at, &M::at, &M::set_at),
        value(&E::settle_by, &M::settle_by, &M::set_settle_by));
}();

constexpr auto collateral_taken = [] {
    using E = account::CollateralTaken;
    using M = pb::CollateralTaken;
    return alternative<E>(
        pb::Entry::kCollateralTaken, &pb::Entry::collateral_taken,
        &pb::Entry::mutable_collateral_taken, value(&E::asset, &M::asset, &M::set_asset),
        value(&E::owed, &M::owed, &M::set_owed), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::cash, &M::cash, &M::set_cash), value(&E::price, &M::price, &M::set_price),
        list(&E::changes, &M::changes, &M::mutable_changes), value(&E::at, &M::at, &M::set_at),
        value(&E::settle_by, &M::settle_by, &M::set_settle_by));
}();

constexpr auto contract_expired = [] {
    using E = account::ContractExpired;
    using M = pb::ContractExpired;
    return alternative<E>(
        pb::Entry::kContractExpired, &pb::Entry::contract_expired,
        &pb::Entry::mutable_contract_expired, value(&E::contract, &M::contract, &M::set_contract),
        value(&E::settlement, &M::settlement, &M::set_settlement),
        value(&E::price, &M::price, &M::set_price),
        value(&E::quantity, &M::quantity, &M::set_quantity),
        value(&E::change, &M::change, &M::set_change),
        nested(&E::balance, &M::balance, &M::mutable_balance), value(&E::at, &M::at, &M::set_at),
        value(&E::settle_by, &M::settle_by, &M::set_settle_by));
}();

constexpr auto cancel_requested = [] {
    using E = account::CancelRequested;
    using M = pb::CancelRequested;
    return alternative<E>(
        pb::Entry::kCancelRequested, &pb::Entry::cancel_requested,
        &pb::Entry::mutable_cancel_requested, nested(&E::cause, &M::cause, &M::mutable_cause),
        value(&E::body, &M::body, &M::set_body), value(&E::number, &M::number, &M::set_number),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto cancel_refused = [] {
    using E = account::CancelRefused;
    using M = pb::CancelRefused;
    return alternative<E>(pb::Entry::kCancelRefused, &pb::Entry::cancel_refused,
                          &pb::Entry::mutable_cancel_refused,
                          value(&E::number, &M::number, &M::set_number));
}();

constexpr auto transfer_sent = [] {
    using E = account::TransferSent;
    using M = pb::TransferSent;
    return alternative<E>(
        pb::Entry::kTransferSent, &pb::Entry::transfer_sent, &pb::Entry::mutable_transfer_sent,
        nested(&E::cause, &M::cause, &M::mutable_cause), value(&E::body, &M::body, &M::set_body),
        value(&E::number, &M::number, &M::set_number), value(&E::to, &M::to, &M::set_to),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transfer_received = [] {
    using E = account::TransferReceived;
    using M = pb::TransferReceived;
    return alternative<E>(
        pb::Entry::kTransferReceived, &pb::Entry::transfer_received,
        &pb::Entry::mutable_transfer_received, value(&E::from, &M::from, &M::set_from),
        value(&E::number, &M::number, &M::set_number), value(&E::asset, &M::asset, &M::set_asset),
        value(&E::amount, &M::amount, &M::set_amount), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transfer_declined = [] {
    using E = account::TransferDeclined;
    using M = pb::TransferDeclined;
    return alternative<E>(
        pb::Entry::kTransferDeclined, &pb::Entry::transfer_declined,
        &pb::Entry::mutable_transfer_declined, value(&E::from, &M::from, &M::set_from),
        value(&E::number, &M::number, &M::set_number),
        value(&E::reason, &M::reason, &M::set_reason), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transfer_delivered = [] {
    using E = account::TransferDelivered;
    using M = pb::TransferDelivered;
    return alternative<E>(pb::Entry::kTransferDelivered, &pb::Entry::transfer_delivered,
                          &pb::Entry::mutable_transfer_delivered,
                          value(&E::number, &M::number, &M::set_number),
                          value(&E::to, &M::to, &M::set_to), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto transfer_returned = [] {
    using E = account::TransferReturned;
    using M = pb::TransferReturned;
    return alternative<E>(
        pb::Entry::kTransferReturned, &pb::Entry::transfer_returned,
        &pb::Entry::mutable_transfer_returned, value(&E::number, &M::number, &M::set_number),
        value(&E::to, &M::to, &M::set_to), value(&E::asset, &M::asset, &M::set_asset),
        value(&E::amount, &M::amount, &M::set_amount),
        value(&E::reason, &M::reason, &M::set_reason), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto match_reserved = [] {
    using E = account::MatchReserved;
    using M = pb::MatchReserved;
    return alternative<E>(
        pb::Entry::kMatchReserved, &pb::Entry::match_reserved, &pb::Entry::mutable_match_reserved,
        nested(&E::cause, &M::cause, &M::mutable_cause), value(&E::body, &M::body, &M::set_body),
        value(&E::number, &M::number, &M::set_number),
        value(&E::seller, &M::seller, &M::set_seller),
        nested(&E::reserved, &M::reserved, &M::mutable_reserved),
        list(&E::changes, &M::changes, &M::mutable_changes),
        value(&E::deadline, &M::deadline, &M::set_deadline), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto match_aborted = [] {
    using E = account::MatchAborted;
    using M = pb::MatchAborted;
    return alternative<E>(pb::Entry::kMatchAborted, &pb::Entry::match_aborted,
                          &pb::Entry::mutable_match_aborted,
                          value(&E::number, &M::number, &M::set_number),
                          value(&E::seller, &M::seller, &M::set_seller),
                          list(&E::changes, &M::changes, &M::mutable_changes),
                          value(&E::reason, &M::reason, &M::set_reason),
                          value(&E::is_declined, &M::is_declined, &M::set_is_declined),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto match_ended = [] {
    using E = account::MatchEnded;
    using M = pb::MatchEnded;
    return alternative<E>(
        pb::Entry::kMatchEnded, &pb::Entry::match_ended, &pb::Entry::mutable_match_ended,
        value(&E::number, &M::number, &M::set_number),
        value(&E::seller, &M::seller, &M::set_seller), value(&E::trade, &M::trade, &M::set_trade),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto match_accepted = [] {
    using E = account::MatchAccepted;
    using M = pb::MatchAccepted;
    return alternative<E>(
        pb::Entry::kMatchAccepted, &pb::Entry::match_accepted, &pb::Entry::mutable_match_accepted,
        value(&E::buyer, &M::buyer, &M::set_buyer), value(&E::number, &M::number, &M::set_number),
        nested(&E::cause, &M::cause, &M::mutable_cause),
        nested(&E::reserved, &M::reserved, &M::mutable_reserved),
        list(&E::changes, &M::changes, &M::mutable_changes), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto match_declined = [] {
    using E = account::MatchDeclined;
    using M = pb::MatchDeclined;
    return alternative<E>(
        pb::Entry::kMatchDeclined, &pb::Entry::match_declined, &pb::Entry::mutable_match_declined,
        value(&E::buyer, &M::buyer, &M::set_buyer), value(&E::number, &M::number, &M::set_number),
        value(&E::reason, &M::reason, &M::set_reason), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto match_released = [] {
    using E = account::MatchReleased;
    using M = pb::MatchReleased;
    return alternative<E>(
        pb::Entry::kMatchReleased, &pb::Entry::match_released, &pb::Entry::mutable_match_released,
        value(&E::buyer, &M::buyer, &M::set_buyer), value(&E::number, &M::number, &M::set_number),
        list(&E::changes, &M::changes, &M::mutable_changes), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto standing_changed = [] {
    using E = account::StandingChanged;
    using M = pb::StandingChanged;
    return alternative<E>(
        pb::Entry::kStandingChanged, &pb::Entry::standing_changed,
        &pb::Entry::mutable_standing_changed, value(&E::from, &M::from, &M::set_from),
        value(&E::to, &M::to, &M::set_to),
        value(&E::equity_cents, &M::equity_cents, &M::set_equity_cents),
        value(&E::initial_cents, &M::initial_cents, &M::set_initial_cents),
        value(&E::maintenance_cents, &M::maintenance_cents, &M::set_maintenance_cents),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto loss_allocated = [] {
    using E = account::LossAllocated;
    using M = pb::LossAllocated;
    return alternative<E>(
        pb::Entry::kLossAllocated, &pb::Entry::loss_allocated, &pb::Entry::mutable_loss_allocated,
        value(&E::asset, &M::asset, &M::set_asset), value(&E::loss, &M::loss, &M::set_loss),
        nested(&E::change, &M::change, &M::mutable_change), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto account_events = machine<account::Event>(
    trade_novated, command_refused, withdrawal_held, withdrawal_returned, withdrawal_paid,
    deposit_noted, claims_covered, claims_cash_settled, variation_settled, cancel_requested,
    cancel_refused, transfer_sent, transfer_received, transfer_declined, transfer_delivered,
    transfer_returned, match_reserved, match_aborted, match_ended, match_accepted, match_declined,
    match_released, standing_changed, loss_allocated, contract_expired, funding_settled,
    collateral_taken);

}  // namespace

void write(const account::Event& event, pb::Entry& entry) { account_events.write(event, entry); }

bool read_account(const pb::Entry& entry, Event& event, Reader& reader) {
    return account_events.read(entry, event, reader);
}

}  // namespace crossclear::ledger::journal::codec
