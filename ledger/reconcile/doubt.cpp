#include "ledger/reconcile/doubt.hpp"

#include "base/saturated.hpp"
#include "base/wide.hpp"

#include <algorithm>
#include <cstdint>

namespace crossclear::ledger::reconcile {
namespace {

using base::Amount;
using base::Wide;

// Wider than any difference of two figures, and small enough to be added for every order there is.
constexpr Wide unbounded = Wide{INT64_MAX} * 4;

// What a figure of the shard can be above that of the book.
struct Room {
    Wide least{};
    Wide most{};

    void add(Wide from, Wide to) {
        least += from;
        most += to;
    }
    [[nodiscard]] bool holds(Amount shard, Amount book) const {
        const auto difference = Wide{shard.v} - book.v;
        return least <= difference && difference <= most;
    }
};

// Of one asset.
struct Rooms {
    Room held;
    Room posted;
    Room position;
};

// The most that a purchase pays.
Wide dearest(const ShardOrder& order, const base::InstrumentInfo& instrument,
             const base::Listing& listing) {
    const auto cost =
        base::notional(order.quantity, listing.asset(instrument.base).scale, order.bound,
                       listing.asset(instrument.settlement).scale, base::Rounding::up);
    return cost ? Wide{cost->v} : unbounded;
}

void add_swap(Rooms& rooms, const ShardOrder& order, base::AssetId asset,
              const base::Listing& listing) {
    const auto& instrument = listing.instrument(order.instrument);
    const bool is_purchase = order.quantity.v > 0;
    if (asset == instrument.base) {
        if (is_purchase) rooms.held.add(0, order.quantity.v);
        if (!is_purchase) rooms.held.add(order.quantity.v, 0);
    } else if (asset == instrument.settlement) {
        if (is_purchase) rooms.held.add(-dearest(order, instrument, listing), 0);
        if (!is_purchase) rooms.held.add(0, unbounded);
    }
}

void add_contract(Rooms& rooms, const ShardOrder& order, base::AssetId asset,
                  const base::Listing& listing) {
    const auto& instrument = listing.instrument(order.instrument);
    if (asset == instrument.base) {
        rooms.position.add(std::min<Wide>(order.quantity.v, 0),
                           std::max<Wide>(order.quantity.v, 0));
    } else if (asset == instrument.settlement) {
        rooms.posted.add(-unbounded, unbounded);
    }
}

void add(Rooms& rooms, const ShardOrder& order, base::AssetId asset, const base::Listing& listing,
         Amount gas_max) {
    if (asset == listing.shard(order.shard).gas) {
        rooms.held.add(base::is_off_scale(gas_max) ? -unbounded : -Wide{gas_max.v}, 0);
    }
    const bool is_moved = asset == order.asset;
    switch (order.kind) {
        case OrderKind::swap:
            return add_swap(rooms, order, asset, listing);
        case OrderKind::contract:
            return add_contract(rooms, order, asset, listing);
        case OrderKind::pay_out:
        case OrderKind::bridge_out:
            if (is_moved) rooms.held.add(-order.amount.v, 0);
            return;
        case OrderKind::post_margin:
            if (is_moved) rooms.held.add(-order.amount.v, 0);
            if (is_moved) rooms.posted.add(0, order.amount.v);
            return;
        case OrderKind::take_margin:
            if (is_moved) rooms.held.add(0, order.amount.v);
            if (is_moved) rooms.posted.add(-order.amount.v, 0);
            return;
    }
    UNREACHABLE("an unlisted order kind");
}

bool hold(const Rooms& rooms, const Line& line) {
    return rooms.held.holds(line.shard_held, line.book_held) &&
           rooms.posted.holds(line.shard_posted, line.book_posted) &&
           rooms.position.holds(line.shard_position, line.book_position);
}

}  // namespace

Explanation explanation_of(const Line& line, const std::vector<OrderUnderWay>& orders,
                           const base::Listing& listing, const BlockTerms& block) {
    Rooms all;
    Rooms in_time;
    for (const auto& one : orders) {
        add(all, one.order, line.asset, listing, block.gas_max);
        const bool is_in_time = one.is_ended || one.order.deadline >= block.at;
        if (is_in_time) add(in_time, one.order, line.asset, listing, block.gas_max);
    }
    if (hold(in_time, line)) return Explanation::orders;
    return hold(all, line) ? Explanation::late_orders : Explanation::none;
}

}  // namespace crossclear::ledger::reconcile
