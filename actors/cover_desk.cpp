#include "actors/cover_desk.hpp"

#include "base/check.hpp"
#include "ledger/running_total.hpp"

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
    const auto found = book.claims.find(of);
    if (found == book.claims.end()) return requests;
    auto& queue = found->second;
    Amount room = free_room(book, of);
    while (room > Amount{0}) {
        const auto* claim = ledger::next_unasked(queue);
        if (claim == nullptr) break;
        const auto account = claim->account;
        const Amount amount = std::min(base::must_subtract(claim->amount, claim->asked), room);
        ledger::note_asked(queue, amount);
        // Neighbouring claims of one account travel together.
        if (!requests.empty() && requests.back().account == account) {
            requests.back().amount = base::must_add(requests.back().amount, amount);
        } else {
            requests.push_back({account, of.asset, amount});
        }
        room = base::must_subtract(room, amount);
        asked_[of] = base::must_add(asked_[of], amount);
    }
    return requests;
}

void CoverDesk::done(ledger::BrokerAsset of, Amount asked) {
    auto& open = asked_[of];
    open = base::must_subtract(open, asked);
    CHECK(open >= Amount{0}, "an answer belongs to a request");
}

std::vector<ledger::Entry> CoverDesk::surplus(ledger::Book& book) {
    std::vector<ledger::Entry> entries;
    for (const auto& [of, quota] : book.quotas) {
        const auto claims = book.claims.find(of);
        if (claims != book.claims.end() && ledger::next_unasked(claims->second)) continue;
        const Amount room = free_room(book, of);
        if (room <= Amount{0}) continue;
        entries.push_back(
            {base::entity_of(base::EntityKind::cover, of.broker),
             ledger::cover::Event{ledger::cover::QuotaReturned{
                 .asset = of.asset, .returned_total = ledger::total_with(quota.returned, room)}}});
    }
    return entries;
}

}  // namespace crossclear::actors
