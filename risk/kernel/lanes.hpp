#pragma once

#include <cstddef>
#include <span>

/// The loops of the hot path, over aligned rows of whole blocks of lanes.
///
/// Each adds in one fixed order: lane by lane from the front, and the lanes together at the end.
/// The same numbers give the same bits, however the compiler makes use of the machine.

namespace crossclear::risk::kernel {

/// One row, and how much of it.
struct ScaledRow {
    const double* row{};
    double scale{};
};

/// out = base + scale·row. **Requires:** `size` in whole blocks; aligned; `out` may be `base`.
void add_row(double* out, const double* base, const ScaledRow& scaled, std::size_t size) noexcept;

/// out += Σ scale·row, term after term in their order: the same bits as `add_row` for each, in
/// fewer passes over `out`.
void add_rows(double* out, std::span<const ScaledRow> rows, std::size_t size) noexcept;

/// out += min(0, scale·row).
void add_losses(double* out, const ScaledRow& scaled, std::size_t size) noexcept;

/// The largest loss -pnl, at least 0; NaN where anything is not finite. The padding is zeros, which
/// lose nothing. **Requires:** `size` in whole blocks; aligned.
[[nodiscard]] double largest_loss(const double* pnl, std::size_t size) noexcept;

/// Σ max(0, -pnl - threshold) over the first `count`; NaN where one of them is not finite.
/// **Requires:** aligned.
[[nodiscard]] double excess_loss(const double* pnl, std::size_t count, double threshold) noexcept;

/// Writes those losses -pnl of the first `count` that are above `threshold` to `out`, in their
/// order, and returns how many. **Requires:** room for `count`.
[[nodiscard]] std::size_t losses_above(const double* pnl, std::size_t count, double threshold,
                                       double* out) noexcept;

}  // namespace crossclear::risk::kernel
