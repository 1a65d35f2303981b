#include "ledger/hedge/schedule.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/rng.hpp"

#include <algorithm>

namespace crossclear::ledger::hedge {
namespace {

using base::Amount;

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// Cuts `size` into `count` positive parts.
std::vector<Amount> parts_of(Amount size, std::int64_t count, base::Rng& rng) {
    std::vector<Amount> parts;
    Amount left = size;
    for (std::int64_t after = count - 1; after > 0; --after) {
        const std::int64_t fair = left.v / (after + 1);
        const auto drawn = fair / 2 + static_cast<std::int64_t>(rng.below(unsigned_of(fair) + 1));
        // Every slice that follows still gets something.
        const Amount part{std::clamp<std::int64_t>(drawn, 1, left.v - after)};
        parts.push_back(part);
        left = base::must_subtract(left, part);
    }
    parts.push_back(left);
    return parts;
}

}  // namespace

Schedule draw_schedule(const ScheduleTerms& terms, std::uint64_t seed) {
    CHECK(terms.quantity.v != 0, "there is something to schedule");
    base::Rng rng{seed};
    Schedule schedule;
    schedule.salt = rng.next();
    const Amount size = base::magnitude(terms.quantity);
    const auto most = std::clamp<std::int64_t>(
        terms.slices_max, 1, std::min<std::int64_t>(base::limits::slices_max, size.v));
    const auto count = static_cast<std::int64_t>(1 + rng.below(unsigned_of(most)));
    const std::uint64_t spread = unsigned_of(std::max<std::int64_t>(1, terms.spread.us));
    for (const Amount part : parts_of(size, count, rng)) {
        const base::Duration wait{static_cast<std::int64_t>(rng.below(spread))};
        schedule.slices.push_back(
            {terms.quantity.v > 0 ? part : base::must_subtract({}, part), terms.from + wait});
    }
    std::sort(schedule.slices.begin(), schedule.slices.end(),
              [](const Slice& a, const Slice& b) { return a.send_at < b.send_at; });
    Amount left = terms.reserved;
    for (std::size_t i = 0; i < schedule.slices.size(); ++i) {
        const auto share =
            base::multiply_divide(terms.reserved.v, base::magnitude(schedule.slices[i].quantity).v,
                                  size.v, base::Rounding::down);
        CHECK(share.has_value(), "a share of what is reserved fits");
        const bool is_last = i + 1 == schedule.slices.size();
        schedule.cost_max.push_back(is_last ? left : Amount{*share});
        left = base::must_subtract(left, schedule.cost_max.back());
    }
    return schedule;
}

}  // namespace crossclear::ledger::hedge
