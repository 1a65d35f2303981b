#pragma once

#include "base/result.hpp"
#include "risk/kernel/account.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The stress book: what clients would leave unpaid in states of the world that nobody is asked a
/// margin for. Nobody is liquidated on the way, and nothing is damped: whatever a state costs, it
/// costs at once.

namespace crossclear::risk::kernel {

/// Prices as they really went, each as a multiple of where it began. Nothing where nobody knows: a
/// client that holds such a thing has no loss then, which is not a loss of zero.
struct PricePath {
    std::string name;
    std::vector<std::string> moments;  ///< What each state is called, in order of time.
    /// By moment and coin.
    std::vector<std::vector<std::optional<double>>> underlyings;
    /// By moment and wrapper, its coin's move included.
    std::vector<std::vector<std::optional<double>>> wrappers;

    friend bool operator==(const PricePath&, const PricePath&) = default;
};

/// What a book is stressed by, beyond what is the same for everyone.
struct StressTerms {
    double oracle_frozen_hours{24};  ///< T.
    std::vector<PricePath> paths{};
};

/// One stress: the worst of its states. **Units:** USD.
struct StressLine {
    std::string name;
    /// What clients leave unpaid, so that the waterfall pays it; at least, where it is not
    /// complete.
    double loss{};
    double largest{};      ///< The largest of one client in one state,
    double two_largest{};  ///< and of two together.
    std::string worst;     ///< The state that `loss` is of; empty where nothing is lost.
    std::size_t states{};
    std::vector<double> by_client;     ///< The worst of each, whatever the state.
    std::vector<std::size_t> unknown;  ///< By client: states in which its loss is not known.

    /// Whether every client's loss is known in every state, and there is one.
    [[nodiscard]] bool is_complete() const noexcept;
};

/// All stresses, in the order in which `stress_book_of` names them.
struct StressBook {
    std::vector<StressLine> lines;

    /// The worst of each client over all of them.
    [[nodiscard]] std::vector<double> by_client() const;
};

/// Names of the stresses that need no path.
inline constexpr std::string_view stress_coins = "every coin at zero";
inline constexpr std::string_view stress_protocol = "one protocol fails";
inline constexpr std::string_view stress_protocols = "every protocol fails";
inline constexpr std::string_view stress_oracle = "an oracle is frozen";
inline constexpr std::string_view stress_default = "the largest client defaults";
inline constexpr std::string_view stress_defaults = "the two largest clients default";

/// The largest multiple of a price in the states below, at least 1. What is worth as much as it
/// holds of prices, long or short, loses less than its worth times this and 1 more.
[[nodiscard]] double largest_multiple(const Universe& universe, const StressTerms& terms);

/// Stresses a book. A client's shortfall is what its loss exceeds its equity by:
///
/// | stress | states | loss |
/// |---|---|---|
/// | every coin at zero | one: volatility up, pegs hold | by revaluation |
/// | one protocol fails | one a protocol | L, as the margin has it |
/// | every protocol fails | one | L of all at once: each takes its part of what others leave |
/// | an oracle is frozen | a coin, or a wrapper alone, moves ± 2.33·σ·sqrt(T) | by revaluation |
/// | the largest one, two clients default | every scenario | P&L and LC: it is closed there |
/// | a path | one a moment: volatility up | by revaluation |
///
/// **Requires:** accounts of this surface; paths with an entry for each coin and wrapper, not
/// negative. **Errors:** `not_finite`.
[[nodiscard]] base::Result<StressBook, Fault> stress_book_of(
    const Surface& surface, std::span<const Account* const> accounts, const StressTerms& terms);

}  // namespace crossclear::risk::kernel
