#pragma once

#include <cstdint>

/// Why commands to a signing lane are refused.

namespace crossclear::ledger::signing {

/// Why a signing lane refused a command, in the order `decide` looks: the first that holds is
/// given. Internal numbers, never reused.
enum class Reject : std::uint16_t {
    lane_is_not_open = 35001,
    ref_reused_with_other_body = 35002,
    no_such_transaction = 35003,  ///< Finished since, or never planned.
    transaction_differs = 35004,  ///< Signed with other bytes before.
    hash_is_not_ours = 35005,
    call_is_too_long = 35006,
    fees_are_inverted = 35007,   ///< A tip above the whole fee, or a fee of nothing.
    lane_is_halted = 35008,      ///< Until an operator has looked.
    lane_is_full = 35009,        ///< As many nonces are unfinished as nodes keep of one key.
    key_is_in_use = 35010,       ///< Transactions of the key wait that are not ours.
    key_has_unfinished = 35011,  ///< Another key, while nonces of the old one are unfinished.
    chain_is_another = 35012,    ///< Than the one the lane was opened on.
    reason_is_missing = 35013,   ///< An operator says why.
    lane_is_not_halted = 35014,
    final_is_behind = 35015,  ///< One of ours is final, which was not told yet.
};

/// Whether the same command may be accepted later.
[[nodiscard]] bool is_transient(Reject reject);

/// The enumerator's name, for logs and metrics.
[[nodiscard]] const char* name_of(Reject reject);

}  // namespace crossclear::ledger::signing
