#pragma once

#include <cstdint>

/// Why commands to a withdrawal are refused.

namespace crossclear::ledger::withdrawal {

/// Why a withdrawal refused a command, in the order `decide` looks: the first that holds is given.
/// Internal numbers, never reused.
enum class Reject : std::uint16_t {
    started_differently = 33001,  ///< It exists with another body.
    identity_must_match = 33002,  ///< Account and number are not those of the entity.
    amount_must_be_positive = 33003,
    destination_is_missing = 33004,
    withdrawal_is_not_started = 33005,
    not_yet_due = 33006,  ///< Reviewed before its delay is over.
    gate_is_closed = 33007,
    not_covered = 33008,
    already_approved = 33009,               ///< Too late to take back: it may be on its way.
    already_ended = 33010,                  ///< Too late to take back: it is paid.
    instruction_was_not_asked_for = 33011,  ///< An end of what was never opened: a defect.
    ended_differently = 33012,              ///< Paid and dropped cannot both be true: a defect.
    not_ended_yet = 33013,                  ///< An end is acknowledged that there is not: a defect.
};

/// Whether the same command may be accepted later: the host reviews again.
[[nodiscard]] bool is_transient(Reject reject);

/// Whether it shows a defect of ours: the host pages, and nothing was changed.
[[nodiscard]] bool is_defect(Reject reject);

/// The enumerator's name, for the wire's `reason`, logs and metrics.
[[nodiscard]] const char* name_of(Reject reject);

}  // namespace crossclear::ledger::withdrawal
