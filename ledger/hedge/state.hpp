#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/hedge/events.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What we know of one hedge task. Folded from its events; equal events, equal state.

namespace crossclear::ledger::hedge {

/// How far one slice has come. Only `filled` and `failed` never change again.
enum class SliceStatus : std::uint8_t {
    planned = 0,
    sent = 1,      ///< Left for the shard; what became of it is not known.
    included = 2,  ///< In a block that may still be replaced.
    filled = 3,
    failed = 4,
};

/// What became of one slice of the schedule. The schedule itself stands in the task's terms.
struct SliceProgress {
    SliceStatus status{SliceStatus::planned};
    std::uint64_t block{};    ///< Where it is included or final; 0 before.
    base::Amount given{};     ///< Once filled.
    base::Amount received{};  ///< Once filled.
    base::Amount filled{};    ///< Once filled: signed, of the base.

    friend bool operator==(const SliceProgress&, const SliceProgress&) = default;
};

/// Whether the task still sends, only waits, or has ended.
enum class Phase : std::uint8_t { unplanned = 0, working = 1, cancelled = 2, finished = 3 };

/// One hedge task. The host sets `id` before the first event.
struct State {
    base::EntityId id{};
    Phase phase{Phase::unplanned};
    HedgeCommitted terms{};               ///< The whole schedule, as it was committed.
    std::vector<SliceProgress> slices{};  ///< One per slice of the terms; slice n stands at n - 1.
    base::Amount filled{};                ///< Signed sum over slices.

    friend bool operator==(const State&, const State&) = default;
};

/// Whether its order may still take effect: sent, and no final word about it.
[[nodiscard]] bool is_in_flight(SliceStatus status);

/// Whether any order of the task may still take effect.
[[nodiscard]] bool has_orders_in_flight(const State& state);

/// When the task must look at its schedule next; nothing once nothing more will be sent.
[[nodiscard]] std::optional<base::Timestamp> next_wake(const State& state);
/// The same where nothing could be decided at `now`: what came early is still owed. After its
/// deadline a task waits for the end of its orders alone, however long a shard is away.
[[nodiscard]] std::optional<base::Timestamp> wake_still_owed(const State& state,
                                                             base::Timestamp now);

/// What a slice pays with: the settlement token when buying, the base when selling.
[[nodiscard]] base::AssetId given_asset_of(const HedgeCommitted& terms);

/// What a slice pays for.
[[nodiscard]] base::AssetId received_asset_of(const HedgeCommitted& terms);

/// What slice `number` may give at most; zero for a contract. **Requires:** a slice of the terms.
[[nodiscard]] base::Amount given_max_of(const HedgeCommitted& terms, std::uint32_t number);

/// The order of slice `number`, the same whenever it is asked for. **Requires:** as above.
[[nodiscard]] ShardOrder order_of(const State& state, std::uint32_t number);

/// The canonical text of a schedule and its salt: what the commitment hashes and what is published
/// when the task has ended, so that anybody can compare.
[[nodiscard]] std::string schedule_text(const base::EntityId& task, const HedgeCommitted& terms);

}  // namespace crossclear::ledger::hedge
