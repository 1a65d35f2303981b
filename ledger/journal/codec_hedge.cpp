#include "ledger/event.hpp"
#include "ledger/journal/codec_fields.hpp"

#include <tuple>

namespace crossclear::ledger::journal::codec {

template <>
inline constexpr auto fields_of<hedge::Slice> = std::tuple{
    value(&hedge::Slice::quantity, &pb::Slice::quantity, &pb::Slice::set_quantity),
    value(&hedge::Slice::send_at, &pb::Slice::send_at, &pb::Slice::set_send_at),
};

namespace {

constexpr auto hedge_committed = [] {
    using E = hedge::HedgeCommitted;
    using M = pb::HedgeCommitted;
    return alternative<E>(pb::Entry::kHedgeCommitted, &pb::Entry::hedge_committed,
                          &pb::Entry::mutable_hedge_committed,
                          value(&E::instrument, &M::instrument, &M::set_instrument),
                          value(&E::shard, &M::shard, &M::set_shard),
                          value(&E::is_contract, &M::is_contract, &M::set_is_contract),
                          value(&E::base, &M::base, &M::set_base),
                          value(&E::settlement, &M::settlement, &M::set_settlement),
                          value(&E::gas_asset, &M::gas_asset, &M::set_gas_asset),
                          value(&E::quantity, &M::quantity, &M::set_quantity),
                          value(&E::bound, &M::bound, &M::set_bound),
                          list(&E::slices, &M::slices, &M::mutable_slices),
                          numbers(&E::cost_max, &M::cost_max, &M::mutable_cost_max),
                          value(&E::salt, &M::salt, &M::set_salt),
                          bytes(&E::commitment, &M::commitment, &M::mutable_commitment),
                          value(&E::deadline, &M::deadline, &M::set_deadline),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto slice_sent = [] {
    using E = hedge::SliceSent;
    using M = pb::SliceSent;
    return alternative<E>(
        pb::Entry::kSliceSent, &pb::Entry::slice_sent, &pb::Entry::mutable_slice_sent,
        value(&E::number, &M::number, &M::set_number), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::given_asset, &M::given_asset, &M::set_given_asset),
        value(&E::given_max, &M::given_max, &M::set_given_max), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto slice_included = [] {
    using E = hedge::SliceIncluded;
    using M = pb::SliceIncluded;
    return alternative<E>(
        pb::Entry::kSliceIncluded, &pb::Entry::slice_included, &pb::Entry::mutable_slice_included,
        value(&E::number, &M::number, &M::set_number), value(&E::block, &M::block, &M::set_block));
}();

constexpr auto slice_reorged = [] {
    using E = hedge::SliceReorged;
    using M = pb::SliceReorged;
    return alternative<E>(pb::Entry::kSliceReorged, &pb::Entry::slice_reorged,
                          &pb::Entry::mutable_slice_reorged,
                          value(&E::number, &M::number, &M::set_number));
}();

constexpr auto slice_filled = [] {
    using E = hedge::SliceFilled;
    using M = pb::SliceFilled;
    return alternative<E>(
        pb::Entry::kSliceFilled, &pb::Entry::slice_filled, &pb::Entry::mutable_slice_filled,
        value(&E::number, &M::number, &M::set_number), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::block, &M::block, &M::set_block),
        value(&E::is_contract, &M::is_contract, &M::set_is_contract),
        value(&E::base, &M::base, &M::set_base),
        value(&E::given_asset, &M::given_asset, &M::set_given_asset),
        value(&E::given_max, &M::given_max, &M::set_given_max),
        value(&E::given, &M::given, &M::set_given),
        value(&E::received_asset, &M::received_asset, &M::set_received_asset),
        value(&E::received, &M::received, &M::set_received),
        value(&E::filled, &M::filled, &M::set_filled), value(&E::price, &M::price, &M::set_price),
        value(&E::gas_asset, &M::gas_asset, &M::set_gas_asset),
        value(&E::gas, &M::gas, &M::set_gas), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto slice_failed = [] {
    using E = hedge::SliceFailed;
    using M = pb::SliceFailed;
    return alternative<E>(
        pb::Entry::kSliceFailed, &pb::Entry::slice_failed, &pb::Entry::mutable_slice_failed,
        value(&E::number, &M::number, &M::set_number), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::block, &M::block, &M::set_block), value(&E::reason, &M::reason, &M::set_reason),
        value(&E::given_asset, &M::given_asset, &M::set_given_asset),
        value(&E::given_max, &M::given_max, &M::set_given_max),
        value(&E::gas_asset, &M::gas_asset, &M::set_gas_asset),
        value(&E::gas, &M::gas, &M::set_gas), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto hedge_finished = [] {
    using E = hedge::HedgeFinished;
    using M = pb::HedgeFinished;
    return alternative<E>(
        pb::Entry::kHedgeFinished, &pb::Entry::hedge_finished, &pb::Entry::mutable_hedge_finished,
        value(&E::outcome, &M::outcome, &M::set_outcome),
        value(&E::filled, &M::filled, &M::set_filled), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto hedge_cancelled = [] {
    using E = hedge::HedgeCancelled;
    using M = pb::HedgeCancelled;
    return alternative<E>(pb::Entry::kHedgeCancelled, &pb::Entry::hedge_cancelled,
                          &pb::Entry::mutable_hedge_cancelled, value(&E::at, &M::at, &M::set_at));
}();

constexpr auto hedge_events =
    machine<hedge::Event>(hedge_committed, slice_sent, slice_included, slice_reorged, slice_filled,
                          slice_failed, hedge_finished, hedge_cancelled);

}  // namespace

void write(const hedge::Event& event, pb::Entry& entry) { hedge_events.write(event, entry); }

bool read_hedge(const pb::Entry& entry, Event& event, Reader& reader) {
    return hedge_events.read(entry, event, reader);
}

}  // namespace crossclear::ledger::journal::codec
