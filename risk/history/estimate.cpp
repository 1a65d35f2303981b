#include "risk/history/estimate.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace crossclear::risk::history {
namespace {

constexpr double near_dollar = .05;
constexpr double volume_days = 30;
// What has fallen further counts as this: a price of zero has no logarithm.
constexpr double fall_max = 1e-6;
// Beyond it, a factor of 400, no price goes in days: as in the kernel's simulation.
constexpr double log_max = 6;

double log_move(const Quote& from, const Quote& to) {
    return std::log(std::max(to.price, from.price * fall_max) / from.price);
}

}  // namespace

std::string_view name_of(EstimateFault fault) noexcept {
    switch (fault) {
        case EstimateFault::price_missing:
            return "has no price";
        case EstimateFault::price_old:
            return "does not trade any more";
        case EstimateFault::price_zero:
            return "is worth nothing";
        case EstimateFault::history_short:
            return "has too short a past";
        case EstimateFault::move_missing:
            return "has no two prices the horizon apart";
    }
    UNREACHABLE("an unlisted fault");
}

double rank_quantile(std::vector<double> entries, double share) {
    CHECK(!entries.empty(), "a quantile is one of some entries");
    CHECK(share > 0 && share <= 1, "a quantile is at a share of the entries");
    const auto count = static_cast<double>(entries.size());
    // A product that is whole but for rounding is that whole number.
    const auto rank = static_cast<std::size_t>(std::ceil(share * count - 1e-9 * count));
    const auto at =
        static_cast<std::ptrdiff_t>(std::clamp(rank, std::size_t{1}, entries.size())) - 1;
    std::nth_element(entries.begin(), entries.begin() + at, entries.end());
    return entries[static_cast<std::size_t>(at)];
}

std::optional<Quote> Estimator::latest() const {
    if (known_.empty()) return std::nullopt;
    return known_.back().quote;
}

void Estimator::add(const Quote& quote) {
    CHECK(std::isfinite(quote.price) && quote.price >= 0, "a price is a number, and not negative");
    if (known_.empty()) {
        lowest_ = highest_ = quote.price;
    } else {
        CHECK(quote.at > known_.back().quote.at, "prices come in order of time");
        gap_days_max_ = std::max(gap_days_max_, days_of(quote.at - known_.back().quote.at));
        add_return(known_.back().quote, quote);
    }
    lowest_ = std::min(lowest_, quote.price);
    highest_ = std::max(highest_, quote.price);
    if (std::abs(quote.price - 1) <= near_dollar) ++near_dollar_;
    const bool is_seeded = !known_.empty() && days_ >= terms_.seed_days && variance_ > 0;
    known_.push_back(
        {.quote = quote,
         .volatility = is_seeded ? std::optional(std::sqrt(variance_)) : std::nullopt});
    add_move(quote);
}

// A return over a gap counts as the days it took: it is one draw of a larger deviation.
void Estimator::add_return(const Quote& before, const Quote& now) {
    if (before.price <= 0) return;
    const double days = days_of(now.at - before.at);
    const double log = log_move(before, now);
    squares_ += log * log;
    days_ += days;
    if (days_ < terms_.seed_days) {
        variance_ = squares_ / days_;
        return;
    }
    const double weight = std::pow(terms_.decay_day, days);
    variance_ = weight * variance_ + (1 - weight) * log * log / days;
}

void Estimator::add_move(const Quote& now) {
    move_.reset();
    const auto wanted = now.at - span_of(terms_.horizon_days);
    while (from_ + 1 < known_.size() && known_[from_ + 1].quote.at <= wanted) ++from_;
    const auto& [from, volatility] = known_[from_];
    // Where a price is missing the one before begins the move: a little longer, never shorter.
    const bool is_there =
        from.at <= wanted && days_of(wanted - from.at) <= terms_.age_days_max && from.price > 0;
    if (!is_there) return;
    const double move = now.price / from.price - 1;
    move_ = Move{.from = from.at, .to = now.at, .log = log_move(from, now)};
    sizes_.push_back(std::abs(move));
    worst_fall_ = std::max(worst_fall_, -move);
    worst_rise_ = std::max(worst_rise_, move);
    if (volatility) {
        deviations_.push_back(std::abs(move_->log) /
                              (*volatility * std::sqrt(terms_.horizon_days)));
    }
}

void Estimator::add_volume(base::Timestamp at, double usd) {
    CHECK(std::isfinite(usd) && usd >= 0, "a volume is a number, and not negative");
    const double before = traded_.empty() ? 0 : traded_.back().total_usd;
    // What the first row counts was traded before it, when is not known.
    traded_.push_back({.at = at, .total_usd = traded_.empty() ? 0 : before + usd});
}

std::optional<double> Estimator::volume_at(base::Timestamp now) const {
    if (traded_.size() < 2) return std::nullopt;
    const auto mean_since = [&](const Traded& from) {
        return (traded_.back().total_usd - from.total_usd) / days_of(now - from.at);
    };
    const auto begin = now - span_of(volume_days);
    const auto recent = std::find_if(traded_.begin(), traded_.end() - 1,
                                     [begin](const Traded& x) { return x.at >= begin; });
    return std::min(mean_since(traded_.front()), mean_since(*recent));
}

base::Result<Estimate, EstimateFault> Estimator::estimate(base::Timestamp now) const {
    if (known_.empty()) return base::Failure{EstimateFault::price_missing};
    const auto& last = known_.back().quote;
    if (days_of(now - last.at) > terms_.age_days_max) {
        return base::Failure{EstimateFault::price_old};
    }
    if (last.price <= 0) return base::Failure{EstimateFault::price_zero};
    const double history_days = days_of(last.at - known_.front().quote.at);
    if (history_days < terms_.history_days_min) {
        return base::Failure{EstimateFault::history_short};
    }
    if (sizes_.empty()) return base::Failure{EstimateFault::move_missing};
    Estimate x;
    x.latest = last;
    x.range_past = rank_quantile(sizes_, terms_.confidence);
    x.volatility_past = std::sqrt(squares_ / days_);
    x.volatility_now = std::sqrt(variance_);
    if (!deviations_.empty()) {
        const double log = rank_quantile(deviations_, terms_.confidence) * x.volatility_now *
                           std::sqrt(terms_.horizon_days);
        // Of a rise, which is the larger share of the two that the same logarithm stands for.
        x.range_now = std::expm1(std::min(log, log_max));
    }
    x.range = std::max(x.range_past, x.range_now);
    x.volatility_day = std::max(x.volatility_past, x.volatility_now);
    x.worst_fall = worst_fall_;
    x.worst_rise = worst_rise_;
    x.below_dollar = std::max(0.0, 1 - lowest_);
    x.above_dollar = std::max(0.0, highest_ - 1);
    x.is_near_dollar = 2 * near_dollar_ > known_.size();
    x.volume_usd = volume_at(now);
    x.history_days = history_days;
    x.gap_days_max = gap_days_max_;
    x.prices = known_.size();
    x.moves = sizes_.size();
    return x;
}

}  // namespace crossclear::risk::history
