#pragma once

#include "ledger/netting/events.hpp"
#include "ledger/netting/state.hpp"

/// How events become true, as far as several files share it. Inside this machine only.

namespace crossclear::ledger::netting {

/// Makes an event of a contract's end true. **Requires:** that it was decided on this state.
void apply_one(State& state, const PriceProposed& event);
void apply_one(State& state, const PriceDisputed& event);
void apply_one(State& state, const PriceFixed& event);

}  // namespace crossclear::ledger::netting
