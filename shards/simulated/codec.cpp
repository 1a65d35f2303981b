#include "shards/simulated/codec.hpp"

#include "base/hash.hpp"
#include "shards/simulated/fields.hpp"

#include <cstdint>
#include <utility>

namespace crossclear::shards::simulated {

// Static rather than in an unnamed namespace: the archive finds them by argument-dependent lookup,
// which does not look into those.
static void describe(auto& archive, Place& x) { archive(x.kind, x.broker); }
static void describe(auto& archive, Move& x) { archive(x.from, x.to, x.asset, x.amount); }
static void describe(auto& archive, Position& x) { archive(x.quantity, x.carried, x.funding); }
static void describe(auto& archive, PositionChange& x) { archive(x.broker, x.instrument, x.after); }
static void describe(auto& archive, OrderExecuted& x) { archive(x.order, x.outcome); }
static void describe(auto& archive, DepositMade& x) { archive(x.id, x.account, x.asset, x.amount); }
static void describe(auto& archive, TokensArrived& x) { archive(x.ref, x.asset, x.amount); }
static void describe(auto& archive, VariationSettled& x) {
    archive(x.broker, x.number, x.instrument, x.change, x.closed);
}
static void describe(auto& archive, LossTaken& x) { archive(x.asset, x.share); }
static void describe(auto& archive, Entry& x) { archive(x.content, x.moves, x.position); }
static void describe(auto& archive, Block& x) { archive(x.height, x.parent, x.hash, x.entries); }
static void describe(auto& archive, Reorganised& x) { archive(x.kept_height); }
static void describe(auto& archive, Tombstone& x) { archive(x.ref, x.why); }
static void describe(auto& archive, HeadReached& x) { archive(x.height); }
static void describe(auto& archive, VenueTerms& x) {
    archive(x.instrument, x.half_spread, x.impact_at_capacity, x.capacity_per_block);
}
static void describe(auto& archive, GenesisLine& x) { archive(x.broker, x.asset, x.held); }

// The faults are left out: they are switched while the chain runs.
static void describe(auto& archive, ChainParameters& x) {
    archive(x.shard, x.block_time, x.finality_depth, x.inclusion_latency, x.bridge_latency,
            x.gas_per_order, x.initial_margin, x.variation_every_blocks,
            x.transactions_per_block_max, x.seed, x.venues, x.genesis);
}

std::string encode(const std::vector<Record>& records) {
    Writer writer;
    auto copy = records;
    writer(copy);
    return writer.take();
}

std::optional<std::vector<Record>> decode(std::string_view bytes) {
    Reader reader{bytes};
    std::vector<Record> records;
    reader(records);
    if (!reader.is_done()) return std::nullopt;
    return records;
}

std::string identity_of(const ChainParameters& parameters, const base::Listing& listing) {
    Writer writer;
    auto copy = parameters;
    writer(copy);
    auto shard = listing.shard(parameters.shard);
    writer(shard.symbol, shard.assets, shard.instruments, shard.gas, shard.takes_margin);
    for (const auto id : shard.assets) {
        auto asset = listing.asset(id);
        writer(asset.symbol, asset.scale, asset.kind);
    }
    for (const auto id : shard.instruments) {
        auto instrument = listing.instrument(id);
        writer(instrument.symbol, instrument.kind, instrument.base, instrument.settlement);
        if (instrument.expiry) writer(instrument.expiry->at);
    }
    return writer.take();
}

std::uint64_t hash_of(const Block& block) {
    Writer writer;
    Block copy = block;
    copy.hash = 0;
    writer(copy);
    return base::mix64(base::fnv1a(writer.take()));
}

}  // namespace crossclear::shards::simulated
