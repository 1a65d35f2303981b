#pragma once

#include "base/ids.hpp"
#include "ledger/entity.hpp"
#include "ledger/event.hpp"

#include <array>

/// What the enumerations in events and states can be, for tests that draw them.

namespace crossclear::tests {

/// Enumerators of each enumeration, to choose from.
template <class T>
struct Listed;
template <>
struct Listed<ledger::Finality> {
    using enum ledger::Finality;
    static constexpr std::array all{unseen, seen, included, safe, final};
};
template <>
struct Listed<ledger::ShardRefusal> {
    using enum ledger::ShardRefusal;
    static constexpr std::array all{none,
                                    expired,
                                    price_outside_bound,
                                    reverted,
                                    unsupported,
                                    insufficient_balance,
                                    protocol_failed,
                                    capacity_exceeded};
};
template <>
struct Listed<ledger::OrderKind> {
    using enum ledger::OrderKind;
    static constexpr std::array all{swap, contract, pay_out, bridge_out, post_margin, take_margin};
};
template <>
struct Listed<ledger::account::Reject> {
    using enum ledger::account::Reject;
    static constexpr std::array all{none,
                                    id_reused_with_other_body,
                                    id_too_old,
                                    id_too_far_ahead,
                                    quantity_must_be_positive,
                                    notional_out_of_range,
                                    instrument_not_offered,
                                    contract_has_expired,
                                    destination_not_allowed,
                                    withdrawal_unknown,
                                    price_is_stale,
                                    price_outside_limit,
                                    account_is_close_only,
                                    too_much_open,
                                    holding_insufficient,
                                    margin_insufficient,
                                    withdrawal_not_found,
                                    withdrawal_has_ended,
                                    withdrawal_is_sent,
                                    shard_is_paused,
                                    receiver_not_allowed,
                                    receiver_unknown,
                                    transfer_unknown,
                                    counterparty_not_allowed,
                                    match_unknown,
                                    match_timed_out};
};
template <>
struct Listed<ledger::account::Standing> {
    using enum ledger::account::Standing;
    static constexpr std::array all{good, called, liquidating, defaulted};
};
template <>
struct Listed<ledger::account::TradeState> {
    using enum ledger::account::TradeState;
    static constexpr std::array all{novated, partly_settled, settled, cash_settled};
};
template <>
struct Listed<ledger::account::TransferState> {
    using enum ledger::account::TransferState;
    static constexpr std::array all{pending, delivered, returned};
};
template <>
struct Listed<ledger::account::MatchState> {
    using enum ledger::account::MatchState;
    static constexpr std::array all{reserved, committed, aborted};
};
template <>
struct Listed<ledger::netting::Source> {
    using enum ledger::netting::Source;
    static constexpr std::array all{capital, insurance, fund};
};
template <>
struct Listed<ledger::hedge::HedgeOutcome> {
    using enum ledger::hedge::HedgeOutcome;
    static constexpr std::array all{filled, partly_filled, unfilled};
};
template <>
struct Listed<ledger::instruction::Purpose> {
    using enum ledger::instruction::Purpose;
    static constexpr std::array all{withdrawal, move, post_margin, take_margin};
};
template <>
struct Listed<ledger::instruction::LegKind> {
    using enum ledger::instruction::LegKind;
    static constexpr std::array all{order, arrival};
};
template <>
struct Listed<ledger::instruction::Outcome> {
    using enum ledger::instruction::Outcome;
    static constexpr std::array all{settled, compensated, manual};
};
template <>
struct Listed<ledger::reconcile::Resolution> {
    using enum ledger::reconcile::Resolution;
    static constexpr std::array all{explained, suspended, borne};
};
template <>
struct Listed<ledger::reconcile::BreakKind> {
    using enum ledger::reconcile::BreakKind;
    static constexpr std::array all{timing, unknown_inflow, unexplained_outflow, incredible,
                                    missing_receipt};
};
template <>
struct Listed<ledger::signing::Purpose> {
    using enum ledger::signing::Purpose;
    static constexpr std::array all{effect, cancel};
};
template <>
struct Listed<ledger::signing::Halt> {
    using enum ledger::signing::Halt;
    static constexpr std::array all{
        none,        nonce_used_elsewhere, signer_altered,  signer_refuses,
        other_chain, final_block_replaced, contract_changed};
};
template <>
struct Listed<ledger::netting::PricePhase> {
    using enum ledger::netting::PricePhase;
    static constexpr std::array all{proposed, disputed, fixed};
};
template <>
struct Listed<ledger::hedge::SliceStatus> {
    using enum ledger::hedge::SliceStatus;
    static constexpr std::array all{planned, sent, included, filled, failed};
};
template <>
struct Listed<ledger::hedge::Phase> {
    using enum ledger::hedge::Phase;
    static constexpr std::array all{unplanned, working, cancelled, finished};
};
template <>
struct Listed<ledger::instruction::LegStatus> {
    using enum ledger::instruction::LegStatus;
    static constexpr std::array all{ready, sent, included, final};
};
template <>
struct Listed<ledger::instruction::Phase> {
    using enum ledger::instruction::Phase;
    static constexpr std::array all{uncreated, open, ended};
};
template <>
struct Listed<ledger::withdrawal::Phase> {
    using enum ledger::withdrawal::Phase;
    static constexpr std::array all{unstarted, queued, approved, completed, dropped};
};
template <>
struct Listed<ledger::Chart> {
    using enum ledger::Chart;
    static constexpr std::array all{
        nostro, posted, inflight_in, inflight_hedge, inflight_out, recv,       free,      unsettled,
        seen,   held,   fund,        capital,        insurance,    fee_income, hedge_pnl, gas,
        conv,   vm,     transit,     suspense,       cpos,         hbook,      vpos,      venue};
};
template <>
struct Listed<base::EntityKind> {
    using enum base::EntityKind;
    static constexpr std::array all{account,    cover,     netting,   hedge,  instruction,
                                    withdrawal, reconcile, partition, signing};
};

}  // namespace crossclear::tests
