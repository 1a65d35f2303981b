#include "ledger/event.hpp"
#include "ledger/journal/codec_fields.hpp"

#include <tuple>

namespace crossclear::ledger::journal::codec {

namespace {

constexpr auto withdrawal_queued = [] {
    using E = withdrawal::WithdrawalQueued;
    using M = pb::WithdrawalQueued;
    return alternative<E>(
        pb::Entry::kWithdrawalQueued, &pb::Entry::withdrawal_queued,
        &pb::Entry::mutable_withdrawal_queued, value(&E::account, &M::account, &M::set_account),
        value(&E::number, &M::number, &M::set_number), value(&E::asset, &M::asset, &M::set_asset),
        value(&E::amount, &M::amount, &M::set_amount), value(&E::shard, &M::shard, &M::set_shard),
        bytes(&E::destination, &M::destination, &M::mutable_destination),
        value(&E::not_before, &M::not_before, &M::set_not_before),
        value(&E::at, &M::at, &M::set_at));
}();

constexpr auto withdrawal_approved = [] {
    using E = withdrawal::WithdrawalApproved;
    using M = pb::WithdrawalApproved;
    return alternative<E>(pb::Entry::kWithdrawalApproved, &pb::Entry::withdrawal_approved,
                          &pb::Entry::mutable_withdrawal_approved,
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto withdrawal_completed = [] {
    using E = withdrawal::WithdrawalCompleted;
    using M = pb::WithdrawalCompleted;
    return alternative<E>(pb::Entry::kWithdrawalCompleted, &pb::Entry::withdrawal_completed,
                          &pb::Entry::mutable_withdrawal_completed,
                          value(&E::block, &M::block, &M::set_block),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto withdrawal_dropped = [] {
    using E = withdrawal::WithdrawalDropped;
    using M = pb::WithdrawalDropped;
    return alternative<E>(pb::Entry::kWithdrawalDropped, &pb::Entry::withdrawal_dropped,
                          &pb::Entry::mutable_withdrawal_dropped,
                          value(&E::reason, &M::reason, &M::set_reason),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto end_acknowledged = [] {
    using E = withdrawal::EndAcknowledged;
    return alternative<E>(pb::Entry::kEndAcknowledged, &pb::Entry::end_acknowledged,
                          &pb::Entry::mutable_end_acknowledged);
}();

constexpr auto withdrawal_events =
    machine<withdrawal::Event>(withdrawal_queued, withdrawal_approved, withdrawal_completed,
                               withdrawal_dropped, end_acknowledged);

constexpr auto reconciled = [] {
    using E = reconcile::Reconciled;
    using M = pb::Reconciled;
    return alternative<E>(pb::Entry::kReconciled, &pb::Entry::reconciled,
                          &pb::Entry::mutable_reconciled,
                          value(&E::block, &M::block, &M::set_block),
                          value(&E::breaks_open, &M::breaks_open, &M::set_breaks_open),
                          value(&E::at, &M::at, &M::set_at));
}();

constexpr auto break_opened = [] {
    using E = reconcile::BreakOpened;
    using M = pb::BreakOpened;
    return alternative<E>(
        pb::Entry::kBreakOpened, &pb::Entry::break_opened, &pb::Entry::mutable_break_opened,
        value(&E::asset, &M::asset, &M::set_asset), value(&E::kind, &M::kind, &M::set_kind),
        value(&E::difference, &M::difference, &M::set_difference),
        value(&E::block, &M::block, &M::set_block), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto break_changed = [] {
    using E = reconcile::BreakChanged;
    using M = pb::BreakChanged;
    return alternative<E>(
        pb::Entry::kBreakChanged, &pb::Entry::break_changed, &pb::Entry::mutable_break_changed,
        value(&E::asset, &M::asset, &M::set_asset), value(&E::kind, &M::kind, &M::set_kind),
        value(&E::difference, &M::difference, &M::set_difference),
        value(&E::block, &M::block, &M::set_block), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto break_closed = [] {
    using E = reconcile::BreakClosed;
    using M = pb::BreakClosed;
    return alternative<E>(
        pb::Entry::kBreakClosed, &pb::Entry::break_closed, &pb::Entry::mutable_break_closed,
        value(&E::asset, &M::asset, &M::set_asset),
        bytes(&E::reason, &M::reason, &M::mutable_reason),
        value(&E::block, &M::block, &M::set_block), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto lane_frozen = [] {
    using E = reconcile::LaneFrozen;
    using M = pb::LaneFrozen;
    return alternative<E>(
        pb::Entry::kLaneFrozen, &pb::Entry::lane_frozen, &pb::Entry::mutable_lane_frozen,
        value(&E::asset, &M::asset, &M::set_asset), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto lane_thawed = [] {
    using E = reconcile::LaneThawed;
    using M = pb::LaneThawed;
    return alternative<E>(pb::Entry::kLaneThawed, &pb::Entry::lane_thawed,
                          &pb::Entry::mutable_lane_thawed, value(&E::at, &M::at, &M::set_at));
}();

constexpr auto break_resolved = [] {
    using E = reconcile::BreakResolved;
    using M = pb::BreakResolved;
    return alternative<E>(
        pb::Entry::kBreakResolved, &pb::Entry::break_resolved, &pb::Entry::mutable_break_resolved,
        nested(&E::cause, &M::cause, &M::mutable_cause), value(&E::body, &M::body, &M::set_body),
        value(&E::asset, &M::asset, &M::set_asset), value(&E::shard, &M::shard, &M::set_shard),
        value(&E::resolution, &M::resolution, &M::set_resolution),
        value(&E::booked, &M::booked, &M::set_booked), value(&E::borne, &M::borne, &M::set_borne),
        bytes(&E::reason, &M::reason, &M::mutable_reason),
        value(&E::block, &M::block, &M::set_block), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto lane_pause_set = [] {
    using E = reconcile::LanePauseSet;
    using M = pb::LanePauseSet;
    return alternative<E>(
        pb::Entry::kLanePauseSet, &pb::Entry::lane_pause_set, &pb::Entry::mutable_lane_pause_set,
        nested(&E::cause, &M::cause, &M::mutable_cause), value(&E::body, &M::body, &M::set_body),
        value(&E::is_paused, &M::is_paused, &M::set_is_paused), value(&E::at, &M::at, &M::set_at));
}();

constexpr auto reconcile_events =
    machine<reconcile::Event>(reconciled, break_opened, break_changed, break_closed, lane_frozen,
                              lane_thawed, break_resolved, lane_pause_set);

}  // namespace

void write(const withdrawal::Event& event, pb::Entry& entry) {
    withdrawal_events.write(event, entry);
}

bool read_withdrawal(const pb::Entry& entry, Event& event, Reader& reader) {
    return withdrawal_events.read(entry, event, reader);
}

void write(const reconcile::Event& event, pb::Entry& entry) {
    reconcile_events.write(event, entry);
}

bool read_reconcile(const pb::Entry& entry, Event& event, Reader& reader) {
    return reconcile_events.read(entry, event, reader);
}

}  // namespace crossclear::ledger::journal::codec
