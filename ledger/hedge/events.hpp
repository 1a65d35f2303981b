#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/hedge/commands.hpp"
#include "ledger/journal/port.hpp"
#include "ledger/words.hpp"

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

/// What became true of one hedge task.

namespace crossclear::ledger::hedge {

/// The schedule is fixed and its hash published.
struct HedgeCommitted {
    base::InstrumentId instrument;
    base::ShardId shard;
    bool is_contract{};
    base::AssetId base;
    base::AssetId settlement;
    base::AssetId gas_asset;
    base::Amount quantity;
    base::Price bound;
    std::vector<Slice> slices;
    std::vector<base::Amount> cost_max;
    std::uint64_t salt{};
    journal::Digest commitment{};  ///< SHA-256 of the schedule's text and the salt.
    base::Timestamp deadline;
    base::Timestamp at;

    friend bool operator==(const HedgeCommitted&, const HedgeCommitted&) = default;
};

/// An order left for the shard: INFLIGHT_OUT / NOSTRO at its maximum cost (nothing for a contract).
struct SliceSent {
    std::uint32_t number{};  ///< 1-based slice, the order reference's number.
    base::ShardId shard;
    base::AssetId given_asset;
    base::Amount given_max;  ///< Zero for a contract.
    base::Timestamp at;

    friend bool operator==(const SliceSent&, const SliceSent&) = default;
};

/// The order stands in a block that may still be replaced. Books nothing.
struct SliceIncluded {
    std::uint32_t number{};
    std::uint64_t block{};
    friend bool operator==(const SliceIncluded&, const SliceIncluded&) = default;
};

/// Its block was replaced; the order may be included again. Books nothing.
struct SliceReorged {
    std::uint32_t number{};
    friend bool operator==(const SliceReorged&, const SliceReorged&) = default;
};

/// The order took effect for good. In kind: CONV / INFLIGHT_OUT what was given, NOSTRO /
/// INFLIGHT_OUT the rest, NOSTRO / CONV what was received. Contract: memo VPOS / venue. GAS /
/// NOSTRO.
struct SliceFilled {
    std::uint32_t number{};
    base::ShardId shard;
    std::uint64_t block{};
    bool is_contract{};
    base::AssetId base;
    base::AssetId given_asset;
    base::Amount given_max;
    base::Amount given;
    base::AssetId received_asset;
    base::Amount received;
    base::Amount filled;  ///< Signed, of the base.
    base::Price price;
    base::AssetId gas_asset;
    base::Amount gas;
    base::Timestamp at;

    friend bool operator==(const SliceFilled&, const SliceFilled&) = default;
};

/// The order will never take effect: NOSTRO / INFLIGHT_OUT, GAS / NOSTRO.
struct SliceFailed {
    std::uint32_t number{};
    base::ShardId shard;
    std::uint64_t block{};
    ShardRefusal reason{ShardRefusal::none};
    base::AssetId given_asset;
    base::Amount given_max;
    base::AssetId gas_asset;
    base::Amount gas;
    base::Timestamp at;

    friend bool operator==(const SliceFailed&, const SliceFailed&) = default;
};

/// Why a task ended.
enum class HedgeOutcome : std::uint8_t { filled = 1, partly_filled = 2, unfilled = 3 };

/// Nothing is in flight any more and nothing more will be sent; the schedule and its salt may be
/// published. What is not filled goes back to netting.
struct HedgeFinished {
    HedgeOutcome outcome{HedgeOutcome::unfilled};
    base::Amount filled;  ///< Signed.
    base::Timestamp at;

    friend bool operator==(const HedgeFinished&, const HedgeFinished&) = default;
};

/// The rest was called off before its time.
struct HedgeCancelled {
    base::Timestamp at;
    friend bool operator==(const HedgeCancelled&, const HedgeCancelled&) = default;
};

using Event = std::variant<HedgeCommitted, SliceSent, SliceIncluded, SliceReorged, SliceFilled,
                           SliceFailed, HedgeFinished, HedgeCancelled>;

}  // namespace crossclear::ledger::hedge
