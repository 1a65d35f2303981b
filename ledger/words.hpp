#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// The words that several machines and the shards share. No logic.

namespace crossclear::ledger {

/// How certain a shard is of something. Order matters: later is more certain.
enum class Finality : std::uint8_t {
    unseen = 0,    ///< Nobody has seen it.
    seen = 1,      ///< In a mempool.
    included = 2,  ///< In a block that may still be replaced.
    safe = 3,      ///< Unlikely to be replaced.
    final = 4,     ///< Will not be replaced.
};

/// Why a shard will never execute an order. Stored; numbers are never reused.
enum class ShardRefusal : std::uint8_t {
    none = 0,
    expired = 1,              ///< Its deadline block passed without it.
    price_outside_bound = 2,  ///< Slippage beyond what the order allowed.
    insufficient_balance = 3,
    capacity_exceeded = 4,  ///< The protocol cannot take that much.
    reverted = 5,           ///< The protocol's own reason.
    unsupported = 6,        ///< Not something this shard does.
    protocol_failed = 7,    ///< The protocol is gone.
};

/// What an order asks a shard to do.
enum class OrderKind : std::uint8_t {
    swap = 1,         ///< Give one token, receive another.
    contract = 2,     ///< Change a position at a venue.
    pay_out = 3,      ///< Send tokens to a client's address.
    bridge_out = 4,   ///< Send tokens to the broker's own address on another shard.
    post_margin = 5,  ///< Move tokens into the venue.
    take_margin = 6,  ///< Move tokens out of the venue.
};

/// Ours to a shard. Everything the effect depends on; equal references mean equal orders.
struct ShardOrder {
    base::OrderRef ref{};
    base::ShardId shard{};
    OrderKind kind{OrderKind::swap};
    base::InstrumentId instrument{};  ///< swap, contract.
    base::Amount quantity{};          ///< swap, contract: signed units of the instrument's base.
    base::Price bound{};              ///< swap, contract: worst price per unit.
    base::AssetId asset{};            ///< The others: what is moved.
    base::Amount amount{};            ///< The others: how much, positive.
    base::ShardId to_shard{};         ///< bridge_out.
    std::string destination{};        ///< pay_out: the client's address.
    base::Timestamp deadline{};       ///< No effect in a block later than this, ever.

    friend bool operator==(const ShardOrder&, const ShardOrder&) = default;
};

/// What became of an order, as the shard tells it. `finality` unseen with refusal none: not known
/// there. A refusal counts once `finality` is final.
struct OrderNotice {
    base::OrderRef ref{};
    Finality finality{Finality::unseen};
    std::uint64_t block{};  ///< Where it was included; 0 before.
    ShardRefusal refusal{ShardRefusal::none};
    base::Amount given{};  ///< Paid by the broker, positive: of `given_asset`.
    base::AssetId given_asset{};
    base::Amount received{};  ///< Received by the broker, positive: of `received_asset`.
    base::AssetId received_asset{};
    base::Amount filled{};  ///< contract: signed units executed.
    base::Price price{};    ///< swap, contract: the average, for reports.
    base::Amount gas{};     ///< Paid in the shard's gas asset, also when refused on chain.

    friend bool operator==(const OrderNotice&, const OrderNotice&) = default;
};

/// A client's transfer to a broker, found on a shard. `id` is the chain's own and never repeats.
struct DepositNotice {
    std::uint64_t id{};
    base::ShardId shard{};
    base::AccountId account{};
    base::AssetId asset{};
    base::Amount amount{};
    Finality finality{Finality::unseen};  ///< unseen again: reorganised away.
    std::uint64_t block{};                ///< Where it is, or was until that was replaced.

    friend bool operator==(const DepositNotice&, const DepositNotice&) = default;
};

/// A deposit by shard and by the chain's own number.
struct DepositKey {
    base::ShardId shard{};
    std::uint64_t id{};

    friend constexpr auto operator<=>(const DepositKey&, const DepositKey&) = default;
};

/// Our own tokens arriving from another shard, by the reference of the order that sent them.
struct ArrivalNotice {
    base::OrderRef ref{};
    base::ShardId shard{};
    base::AssetId asset{};
    base::Amount amount{};
    Finality finality{Finality::unseen};
    std::uint64_t block{};

    friend bool operator==(const ArrivalNotice&, const ArrivalNotice&) = default;
};

/// Profit or loss that a venue settled with the broker; told once final, numbered without gaps. A
/// loss beyond the margin takes all of the margin and the position: a liquidation.
struct VariationNotice {
    base::ShardId shard{};
    std::uint64_t number{};  ///< Counted per broker and shard, from 1.
    base::InstrumentId instrument{};
    base::Amount change{};  ///< Positive is the broker's gain, in the settlement token.
    base::Amount closed{};  ///< What a liquidation, or the contract's end, added to the position.
    std::uint64_t block{};

    friend bool operator==(const VariationNotice&, const VariationNotice&) = default;
};

/// Every deposit that stands in these final blocks has been told before this, as final. Told after
/// a rescan, by a shard that does not remember what it has once told: a deposit that was told there
/// earlier and was not told now stood in a block that has been replaced.
struct RescanNotice {
    base::ShardId shard{};
    std::uint64_t from_block{};
    std::uint64_t block{};  ///< The last of them.

    friend bool operator==(const RescanNotice&, const RescanNotice&) = default;
};

using ShardNotice =
    std::variant<OrderNotice, DepositNotice, ArrivalNotice, VariationNotice, RescanNotice>;

/// How a client's balance of one asset changes; zeros for what does not. RECV grows when the client
/// owes more; the others grow when it has more.
struct BalanceChange {
    base::AssetId asset;
    base::Amount seen;
    base::Amount free;
    base::Amount unsettled;
    base::Amount held;
    base::Amount recv;

    friend bool operator==(const BalanceChange&, const BalanceChange&) = default;
};

}  // namespace crossclear::ledger
