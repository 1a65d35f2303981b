// What must hold of every matched trade, event by event: its buyer's account decides it once, and
// only after its seller has reserved; the seller follows, once, and never goes ahead.
#include "tests/sim/truth.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace crossclear::sim {

void Truth::clear_match(base::AccountId account, const ledger::account::TradeNovated& trade) {
    const bool is_buyer = trade.quantity > base::Amount{0};
    const auto buyer = is_buyer ? account : trade.counterparty;
    auto& match = matches_[{buyer, trade.match}];
    const auto blame = [&](const char* what) {
        stage_.blame(15, fmt::format("match {} of account {} {}", trade.match,
                                     base::to_string(buyer), what));
    };
    if (is_buyer) {
        if (!match.is_accepted) blame("was cleared before its seller had reserved for good");
        if (match.is_bought || match.is_aborted) blame("was decided twice");
        match.is_bought = true;
        return;
    }
    if (match.seller != account) blame("was cleared for another seller");
    if (!match.is_bought) blame("was cleared for its seller before its buyer");
    if (match.is_sold) blame("was cleared for its seller twice");
    match.is_sold = true;
}

void Truth::check_match(base::AccountId account, const ledger::account::Event& event) {
    using namespace ledger::account;
    const auto blame = [&](base::AccountId buyer, std::uint64_t number, const char* what) {
        stage_.blame(
            15, fmt::format("match {} of account {} {}", number, base::to_string(buyer), what));
    };
    if (const auto* reserved = std::get_if<MatchReserved>(&event)) {
        auto& match = matches_[{account, reserved->number}];
        match.cause = reserved->cause;
        match.seller = reserved->seller;
    } else if (const auto* accepted = std::get_if<MatchAccepted>(&event)) {
        auto& match = matches_[{accepted->buyer, accepted->number}];
        if (match.seller != account) {
            blame(accepted->buyer, accepted->number, "was accepted before it was asked for good");
        }
        if (match.is_accepted || match.has_ended) {
            blame(accepted->buyer, accepted->number, "was accepted twice, or once it was over");
        }
        match.is_accepted = true;
    } else if (const auto* declined = std::get_if<MatchDeclined>(&event)) {
        const auto& match = matches_[{declined->buyer, declined->number}];
        if (match.seller != account) {
            blame(declined->buyer, declined->number, "was declined before it was asked for good");
        }
        if (match.is_accepted || match.has_ended) {
            blame(declined->buyer, declined->number, "was declined once it was decided");
        }
    } else if (const auto* trade = std::get_if<TradeNovated>(&event)) {
        if (trade->match != 0) clear_match(account, *trade);
    } else if (const auto* aborted = std::get_if<MatchAborted>(&event)) {
        auto& match = matches_[{account, aborted->number}];
        if (match.is_bought || match.is_aborted) {
            blame(account, aborted->number, "was decided twice");
        }
        match.is_aborted = true;
        match.has_ended = aborted->is_declined;
        if (aborted->is_declined && match.is_accepted) {
            blame(account, aborted->number, "was accepted and declined");
        }
        if (aborted->is_declined) stage_.mark(Mark::give_up_declined);
        if (aborted->reason == Reject::match_timed_out) stage_.mark(Mark::give_up_timed_out);
    } else if (const auto* released = std::get_if<MatchReleased>(&event)) {
        if (!matches_[{released->buyer, released->number}].is_aborted) {
            blame(released->buyer, released->number, "was released before it was given up");
        }
    } else if (const auto* ended = std::get_if<MatchEnded>(&event)) {
        auto& match = matches_[{account, ended->number}];
        if (match.has_ended) blame(account, ended->number, "ended twice");
        const bool is_cleared = ended->trade != 0;
        if (match.is_bought != is_cleared || match.is_sold != is_cleared) {
            blame(account, ended->number, "ended otherwise than it was cleared");
        }
        match.has_ended = true;
        if (is_cleared) stage_.mark(Mark::give_up_cleared);
    }
}

std::size_t Truth::sides_cleared(base::AccountId buyer, base::CommandId id) const {
    for (auto at = matches_.lower_bound({buyer, 0}); at != matches_.end(); ++at) {
        if (at->first.first != buyer) break;
        const auto& match = at->second;
        if (match.cause == id) return (match.is_bought ? 1U : 0U) + (match.is_sold ? 1U : 0U);
    }
    return 0;
}

}  // namespace crossclear::sim
