#include "ledger/event.hpp"
#include "ledger/journal/codec_fields.hpp"

#include <tuple>

namespace crossclear::ledger::journal::codec {

namespace {

constexpr auto quota_arrived = [] {
    using E = cover::QuotaArrived;
    using M = pb::QuotaArrived;
    return alternative<E>(pb::Entry::kQuotaArrived, &pb::Entry::quota_arrived,
                          &pb::Entry::mutable_quota_arrived,
                          value(&E::asset, &M::asset, &M::set_asset),
                          value(&E::granted_total, &M::granted_total, &M::set_granted_total));
}();

constexpr auto quota_returned = [] {
    using E = cover::QuotaReturned;
    using M = pb::QuotaReturned;
    return alternative<E>(pb::Entry::kQuotaReturned, &pb::Entry::quota_returned,
                          &pb::Entry::mutable_quota_returned,
                          value(&E::asset, &M::asset, &M::set_asset),
                          value(&E::returned_total, &M::returned_total, &M::set_returned_total));
}();

constexpr auto cover_events = machine<cover::Event>(quota_arrived, quota_returned);

constexpr auto capital_paid_in = [] {
    using E = netting::CapitalPaidIn;
    using M = pb::CapitalPaidIn;
    return alternative<E>(
        pb::Entry::kCapitalPaidIn, &pb::Entry::capital_paid_in, &pb::Entry::mutable_capital_paid_in,
        value(&E::shard, &M::shard, &M::set_shard), value(&E::asset, &M::asset, &M::set_asset),
        value(&E::amount, &M::amount, &M::set_amount),
        value(&E::source, &M::source, &M::set_source), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto deposit_recorded = [] {
    using E = netting::DepositRecorded;
    using M = pb::DepositRecorded;
    return alternative<E>(
        pb::Entry::kDepositRecorded, &pb::Entry::deposit_recorded,
        &pb::Entry::mutable_deposit_recorded, value(&E::deposit, &M::deposit, &M::set_deposit),
        value(&E::shard, &M::shard, &M::set_shard),
        value(&E::account, &M::account, &M::set_account),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::amount, &M::amount, &M::set_amount),
        value(&E::finality, &M::finality, &M::set_finality),
        value(&E::block, &M::block, &M::set_block), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto deposit_acknowledged = [] {
    using E = netting::DepositAcknowledged;
    using M = pb::DepositAcknowledged;
    return alternative<E>(pb::Entry::kDepositAcknowledged, &pb::Entry::deposit_acknowledged,
                          &pb::Entry::mutable_deposit_acknowledged,
                          value(&E::deposit, &M::deposit, &M::set_deposit),
                          value(&E::shard, &M::shard, &M::set_shard),
                          value(&E::finality, &M::finality, &M::set_finality));
}();

constexpr auto quota_granted = [] {
    using E = netting::QuotaGranted;
    using M = pb::QuotaGranted;
    return alternative<E>(pb::Entry::kQuotaGranted, &pb::Entry::quota_granted,
                          &pb::Entry::mutable_quota_granted,
                          value(&E::partition, &M::partition, &M::set_partition),
                          value(&E::asset, &M::asset, &M::set_asset),
                          value(&E::granted_total, &M::granted_total, &M::set_granted_total));
}();

constexpr auto hedge_opened = [] {
    using E = netting::HedgeOpened;
    using M = pb::HedgeOpened;
    return alternative<E>(
        pb::Entry::kHedgeOpened, &pb::Entry::hedge_opened, &pb::Entry::mutable_hedge_opened,
        value(&E::number, &M::number, &M::set_number),
        value(&E::instrument, &M::instrument, &M::set_instrument),
        value(&E::base, &M::base, &M::set_base), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::quantity, &M::quantity, &M::set_quantity),
        value(&E::given_asset, &M::given_asset, &M::set_given_asset),
        value(&E::reserved, &M::reserved, &M::set_reserved),
        value(&E::mark, &M::mark, &M::set_mark),
        value(&E::notional_cents, &M::notional_cents, &M::set_notional_cents),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto hedge_closed = [] {
    using E = netting::HedgeClosed;
    using M = pb::HedgeClosed;
    return alternative<E>(pb::Entry::kHedgeClosed, &pb::Entry::hedge_closed,
                          &pb::Entry::mutable_hedge_closed,
                          value(&E::number, &M::number, &M::set_number),
                          value(&E::filled, &M::filled, &M::set_filled),
                          value(&E::notional_cents, &M::notional_cents, &M::set_notional_cents),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto move_opened = [] {
    using E = netting::MoveOpened;
    using M = pb::MoveOpened;
    return alternative<E>(
        pb::Entry::kMoveOpened, &pb::Entry::move_opened, &pb::Entry::mutable_move_opened,
        value(&E::number, &M::number, &M::set_number),
        value(&E::purpose, &M::purpose, &M::set_purpose), value(&E::from, &M::from, &M::set_from),
        value(&E::to, &M::to, &M::set_to), value(&E::asset, &M::asset, &M::set_asset),
        value(&E::amount, &M::amount, &M::set_amount), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto move_closed = [] {
    using E = netting::MoveClosed;
    using M = pb::MoveClosed;
    return alternative<E>(pb::Entry::kMoveClosed, &pb::Entry::move_closed,
                          &pb::Entry::mutable_move_closed,
                          value(&E::number, &M::number, &M::set_number),
                          value(&E::is_settled, &M::is_settled, &M::set_is_settled),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto venue_variation = [] {
    using E = netting::VenueVariation;
    using M = pb::VenueVariation;
    return alternative<E>(
        pb::Entry::kVenueVariation, &pb::Entry::venue_variation,
        &pb::Entry::mutable_venue_variation, value(&E::shard, &M::shard, &M::set_shard),
        value(&E::number, &M::number, &M::set_number),
        value(&E::contract, &M::contract, &M::set_contract),
        value(&E::settlement, &M::settlement, &M::set_settlement),
        value(&E::change, &M::change, &M::set_change), value(&E::block, &M::block, &M::set_block),
        value(&E::at, &M::at, &M::set_at), value(&E::closed, &M::closed, &M::set_closed));
}();

constexpr auto result_booked = [] {
    using E = netting::ResultBooked;
    using M = pb::ResultBooked;
    return alternative<E>(pb::Entry::kResultBooked, &pb::Entry::result_booked,
                          &pb::Entry::mutable_result_booked,
                          value(&E::settlement, &M::settlement, &M::set_settlement),
                          value(&E::conv, &M::conv, &M::set_conv),
                          value(&E::vm, &M::vm, &M::set_vm), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto loss_borne = [] {
    using E = netting::LossBorne;
    using M = pb::LossBorne;
    return alternative<E>(pb::Entry::kLossBorne, &pb::Entry::loss_borne,
                          &pb::Entry::mutable_loss_borne,
                          value(&E::asset, &M::asset, &M::set_asset),
                          value(&E::from_capital, &M::from_capital, &M::set_from_capital),
                          value(&E::from_insurance, &M::from_insurance, &M::set_from_insurance),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto price_proposed = [] {
    using E = netting::PriceProposed;
    using M = pb::PriceProposed;
    return alternative<E>(
        pb::Entry::kPriceProposed, &pb::Entry::price_proposed, &pb::Entry::mutable_price_proposed,
        nested(&E::cause, &M::cause, &M::mutable_cause), value(&E::body, &M::body, &M::set_body),
        value(&E::contract, &M::contract, &M::set_contract),
        value(&E::price, &M::price, &M::set_price),
        value(&E::fixed_from, &M::fixed_from, &M::set_fixed_from),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto price_disputed = [] {
    using E = netting::PriceDisputed;
    using M = pb::PriceDisputed;
    return alternative<E>(
        pb::Entry::kPriceDisputed, &pb::Entry::price_disputed, &pb::Entry::mutable_price_disputed,
        nested(&E::cause, &M::cause, &M::mutable_cause), value(&E::body, &M::body, &M::set_body),
        value(&E::contract, &M::contract, &M::set_contract),
        bytes(&E::reason, &M::reason, &M::mutable_reason), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto price_fixed = [] {
    using E = netting::PriceFixed;
    using M = pb::PriceFixed;
    return alternative<E>(
        pb::Entry::kPriceFixed, &pb::Entry::price_fixed, &pb::Entry::mutable_price_fixed,
        value(&E::contract, &M::contract, &M::set_contract),
        value(&E::price, &M::price, &M::set_price), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto deposit_replaced = [] {
    using E = netting::DepositReplaced;
    using M = pb::DepositReplaced;
    return alternative<E>(
        pb::Entry::kDepositReplaced, &pb::Entry::deposit_replaced,
        &pb::Entry::mutable_deposit_replaced, value(&E::deposit, &M::deposit, &M::set_deposit),
        value(&E::shard, &M::shard, &M::set_shard), value(&E::block, &M::block, &M::set_block),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto hedge_called_off = [] {
    using E = netting::HedgeCalledOff;
    using M = pb::HedgeCalledOff;
    return alternative<E>(pb::Entry::kHedgeCalledOff, &pb::Entry::hedge_called_off,
                          &pb::Entry::mutable_hedge_called_off,
                          value(&E::number, &M::number, &M::set_number),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto departure_approved = [] {
    using E = netting::DepartureApproved;
    using M = pb::DepartureApproved;
    return alternative<E>(
        pb::Entry::kDepartureApproved, &pb::Entry::departure_approved,
        &pb::Entry::mutable_departure_approved, value(&E::account, &M::account, &M::set_account),
        value(&E::number, &M::number, &M::set_number), value(&E::asset, &M::asset, &M::set_asset),
        value(&E::amount, &M::amount, &M::set_amount), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto departure_closed = [] {
    using E = netting::DepartureClosed;
    using M = pb::DepartureClosed;
    return alternative<E>(
        pb::Entry::kDepartureClosed, &pb::Entry::departure_closed,
        &pb::Entry::mutable_departure_closed, value(&E::account, &M::account, &M::set_account),
        value(&E::number, &M::number, &M::set_number), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto netting_events = machine<netting::Event>(
    capital_paid_in, deposit_recorded, deposit_acknowledged, quota_granted, hedge_opened,
    hedge_closed, move_opened, move_closed, venue_variation, result_booked, deposit_replaced,
    hedge_called_off, departure_approved, departure_closed, loss_borne, price_proposed,
    price_disputed, price_fixed);

}  // namespace

void write(const cover::Event& event, pb::Entry& entry) { cover_events.write(event, entry); }

bool read_cover(const pb::Entry& entry, Event& event, Reader& reader) {
    return cover_events.read(entry, event, reader);
}

void write(const netting::Event& event, pb::Entry& entry) { netting_events.write(event, entry); }

bool read_netting(const pb::Entry& entry, Event& event, Reader& reader) {
    return netting_events.read(entry, event, reader);
}

}  // namespace crossclear::ledger::journal::codec
