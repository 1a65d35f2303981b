#pragma once

#include "risk/kernel/universe.hpp"

/// European options on a forward.

namespace crossclear::risk::kernel {

/// The terms of a Black-76 price. All but the type are finite and not negative.
struct Black76 {
    OptionType type{OptionType::call};
    double forward{};
    double strike{};
    double years{};       ///< To expiry.
    double volatility{};  ///< A year's.
    double discount{1};   ///< D.
};

/// The value of one option: D[F·N(d1) - K·N(d2)] for a call, D[K·N(-d2) - F·N(-d1)] for a put, with
/// d1 = [ln(F/K) + σ²T/2] / (σ·sqrt T) and d2 = d1 - σ·sqrt T.
///
/// **Units:** those of forward and strike. Where T or σ is 0 it is the discounted intrinsic value;
/// with F = 0 a put is K·D, with K = 0 a call is F·D. Never negative.
/// **Source:** F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976).
[[nodiscard]] double value_of(const Black76& terms);

/// ∂V/∂F of one option, discounted: D·N(d1), and D·(N(d1) - 1) for a put.
[[nodiscard]] double delta_of(const Black76& terms);

/// An option whose forward is multiplied by many factors while all else stays: what a row of a
/// surface asks for, with the logarithm of each factor taken once for all options.
class Black76Row {
public:
    /// `terms.volatility` is that of this row; `terms.forward` is the one before any move.
    explicit Black76Row(const Black76& terms);

    /// The value with the forward times `factor`. **Requires:** factor >= 0, and
    /// `log_factor == ln(factor)`. **Cost:** one exponential, two rational approximations.
    [[nodiscard]] double at(double factor, double log_factor) const noexcept;

private:
    Black76 terms_;
    double log_moneyness_{};  // ln(F/K)
    double deviation_{};      // sigma·sqrt(T)
    bool is_intrinsic_{};
};

}  // namespace crossclear::risk::kernel
