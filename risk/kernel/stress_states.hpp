#pragma once

#include "base/result.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/house.hpp"
#include "risk/kernel/stress.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// The states of the stress book on one surface. What each instrument changes by in each of them is
/// computed once; what a client leaves unpaid is a sum then, and what all clients do together is
/// made of such sums, without the clients.

namespace crossclear::risk::kernel {

/// Whose shortfalls a stress adds up.
enum class StressOf : std::uint8_t { everyone, largest, two_largest };

/// How far a price can move that nobody has seen for `hours`, up (side 1) or down (-1), as a part
/// of itself.
[[nodiscard]] double frozen_move(const ModelParameters& model, double hours, double side,
                                 double volatility_day);

/// One stress: a stretch of the states. Two may have the same.
struct StressStretch {
    std::string name;
    StressOf of{StressOf::everyone};
    std::size_t begin{};
    std::size_t count{};
};

/// What one client leaves unpaid, where that is something; at the least, where it is unknown.
struct ClientStress {
    /// In one state.
    struct At {
        std::uint16_t state{};
        float usd{};  ///< Rounded up: there is one for each client and state.

        friend bool operator==(const At&, const At&) = default;
    };
    std::vector<At> states;
    std::uint32_t unknown{};  ///< A bit for each stress of which some state is not known.

    friend bool operator==(const ClientStress&, const ClientStress&) = default;
};

/// What many clients leave unpaid in each state. Sums of groups that share no client join to those
/// of all. **Units:** USD.
struct StressSums {
    std::vector<HouseSums::Line> states;
    std::vector<std::uint64_t> unknown;  ///< Clients, by stress.

    /// One client more.
    void add(const ClientStress& client);
    /// Another group's.
    void add(const StressSums& group);

    friend bool operator==(const StressSums&, const StressSums&) = default;
};

/// A stress over many clients: the worst of its states. **Units:** USD.
struct StressFigure {
    std::string name;
    double loss{};         ///< At least, where clients are unknown.
    double largest{};      ///< Of one client in one state,
    double two_largest{};  ///< and of two together.
    std::string worst;     ///< The state that `loss` is of; empty where nothing is lost.
    std::size_t states{};  ///< None: nobody knows anything of it.
    std::uint64_t clients_unknown{};

    friend bool operator==(const StressFigure&, const StressFigure&) = default;
};

/// Immutable. **Thread:** any.
class StressStates {
public:
    /// **Requires:** paths with an entry for each coin and wrapper, not negative; the surface
    /// outlives it. **Errors:** `not_finite`; `out_of_range` for more than `limits` allow.
    /// **Cost:** a revaluation of each instrument in each state.
    [[nodiscard]] static base::Result<std::shared_ptr<const StressStates>, Fault> of(
        const Surface& surface, const StressTerms& terms);

    /// In the order in which `stress_book_of` names them.
    [[nodiscard]] const std::vector<StressStretch>& stresses() const noexcept { return stresses_; }
    /// How many states there are.
    [[nodiscard]] std::size_t count() const noexcept { return names_.size(); }
    /// What a state is called. **Requires:** there is one.
    [[nodiscard]] const std::string& name(std::size_t state) const { return names_.at(state); }

    /// What a client leaves unpaid in each state, NaN where it holds what nobody knows then.
    /// **Requires:** an account of the surface, and its margin. **Errors:** `not_finite`.
    [[nodiscard]] base::Result<std::vector<double>, Fault> shortfalls(const Account& account,
                                                                      const Margin& margin) const;
    /// The same at the least: what nobody knows stands still. **Errors:** as above.
    [[nodiscard]] base::Result<std::vector<double>, Fault> least(const Account& account,
                                                                 const Margin& margin) const;
    /// That without what is nothing.
    [[nodiscard]] base::Result<ClientStress, Fault> of_client(const Account& account,
                                                              const Margin& margin) const;
    /// What the sums say of each stress. **Errors:** `out_of_range`: they are of other states.
    [[nodiscard]] base::Result<std::vector<StressFigure>, Fault> figures(
        const StressSums& sums) const;

private:
    friend class StressBuilder;
    explicit StressStates(const Surface& surface) : surface_(&surface) {}
    template <class Visit>
    void each_unknown(const Account& account, Visit visit) const;

    const Surface* surface_;
    std::vector<StressStretch> stresses_;
    std::vector<std::string> names_;         ///< By state.
    std::vector<std::size_t> revalued_;      ///< The states with a column in the matrix, in order.
    std::vector<double> changes_;            ///< By instrument, then by revalued state.
    std::vector<std::uint8_t> is_unknown_;   ///< 1 where nobody knows it, and 0 stands there.
    std::vector<FailureEffect> all_failed_;  ///< Of all failures together, by instrument.
    std::size_t protocols_begin_{};
    std::size_t all_protocols_{};  ///< The state in which every protocol fails.
    std::size_t scenarios_begin_{};
};

}  // namespace crossclear::risk::kernel
