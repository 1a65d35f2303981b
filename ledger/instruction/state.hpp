#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/instruction/events.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// What we know of one settlement instruction. Folded from its events; equal events, equal state.

namespace crossclear::ledger::instruction {

/// Attempts of one leg share a thousand order numbers, so that a reference names leg and attempt.
inline constexpr std::uint32_t order_numbers_per_leg = 1'000;
inline constexpr std::uint32_t attempts_per_leg_max = order_numbers_per_leg - 1;

/// The order reference's number of an attempt. **Requires:** both from 1, the attempt in range.
[[nodiscard]] constexpr std::uint32_t order_number(std::uint32_t leg, std::uint32_t attempt) {
    CHECK(attempt <= attempts_per_leg_max, "an attempt fits beside its leg");
    return leg * order_numbers_per_leg + attempt;
}

/// The leg that an order number names; 0 for a number that names none.
[[nodiscard]] constexpr std::uint32_t leg_of(std::uint32_t number) noexcept {
    return number / order_numbers_per_leg;
}

/// The attempt that an order number names; 0 for a number that names none.
[[nodiscard]] constexpr std::uint32_t attempt_of(std::uint32_t number) noexcept {
    return number % order_numbers_per_leg;
}

/// How far one leg has come.
enum class LegStatus : std::uint8_t {
    ready = 0,     ///< Nothing of it is in flight: not started, or its last attempt failed.
    sent = 1,      ///< An attempt left for the shard; what became of it is not known.
    included = 2,  ///< The attempt stands in a block that may still be replaced.
    final = 3,     ///< Took effect for good. Never changes again.
};

/// What became of one leg. What it is stands in the instruction's terms.
struct LegProgress {
    LegStatus status{LegStatus::ready};
    std::uint32_t attempt{};     ///< The latest one; 0 before the first, and for an arrival.
    base::Timestamp deadline{};  ///< Of the latest attempt.
    std::uint64_t block{};       ///< Where it is included or final; 0 before.
    ShardRefusal last_refusal{ShardRefusal::none};  ///< Why the latest attempt failed.

    friend bool operator==(const LegProgress&, const LegProgress&) = default;
};

/// Whether the duty stands, and whether it is over.
enum class Phase : std::uint8_t { uncreated = 0, open = 1, ended = 2 };

/// One settlement instruction. The host sets `id` before the first event.
struct State {
    base::EntityId id{};
    Phase phase{Phase::uncreated};
    InstructionCreated terms{};
    std::vector<LegProgress> legs{};  ///< One per leg of the terms; leg n stands at n - 1.
    base::Timestamp due_at{};         ///< When the next attempt became due.
    std::uint64_t last_final_block{};
    Outcome outcome{Outcome::settled};        ///< Once ended.
    ShardRefusal reason{ShardRefusal::none};  ///< Once ended.

    friend bool operator==(const State&, const State&) = default;
};

/// The first leg that is not final, from 1; one past the last when all are.
[[nodiscard]] std::uint32_t current_leg(const State& state);

/// Whether an attempt of the current leg may still take effect.
[[nodiscard]] bool has_order_in_flight(const State& state);

/// Whether any leg took effect for good, and whether a pivot did.
[[nodiscard]] bool has_final_leg(const State& state);
[[nodiscard]] bool has_passed_pivot(const State& state);

/// Whether the current leg has failed and another attempt would be of no use or is one too many.
/// Before the pivot, what cannot improve is not tried again; after it every attempt is used.
[[nodiscard]] bool is_exhausted(const State& state);

/// When the next attempt is due; nothing while one is in flight, or when there is none to come.
[[nodiscard]] std::optional<base::Timestamp> next_wake(const State& state);

/// The order of a leg's latest attempt. **Requires:** an order leg with an attempt.
[[nodiscard]] ShardOrder order_of(const State& state, std::uint32_t leg);

}  // namespace crossclear::ledger::instruction
