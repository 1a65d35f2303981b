#include "ledger/reconcile/state.hpp"

#include <algorithm>

namespace crossclear::ledger::reconcile {

bool is_lane_stopped(const State& state) { return state.is_lane_frozen || state.is_lane_paused; }

bool stops_lane(BreakKind kind) {
    return kind == BreakKind::unexplained_outflow || kind == BreakKind::incredible;
}

bool has_stopping_break(const State& state) {
    return std::any_of(state.breaks.begin(), state.breaks.end(),
                       [](const auto& entry) { return stops_lane(entry.second.kind); });
}

}  // namespace crossclear::ledger::reconcile
