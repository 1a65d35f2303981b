// Transfers as an account's host sees them, on either side.
#include "actors/account_actor.hpp"
#include "actors/account_terms.hpp"
#include "actors/account_views.hpp"

namespace crossclear::actors {
namespace {

namespace account = ledger::account;

Answer transfer_answer(const account::State& state, base::CommandId id, bool is_repeat) {
    const auto* first = account::answer_to(state, id);
    CHECK(first != nullptr, "a decided command has an answer");
    if (first->reject != account::Reject::none) return refusal_of(first->reject);
    return TransferTaken{
        .number = first->number, .sequence = first->version, .is_repeat = is_repeat};
}

}  // namespace

void AccountHost::handle(const AccountAsk& ask, const Transfer& request) {
    settle_funding();
    const auto remainder =
        remainder_without(*context_, crank_.state(), request.asset, request.amount);
    const account::RequestTransfer command{.id = request.id,
                                           .to = request.to,
                                           .asset = request.asset,
                                           .amount = request.amount,
                                           .received_at = request.received_at,
                                           .is_price_fresh = remainder.is_price_fresh,
                                           .has_margin = remainder.has_margin};
    const auto decision = account::decide(crank_.state(), command);
    if (!decision) return answer_when_durable(ask, refusal_of(decision.error()));
    commit(*decision);
    answer_when_durable(ask, transfer_answer(crank_.state(), request.id, decision->empty()));
}

// Also where nothing was new: the sender may have lost an earlier word. Where not even the latest
// is spoken of, it has heard before.
void AccountHost::answer_sender(const account::ReceiveTransfer& transfer, account::Reject reject) {
    const auto outcome =
        reject == account::Reject::none ? account::outcome_of(crank_.state(), transfer) : reject;
    if (!outcome) return;
    crank_.when_durable([this, transfer, outcome = *outcome](std::uint64_t) {
        send(owner_, AccountOrder{
                         .account = transfer.from,
                         .command = account::EndTransfer{
                             .number = transfer.number, .reason = outcome, .at = context_->now()}});
    });
}

}  // namespace crossclear::actors
