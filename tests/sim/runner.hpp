#pragma once

#include "tests/sim/plants.hpp"
#include "tests/sim/simulation.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Many seeds on a few processes. A seed that breaks a CHECK ends its process and no other.

namespace crossclear::sim {

/// What to run.
struct Order {
    std::vector<std::uint64_t> seeds;
    std::uint64_t steps{5'000};
    WorldKind kind{WorldKind::town};
    Plant plant{Plant::none};
    unsigned workers{2};
    bool is_verbose{};
    bool traces_all{};       ///< Every event is printed as it happens.
    bool is_first_enough{};  ///< Stop at the first violation.
};

/// What one seed came to, as far as another process can know.
struct SeedReport {
    std::uint64_t seed{};
    std::uint64_t hash{};
    std::uint64_t steps{};
    std::uint64_t records{};
    std::int32_t invariant{};  ///< 0: nothing was wrong. -1: the process ended.
    Marks marks{};
    std::string what;
};

/// Runs all seeds; the reports come in the order of the seeds, up to the first violation where
/// that is enough.
[[nodiscard]] std::vector<SeedReport> run_seeds(const Order& order);

}  // namespace crossclear::sim
