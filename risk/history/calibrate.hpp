#pragma once

#include "risk/history/estimate.hpp"
#include "risk/history/prices.hpp"
#include "risk/kernel/universe.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// From estimates to a universe that margins.

namespace crossclear::risk::history {

/// What is estimated of one column.
struct AssetEstimate {
    std::string name;
    bool is_stable{};  ///< Stands for a dollar: more than half of its prices are within 5 % of one.
    Estimate estimate;

    friend bool operator==(const AssetEstimate&, const AssetEstimate&) = default;
};

/// A column of which nothing can be estimated, and why.
struct LeftOut {
    std::string name;
    EstimateFault fault{};
    std::optional<Quote> latest;

    friend bool operator==(const LeftOut&, const LeftOut&) = default;
};

/// How alike two coins move: of the logarithms over the horizon, about zero.
struct Correlation {
    std::size_t a{};  ///< Positions in `Calibration::assets`.
    std::size_t b{};
    double value{};

    friend bool operator==(const Correlation&, const Correlation&) = default;
};

/// All that is estimated at one moment, in the order of the columns.
struct Calibration {
    base::Timestamp at;
    EstimateTerms terms;
    std::vector<AssetEstimate> assets;
    std::vector<LeftOut> left_out;
    std::vector<Correlation> correlations;  ///< Of coins; stablecoins have none.
    std::optional<double> correlation;      ///< Their mean: the model has one for all coins.

    /// The estimate of a name, or null.
    [[nodiscard]] const AssetEstimate* find(std::string_view name) const;

    friend bool operator==(const Calibration&, const Calibration&) = default;
};

/// Gathers rows, and says at any time what is known. **Thread:** one.
class Calibrator {
public:
    /// Looks at those columns only, in this order.
    /// **Requires:** at most `limits::columns_max` names, each once, each a column of the rows.
    Calibrator(const std::vector<std::string>& columns, const std::vector<std::string>& wanted,
               const EstimateTerms& terms);

    /// The next row. **Requires:** later than the ones before.
    void add(const Row& row);

    /// The latest price of a name, however old; nothing where there is none.
    [[nodiscard]] std::optional<Quote> latest(std::string_view name) const;
    /// What is known at `now`: the time of the latest row, or later.
    [[nodiscard]] Calibration calibration(base::Timestamp now) const;

private:
    // Sums of products of the moves of two columns that begin and end together.
    struct Pair {
        std::size_t a{};
        std::size_t b{};
        double ab{};
        double aa{};
        double bb{};
    };
    struct Asset {
        std::string name;
        std::size_t column{};
        Estimator estimator;
    };

    EstimateTerms terms_;
    std::vector<Asset> assets_;
    std::vector<Pair> pairs_;
};

/// What no file of prices knows and a universe needs, with the specification's figures for a coin
/// and for a stablecoin.
struct StandIns {
    double half_spread{.0003};
    double volume_day_usd{20e6};  ///< Where the file has no volumes: the least of the table's.
    double haircut_initial{.005};
    double haircut_maintenance{.0025};
    double stable_basis{.0025};
    double stable_half_spread{.0001};
    double stable_haircut_initial{.0025};
    double stable_haircut_maintenance{.00125};

    friend bool operator==(const StandIns&, const StandIns&) = default;
};

/// A universe of what was estimated: USD, each coin and each stablecoin, held as they are. A
/// stablecoin's peg may move as far as it ever has. Protocols are not in prices: it has none.
/// **Rounding:** ranges, volatilities and pegs up to a hundredth of a percent; a range to at most
/// 99.99 %.
[[nodiscard]] kernel::Universe universe_of(const Calibration& calibration,
                                           const StandIns& stand_ins = {});

/// The price of a name, or nothing where there is none.
using PriceOf = std::function<std::optional<double>(std::string_view)>;

/// The same universe at other prices: a coin and a wrapper of that name take them, a wrapper with
/// none follows its coin, and what has neither stays. Forwards follow their coin.
[[nodiscard]] kernel::Universe repriced(kernel::Universe universe, const PriceOf& price_of);

/// The same universe with what was estimated put into it: prices; range and volatility of coins;
/// volatility, volume and pegs of wrappers with an estimate of their own; the correlation. The
/// volatility of a wrapper without follows its coin's. Scenarios are generated anew; all else is as
/// it was.
[[nodiscard]] kernel::Universe recalibrated(kernel::Universe universe,
                                            const Calibration& calibration);

}  // namespace crossclear::risk::history
