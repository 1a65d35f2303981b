#include "risk/kernel/lanes.hpp"

#include "risk/kernel/aligned.hpp"
#include "risk/kernel/limits.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

// Written with pairs of doubles, which every 64-bit machine computes at once: left to itself the
// compiler would not reorder sums and maxima of doubles, and rightly so.

namespace crossclear::risk::kernel {
namespace {

// NOLINTNEXTLINE(modernize-use-using): the attribute belongs to a typedef.
typedef double Pair __attribute__((vector_size(2 * sizeof(double))));
constexpr std::size_t pairs = limits::lanes / 2;
using Block = std::array<Pair, pairs>;

Pair load(const double* at) noexcept {
    Pair pair;
    std::memcpy(&pair, __builtin_assume_aligned(at, sizeof(Pair)), sizeof pair);
    return pair;
}
void store(double* at, Pair pair) noexcept {
    std::memcpy(__builtin_assume_aligned(at, sizeof(Pair)), &pair, sizeof pair);
}
Pair both(double x) noexcept { return Pair{x, x}; }
// As the machine's own maximum: the second where they do not compare.
Pair larger(Pair a, Pair b) noexcept { return a > b ? a : b; }

// Neither a NaN nor an infinity times zero is zero: the sum of those tells of any of them.
double poisoned(double result, const Block& poison) noexcept {
    Pair sum = both(0);
    for (const auto pair : poison) sum += pair;
    return sum[0] + sum[1] == 0 ? result : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void add_row(double* out, const double* base, const ScaledRow& scaled, std::size_t size) noexcept {
    const Pair scale = both(scaled.scale);
    for (std::size_t i = 0; i < size; i += limits::lanes) {
        for (std::size_t p = 0; p < limits::lanes; p += 2) {
            store(out + i + p, load(base + i + p) + scale * load(scaled.row + i + p));
        }
    }
}

void add_rows(double* out, std::span<const ScaledRow> rows, std::size_t size) noexcept {
    constexpr std::size_t together = 4;
    std::size_t next = 0;
    for (; next + together <= rows.size(); next += together) {
        const auto* r = rows.data() + next;
        const Pair s0 = both(r[0].scale);
        const Pair s1 = both(r[1].scale);
        const Pair s2 = both(r[2].scale);
        const Pair s3 = both(r[3].scale);
        for (std::size_t i = 0; i < size; i += 2) {
            Pair sum = load(out + i);
            sum += s0 * load(r[0].row + i);
            sum += s1 * load(r[1].row + i);
            sum += s2 * load(r[2].row + i);
            sum += s3 * load(r[3].row + i);
            store(out + i, sum);
        }
    }
    for (; next < rows.size(); ++next) add_row(out, out, rows[next], size);
}

void add_losses(double* out, const ScaledRow& scaled, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i) {
        const double pnl = scaled.scale * scaled.row[i];
        // In this form a NaN stays one.
        out[i] += pnl >= 0 ? 0 : pnl;
    }
}

double largest_loss(const double* pnl, std::size_t size) noexcept {
    Block worst{};
    Block poison{};
    for (std::size_t i = 0; i < size; i += limits::lanes) {
        for (std::size_t p = 0; p < pairs; ++p) {
            const Pair x = load(pnl + i + 2 * p);
            worst[p] = larger(-x, worst[p]);
            poison[p] += x * 0.0;
        }
    }
    Pair most = worst[0];
    for (std::size_t p = 1; p < pairs; ++p) most = larger(worst[p], most);
    return poisoned(most[0] > most[1] ? most[0] : most[1], poison);
}

double excess_loss(const double* pnl, std::size_t count, double threshold) noexcept {
    Block excess{};
    Block poison{};
    const Pair least = both(threshold);
    const Pair none = both(0);
    const std::size_t whole = count / limits::lanes * limits::lanes;
    for (std::size_t i = 0; i < whole; i += limits::lanes) {
        for (std::size_t p = 0; p < pairs; ++p) {
            const Pair x = load(pnl + i + 2 * p);
            excess[p] += larger(-x - least, none);
            poison[p] += x * 0.0;
        }
    }
    double rest = 0;
    for (std::size_t i = whole; i < count; ++i) {
        const double over = -pnl[i] - threshold;
        rest += over <= 0 ? 0 : over;
        poison[0][0] += pnl[i] * 0.0;
    }
    Pair sum = none;
    for (const auto pair : excess) sum += pair;
    return poisoned(sum[0] + sum[1] + rest, poison);
}

std::size_t losses_above(const double* pnl, std::size_t count, double threshold,
                         double* out) noexcept {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double loss = -pnl[i];
        // Written always, kept only if it counts: no branch to guess.
        out[found] = loss;
        found += loss > threshold ? 1 : 0;
    }
    return found;
}

}  // namespace crossclear::risk::kernel
