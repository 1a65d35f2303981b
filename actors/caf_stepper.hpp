#pragma once

#include "actors/stepper.hpp"

#include <caf/fwd.hpp>

#include <memory>

namespace crossclear::actors {

/// The stepper of an actor system, with a way to end it.
class CafStepper : public Stepper {
public:
    /// Runs everything that waits and forgets all timers, until nothing is left: an actor that
    /// still has a message, or a timer, would keep its system from ending.
    virtual void run_out() = 0;
};

/// The hand on a system; null unless its scheduler is the one for tests.
[[nodiscard]] std::unique_ptr<CafStepper> make_stepper(caf::actor_system& system);

}  // namespace crossclear::actors
