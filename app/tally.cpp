#include "app/desk.hpp"

#include <bit>

namespace crossclear::app {
namespace {

// Eight classes per power of two: the exponent above, the three bits after the leading one below.
std::size_t class_of(std::int64_t latency_us) {
    const auto value = static_cast<std::uint64_t>(latency_us < 8 ? 8 : latency_us);
    const auto exponent = static_cast<unsigned>(std::bit_width(value) - 1);
    return (exponent * 8 + ((value >> (exponent - 3)) & 7)) & 255;
}

std::int64_t upper_end_of(std::size_t index) {
    const auto exponent = static_cast<unsigned>(index / 8);
    return static_cast<std::int64_t>((8 + index % 8 + 1) << (exponent - 3));
}

}  // namespace

void Tally::refuse(const std::string& reason) {
    const std::scoped_lock lock(mutex_);
    ++refusals_[reason];
}

void Tally::observe(std::int64_t latency_us) {
    latencies_[class_of(latency_us)].fetch_add(1, std::memory_order_relaxed);
}

std::map<std::string, std::uint64_t> Tally::refusals() const {
    const std::scoped_lock lock(mutex_);
    return refusals_;
}

std::uint64_t Tally::refused() const {
    const std::scoped_lock lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& [reason, count] : refusals_) sum += count;
    return sum;
}

std::int64_t Tally::latency_us(std::uint32_t share_ppm) const {
    std::uint64_t all = 0;
    for (const auto& count : latencies_) all += count.load(std::memory_order_relaxed);
    std::uint64_t wanted = all * share_ppm / 1'000'000;
    for (std::size_t i = 24; i < latencies_.size(); ++i) {
        const auto count = latencies_[i].load(std::memory_order_relaxed);
        if (count > wanted) return upper_end_of(i);
        wanted -= count;
    }
    return 0;
}

}  // namespace crossclear::app
