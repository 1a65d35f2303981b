#pragma once

#include <cstdint>

namespace crossclear::ledger::netting {

/// Why the house refused a command. All but the transient ones are defects or hostile shards: hosts
/// log them.
enum class Reject : std::uint16_t {
    amount_must_be_positive = 1,
    deposit_contradicts_record = 2,  ///< Same number, other account, asset or amount.
    deposit_of_other_broker = 3,
    variation_out_of_order = 4,  ///< A number is missing before it: ask for a rescan.
    figures_out_of_range = 5,
    variation_ahead_of_margin = 6,  ///< Its loss is of margin whose receipt is on its way: wait.
    gate_is_closed = 7,  ///< The hour's or the day's share has left, or tokens are missing: wait.
    departure_not_covered = 8,  ///< Too little on the shard, or figures that are behind: wait.
    figures_incredible = 9,     ///< What no venue settles and nobody deposits.
    contract_not_expired = 10,
    price_out_of_range = 11,
    price_is_fixed = 12,
    price_not_proposed = 13,  ///< Nothing is there to be disputed.
    reason_is_missing = 14,   ///< An operator says why.
    id_reused_with_other_body = 15,
    too_many_proposals = 16,  ///< More than limits::price_commands_max.
};

/// Whether the same command may be accepted later: the host tells it again and says nothing.
[[nodiscard]] bool is_transient(Reject reject);

/// Whether the shard is to be believed no more: its lane is frozen until an operator has looked.
/// Not where a client may have caused it, who chooses what to send to whom.
[[nodiscard]] bool accuses_shard(Reject reject);

/// The enumerator's name.
[[nodiscard]] const char* name_of(Reject reject);

}  // namespace crossclear::ledger::netting
