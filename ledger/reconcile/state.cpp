#include "ledger/reconcile/state.hpp"

#include <algorithm>

namespace crossclear::ledger::reconcile {

bool has_unexplained_outflow(const State& state) {
    return std::any_of(state.breaks.begin(), state.breaks.end(), [](const auto& entry) {
        return entry.second.kind == BreakKind::unexplained_outflow;
    });
}

}  // namespace crossclear::ledger::reconcile
