#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/instruction/commands.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

/// What became true of one settlement instruction.

namespace crossclear::ledger::instruction {

/// The duty stands with all its legs.
struct InstructionCreated {
    Purpose purpose{Purpose::move};
    std::optional<base::EntityId> beneficiary;
    std::vector<Leg> legs;
    base::AssetId gas_asset;
    base::Duration order_lifetime;
    std::uint32_t attempts_max{};
    base::Timestamp at;

    friend bool operator==(const InstructionCreated&, const InstructionCreated&) = default;
};

/// An order of a leg left for its shard: INFLIGHT_OUT / NOSTRO (take_margin: INFLIGHT_OUT /
/// POSTED). Each attempt has a reference of its own, and the one before it is known never to take
/// effect.
struct LegSent {
    std::uint32_t leg{};      ///< 1-based.
    std::uint32_t attempt{};  ///< 1-based.
    OrderKind order{OrderKind::pay_out};
    base::ShardId shard;
    base::AssetId asset;
    base::Amount amount;
    base::Timestamp deadline;
    base::Timestamp at;

    friend bool operator==(const LegSent&, const LegSent&) = default;
};

/// An attempt stands in a block that may still be replaced. Books nothing.
struct LegIncluded {
    std::uint32_t leg{};
    std::uint32_t attempt{};
    std::uint64_t block{};
    friend bool operator==(const LegIncluded&, const LegIncluded&) = default;
};

/// Its block was replaced; it may be included again. Books nothing.
struct LegReorged {
    std::uint32_t leg{};
    std::uint32_t attempt{};
    friend bool operator==(const LegReorged&, const LegReorged&) = default;
};

/// A leg's effect is final. pay_out: TRANSIT / INFLIGHT_OUT. bridge_out: nothing, the tokens stay
/// in flight. arrival: NOSTRO / INFLIGHT_OUT of the sending shard. post_margin: POSTED /
/// INFLIGHT_OUT. take_margin: NOSTRO / INFLIGHT_OUT. GAS / NOSTRO.
struct LegFinal {
    std::uint32_t leg{};
    std::uint32_t attempt{};
    LegKind kind{LegKind::order};
    OrderKind order{OrderKind::pay_out};
    base::ShardId shard;
    base::ShardId from_shard;  ///< arrival: where the tokens came from.
    base::AssetId asset;
    base::Amount amount;
    std::uint64_t block{};
    base::AssetId gas_asset;
    base::Amount gas;
    base::Timestamp at;

    friend bool operator==(const LegFinal&, const LegFinal&) = default;
};

/// An attempt will never take effect: NOSTRO / INFLIGHT_OUT (take_margin: POSTED / INFLIGHT_OUT),
/// GAS / NOSTRO.
struct LegFailed {
    std::uint32_t leg{};
    std::uint32_t attempt{};
    OrderKind order{OrderKind::pay_out};
    base::ShardId shard;
    base::AssetId asset;
    base::Amount amount;
    std::uint64_t block{};
    ShardRefusal reason{ShardRefusal::none};
    base::AssetId gas_asset;
    base::Amount gas;
    base::Timestamp at;

    friend bool operator==(const LegFailed&, const LegFailed&) = default;
};

/// How an instruction ended.
enum class Outcome : std::uint8_t {
    settled = 1,
    compensated = 2,  ///< Nothing took effect: before the pivot, attempts exhausted.
    manual = 3,       ///< After the pivot and stuck: an operator's case, its holds kept.
};

/// Nothing more will be done about it, except by an operator.
struct InstructionEnded {
    Outcome outcome{Outcome::settled};
    ShardRefusal reason{ShardRefusal::none};
    base::Timestamp at;
    friend bool operator==(const InstructionEnded&, const InstructionEnded&) = default;
};

using Event = std::variant<InstructionCreated, LegSent, LegIncluded, LegReorged, LegFinal,
                           LegFailed, InstructionEnded>;

}  // namespace crossclear::ledger::instruction
