#pragma once

#include "base/check.hpp"

#include <utility>
#include <vector>

/// How a decision of several events is put together.

namespace crossclear::ledger {

/// Events of one decision, each proposed on the state that those before it lead to.
///
/// **Requires:** `apply` and `check_invariants` of the machine beside its state.
template <class State, class Event>
class Proposal {
public:
    explicit Proposal(const State& state) : state_(state) {}

    /// Appends an event and applies it to the state that the next one is proposed on.
    void add(Event event) {
        // As a constant: std::apply would otherwise fit better than the machine's own.
        apply(state_, std::as_const(event));
        events_.push_back(std::move(event));
    }

    /// What the events so far lead to.
    [[nodiscard]] const State& state() const { return state_; }

    /// The events. No event that breaks an invariant is ever written.
    [[nodiscard]] std::vector<Event> done() && {
        CHECK(!check_invariants(state_), "a decision keeps the invariants of its machine");
        return std::move(events_);
    }

private:
    State state_;
    std::vector<Event> events_;
};

}  // namespace crossclear::ledger
