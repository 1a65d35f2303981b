#pragma once

#include "base/amount.hpp"
#include "base/time.hpp"
#include "base/wide.hpp"

#include <algorithm>
#include <optional>

namespace crossclear::actors {

/// A price on average over a span of time, looked at now and then: what a look finds counts for the
/// time since the look before it.
class TimeAverage {
public:
    /// What the span is.
    struct Span {
        base::Timestamp from;
        base::Timestamp until;
    };
    explicit TimeAverage(Span span) : span_(span) {}

    /// What the price is now, if there is one. **Requires:** a price that is not negative.
    void note(std::optional<base::Price> price, base::Timestamp now) {
        const auto from = std::max(looked_at_.value_or(now), span_.from);
        const auto until = std::min(now, span_.until);
        looked_at_ = std::max(looked_at_.value_or(now), now);
        if (!price || until <= from) return;
        covered_ = covered_ + (until - from);
        sum_ += base::Wide{price->v} * (until - from).us;
    }
    /// How much of the span there was a price for.
    [[nodiscard]] base::Duration covered() const { return covered_; }
    /// How much of what the price is going to be averaged over that is: the rest is to come. What
    /// was missed does not come any more. 1 from the end on, if there was a price.
    [[nodiscard]] double share(base::Timestamp now) const {
        const auto to_come =
            std::max<std::int64_t>(0, (span_.until - std::max(now, span_.from)).us);
        const auto all = covered_.us + to_come;
        return all <= 0 ? 0 : static_cast<double>(covered_.us) / static_cast<double>(all);
    }
    /// **Rounding:** down. Nothing where there was none.
    [[nodiscard]] std::optional<base::Price> value() const {
        if (covered_.us <= 0) return std::nullopt;
        return base::Price{static_cast<std::int64_t>(sum_ / covered_.us)};
    }

private:
    Span span_;
    std::optional<base::Timestamp> looked_at_;
    base::Duration covered_{};
    base::Wide sum_{};  ///< Of prices times microseconds.
};

}  // namespace crossclear::actors
