#pragma once

#include "ledger/account/machine.hpp"

#include <optional>
#include <vector>

/// What all decisions of an account share. Inside this machine only.

namespace crossclear::ledger::account {

/// Hands out what was decided. The checks that a decision makes on the way keep the invariants at
/// the cost of what it touches; in tests and simulation all of them are looked at here.
[[nodiscard]] Decision propose(const State& state, std::vector<Event> events);
[[nodiscard]] Decision propose(const State& state, Event event);

/// A refusal: journaled where it depends on the moment.
[[nodiscard]] Decision refuse(const State& state, base::CommandId cause, std::uint64_t body,
                              Reject reason, base::Timestamp at);

/// The decision that identity alone allows: a repeat, a reused id, or one out of the window in
/// which answers are remembered. Nothing where the command is new.
[[nodiscard]] std::optional<Decision> decide_by_identity(const State& state, base::CommandId id,
                                                         std::uint64_t body,
                                                         base::Timestamp received_at);

/// Whether the client owes the broker anything, in whatever asset: it repays before it takes
/// anything out.
[[nodiscard]] bool has_debt(const State& state);

}  // namespace crossclear::ledger::account
