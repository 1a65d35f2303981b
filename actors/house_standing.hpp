#pragma once

#include "base/amount.hpp"
#include "base/limits.hpp"
#include "risk/kernel/limits.hpp"

#include <cstdint>
#include <vector>

namespace crossclear::actors {

/// Where a broker's house stands past its limits and caps. What it says is true of one universe.
struct HouseStanding {
    std::uint64_t epoch{};            ///< Of the home that says it,
    std::uint64_t number{};           ///< and which of its words it is.
    bool is_reduce_only{};            ///< Cover-2 is beyond the waterfall.
    std::uint32_t protocols_past{};   ///< A bit each, in the universe's order.
    std::int64_t client_max_cents{};  ///< Of one account's stress; 0: there is no limit.
    bool is_unsettled_full{};         ///< Claims of all accounts are at their cap.
    bool is_exposure_full{};          ///< What all accounts hold and owe is at its cap.
    std::uint64_t shards_full{};      ///< A bit for each that is at a cap.
    std::uint32_t protocols_full{};   ///< The same, in the universe's order.
    /// What all accounts hold and owe of each asset, in minor units; empty where no CG asks for it.
    std::vector<base::Amount> open_interest{};

    friend bool operator==(const HouseStanding&, const HouseStanding&) = default;
};
static_assert(risk::kernel::limits::protocols_max <= 32, "a bit each");
static_assert(base::limits::shards_max <= 64, "a bit each");

}  // namespace crossclear::actors
