#pragma once

#include <cstdint>

/// Why commands to a reconciler are refused.

namespace crossclear::ledger::reconcile {

/// Why a reconciler refused a command, in the order `decide` looks, ids first: the first that
/// holds is given. Internal numbers, never reused.
enum class Reject : std::uint16_t {
    block_went_backwards = 34001,  ///< A final block is never taken back.
    asset_listed_twice = 34002,
    difference_out_of_range = 34003,  ///< Book and shard are further apart than 64 bits.
    too_many_breaks = 34004,          ///< More than limits::breaks_open_max.
    reason_is_missing = 34005,        ///< An operator says why.
    no_such_break = 34006,
    id_reused_with_other_body = 34007,
    id_too_old = 34008,                   ///< Older than what is remembered.
    difference_is_not_of_tokens = 34009,  ///< Margin or positions differ: nothing can be booked.
    difference_has_changed = 34012,       ///< Since the host asked what can be booked.
    tokens_are_promised = 34010,          ///< What is missing is reserved by tasks or withdrawals.
    loss_is_not_bearable = 34011,         ///< Too little CAPITAL, or clients would not be covered.
};

/// Whether it shows a defect of a shard or of ours: the host pages, and nothing was changed.
[[nodiscard]] bool is_defect(Reject reject);

/// The enumerator's name, for the wire's `reason`, logs and metrics.
[[nodiscard]] const char* name_of(Reject reject);

}  // namespace crossclear::ledger::reconcile
