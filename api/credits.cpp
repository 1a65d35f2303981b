#include "api/credits.hpp"

#include "base/check.hpp"

#include <algorithm>

// The generic cell rate algorithm: instead of a level that must be drained, remember when the
// bucket will be empty. One number per class, moved forward by one compare-and-swap. The subtle
// thing: a refused call must not move it, or a client that keeps asking would never be served.

namespace crossclear::api {

std::string_view name_of(MethodClass method_class) noexcept {
    switch (method_class) {
        case MethodClass::general:
            return "general";
        case MethodClass::login:
            return "login";
        case MethodClass::query:
            return "query";
        case MethodClass::trade:
            return "trade";
        case MethodClass::feed:
            return "feed";
    }
    UNREACHABLE("an unlisted method class");
}

Credits::Spent Credits::spend(MethodClass method_class, std::int64_t now_us) noexcept {
    const auto index = static_cast<std::size_t>(method_class);
    const auto& rate = rates_[index];
    const std::int64_t cost_ns = 1'000'000'000 / rate.per_second;
    const std::int64_t depth_ns = cost_ns * rate.burst;
    const std::int64_t now_ns = now_us * 1'000;
    auto& drained_at = drained_at_[index];
    auto before = drained_at.load(std::memory_order_relaxed);
    for (;;) {
        const auto after = std::max(before, now_ns) + cost_ns;
        const auto excess_ns = after - now_ns - depth_ns;
        if (excess_ns > 0) {
            return {.is_granted = false,
                    .remaining = 0,
                    .retry_after_ms = (excess_ns + 999'999) / 1'000'000};
        }
        if (drained_at.compare_exchange_weak(before, after, std::memory_order_relaxed)) {
            return {.is_granted = true, .remaining = -excess_ns / cost_ns, .retry_after_ms = 0};
        }
    }
}

bool Credits::is_full(std::int64_t now_us) const noexcept {
    return std::all_of(drained_at_.begin(), drained_at_.end(), [&](const auto& drained_at) {
        return drained_at.load(std::memory_order_relaxed) <= now_us * 1'000;
    });
}

std::shared_ptr<Credits> CreditTable::of(const std::string& owner, std::int64_t now_us) {
    const std::lock_guard lock{mutex_};
    auto& entry = entries_[owner];
    if (entry) return entry;
    entry = std::make_shared<Credits>(rates_);
    auto made = entry;
    if (entries_.size() > sweep_at_) {
        std::erase_if(entries_, [&](const auto& other) {
            return other.second.use_count() == 1 && other.second->is_full(now_us);
        });
        // Sweeping again only after growing as much again keeps the cost per entry constant.
        sweep_at_ = std::max(entries_soft_max_, entries_.size() * 2);
    }
    return made;
}

}  // namespace crossclear::api
