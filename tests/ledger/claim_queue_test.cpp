#include "ledger/claim_queue.hpp"

#include "base/rng.hpp"
#include "ledger/account/balances.hpp"
#include "ledger/book.hpp"
#include "tests/support/builders.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <vector>

namespace crossclear::ledger {
namespace {

using base::Amount;
using base::Timestamp;

constexpr base::AccountId one{11};
constexpr base::AccountId other{12};

void claim(ClaimQueue& queue, base::AccountId account, std::int64_t amount, std::int64_t due,
           std::uint64_t trade = 1) {
    add_claim(queue, {.account = account,
                      .trade = trade,
                      .amount = Amount{amount},
                      .asked = {},
                      .settle_by = Timestamp{due}});
}

// Asks for the next claim in full and says whose it is; nobody's where all is asked for.
base::AccountId ask(ClaimQueue& queue) {
    const auto* next = next_unasked(queue);
    if (next == nullptr) return {};
    const auto account = next->account;
    note_asked(queue, base::must_subtract(next->amount, next->asked));
    return account;
}

TEST(ClaimQueue, AsksForTheOldestFirstAndForNothingTwice) {
    ClaimQueue queue;
    claim(queue, one, 5, 100);
    claim(queue, other, 7, 50);
    EXPECT_EQ(next_unasked(queue)->account, one);
    note_asked(queue, Amount{2});
    EXPECT_EQ(next_unasked(queue)->account, one) << "3 of it are left";
    note_asked(queue, Amount{3});
    EXPECT_EQ(next_unasked(queue)->account, other);
    cover_claims(queue, one, Amount{5});
    EXPECT_EQ(ask(queue), other);
    EXPECT_EQ(next_unasked(queue), nullptr);
}

// Goal: what a client has sold again before it was covered is nobody's claim any more: it neither
// counts as overdue nor asks its account for anything.
TEST(ClaimQueue, WhatAnAccountSpentItselfIsNotOverdue) {
    ClaimQueue queue;
    claim(queue, one, 5, 100);
    claim(queue, other, 7, 100);
    claim(queue, one, 4, 300);
    spend_claims(queue, one, Amount{6});
    EXPECT_EQ(overdue_at(queue, Timestamp{200}).amount, Amount{7});
    EXPECT_EQ(overdue_at(queue, Timestamp{200}).accounts, (std::set{other}));
    EXPECT_EQ(overdue_at(queue, Timestamp{300}).amount, Amount{10});
    spend_claims(queue, other, Amount{7});
    EXPECT_EQ(first_deadline(queue), Timestamp{300});
}

// Goal: each account's claims fit 64 bits; what all of them together are is only looked at.
TEST(ClaimQueue, WhatIsOverdueOfManyMayBeMoreThanIsTold) {
    ClaimQueue queue;
    claim(queue, one, INT64_MAX, 100);
    claim(queue, other, INT64_MAX, 100);
    EXPECT_EQ(overdue_at(queue, Timestamp{200}).amount, Amount{INT64_MAX});
    EXPECT_EQ(overdue_at(queue, Timestamp{200}).accounts, (std::set{one, other}));
}

// Goal: an account that spends what it was asked to cover covers what follows instead, and in the
// end all of it is covered and nothing is asked for in vain for ever.
TEST(ClaimQueue, ACoverOfWhatWasSpentMeanwhileGoesToTheNextClaim) {
    ClaimQueue queue;
    claim(queue, one, 10, 100, 1);
    EXPECT_EQ(ask(queue), one);
    claim(queue, one, 10, 100, 2);
    spend_claims(queue, one, Amount{4});
    cover_claims(queue, one, Amount{10});
    const auto* left = next_unasked(queue);
    ASSERT_NE(left, nullptr);
    EXPECT_EQ(left->trade, 2U);
    EXPECT_EQ(left->amount, Amount{6});
    EXPECT_EQ(left->asked, Amount{0});
}

TEST(ClaimQueue, VariationThatJoinsAnAskedClaimIsAskedForAsWell) {
    ClaimQueue queue;
    claim(queue, one, 5, 100, 0);
    EXPECT_EQ(ask(queue), one);
    claim(queue, one, 3, 60, 0);
    EXPECT_EQ(first_deadline(queue), Timestamp{60}) << "under the earlier deadline";
    const auto* joined = next_unasked(queue);
    ASSERT_NE(joined, nullptr);
    EXPECT_EQ(base::must_subtract(joined->amount, joined->asked), Amount{3});
}

TEST(ClaimQueue, WhatWasPaidInCashLeavesWhereverItStands) {
    ClaimQueue queue;
    claim(queue, one, 5, 300);
    claim(queue, other, 7, 100);
    claim(queue, one, 4, 100);
    drop_claims(queue, one, Timestamp{100});
    EXPECT_EQ(overdue_at(queue, Timestamp{300}).amount, Amount{12});
    EXPECT_EQ(overdue_at(queue, Timestamp{100}).accounts, (std::set{other}));
}

struct Open {
    std::uint64_t trade{};
    Amount amount;
    Timestamp settle_by;
    friend bool operator==(const Open&, const Open&) = default;
};

// Goal: the books follow every account's claims to the unit, whatever it does.
RC_GTEST_PROP(ClaimQueue, HoldsTheClaimsThatTheAccountsHave, ()) {
    base::Rng rng{*rc::gen::arbitrary<std::uint64_t>()};
    const account::State start = tests::an_account();
    std::map<base::AccountId, account::State> accounts;
    for (const std::uint64_t number : {1U, 2U}) {
        account::State state = start;
        state.id = base::account_id(base::broker_of(start.id), number);
        accounts[state.id] = state;
    }
    Book book;
    for (int step = 0; step < 200; ++step) {
        auto& state = std::next(accounts.begin(), static_cast<int>(rng.below(2)))->second;
        for (const auto& event : tests::run(state, tests::random_account_command(rng, state))) {
            fold(book, {base::entity_of(state.id), event});
        }
        for (auto& [key, queue] : book.claims) {
            if (rng.below(4) == 0) ask(queue);
            std::map<base::AccountId, std::vector<Open>> open;
            for (const auto& [number, entry] : queue.claims) {
                open[entry.account].push_back({entry.trade, entry.amount, entry.settle_by});
            }
            RC_ASSERT(queue.by_account.size() == queue.claims.size());
            RC_ASSERT(queue.by_deadline.size() == queue.claims.size());
            for (const auto& [id, account] : accounts) {
                std::vector<Open> expected;
                for (const auto& entry : account::holding_of(account, key.asset).claims) {
                    expected.push_back({entry.trade, entry.amount, entry.settle_by});
                }
                RC_ASSERT(open[id] == expected);
            }
        }
    }
}

}  // namespace
}  // namespace crossclear::ledger
