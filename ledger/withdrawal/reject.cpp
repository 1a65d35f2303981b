#include "ledger/withdrawal/reject.hpp"

#include "base/check.hpp"

namespace crossclear::ledger::withdrawal {

bool is_transient(Reject reject) {
    return reject == Reject::not_yet_due || reject == Reject::gate_is_closed ||
           reject == Reject::not_covered;
}

bool is_defect(Reject reject) {
    switch (reject) {
        case Reject::not_yet_due:
        case Reject::gate_is_closed:
        case Reject::not_covered:
        case Reject::already_approved:
        case Reject::already_ended:
        case Reject::withdrawal_is_not_started:  // A client may name a number that never was.
            return false;
        case Reject::started_differently:
        case Reject::identity_must_match:
        case Reject::amount_must_be_positive:
        case Reject::destination_is_missing:
        case Reject::instruction_was_not_asked_for:
        case Reject::ended_differently:
        case Reject::not_ended_yet:
            return true;
    }
    UNREACHABLE("an unlisted reject");
}

const char* name_of(Reject reject) {
    switch (reject) {
        case Reject::started_differently:
            return "started_differently";
        case Reject::identity_must_match:
            return "identity_must_match";
        case Reject::amount_must_be_positive:
            return "amount_must_be_positive";
        case Reject::destination_is_missing:
            return "destination_is_missing";
        case Reject::withdrawal_is_not_started:
            return "withdrawal_is_not_started";
        case Reject::not_yet_due:
            return "not_yet_due";
        case Reject::gate_is_closed:
            return "gate_is_closed";
        case Reject::not_covered:
            return "not_covered";
        case Reject::already_approved:
            return "already_approved";
        case Reject::already_ended:
            return "already_ended";
        case Reject::instruction_was_not_asked_for:
            return "instruction_was_not_asked_for";
        case Reject::ended_differently:
            return "ended_differently";
        case Reject::not_ended_yet:
            return "not_ended_yet";
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace crossclear::ledger::withdrawal
