#include "base/listing.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace crossclear::base {
namespace {

template <class Id, class Table>
const auto& entry_at(const Table& table, Id id) {
    CHECK(id.v < table.size(), "an id names an entry of the listing");
    return table[id.v];
}

template <class Id, class Table>
std::optional<Id> find_symbol(const Table& table, std::string_view symbol) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i].symbol == symbol) return Id{static_cast<typename Id::rep>(i)};
    }
    return std::nullopt;
}

template <class Table>
std::optional<std::string> repeated_symbol(const Table& table, std::string_view what) {
    std::set<std::string_view> seen;
    for (const auto& entry : table) {
        if (entry.symbol.empty()) return fmt::format("{} without a symbol", what);
        if (!seen.insert(entry.symbol).second) {
            return fmt::format("{} {} is listed twice", what, entry.symbol);
        }
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_derived(const Listing& listing) {
    for (const auto& asset : listing.assets) {
        if (asset.kind == AssetKind::option && asset.underlying.empty()) {
            return fmt::format("asset {} follows no coin: expected one that it is an option on",
                               asset.symbol);
        }
        if (!is_untraded(asset.kind) || asset.underlying.empty()) continue;
        return fmt::format("asset {} follows {}: its price is made of its tokens'", asset.symbol,
                           asset.underlying);
    }
    return std::nullopt;
}

// Contracts are perpetuals or futures, outcomes are predictions, options are options, and
// everything else is in kind.
bool does_fit(InstrumentKind instrument, AssetKind base) {
    switch (instrument) {
        case InstrumentKind::in_kind:
            return !is_contract(base);
        case InstrumentKind::linear_perpetual:
        case InstrumentKind::dated_future:
            return base == AssetKind::contract;
        case InstrumentKind::prediction:
            return base == AssetKind::outcome;
        case InstrumentKind::option:
            return base == AssetKind::option;
    }
    UNREACHABLE("an unlisted kind of instrument");
}

std::optional<std::string> fault_of_kind(const InstrumentInfo& instrument, AssetKind base) {
    if (!does_fit(instrument.kind, base)) {
        return fmt::format(
            "instrument {}: contracts are perpetuals or dated futures, outcomes are predictions, "
            "options are options, and tokens are in kind",
            instrument.symbol);
    }
    const bool is_option = instrument.kind == InstrumentKind::option;
    if (is_option != instrument.option.has_value() ||
        (is_option && instrument.option->strike <= Price{0})) {
        return fmt::format("instrument {}: options have a type and a strike above 0, others none",
                           instrument.symbol);
    }
    const bool ends = instrument.kind != InstrumentKind::in_kind &&
                      instrument.kind != InstrumentKind::linear_perpetual;
    if (ends != instrument.expiry.has_value()) {
        return fmt::format(
            "instrument {}: dated futures, predictions and options expire, others do not",
            instrument.symbol);
    }
    if (!ends) return std::nullopt;
    const auto& expiry = *instrument.expiry;
    const auto is_span = [](Duration span) { return span.us >= 0 && span <= limits::dispute_max; };
    if (expiry.at.us <= 0 || !is_span(expiry.average_over) || !is_span(expiry.dispute_for)) {
        return fmt::format(
            "instrument {}: it expires at some time, and averages and disputes take "
            "at most {} days",
            instrument.symbol, limits::dispute_max.us / seconds(86'400).us);
    }
    if (instrument.kind == InstrumentKind::prediction && expiry.dispute_for.us == 0) {
        return fmt::format("instrument {}: what is said of an event can be disputed for a while",
                           instrument.symbol);
    }
    if (instrument.kind == InstrumentKind::prediction && expiry.average_over.us != 0) {
        return fmt::format("instrument {}: no average says how an event has ended",
                           instrument.symbol);
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_instruments(const Listing& listing) {
    std::set<AssetId> bases;
    for (const auto& instrument : listing.instruments) {
        if (instrument.base.v >= listing.assets.size() ||
            instrument.settlement.v >= listing.assets.size()) {
            return fmt::format("instrument {} names an unlisted asset", instrument.symbol);
        }
        if (auto fault = fault_of_kind(instrument, listing.asset(instrument.base).kind)) {
            return fault;
        }
        if (instrument.base == instrument.settlement) {
            return fmt::format("instrument {} is paid in itself", instrument.symbol);
        }
        if (is_untraded(listing.asset(instrument.base).kind) ||
            is_untraded(listing.asset(instrument.settlement).kind)) {
            return fmt::format("instrument {}: shares of pools and what is lent are not traded",
                               instrument.symbol);
        }
        if (!bases.insert(instrument.base).second) {
            return fmt::format("instrument {}: another one has the same base", instrument.symbol);
        }
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_shards(const Listing& listing) {
    for (const auto& shard : listing.shards) {
        const auto is_listed = [&](AssetId id) { return id.v < listing.assets.size(); };
        if (!is_listed(shard.gas) ||
            !std::all_of(shard.assets.begin(), shard.assets.end(), is_listed)) {
            return fmt::format("shard {} names an unlisted asset", shard.symbol);
        }
        const auto is_instrument = [&](InstrumentId id) {
            return id.v < listing.instruments.size();
        };
        if (!std::all_of(shard.instruments.begin(), shard.instruments.end(), is_instrument)) {
            return fmt::format("shard {} names an unlisted instrument", shard.symbol);
        }
    }
    return std::nullopt;
}

}  // namespace

const AssetInfo& Listing::asset(AssetId id) const { return entry_at(assets, id); }
const InstrumentInfo& Listing::instrument(InstrumentId id) const {
    return entry_at(instruments, id);
}
const ShardInfo& Listing::shard(ShardId id) const { return entry_at(shards, id); }

std::optional<AssetId> Listing::find_asset(std::string_view symbol) const {
    return find_symbol<AssetId>(assets, symbol);
}
std::optional<InstrumentId> Listing::find_instrument(std::string_view symbol) const {
    return find_symbol<InstrumentId>(instruments, symbol);
}
std::optional<ShardId> Listing::find_shard(std::string_view symbol) const {
    return find_symbol<ShardId>(shards, symbol);
}

std::optional<InstrumentId> Listing::instrument_of(AssetId asset) const {
    for (std::size_t i = 0; i < instruments.size(); ++i) {
        if (instruments[i].base == asset) return InstrumentId{static_cast<std::uint16_t>(i)};
    }
    return std::nullopt;
}

std::optional<Timestamp> Listing::end_of(AssetId of) const {
    if (!is_contract(asset(of).kind)) return std::nullopt;
    const auto traded = instrument_of(of);
    if (!traded || !instrument(*traded).expiry) return std::nullopt;
    return instrument(*traded).expiry->at;
}

std::vector<ShardId> Listing::venues_of(InstrumentId instrument) const {
    std::vector<ShardId> venues;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const auto& traded = shards[i].instruments;
        if (std::find(traded.begin(), traded.end(), instrument) != traded.end()) {
            venues.push_back(ShardId{static_cast<std::uint16_t>(i)});
        }
    }
    return venues;
}

std::optional<std::string> fault_of(const Listing& listing) {
    if (listing.assets.size() > limits::assets_max) return "too many assets";
    if (listing.instruments.size() > limits::instruments_max) return "too many instruments";
    if (listing.shards.size() > limits::shards_max) return "too many shards";
    if (auto fault = repeated_symbol(listing.assets, "asset")) return fault;
    if (auto fault = repeated_symbol(listing.instruments, "instrument")) return fault;
    if (auto fault = repeated_symbol(listing.shards, "shard")) return fault;
    for (const auto& asset : listing.assets) {
        if (asset.scale < 0 || asset.scale > asset_scale_max) {
            return fmt::format("asset {}: scale {} is not within 0 and {}", asset.symbol,
                               asset.scale, asset_scale_max);
        }
    }
    if (auto fault = fault_of_derived(listing)) return fault;
    if (auto fault = fault_of_instruments(listing)) return fault;
    return fault_of_shards(listing);
}

}  // namespace crossclear::base
