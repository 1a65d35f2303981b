#pragma once

#include <boost/json/object.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace crossclear::bench {

/// Every latency of a run, exactly: a run is seconds long, so that there is room for all.
/// **Units:** microseconds.
class Latencies {
public:
    void add(std::int64_t us) {
        values_.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(us, 0, UINT32_MAX)));
        is_sorted_ = false;
    }
    [[nodiscard]] std::size_t count() const { return values_.size(); }

    /// The value that a share of all stays at or below. 0 without any.
    [[nodiscard]] std::uint32_t at(double share) {
        if (values_.empty()) return 0;
        if (!is_sorted_) std::sort(values_.begin(), values_.end());
        is_sorted_ = true;
        const auto last = static_cast<double>(values_.size() - 1);
        return values_[static_cast<std::size_t>(last * share + 0.5)];
    }

    /// Writes `p50_us`, `p99_us` and `p999_us`.
    void write(boost::json::object& to) {
        to["p50_us"] = at(0.5);
        to["p99_us"] = at(0.99);
        to["p999_us"] = at(0.999);
    }

private:
    std::vector<std::uint32_t> values_;
    bool is_sorted_{};
};

}  // namespace crossclear::bench
