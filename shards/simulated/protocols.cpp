#include "shards/simulated/protocols.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace crossclear::shards::simulated {
namespace {

using base::Amount;
using base::Rounding;
using ledger::OrderKind;
using ledger::ShardRefusal;

constexpr Place venue{.kind = PlaceKind::venue, .broker = {}};
constexpr Place clients{.kind = PlaceKind::clients, .broker = {}};
constexpr Place burnt{.kind = PlaceKind::gas, .broker = {}};
constexpr Place destroyed{.kind = PlaceKind::lost, .broker = {}};
constexpr Place bridge{.kind = PlaceKind::bridge, .broker = {}};
constexpr base::Price one_token{1'000'000'000};

template <class T>
bool contains(const std::vector<T>& values, const T& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

// One order being tried against a book. `entry` holds the effects so far; they count only if the
// order is not refused.
struct Attempt {
    const Protocols& protocols;
    const Book& book;
    CapacityTaken& taken;
    const ledger::ShardOrder& order;
    base::BrokerId broker;
    Amount gas;
    Entry entry{};
    ledger::OrderNotice outcome{};
};

Amount spendable(const Attempt& attempt, base::AssetId asset) {
    const Amount held = attempt.book.balance(vault_of(attempt.broker), asset);
    const bool is_gas =
        asset == attempt.protocols.listing.shard(attempt.protocols.parameters.shard).gas;
    return is_gas ? base::must_subtract(held, attempt.gas) : held;
}

void give(Attempt& attempt, Place to, base::AssetId asset, Amount amount) {
    attempt.entry.moves.push_back({vault_of(attempt.broker), to, asset, amount});
    attempt.outcome.given = amount;
    attempt.outcome.given_asset = asset;
}

void receive(Attempt& attempt, Place from, base::AssetId asset, Amount amount) {
    attempt.entry.moves.push_back({from, vault_of(attempt.broker), asset, amount});
    attempt.outcome.received = amount;
    attempt.outcome.received_asset = asset;
}

const VenueTerms& terms_of(const Protocols& protocols, base::InstrumentId instrument) {
    const auto& venues = protocols.parameters.venues;
    const auto found = std::find_if(venues.begin(), venues.end(), [&](const VenueTerms& terms) {
        return terms.instrument == instrument;
    });
    CHECK(found != venues.end(), "every instrument of a shard has its terms");
    return *found;
}

base::Math<Amount> checked_magnitude(Amount amount) {
    return amount.v < 0 ? base::negate(amount) : base::Math<Amount>{amount};
}

// The world's price moved against the broker by spread and impact.
base::Math<base::Price> executed_price(const VenueTerms& terms, base::Price price, Amount quantity,
                                       Amount size) {
    const auto impact = base::multiply_divide(terms.impact_at_capacity.v, size.v,
                                              terms.capacity_per_block.v, Rounding::up);
    if (!impact) return base::Failure{impact.error()};
    const auto shift = base::add(Amount{terms.half_spread.v}, Amount{*impact});
    if (!shift) return base::Failure{shift.error()};
    const bool is_buy = quantity.v > 0;
    const auto factor = is_buy ? base::add(Amount{base::ppm_one}, *shift)
                               : base::subtract(Amount{base::ppm_one}, *shift);
    if (!factor) return base::Failure{factor.error()};
    const auto moved = base::multiply_divide(price.v, factor->v, base::ppm_one,
                                             is_buy ? Rounding::up : Rounding::down);
    if (!moved) return base::Failure{moved.error()};
    return base::Price{*moved};
}

// Takes capacity and fixes the price of a swap or contract, or says why not.
ShardRefusal fix_price(Attempt& attempt) {
    const auto& order = attempt.order;
    const auto& listed = attempt.protocols.listing.instrument(order.instrument);
    if (listed.has_expired(attempt.protocols.at)) return ShardRefusal::unsupported;
    const VenueTerms& terms = terms_of(attempt.protocols, order.instrument);
    const auto size = checked_magnitude(order.quantity);
    if (!size) return ShardRefusal::reverted;
    const auto capacity =
        base::portion(terms.capacity_per_block, attempt.protocols.faults.capacity, Rounding::down);
    Amount& taken = attempt.taken[order.instrument];
    const auto total = base::add(taken, *size);
    if (!capacity || !total || *total > *capacity) return ShardRefusal::capacity_exceeded;

    const auto price =
        executed_price(terms, attempt.protocols.prices.at(order.instrument), order.quantity, *size);
    if (!price || price->v <= 0) return ShardRefusal::reverted;
    const bool is_outside = order.quantity.v > 0 ? *price > order.bound : *price < order.bound;
    if (is_outside) return ShardRefusal::price_outside_bound;
    attempt.outcome.price = *price;
    taken = *total;
    return ShardRefusal::none;
}

base::Math<Amount> value_of(const Protocols& protocols, base::InstrumentId instrument,
                            Amount quantity, base::Price price, Rounding rounding) {
    const auto& info = protocols.listing.instrument(instrument);
    return base::notional(quantity, protocols.listing.asset(info.base).scale, price,
                          protocols.listing.asset(info.settlement).scale, rounding);
}

// A position with its funding up to now in what is carried. One that knew of no index begins here.
base::Math<Position> with_funding(const Protocols& protocols, base::InstrumentId instrument,
                                  Position position) {
    const auto now = protocols.funding.find(instrument);
    if (now == protocols.funding.end()) return position;
    if (position.funding) {
        const auto& info = protocols.listing.instrument(instrument);
        const auto paid = base::notional_move(
            {position.quantity, protocols.listing.asset(info.base).scale}, *position.funding,
            now->second, protocols.listing.asset(info.settlement).scale, Rounding::up);
        const auto carried = paid ? base::add(position.carried, *paid) : paid;
        if (!carried) return base::Failure{carried.error()};
        position.carried = *carried;
    }
    position.funding = now->second;
    return position;
}

ShardRefusal swap(Attempt& attempt) {
    const auto refusal = fix_price(attempt);
    if (refusal != ShardRefusal::none) return refusal;
    const auto& order = attempt.order;
    const auto& info = attempt.protocols.listing.instrument(order.instrument);
    const auto size = checked_magnitude(order.quantity);
    const bool is_buy = order.quantity.v > 0;
    const auto cost = value_of(attempt.protocols, order.instrument, *size, attempt.outcome.price,
                               is_buy ? Rounding::up : Rounding::down);
    if (!cost) return ShardRefusal::reverted;
    const auto given_asset = is_buy ? info.settlement : info.base;
    const Amount given = is_buy ? *cost : *size;
    if (given > spendable(attempt, given_asset)) return ShardRefusal::insufficient_balance;
    give(attempt, venue, given_asset, given);
    receive(attempt, venue, is_buy ? info.base : info.settlement, is_buy ? *size : *cost);
    return ShardRefusal::none;
}

// Margin a broker must have posted in `asset`, with one position replaced by `changed`.
base::Math<Amount> margin_required(const Protocols& protocols, const Book& book,
                                   base::BrokerId broker, base::AssetId asset,
                                   const std::optional<PositionChange>& changed) {
    Amount value;
    for (const auto instrument : protocols.listing.shard(protocols.parameters.shard).instruments) {
        const bool is_changed = changed && changed->instrument == instrument;
        const Amount quantity =
            is_changed ? changed->after.quantity : book.position(broker, instrument).quantity;
        if (quantity.v == 0 || protocols.listing.instrument(instrument).settlement != asset) {
            continue;
        }
        const auto price = protocols.prices.find(instrument);
        if (price == protocols.prices.end()) return base::Failure{base::MathError::overflow};
        const auto size = checked_magnitude(quantity);
        if (!size) return base::Failure{size.error()};
        const auto one = value_of(protocols, instrument, *size, price->second, Rounding::up);
        if (!one) return base::Failure{one.error()};
        const auto sum = base::add(value, *one);
        if (!sum) return base::Failure{sum.error()};
        value = *sum;
    }
    return base::portion(value, protocols.parameters.initial_margin, Rounding::up);
}

ShardRefusal contract(Attempt& attempt) {
    const auto refusal = fix_price(attempt);
    if (refusal != ShardRefusal::none) return refusal;
    const auto& order = attempt.order;
    const auto before = with_funding(attempt.protocols, order.instrument,
                                     attempt.book.position(attempt.broker, order.instrument));
    if (!before) return ShardRefusal::reverted;
    // A carried value rounded up is a gain rounded down.
    const auto cost = value_of(attempt.protocols, order.instrument, order.quantity,
                               attempt.outcome.price, Rounding::up);
    if (!cost) return ShardRefusal::reverted;
    const auto quantity = base::add(before->quantity, order.quantity);
    const auto carried = base::add(before->carried, *cost);
    if (!quantity || !carried) return ShardRefusal::reverted;
    attempt.entry.position =
        PositionChange{.broker = attempt.broker,
                       .instrument = order.instrument,
                       .after = {.quantity = *quantity,
                                 .carried = *carried,
                                 .funding = quantity->v == 0 ? std::nullopt : before->funding}};

    const auto size_before = checked_magnitude(before->quantity);
    const auto size_after = checked_magnitude(*quantity);
    if (!size_before || !size_after) return ShardRefusal::reverted;
    const auto asset = attempt.protocols.listing.instrument(order.instrument).settlement;
    const auto required = margin_required(attempt.protocols, attempt.book, attempt.broker, asset,
                                          attempt.entry.position);
    if (*size_after > *size_before) {
        if (!required) return ShardRefusal::reverted;
        if (attempt.book.balance(margin_of(attempt.broker), asset) < *required) {
            return ShardRefusal::insufficient_balance;
        }
    }
    attempt.outcome.filled = order.quantity;
    return ShardRefusal::none;
}

ShardRefusal send(Attempt& attempt, Place to) {
    if (attempt.order.amount > spendable(attempt, attempt.order.asset)) {
        return ShardRefusal::insufficient_balance;
    }
    give(attempt, to, attempt.order.asset, attempt.order.amount);
    return ShardRefusal::none;
}

ShardRefusal take_margin(Attempt& attempt) {
    const auto& order = attempt.order;
    const auto required =
        margin_required(attempt.protocols, attempt.book, attempt.broker, order.asset, std::nullopt);
    if (!required) return ShardRefusal::reverted;
    const Place margin = margin_of(attempt.broker);
    const auto rest = base::subtract(attempt.book.balance(margin, order.asset), order.amount);
    if (!rest || *rest < *required) return ShardRefusal::insufficient_balance;
    receive(attempt, margin, order.asset, order.amount);
    return ShardRefusal::none;
}

ShardRefusal run(Attempt& attempt) {
    switch (attempt.order.kind) {
        case OrderKind::swap:
            return swap(attempt);
        case OrderKind::contract:
            return contract(attempt);
        case OrderKind::pay_out:
            return send(attempt, clients);
        case OrderKind::bridge_out:
            return send(attempt, bridge);
        case OrderKind::post_margin:
            return send(attempt, margin_of(attempt.broker));
        case OrderKind::take_margin:
            return take_margin(attempt);
    }
    UNREACHABLE("an unlisted kind of order");
}

bool trades(const ledger::ShardOrder& order) {
    return order.kind == OrderKind::swap || order.kind == OrderKind::contract;
}

bool touches_failed_protocol(const Protocols& protocols, const ledger::ShardOrder& order) {
    const auto asset =
        trades(order) ? protocols.listing.instrument(order.instrument).base : order.asset;
    return contains(protocols.faults.failed, asset);
}

}  // namespace

bool has_asset(const base::Listing& listing, base::ShardId shard, base::AssetId asset) {
    return contains(listing.shard(shard).assets, asset);
}

bool is_supported(const base::Listing& listing, base::ShardId shard,
                  const ledger::ShardOrder& order) {
    if (order.shard != shard) return false;
    const auto& info = listing.shard(shard);
    if (trades(order)) {
        if (order.quantity.v == 0 || !contains(info.instruments, order.instrument)) return false;
        const bool is_in_kind =
            listing.instrument(order.instrument).kind == base::InstrumentKind::in_kind;
        return is_in_kind == (order.kind == OrderKind::swap);
    }
    if (order.amount.v <= 0 || !contains(info.assets, order.asset)) return false;
    if (order.kind == OrderKind::pay_out) return !order.destination.empty();
    if (order.kind == OrderKind::bridge_out) {
        return order.to_shard != shard && order.to_shard.v < listing.shards.size() &&
               has_asset(listing, order.to_shard, order.asset);
    }
    return info.takes_margin &&
           std::any_of(info.instruments.begin(), info.instruments.end(), [&](auto instrument) {
               return listing.instrument(instrument).settlement == order.asset;
           });
}

bool awaits_price(const Protocols& protocols, const ledger::ShardOrder& order) {
    return trades(order) && !protocols.prices.contains(order.instrument);
}

Entry execute(const Protocols& protocols, const Book& book, CapacityTaken& taken,
              const ledger::ShardOrder& order, std::uint64_t height, bool is_reverted) {
    const auto broker = base::broker_of(order.ref.origin);
    const auto gas_asset = protocols.listing.shard(protocols.parameters.shard).gas;
    const Amount due = protocols.parameters.gas_per_order;
    const Amount gas = std::min(due, std::max(book.balance(vault_of(broker), gas_asset), Amount{}));
    const ledger::OrderNotice nothing{
        .ref = order.ref, .finality = ledger::Finality::included, .block = height, .gas = gas};
    std::vector<Move> gas_paid;
    if (gas.v > 0) gas_paid.push_back({vault_of(broker), burnt, gas_asset, gas});

    Attempt attempt{.protocols = protocols,
                    .book = book,
                    .taken = taken,
                    .order = order,
                    .broker = broker,
                    .gas = gas};
    attempt.outcome = nothing;
    attempt.entry.moves = gas_paid;
    const auto refusal = [&] {
        if (gas < due) return ShardRefusal::insufficient_balance;
        if (is_reverted) return ShardRefusal::reverted;
        if (touches_failed_protocol(protocols, order)) return ShardRefusal::protocol_failed;
        const auto why = run(attempt);
        if (why != ShardRefusal::none) return why;
        return book.fits(attempt.entry.moves) ? ShardRefusal::none : ShardRefusal::reverted;
    }();
    if (refusal == ShardRefusal::none) {
        attempt.entry.content = OrderExecuted{.order = order, .outcome = attempt.outcome};
        return std::move(attempt.entry);
    }
    ledger::OrderNotice refused = nothing;
    refused.refusal = refusal;
    return Entry{.content = OrderExecuted{.order = order, .outcome = refused},
                 .moves = std::move(gas_paid),
                 .position = std::nullopt};
}

bool is_price(const base::Listing& listing, base::InstrumentId instrument, base::Price price) {
    const auto kind = listing.asset(listing.instrument(instrument).base).kind;
    return price.v > 0 || (price.v == 0 && base::may_be_worthless(kind));
}

namespace {

bool has_ended(const Protocols& protocols, base::InstrumentId instrument, base::Price price) {
    const auto& listed = protocols.listing.instrument(instrument);
    if (!listed.has_expired(protocols.at)) return false;
    return listed.kind != base::InstrumentKind::prediction || price.v == 0 || price == one_token;
}

}  // namespace

std::optional<Entry> settle(const Protocols& protocols, const Book& book, base::BrokerId broker,
                            base::InstrumentId instrument) {
    const auto funded = with_funding(protocols, instrument, book.position(broker, instrument));
    if (!funded) return std::nullopt;
    const Position& position = *funded;
    const auto price = protocols.prices.find(instrument);
    if (price == protocols.prices.end()) return std::nullopt;
    const auto value =
        value_of(protocols, instrument, position.quantity, price->second, Rounding::down);
    if (!value) return std::nullopt;
    const auto change = base::subtract(*value, position.carried);
    const bool is_over =
        position.quantity.v != 0 && has_ended(protocols, instrument, price->second);
    if (!change || (change->v == 0 && !is_over)) return std::nullopt;
    const auto size = checked_magnitude(*change);
    if (!size) return std::nullopt;

    const auto asset = protocols.listing.instrument(instrument).settlement;
    const Place margin = margin_of(broker);
    const Amount held = book.balance(margin, asset);
    const bool is_gain = change->v > 0;
    const bool is_liquidated = !is_gain && *size > held;
    const Amount paid = is_liquidated ? held : *size;
    Entry entry{
        .content = VariationSettled{.broker = broker,
                                    .number = book.variations(broker) + 1,
                                    .instrument = instrument,
                                    .change = is_gain ? paid : *base::negate(paid),
                                    .closed = {}},
        .moves = {},
        .position = PositionChange{
            .broker = broker,
            .instrument = instrument,
            .after = {.quantity = position.quantity,
                      .carried = *value,
                      .funding = position.quantity.v == 0 ? std::nullopt : position.funding}}};
    if (paid.v > 0) {
        entry.moves.push_back({.from = is_gain ? venue : margin,
                               .to = is_gain ? margin : venue,
                               .asset = asset,
                               .amount = paid});
    }
    if (is_liquidated || is_over) {
        const auto closed = base::negate(position.quantity);
        if (!closed) return std::nullopt;
        std::get<VariationSettled>(entry.content).closed = *closed;
        entry.position->after = {};
    }
    if (!book.fits(entry.moves)) return std::nullopt;
    return entry;
}

Entry fail(const Book& book, const LossTaken& loss) {
    Entry entry{.content = loss, .moves = {}, .position = std::nullopt};
    for (const auto& [key, held] : book.balances()) {
        const auto& [place, asset] = key;
        if (place.kind != PlaceKind::vault || asset != loss.asset || held.v <= 0) continue;
        const auto cut = base::portion(held, loss.share, Rounding::up);
        CHECK(cut.has_value(), "a share of at most one fits");
        entry.moves.push_back({place, destroyed, asset, std::min(*cut, held)});
    }
    return entry;
}

}  // namespace crossclear::shards::simulated
