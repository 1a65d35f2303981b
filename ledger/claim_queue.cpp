#include "ledger/claim_queue.hpp"

#include "base/check.hpp"
#include "base/saturated.hpp"

#include <algorithm>
#include <limits>

namespace crossclear::ledger {
namespace {

using base::AccountId;
using base::Amount;

using Place = std::map<std::uint64_t, ClaimQueue::Claim>::iterator;

void erase(ClaimQueue& queue, Place place) {
    const auto& [number, claim] = *place;
    queue.by_account.erase({claim.account, number});
    queue.by_deadline.erase({claim.settle_by, number});
    queue.claims.erase(place);
}

// The account's newest claim, or the end.
Place newest_of(ClaimQueue& queue, AccountId account) {
    const auto beyond =
        queue.by_account.upper_bound({account, std::numeric_limits<std::uint64_t>::max()});
    if (beyond == queue.by_account.begin()) return queue.claims.end();
    const auto newest = std::prev(beyond);
    return newest->account == account ? queue.claims.find(newest->number) : queue.claims.end();
}

// Takes an amount from the oldest claims of an account; `keep` says what of each stays asked for.
template <class Keep>
void take_oldest(ClaimQueue& queue, AccountId account, Amount amount, Keep keep) {
    while (amount > Amount{0}) {
        const auto oldest = queue.by_account.lower_bound({account, 0});
        CHECK(oldest != queue.by_account.end() && oldest->account == account,
              "only what is claimed is taken from claims");
        const auto place = queue.claims.find(oldest->number);
        auto& claim = place->second;
        const Amount part = std::min(amount, claim.amount);
        amount = base::must_subtract(amount, part);
        claim.amount = base::must_subtract(claim.amount, part);
        claim.asked = keep(claim, part);
        if (claim.amount == Amount{0}) erase(queue, place);
    }
}

}  // namespace

void add_claim(ClaimQueue& queue, const ClaimQueue::Claim& claim) {
    CHECK(claim.amount > Amount{0}, "a claim is for something");
    const auto newest = newest_of(queue, claim.account);
    const bool joins =
        claim.trade == 0 && newest != queue.claims.end() && newest->second.trade == 0;
    if (!joins) {
        const auto number = ++queue.numbered;
        queue.claims.emplace(number, claim);
        queue.by_account.insert({claim.account, number});
        queue.by_deadline.insert({claim.settle_by, number});
        return;
    }
    auto& [number, joined] = *newest;
    joined.amount = base::must_add(joined.amount, claim.amount);
    if (claim.settle_by < joined.settle_by) {
        queue.by_deadline.erase({joined.settle_by, number});
        queue.by_deadline.insert({claim.settle_by, number});
        joined.settle_by = claim.settle_by;
    }
    queue.next = std::min(queue.next, number);
}

void spend_claims(ClaimQueue& queue, AccountId account, Amount amount) {
    // Asked for what is spent meanwhile, the account covers the claims that follow instead.
    take_oldest(queue, account, amount,
                [](const auto& claim, Amount) { return std::min(claim.asked, claim.amount); });
}

void cover_claims(ClaimQueue& queue, AccountId account, Amount amount) {
    take_oldest(queue, account, amount, [](const auto& claim, Amount part) {
        return base::must_subtract(claim.asked, std::min(claim.asked, part));
    });
}

void drop_claims(ClaimQueue& queue, AccountId account, base::Timestamp due_by) {
    auto next = queue.by_account.lower_bound({account, 0});
    while (next != queue.by_account.end() && next->account == account) {
        const auto place = queue.claims.find((next++)->number);
        if (place->second.settle_by <= due_by) erase(queue, place);
    }
}

const ClaimQueue::Claim* next_unasked(ClaimQueue& queue) {
    for (auto place = queue.claims.lower_bound(queue.next); place != queue.claims.end(); ++place) {
        queue.next = place->first;
        if (place->second.asked < place->second.amount) return &place->second;
    }
    queue.next = queue.numbered + 1;
    return nullptr;
}

void note_asked(ClaimQueue& queue, Amount amount) {
    const auto place = queue.claims.find(queue.next);
    CHECK(place != queue.claims.end(), "a claim is asked for after it was seen");
    auto& claim = place->second;
    claim.asked = base::must_add(claim.asked, amount);
    CHECK(claim.asked <= claim.amount, "no more is asked for than is claimed");
}

std::optional<base::Timestamp> first_deadline(const ClaimQueue& queue) {
    if (queue.by_deadline.empty()) return std::nullopt;
    return queue.by_deadline.begin()->at;
}

Overdue overdue_at(const ClaimQueue& queue, base::Timestamp due_by) {
    Overdue overdue;
    base::Wide sum = 0;
    for (const auto& due : queue.by_deadline) {
        if (due.at > due_by) break;
        const auto& claim = queue.claims.at(due.number);
        if (claim.asked == claim.amount) continue;
        sum += base::must_subtract(claim.amount, claim.asked).v;
        overdue.accounts.insert(claim.account);
    }
    overdue.amount = base::saturated(sum);
    return overdue;
}

}  // namespace crossclear::ledger
