#pragma once

#include <cstdint>

/// Why commands to a hedge task are refused.

namespace crossclear::ledger::hedge {

/// Why a hedge task refused a command, in the order `decide` looks: the first that holds is given.
/// Internal numbers, never reused; none reaches a client.
enum class Reject : std::uint16_t {
    planned_differently = 31001,  ///< The task exists and has another duty.
    quantity_must_not_be_zero = 31002,
    slices_out_of_range = 31003,      ///< None, or more than limits::slices_max.
    costs_must_match_slices = 31004,  ///< Not one per slice, or too small for its slice.
    slices_must_share_sign = 31005,
    slices_must_sum_to_quantity = 31006,
    deadline_must_follow = 31007,  ///< Not after the time of planning.
    task_is_not_planned = 31008,
    notice_contradicts_order =
        31009,                   ///< The shard tells what the order cannot have done: a defect.
    figures_incredible = 31010,  ///< Gas, cash or price that cannot be, or that no books hold.
};

/// Whether it shows a defect of a shard or of ours: the host pages, and nothing was changed.
[[nodiscard]] bool is_defect(Reject reject);

/// Whether the shard is to be believed no more: its lane is frozen until an operator has looked.
[[nodiscard]] bool accuses_shard(Reject reject);

/// The enumerator's name, for logs and metrics.
[[nodiscard]] const char* name_of(Reject reject);

}  // namespace crossclear::ledger::hedge
