#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/hedge/events.hpp"
#include "ledger/words.hpp"

#include <variant>

/// What the world owes a hedge task's events.

namespace crossclear::ledger::hedge {

/// Hands an order to its lane; safe to repeat, the reference is the same.
struct SendOrder {
    ShardOrder order;
    friend bool operator==(const SendOrder&, const SendOrder&) = default;
};

/// Wakes the task for its next slice or its deadline.
struct WakeAt {
    base::Timestamp at;
    friend bool operator==(const WakeAt&, const WakeAt&) = default;
};

/// Tells netting that the task ended.
struct ReportFinished {
    base::EntityId task;
    base::Amount filled;
    friend bool operator==(const ReportFinished&, const ReportFinished&) = default;
};

using Effect = std::variant<SendOrder, WakeAt, ReportFinished>;

}  // namespace crossclear::ledger::hedge
