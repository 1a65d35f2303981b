#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

/// What a simulated chain is (fixed for its life) and what is wrong with it (switched at run time).

namespace crossclear::shards::simulated {

/// How one instrument trades on a chain.
///
/// The price paid is the world's price moved against the broker by `half_spread` plus
/// `impact_at_capacity` times the share of `capacity_per_block` that the order takes.
struct VenueTerms {
    base::InstrumentId instrument;
    base::Ppm half_spread;
    base::Ppm impact_at_capacity;
    base::Amount capacity_per_block;  ///< Units of the instrument's base; positive.

    friend bool operator==(const VenueTerms&, const VenueTerms&) = default;
};

/// What a broker holds in the genesis block.
struct GenesisLine {
    base::BrokerId broker;
    base::AssetId asset;
    base::Amount held;

    friend bool operator==(const GenesisLine&, const GenesisLine&) = default;
};

/// What can go wrong, and how often. Rates are chances in a million, drawn per order, notice or
/// block. None of it is remembered by the chain's log: a restart begins with the configured faults.
struct Faults {
    base::Duration
        submission_latency_max{};          ///< Uniform from 0, on top of the chain's own latency.
    std::uint32_t lost_request_ppm{};      ///< No answer, and not taken.
    std::uint32_t lost_answer_ppm{};       ///< No answer, although taken; for `ask` just no answer.
    std::uint32_t drop_ppm{};              ///< Accepted, then lost from the mempool.
    std::uint32_t refuse_ppm{};            ///< Refused before taking: a tombstone.
    std::uint32_t revert_ppm{};            ///< Included as reverted; costs gas.
    std::uint32_t reorg_ppm{};             ///< Per block: 1 to finality depth - 1 are replaced.
    std::uint32_t vanish_ppm{};            ///< Replaced orders and deposits that never come back.
    std::uint32_t duplicate_notice_ppm{};  ///< Told twice.
    std::uint32_t reorder_notice_ppm{};    ///< Told one block late. Variations keep their order.
    std::uint32_t pause_ppm{};             ///< Per block: no blocks for `pause_blocks` slots.
    std::uint32_t pause_blocks{10};
    base::Ppm capacity{base::ppm_one};    ///< What is left of each venue's capacity.
    bool is_paused{};                     ///< No blocks at all.
    bool is_unreachable{};                ///< No answers and no notices.
    std::vector<base::AssetId> failed{};  ///< Orders in these are refused: their protocol is gone.

    friend bool operator==(const Faults&, const Faults&) = default;
};

/// One chain for its whole life, except `faults`. Its log refuses to continue with other values.
struct ChainParameters {
    base::ShardId shard;  ///< Which of the listing's shards this chain is.
    base::Duration block_time{base::seconds(1)};
    std::uint32_t finality_depth{4};   ///< Blocks on top of one that make it final; at least 1.
    base::Duration inclusion_latency;  ///< From the mempool until a block may hold it.
    base::Duration bridge_latency;     ///< From the final departure to the arrival's mempool.
    base::Amount gas_per_order;        ///< In the shard's gas asset.
    base::Ppm initial_margin{50'000};  ///< Of a position's value, posted before it may grow.
    std::uint32_t variation_every_blocks{10};
    std::uint32_t transactions_per_block_max{4'096};
    std::uint64_t seed{};
    std::vector<VenueTerms> venues;  ///< One per instrument of the shard.
    std::vector<GenesisLine> genesis;
    Faults faults;
};

/// Orders, deposits and arrivals waiting for a block; beyond it the chain does not answer.
inline constexpr std::size_t mempool_max = 65'536;

}  // namespace crossclear::shards::simulated
