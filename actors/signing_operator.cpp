// What operators ask of a signing lane.
#include "actors/refusals.hpp"
#include "actors/signing_actor.hpp"

#include <algorithm>

namespace crossclear::actors {
namespace {

namespace signing = ledger::signing;

// The wire's number of a reject, and what an operator does about it.
Refusal refusal_of(signing::Reject reject) {
    const auto refusal = [reject](std::int32_t code, const char* hint, bool is_retryable = false) {
        return Refusal{code, signing::name_of(reject), hint, is_retryable};
    };
    switch (reject) {
        case signing::Reject::reason_is_missing:
            return refusal(-32602, "say why");
        case signing::Reject::lane_is_not_halted:
            return refusal(11021, "it goes on already");
        case signing::Reject::final_is_behind:
            return refusal(11031, "what is final is still being read", true);
        case signing::Reject::lane_is_not_open:
        case signing::Reject::ref_reused_with_other_body:
        case signing::Reject::no_such_transaction:
        case signing::Reject::transaction_differs:
        case signing::Reject::hash_is_not_ours:
        case signing::Reject::call_is_too_long:
        case signing::Reject::fees_are_inverted:
        case signing::Reject::lane_is_halted:
        case signing::Reject::lane_is_full:
        case signing::Reject::key_is_in_use:
        case signing::Reject::key_has_unfinished:
        case signing::Reject::chain_is_another:
            return refusal(-32603, "a defect: see the log");
    }
    UNREACHABLE("an unlisted reject");
}

}  // namespace

void SigningHost::on_operator(const OperatorAsk& ask) {
    const auto* request = std::get_if<ResumeLane>(&ask.request);
    operators_.answer_when_durable(this, crank_, ask, request ? resume(*request) : wrong_desk());
}

Answer SigningHost::resume(const ResumeLane& request) {
    signing::ResumeLane command{
        .final_block = 0, .final_nonce = 0, .reason = request.reason, .at = parts_.context->now()};
    // What is wrong with the request itself does not depend on the chain.
    const auto asked = signing::decide(crank_.state(), command);
    if (!asked) return refusal_of(asked.error());
    if (!head_) {
        return Refusal{11031, "chain_does_not_answer", "see the log for what stands against it",
                       true};
    }
    command.final_block = head_->final_block;
    command.final_nonce = head_->final_nonce;
    // Refused, it is the operator's to repair and nothing for the log.
    const auto decision = signing::decide(crank_.state(), command);
    if (!decision) return refusal_of(decision.error());
    (void)commit(command);
    conclude_finished(*decision);
    // Followed anew: what has changed since it stood still is seen, and what waits is brought.
    is_following_ = false;
    const auto given_up = std::count_if(decision->begin(), decision->end(), [](const auto& event) {
        return std::holds_alternative<signing::NonceForfeited>(event);
    });
    return LaneResumed{.broker = parts_.broker(),
                       .shard = shard_,
                       .nonce = crank_.state().next_nonce,
                       .given_up = static_cast<std::uint64_t>(given_up)};
}

}  // namespace crossclear::actors
