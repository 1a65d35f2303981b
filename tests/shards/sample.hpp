#pragma once

#include "base/listing.hpp"
#include "shards/simulated/chain.hpp"
#include "shards/simulated/world.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// A small world for tests of shards: USDC, ETH and a perpetual; a swap chain and a contract chain.

namespace crossclear::shards::simulated::sample {

inline constexpr base::AssetId usdc{0};
inline constexpr base::AssetId eth{1};
inline constexpr base::AssetId btc_perp_units{2};
inline constexpr base::InstrumentId eth_swap{0};
inline constexpr base::InstrumentId btc_perp{1};
inline constexpr base::ShardId swaps{0};
inline constexpr base::ShardId perpetuals{1};
inline constexpr base::BrokerId alpha{0};
inline constexpr base::BrokerId beta{1};
inline constexpr base::Timestamp start{1'000'000'000};
inline constexpr base::Price eth_price{2'000'000'000'000};
inline constexpr base::Price btc_price{30'000'000'000'000};
inline constexpr std::int64_t one_eth = 1'000'000'000;
inline constexpr std::int64_t one_usdc = 1'000'000;

/// The listing of the sample world.
inline base::Listing listing() {
    using base::AssetKind;
    using base::InstrumentKind;
    return base::Listing{
        .assets = {{"USDC", 6, AssetKind::stable, "", "circle"},
                   {"ETH", 9, AssetKind::spot, "ETH", ""},
                   {"BTC-PERP", 6, AssetKind::contract, "BTC", "perps"}},
        .instruments = {{"ETH", InstrumentKind::in_kind, eth, usdc},
                        {"BTC-PERP", InstrumentKind::linear_perpetual, btc_perp_units, usdc}},
        .shards = {{"swaps", {usdc, eth}, {eth_swap}, eth, false},
                   {"perpetuals", {usdc, eth, btc_perp_units}, {btc_perp}, eth, true}}};
}

/// A chain with one-second blocks, final after four, and both brokers rich. No faults.
inline ChainParameters parameters(base::ShardId shard, std::uint64_t seed = 7) {
    ChainParameters made;
    made.shard = shard;
    made.block_time = shard == swaps ? base::seconds(1) : base::milliseconds(700);
    made.finality_depth = 4;
    made.bridge_latency = base::seconds(3);
    made.gas_per_order = base::Amount{1'000};
    made.variation_every_blocks = 5;
    made.seed = seed;
    made.venues = {VenueTerms{.instrument = shard == swaps ? eth_swap : btc_perp,
                              .half_spread = base::Ppm{1'000},
                              .impact_at_capacity = base::Ppm{10'000},
                              .capacity_per_block = base::Amount{100 * one_eth}}};
    for (const auto broker : {alpha, beta}) {
        made.genesis.push_back({broker, usdc, base::Amount{1'000'000 * one_usdc}});
        made.genesis.push_back({broker, eth, base::Amount{1'000 * one_eth}});
    }
    return made;
}

/// The reference of alpha's order number `number`.
inline base::OrderRef ref(std::uint32_t number, base::BrokerId broker = alpha) {
    return {.origin = base::entity_of(base::EntityKind::hedge, broker, 1), .number = number};
}

/// A point in time so many seconds after the start.
inline base::Timestamp at(std::int64_t second) { return start + base::seconds(second); }

/// Buys (or sells, if negative) ETH at any price, with an hour to do it.
inline ledger::ShardOrder swap_order(std::uint32_t number, std::int64_t quantity) {
    return ledger::ShardOrder{.ref = ref(number),
                              .shard = swaps,
                              .kind = ledger::OrderKind::swap,
                              .instrument = eth_swap,
                              .quantity = base::Amount{quantity},
                              .bound = base::Price{quantity > 0 ? eth_price.v * 2 : 1},
                              .deadline = at(3'600)};
}

/// Moves tokens in one of the other ways.
inline ledger::ShardOrder move_order(std::uint32_t number, ledger::OrderKind kind,
                                     base::ShardId shard, base::AssetId asset,
                                     std::int64_t amount) {
    return ledger::ShardOrder{.ref = ref(number),
                              .shard = shard,
                              .kind = kind,
                              .asset = asset,
                              .amount = base::Amount{amount},
                              .to_shard = shard == swaps ? perpetuals : swaps,
                              .destination = "0xclient",
                              .deadline = at(3'600)};
}

/// Changes the position in BTC-PERP at any price.
inline ledger::ShardOrder contract_order(std::uint32_t number, std::int64_t quantity) {
    return ledger::ShardOrder{.ref = ref(number),
                              .shard = perpetuals,
                              .kind = ledger::OrderKind::contract,
                              .instrument = btc_perp,
                              .quantity = base::Amount{quantity},
                              .bound = base::Price{quantity > 0 ? btc_price.v * 2 : 1},
                              .deadline = at(3'600)};
}

/// A chain of the sample world with its listing and what it has told and recorded so far.
struct SampleChain {
    explicit SampleChain(ChainParameters made, base::Listing listed = listing())
        : names(std::move(listed)), chain(std::move(made), names, start) {
        chain.set_price(eth_swap, eth_price);
        chain.set_price(btc_perp, btc_price);
    }

    /// Advances to `second` after the start and collects what comes of it.
    void run_to(std::int64_t second) {
        chain.advance_to(at(second));
        collect();
    }
    /// Collects records and notices.
    void collect() {
        for (auto& record : chain.take_records()) records.push_back(std::move(record));
        for (auto& one : chain.take_notices()) told.push_back(std::move(one));
    }
    /// Notices of one kind, in order.
    template <class Notice>
    [[nodiscard]] std::vector<Notice> heard() const {
        std::vector<Notice> found;
        for (const auto& one : told) {
            if (const auto* notice = std::get_if<Notice>(&one.notice)) found.push_back(*notice);
        }
        return found;
    }
    /// What the chain says of a reference. **Requires:** that it answers.
    [[nodiscard]] ledger::OrderNotice asked(const base::OrderRef& of) {
        return std::get<ledger::OrderNotice>(chain.ask(of));
    }

    base::Listing names;
    Chain chain;
    std::vector<Record> records{};
    std::vector<Told> told{};
};

/// The sum of all holdings of `asset`; zero on any chain at any time.
inline std::int64_t sum_of(const Book& book, base::AssetId asset) {
    std::int64_t sum = 0;
    for (const auto& [key, held] : book.balances()) sum += key.second == asset ? held.v : 0;
    return sum;
}

}  // namespace crossclear::shards::simulated::sample
