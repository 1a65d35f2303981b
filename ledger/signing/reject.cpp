#include "ledger/signing/reject.hpp"

#include "base/check.hpp"

namespace crossclear::ledger::signing {

bool is_transient(Reject reject) {
    switch (reject) {
        case Reject::lane_is_not_open:
        case Reject::lane_is_halted:
        case Reject::lane_is_full:
        case Reject::key_is_in_use:
        case Reject::key_has_unfinished:
        case Reject::final_is_behind:
            return true;
        case Reject::ref_reused_with_other_body:
        case Reject::no_such_transaction:
        case Reject::transaction_differs:
        case Reject::hash_is_not_ours:
        case Reject::call_is_too_long:
        case Reject::fees_are_inverted:
        case Reject::chain_is_another:
        case Reject::reason_is_missing:
        case Reject::lane_is_not_halted:
            return false;
    }
    UNREACHABLE("an unlisted reject");
}

const char* name_of(Reject reject) {
    switch (reject) {
        case Reject::lane_is_not_open:
            return "lane_is_not_open";
        case Reject::ref_reused_with_other_body:
            return "ref_reused_with_other_body";
        case Reject::no_such_transaction:
            return "no_such_transaction";
        case Reject::transaction_differs:
            return "transaction_differs";
        case Reject::hash_is_not_ours:
            return "hash_is_not_ours";
        case Reject::call_is_too_long:
            return "call_is_too_long";
        case Reject::fees_are_inverted:
            return "fees_are_inverted";
        case Reject::lane_is_halted:
            return "lane_is_halted";
        case Reject::lane_is_full:
            return "lane_is_full";
        case Reject::key_is_in_use:
            return "key_is_in_use";
        case Reject::key_has_unfinished:
            return "key_has_unfinished";
        case Reject::chain_is_another:
            return "chain_is_another";
        case Reject::reason_is_missing:
            return "reason_is_missing";
        case Reject::lane_is_not_halted:
            return "lane_is_not_halted";
        case Reject::final_is_behind:
            return "final_is_behind";
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace crossclear::ledger::signing
