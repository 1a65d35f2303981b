#pragma once

#include <compare>
#include <cstdint>

/// Points in time and spans. The ledger never asks for the time; it arrives in commands.

namespace crossclear::base {

/// A span. **Units:** microseconds.
struct Duration {
    std::int64_t us{};

    friend constexpr auto operator<=>(const Duration&, const Duration&) = default;
    friend constexpr Duration operator+(Duration a, Duration b) noexcept {
        return Duration{a.us + b.us};
    }
    friend constexpr Duration operator*(Duration a, std::int64_t n) noexcept {
        return Duration{a.us * n};
    }

    template <class Inspector>
    friend bool inspect(Inspector& f, Duration& x) {
        return f.apply(x.us);
    }
};

/// A point in time, UTC. **Units:** microseconds since 1970-01-01.
struct Timestamp {
    std::int64_t us{};

    friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
    friend constexpr Timestamp operator+(Timestamp t, Duration d) noexcept {
        return Timestamp{t.us + d.us};
    }
    friend constexpr Timestamp operator-(Timestamp t, Duration d) noexcept {
        return Timestamp{t.us - d.us};
    }
    friend constexpr Duration operator-(Timestamp a, Timestamp b) noexcept {
        return Duration{a.us - b.us};
    }

    template <class Inspector>
    friend bool inspect(Inspector& f, Timestamp& x) {
        return f.apply(x.us);
    }
};

/// Spans in larger units; `n` may be negative.
[[nodiscard]] constexpr Duration milliseconds(std::int64_t n) noexcept { return {n * 1'000}; }
[[nodiscard]] constexpr Duration seconds(std::int64_t n) noexcept { return {n * 1'000'000}; }

/// The wall clock, for hosts and adapters only; `ledger` must not call it.
[[nodiscard]] Timestamp wall_clock_now() noexcept;

}  // namespace crossclear::base
