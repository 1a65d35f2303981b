#pragma once

#include "base/ids.hpp"

#include <variant>

/// What the world owes a reconciliation's events.

namespace crossclear::ledger::reconcile {

/// Stops the lane, or lets it go on.
struct SetLaneFrozen {
    bool is_frozen{};
    friend bool operator==(const SetLaneFrozen&, const SetLaneFrozen&) = default;
};

using Effect = std::variant<SetLaneFrozen>;

}  // namespace crossclear::ledger::reconcile
