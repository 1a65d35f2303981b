#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "ledger/instruction/events.hpp"
#include "ledger/words.hpp"

#include <cstdint>
#include <optional>
#include <variant>

/// What the world owes an instruction's events.

namespace crossclear::ledger::instruction {

/// Hands an order to its lane; safe to repeat.
struct SendOrder {
    ShardOrder order;
    friend bool operator==(const SendOrder&, const SendOrder&) = default;
};

/// Wakes the instruction.
struct WakeAt {
    base::Timestamp at;
    friend bool operator==(const WakeAt&, const WakeAt&) = default;
};

/// Tells who asked for it how it ended: the withdrawal, or netting.
struct ReportEnded {
    base::EntityId instruction;
    std::optional<base::EntityId> beneficiary;
    Outcome outcome{Outcome::settled};
    ShardRefusal reason{ShardRefusal::none};
    std::uint64_t block{};  ///< Of the last final leg.
    friend bool operator==(const ReportEnded&, const ReportEnded&) = default;
};

using Effect = std::variant<SendOrder, WakeAt, ReportEnded>;

}  // namespace crossclear::ledger::instruction
