#pragma once

#include "risk/kernel/house.hpp"
#include "risk/kernel/stress.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

/// How much of its waterfall a broker lets one protocol, one client or two of them stand for, and
/// what becomes of an order where that is too much.

namespace crossclear::risk::kernel {

/// Shares of the waterfall; a broker's profile sets them. Each within [0, 1].
struct HouseLimits {
    double protocol_share{.25};  ///< ΣSF of one protocol.
    double client_share{.10};    ///< One client's loss in its worst stress.

    friend bool operator==(const HouseLimits&, const HouseLimits&) = default;
};

/// What limits look at. **Units:** USD.
struct HouseFigures {
    double waterfall{};
    double cover2{};
    std::vector<double> protocols;  ///< ΣSF, in the universe's order.
    std::vector<double> clients;    ///< The worst stress of each.

    friend bool operator==(const HouseFigures&, const HouseFigures&) = default;
};
/// The figures of a house that was looked at and stressed with the same accounts.
[[nodiscard]] HouseFigures figures_of(double waterfall_usd, const HouseReport& report,
                                      const StressBook& stress);

/// What a limit is about.
enum class LimitKind : std::uint8_t {
    cover2,    ///< The waterfall must pay for the two largest shortfalls of one scenario.
    protocol,  ///< ΣSF within `protocol_share`.
    client,    ///< Stress loss within `client_share`.
};

/// A figure past its limit.
struct LimitBreach {
    LimitKind kind{};
    std::size_t index{};  ///< Which protocol, or which client; 0 of cover-2.
    double usd{};
    double limit_usd{};

    friend bool operator==(const LimitBreach&, const LimitBreach&) = default;
};

/// All figures past their limits: cover-2, protocols, clients. A figure exactly at its limit is
/// within; one that is no number is past it.
[[nodiscard]] std::vector<LimitBreach> breaches_of(const HouseFigures& figures,
                                                   const HouseLimits& limits);

/// An order seen from the house. `is_unwind`: no position but cash grows or changes its side, and
/// neither IM nor MM rises, as in `Verdict::unwinding`.
/// **Requires:** figures of the same protocols and clients, in the same order.
struct HouseAcceptance {
    const HouseFigures& before;
    const HouseFigures& after;
    bool is_unwind{};
};

/// Whether an order adds risk where there is no room for it.
enum class HouseVerdict : std::uint8_t {
    accepted,   ///< No figure that is past its limit grows by it.
    unwinding,  ///< Some limit is past, and it is an unwind: open at any time.
    refused,
};

/// The verdict, and what it was refused for, or would have been.
struct HouseDecision {
    HouseVerdict verdict{HouseVerdict::refused};
    std::optional<LimitBreach> because;

    friend bool operator==(const HouseDecision&, const HouseDecision&) = default;
};

/// Past a limit new risk is refused, and unwinds stay open. Cover-2 beyond the waterfall makes the
/// broker reduce-only: whatever is no unwind is refused. A protocol or client past its limit
/// refuses orders after which it stands for more than before, beyond rounding.
[[nodiscard]] HouseDecision verdict_of(const HouseAcceptance& order, const HouseLimits& limits);

}  // namespace crossclear::risk::kernel
