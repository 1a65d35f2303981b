#pragma once

#include "base/amount.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/reconcile/events.hpp"

#include <cstdint>
#include <map>

/// What we know of one broker's agreement with one shard. Folded from its events.

namespace crossclear::ledger::reconcile {

/// An open disagreement about one asset.
struct Break {
    BreakKind kind{BreakKind::timing};
    base::Amount difference{};  ///< Positive: the shard has more.
    std::uint64_t opened_block{};
    base::Timestamp opened_at{};

    friend bool operator==(const Break&, const Break&) = default;
};

/// What was booked to SUSPENSE and nobody bears yet.
struct Suspended {
    base::Amount missing{};  ///< Not zero; negative where there is more than was booked.
    std::uint64_t block{};   ///< Of the latest break in it.
    base::Timestamp at{};

    friend bool operator==(const Suspended&, const Suspended&) = default;
};

/// One reconciler. The host sets `id` before the first event.
struct State {
    base::EntityId id{};
    std::uint64_t block{};                    ///< Everything was compared up to here; 0: nothing.
    std::map<base::AssetId, Break> breaks{};  ///< Open ones.
    std::map<base::AssetId, Suspended> suspended{};
    bool is_lane_frozen{};
    bool is_lane_paused{};             ///< By an operator.
    std::uint32_t lane_words_count{};  ///< How often the lane was told how it stands.
    std::map<base::CommandId, std::uint64_t> answered{};  ///< Bodies of operators' commands.
    base::CommandId floor{};  ///< Ids up to here are too old: their bodies were evicted.

    friend bool operator==(const State&, const State&) = default;
};

/// Whether orders may not leave, for whatever reason.
[[nodiscard]] bool is_lane_stopped(const State& state);

/// Whether a break of this kind stops the lane until an operator has said why.
[[nodiscard]] bool stops_lane(BreakKind kind);

/// Whether any open break does.
[[nodiscard]] bool has_stopping_break(const State& state);

}  // namespace crossclear::ledger::reconcile
