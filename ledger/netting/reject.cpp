#include "ledger/netting/reject.hpp"

#include "base/check.hpp"

namespace crossclear::ledger::netting {

const char* name_of(Reject reject) {
    switch (reject) {
        case Reject::amount_must_be_positive:
            return "amount_must_be_positive";
        case Reject::deposit_contradicts_record:
            return "deposit_contradicts_record";
        case Reject::deposit_of_other_broker:
            return "deposit_of_other_broker";
        case Reject::variation_out_of_order:
            return "variation_out_of_order";
        case Reject::figures_out_of_range:
            return "figures_out_of_range";
        case Reject::variation_ahead_of_margin:
            return "variation_ahead_of_margin";
        case Reject::gate_is_closed:
            return "gate_is_closed";
        case Reject::departure_not_covered:
            return "departure_not_covered";
        case Reject::figures_incredible:
            return "figures_incredible";
        case Reject::contract_not_expired:
            return "contract_not_expired";
        case Reject::price_out_of_range:
            return "price_out_of_range";
        case Reject::price_is_fixed:
            return "price_is_fixed";
        case Reject::price_not_proposed:
            return "price_not_proposed";
        case Reject::reason_is_missing:
            return "reason_is_missing";
        case Reject::id_reused_with_other_body:
            return "id_reused_with_other_body";
        case Reject::too_many_proposals:
            return "too_many_proposals";
    }
    UNREACHABLE("an unlisted reject");
}

bool is_transient(Reject reject) {
    return reject == Reject::variation_ahead_of_margin || reject == Reject::gate_is_closed ||
           reject == Reject::departure_not_covered;
}

bool accuses_shard(Reject reject) {
    return reject == Reject::deposit_contradicts_record || reject == Reject::figures_incredible;
}

}  // namespace crossclear::ledger::netting
