#include "ledger/reconcile/state.hpp"

#include <algorithm>

namespace crossclear::ledger::reconcile {

bool is_lane_stopped(const State& state) { return state.is_lane_frozen || state.is_lane_paused; }

bool has_unexplained_outflow(const State& state) {
    return std::any_of(state.breaks.begin(), state.breaks.end(), [](const auto& entry) {
        return entry.second.kind == BreakKind::unexplained_outflow;
    });
}

}  // namespace crossclear::ledger::reconcile
