#include "actors/cover_desk.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace crossclear::actors {

using base::Amount;

Amount CoverDesk::free_room(const ledger::Book& book, ledger::BrokerAsset of) const {
    const auto asked = asked_.find(of);
    return base::must_subtract(ledger::room(book, of),
                               asked == asked_.end() ? Amount{} : asked->second);
}

std::vector<CoverDesk::Request> CoverDesk::next(ledger::Book& book, ledger::BrokerAsset of) {
    std::vector<Request> requests;
    Amount room = free_room(book, of);
    while (room > Amount{0}) {
        const auto claim = ledger::next_claim(book, of);
        if (!claim) break;
        const Amount amount = std::min(claim->amount, room);
        ledger::take_front_claim(book, of, amount);
        // Neighbouring claims of one account travel together.
        if (!requests.empty() && requests.back().account == claim->account) {
            requests.back().amount = base::must_add(requests.back().amount, amount);
        } else {
            requests.push_back({claim->account, of.asset, amount});
        }
        room = base::must_subtract(room, amount);
        asked_[of] = base::must_add(asked_[of], amount);
    }
    return requests;
}

std::set<base::AccountId> CoverDesk::overdue(const ledger::Book& book, ledger::BrokerAsset of,
                                             base::Timestamp due_by) {
    std::set<base::AccountId> accounts;
    const auto found = book.claims.find(of);
    if (found == book.claims.end()) return accounts;
    for (const auto& place : found->second.places) {
        if (place.settle_by > due_by) break;
        if (found->second.open.contains(place.account)) accounts.insert(place.account);
    }
    return accounts;
}

void CoverDesk::done(ledger::BrokerAsset of, Amount asked) {
    auto& open = asked_[of];
    open = base::must_subtract(open, asked);
    CHECK(open >= Amount{0}, "an answer belongs to a request");
}

std::vector<ledger::Entry> CoverDesk::surplus(ledger::Book& book) {
    std::vector<ledger::Entry> entries;
    for (const auto& [of, quota] : book.quotas) {
        if (ledger::next_claim(book, of)) continue;
        const Amount room = free_room(book, of);
        if (room <= Amount{0}) continue;
        entries.push_back(
            {base::entity_of(base::EntityKind::cover, of.broker),
             ledger::cover::Event{ledger::cover::QuotaReturned{
                 .asset = of.asset, .returned_total = base::must_add(quota.returned, room)}}});
    }
    return entries;
}

}  // namespace crossclear::actors
