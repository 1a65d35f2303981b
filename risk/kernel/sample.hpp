#pragma once

#include "risk/kernel/universe.hpp"

#include <cstddef>
#include <cstdint>

/// A universe of a given size, for measurements and random tests: two coins, so that the core
/// scenarios are the 90 of the demo, and wrappers, protocols and instruments of every kind.

namespace crossclear::risk::kernel {

/// How large.
struct SampleSize {
    std::size_t wrappers{16};      ///< At least 6.
    std::size_t protocols{16};     ///< At least 2.
    std::size_t instruments{128};  ///< At least one more than there are wrappers.
    std::uint32_t simulated{512};
};

/// The same for the same size; without fault. The first instrument is cash, then comes one for each
/// wrapper, then options, pools, deposits, debts, binaries and inverse perpetuals in turn.
[[nodiscard]] Universe sample_universe(const SampleSize& size);

/// The same with options in place of what follows the wrappers.
[[nodiscard]] Universe sample_of_options(const SampleSize& size);

}  // namespace crossclear::risk::kernel
