#pragma once

#include "base/ids.hpp"
#include "ledger/withdrawal/events.hpp"
#include "ledger/words.hpp"

#include <cstdint>

/// What we know of one withdrawal. Folded from its events; equal events, equal state.

namespace crossclear::ledger::withdrawal {

/// How far a withdrawal has come. Submitted, included and final are its instruction's business.
enum class Phase : std::uint8_t {
    unstarted = 0,
    queued = 1,    ///< Held and waiting: for its delay, then for gate and cover.
    approved = 2,  ///< May be on its way; only its instruction can end it now.
    completed = 3,
    dropped = 4,
};

/// One withdrawal. The host sets `id` before the first event.
struct State {
    base::EntityId id{};
    Phase phase{Phase::unstarted};
    WithdrawalQueued terms{};
    std::uint64_t block{};                    ///< Once completed.
    ShardRefusal reason{ShardRefusal::none};  ///< Once dropped; none: cancelled.
    bool is_acknowledged{};                   ///< The account has booked the end.

    friend bool operator==(const State&, const State&) = default;
};

/// The identity of the instruction that pays it: the withdrawal's own account and number, so that
/// it can only be opened once.
[[nodiscard]] base::EntityId instruction_of(const State& state);

}  // namespace crossclear::ledger::withdrawal
