#include "ledger/account/reject.hpp"

#include "base/check.hpp"

namespace crossclear::ledger::account {

bool depends_on_the_moment(Reject reject) {
    switch (reject) {
        case Reject::none:
        case Reject::id_reused_with_other_body:
        case Reject::id_too_old:
        case Reject::id_too_far_ahead:
        case Reject::quantity_must_be_positive:
        case Reject::receiver_not_allowed:
        case Reject::withdrawal_unknown:
        case Reject::transfer_unknown:
        case Reject::counterparty_not_allowed:
        case Reject::match_unknown:
            return false;
        // Prices move, brokers list more and allow-lists grow: a late copy must not profit.
        case Reject::notional_out_of_range:
        case Reject::instrument_not_offered:
        case Reject::contract_has_expired:
        case Reject::destination_not_allowed:
        case Reject::receiver_unknown:
        case Reject::price_is_stale:
        case Reject::price_outside_limit:
        case Reject::account_is_close_only:
        case Reject::shard_is_paused:
        case Reject::too_much_open:
        case Reject::holding_insufficient:
        case Reject::margin_insufficient:
        // Numbers are given out in order: a late copy must not hit a withdrawal that came after.
        case Reject::withdrawal_not_found:
        case Reject::withdrawal_has_ended:
        case Reject::withdrawal_is_sent:
        case Reject::match_timed_out:
            return true;
    }
    UNREACHABLE("an unlisted reject");
}

bool decides_nothing(Reject reject) { return reject == Reject::id_too_far_ahead; }

std::int32_t wire_code(Reject reject) {
    constexpr std::int32_t invalid_params = -32602;
    switch (reject) {
        case Reject::none:
        case Reject::id_reused_with_other_body:
        case Reject::id_too_old:
        case Reject::quantity_must_be_positive:
        case Reject::price_is_stale:
        case Reject::price_outside_limit:
        case Reject::account_is_close_only:
        case Reject::shard_is_paused:
        case Reject::too_much_open:
        case Reject::margin_insufficient:
        case Reject::withdrawal_is_sent:
            return static_cast<std::uint16_t>(reject);
        case Reject::id_too_far_ahead:
            return static_cast<std::uint16_t>(Reject::id_too_old);
        case Reject::notional_out_of_range:
        case Reject::instrument_not_offered:
        case Reject::contract_has_expired:
        case Reject::destination_not_allowed:
        case Reject::receiver_not_allowed:
        case Reject::receiver_unknown:
        case Reject::withdrawal_unknown:
        case Reject::transfer_unknown:
        case Reject::counterparty_not_allowed:
        case Reject::match_unknown:
            return static_cast<std::uint16_t>(Reject::quantity_must_be_positive);
        case Reject::holding_insufficient:
            return static_cast<std::uint16_t>(Reject::too_much_open);
        case Reject::withdrawal_not_found:
            return invalid_params;
        case Reject::withdrawal_has_ended:
        case Reject::match_timed_out:
            return static_cast<std::uint16_t>(Reject::withdrawal_is_sent);
    }
    UNREACHABLE("an unlisted reject");
}

const char* name_of(Reject reject) {
    switch (reject) {
        case Reject::none:
            return "none";
        case Reject::id_reused_with_other_body:
            return "id_reused_with_other_body";
        case Reject::id_too_old:
            return "id_too_old";
        case Reject::id_too_far_ahead:
            return "id_too_far_ahead";
        case Reject::quantity_must_be_positive:
            return "quantity_must_be_positive";
        case Reject::notional_out_of_range:
            return "notional_out_of_range";
        case Reject::instrument_not_offered:
            return "instrument_not_offered";
        case Reject::contract_has_expired:
            return "contract_has_expired";
        case Reject::destination_not_allowed:
            return "destination_not_allowed";
        case Reject::receiver_not_allowed:
            return "receiver_not_allowed";
        case Reject::receiver_unknown:
            return "receiver_unknown";
        case Reject::transfer_unknown:
            return "transfer_unknown";
        case Reject::counterparty_not_allowed:
            return "counterparty_not_allowed";
        case Reject::match_unknown:
            return "match_unknown";
        case Reject::match_timed_out:
            return "match_timed_out";
        case Reject::price_is_stale:
            return "price_is_stale";
        case Reject::price_outside_limit:
            return "price_outside_limit";
        case Reject::account_is_close_only:
            return "account_is_close_only";
        case Reject::shard_is_paused:
            return "shard_is_paused";
        case Reject::too_much_open:
            return "too_much_open";
        case Reject::holding_insufficient:
            return "holding_insufficient";
        case Reject::margin_insufficient:
            return "margin_insufficient";
        case Reject::withdrawal_unknown:
            return "withdrawal_unknown";
        case Reject::withdrawal_not_found:
            return "withdrawal_not_found";
        case Reject::withdrawal_has_ended:
            return "withdrawal_has_ended";
        case Reject::withdrawal_is_sent:
            return "withdrawal_is_sent";
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace crossclear::ledger::account
