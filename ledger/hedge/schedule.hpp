#pragma once

#include "base/amount.hpp"
#include "base/time.hpp"
#include "ledger/hedge/events.hpp"

#include <cstdint>
#include <vector>

/// How a task's quantity is cut into slices that nobody can foresee.

namespace crossclear::ledger::hedge {

/// What a schedule is drawn for.
struct ScheduleTerms {
    base::Amount quantity;  ///< Signed, not zero.
    base::Amount reserved;  ///< What all slices together may cost; zero for a contract.
    std::uint32_t slices_max{};
    base::Duration spread;  ///< Slices are sent within this time.
    base::Timestamp from;
};

/// Slices by the time of their sending, what each may cost, and the salt of the commitment.
struct Schedule {
    std::vector<Slice> slices;
    std::vector<base::Amount> cost_max;  ///< One per slice; they sum to what was reserved.
    std::uint64_t salt{};

    friend bool operator==(const Schedule&, const Schedule&) = default;
};

/// Draws a schedule: 1 to `slices_max` slices, each but the last between half and one and a half of
/// an even share of what is left, at times spread evenly by chance. The same seed gives the same
/// schedule. **Rounding:** costs down; the last slice takes the rest.
[[nodiscard]] Schedule draw_schedule(const ScheduleTerms& terms, std::uint64_t seed);

}  // namespace crossclear::ledger::hedge
