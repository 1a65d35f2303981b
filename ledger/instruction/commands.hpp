#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/belief.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What may be asked of one settlement instruction: a duty with legs, each on one shard.

namespace crossclear::ledger::instruction {

/// What the instruction is for; decides what its legs book.
enum class Purpose : std::uint8_t {
    withdrawal = 1,   ///< One pay_out leg.
    move = 2,         ///< bridge_out on one shard (the pivot), then an arrival on another.
    post_margin = 3,  ///< One post_margin leg.
    take_margin = 4,  ///< One take_margin leg.
};

/// How one leg is carried out.
enum class LegKind : std::uint8_t {
    order = 1,    ///< An order of ours on its shard.
    arrival = 2,  ///< Waits for tokens that another leg sent.
};

/// One leg. Legs are numbered from 1 in the order given, which is also their dependency order: a
/// leg starts when the one before it is final.
struct Leg {
    LegKind kind{LegKind::order};
    OrderKind order{OrderKind::pay_out};
    base::ShardId shard;
    base::ShardId to_shard;  ///< bridge_out.
    base::AssetId asset;
    base::Amount amount;      ///< Positive.
    std::string destination;  ///< pay_out.
    bool is_pivot{};          ///< Final here, the instruction only goes forward. The first one is.

    friend bool operator==(const Leg&, const Leg&) = default;
};

/// Opens the instruction. Sent by the netting or withdrawal host.
struct CreateInstruction {
    Purpose purpose{Purpose::move};
    std::optional<base::EntityId> beneficiary;  ///< The withdrawal it serves.
    std::vector<Leg> legs;                      ///< 1 to limits::instruction_legs_max.
    base::AssetId gas_asset;
    base::Duration order_lifetime;  ///< Each attempt's deadline after its sending.
    std::uint32_t attempts_max{};   ///< Per leg, before it counts as exhausted.
    base::Timestamp at;
};

/// Looks at what is due. Sent by the host's timer and after every event.
struct Advance {
    base::Timestamp now;
};

/// What the shard tells about one order. Sent by the lane; repeats add nothing.
struct NoteOrder {
    OrderNotice notice;
    base::Timestamp at;
    Belief belief{};
};

/// Tokens of ours arrived. Sent by the lane; repeats add nothing.
struct NoteArrival {
    ArrivalNotice notice;
    base::Timestamp at;
};

using Command = std::variant<CreateInstruction, Advance, NoteOrder, NoteArrival>;

}  // namespace crossclear::ledger::instruction
