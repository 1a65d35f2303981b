#pragma once

#include "base/result.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/credit.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// The broker's own solvency: what its clients' defaults and protocols' failures can take from it.

namespace crossclear::risk::kernel {

/// The largest sum of `count` clients' shortfalls in one scenario. Rows are scenarios, columns
/// clients; what is not positive is no shortfall. **Units:** those of the rows.
/// **Source:** CPMI-IOSCO, Principles for financial market infrastructures (2012), principle 4:
/// cover one and cover two.
[[nodiscard]] double cover(std::span<const std::vector<double>> shortfalls, std::size_t count);

/// The same of accounts: a client's shortfall is max(0, -v - equity), over every scenario.
/// **Requires:** accounts of one surface. **Errors:** `not_finite`.
[[nodiscard]] base::Result<double, Fault> cover(std::span<const Account* const> accounts,
                                                std::size_t count);

/// What one client would leave unpaid, where that is something. **Units:** USD.
struct Shortfalls {
    /// In one scenario, or as one protocol fails.
    struct At {
        std::uint16_t index{};  ///< Of the scenario, core and then simulated; or of the protocol.
        double usd{};

        friend bool operator==(const At&, const At&) = default;
    };
    std::vector<At> scenarios;  ///< max(0, -v - equity).
    std::vector<At> protocols;  ///< SF.

    friend bool operator==(const Shortfalls&, const Shortfalls&) = default;
};
/// Those of an account whose margin is known. **Errors:** `not_finite`.
[[nodiscard]] base::Result<Shortfalls, Fault> shortfalls_of(const Account& account,
                                                            const Margin& margin);

/// What many clients would leave unpaid: all that a house is judged by, so that neither the clients
/// nor their number is needed for it. Sums of groups that share no client join to those of all.
/// **Units:** USD.
struct HouseSums {
    /// Of one scenario.
    struct Line {
        double total{};
        double largest{};
        double second{};

        /// One client more.
        void add(double usd);
        /// Another group's.
        void add(const Line& group);

        friend bool operator==(const Line&, const Line&) = default;
    };
    std::vector<Line> scenarios;  ///< Core and then simulated, as far as anybody leaves something.
    std::vector<double> protocols;  ///< ΣSF, likewise.

    /// One client more.
    void add(const Shortfalls& client);
    /// Another group's.
    void add(const HouseSums& group);

    friend bool operator==(const HouseSums&, const HouseSums&) = default;
};

/// What a house is asked about.
struct HouseTerms {
    double waterfall_usd{};    ///< What there is to pay losses with.
    std::uint64_t seed{1};     ///< Of the part of the default factor that the market does not say.
    std::size_t cells{1'024};  ///< Steps of the grid that protocols' losses are rounded up to.
};

/// How sound a house is.
struct HouseReport {
    double solvency_probability{};  ///< P(loss <= waterfall) within a year's PD.
    double expected_loss{};         ///< Of market and protocols together, USD.
    double cover1{};                ///< USD.
    double cover2{};
    std::vector<double> shortfalls;  ///< ΣSF by protocol, in the universe's order.
};

/// Looks at all accounts together. In each simulated scenario the default factor is Z = sqrt(.5)·m
/// + sqrt(.5)·n, m its standardised mean log move and n a normal of its own. A protocol's chance of
/// failing is that given Z, and its loss ΣSF joins what clients leave unpaid; the chances are
/// convolved exactly. The probability never falls as the waterfall grows: the grid does not depend
/// on it.
/// **Source:** the margin specification, "House"; a protocol's chance given Z and the convolution
/// as in `credit.hpp`.
/// **Requires:** accounts of one surface. **Errors:** `not_finite`.
[[nodiscard]] base::Result<HouseReport, Fault> look_at_house(
    std::span<const Account* const> accounts, const HouseTerms& terms);

/// The same of sums that were made on surfaces of this one's universe; they may be of different
/// moments. **Errors:** `not_finite`; `out_of_range` where they are of another universe.
[[nodiscard]] base::Result<HouseReport, Fault> look_at_house(const Surface& surface,
                                                             const HouseSums& sums,
                                                             const HouseTerms& terms);

}  // namespace crossclear::risk::kernel
