#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "risk/history/prices.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// What one column of past prices tells of the moves to come.
///
/// The problem: a quantile of past moves is slow to see that times have changed, and one scaled to
/// today's volatility forgets in quiet years how bad it can be. The idea: take both, and the
/// larger. The subtle thing: an estimator is fed one price after the other and keeps nothing but
/// what it was fed, so that no estimate can know what came later.

namespace crossclear::risk::history {

/// How estimates are made. The defaults are those of rules that others set, none was fitted to a
/// file: see `Estimate` for the sources.
struct EstimateTerms {
    double horizon_days{2};       ///< Of a move.
    double confidence{.995};      ///< Of moves of either sign that stay within the range.
    double decay_day{.97};        ///< Of the weight of a squared return, a day.
    double seed_days{10};         ///< So long the volatility is a plain mean, and scales nothing.
    double history_days_min{30};  ///< Less than this is no past to estimate from.
    double age_days_max{.25};     ///< An older price is none.

    friend bool operator==(const EstimateTerms&, const EstimateTerms&) = default;
};

/// What is known of one column. **Units:** shares of one, a day's volatility as the deviation of
/// the logarithm, USD.
///
/// Moves are those over the horizon that end at each price in the past, overlapping; one ends at
/// every row. A quantile is the smallest move that at least the confidence's share does not exceed.
/// **Source:** filtered historical simulation: J. Hull and A. White, "Incorporating volatility
/// updating into the historical simulation method for value-at-risk", Journal of Risk 1 (1998);
/// the decay: RiskMetrics Technical Document, 4th ed. (1996), its monthly one; 99.5 %: Regulation
/// (EU) 153/2013, article 24, of OTC derivatives; that margins of quiet times do not fall below
/// those of all the past: the same, article 28.
struct Estimate {
    Quote latest;
    double range{};                      ///< The larger of the two below.
    double range_past{};                 ///< Quantile of |move| over all of the past.
    double range_now{};                  ///< Quantile of moves in deviations, at today's deviation.
    double volatility_day{};             ///< The larger of the two below.
    double volatility_past{};            ///< Over all of the past.
    double volatility_now{};             ///< Exponentially weighted.
    double worst_fall{};                 ///< Largest fall over the horizon.
    double worst_rise{};                 ///< Largest rise.
    double below_dollar{};               ///< Furthest below one dollar.
    double above_dollar{};               ///< Furthest above it.
    bool is_near_dollar{};               ///< More than half of its prices within 5 % of one.
    std::optional<double> volume_usd{};  ///< ADV: of 30 days or of all days, whichever is less.
    double history_days{};               ///< From the first price to the latest.
    double gap_days_max{};               ///< The longest time between two prices.
    std::size_t prices{};
    std::size_t moves{};

    friend bool operator==(const Estimate&, const Estimate&) = default;
};

/// Why nothing can be estimated.
enum class EstimateFault : std::uint8_t {
    price_missing,  ///< There is none.
    price_old,      ///< The latest is older than `age_days_max`: it no longer trades.
    price_zero,     ///< The latest is zero: no move from it is a share of it.
    history_short,  ///< Less than `history_days_min`.
    move_missing,   ///< No two prices lie the horizon apart.
};
/// The fault in words, for people.
[[nodiscard]] std::string_view name_of(EstimateFault fault) noexcept;

/// A move over the horizon that ends at the latest price.
struct Move {
    base::Timestamp from;
    base::Timestamp to;
    double log{};

    friend bool operator==(const Move&, const Move&) = default;
};

/// Gathers the prices of one column. **Thread:** one.
class Estimator {
public:
    explicit Estimator(const EstimateTerms& terms) : terms_(terms) {}

    /// The next price. **Requires:** finite, at least 0, and later than the ones before.
    void add(const Quote& quote);
    /// What was traded since the row before. **Requires:** finite, at least 0, in order of time.
    void add_volume(base::Timestamp at, double usd);

    /// The latest price, or nothing.
    [[nodiscard]] std::optional<Quote> latest() const;
    /// The move that ended with the latest price; nothing where no price lies the horizon before.
    [[nodiscard]] std::optional<Move> latest_move() const noexcept { return move_; }

    /// What is known at `now`. **Errors:** the first of the faults that holds.
    /// **Cost:** linear in the prices so far.
    [[nodiscard]] base::Result<Estimate, EstimateFault> estimate(base::Timestamp now) const;

private:
    void add_return(const Quote& before, const Quote& now);
    void add_move(const Quote& now);
    [[nodiscard]] std::optional<double> volume_at(base::Timestamp now) const;

    // A price, and the volatility of a day as it was known then; none before the seed is over.
    struct Known {
        Quote quote;
        std::optional<double> volatility;
    };
    struct Traded {
        base::Timestamp at;
        double total_usd{};  ///< Since the first.
    };

    EstimateTerms terms_;
    std::vector<Known> known_;
    std::vector<Traded> traded_;
    std::size_t from_{};              ///< Of `known_`: where the move to the latest price began.
    double squares_{};                ///< Of all returns,
    double days_{};                   ///< and over how many days.
    double variance_{};               ///< Exponentially weighted, of a day.
    std::vector<double> sizes_;       ///< |move|.
    std::vector<double> deviations_;  ///< |log move| over the deviation that was known before it.
    std::optional<Move> move_;
    double worst_fall_{};
    double worst_rise_{};
    double lowest_{};
    double highest_{};
    double gap_days_max_{};
    std::size_t near_dollar_{};
};

/// The smallest entry that at least `share` of them do not exceed. **Requires:** an entry, and a
/// share within (0, 1]. **Rounding:** up to an entry, towards more margin.
[[nodiscard]] double rank_quantile(std::vector<double> entries, double share);

}  // namespace crossclear::risk::history
