#pragma once

#include "ledger/netting/machine.hpp"

#include <gtest/gtest.h>

#include <vector>

/// What the tests of the house start from.

namespace crossclear::ledger::netting::builders {

inline constexpr base::BrokerId broker{0};
inline constexpr base::AssetId usdc{0};

/// The house of `broker`, over two partitions, not founded.
inline State a_house() {
    State state;
    state.id = base::entity_of(base::EntityKind::netting, broker);
    state.partitions = 2;
    return state;
}

/// Decides and applies; the events, none where it was refused.
inline std::vector<Event> run(State& state, const Command& command) {
    const auto decision = decide(state, command);
    if (!decision) return {};
    for (const auto& event : *decision) apply(state, event);
    EXPECT_EQ(check_invariants(state), std::nullopt);
    return *decision;
}

}  // namespace crossclear::ledger::netting::builders
