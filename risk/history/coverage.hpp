#pragma once

#include <cstddef>
#include <vector>

/// Whether margins that were exceeded so often, and at these times, are what they claim to be.

namespace crossclear::risk::history {

/// How often a margin was too small: exceptions among windows, and the chance of one that it
/// claims.
struct Exceptions {
    std::size_t count{};
    std::size_t windows{};
    double chance{.01};
};

/// A likelihood ratio and the chance of one as large or larger where the claim holds.
struct LikelihoodRatio {
    double statistic{};
    double p_value{1};

    friend bool operator==(const LikelihoodRatio&, const LikelihoodRatio&) = default;
};

/// Whether exceptions are as frequent as claimed:
/// LR = -2 ln[((1-p)^(n-x)·p^x) / ((1-x/n)^(n-x)·(x/n)^x)], about χ² of one degree of freedom.
/// **Requires:** a window, no more exceptions than windows, a chance within (0, 1).
/// **Source:** P. Kupiec, "Techniques for verifying the accuracy of risk measurement models",
/// Journal of Derivatives 3 (1995).
[[nodiscard]] LikelihoodRatio kupiec(const Exceptions& found);

/// Whether that test refuses the claim at 95 %, and because there are too many exceptions: too few
/// waste margin and lose nobody's money.
[[nodiscard]] bool is_too_many(const Exceptions& found);

/// What followed what, in order: `quiet_bad` counts exceptions after a window without one.
struct Transitions {
    std::size_t quiet_quiet{};
    std::size_t quiet_bad{};
    std::size_t bad_quiet{};
    std::size_t bad_bad{};

    friend bool operator==(const Transitions&, const Transitions&) = default;
};
/// Counts them.
[[nodiscard]] Transitions transitions_of(const std::vector<bool>& exceptions);

/// Whether an exception is as likely after one as after none:
/// LR = -2 ln[((1-π)^(n00+n10)·π^(n01+n11)) / ((1-π0)^n00·π0^n01·(1-π1)^n10·π1^n11)], with
/// π0 = n01/(n00+n01), π1 = n11/(n10+n11) and π of both together; about χ² of one degree of
/// freedom. **Source:** P. Christoffersen, "Evaluating interval forecasts", International Economic
/// Review 39 (1998).
[[nodiscard]] LikelihoodRatio christoffersen(const Transitions& found);

/// Both at once: the two statistics added, about χ² of two degrees of freedom. **Source:** as
/// above.
[[nodiscard]] LikelihoodRatio both_of(const LikelihoodRatio& frequency,
                                      const LikelihoodRatio& independence);

/// The share of windows whose loss was covered. **Requires:** a window.
[[nodiscard]] double coverage_of(const Exceptions& found);

}  // namespace crossclear::risk::history
