#pragma once

#include <cstdint>

/// Why commands are refused. The numbers are those of the wire.

namespace crossclear::ledger::account {

/// Why an account refused a command, in the order `decide` looks: the first that holds is given.
/// Numbers are public on the wire and are never reused; those above 20000 are ours alone and reach
/// the wire as the public number in the comment.
enum class Reject : std::uint16_t {
    none = 0,
    id_reused_with_other_body = 11010,
    id_too_old = 11011,
    id_too_far_ahead = 21011,  ///< 11011: made more than five minutes ahead.
    quantity_must_be_positive = 11012,
    notional_out_of_range = 21012,     ///< 11012: does not fit, or is below a minor unit.
    instrument_not_offered = 21013,    ///< 11012: this broker does not list it.
    contract_has_expired = 21018,      ///< 11012: nobody trades it any more.
    destination_not_allowed = 21014,   ///< 11012: not on the account's allow-list.
    receiver_not_allowed = 21015,      ///< 11012: the account itself, or another broker's.
    receiver_unknown = 21016,          ///< 11012: the receiver never had a deposit.
    counterparty_not_allowed = 21017,  ///< 11012: the account itself, or another broker's.
    price_is_stale = 11022,
    price_outside_limit = 11023,
    account_is_close_only = 11024,
    shard_is_paused = 11030,       ///< By an operator.
    too_much_open = 11021,         ///< A limit of the account or of its broker.
    holding_insufficient = 21021,  ///< 11021: tokens are sold only from what is held.
    margin_insufficient = 11020,
    withdrawal_unknown = 21031,    ///< 11012: never issued, so a defect of ours.
    transfer_unknown = 21033,      ///< 11012: never sent, so a defect of ours.
    match_unknown = 21034,         ///< 11012: never submitted, so a defect of ours.
    withdrawal_not_found = 21032,  ///< -32602: a client names a number that was never issued.
    withdrawal_has_ended = 21040,  ///< 11040: paid or given back.
    withdrawal_is_sent = 11040,    ///< May be on its way: it can only be waited for.
    match_timed_out = 21041,       ///< 11040: the seller's account did not answer in time.
};

/// Whether the refusal depended on the moment: such a one is journaled, so that a late copy of the
/// command cannot succeed after the client has been told no.
[[nodiscard]] bool depends_on_the_moment(Reject reject);

/// Whether the same command, under the same id, may succeed later: the refusal hangs on a clock of
/// ours and is kept nowhere, so that it must not be taken for an end.
[[nodiscard]] bool decides_nothing(Reject reject);

/// The public number of a reject.
[[nodiscard]] std::int32_t wire_code(Reject reject);

/// The enumerator's name, for the wire's `reason`, logs and metrics.
[[nodiscard]] const char* name_of(Reject reject);

}  // namespace crossclear::ledger::account
