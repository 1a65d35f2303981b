#include "ledger/instruction/reject.hpp"

#include "base/check.hpp"

namespace crossclear::ledger::instruction {

bool is_transient(Reject reject) { return reject == Reject::arrival_before_departure; }

bool is_defect(Reject reject) { return !is_transient(reject); }

bool accuses_shard(Reject reject) {
    return reject == Reject::notice_contradicts_order ||
           reject == Reject::arrival_contradicts_leg || reject == Reject::figures_incredible;
}

const char* name_of(Reject reject) {
    switch (reject) {
        case Reject::created_differently:
            return "created_differently";
        case Reject::legs_out_of_range:
            return "legs_out_of_range";
        case Reject::leg_is_incomplete:
            return "leg_is_incomplete";
        case Reject::legs_must_fit_purpose:
            return "legs_must_fit_purpose";
        case Reject::first_leg_must_be_pivot:
            return "first_leg_must_be_pivot";
        case Reject::lifetime_must_be_positive:
            return "lifetime_must_be_positive";
        case Reject::attempts_out_of_range:
            return "attempts_out_of_range";
        case Reject::instruction_is_not_created:
            return "instruction_is_not_created";
        case Reject::notice_contradicts_order:
            return "notice_contradicts_order";
        case Reject::arrival_contradicts_leg:
            return "arrival_contradicts_leg";
        case Reject::arrival_before_departure:
            return "arrival_before_departure";
        case Reject::figures_incredible:
            return "figures_incredible";
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace crossclear::ledger::instruction
