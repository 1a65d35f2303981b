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
/// | option | Black-76 with the forward times 1 + x and the state's volatility: `OptionRow` |
/// | lp2, lp3 | what the pool holds at the prices of both legs |
/// | deposit, debt | ± index·P |
/// | binary | its mark |
///
/// **Source:** the margin specification, "Instruments"; the inverse perpetual as BitMEX defines its
/// XBTUSD (profit in the coin: contracts·(1/entry - 1/exit)); pools in `pools.hpp`.
[[nodiscard]] double value_of(const Universe& universe, const Instrument& instrument,
                              const MarketState& state);

/// An option in one state of volatility. Of one whose last price is the average of its coin, and of
/// whose average a share w is known to be A, 1 - w options are left on what comes, struck at
/// (K - w·A)/(1 - w); below zero a call is a forward and a put is nothing. So the closer the end,
/// the less does a price move it, and at the end nothing does.
/// **Source:** Hull, Options, Futures, and Other Derivatives, on Asian options within their
/// averaging. What is left is taken as one on its end, which is a little dear.
class OptionRow {
public:
    /// **Requires:** an option.
    OptionRow(const ModelParameters& model, const Instrument& option, VolatilityState state);

    /// The value with the forward times `factor`. **Requires:** factor >= 0, and
    /// `log_factor == ln(factor)`.
    [[nodiscard]] double at(double factor, double log_factor) const noexcept {
        return known_ + (left_ == 0 ? 0 : left_ * row_.at(factor, log_factor));
    }
    /// ∂V/∂ln F with the forward as it is.
    [[nodiscard]] double exposure() const noexcept;

private:
    double left_{1};  // 1 - w
    double known_{};  // What is certain of its value.
    Black76 terms_;   // Of what is left.
    Black76Row row_;
};

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
