// What an account answers only once another machine has decided, and how it counts what happened.
#include "actors/account_actor.hpp"
#include "actors/account_terms.hpp"
#include "actors/account_views.hpp"
#include "base/limits.hpp"

namespace crossclear::actors {
namespace {

namespace account = ledger::account;

Answer cancel_answer(const account::State& state, base::CommandId id, bool is_repeat) {
    const auto* first = account::answer_to(state, id);
    // It was remembered, and so many came while it waited that it is not any more.
    if (first == nullptr) return refusal_of(account::Reject::id_too_old);
    if (first->reject != account::Reject::none) return refusal_of(first->reject);
    return WithdrawalCancelled{.number = static_cast<std::uint32_t>(first->number),
                               .sequence = first->version,
                               .is_repeat = is_repeat};
}

// The first answer to a venue. What its seller refused is told apart.
Answer match_answer(const account::State& state, const SubmitMatchedTrade& request,
                    bool is_repeat) {
    const auto* first = account::answer_to(state, request.id);
    if (first == nullptr) return refusal_of(account::Reject::id_too_old);
    if (first->reject != account::Reject::none) {
        auto refusal = refusal_of(first->reject);
        if (first->is_of_seller) refusal.reason = "seller_" + refusal.reason;
        return refusal;
    }
    return MatchedTradeCleared{.buyer = state.id,
                               .buyer_number = first->number,
                               .seller = request.seller,
                               .seller_number = first->sale,
                               .price = first->price,
                               .sequence = first->version,
                               .is_repeat = is_repeat};
}

}  // namespace

void AccountHost::handle(const AccountAsk& ask, const CancelWithdrawal& request) {
    const account::CancelWithdrawal command{
        .id = request.id, .number = request.number, .received_at = request.received_at};
    const auto decision = account::decide(crank_.state(), command);
    if (!decision) return answer_when_durable(ask, refusal_of(decision.error()));
    commit(*decision);
    undecided_.emplace_back(ask, decision->empty());
    answer_decided();
}

// Those who can be answered by now; the others wait on.
void AccountHost::answer_decided() {
    std::erase_if(undecided_, [this](const auto& waiting) {
        const auto& [ask, is_repeat] = waiting;
        const auto* matched = std::get_if<SubmitMatchedTrade>(&ask.request);
        const auto id =
            matched != nullptr ? matched->id : std::get<CancelWithdrawal>(ask.request).id;
        if (account::is_undecided(crank_.state(), id)) return false;
        answer_when_durable(ask, matched != nullptr
                                     ? match_answer(crank_.state(), *matched, is_repeat)
                                     : cancel_answer(crank_.state(), id, is_repeat));
        return true;
    });
}

void AccountHost::handle(const AccountAsk& ask, const SubmitMatchedTrade& request) {
    const bool is_known = account::answer_to(crank_.state(), request.id) != nullptr;
    const auto now = context_->now();
    account::SubmitMatchedTrade command{.id = request.id,
                                        .seller = request.seller,
                                        .instrument = request.instrument,
                                        .quantity = request.quantity,
                                        .price = request.price,
                                        .received_at = request.received_at,
                                        .deadline = now + base::limits::match_within,
                                        .terms = {}};
    // As with trades, a repeat does not depend on the market of today.
    if (!is_known) {
        settle_funding();
        command.terms = terms_of(*context_, crank_.state(), request.instrument, request.quantity,
                                 now, request.price);
    }
    const auto decision = account::decide(crank_.state(), command);
    if (!decision) return answer_when_durable(ask, refusal_of(decision.error()));
    commit(*decision);
    undecided_.emplace_back(ask, decision->empty());
    answer_decided();
}

// A command with what only this host can say: the clock here decides a deadline of this account,
// and its terms are those of its broker now. Nothing where it is complete as it came.
std::optional<account::Command> AccountHost::completed_here(const account::Command& command) const {
    const auto now = context_->now();
    const auto settle_by =
        now + context_->broker(base::broker_of(crank_.state().id)).profile.settle_within;
    if (const auto* reserve = std::get_if<account::ReserveMatch>(&command)) {
        auto complete = *reserve;
        const auto quantity = base::negate(reserve->quantity);
        // A repeat is answered from memory.
        if (quantity && !account::outcome_of(crank_.state(), *reserve)) {
            complete.terms = terms_of(*context_, crank_.state(), reserve->instrument, *quantity,
                                      now, reserve->price);
        }
        return complete;
    }
    if (const auto* word = std::get_if<account::HearMatch>(&command)) {
        auto complete = *word;
        complete.at = now;
        complete.settle_by = settle_by;
        return complete;
    }
    if (const auto* conclude = std::get_if<account::ConcludeMatch>(&command)) {
        auto complete = *conclude;
        complete.settle_by = settle_by;
        return complete;
    }
    return std::nullopt;
}

// Also where nothing was new: the buyer's account may have lost an earlier word. An account that
// cannot remember another buyer has reserved nothing, and never will.
bool AccountHost::answer_buyer(const account::Command& command, account::Reject reject) {
    const bool is_full = reject == account::Reject::too_much_open;
    const auto tell = [&](base::AccountId buyer, account::Command word) {
        crank_.when_durable([this, buyer, word = std::move(word)](std::uint64_t) {
            send(owner_, AccountOrder{.account = buyer, .command = word});
        });
    };
    if (const auto* reserve = std::get_if<account::ReserveMatch>(&command)) {
        const auto reason =
            is_full ? std::optional{reject} : account::outcome_of(crank_.state(), *reserve);
        if (reason) {
            tell(reserve->buyer, account::HearMatch{.number = reserve->number,
                                                    .reason = *reason,
                                                    .at = context_->now(),
                                                    .settle_by = {}});
        }
        return true;
    }
    if (const auto* conclude = std::get_if<account::ConcludeMatch>(&command)) {
        const auto trade = is_full ? std::optional<std::uint64_t>{0}
                                   : account::outcome_of(crank_.state(), *conclude);
        if (trade) {
            tell(conclude->buyer,
                 account::EndMatch{
                     .number = conclude->number, .trade = *trade, .at = context_->now()});
        }
        return true;
    }
    return false;
}

void AccountHost::expire_matches() {
    const auto now = context_->now();
    if (!account::has_expired_match(crank_.state(), now)) return;
    const auto decision = account::decide(crank_.state(), account::ExpireMatches{.at = now});
    CHECK(decision.has_value(), "waiting can always be given up");
    commit(*decision);
    answer_decided();
}

void AccountHost::count(const Events& events, const std::vector<TradeEnd>& ends) {
    const auto& profile = context_->broker(base::broker_of(crank_.state().id)).profile;
    auto& clearing = context_->instruments->clearing;
    auto& settlement = context_->instruments->settlement;
    const auto partition = base::partition_of(crank_.state().id, context_->partitions);
    const auto in_flight = settlement.settlements_in_flight.with({std::to_string(partition.v)});
    for (const auto& event : events) {
        if (const auto* trade = std::get_if<account::TradeNovated>(&event)) {
            const char* outcome = trade->is_liquidation ? "liquidated" : "cleared";
            clearing.trades_total.with({profile.name, outcome}).increment();
            if (trade->is_liquidation) {
                clearing.liquidations_total.with({profile.name}).increment();
            }
            clearing.trade_notional_usd_total.with({profile.name})
                .increment(static_cast<double>(trade->notional_cents) / 100);
            const int scale = context_->listing.asset(trade->settlement).scale;
            const auto& protocol = context_->listing.asset(trade->base).protocol;
            clearing.fee_income_usd_total
                .with({profile.name, protocol.empty() ? "none" : protocol.c_str()})
                .increment(static_cast<double>(trade->fee.v) /
                           static_cast<double>(base::power_of_ten(scale)));
            in_flight.add(1);
            const bool is_buyer = trade->quantity > base::Amount{0};
            if (trade->match != 0 && is_buyer) {
                clearing.give_ups_total.with({profile.name, "cleared"}).increment();
            }
        } else if (const auto* aborted = std::get_if<account::MatchAborted>(&event)) {
            const char* of = aborted->is_declined ? "seller_" : "";
            clearing.give_ups_total
                .with({profile.name, std::string{of} + account::name_of(aborted->reason)})
                .increment();
        } else if (const auto* funding = std::get_if<account::FundingSettled>(&event)) {
            if (funding->change == base::Amount{0}) continue;
            const int scale = context_->listing.asset(funding->settlement).scale;
            clearing.funding_usd_total
                .with({profile.name, funding->change < base::Amount{0} ? "paid" : "received"})
                .increment(static_cast<double>(base::magnitude(funding->change).v) /
                           static_cast<double>(base::power_of_ten(scale)));
        } else if (const auto* standing = std::get_if<account::StandingChanged>(&event)) {
            count(*standing);
        } else if (const auto* taken = std::get_if<account::CollateralTaken>(&event)) {
            count(*taken);
        } else if (const auto* lost = std::get_if<account::LossAllocated>(&event)) {
            count(*lost);
        } else if (std::holds_alternative<account::TransferDelivered>(event)) {
            settlement.transfers_total.with({profile.name, "delivered"}).increment();
        } else if (const auto* back = std::get_if<account::TransferReturned>(&event)) {
            settlement.transfers_total.with({profile.name, account::name_of(back->reason)})
                .increment();
        } else if (const auto* refused = std::get_if<account::CommandRefused>(&event)) {
            clearing.trades_total.with({profile.name, account::name_of(refused->reason)})
                .increment();
        }
    }
    for (const auto& end : ends) {
        in_flight.add(-1);
        settlement.settlements_total.with({end.outcome}).increment();
        settlement.settlement_duration_seconds.with({end.outcome})
            .observe(static_cast<double>((end.at - end.novated_at).us) * 1e-6);
    }
}

}  // namespace crossclear::actors
