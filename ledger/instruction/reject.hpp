#pragma once

#include <cstdint>

/// Why commands to a settlement instruction are refused.

namespace crossclear::ledger::instruction {

/// Why an instruction refused a command, in the order `decide` looks: the first that holds is
/// given. Internal numbers, never reused; none reaches a client.
enum class Reject : std::uint16_t {
    created_differently = 32001,      ///< It exists and is another duty.
    legs_out_of_range = 32002,        ///< None, or more than limits::instruction_legs_max.
    leg_is_incomplete = 32003,        ///< No positive amount, no destination, not a transfer.
    legs_must_fit_purpose = 32004,    ///< Another last leg, or a bridge without its arrival.
    first_leg_must_be_pivot = 32012,  ///< Nothing takes back what a leg before it has done.
    lifetime_must_be_positive = 32005,
    attempts_out_of_range = 32006,  ///< None, or more than `attempts_per_leg_max`.
    instruction_is_not_created = 32007,
    notice_contradicts_order = 32008,  ///< The shard tells what the order cannot have done.
    arrival_contradicts_leg = 32009,   ///< Not the tokens that were sent.
    arrival_before_departure = 32010,  ///< The sending shard has not said its final word yet.
    figures_incredible = 32011,        ///< Gas that the broker cannot have paid.
};

/// Whether the same command may be accepted later: the host tells it again.
[[nodiscard]] bool is_transient(Reject reject);

/// Whether it shows a defect of a shard or of ours: the host pages, and nothing was changed.
[[nodiscard]] bool is_defect(Reject reject);

/// Whether the shard is to be believed no more: its lane is frozen until an operator has looked.
[[nodiscard]] bool accuses_shard(Reject reject);

/// The enumerator's name, for logs and metrics.
[[nodiscard]] const char* name_of(Reject reject);

}  // namespace crossclear::ledger::instruction
