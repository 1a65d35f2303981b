#include "ledger/reconcile/reject.hpp"

#include "base/check.hpp"

namespace crossclear::ledger::reconcile {

bool is_defect(Reject reject) {
    switch (reject) {
        case Reject::block_went_backwards:
        case Reject::asset_listed_twice:
        case Reject::difference_out_of_range:
        case Reject::too_many_breaks:
            return true;
        case Reject::reason_is_missing:
        case Reject::no_such_break:
        case Reject::id_reused_with_other_body:
        case Reject::id_too_old:
        case Reject::difference_is_not_of_tokens:
        case Reject::difference_has_changed:
        case Reject::tokens_are_promised:
        case Reject::loss_is_not_bearable:
            return false;
    }
    UNREACHABLE("an unlisted reject");
}

const char* name_of(Reject reject) {
    switch (reject) {
        case Reject::block_went_backwards:
            return "block_went_backwards";
        case Reject::asset_listed_twice:
            return "asset_listed_twice";
        case Reject::difference_out_of_range:
            return "difference_out_of_range";
        case Reject::too_many_breaks:
            return "too_many_breaks";
        case Reject::reason_is_missing:
            return "reason_is_missing";
        case Reject::no_such_break:
            return "no_such_break";
        case Reject::id_reused_with_other_body:
            return "id_reused_with_other_body";
        case Reject::id_too_old:
            return "id_too_old";
        case Reject::difference_is_not_of_tokens:
            return "difference_is_not_of_tokens";
        case Reject::difference_has_changed:
            return "difference_has_changed";
        case Reject::tokens_are_promised:
            return "tokens_are_promised";
        case Reject::loss_is_not_bearable:
            return "loss_is_not_bearable";
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace crossclear::ledger::reconcile
