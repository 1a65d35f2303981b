#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "risk/surface.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

/// Whose margin could have crossed a line since it was looked at, without looking at everybody.
///
/// The problem: each set of marks moves everybody's margin, and nearly nobody's across a line. The
/// idea: an account is safe until prices have moved by so much as its headroom stands for. The
/// distance that prices have gone, the largest relative move of each set of marks added up, only
/// grows; so every account has one number, the distance at which it is due, and those that are due
/// are the first of a sorted list. The subtle things: distance counts moves there and back alike,
/// and the largest of all assets, so that an account may be looked at for nothing, never too late;
/// and a look takes time, so that it counts from the prices when it was asked for, and not at all
/// if something has happened to the account since.

namespace crossclear::risk {

/// **Thread:** one at a time.
class Watch {
public:
    /// So far prices may move before anybody is looked at again, whatever its headroom: charges do
    /// not follow prices in a straight line.
    static constexpr double move_max = .02;
    /// So long an account is let alone, whatever prices do: charges grow with the age of marks.
    static constexpr base::Duration let_alone_max{base::seconds(30)};

    /// So long somebody who was handed out is waited for, and one whose figures nobody knows.
    static constexpr base::Duration ask_again_after{base::seconds(2)};
    /// A trade leaves an account with its initial margin, so that one that trades all the time is
    /// looked at no more often than this.
    static constexpr base::Duration look_after_trade{base::seconds(1)};
    static constexpr double move_after_trade = .001;
    /// So long at most lies between two accounts after a start.
    static constexpr base::Duration start_step_max{base::milliseconds(10)};
    /// So far prices may move after a start before everybody is due at once: whose headroom was
    /// small is not known any more.
    static constexpr double start_move_max = .005;
    /// So many are handed out at once; the rest the next time.
    static constexpr std::size_t asks_max = 512;

    /// Look at this account.
    struct Ask {
        base::AccountId account;
        std::uint64_t ticket{};  ///< Not 0.

        friend bool operator==(const Ask&, const Ask&) = default;
    };

    /// An account is due at once: it is new, or something has happened to it.
    void touch(base::AccountId account);
    /// It has made a trade that its margin let pass: due after `look_after_trade`, or with a move
    /// of `move_after_trade`. At once where it is new.
    void touch_lightly(base::AccountId account, base::Timestamp now);
    /// Everybody at a start: due one after the other within `let_alone_max`, the longest that
    /// anybody waits without a start, and no more than `start_step_max` apart, so that a node that
    /// has just taken over answers clients meanwhile; due at once where prices move by more than
    /// `start_move_max`.
    void start(const std::vector<base::AccountId>& accounts, base::Timestamp now);
    /// It was looked at since it was asked for, and may see prices move by `safe_move` of
    /// themselves. Not at all where that is not positive: it is due with the next move, or after
    /// `ask_again_after`; NaN, nobody knows: after that alone. An answer that is older than the
    /// latest touch says nothing.
    void keep(const Ask& ask, double safe_move, base::Timestamp now);
    /// It can lose no more than it holds.
    void forget(base::AccountId account);

    /// Takes a surface in. One that was taken in before, or has none of the former's assets, moves
    /// nothing. A funding index counts as a price: what it takes is a part of the contract's.
    void move_to(const Surface& surface);
    /// Those that are due, those first to whom something has happened. One that is not heard of
    /// then is due again after `ask_again_after`, under the same ticket.
    [[nodiscard]] std::vector<Ask> take_due(base::Timestamp now);

    /// Whether an account is on the list.
    [[nodiscard]] bool knows(base::AccountId account) const { return entries_.contains(account); }
    /// How many are.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct Entry {
        double due_at{};           ///< A distance: due beyond it.
        base::Timestamp due_time;  ///< In any case.
        std::uint64_t ticket{};    ///< Of the latest ask; 0 where it was touched since.
        double asked_at{};         ///< The distance of that ask.
    };
    void remove(base::AccountId account);
    void insert(base::AccountId account, const Entry& entry);

    double distance_{};
    std::uint64_t tickets_{};
    std::uint64_t surface_{};
    std::vector<Mark> marks_;
    std::vector<std::optional<base::Price>> funding_;
    std::vector<double> volatilities_;  ///< Of options; else 0.
    std::unordered_map<base::AccountId, Entry> entries_;
    std::set<std::pair<double, base::AccountId>> by_distance_;
    std::set<std::pair<base::Timestamp, base::AccountId>> by_time_;
};

/// The move of all prices, as a part of themselves, under which an account stays on its side of a
/// line: headroom over twice its gross exposure, since requirements may follow what equity loses.
/// 0 where there is no headroom. **Units:** USD cents, both.
[[nodiscard]] double safe_move(std::int64_t headroom_cents, std::int64_t gross_cents) noexcept;

}  // namespace crossclear::risk
