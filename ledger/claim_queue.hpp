#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

/// The open claims on one asset in one partition.
///
/// The problem: cover is given to the oldest claim of all accounts, but each account uses its own
/// claims up as it spends, oldest first, so that claims vanish from the middle. The idea: claims
/// stand in the order in which they arose, with an index by account and one by deadline, and every
/// event of an account does here what it does to the account (account/balances.hpp). The subtle
/// thing: an account that has been asked to cover a claim has not answered yet; what is asked for
/// is told apart from what is open.

namespace crossclear::ledger {

/// Open claims. Each is one place in each of the three.
struct ClaimQueue {
    /// One claim, under its number.
    struct Claim {
        base::AccountId account;
        std::uint64_t trade{};  ///< 0: variation of contracts.
        base::Amount amount;    ///< What is left of it, positive.
        base::Amount asked;     ///< What of that its account has been asked to cover.
        base::Timestamp settle_by;

        friend bool operator==(const Claim&, const Claim&) = default;
    };
    /// Its place among the claims of its account.
    struct OfAccount {
        base::AccountId account;
        std::uint64_t number{};

        friend constexpr auto operator<=>(const OfAccount&, const OfAccount&) = default;
    };
    /// Its place among deadlines.
    struct Due {
        base::Timestamp at;
        std::uint64_t number{};

        friend constexpr auto operator<=>(const Due&, const Due&) = default;
    };

    std::map<std::uint64_t, Claim> claims;  ///< By number, oldest first.
    std::set<OfAccount> by_account;
    std::set<Due> by_deadline;
    std::uint64_t numbered{};  ///< Claims so far.
    std::uint64_t next{};      ///< Whatever stands before this number is asked for in full.

    friend bool operator==(const ClaimQueue&, const ClaimQueue&) = default;
};

/// Adds a claim as its account's newest. Variation joins variation under the earlier deadline.
/// **Cost:** logarithmic, as for all that follows, for each claim that is touched.
void add_claim(ClaimQueue& queue, const ClaimQueue::Claim& claim);

/// Takes what an account spent itself from its oldest claims. **Requires:** that they hold it.
void spend_claims(ClaimQueue& queue, base::AccountId account, base::Amount amount);

/// Takes what an account covered, because it was asked to, from its oldest claims. **Requires:**
/// that they hold it.
void cover_claims(ClaimQueue& queue, base::AccountId account, base::Amount amount);

/// Takes an account's claims that were due until `due_by`, wherever they stand.
void drop_claims(ClaimQueue& queue, base::AccountId account, base::Timestamp due_by);

/// The oldest claim that nobody is asked to cover in full; moves `next` up to it.
[[nodiscard]] const ClaimQueue::Claim* next_unasked(ClaimQueue& queue);

/// Notes that its account is asked to cover so much of the claim that `next_unasked` returned.
void note_asked(ClaimQueue& queue, base::Amount amount);

/// The earliest deadline, if anything is open.
[[nodiscard]] std::optional<base::Timestamp> first_deadline(const ClaimQueue& queue);

/// Claims that were due until some time and that nobody is asked to cover.
struct Overdue {
    base::Amount amount;  ///< Saturated: of many accounts.
    std::set<base::AccountId> accounts;
};
/// **Cost:** linear in what is overdue.
[[nodiscard]] Overdue overdue_at(const ClaimQueue& queue, base::Timestamp due_by);

}  // namespace crossclear::ledger
