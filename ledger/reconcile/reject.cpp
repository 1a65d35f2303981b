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
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace crossclear::ledger::reconcile
