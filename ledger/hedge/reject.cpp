#include "ledger/hedge/reject.hpp"

#include "base/check.hpp"

namespace crossclear::ledger::hedge {

bool is_defect(Reject reject) {
    switch (reject) {
        case Reject::deadline_must_follow:  // Planned too late: netting plans again.
            return false;
        case Reject::planned_differently:
        case Reject::quantity_must_not_be_zero:
        case Reject::slices_out_of_range:
        case Reject::costs_must_match_slices:
        case Reject::slices_must_share_sign:
        case Reject::slices_must_sum_to_quantity:
        case Reject::task_is_not_planned:
        case Reject::notice_contradicts_order:
        case Reject::figures_incredible:
            return true;
    }
    UNREACHABLE("an unlisted reject");
}

bool accuses_shard(Reject reject) {
    return reject == Reject::notice_contradicts_order || reject == Reject::figures_incredible;
}

const char* name_of(Reject reject) {
    switch (reject) {
        case Reject::planned_differently:
            return "planned_differently";
        case Reject::quantity_must_not_be_zero:
            return "quantity_must_not_be_zero";
        case Reject::slices_out_of_range:
            return "slices_out_of_range";
        case Reject::costs_must_match_slices:
            return "costs_must_match_slices";
        case Reject::slices_must_share_sign:
            return "slices_must_share_sign";
        case Reject::slices_must_sum_to_quantity:
            return "slices_must_sum_to_quantity";
        case Reject::deadline_must_follow:
            return "deadline_must_follow";
        case Reject::task_is_not_planned:
            return "task_is_not_planned";
        case Reject::notice_contradicts_order:
            return "notice_contradicts_order";
        case Reject::figures_incredible:
            return "figures_incredible";
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace crossclear::ledger::hedge
