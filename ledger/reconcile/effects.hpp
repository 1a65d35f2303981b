#pragma once

#include "base/ids.hpp"

#include <variant>

/// What the world owes a reconciliation's events.

namespace crossclear::ledger::reconcile {

/// Stops the lane for either reason, or lets it go on.
struct SetLane {
    bool is_frozen{};  ///< Because of a break.
    bool is_paused{};  ///< By an operator.
    friend bool operator==(const SetLane&, const SetLane&) = default;
};

using Effect = std::variant<SetLane>;

}  // namespace crossclear::ledger::reconcile
