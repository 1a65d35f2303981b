#pragma once

#include "base/check.hpp"
#include "base/hash.hpp"

#include <cstdint>

namespace crossclear::base {

/// A seeded source of numbers that is the same on every machine and library. Not for secrets.
/// Source: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
class Rng {
public:
    explicit constexpr Rng(std::uint64_t seed) noexcept : state_(seed) {}

    /// The next 64 bits.
    constexpr std::uint64_t next() noexcept {
        const std::uint64_t value = mix64(state_);
        state_ += 0x9E3779B97F4A7C15ULL;
        return value;
    }

    /// A number in [0, end). **Requires:** `end > 0`. The bias is below 2^-32 for `end < 2^32`.
    constexpr std::uint64_t below(std::uint64_t end) {
        CHECK(end > 0, "a range to draw from is not empty");
        return next() % end;
    }

    /// A number in [0, 1).
    constexpr double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

    /// True with a chance of `numerator` in a million: rates without floating point.
    constexpr bool chance_ppm(std::uint32_t numerator) noexcept {
        return next() % 1'000'000 < numerator;
    }

    /// A generator of its own for one purpose, so that draws elsewhere do not shift it.
    [[nodiscard]] constexpr Rng fork(std::uint64_t purpose) const noexcept {
        return Rng{hash_combine(state_, purpose)};
    }

private:
    std::uint64_t state_;
};

}  // namespace crossclear::base
