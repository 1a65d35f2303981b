#pragma once

#include "risk/kernel/black76.hpp"
#include "risk/kernel/universe.hpp"

#include <array>
#include <cstddef>
#include <vector>

/// What one unit is worth in one state of the market. Every revaluation of the kernel goes through
/// here: scenarios, failures of protocols, and the marks themselves.

namespace crossclear::risk::kernel {

/// Prices in one state of the market.
struct MarketState {
    std::vector<double> prices;       ///< P' of each wrapper, USD.
    std::vector<double> factors;      ///< 1 + x of each underlying, at least 0.
    std::vector<double> log_factors;  ///< Their logarithms; minus infinity for 0.
    VolatilityState volatility{VolatilityState::flat};
};

/// The market as it is.
[[nodiscard]] MarketState market_now(const Universe& universe);

/// P' = max(0, P(1 + x)(1 + peg)(1 + premium)) for every wrapper. **Requires:** the scenario passed
/// the door.
[[nodiscard]] MarketState market_in(const Universe& universe, const Scenario& scenario);

/// The market once a protocol has failed: its depegs at their shares of its LGD, all else still.
[[nodiscard]] MarketState market_failed(const Universe& universe, ProtocolId protocol);

/// The value of one unit in a state. **Units:** USD; negative for a debt, or a contract that has
/// lost. **Requires:** a universe without fault, of which the instrument and the state are.
///
/// | kind | value |
/// |---|---|
/// | cash | 1 |
/// | spot, synthetic, stable | P |
/// | perpetual, future | P - entry |
/// | inverse perpetual | face·(S/entry - S/P), at least -face; S is its coin's own price |
/// | option | Black-76 with the forward times 1 + x and the state's volatility |
/// | lp2, lp3 | what the pool holds at the prices of both legs |
/// | deposit, debt | ± index·P |
/// | binary | its mark |
[[nodiscard]] double value_of(const Universe& universe, const Instrument& instrument,
                              const MarketState& state);

/// The terms of an option at its own volatility. **Requires:** it is one.
[[nodiscard]] Black76 terms_of(const Instrument& instrument);

/// ∂V/∂ln P of one unit by one wrapper, at the marks.
struct WrapperExposure {
    WrapperId wrapper;
    double usd{};
};
/// At most two: of an LP, one a leg.
struct Exposures {
    std::array<WrapperExposure, 2> list;
    std::size_t count{};
};
/// What moves the value of one unit. An option's exposure is that to the wrapper it names; cash and
/// binaries have none.
[[nodiscard]] Exposures exposures_of(const Universe& universe, const Instrument& instrument);

/// What one unit stands for, in USD: the mark of a perpetual or future, the face of an inverse one,
/// the spot of an option's coin, otherwise the size of its value; 0 for cash.
[[nodiscard]] double notional_of(const Universe& universe, const Instrument& instrument);

}  // namespace crossclear::risk::kernel
