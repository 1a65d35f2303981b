#pragma once

#include "base/amount.hpp"
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

/// One reconciler. The host sets `id` before the first event.
struct State {
    base::EntityId id{};
    std::uint64_t block{};                    ///< Everything was compared up to here; 0: nothing.
    std::map<base::AssetId, Break> breaks{};  ///< Open ones.
    bool is_lane_frozen{};
    std::uint32_t freezes_count{};  ///< How often the lane was frozen.

    friend bool operator==(const State&, const State&) = default;
};

/// Whether any open break is an outflow that nobody has explained.
[[nodiscard]] bool has_unexplained_outflow(const State& state);

}  // namespace crossclear::ledger::reconcile
